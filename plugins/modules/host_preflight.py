#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_preflight
short_description: Preflight checks of a host
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Inspects a host in one call and returns every obstacle with its remedy. Obstacles never fail the task, so that all
    hosts can be reported at once.
  - An existing cluster of this collection on the host is not an obstacle.
  - Returns the facts that the roles need, in the form of M(ansible.builtin.setup).
  - C(docs/preflight.md) compares the checks with those of kubeadm.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Nothing is ever changed.
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  groups:
    description: Inventory groups of the host.
    type: list
    elements: str
    default: []
  address:
    description: Node address of the host. When empty, the address of its default route.
    type: str
    default: ""
  known:
    description: What this module has returned for the host before. It is returned again, and the host not contacted.
    type: dict
    default: {}
  endpoint:
    description: Name or address of the API endpoint. The host must be able to resolve it.
    type: str
    default: ""
  pod_cidr:
    description: Address range of pods.
    type: str
    default: 10.244.0.0/16
  service_cidr:
    description: Address range of services.
    type: str
    default: 10.96.0.0/16
  etcd_data_dir:
    description: Data directory of etcd.
    type: path
    default: /var/lib/etcd
  ports:
    description: Ports that must be free on the host.
    type: list
    elements: dict
    default: []
    suboptions:
      port: {description: Port number., type: int, required: true}
      protocol: {description: Protocol., type: str, choices: [tcp, udp], default: tcp}
      unit: {description: Unit that listens on it., type: str, required: true}
      group: {description: Group whose hosts run the unit., type: str, required: true}
      addresses:
        description: Addresses it listens on. V(node) means O(address), V(*) all addresses.
        type: list
        elements: str
        default: ["*"]
  firewall:
    description:
      - V(check) reports O(openings) that an active firewall does not let in. V(open) reports what
        M(hardway.kubernetes.host_firewall) cannot open. V(ignore) reports neither.
    type: str
    choices: [check, open, ignore]
    default: check
  openings:
    description: What the host lets in, as in M(hardway.kubernetes.host_firewall).
    type: list
    elements: dict
    default: []
    suboptions:
      protocol: {description: Protocol., type: str, choices: [tcp, udp, vrrp], default: tcp}
      port: {description: A port or a range. Empty for V(vrrp)., type: str, default: ""}
      sources: {description: Addresses and networks that connect., type: list, elements: str, required: true}
      unit: {description: What listens there., type: str, default: ""}
      clients: {description: "What O(openings[].sources) are, in words.", type: str, default: ""}
  forwards:
    description: What the host forwards, as in M(hardway.kubernetes.host_firewall).
    type: list
    elements: dict
    default: []
    suboptions:
      source: {description: Address or network. Empty means any., type: str, default: ""}
      destination: {description: Address or network. Empty means any., type: str, default: ""}
  modules:
    description: Kernel modules that must be loaded, built in or loadable.
    type: list
    elements: str
    default: []
  cni:
    description: Pod network. With V(none), another one than that of this collection is no obstacle.
    type: str
    choices: [flannel, none]
    default: flannel
  proxy_mode:
    description: Mode of kube-proxy, or V(none).
    type: str
    default: iptables
  resolver:
    description: Whether CoreDNS forwards queries to the DNS servers of the host's resolver.
    type: bool
    default: true
  proxy:
    description: Whether containerd uses a proxy.
    type: bool
    default: false
  single_host:
    description: Whether this is the only host of the cluster. What a firewall closes is only a warning then.
    type: bool
    default: false
  time_sync_required:
    description: Whether an unsynchronized clock is an error instead of a warning.
    type: bool
    default: false
  skip:
    description: Checks to skip.
    type: list
    elements: str
    choices:
      - privileges
      - python
      - pipelining
      - clock
      - clock_sync
      - systemd
      - kernel
      - cgroups
      - memory
      - cpus
      - mounts
      - disk
      - units
      - dropins
      - leftovers
      - cni
      - logind
      - selinux
      - address
      - ports
      - local_ports
      - routes
      - resolver
      - endpoint
      - proxy
      - firewall
      - identity
      - mtu
    default: []
  servers:
    description: URLs of API servers to query for their version, as in M(hardway.kubernetes.running_info).
    type: list
    elements: str
    default: []
  peers:
    description: Addresses of other hosts.
    type: list
    elements: str
    default: []
seealso:
  - module: hardway.kubernetes.running_info
"""

EXAMPLES = r"""
- name: Check a host before anything is changed
  hardway.kubernetes.host_preflight:
    groups: "{{ group_names }}"
    address: 192.0.2.11
    ports:
      - {port: 10250, unit: kubelet, group: node}
    openings:
      - {port: "10250", sources: [192.0.2.12], clients: master}
    skip: [disk]
  register: answer
"""

RETURN = r"""
obstacles:
  description: Obstacles, errors first.
  returned: always
  type: list
  elements: dict
  sample:
    - check: ports
      severity: error
      message: 'port 2379: in use by "etcd" (pid 812, unit etcd.service) that is not ours, and etcd needs it; …'
