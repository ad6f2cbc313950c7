# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node names and addresses of hosts from the inventory."""

from __future__ import annotations

import ipaddress
import typing as t

# What role cluster keeps of asking a host for its facts.
ANSWER = "_cluster_preflight"


def is_address(value: object) -> bool:
    """Return whether value is an IPv4 or IPv6 address written as text."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def node_name(host: str, variables: t.Mapping[str, t.Any]) -> str:
    """Return the node name of a host: C(cluster_node_name), else its inventory name."""
    return str(variables.get("cluster_node_name") or host)


def node_address(host: str, variables: t.Mapping[str, t.Any]) -> str:
    """Return the node address of a host, or an empty string where neither inventory nor facts know one.

    In this order: C(cluster_node_ip); C(ansible_host) or the inventory name if it is an address; the
    address of the default route from the facts.
    """
    given = variables.get("cluster_node_ip")
    if given:
        return str(given)
    for candidate in (variables.get("ansible_host"), host):
        if candidate and is_address(candidate):
            return str(candidate)
    facts = variables.get("ansible_facts") or {}
    return str((facts.get("default_ipv4") or {}).get("address") or "")


def host_addresses(hosts: t.Iterable[str], hostvars: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return host, name, address and whether it has answered in this run, for each host in inventory order.

    A host that is not in the inventory has no address.
    """
    # get() of the magic variable hostvars returns no default.
    known = {str(host): hostvars[host] if host in hostvars else {} for host in hosts}  # noqa: SIM401
    asked = any(ANSWER in variables for variables in known.values())
    return [
        {
            "host": host,
            "name": node_name(host, variables),
            "address": node_address(host, variables),
            "reached": answered(variables, asked),
        }
        for host, variables in known.items()
    ]


def answered(variables: t.Mapping[str, t.Any], asked: bool) -> bool:
    """Return whether a host has answered: our query, or if there was none, the gathering of facts.

    Facts alone may be those of an earlier run, from a cache.
    """
    if asked:
        return ANSWER in variables and not variables[ANSWER].get("unreachable")
    return "architecture" in (variables.get("ansible_facts") or {})
