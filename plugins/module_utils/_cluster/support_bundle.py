# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one archive of what was gathered for support."""

from __future__ import annotations

import gzip
import io
import json
import os
import posixpath
import tarfile
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.secret_values import REDACTED, Redactor


def write(path: str, name: str, texts: Mapping[str, str], hosts: Mapping[str, Mapping[str, Any]]) -> int:
    """Write the archive, readable by its owner only, and return its size; ``name`` is its one directory.

    What hosts have sent is written one after the other: there may be hundreds.
    """
    with atomic_files.replacing(path, mode=0o600) as stored, tarfile.open(fileobj=stored, mode="w:gz") as archive:
        for file_name, text in files(texts, hosts):
            data = text.encode("utf-8", "replace")
            entry = tarfile.TarInfo(posixpath.join(name, safe(file_name)))
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(data))
    return os.path.getsize(path)


def files(texts: Mapping[str, str], hosts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield names and texts: the index, those of the controller, and those of the hosts."""
    yield "index.txt", index(hosts)
    # It has results of all hosts, whose secrets are known there only.
    redactor = Redactor()
    for name, text in texts.items():
        yield name, redactor.config(text) if name.endswith(".json") else redactor.text(text)
    for host, result in hosts.items():
        if "part" in result:
            with open(result["part"], "rb") as stream:
                gathered = json.loads(gzip.decompress(stream.read()))
            for name, text in gathered.items():
                yield (name if name.startswith("cluster/") else f"hosts/{host}/{name}"), text


def safe(name: str) -> str:
    """Return a name that stays below the directory of the archive, whatever a host has sent."""
    return posixpath.normpath("/" + name).lstrip("/")


def unreachable(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the hosts of which nothing is in the archive, with the reason."""
    return {
        host: " ".join(str(result.get("msg") or "not reached").split())
        for host, result in hosts.items()
        if "part" not in result
    }


def index(hosts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what is in the archive, and what is not."""
    redactor = Redactor()
    lines = [
        f"Secrets are replaced by {REDACTED}; private keys, Secrets and ConfigMaps were not gathered.",
        "status.txt comes first, then cluster/ and hosts/NAME/{journal,units,config,system,metrics}.",
        "",
        "Not reached:",
        *([f"  {host}: {reason}" for host, reason in unreachable(hosts).items()] or ["  none"]),
    ]
    for host, result in hosts.items():
        if "part" in result:
            lines += ["", f"{host}: {result['count']} files, {result['redacted']} values replaced; not gathered:"]
            lines += [f"  {error}" for error in result["errors"]] or ["  none"]
    return redactor.text("\n".join(lines) + "\n")
