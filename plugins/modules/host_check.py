#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_check
short_description: What on a host is in the way of the cluster, before anything is changed
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Inspects a host in one call and returns every obstacle with its remedy. It never fails because of one, so that all
    hosts can be reported at once.
  - What belongs to a cluster of this collection on that host is no obstacle.
  - Returns the few facts that the roles need, in the form of M(ansible.builtin.setup).
  - docs/preflight.md lists the checks beside those of kubeadm.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Nothing is changed in any mode.
  diff_mode:
    support: none
    details: The host's state does not change.
options:
  groups:
    description: The groups of the host.
    type: list
    elements: str
    default: []
  address:
    description: The host's node address; empty, the address of its default route.
    type: str
    default: ""
  endpoint:
    description: Name or address of the API endpoint, which the host must be able to resolve.
    type: str
    default: ""
  pod_cidr:
    description: Range of the pods.
    type: str
    default: 10.244.0.0/16
  service_cidr:
    description: Range of the services.
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
      port: {description: The port., type: int, required: true}
      protocol: {description: The protocol., type: str, choices: [tcp, udp], default: tcp}
      unit: {description: The unit that listens there., type: str, required: true}
      group: {description: The group whose hosts run that unit., type: str, required: true}
      addresses:
        description: Where it listens; V(node) stands for O(address), V(*) for every address.
        type: list
        elements: str
        default: ["*"]
      open: {description: Whether other hosts connect to it., type: bool, default: false}
  modules:
    description: Kernel modules that the host must have or be able to load.
    type: list
    elements: str
    default: []
  proxy_mode:
    description: The mode of kube-proxy.
    type: str
    default: iptables
  resolver:
    description: Whether CoreDNS asks the servers of the hosts' own resolver.
    type: bool
    default: true
  proxy:
    description: Whether containerd has a proxy.
    type: bool
    default: false
  alone:
    description: Whether this is the only host of the cluster; a firewall then is a warning.
    type: bool
    default: false
  time_sync_required:
    description: Whether a clock that is not synchronized is an error, not a warning.
    type: bool
    default: false
  skip:
    description: Names of checks whose obstacles are not reported.
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
    default: []
  servers:
    description: URLs of API servers to ask for their version, as in M(hardway.kubernetes.running_info).
    type: list
    elements: str
    default: []
seealso:
  - module: hardway.kubernetes.running_info
"""

EXAMPLES = r"""
- name: Look for what is in the way
  hardway.kubernetes.host_check:
    groups: "{{ group_names }}"
    address: 192.0.2.11
    ports:
      - {port: 10250, unit: kubelet, group: node, open: true}
    skip: [firewall]
  register: answer
"""

RETURN = r"""
obstacles:
  description: What is in the way, errors first.
  returned: always
  type: list
  elements: dict
  sample:
    - check: ports
      severity: error
      message: 'port 2379: in use by "etcd" (pid 812, unit etcd.service) that is not ours, and etcd needs it; …'
time:
  description: The host's clock, in seconds since 1970, which is compared with the controller's.
  returned: always
  type: float
  sample: 1790000000.5
identity:
  description: What must differ between hosts, among it the hardware address of the interface that has the node address.
  returned: always
  type: dict
  sample: {"machine_id": "5f4dcc3b5aa765d61d8327deb882cf99", "product_uuid": "", "macaddress": "52:54:00:12:34:56"}
running:
  description: What the host runs of a cluster, as M(hardway.kubernetes.running_info) reports it.
  returned: always
  type: dict
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
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import network as host_network
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import host_check
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.host_gather import Gather
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.obstacle import NAMES
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

PORT = {
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
    "unit": {"type": "str", "required": True},
    "group": {"type": "str", "required": True},
    "addresses": {"type": "list", "elements": "str", "default": ["*"]},
    "open": {"type": "bool", "default": False},
}


def main() -> None:
    """Read, decide, report."""
    options = {
        "groups": {"type": "list", "elements": "str", "default": []},
        "address": {"type": "str", "default": ""},
        "endpoint": {"type": "str", "default": ""},
        "pod_cidr": {"type": "str", "default": "10.244.0.0/16"},
        "service_cidr": {"type": "str", "default": "10.96.0.0/16"},
        "etcd_data_dir": {"type": "path", "default": "/var/lib/etcd"},
        "ports": {"type": "list", "elements": "dict", "default": [], "options": PORT},
        "modules": {"type": "list", "elements": "str", "default": []},
        "proxy_mode": {"type": "str", "default": "iptables"},
        "resolver": {"type": "bool", "default": True},
        "proxy": {"type": "bool", "default": False},
        "alone": {"type": "bool", "default": False},
        "time_sync_required": {"type": "bool", "default": False},
        "skip": {"type": "list", "elements": "str", "default": [], "choices": list(NAMES)},
        "servers": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    want = dict(module.params)
    seen = Gather().seen(want)
    network = host_network.facts(seen["addresses"], seen["routes"], seen["links"])
    # Where the inventory tells no address, that of the default route is the one.
    want["address"] = want["address"] or network["ansible_default_ipv4"].get("address", "")
    name = platform.node()
    systemd = Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    module.exit_json(
        changed=False,
        obstacles=host_check.obstacles(seen, want),
        time=seen["time"],
        identity=host_check.identity(seen, want),
        running=read(systemd, want["servers"]),
        ansible_facts={
            **host_check.facts(seen),
            **network,
            "ansible_architecture": platform.machine(),
            "ansible_nodename": name,
            "ansible_hostname": name.partition(".")[0],
        },
    )


if __name__ == "__main__":
    main()
