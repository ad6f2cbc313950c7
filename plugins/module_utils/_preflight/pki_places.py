# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems with the CA directory on the controller."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened


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
