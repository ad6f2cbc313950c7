# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines, read by the table of the version: names and types of the real program, and its words of refusal."""

from __future__ import annotations

import ipaddress
import json
import pkgutil
import re
from typing import Any, Callable

DURATION = re.compile(r"[-+]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+|0")
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
LISTS = ("strings", "stringArray", "int32Slice")
BOOLEAN = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class Refusal(Exception):
    """The program ends with these words, as the real one would."""

    def __init__(self, message: str, status: int = 1) -> None:
        """Keep message and exit status."""
        super().__init__(message)
        self.status = status


def table(name: str) -> Any:
    """Return one of the data tables, from the archive or the source tree."""
    data = pkgutil.get_data(__package__ or "standin", f"data/{name}.json")
    return json.loads(data or b"null")


def seconds(text: str) -> float:
    """Return a Go duration in seconds."""
    if not DURATION.fullmatch(text):
        raise ValueError(f'time: invalid duration "{text}"')
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)", text))


def _int(text: str) -> int:
    """Return a whole number."""
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _float(text: str) -> float:
    """Return a number."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f'strconv.ParseFloat: parsing "{text}": invalid syntax') from None


def _bool(text: str) -> bool:
    """Return a truth value."""
    if text.lower() not in BOOLEAN:
        raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')
    return BOOLEAN[text.lower()]


def _ip(text: str) -> str:
    """Return an address."""
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        raise ValueError(f'failed to parse IP: "{text}"') from None


READERS: dict[str, Callable[[str], Any]] = {
    "bool": _bool,
    "RuntimeDefault": _bool,
    "int": _int,
    "int32": _int,
    "float": _float,
    "float32": _float,
    "duration": seconds,
    "ip": _ip,
    "int32Slice": lambda text: [_int(part) for part in text.split(",")],
    "strings": lambda text: text.split(",") if text else [],
    "stringArray": lambda text: [text],
}


class Line:
    """A parsed command line."""

    def __init__(self, known: dict[str, str]) -> None:
        """Begin with nothing given."""
        self.known = known
        self.values: dict[str, Any] = {}
        self.rest: list[str] = []

    def read(self, words: list[str]) -> Line:
        """Take all words; raise Refusal at the first that is wrong."""
        words = list(words)
        while words:
            word = words.pop(0)
            if word == "--":
                self.rest += words
                break
            if not word.startswith("-") or word == "-":
                self.rest.append(word)
                continue
            name, equals, value = word.lstrip("-").partition("=")
            shown = word.partition("=")[0]
            name = self._long(name, shown)
            if not equals:
                value = self._value(name, shown, words)
            self._set(name, value)
        return self

    def _long(self, name: str, shown: str) -> str:
        """Return the full name of a flag that exists."""
        kind = self.known.get(name)
        # Go's own flags, which flanneld has, take one dash as well as two.
        if kind is None or (len(name) > 1 and not shown.startswith("--") and "net-config-path" not in self.known):
            raise Refusal(f"unknown flag: {shown}")
        return kind[1:] if kind.startswith("=") else name

    def _value(self, name: str, shown: str, words: list[str]) -> str:
        """Return the value of a flag without an equals sign."""
        if self.known[name] in ("bool", "RuntimeDefault", "version"):
            return "true"
        if not words:
            raise Refusal(f"flag needs an argument: {shown}")
        return words.pop(0)

    def _set(self, name: str, text: str) -> None:
        """Read and keep one value; lists grow."""
        kind = self.known[name]
        try:
            value = READERS.get(kind, str)(text)
        except ValueError as exc:
            raise Refusal(f'invalid argument "{text}" for "--{name}" flag: {exc}') from None
        if kind in LISTS and name in self.values:
            value = self.values[name] + value
        self.values[name] = value


def usage(program: str, known: dict[str, str]) -> str:
    """Return what --help prints: the flags and their types."""
    lines = [f"Usage:\n  {program} [flags]\n\nA stand-in of hardway.kubernetes for rehearsals.\n"]
    lines += [f"      --{name} {'' if kind == 'bool' else kind}".rstrip() for name, kind in sorted(known.items())]
    return "\n".join(line for line in lines if "=" not in line)
