# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cluster-wide options, which must be the same on all hosts."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.names import GROUPS

# What belongs to a host, or to its architecture.
OF_A_HOST = ("cluster_node_ip", "cluster_node_name", "cluster_binary_dir", "cluster_image_archives")
# Used on the first host of a play for all of them.
OF_ALL = ("cluster_", "ca_", "verify_")
OF_GROUPS: dict[str, tuple[str, ...]] = {
    "etcd_auth": ("etcd",),
    "etcd_initial_cluster_token": ("etcd",),
    "etcd_roles": ("etcd",),
    "etcd_users": ("etcd",),
    "flannel_backend": ("node",),
    "flannel_etcd_prefix": ("etcd", "node"),
    "flannel_network_config": ("node",),
    "flannel_store": ("etcd", "node"),
    "keepalived_address": ("lb",),
    "keepalived_advert_interval": ("lb",),
    "keepalived_former_address": ("lb",),
    "keepalived_former_virtual_router_id": ("lb",),
    "keepalived_password": ("lb",),
    "keepalived_unicast": ("lb",),
    "keepalived_virtual_router_id": ("lb",),
    # Otherwise the answer to a request would depend on the API server.
    "master_abac_policy": ("master",),
    "master_authorization_config": ("master",),
    "master_encryption_resources": ("master",),
    "master_node_cidr_mask_size": ("master",),
    "master_static_tokens": ("master",),
}
UNSET = "not set"
SECRET = ("password", "passphrase", "secret", "token")


class Given(t.NamedTuple):
    """The value of an option on a host: what to compare, and what may be shown of it; empty: nothing."""

    key: str
    shown: str = ""


def groups_of(name: str) -> tuple[str, ...]:
    """Return the groups whose hosts must agree about an option; none for what may differ."""
    if name in OF_A_HOST:
        return ()
    if name.startswith(OF_ALL):
        return GROUPS
    return ("master",) if name.startswith("addons_") else OF_GROUPS.get(name, ())


def alike_problems(values: t.Mapping[str, t.Mapping[str, Given]], groups: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Return one line for each option that differs between hosts that must agree.

    values has, by option and host, what is given; a host that is not named has the default, whose key is UNSET.
    """
    problems = []
    for name, given in values.items():
        hosts = list(dict.fromkeys(host for group in groups_of(name) for host in groups.get(group, ())))
        found: dict[str, list[str]] = {}
        for host in hosts:
            found.setdefault(given.get(host, Given(UNSET)).key, []).append(host)
        if len(found) > 1:
            problems.append(
                f"{name}: differs between hosts ({_shown(name, found, given)}); set it once, for all of them"
            )
    return problems


def is_secret(name: str) -> bool:
    """Return whether an option's values are secrets, by its name."""
    return any(word in name for word in SECRET)


def _shown(name: str, found: t.Mapping[str, t.Sequence[str]], given: t.Mapping[str, Given]) -> str:
    parts = []
    for number, (key, hosts) in enumerate(found.items(), 1):
        shown = "the default" if key == UNSET else given[hosts[0]].shown
        if not shown or (key != UNSET and is_secret(name)):
            shown = f"value {number}"
        parts.append(f"{shown} on {shortened(hosts)}")
    return "; ".join(parts)
