# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a rehearsal takes the place of the real thing, with which programs, and what is said about it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rehearsal import build
from tools import binaries

DIRECTORY = binaries.TOP / "build" / "rehearsal" / "bin"
STAND_INS = {"kubernetes": build.PROGRAMS, "flannel": ("flanneld",)}
# What no rehearsal can do: wait for pods, also when a new authority restarts them, and try the network between them.
SETTINGS: dict[str, Any] = {"addons_wait": False, "addons_restart_namespaces": [], "verify_workload": False}


def lacking(version: str) -> list[binaries.Missing]:
    """Return the components that neither the ready programs nor the downloads have."""
    lost = binaries.missing(version)
    return [item for item in lost if not (binaries.CACHE / item.url.partition("//")[2]).is_file()]


def replaceable(lost: list[binaries.Missing]) -> bool:
    """Say whether stand-ins, and kubectl from Debian, can take the place of all that is lacking."""
    others = {"kubectl"} if (binaries.READY / "debian" / "kubectl").is_file() else set()
    return all(set(item.binaries) <= {*STAND_INS.get(item.component, ()), *others} for item in lost)


def wanted(version: str) -> bool:
    """Say whether to rehearse: because somebody asks for it, or because the real programs cannot be had."""
    asked = os.environ.get("HARDWAY_REHEARSAL", "")
    return asked == "1" or (asked != "0" and bool(lacking(version)) and replaceable(lacking(version)))


def programs(version: str) -> Path:
    """Return a directory with stand-ins of a version and of the newest of the other minors, and all that is real."""
    return build.build(DIRECTORY, sorted({version, *newest()}), binaries.READY)


def newest() -> list[str]:
    """Return the newest release of each supported minor that the catalog knows."""
    catalog = binaries.role_variables()
    known = [*catalog["_cluster_catalog"]["kubernetes"]["digests"], binaries.default_version()]
    found: dict[str, str] = {}
    for version in sorted(known, key=lambda text: [int(part) for part in text.split(".")]):
        found[version.rpartition(".")[0]] = version
    return [found[minor] for minor in catalog["_cluster_tested_with"] if minor in found]


def binary_directory(version: str) -> Path:
    """Return where the programs are that tests and clusters on this machine use."""
    return programs(version) if wanted(version) else binaries.READY


def notice(version: str) -> str:
    """Return what a rehearsal says of itself before anything else."""
    names = ", ".join([*build.PROGRAMS, "flanneld"])
    return (
        f"REHEARSAL of Kubernetes {version}: {names} are stand-ins; they start no containers and move no packets.\n"
        "The rest is real: systemd, users, files, certificates, TLS, etcd, haproxy, keepalived, containerd, kubectl.\n"
        "What a rehearsal proves and what it does not: docs/rehearsal.md"
    )


def rows(version: str) -> list[list[str]]:
    """Return which programs are what, for a closing table."""
    found = [[name, f"stand-in for {version}"] for name in build.PROGRAMS]
    real = "etcd, containerd, runc, CNI plugins, kubectl, haproxy, keepalived, systemd"
    return [*found, ["flanneld", "stand-in"], [real, "real"], ["pods, CoreDNS, packets", "left out: nothing runs them"]]
