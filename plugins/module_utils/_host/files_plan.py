# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares wanted with existing files. No I/O."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

LONGEST_DIFF = 100_000


@dataclass(frozen=True)
class Item:
    """One wanted file, directory or absence."""

    path: str
    state: str
    content: bytes
    mode: int
    owner: str | None = None
    group: str | None = None
    validate: str | None = None
    secret: bool = False


@dataclass(frozen=True)
class Found:
    """The current state of a path. ``kind`` is file, directory, other or absent."""

    kind: str
    content: bytes = b""
    mode: int = 0
    owner: tuple[str, int] = ("", -1)
    group: tuple[str, int] = ("", -1)


def item(params: Mapping[str, Any]) -> Item:
    """Return the Item for one entry of the module's option ``files``; raise if it is invalid."""
    path, state = params["path"], params["state"]
    if not path.startswith("/") or (path.rstrip("/").count("/") < 2 and state != "directory"):
        raise HardwayError(f"{path}: not a path this module may touch; give an absolute path below a directory")
    if params.get("_payload") is not None:
        content = base64.b64decode(params["_payload"])
    elif params.get("content") is not None:
        content = params["content"].encode("utf-8", "surrogateescape")
    elif state == "file":
        raise HardwayError(f"{path}: nothing to write; set one of template, content or source")
    else:
        content = b""
    if params["validate"] and "%s" not in params["validate"]:
        raise HardwayError(f"{path}: validate has no %s; put it where the command takes the file's path")
    default = "0755" if state == "directory" else "0600" if params["secret"] else "0644"
    return Item(
        path=path,
        state=state,
        content=content,
        mode=mode_bits(params["mode"] or default, path),
        owner=params["owner"],
        group=params["group"],
        validate=params["validate"],
        secret=params["secret"],
    )


def mode_bits(mode: str, path: str) -> int:
    """Return the bits of an octal mode; four digits are demanded because an unquoted 0644 arrives as 420."""
    if not re.fullmatch("[0-7]{4}", mode):
        raise HardwayError(f'{path}: mode {mode} is not four octal digits; quote it, as in "0644"')
    return int(mode, 8)


def changes(wanted: Item, found: Found) -> list[str]:
    """Return what must change; empty if nothing."""
    if wanted.state == "absent":
        return [] if found.kind == "absent" else ["removed"]
    if found.kind == "absent":
        return ["created"]
    if wanted.state == "directory" and found.kind != "directory":
        raise HardwayError(f"{wanted.path}: is a {found.kind} instead of a directory; remove it first")
    if wanted.state == "file" and found.kind == "directory":
        raise HardwayError(f"{wanted.path}: is a directory instead of a file; remove it first")
    if found.kind == "other":
        return ["replaced"]
    words = []
    if wanted.state == "file" and wanted.content != found.content:
        words.append("content")
    if wanted.mode != found.mode:
        words.append("mode")
    if not _is(wanted.owner, found.owner):
        words.append("owner")
    if not _is(wanted.group, found.group):
        words.append("group")
    return words


def unlisted(there: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the paths of a directory that are not wanted, and have nothing below that is."""
    kept = [path.rstrip("/") for path in wanted]
    return [path for path in there if not any(each == path or each.startswith(f"{path}/") for each in kept)]


def diff(wanted: Item, found: Found, words: list[str]) -> dict[str, str]:
    """Return Ansible's diff of one path: attributes, and content where it is text and no secret."""
    before = "" if found.kind == "absent" else _attributes(found.mode, found.owner[0], found.group[0], found.kind)
    after = ""
    if wanted.state != "absent":
        owner, group = wanted.owner or found.owner[0], wanted.group or found.group[0]
        after = _attributes(wanted.mode, owner, group, wanted.state)
    if found.kind == "file" or wanted.state == "file":
        old, new = _shown(wanted, found.content), _shown(wanted, wanted.content)
        if wanted.secret and ("content" in words or "replaced" in words):
            new = "(another secret)\n"
        before += old if found.kind == "file" else ""
        after += new if wanted.state == "file" else ""
    return {"before_header": wanted.path, "after_header": wanted.path, "before": before, "after": after}


def _is(wanted: str | None, found: tuple[str, int]) -> bool:
    return wanted is None or wanted == found[0] or (wanted.isdigit() and int(wanted) == found[1])


def _attributes(mode: int, owner: str, group: str, kind: str) -> str:
    """Return one line like ``# file 0644 root:root`` that stands before the content in a diff."""
    who = f" {owner}:{group}" if owner or group else ""
    return f"# {kind} {mode:04o}{who}\n"


def _shown(wanted: Item, content: bytes) -> str:
    if wanted.secret:
        return "(secret)\n"
    if len(content) > LONGEST_DIFF:
        return f"({len(content)} bytes)\n"
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return f"({len(content)} bytes, no text)\n"
