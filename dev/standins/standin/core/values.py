# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flag's or a field's value may be, by type and by the table of limits, and the real program's words. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Callable, Optional

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
BOOLEAN = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
QUANTITY = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
SUFFIX = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?\d+)?")


def seconds(text: str) -> float:
    """Return a Go duration in seconds."""
    if text.lstrip("+-") == "0":
        return 0.0
    if not re.fullmatch(r"[-+]?(\d+\.?\d*[^\d.]*)+", text):
        raise ValueError(f'time: invalid duration "{text}"')
    total = 0.0
    for number, unit in re.findall(r"(\d+\.?\d*)([^\d.]*)", text):
        if unit not in UNITS:
            problem = f'unknown unit "{unit}"' if unit else "missing unit"
            raise ValueError(f'time: {problem} in duration "{text}"')
        total += float(number) * UNITS[unit]
    return -total if text.startswith("-") else total


Reader = Callable[[str], Any]


def _number(function: str, pattern: str, read: Reader) -> Reader:
    """Return a reader of numbers that refuses in the words of one of Go's functions."""

    def number(text: str) -> Any:
        if not re.fullmatch(pattern, text):
            raise ValueError(f'strconv.{function}: parsing "{text}": invalid syntax')
        return read(text)

    return number


whole = _number(
    "ParseInt", r"[-+]?(0[xX][\da-fA-F]+|\d+)", lambda text: int(text, 0) if "x" in text.lower() else int(text)
)
level = _number("ParseUint", r"\d+", int)
real = _number("ParseFloat", r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", float)
digits = _number("Atoi", r"[-+]?\d+", int)
truth = _number(
    "ParseBool", "|".join([*BOOLEAN, *map(str.upper, BOOLEAN), "True", "False"]), lambda text: BOOLEAN[text.lower()]
)


def address(text: str) -> str:
    """Return an address."""
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        raise ValueError(f'failed to parse IP: "{text}"') from None


def endpoint(text: str) -> str:
    """Return an address, or one with a port."""
    try:
        return address(text)
    except ValueError:
        host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f'"{text}" is not in a valid format (ip or ip:port): address {text}: missing port in address')
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise ValueError(f'"{host}" is not a valid IP address') from None
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f'"{port}" is not a valid number')
    return text


def ports(text: str) -> tuple[int, int]:
    """Return the first and the last port of a range: 1-5, 1+4, or only one."""
    first, sign, second = re.fullmatch(r"([^-+]*)([-+]?)(.*)", text).groups()  # type: ignore[union-attr]
    begin = digits(first)
    end = begin if not sign else digits(second) + (begin if sign == "+" else 0)
    if max(begin, end) > 65535:
        raise ValueError(f"the port range cannot be greater than 65535: {text}")
    if end < begin:
        raise ValueError(f"end port cannot be less than start port: {text}")
    return begin, end


def quantity(text: str) -> str:
    """Return an amount, which the API writes with a unit."""
    if not SUFFIX.fullmatch(text):
        raise ValueError(f"quantities must match the regular expression '{QUANTITY}'")
    return text


def pairs(sign: str, words: str) -> Callable[[str], dict[str, str]]:
    """Return a reader of pairs with a sign between them."""

    def read(text: str) -> dict[str, str]:
        found = {}
        for pair in filter(None, text.split(",")):
            name, between, value = pair.partition(sign)
            if not between:
                raise ValueError(words.format(pair))
            found[name.strip()] = value.strip()
        return found

    return read


def gates(text: str) -> dict[str, bool]:
    """Return what is switched on and off."""
    found = {}
    for name, value in pairs("=", "malformed pair, expect string=bool")(text).items():
        try:
            found[name] = truth(value)
        except ValueError as exc:
            raise ValueError(f"invalid value of {name}: {value}, err: {exc}") from None
    return found


def matching(pattern: str, words: str) -> Callable[[str], list[dict[str, str]]]:
    """Return a reader of listed words of one form, whose named parts count."""

    def read(text: str) -> list[dict[str, str]]:
        found = []
        for word in filter(None, text.split(",")):
            if (match := re.fullmatch(pattern, word)) is None:
                raise ValueError(words.format(word))
            found.append({name: part for name, part in match.groupdict().items() if part})
        return found

    return read


def key_pair(text: str) -> list[str]:
    """Return the paths of a certificate and its key."""
    if text.partition(":")[0].count(",") != 1:
        raise ValueError("expected comma separated certificate and key file paths")
    return [text]


# Labels in kubernetes.io and k8s.io that a node may not give itself.
GUARDED = re.compile(
    r"(?!([^/]*\.)?(kubelet|node)\.kubernetes\.io/|kubernetes\.io/(arch|os|hostname)$|beta\.kubernetes\.io/(arch|os|instance-type)$"
    r"|(topology|failure-domain\.beta)\.kubernetes\.io/(region|zone)$)([^/]*\.)?(kubernetes|k8s)\.io/.*"
)
PART = r"[A-Za-z\d]([\w.-]{0,61}[A-Za-z\d])?"


