# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A member with role etcd, rendered without any host."""

from __future__ import annotations

from typing import Any

from tests.support.roles.rendered import Rendered

HOSTS = {"m1": "192.0.2.1", "m2": "192.0.2.2", "m3": "192.0.2.3"}


def etcd(host: str = "m1", hosts: dict[str, str] = HOSTS, **settings: Any) -> Rendered:
    """Return a member of a cluster, on a kernel that allows everything."""
    settings = {"_cluster_catalog": {"etcd": {"default": "3.6.14"}}, "ansible_facts": {}, **settings}
    return Rendered("etcd", host, hosts, {"etcd": list(hosts)}, **settings)
