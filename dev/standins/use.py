# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a rehearsal replaces the real programs, with which stand-ins, and the messages about it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from dev.standins import binaries, build

DIRECTORY = binaries.TOP / "build" / "rehearsal"
# What no stand-in of kubelet can do: run pods, also when a new CA restarts them.
WITHOUT_PODS: dict[str, Any] = {"addons_wait": False, "addons_restart_namespaces": []}
# And what no stand-in of flanneld can do: connect pods of two nodes.
WITHOUT_PACKETS: dict[str, Any] = {"verify_workload": False}
REAL = ("etcd", "containerd", "runc", "CNI plugins", "kubectl", "haproxy", "keepalived", "systemd")


def lacking(version: str) -> list[binaries.Missing]:
    """Return the components that neither the ready programs nor the downloads have."""
    lost = binaries.missing(version)
    return [item for item in lost if not (binaries.CACHE / item.url.partition("//")[2]).is_file()]


def asked() -> str:
    """Return what the user has set: 1 for a rehearsal in any case, 0 for none in any case."""
    return os.environ.get("HARDWAY_REHEARSAL", "")


def replaceable(version: str) -> bool:
    """Return whether stand-ins, and kubectl from Debian, can and may replace everything that is missing."""
    others = {"kubectl"} if (binaries.READY / "debian" / "kubectl").is_file() else set()
    lost = lacking(version)
    known = all(set(item.binaries) <= {*build.STAND_INS.get(item.component, ()), *others} for item in lost)
    return asked() != "0" and known


def replaced(version: str) -> tuple[str, ...]:
    """Return the components that stand-ins replace: all where the user wants that, else those that are missing."""
    if asked() == "1":
        return tuple(build.STAND_INS)
    return _with_stand_ins(version) if replaceable(version) else ()


def _with_stand_ins(version: str) -> tuple[str, ...]:
    """Return the missing components that there are stand-ins for."""
    lost = {name for item in lacking(version) for name in item.binaries}
    return tuple(component for component, programs in build.STAND_INS.items() if lost & set(programs))


def names(components: Iterable[str]) -> list[str]:
    """Return the programs of components."""
    return [name for component in components for name in build.STAND_INS[component]]


def first_words(version: str) -> str:
    """Return what to print before anything is searched elsewhere; nothing where that will be no rehearsal."""
    if asked() == "1":
        return notice(version)
    lost = ", ".join(names(_with_stand_ins(version)))
    if asked() == "0" or not lost:
        return ""
    return f"{lost} not available: this is a REHEARSAL with stand-ins for them, unless they can be downloaded now."


def programs(version: str, components: Collection[str] = tuple(build.STAND_INS)) -> Path:
    """Return a directory with stand-ins of a version and of the newest of the other minors, and all that is real."""
    directory = DIRECTORY / ("+".join(components) or "none")
    return build.build(directory, sorted({version, *newest()}), binaries.READY, components)


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
    components = replaced(version)
    # Debian's kubectl, alone, is no rehearsal.
    if components or (lacking(version) and replaceable(version)):
        return programs(version, components)
    return binaries.READY


def settings(version: str) -> dict[str, Any]:
    """Return the variables that leave out what stand-ins cannot do; nothing where the programs are real."""
    components = replaced(version)
    found = WITHOUT_PACKETS if components else {}
    return {**found, **WITHOUT_PODS} if "kubernetes" in components else dict(found)


def notice(version: str) -> str:
    """Return the notice that a rehearsal prints first; nothing where it is none."""
    if not (components := replaced(version)):
        return ""
    stand_ins = names(components)
    verb = "are stand-ins" if len(stand_ins) > 1 else "is a stand-in"
    does = {"kubernetes": "no containers run", "flannel": "no packets go between the nodes' pods"}
    missed = " and ".join(does[component] for component in components)
    lines = [
        f"REHEARSAL of Kubernetes {version}: {', '.join(stand_ins)} {verb}; {missed}.",
        f"The rest is real: {', '.join([*real(version), 'users', 'files', 'certificates', 'TLS'])}.",
        "What a rehearsal proves and what it does not: docs/rehearsal.md",
    ]
    if lost := lacking(version):
        lines += ["What would make it real:", binaries.explain(lost)]
    return "\n".join(lines)


def real(version: str) -> list[str]:
    """Return the programs that are not stand-ins."""
    components = replaced(version)
    return [*names(component for component in build.STAND_INS if component not in components), *REAL]


def rows(version: str) -> list[list[str]]:
    """Return each program and what it is, for a closing table."""
    components = replaced(version)
    found = [[name, "stand-in" if name == "flanneld" else f"stand-in for {version}"] for name in names(components)]
    left_out = "pods, CoreDNS, packets" if "kubernetes" in components else "packets between pods of two nodes"
    return [*found, [", ".join(real(version)), "real"], [left_out, "left out: nothing runs them"]]
