# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight checks of a host's firewall, evaluated from gathered facts. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import openings, ufw_rules
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import port_range
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.obstacle import (
    Obstacle,
    Seen,
    Want,
    error,
    warning,
)

Opening = Mapping[str, Any]
# By number of IP.
VRRP = "112"
# The pod network of ours has these, and accepts what they send itself only in iptables.
POD_INTERFACES = re.compile(r"\b(cni0|flannel)")


def firewall(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """A firewall that is on lets the other hosts in where our units listen, or can be opened."""
    if want["firewall"] == "ignore":
        return
    report = warning if want["single_host"] else error
    opened = seen["firewall"]
    if want["firewall"] == "open" and opened["name"]:
        for problem in opened["problems"]:
            reason, _semicolon, remedy = problem.rpartition("; ")
            yield report("firewall", opened["name"], f"cannot be opened: {reason}", remedy)
        return
    for name, is_open in _firewalls(seen):
        if shut := [one for one in want["openings"] if not _lets_in(is_open, one)]:
            yield report("firewall", name, f"is on and does not let in {_in_words(shut)}", _remedy(name, shut, want))
    for name in _closed_to_pods(seen, want):
        reason = f"is on and does not forward what pods send ({want['forwards'][0]['source']})"
        yield warning("firewall", name, reason, f"{_open_it(name)}, or forward it by a rule of yours")


def _lets_in(is_open: Callable[[int, str], bool], opening: Opening) -> bool:
    ports = port_range(opening["port"]) if opening["port"] else (0,)
    return all(is_open(port, opening["protocol"]) for port in ports)


def _in_words(shut: Iterable[Opening]) -> str:
    found: dict[str, list[str]] = {}
    for one in shut:
        port = f"{one['port']}/{one['protocol']}" if one["port"] else f"IP protocol {VRRP} (VRRP)"
        clients = found.setdefault(port, [])
        clients += [word for word in one["clients"].split(", ") if word and word not in clients]
    return ", ".join(f"{port} from {' and '.join(clients)}" if clients else port for port, clients in found.items())


def _open_it(name: str) -> str:
    if "iptables" in name or re.search(r" ip6? filter (INPUT|FORWARD)$", name):
        return "host_firewall opens firewalld, ufw and nftables, but not iptables"
    return "set host_firewall to open"


def _remedy(name: str, shut: Iterable[Opening], want: Want) -> str:
    given = next((one for one in shut if one["sources"]), None)
    if given is None:
        return "open them to the other hosts of the cluster"
    (rule, *_others) = openings.rules([{**given, "sources": given["sources"][:1]}])
    yours = "open them yourself" if want["firewall"] == "open" else f"{_open_it(name)}, or open them yourself"
    return f"{yours}, for each host as with: {command(name, rule)}"


def command(name: str, rule: openings.Rule) -> str:
    """Return the command that opens a port for one source in a firewall, as an example."""
    source, protocol, ports = rule
    if name == "ufw":
        return " ".join(ufw_rules.command(ufw_rules.wanted([rule], [])[0])).partition(" comment ")[0]
    if name == "firewalld":
        what = f'port port="{ports[0]}" protocol="{protocol}"' if ports else f'protocol value="{protocol}"'
        rich = f'rule family="ipv4" source address="{source}" {what} accept'
        return f"firewall-cmd --permanent --add-rich-rule='{rich}' && firewall-cmd --reload"
    if name.startswith("nftables chain ") and not re.search(r" ip6? filter INPUT$", name):
        what = f"{protocol} dport {ports[0]}" if ports else f"meta l4proto {protocol}"
        return f"nft insert rule {name.partition(' chain ')[2]} ip saddr {source} {what} accept"
    what = f"-p {protocol}" + (f" --dport {ports[0].replace('-', ':')}" if ports else "")
    return f"iptables -I INPUT -s {source} {what} -j ACCEPT"


def _firewalls(seen: Seen) -> Iterator[tuple[str, Callable[[int, str], bool]]]:
    """Yield the firewalls that are on, each with the question whether a port is open in it."""
    settings, defaults, *rules = seen["ufw"].values()
    if seen["firewalld"] is not None:
        yield "firewalld", partial(firewalld_opens, list(seen["firewalld"].values()))
    elif re.search(r"^ENABLED=yes", settings, re.MULTILINE):
        if not re.search(r"^DEFAULT_INPUT_POLICY=\"?ACCEPT", defaults, re.MULTILINE):
            yield "ufw", partial(ufw_opens, "\n".join(rules))
    else:
        for name, text in seen["rules"].items():
            yield name, partial(rules_open, text)


def _closed_to_pods(seen: Seen, want: Want) -> Iterator[str]:
    """Yield the firewalls that drop what pods send to others. In iptables, and so in ufw, flannel accepts it."""
    sources = [one["source"] for one in want["forwards"] if not one["destination"]]
    if seen["firewalld"] is not None:
        texts = {"firewalld": "\n".join(seen["firewalld"].values())}
    else:
        texts = {name: text for name, text in seen["forward_rules"].items() if "set host" in _open_it(name)}
    for name, text in texts.items():
        if sources and not POD_INTERFACES.search(text) and not any(source in text for source in sources):
            yield name


def firewalld_opens(zones: Iterable[str], port: int, protocol: str) -> bool:
    """Return whether any zone has the port; a zone that accepts everything is meant for the hosts of the cluster."""
    for text in zones:
        if re.search(r"<zone[^>]*target=\"ACCEPT\"", text) and ("<source" in text or "<interface" in text):
            return True
        for first, last in re.findall(rf"<port\s+(?:protocol=\"{protocol}\"\s+)?port=\"(\d+)(?:-(\d+))?\"", text):
            if int(first) <= port <= int(last or first):
                return True
        if any(port in SERVICES.get(name, ()) for name in re.findall(r"<service\s+name=\"([^\"]+)\"", text)):
            return True
        if protocol == "vrrp" and re.search(r"<protocol\s+value=\"(vrrp|112)\"", text):
            return True
        if re.search(r"<rule[^>]*>\s*<source[^>]*>\s*<accept", text):
            return True
    return False


# firewalld's own names.
SERVICES = {
    "kube-apiserver": (6443,),
    "kube-api": (6443,),
    "kubelet": (10250,),
    "kube-worker": (10250,),
    "kube-control-plane": (6443, 2379, 2380, 10250),
    "kube-control-plane-secure": (6443, 2379, 2380, 10250),
    "etcd-client": (2379,),
    "etcd-server": (2380,),
    "wireguard": (51820,),
}


def ufw_opens(rules: str, port: int, protocol: str) -> bool:
    """Return whether a rule of ufw allows the port, from wherever."""
    for kind, dport in re.findall(r"^### tuple ### (?:allow|limit)\S* (\S+) (\S+) ", rules, re.MULTILINE):
        if kind in ("any", protocol) and (dport == "any" or _in_ports(port, dport.replace(":", "-"))):
            return True
    # Older ones have rules for VRRP only in before.rules.
    return protocol == "vrrp" and ufw_rules.knows_vrrp("", rules)


def rules_open(text: str, port: int, protocol: str) -> bool:
    """Return whether a rule of nft or iptables accepts the port, or all that some hosts or networks send.

    Rules can say more than is understood here; what may be meant to let the port in counts as that.
    """
    for line in text.splitlines():
        if not re.search(r"\b(accept|ACCEPT)\b", line) or re.search(r"\bpolicy\b|^-P|\b(iif|iifname|-i) \"?lo\b", line):
            continue
        protocols = _protocols(line)
        if protocols and protocol not in protocols:
            continue
        if protocol == "vrrp" and protocols:
            return True
        named = re.findall(r"(?:dport|--dports?) (?:!= )?(\{[^}]*\}|\S+)", line)
        if any(_in_ports(port, words.strip("{} ").replace(":", "-")) for words in named):
            return True
        if not named and re.search(r"(saddr|-s) ", line):
            return True
        if not named and re.search(r"(iifname|iif|-i) \"?\S", line):
            return True
    return False


def _protocols(rule: str) -> set[str]:
    """Return the protocols that a rule of nft or iptables names."""
    named = re.findall(r"(?:-p|l4proto|ip protocol) (\{[^}]*\}|\w+)|\b(tcp|udp) dport", rule)
    words = re.findall(r"\w+", " ".join(first or second for first, second in named))
    return {"vrrp" if word == VRRP else word for word in words}


def _in_ports(port: int, words: str) -> bool:
    for word in re.split(r"[,\s]+", words):
        first, _dash, last = word.partition("-")
        if first.isdigit() and int(first) <= port <= int(last if last.isdigit() else first):
            return True
    return False


CHECKS = (firewall,)