def label_problem(labels: dict[str, str]) -> str:
    """Return why a kubelet would not give its node some labels."""
    if guarded := sorted(name for name in labels if GUARDED.fullmatch(name)):
        return f"unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [{' '.join(guarded)}]"
    for name, value in labels.items():
        bad = [name] if not re.fullmatch(rf"([a-z\d.-]+/)?{PART}", name) else []
        if bad := bad or ([value] if value and not re.fullmatch(PART, value) else []):
            reason = (
                "must be no more than 63 bytes" if len(bad[0]) > 63 else "a valid label must consist of alphanumeric"
            )
            return f"invalid node labels: '{bad[0]}' - {reason}"
    return ""


TAINT = r"(?P<key>[\w./-]+)(=(?P<value>[\w.-]*))?:(?P<effect>NoSchedule|PreferNoSchedule|NoExecute)"
READERS: dict[str, Reader] = {
    "bool": truth,
    "RuntimeDefault": truth,
    "int": whole,
    "int32": whole,
    "float": real,
    "float32": real,
    "Level": level,
    "duration": seconds,
    "ip": address,
    "ipport": endpoint,
    "portRange": ports,
    "quantity": quantity,
    "int32Slice": lambda text: [whole(part) for part in text.split(",")],
    "strings": lambda text: text.split(",") if text else [],
    "stringArray": lambda text: [text],
    "mapStringBool": gates,
    "mapStringString": pairs("=", "malformed pair, expect string=string"),
    "stringToString": pairs("=", "{} must be formatted as key=value"),
    "namedCertKey": key_pair,
    "pattern=N,...": matching(r".+=\d+", '"{}" does not have the pattern=N format'),
    "[]v1.Taint": matching(TAINT, "invalid taint spec: {}"),
}
# Some flags of kubelet have another sign between the halves of a pair.
BY_NAME: dict[str, Reader] = {
    "eviction-hard": pairs("<", "malformed pair, expect string<string"),
    "eviction-soft": pairs("<", "malformed pair, expect string<string"),
    # Labels may be without a value.
    "node-labels": lambda text: {n.strip(): v.strip() for n, _, v in (p.partition("=") for p in text.split(",") if p)},
    "manifest-url-header": pairs(":", "malformed pair, expect string:string"),
}


Rule = Mapping[str, Any]


def problem(rules: Mapping[str, Rule], content: Mapping[str, Any], choices: Mapping[str, list[str]]) -> str:
    """Return the first thing that is wrong with flags or fields, which rules name by their path; nothing else."""
    for path, rule in rules.items():
        value: Any = content
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value not in (None, "") and (words := _broken(rule, value, choices)):
            return words
    return ""


def _broken(rule: Rule, value: Any, choices: Mapping[str, list[str]]) -> str:
    """Return what is wrong with one value, or with one in a list."""
    if "networks" in rule:
        return _networks(value.split(","), *rule["networks"])
    given = value if isinstance(value, list) else [value]
    if "once" in rule and len(set(given)) < len(given):
        return str(rule["once"].format(given))
    known = sorted(choices.get(rule.get("choices", ""), rule.get("among", [])))
    for word in given:
        # Only where names may be switched off do they begin so.
        name = word.removeprefix("-") if isinstance(word, str) else word
        wrong = _typed(rule.get("type", ""), word) or (known and name not in known and word != "*")
        if wrong or not rule.get("from", word) <= word <= rule.get("to", word) or not _fits(rule.get("pattern"), word):
            return str(rule["message"].format(name, known=", ".join(known), problem=wrong))
    return ""


def _typed(kind: str, text: str) -> str:
    """Return why a text is not of a type of flags."""
    try:
        READERS.get(kind, str)(text)
    except ValueError as exc:
        return str(exc)
    return ""


def _fits(pattern: Optional[str], text: Any) -> bool:
    """Say whether a text has a form, if it must have one."""
    return pattern is None or re.fullmatch(pattern, text) is not None


def network(text: str) -> Any:
    """Return a network; nothing where the text is none."""
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _networks(parts: list[str], each: str, many: str, alike: str, small: str) -> str:
    """Return what is wrong with a network, or with two of which each is to be of another family."""
    found = [network(part) for part in parts]
    wrong = next((number for number, one in enumerate(found[:2]) if one is None), None)
    if wrong is not None or len(parts) > 2:
        return many if wrong is None else each.format(wrong, parts[wrong])
    if len({one.version for one in found}) < len(found):
        return alike
    return small if found[0].num_addresses < 8 else ""
