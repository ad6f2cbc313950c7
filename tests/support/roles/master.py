# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role master would write on a host, rendered by Ansible's own templating without any host."""

from __future__ import annotations

import shlex
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.support.repository import ROLES
from tests.support.roles.rendered import role_variables

CATALOG = {"kubernetes": {"default": "1.36.2"}}


class Host:
    """One host of an inventory, as the templates see it."""

    def __init__(self, name: str, addresses: dict[str, str], groups: dict[str, list[str]], **settings: Any) -> None:
        """Gather the variables: roles first, then what an inventory or a caller sets."""
        hostvars = {host: {"ansible_host": address, "inventory_hostname": host} for host, address in addresses.items()}
        self.variables = {
            **role_variables("cluster"),
            "_cluster_catalog": CATALOG,
            "_cluster_tested_with": {},
            **role_variables("master"),
            "inventory_hostname": name,
            "inventory_dir": "/nonexistent",
            "cluster_pki_dir": "/nonexistent/.pki",
            "groups": groups,
            "hostvars": hostvars,
            "ansible_check_mode": False,
            "ansible_managed": "managed",
            "_master_sa_key": "key",
            "_master_sa_pub": "pub",
            "_master_encryption_keys": [{"name": "key1", "secret": "c2VjcmV0IG9mIDMyIGJ5dGVzLCBiYXNlNjQgaGVyZSE="}],
            **settings,
        }
        self.templar = Templar(loader=DataLoader(), variables=self.variables)

    def value(self, expression: str) -> Any:
        """Return what a Jinja expression gives on this host."""
        return self.templar.template(trust_as_template("{{ " + expression + " }}"))

    def file(self, name: str) -> str:
        """Return the rendered template that becomes the file of this name."""
        (item,) = [item for item in self.value("_master_files") if item["path"].endswith("/" + name)]
        return self.render(item)

    def files(self) -> dict[str, str]:
        """Return all rendered templates by path."""
        return {item["path"]: self.render(item) for item in self.value("_master_files") if "template" in item}

    def render(self, item: dict[str, Any]) -> str:
        """Return one template rendered with its own variables."""
        text = (ROLES / "master/templates" / item["template"]).read_text()
        templar = self.templar.copy_with_new_env(available_variables={**self.variables, **item.get("vars", {})})
        return str(templar.template(trust_as_template(text)))

    def arguments(self, component: str) -> list[str]:
        """Return the arguments in a component's unit, as systemd would read them."""
        return command_line(self.file(f"{component}.service"))[1:]


def command_line(unit: str) -> list[str]:
    """Return ExecStart of a unit split as by systemd: quotes, doubled % and $."""
    joined = unit.replace("\\\n", " ")
    line = next(line for line in joined.splitlines() if line.startswith("ExecStart="))
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line.removeprefix("ExecStart="))]


def ha(name: str = "m1", **settings: Any) -> Host:
    """Return a master of a highly available cluster: three masters with etcd, m3 is no node."""
    addresses = {"m1": "192.0.2.1", "m2": "192.0.2.2", "m3": "192.0.2.3", "w1": "192.0.2.4"}
    masters = ["m1", "m2", "m3"]
    return Host(name, addresses, {"etcd": masters, "master": masters, "node": ["m1", "m2", "w1"]}, **settings)


def single(**settings: Any) -> Host:
    """Return the only master of a cluster."""
    return Host("m1", {"m1": "192.0.2.1"}, {"etcd": ["m1"], "master": ["m1"], "node": ["m1"]}, **settings)
