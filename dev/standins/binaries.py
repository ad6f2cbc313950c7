# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which binaries a cluster needs and which of them this machine has, from the collection's own catalog."""

from __future__ import annotations

import functools
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("HARDWAY_CACHE_DIR") or Path.home() / ".cache" / "hardway")
READY = CACHE / "bin"


@dataclass(frozen=True)
class Missing:
    """Programs of one component that are not among the ready binaries, and where they come from."""

    component: str
    version: str
    binaries: tuple[str, ...]
    url: str

    def place(self, directory: Path) -> Path:
        """Return where to put them, below the directory of ready binaries."""
        return directory / {"kubernetes": self.version, "cni": "cni"}.get(self.component, "")


@functools.cache
def role_variables() -> dict[str, Any]:
    """Return the fixed variables of the role `cluster`, unrendered."""
    found: dict[str, Any] = {}
    for path in sorted((TOP / "roles" / "cluster" / "vars" / "main").glob("*.yml")):
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def default_version() -> str:
    """Return the Kubernetes version that the collection deploys when none is named."""
    return str(role_variables()["_cluster_catalog"]["kubernetes"]["default"])


def tested_with(version: str) -> dict[str, Any]:
    """Return the versions of other components that go with a Kubernetes version."""
    return dict(role_variables()["_cluster_tested_with"].get(version.rpartition(".")[0], {}))


def missing(version: str, directory: Path | None = None) -> list[Missing]:
    """Return what the directory of ready binaries lacks for this Kubernetes version."""
    directory = directory or READY
    variables = role_variables()
    catalog = variables["_cluster_catalog"]
    tested = tested_with(version)
    found: dict[tuple[str, str], Missing] = {}
    for component in variables["_cluster_components"]:
        name = component["name"]
        wanted = version if name == "kubernetes" else str(tested.get(name, catalog[name]["default"]))
        places = [directory / wanted, directory / "cni" if name == "cni" else directory]
        lost = tuple(b for b in component["binaries"] if not any((place / b).is_file() for place in places))
        if lost:
            url = catalog[name]["url"].format(version=wanted, arch=architecture())
            # Masters and nodes have their own programs of Kubernetes.
            before = found[name, wanted].binaries if (name, wanted) in found else ()
            found[name, wanted] = Missing(name, wanted, (*before, *lost), url)
    return list(found.values())


def ready_versions(directory: Path = READY) -> dict[str, str]:
    """Return the versions of ready programs outside of version directories; roles choose flags by version."""
    found = {}
    for component, program in {
        "etcd": "etcd",
        "containerd": "containerd",
        "runc": "runc",
        "flannel": "flanneld",
    }.items():
        if (directory / program).is_file():
            done = subprocess.run([str(directory / program), "--version"], capture_output=True, text=True, check=False)
            if match := re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr):
                found[component] = match.group(0)
    return found


def architecture() -> str:
    """Return this machine's architecture as downloads name it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def explain(lost: list[Missing], directory: Path = READY) -> str:
    """Return for a person: which files, from where, where to put them."""
    lines = []
    for item in lost:
        lines += [
            f"  {item.component} {item.version}: {', '.join(item.binaries)}",
            f"    from  {item.url}",
            f"    into  {item.place(directory)}/",
            f"    or the download as it is to  {CACHE / item.url.partition('//')[2]}",
        ]
    return "\n".join(lines)
