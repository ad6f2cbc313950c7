# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems with the CA directory on the controller."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened

# Created by container engines, and working directories that are removed after a job of GitHub, GitLab and AWX.
_CONTAINERS = ("/.dockerenv", "/run/.containerenv")
_JOBS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "AWX_PRIVATE_DATA_DIR")


def ephemeral(
    pki_dir: str,
    mounts: str = "/proc/self/mountinfo",
    containers: t.Sequence[str] = _CONTAINERS,
    environment: t.Optional[t.Mapping[str, str]] = None,
) -> str:
    """Return why a directory of this machine does not outlive it, empty if it may.

    A directory on a disk counts as lost only where a job would create it: what exists was there before the job.
    """
    environment = os.environ if environment is None else environment
    path = os.path.realpath(os.path.expanduser(pki_dir))
    kind = _file_system(path, mounts)
    if kind in ("tmpfs", "ramfs"):
        return f"is in memory ({kind})"
    in_container = bool(environment.get("KUBERNETES_SERVICE_HOST")) or any(map(os.path.exists, containers))
    if kind in ("overlay", "aufs") and in_container:
        return "is in the file system of a container"
    for name in _JOBS:
        if (place := environment.get(name)) and _is_in(path, os.path.realpath(place)) and not os.path.isdir(path):
            return f"is in the working directory of a job ({name})"
    return ""


def _file_system(path: str, mounts: str) -> str:
    """Return the type of the file system of a path, empty if it is unknown, as on macOS."""
    try:
        with open(mounts, encoding="utf-8", errors="replace") as stream:
            lines = [line.split() for line in stream]
    except OSError:
        return ""
    # Space, tab, newline and backslash are octal numbers. Of the mounts on one place, the last is on top.
    points = [(fields[4].encode().decode("unicode_escape"), fields[fields.index("-") + 1]) for fields in lines]
    found = [(len(point), number, kind) for number, (point, kind) in enumerate(points) if _is_in(path, point)]
    return max(found)[2] if found else ""


def _is_in(path: str, directory: str) -> bool:
    """Return whether a path is a directory or below it."""
    return os.path.commonpath([path, directory]) == directory


def store_problems(cluster: t.Mapping[str, t.Any]) -> list[str]:
    """Return whether the CAs would be lost with the controller, or the passphrase of their copies is missing.

    pki_ephemeral is the reason of ephemeral(), empty where the inventory sets cluster_pki_store.
    """
    if cluster.get("pki_store") == "masters" and not cluster.get("pki_store_opens"):
        return ["cluster_pki_store_passphrase: is empty, and cluster_pki_store needs it; set it in a vault"]
    if not cluster.get("pki_ephemeral"):
        return []
    return [
        f"cluster_pki_dir: {cluster['pki_dir']} {cluster['pki_ephemeral']}, and the CAs in it would be lost with that; "
        "set cluster_pki_store to masters, which keeps encrypted copies on the hosts, or cluster_pki_dir to a "
        "directory of a volume that stays (cluster_pki_store: none in the inventory accepts the loss)"
    ]


def place_problems(cluster: t.Mapping[str, t.Any]) -> list[str]:
    """Return what is wrong with the directory of the CAs.

    Its default is beside the inventory, so the inventory must be in files, and all of the cluster in one directory.
    inventory_dirs has the directory of each host; pki_dir_given is true where the inventory does not leave the default;
    other_hosts are those of an inventory whose groups C(cluster_groups) renames, so that it may hold several clusters.
    """
    pki_dir = str(cluster["pki_dir"])
    if not pki_dir.startswith(("/", "~")):
        return [f"cluster_pki_dir: {pki_dir!r} is not an absolute path; set it to a directory that you back up"]
    if cluster.get("other_hosts") and not cluster.get("pki_dir_given"):
        others = shortened([str(host) for host in cluster["other_hosts"]], 3)
        return [
            "cluster_pki_dir: its default is beside the inventory, which has hosts of another cluster or purpose, too "
            f"({others}); set it beside cluster_groups, to a directory of "
            "this cluster alone, which you back up"
        ]
    hosts: dict[str, list[str]] = {}
    for host, directory in (cluster.get("inventory_dirs") or {}).items():
        hosts.setdefault(str(directory or "no file"), []).append(host)
    if cluster.get("pki_dir_given") or len(hosts) < 2:
        return []
    places = "; ".join(f"{place} ({shortened(hosts[place], 3)})" for place in sorted(hosts))
    return [
        f"cluster_pki_dir: its default is beside the inventory, and the hosts of this cluster are in {len(hosts)} "
        f"directories: {places}; set it to one directory for all of them, which you back up"
    ]
