# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the files of operators on masters: static tokens, and any file that an API server reads.

No text shows a token or the content of a file.
"""

from __future__ import annotations

import os
import posixpath
import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._host.extra_files import path_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.directories import HIDDEN, below, reason

Fields = t.Mapping[str, t.Any]
# Where role master puts files that have a name only. It has this directory for itself.
EXTRA_DIR = "/etc/kubernetes/extra"
# What the collection, or the system, writes itself.
OURS = ("/etc/kubernetes", "/etc/etcd", "/opt/hardway", "/usr", "/var/lib/hardway", "/var/lib/etcd", "/var/lib/kubelet")
OUR_UNITS = re.compile(r"/etc/systemd/system/kube-[a-z-]+\.service")
TOKEN_FIELDS = ("token", "user", "uid", "groups")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")
_MODE = re.compile(r"0[0-7]{3}")
_TOKEN = re.compile(r"[!-~]+")
_BREAK = re.compile(r"[\r\n\0]")
ROOT = ("root", "0")


def extra_files(value: t.Sequence[t.Any]) -> str:
    """Return what is wrong with the extra files."""
    places: list[str] = []
    for number, entry in enumerate(value, 1):
        if not isinstance(entry, t.Mapping):
            return f"entry {number} is not a mapping; write it with name or path, and content or src"
        if found := _place(entry):
            return f"entry {number}: {found}"
        place = path_of(entry, EXTRA_DIR)
        if place in places:
            return f"{place} is listed twice; remove one of the entries"
        places.append(place)
        if found := source_problem(entry) or _mode(entry):
            return f"{place}: {found}"
    return ""


def _place(entry: Fields) -> str:
    if bool(entry.get("name")) == bool(entry.get("path")):
        return f"set exactly one of name and path; with name, the file is put into {EXTRA_DIR}"
    if entry.get("name"):
        return name_problem(entry["name"])
    path = str(entry["path"])
    if not path.startswith("/") or posixpath.normpath(path) != path or _BREAK.search(path) or path.count("/") < 2:
        return f"path {path!r} is not an absolute path below a directory; write it from / on, without .."
    if OUR_UNITS.fullmatch(path) or any(below(path, place) for place in OURS):
        return f"path {path} is in a place that the collection or the system manages; use name: {_last(path)} instead"
    why = reason(path, HIDDEN)
    return f"path {path}: {why}; use name: {_last(path)} instead" if why else ""


def name_problem(name: t.Any) -> str:
    """Return whether a text is no name of a file."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return ""
    return f"name {name!r} is no name of a file; use letters, digits, '-', '_' and '.', or set path"


def _last(path: str) -> str:
    return posixpath.basename(path)


def source_problem(entry: Fields) -> str:
    """Return what is wrong with the content of a file."""
    content, src = entry.get("content"), entry.get("src")
    if (content is None) == (src is None):
        return "has no single source; set exactly one of content and src"
    if content is not None:
        return "" if isinstance(content, (str, t.Mapping)) else "content is no text; write it as a text or a mapping"
    if not isinstance(src, str) or not os.path.isabs(src):
        return f"src {src!r} is not an absolute path; write it as {{{{ inventory_dir }}}}/{src}"
    return "" if os.path.isfile(src) else f"src {src}: no such file on the controller; correct the path"


def _mode(entry: Fields) -> str:
    """Return whether API servers, which run as root without the right to bypass modes, could not read a file."""
    mode = entry.get("mode") or "0600"
    if found := mode_problem(mode):
        return found
    bits = int(mode, 8)
    owner, group = (str(entry.get(name) or "root") for name in ("owner", "group"))
    needed = 0o400 if owner in ROOT else 0o040 if group in ROOT else 0o004
    if bits & needed:
        return ""
    return (
        f"with mode {mode}, owner {owner} and group {group}, kube-apiserver cannot read it: it runs as root, without "
        f"capabilities; use mode {bits | needed:04o}, or leave out owner"
    )


def mode_problem(mode: t.Any) -> str:
    """Return whether a mode is none, or lets every user change the file."""
    if not isinstance(mode, str) or not _MODE.fullmatch(mode):
        return f'mode {mode!r} is not four octal digits; put it in quotes, as in "0640"'
    bits = int(mode, 8)
    return f"mode {mode} lets every user of the host change it; use {bits & 0o775:04o}" if bits & 0o002 else ""


def static_tokens(value: t.Sequence[t.Any]) -> str:
    """Return what is wrong with the static tokens."""
    seen: list[str] = []
    for number, entry in enumerate(value, 1):
        if not isinstance(entry, t.Mapping):
            return f"entry {number} is not a mapping; write entry {number} as {{token: TEXT, user: NAME, uid: TEXT}}"
        if found := _static_token(entry):
            # Only what follows the semicolon is shown of a secret option.
            return f"wrong entry; in entry {number}, {found}"
        if str(entry["token"]) in seen:
            return f"wrong entry; in entry {number}, use a token of its own, which no other entry has"
        seen.append(str(entry["token"]))
    return ""


def _static_token(entry: Fields) -> str:
    """Return the remedy for a wrong entry."""
    if any(name not in TOKEN_FIELDS for name in entry):
        return f"use only the fields {', '.join(TOKEN_FIELDS)}"
    for name in ("token", "user", "uid"):
        given = entry.get(name)
        if isinstance(given, bool) or not isinstance(given, (str, int)) or not str(given) or _BREAK.search(str(given)):
            return f"set {name} to a text of one line"
    if not _TOKEN.fullmatch(str(entry["token"])):
        return "use a token of ASCII characters without blanks"
    return _groups(entry.get("groups"))


def _groups(given: t.Any) -> str:
    groups = [part.strip() for part in given.split(",")] if isinstance(given, str) and given else given or []
    if not isinstance(groups, list):
        return "set groups to a list of names"
    if any(not isinstance(group, str) or not group or "," in group or _BREAK.search(group) for group in groups):
        return "set groups to a list of names, each a text of one line without commas"
    return ""
