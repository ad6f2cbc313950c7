# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for what operators add to load balancers: notify scripts, and lines in the configurations of the programs.

The programs validate these lines on the host. Here is only what would end a section of the role's own.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import master_files, text_rules

EVENTS = ("any", "backup", "fault", "master", "stop")
# Where role keepalived installs scripts that have a name.
NOTIFY_DIR = "/usr/libexec/keepalived/notify"
_SECTION = re.compile(
    r"\s*(backend|cache|crt-store|defaults|fcgi-app|frontend|global|http-errors|listen|log-forward|mailers|peers|program"
    r"|resolvers|ring|traces|userlist)(\s|$)"
)
_QUOTED = re.compile(r'"[^"\n]*"')
_COMMENT = re.compile(r"[#!].*")
_LOOPBACK = re.compile(r"127\.[0-9.]+|\[::1\]|localhost")


def section_lines(value: t.Any) -> str:
    """Lines in one of haproxy's sections."""
    for line in str(value).splitlines():
        if found := _SECTION.match(line):
            return f"{line.strip()!r} begins another section ({found[1]}); write sections into haproxy_extra_config"
    return ""


def blocks(value: t.Any) -> str:
    """Lines of keepalived's, in which each block ends."""
    text, depth = _COMMENT.sub("", _QUOTED.sub("", str(value))), 0
    for mark in re.findall(r"[{}]", text):
        depth += 1 if mark == "{" else -1
        if depth < 0:
            break
    return "" if depth == 0 else "has braces that do not match; close each block that it opens, and no other"


def loopback_listener(value: t.Any) -> str:
    """A listener that only this host reaches."""
    if problem := text_rules.local_listener(value):
        return problem
    if _LOOPBACK.fullmatch(value.rpartition(":")[0]):
        return ""
    return (
        f"{value!r} can be reached from other hosts without a password; use a loopback address, as 127.0.0.1:8404, or "
        "write a frontend of your own into haproxy_extra_config"
    )


def notify_scripts(value: t.Sequence[t.Any]) -> str:
    """Return what is wrong with the scripts that keepalived runs."""
    seen: list[t.Any] = []
    for number, entry in enumerate(value, 1):
        if not isinstance(entry, t.Mapping):
            return f"entry {number} is not a mapping; write it with event, and path or name"
        event = entry.get("event")
        if event not in EVENTS:
            return f"entry {number}: event {event!r} is unknown; use one of {', '.join(EVENTS)}"
        if event in seen:
            return f"event {event} is listed twice, and keepalived runs one script for it; call both from one script"
        seen.append(event)
        if problem := _script(entry):
            return f"event {event}: {problem}"
    return ""


def _script(entry: t.Mapping[str, t.Any]) -> str:
    """Return what is wrong with an entry."""
    if bool(entry.get("name")) == bool(entry.get("path")):
        return f"set exactly one of name and path; with name, the file is put into {NOTIFY_DIR}"
    found = _installed(entry) if entry.get("name") else _existing(entry)
    return found or _arguments(entry.get("arguments")) or text_rules.word(entry.get("user") or "")


def _existing(entry: t.Mapping[str, t.Any]) -> str:
    given = [name for name in ("content", "src", "mode", "owner", "group") if entry.get(name)]
    if given:
        return (
            f"{given[0]} is for files that are installed, which have a name; set name instead of path, or leave it out"
        )
    if re.fullmatch(r"/[^\s\"]+", str(entry["path"])):
        return ""
    return f"path {entry['path']!r} is no absolute path without blanks; correct it, and give arguments separately"


def _installed(entry: t.Mapping[str, t.Any]) -> str:
    if problem := master_files.name_problem(entry["name"]) or master_files.source_problem(entry):
        return problem
    mode = entry.get("mode") or "0755"
    if problem := master_files.mode_problem(mode):
        return problem
    return "" if int(mode, 8) & 0o111 else f"mode {mode} lets no user execute it; use 0755"


def _arguments(value: t.Any) -> str:
    if re.fullmatch(r"[^\r\n\0\"]*", str(value or "")):
        return ""
    return f"arguments {value!r} have a line break or double quotes; write them in one line, and without"
