# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that the units of a host use, and the plan of their change. No I/O."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

Result = t.Mapping[str, t.Any]
# The flags with the address of a host, and the free-form variable that may set them instead.
FLAGS = {
    "etcd": (("initial-advertise-peer-urls", "listen-client-urls"), "etcd_config"),
    "kube-apiserver": (("bind-address",), "master_apiserver_args"),
    "kubelet": (("node-ip",), "node_kubelet_args"),
}
# What uri reports of an address where no host is, or whose firewall drops packets. A refused connection is an answer.
UNREACHED = re.compile(r"timed out|No route to host|[Uu]nreachable|Host is down")


def used(flags: Result, own: Result) -> dict[str, list[str]]:
    """Return the addresses that the units of a host listen at or announce, by program.

    flags are those of its command lines, own the variables of the host. Loopback does not count, nor what the operator
    sets.
    """
    found = {}
    for program, (names, variable) in FLAGS.items():
        given = own.get(variable) or {}
        values = [flags.get(program, {}).get(name, "") for name in names if name not in given]
        hosts = [_host(part) for value in values for part in value.split(",")]
        if hosts := list(dict.fromkeys(host for host in hosts if _counts(host))):
            found[program] = hosts
    return found


def _host(text: str) -> str:
    """Return the host of a URL, or the text itself."""
    return (urlsplit(text).hostname or "") if "://" in text else text


def _counts(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(host)
    return not (address.is_loopback or address.is_unspecified)


def former(host: Result) -> list[str]:
    """Return the addresses that the units of a host use, and that are not the one of the inventory."""
    seen = dict.fromkeys(address for many in host["used"].values() for address in many)
    return [address for address in seen if address != host["address"]]


def plan(name: str, hosts: t.Mapping[str, Result], groups: t.Mapping[str, t.Sequence[str]], found: Result) -> Result:
    """Return the former addresses, the steps, and what stands in the way.

    hosts has all hosts of the cluster: node name, address of the inventory, ansible_host, the addresses used by
    program, and those of the interfaces. found has the result of etcd_member for the host, the nodes of the cluster
    with their addresses, the results of uri from the others, and the host part of the API endpoint.
    """
    host = hosts[name]
    old, member = former(host), found["member"]
    # A host that runs nothing may be a load balancer: its units do not say which address they use.
    moves = bool(old or member.get("changed") or not host["used"])
    refusals = [
        *_refused_hosts(name, hosts, groups),
        *_refused_address(name, host, old, found),
        *([str(member["msg"])] if "msg" in member and "member" not in member else []),
    ]
    return {
        "host": name,
        "address": host["address"],
        "former": old,
        "moving": {name: old},
        "steps": list(_steps(name, groups, host["address"], old)) if moves else [],
        "refusals": refusals if moves else [],
        "warnings": [
            f"ansible_host: {name} is contacted at {address}; change it before you remove that address"
            for address in old
            if address == host["ansible_host"]
        ],
    }


def _refused_hosts(
    name: str, hosts: t.Mapping[str, Result], groups: t.Mapping[str, t.Sequence[str]]
) -> t.Iterator[str]:
    """Yield why the state of the hosts does not allow it."""
    if not hosts[name]["used"] and any(name in groups[group] for group in ("etcd", "master", "node")):
        yield f"{name}: runs nothing of the cluster; deploy it with site or add"
    for group in ("etcd", "master"):
        if groups[group] == [name]:
            yield f"{name}: the only host of group {group}, so the API would stop meanwhile; add another one first"
    for other, host in hosts.items():
        if other != name and former(host):
            yield (
                f"{other}: its address changes, too ({', '.join(former(host))} runs, the inventory has "
                f"{host['address']}); one host at a time: set it back until {name} is done"
            )


def _refused_address(name: str, host: Result, old: t.Sequence[str], found: Result) -> t.Iterator[str]:
    """Yield why the new address cannot be used."""
    new = host["address"]
    if new not in host["interfaces"]:
        yield f"{name}: no interface has {new}; add it to the host, and keep the former address until this has finished"
    for address in old:
        if address not in host["interfaces"]:
            yield f"{name}: no interface has {address}, which the cluster still uses; add it until this has finished"
    for node in found["nodes"]:
        if node["address"] == new and node["name"] != host["name"]:
            yield f"{new}: is the address of node {node['name']}; take another one, or remove that node"
    if found["endpoint"] in (new, *old):
        yield (
            f"cluster_api_endpoint: is {name}, so nodes would not reach the API meanwhile; set the address back, set "
            "cluster_api_vip, or another cluster_api_endpoint, and run site first"
        )
    for answer in found["reached"]:
        reason = UNREACHED.search(str(answer["msg"]))
        if new in host["interfaces"] and reason:
            yield f"{answer['host']}: does not reach {new} ({reason[0]}); check routes and firewalls"


def _steps(name: str, groups: t.Mapping[str, t.Sequence[str]], new: str, old: t.Sequence[str]) -> t.Iterator[str]:
    """Yield what is done, in this order."""
    masters, balancers = ", ".join(groups["master"]), ", ".join(groups["lb"])
    etcd = name in groups["etcd"]
    if etcd:
        yield f"etcd on {name}: certificates with both addresses; restart, listening at both; peer URL https://{new}:2380"
    if etcd or name in groups["master"]:
        yield f"API servers on {masters}: restart, one at a time" + (
            f"; controller manager and scheduler on {name}: restart" if name in groups["master"] else ""
        )
    if name in groups["master"] and balancers:
        yield f"haproxy on {balancers}: reload"
    if name in groups["lb"]:
        yield f"keepalived on {balancers}: reload; the virtual address stays"
    if name in groups["node"]:
        yield f"kubelet, kube-proxy and flanneld on {name}: restart; pods keep running"
    if etcd and old:
        yield f"etcd on {name}: restart without {', '.join(old)}"
