# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of operators, in a directory of their own or anywhere, as entries of module files."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.options import converted

File = t.Mapping[str, t.Any]


def path_of(file: File, directory: str) -> str:
    """Return the path of a file, which may have a name only."""
    return str(file["path"]) if file.get("path") else f"{directory}/{file.get('name')}"


def entries(files: t.Iterable[File], directory: str, mode: str = "0600") -> list[dict[str, t.Any]]:
    """Return the entries for the files, and as the last one that for the directory, which has no others then.

    mode is that of files that have none.
    """
    found = [_entry(file, directory, mode) for file in files]
    if any(entry["path"].startswith(f"{directory}/") for entry in found):
        own: dict[str, t.Any] = {"path": directory, "state": "directory", "mode": "0755", "purge": True}
    else:
        own = {"path": directory, "state": "absent"}
    return [*found, {**own, "secret": True}]


def inputs(files: t.Iterable[File], directory: str) -> list[str]:
    """Return the paths of the files whose change causes a restart."""
    restarting = (file for file in files if converted(file.get("restart", True), "bool"))
    return [path_of(file, directory) for file in restarting]


def _entry(file: File, directory: str, mode: str) -> dict[str, t.Any]:
    entry = {"path": path_of(file, directory), "mode": file.get("mode") or mode, "secret": True}
    entry.update({name: str(file[name]) for name in ("owner", "group") if file.get(name)})
    if file.get("src"):
        return {**entry, "source": str(file["src"])}
    content = file.get("content")
    # JSON is YAML, too.
    text = json.dumps(_plain(content), indent=2) + "\n" if isinstance(content, t.Mapping) else str(content or "")
    return {**entry, "content": text}


def _plain(value: t.Any) -> t.Any:
    """Return a value that was templated, with all that it contains, as data of Python."""
    if isinstance(value, t.Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, type(None))) else str(value)
