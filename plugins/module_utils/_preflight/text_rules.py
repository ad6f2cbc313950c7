# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for names, addresses, quantities and other texts that a program would reject, or read as something else.

They follow what the programs parse, and refuse nothing that one of them accepts and acts upon. Rules take a converted
value and return what is wrong and the remedy, or nothing.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import is_address
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.alt_names import classify

Rule = t.Callable[[t.Any], str]
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DNS_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LONGEST_DNS_NAME = 253
# Without what systemd, haproxy, keepalived and the Corefile split at, or take for a quote, comment or variable.
_WORD = re.compile(r"[^\s\"'\\#]*")
_PLAIN_PATH = re.compile(r"[^\s\"'\\$%]*")
_BREAK = re.compile(r"[\r\n\0]")
_NUMBER = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)"
_QUANTITY = re.compile(rf"\+?{_NUMBER}([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?")
_PERCENT = re.compile(rf"{_NUMBER}%")
RESERVED = ("cpu", "memory", "ephemeral-storage", "pid")
SIGNALS = (
    *("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree"),
    *("containerfs.available", "containerfs.inodesFree", "pid.available", "allocatableMemory.available"),
)
# Of the API's core group. Others are written with their group: without it, the API server would encrypt nothing.
CORE_RESOURCES = (
    *("configmaps", "endpoints", "events", "limitranges", "namespaces", "nodes", "persistentvolumeclaims"),
    *("persistentvolumes", "pods", "podtemplates", "replicationcontrollers", "resourcequotas", "secrets"),
    *("serviceaccounts", "services"),
)
_GROUP = rf"{_LABEL}(\.{_LABEL})*"
_GROUP_RESOURCE = re.compile(rf"\*\.(\*|{_GROUP})?|{_LABEL}\.{_GROUP}")
_DAY = r"(mon(day)?|tue(sday)?|wed(nesday)?|thu(rsday)?|fri(day)?|sat(urday)?|sun(day)?)"
_DAYS = rf"{_DAY}((,|-|\.\.){_DAY})*,?"
_OFTEN = r"(minutely|hourly|daily|weekly|monthly|quarterly|an?nually|yearly|semi-?annually|bi-?annually)"
# A date, a time, or both.
_MOMENT = r"[0-9*,./~:-]+([ T][0-9*,./~:-]+)?"
_ZONE = r"[a-z][a-z0-9_+/-]*"
CALENDAR = re.compile(rf"({_OFTEN}|{_DAYS}|({_DAYS} +)?{_MOMENT}|@[0-9]+)( +{_ZONE})?", re.IGNORECASE)
_TIME_UNIT = r"(usec|us|[µμ]s|msec|ms|seconds?|sec|s|minutes?|min|m|hours?|hr|h|days?|d|weeks?|w|months?|M|years?|y)"
TIME_SPAN = re.compile(rf"({_NUMBER} *{_TIME_UNIT}? *)+")
_SCHEME = re.compile(r"[a-z]+://")
_PORT_AT_END = re.compile(r"(.*):([0-9]+)(-[0-9]+)?")
LAST_PORT = 65535


def matching(pattern: re.Pattern[str], what: str, remedy: str) -> Rule:
    """Return the rule that a text has a form."""
    return lambda value: "" if pattern.fullmatch(str(value)) else f"{value!r} is {what}; {remedy}"


def each(rule: Rule) -> Rule:
    """Return the rule for a list of which each item keeps another rule."""
    return lambda value: next((problem for item in value if (problem := rule(item))), "")


def or_empty(rule: Rule) -> Rule:
    """Return the rule for a text that may be empty."""
    return lambda value: rule(value) if value else ""


cluster_name = matching(
    _NAME,
    "no name of a cluster, which becomes a part of names of files, certificates and kubeconfigs",
    "use up to 63 letters, digits, '-', '_' and '.', the first and the last a letter or digit",
)
word = matching(_WORD, "no single word", "write it without blanks, quotes, backslashes and '#'")
plain_path = matching(
    _PLAIN_PATH, "a path that systemd would read as something else", "use one without blanks, quotes, '\\', '$' and '%'"
)
url_path = matching(
    re.compile(r"/[^\s\"'\\#]*"), "no path of a URL", "begin it with /, without blanks, quotes, backslashes and '#'"
)
interface = matching(
    re.compile(r"[^\s/\"'#!]{1,15}"), "no name of an interface", "use one of those that `ip link` shows"
)
module = matching(re.compile(r"[A-Za-z0-9_-]+"), "no name of a kernel module", "write it without path and suffix")
calendar = matching(
    CALENDAR, "no calendar event of systemd", "write it like daily or Sun 03:00; `systemd-analyze calendar` shows more"
)
time_span = matching(TIME_SPAN, "no time span of systemd", "write a number with a unit, as 90s, 10min or 1h")
dns_label = matching(re.compile(_LABEL), "no name of a namespace", "use up to 63 lower-case letters, digits and '-'")
plugin = matching(re.compile(r"[A-Za-z0-9]+"), "no name of an admission plugin", "write it like NodeRestriction")


