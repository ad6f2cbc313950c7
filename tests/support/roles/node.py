# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles containerd, node, flannel and addons would write, rendered without any host."""

from __future__ import annotations

from typing import Any

from ansible.template import trust_as_template

from tests.support.repository import ROLES
from tests.support.roles.master import Host
from tests.support.roles.rendered import role_variables

CATALOG = {name: {"default": "1.0.0"} for name in ("kubernetes", "pause", "coredns", "containerd", "flannel")}


GROUPS = {"etcd": ["m1"], "master": ["m1"], "node": ["m1", "n1"]}


ADDRESSES = {"m1": "192.0.2.11", "n1": "192.0.2.21"}


def host(
    name: str = "n1",
    features: dict[str, Any] | None = None,
    members: dict[str, list[str]] = GROUPS,
    **settings: Any,
) -> Host:
    """Return a node."""
    facts = {"host_features": features} if features is not None else {}
    roles = {
        key: value
        for role in ("containerd", "node", "flannel", "addons")
        for key, value in role_variables(role).items()
    }
    given = {"_cluster_catalog": CATALOG, "_cluster_tested_with": {}, "ansible_facts": facts, **settings}
    return Host(name, ADDRESSES, members, **{**roles, **given})


def render(of: Host, role: str, template: str, **more: Any) -> str:
    """Return a rendered template of a role."""
    of.templar.available_variables = {**of.variables, **more}
    text = (ROLES / role / "templates" / template).read_text()
    return str(of.templar.template(trust_as_template(text), escape_backslashes=False))
