# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role would write on a host, rendered by Ansible's own templating without any host."""

from __future__ import annotations

from functools import cache
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.support.repository import ROLES
from tests.support.roles import compiled

compiled.remember()


@cache
def role_variables(role: str) -> dict[str, Any]:
    """Return the defaults and variables of a role, without the catalog of versions."""
    directory = ROLES / role
    files = [
        directory / "defaults/main.yml",
        directory / "vars/main.yml",
        *sorted((directory / "vars/main").glob("*.yml")),
    ]
    found: dict[str, Any] = {}
    for path in files:
        if path.is_file() and path.name != "versions.yml":
            found |= DataLoader().load_from_file(str(path), trusted_as_template=True) or {}
    return found


class Rendered:
    """A role on one host of an inventory."""

    def __init__(
        self, role: str, host: str, addresses: dict[str, str], groups: dict[str, list[str]], **settings: Any
    ) -> None:
        """Gather the variables: roles first, then what an inventory or a caller sets."""
        self.role = role
        hostvars = {name: {"ansible_host": address, "inventory_hostname": name} for name, address in addresses.items()}
        own = settings.get("inventory_hostname", host)
        variables = {
            "_cluster_catalog": {},
            "_cluster_tested_with": {},
            **role_variables("cluster"),
            **role_variables(role),
            "cluster_kubernetes_version": "1.36.2",
            "inventory_hostname": host,
            "inventory_dir": "/nonexistent",
            "groups": groups,
            "group_names": [name for name, hosts in groups.items() if own in hosts],
            "hostvars": hostvars,
            "ansible_search_path": [str(ROLES / role)],
            "ansible_check_mode": False,
            "ansible_managed": "managed",
            **settings,
        }
        self.templar = Templar(loader=DataLoader(), variables=variables)

    def value(self, expression: str) -> Any:
        """Return what a Jinja expression gives on this host."""
        return self.templar.template(trust_as_template("{{ " + expression + " }}"))

    def template(self, name: str) -> str:
        """Return a template of the role, rendered."""
        return str(self.templar.template(trust_as_template((ROLES / self.role / "templates" / name).read_text())))
