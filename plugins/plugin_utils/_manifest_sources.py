# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests of operators: texts, files, directories and downloads, as one manifest whose objects have a label."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.cache_locks import locked
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.download import download, shown
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import digests
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

try:
    from yaml import CSafeLoader as Loader
except ImportError:
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

KINDS = ("content", "path", "url")
SUFFIXES = (".yaml", ".yml", ".json")
# Others are of these kinds or in these namespaces, so they come first, and removed entries do not delete them.
FIRST = ("Namespace", "CustomResourceDefinition")
DIGEST = re.compile(r"[0-9a-f]{64}")
Object = dict[str, Any]


def objects_of(entries: Iterable[Any], cache_dir: str, label: str) -> list[Object]:
    """Return the objects of all entries, those of FIRST before the others, each with the label NAME=VALUE."""
    found: list[Object] = []
    for number, entry in enumerate(entries):
        try:
            for text, place in _texts(entry, cache_dir):
                found += _parsed(text, place)
        except HardwayError as exc:
            raise HardwayError(f"addons_manifests, entry {number + 1}: {exc}") from exc
    name, _equals, value = label.partition("=")
    for item in found:
        metadata = item["metadata"]
        metadata["labels"] = {**(metadata.get("labels") or {}), name: value}
    return sorted(found, key=lambda item: item["kind"] not in FIRST)


def manifest_of(objects: Iterable[Object]) -> str:
    """Return the objects as one manifest, JSON documents of YAML."""
    return "\n---\n".join(json.dumps(item) for item in objects)


def _texts(entry: Any, cache_dir: str) -> Iterator[tuple[str, str]]:
    """Return the texts of an entry, and where each is from, for messages."""
    given = {"content": entry} if isinstance(entry, str) else entry
    if isinstance(given, Mapping) and "kind" in given:
        given = {"content": json.dumps(given, default=str)}
    kinds = [kind for kind in KINDS if isinstance(given, Mapping) and kind in given]
    if len(kinds) != 1:
        raise HardwayError("has not exactly one of content, path and url; give one of them")
    if "content" in given:
        yield str(given["content"] or ""), "its content"
    elif "path" in given:
        for path in _files(str(given["path"])):
            yield _read(path), str(path)
    else:
        path = _downloaded(str(given["url"]), str(given.get("sha256") or ""), cache_dir)
        yield _read(path), shown(str(given["url"]))


def _files(name: str) -> list[Path]:
    path = Path(name).expanduser()
    if not path.is_absolute():
        raise HardwayError(f"{name}: is no absolute path; write {{{{ inventory_dir }}}}/{name}")
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
        if not found:
            raise HardwayError(f"{name}: has no {', '.join(f'*{suffix}' for suffix in SUFFIXES)}; correct the path")
        return found
    if not path.is_file():
        raise HardwayError(f"{name}: no such file or directory on the controller; correct the path")
    return [path]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise HardwayError(f"{path}: cannot be read: {exc}; correct the file") from exc


def _downloaded(url: str, digest: str, cache_dir: str) -> Path:
    """Return the file of the cache with this digest; download it if it is not there."""
    if not DIGEST.fullmatch(digest):
        raise HardwayError(f"{shown(url)}: sha256 is not 64 hexadecimal digits; give that of the file (sha256sum FILE)")
    path = Path(cache_dir) / "manifests" / f"{digest}.yaml"
    with locked(cache_dir, str(path)):
        if not path.is_file() or digests.of_file(str(path)) != digest:
            path.parent.mkdir(exist_ok=True)
            download(url, str(path), "sha256", digest)
    return path


def _parsed(text: str, place: str) -> list[Object]:
    try:
        # Safe, because the loader is one of the two safe ones.
        documents = list(yaml.load_all(text, Loader=Loader))
    except yaml.YAMLError as exc:
        where = getattr(exc, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        # Without its text, which may be a secret.
        raise HardwayError(f"{place}{line}: is no YAML ({getattr(exc, 'problem', '') or 'unreadable'})") from exc
    found: list[Object] = []
    for document in documents:
        is_list = isinstance(document, Mapping) and str(document.get("kind")).endswith("List") and "items" in document
        found += (document["items"] or []) if is_list else [document] if document is not None else []
    for number, item in enumerate(found):
        metadata = item.get("metadata") if isinstance(item, Mapping) else None
        named = isinstance(metadata, Mapping) and metadata.get("name")
        if not named or not item.get("kind") or not item.get("apiVersion"):
            raise HardwayError(f"{place}: object {number + 1} lacks apiVersion, kind or metadata.name; add them")
    return found
