# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight checks of a host's network, evaluated from gathered facts. No I/O."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any, Union

from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.obstacle import (
    Obstacle,
    Seen,
    Want,
    error,
    warning,
)

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
# Interfaces of the pod network that role flannel makes.
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104
OWN_INTERFACES = re.compile(r"^(lo|cni0|flannel[.-].*|veth.*|kube-ipvs0)$")


def address(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """The address by which the other hosts know this one is on an interface, primary or secondary."""
    own = want["address"]
    if not own:
        return
    what = f"cluster_node_ip {own}"
    others = [entry["address"] for entry in seen["addresses"] if _is_reachable(entry) and ":" not in entry["address"]]
    remedy = f"set cluster_node_ip to one that it has ({', '.join(others) or 'none yet'})"
    if ipaddress.ip_address(own).is_loopback:
        yield error("address", what, "is the host's loopback, where no other host reaches it", remedy)
    elif own not in [entry["address"] for entry in seen["addresses"]]:
        yield error("address", what, "no interface of the host has it, as behind NAT", remedy)


def _is_reachable(entry: Mapping[str, Any]) -> bool:
    found = ipaddress.ip_address(entry["address"])
    return not (found.is_loopback or found.is_link_local or OWN_INTERFACES.match(entry["interface"]))


def ports(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """No other process listens where a unit of ours has to."""
    ours = {f"{name}.service" for name, unit in seen["units"].items() if unit["ours"]}
    reported = set()
    for port in want["ports"]:
        for found in seen["sockets"]:
            key = (port["port"], found["pid"])
            # A tunnel's port is the kernel's, which has no process, and several tunnels share one.
            shared = not found["pid"] and port["protocol"] == "udp"
            if key in reported or shared or found["unit"] in ours or not _collides(found, port, want["address"]):
                continue
            reported.add(key)
            reason = f"in use by {_holder(found)} that is not ours, and {port['unit']} needs it"
            yield error(
                "ports", f"port {port['port']}", reason, f"stop it or take the host out of group {port['group']}"
            )


def _collides(found: Mapping[str, Any], port: Mapping[str, Any], own: str) -> bool:
    """Return whether a socket is in the way of a port of ours."""
    places = {own if place == "node" else place for place in port["addresses"]}
    same = (found["protocol"], found["port"]) == (port["protocol"], port["port"])
    return same and ("*" in places or found["address"] in (*ANY_ADDRESS, *places))


def _holder(found: Mapping[str, Any]) -> str:
    if not found["pid"]:
        return "a process that this host does not show"
    unit = ", a pod" if found["unit"] == "pod" else f", unit {found['unit']}" if found["unit"] else ""
    return f'"{found["program"]}" (pid {found["pid"]}{unit})'


def local_ports(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Outgoing connections do not take the ports of our units by chance."""
    low, high = (int(part) for part in seen["port_range"])
    hit = sorted({port["port"] for port in want["ports"] if low <= port["port"] <= high})
    if hit and low:
        reason = f"has port {', '.join(str(port) for port in hit)} in it, which outgoing connections may take"
        yield warning("local_ports", f"net.ipv4.ip_local_port_range {low} {high}", reason, "let it begin at 32768")


def routes(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Pods and services have ranges that the host does not need to reach anything else."""
    # A node of ours has a route to the pods of each other one, by flannel or by another pod network.
    runs = seen["units"].get("flanneld" if want["cni"] == "flannel" else "kubelet", {}).get("ours", False)
    for name in ("pod_cidr", "service_cidr"):
        wanted = ipaddress.ip_network(want[name], strict=False)
        for route in seen["routes"]:
            found: Network = ipaddress.ip_network(route["network"])
            if found.prefixlen == 0 or found.version != wanted.version or not found.overlaps(wanted):
                continue
            inside = found.prefixlen >= wanted.prefixlen
            if OWN_INTERFACES.match(route["interface"]) or (runs and inside and name == "pod_cidr"):
                continue
            what, way = f"cluster_{name} {wanted}", f"the route {found} ({route['interface']}) of this host"
            if inside:
                yield error("routes", what, f"overlaps {way}", "choose another range or remove the route")
            else:
                yield warning("routes", what, f"is inside of {way}", "hosts there with such addresses are lost to it")


def pod_interfaces(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Bridge and tunnel of an earlier cluster have other addresses."""
    if "node" not in want["groups"]:
        return
    wanted = ipaddress.ip_network(want["pod_cidr"], strict=False)
    for entry in seen["addresses"] if want["cni"] == "flannel" else ():
        found = ipaddress.ip_address(entry["address"])
        name = entry["interface"]
        if not re.match(r"^(cni0|flannel[.-].*)$", name) or found.version != wanted.version or found.is_link_local:
            continue
        if found not in wanted:
            reason = f"has {found} of an earlier cluster, outside of cluster_pod_cidr {wanted}"
            yield error("leftovers", f"interface {name}", reason, f"run ip link delete {name}")
    if "kube-ipvs0" in seen["links"] and want["proxy_mode"] != "ipvs":
        reason = "has the service addresses of a kube-proxy in mode ipvs"
        yield warning("leftovers", "interface kube-ipvs0", reason, "run ip link delete kube-ipvs0")


def resolver(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """CoreDNS asks the servers of the node's resolver: in a pod, loopback is CoreDNS itself."""
    if not want["resolver"] or "node" not in want["groups"]:
        return
    path, servers = seen["resolv_conf"], seen["nameservers"]
    remedy = "name servers there, or set addons_coredns_upstreams to some"
    if not servers:
        yield error("resolver", path, "names no server for CoreDNS to ask", remedy)
    elif all(_is_loopback(server) for server in servers):
        yield error("resolver", path, f"names only {', '.join(servers)}, in a pod CoreDNS itself", remedy)


def _is_loopback(server: str) -> bool:
    try:
        return ipaddress.ip_address(server.partition("%")[0]).is_loopback
    except ValueError:
        return False


def endpoint(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Hosts find the API by the name that was given for it."""
    name, found = want["endpoint"], seen["resolved"]
    what, remedy = f"cluster_api_endpoint {name}", "put it into DNS or /etc/hosts, or set it to an address"
    if name and found["reason"]:
        yield error("endpoint", what, f"does not resolve here ({found['reason']})", remedy)
    elif not _is_loopback(name) and any(_is_loopback(own) for own in found["addresses"]):
        yield error("endpoint", what, f"resolves to {', '.join(found['addresses'])} here", remedy)


def proxy(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """kubectl goes through a proxy that the environment names, also to the API."""
    through, spared = seen["environment"]["https_proxy"], seen["environment"]["no_proxy"]
    if not through:
        return
    targets = [
        name for name in dict.fromkeys((want["endpoint"], want["address"])) if name and not bypassed(name, spared)
    ]
    if "master" in want["groups"] and targets:
        remedy = "add that, or unset https_proxy for Ansible's user"
        yield warning("proxy", "https_proxy", f"is set, and no_proxy is without {', '.join(targets)}", remedy)
    if "node" in want["groups"] and not want["proxy"]:
        reason = "is set for this host but not for containerd, which pulls the images"
        yield warning("proxy", "https_proxy", reason, "set containerd_https_proxy")


def bypassed(name: str, no_proxy: str) -> bool:
    """Return whether Go's programs reach a host without the proxy."""
    for entry in (part.strip().lower() for part in no_proxy.split(",")):
        if entry == "*" or (entry and f".{name}".endswith("." + entry.lstrip("."))):
            return True
        try:
            if ipaddress.ip_address(name) in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False


CHECKS = (address, ports, local_ports, routes, pod_interfaces, resolver, endpoint, proxy)
