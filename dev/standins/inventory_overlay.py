# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's inventory on sandbox hosts: same names, groups and variables, other addresses. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

GROUPS = ("etcd", "master", "lb", "node")
# How the operator reaches his hosts is not how we reach ours.
CONNECTION = {
    "ansible_become": False,
    "ansible_connection": "ssh",
    "ansible_port": 22,
    "ansible_python_interpreter": "/usr/bin/python3",
    "ansible_user": "root",
}
# Other names of the same, of which the last one counts, and ways round. Set only where the operator has them.
SYNONYMS = {
    "ansible_ssh_host": "ansible_host",
    "ansible_ssh_port": "ansible_port",
    "ansible_ssh_user": "ansible_user",
    "ansible_private_key_file": "ansible_ssh_private_key_file",
}
WAYS_ROUND = {
    "ansible_password": "",
    "ansible_ssh_common_args": "",
    "ansible_ssh_executable": "ssh",
    "ansible_ssh_extra_args": "",
    "ansible_ssh_pass": "",
    "ansible_ssh_password": "",
}
# For hosts outside our groups, which no playbook has to reach: no host has this address (RFC 5737).
NOWHERE = "192.0.2.1"
# Interfaces have other names there; empty or the host's address lets the roles find them.
INTERFACES = {"keepalived_interface": "", "flannel_interface": "{{ cluster_node_ip }}"}


def members(listed: Mapping[str, Any]) -> list[str]:
    """Return the hosts of our groups, each once, of the answer of ansible-inventory --list."""
    found: dict[str, None] = {}

    def walk(group: str) -> None:
        """Take a group's hosts and those of its children."""
        found.update(dict.fromkeys(listed.get(group, {}).get("hosts", [])))
        for child in listed.get(group, {}).get("children", []):
            walk(child)

    for group in GROUPS:
        walk(group)
    return list(found)


def addresses(hosts: list[str], variables: Mapping[str, Any], given: Mapping[str, str], virtual: str) -> dict[str, str]:
    """Return which address of the operator's becomes which of the sandbox's."""
    found: dict[str, str] = {}
    for host in hosts:
        own = variables.get(host, {})
        for name in ("ansible_host", "cluster_node_ip"):
            if isinstance(own.get(name), str) and "{{" not in own[name]:
                found.setdefault(own[name], given[host])
        if own.get("cluster_api_vip"):
            found[own["cluster_api_vip"]] = virtual
    return found


def translated(value: Any, mapping: Mapping[str, str]) -> Any:
    """Return a value with every address in it replaced."""
    text = json.dumps(value)
    if mapping:
        # Longest first, and whole ones only: 10.0.0.1 is not a part of 10.0.0.11.
        known = sorted(map(re.escape, mapping), key=len, reverse=True)
        text = re.sub(rf"(?<![\w.])({'|'.join(known)})(?![\w]|\.\d)", lambda match: mapping[match.group(1)], text)
    return json.loads(text)


def connection_variables(address: str, reach: Mapping[str, Any]) -> dict[str, Any]:
    """Return every variable that decides which host is reached, and as which user."""
    found = {**CONNECTION, **reach, "ansible_host": address}
    return {**WAYS_ROUND, **{name: found.get(other, "") for name, other in SYNONYMS.items()}, **found}


def overlay(
    hosts: list[str],
    variables: Mapping[str, Any],
    given: Mapping[str, str],
    virtual: str,
    reach: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """Return for each host the variables that differ from the operator's; ``reach`` is how to log in to ours."""
    mapping = addresses(hosts, variables, given, virtual)
    found: dict[str, dict[str, Any]] = {}
    for host, own in variables.items():
        if host not in given and host == "localhost":
            continue
        changed = {name: translated(value, mapping) for name, value in own.items()} if host in given else {}
        differing = {name: value for name, value in changed.items() if value != own[name]}
        differing |= {name: value for name, value in INTERFACES.items() if name in own}
        always = {*CONNECTION, *reach, "ansible_host"}
        wanted = connection_variables(given.get(host, NOWHERE), reach).items()
        found[host] = {**differing, **{name: value for name, value in wanted if name in always or name in own}}
    return found


def foreign_addresses(variables: Mapping[str, Any], given: Mapping[str, str], reach: Mapping[str, Any]) -> list[str]:
    """Return the variables, as Ansible has them in the end, that would lead to other hosts than ours."""
    found = [f"{host}: not in the merged inventory" for host in given if host not in variables]
    for host, own in variables.items():
        if host not in given and host == "localhost":
            continue
        for name, value in connection_variables(given.get(host, NOWHERE), reach).items():
            optional = name in SYNONYMS or name in WAYS_ROUND
            if own.get(name, value if optional else None) != value:
                found.append(f"{host}: {name} is {own.get(name)!r} and must be {value!r}")
    return found


def endpoint_name(variables: Mapping[str, Any]) -> str:
    """Return the name of an endpoint that only the operator's name service knows."""
    for own in variables.values():
        name = re.sub(r":\d+$", "", str(own.get("cluster_api_endpoint", "")))
        if re.search(r"[a-z]", name) and "{{" not in name:
            return name
    return ""