def one_line(value: t.Any) -> str:
    """A text without line breaks."""
    return f"{value!r} has a line break; write it in one line" if _BREAK.search(value) else ""


def dns_name(value: t.Any) -> str:
    """A name in DNS, as Kubernetes takes it."""
    if len(value) <= LONGEST_DNS_NAME and _DNS_NAME.fullmatch(value):
        return ""
    return f"{value!r} is no DNS name; use lower-case letters, digits, '-' and '.', and no '.' at the end"


def san(value: t.Any) -> str:
    """A name or address of a certificate. One that is empty is left out."""
    try:
        kind = classify(value, "").kind if value != "" else ""
    except HardwayError as exc:
        return str(exc).removeprefix(": ")
    if kind == "uri" and str(value).lower().startswith(("http://", "https://")):
        return f"{value!r} is a URL, which clients do not compare; write only its host, as api.example.org"
    return ""


def qualified_name(value: t.Any) -> str:
    """A key of a label or taint."""
    prefix, slash, name = str(value).rpartition("/")
    if not _NAME.fullmatch(name) or (slash and dns_name(prefix)):
        return (
            f"{value!r} is no key of a label or taint; write [PREFIX/]NAME, PREFIX a DNS name, NAME up to 63 letters, "
            "digits, '-', '_' and '.'"
        )
    return ""


def label_value(value: t.Any) -> str:
    """A value of a label or taint, as roles convert it."""
    shown = str(value).lower() if isinstance(value, bool) else "" if value is None else value
    if isinstance(shown, (dict, list)) or (shown != "" and not _NAME.fullmatch(str(shown))):
        return (
            f"{value!r} is no value of a label or taint; use up to 63 letters, digits, '-', '_' and '.', the first and "
            "the last a letter or digit"
        )
    return ""


def labels(value: t.Mapping[str, t.Any]) -> str:
    """Labels of a node."""
    problems = (qualified_name(key) or _of(key, label_value(item)) for key, item in value.items())
    return next((problem for problem in problems if problem), "")


def taint(value: t.Any) -> str:
    """A taint, whose fields were validated."""
    if not isinstance(value, t.Mapping):
        return ""
    key = value.get("key")
    return qualified_name(key) or _of(key, label_value(value.get("value")))


def reserved(value: t.Mapping[str, t.Any]) -> str:
    """Resources that the kubelet keeps from pods."""
    for name, amount in value.items():
        if name not in RESERVED:
            return f"{name!r} is no resource that the kubelet reserves; known are {', '.join(RESERVED)}"
        if not _QUANTITY.fullmatch(_scalar(amount)):
            return f"{name} {amount!r} is no quantity; write it like 500m, 2, 512Mi or 1Gi"
    return ""


def eviction(value: t.Mapping[str, t.Any]) -> str:
    """Thresholds of the kubelet."""
    for name, amount in value.items():
        if name not in SIGNALS:
            return f"{name!r} is no signal for evictions; known are {', '.join(SIGNALS)}"
        shown = _scalar(amount)
        if _PERCENT.fullmatch(shown):
            right = float(shown[:-1]) <= 100
        else:
            right = bool(_QUANTITY.fullmatch(shown) and re.search("[1-9]", re.split("[eE]", shown)[0]))
        if not right:
            return f"{name} {amount!r} is no threshold; write a quantity like 200Mi, or a part like 10%"
    return ""


def encrypted_resource(value: t.Any) -> str:
    """A resource in EncryptionConfiguration."""
    if value in CORE_RESOURCES or _GROUP_RESOURCE.fullmatch(str(value)):
        return ""
    near = [name for name in CORE_RESOURCES if str(value).lower() in (name, name.removesuffix("s"))]
    right = near[0] if near else "the lower-case plural, as secrets, or with its group, as deployments.apps"
    return f"{value!r} is no resource of the core group, and would not be encrypted; write {right}"


def port(value: str) -> bool:
    """Return whether a text is a port."""
    return 1 <= int(value) <= LAST_PORT