time:
  description: The host's clock, in seconds since 1970, to be compared with the controller's.
  returned: always
  type: float
  sample: 1790000000.5
identity:
  description: Identifiers that must differ between hosts. C(macaddress) is that of the interface with the node address.
  returned: always
  type: dict
  sample: {"machine_id": "5f4dcc3b5aa765d61d8327deb882cf99", "product_uuid": "", "macaddress": "52:54:00:12:34:56"}
mtu:
  description: MTU of the interface with the node address. V(0) if it is unknown.
  returned: always
  type: int
  sample: 1500
clock:
  description: By how many seconds the host's clock is ahead of the controller's, at least and at most.
  returned: always
  type: list
  elements: float
  sample: [-0.4, 0.3]
running:
  description: Components of a cluster on the host, as returned by M(hardway.kubernetes.running_info).
  returned: always
  type: dict
sources:
  description: From which addresses the host connects to O(peers), by its routes.
  returned: always
  type: list
  elements: str
  sample: [192.0.2.11]
up_to_date:
  description:
    - The mark of M(hardway.kubernetes.up_to_date), as C(inputs); empty without
      one, or if a cached result in it is no longer valid.
  returned: always
  type: dict
  sample: {"inputs": "5f4dcc3b5aa765d61d8327deb882cf99"}
ansible_facts:
  description:
    - The facts C(architecture), C(distribution), C(distribution_version), C(distribution_major_version),
      C(distribution_release), C(os_family), C(pkg_mgr), C(service_mgr), C(kernel), C(hostname), C(nodename),
      C(memtotal_mb), C(processor_vcpus), C(machine_id), C(interfaces), C(default_ipv4), C(all_ipv4_addresses),
      and one per interface.
  returned: always
  type: dict
"""

import platform

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.running_probe import read
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.options import FORWARD, OPENING
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results, up_to_date
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import network as host_network
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.kernel_apply import unchanged_result
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import host_checks
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.host_gather import Gather
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.obstacle import NAMES
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd, health_problem

PORT = {
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
    "unit": {"type": "str", "required": True},
    "group": {"type": "str", "required": True},
    "addresses": {"type": "list", "elements": "str", "default": ["*"]},
}


def mark(systemd: Systemd) -> str:
    """Return the digest of a mark that holds; without a mark, nothing else is inspected."""
    if not up_to_date.read():
        return ""
    return up_to_date.inputs(cached_results.valid_results(systemd.show, health_problem, unchanged_result, clean=False))


def main() -> None:
    """Run the module."""
    options = {
        "groups": {"type": "list", "elements": "str", "default": []},
        "address": {"type": "str", "default": ""},
        "known": {"type": "dict", "default": {}},
        "endpoint": {"type": "str", "default": ""},
        "pod_cidr": {"type": "str", "default": "10.244.0.0/16"},
        "service_cidr": {"type": "str", "default": "10.96.0.0/16"},
        "etcd_data_dir": {"type": "path", "default": "/var/lib/etcd"},
        "ports": {"type": "list", "elements": "dict", "default": [], "options": PORT},
        "firewall": {"type": "str", "choices": ["check", "open", "ignore"], "default": "check"},
        "openings": {"type": "list", "elements": "dict", "default": [], "options": OPENING},
        "forwards": {"type": "list", "elements": "dict", "default": [], "options": FORWARD},
        "modules": {"type": "list", "elements": "str", "default": []},
        "cni": {"type": "str", "choices": ["flannel", "none"], "default": "flannel"},
        "proxy_mode": {"type": "str", "default": "iptables"},
        "resolver": {"type": "bool", "default": True},
        "proxy": {"type": "bool", "default": False},
        "single_host": {"type": "bool", "default": False},
        "time_sync_required": {"type": "bool", "default": False},
        "skip": {"type": "list", "elements": "str", "default": [], "choices": list(NAMES)},
        "servers": {"type": "list", "elements": "str", "default": []},
        "peers": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    want = dict(module.params)
    seen = Gather().facts(want)
    network = host_network.facts(seen["addresses"], seen["routes"], seen["links"])
    # Without an address from the inventory, use that of the default route.
    want["address"] = want["address"] or network["ansible_default_ipv4"].get("address", "")
    name = platform.node()
    systemd = Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    module.exit_json(
        changed=False,
        obstacles=host_checks.obstacles(seen, want),
        time=seen["time"],
        identity=host_checks.identity(seen, want),
        mtu=host_checks.mtu(seen, want),
        running=read(systemd, want["servers"]),
        sources=host_network.sources(want["peers"]),
        # Rules that are missing, or no longer wanted, are what is left to do.
        up_to_date={"inputs": "" if seen["firewall"]["pending"] else mark(systemd)},
        ansible_facts={
            **host_checks.facts(seen),
            **network,
            "ansible_architecture": platform.machine(),
            "ansible_nodename": name,
            "ansible_hostname": name.partition(".")[0],
        },
    )


if __name__ == "__main__":
    main()