def listener(value: t.Any) -> str:
    """An address of haproxy's, which may have options behind it."""
    if problem := one_line(str(value)):
        return problem
    address = (str(value).split() or [""])[0]
    if any(mark in address for mark in ("/", "@", "$")):
        return ""
    found = _PORT_AT_END.fullmatch(address)
    if found and port(found[2]) and (not found[3] or port(found[3][1:])):
        return ""
    return f"{value!r} has no port between 1 and {LAST_PORT}; write ADDRESS:PORT, as 192.0.2.1:6443 or *:6443"


def local_listener(value: t.Any) -> str:
    """The listener that checks on the same host use, and so an address and a port only."""
    found = _PORT_AT_END.fullmatch(value)
    if found and not found[3] and port(found[2]) and found[1] not in ("", "*") and not word(value) and "/" not in value:
        return ""
    return f"{value!r} is no address with a port between 1 and {LAST_PORT}; write it like 127.0.0.1:8443"


def upstream(value: t.Any) -> str:
    """A server of CoreDNS' plugin forward, or a file like resolv.conf."""
    scheme = _SCHEME.match(str(value))
    rest = str(value)[scheme.end() :] if scheme else str(value)
    if rest and not word(rest) and ((scheme and scheme[0] not in ("dns://", "tls://")) or rest.startswith("/")):
        return ""
    found = _PORT_AT_END.fullmatch(rest)
    if is_address(rest.strip("[]").partition("%")[0]):
        return ""
    if found and not found[3] and port(found[2]) and is_address(found[1].strip("[]").partition("%")[0]):
        return ""
    return f"{value!r} is no DNS server; write ADDRESS, ADDRESS:PORT, tls://ADDRESS, or the path of a resolv.conf"


def ipv4_address(value: t.Any) -> str:
    """An IPv4 address."""
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return f"{value!r} is no IPv4 address; write it like 192.0.2.1"
    return ""


def interface_or_address(value: t.Any) -> str:
    """What flannel finds an interface by."""
    return "" if is_address(value) else interface(value)


def sysctls(value: t.Mapping[str, t.Any]) -> str:
    """Sysctls and their values, in which blanks do not count."""
    for name, setting in value.items():
        if not re.fullmatch(r"[^\s=#;]+[./][^\s=#;]+", str(name)):
            return f"{name!r} is no name of a sysctl; write it like vm.max_map_count"
        if setting is None or isinstance(setting, (dict, list)) or _BREAK.search(str(setting).strip()):
            return f"{name} {setting!r} is no value of a sysctl; write a number or a text of one line"
    return ""


def password(value: t.Any) -> str:
    """A password of keepalived's, of which it takes eight characters. The text does not show it."""
    used = str(value)[:8]
    if re.fullmatch(r"[!-~]*", used) and not re.search("[\"'#!]", used):
        return ""
    return "has characters that keepalived takes for something else; use ASCII without blanks, quotes, '#' and '!'"


def flags(value: t.Any) -> str:
    """Flags and configurations: their programs know what they mean, but none of them has a value of several lines."""
    items = value.items() if isinstance(value, t.Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        if problem := _of(name, one_line(item)) if isinstance(item, str) else flags(item):
            return problem
    return ""


def command(value: t.Any) -> str:
    """A command of keepalived's, which is quoted there."""
    if re.fullmatch(r"/[^\r\n\0\"]*", value):
        return ""
    return f"{value!r} is no command with an absolute path; write it in one line, and without double quotes"


def metrics_file(value: t.Any) -> str:
    """A file that node_exporter reads."""
    return (
        "" if value.endswith(".prom") else f"{value!r} does not end in .prom; node_exporter reads no others, rename it"
    )


def manifest(value: t.Any) -> str:
    """The text of a manifest, or where it is, not the name of its file alone."""
    if isinstance(value, t.Mapping) and "kind" not in value:
        given = [name for name in ("content", "path", "url") if value.get(name)]
        return "" if len(given) == 1 else "an entry has not exactly one of content, path and url; give one of them"
    lines = [line for line in str(value).splitlines() if line.strip() and not line.lstrip().startswith(("#", "---"))]
    if not lines or "kind" in str(value):
        return ""
    return f"{str(value)[:60]!r} is no manifest, which has a kind; give its text, or path: and the file or directory"


def _of(name: t.Any, problem: str) -> str:
    return f"{name} {problem}" if problem else ""


def _scalar(value: t.Any) -> str:
    return "" if value is None or isinstance(value, (bool, dict, list)) else str(value)
