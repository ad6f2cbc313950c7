#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a host runs of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: running_info
short_description: Reads which components a host runs, in which versions and with which lasting settings
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Looks at processes, and where a component does not run, at its unit file and the link to its binary.
  - Reports only what M(hardway.kubernetes.artifact) has installed. A program of other origin is not of this cluster.
  - On a host with an API server that runs, asks it for CoreDNS' image and the address of the cluster's DNS.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  servers:
    description:
      - URLs of API servers on hosts that are not looked at. Each is asked for its version, with this host's
        administrator's certificate.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Read what the host runs
  hardway.kubernetes.running_info:
  register: running
"""

RETURN = r"""
running:
  description: What was found.
  returned: always
  type: dict
  contains:
    versions:
      description: Versions by program, and of C(runc), C(cni) and C(pause), which containerd starts.
      type: dict
      sample: {"etcd": "3.6.14", "kubelet": "1.36.2"}
    active:
      description: Those of the programs that run now.
      type: list
      elements: str
      sample: [etcd, kubelet]
    flags:
      description: Flags of the programs that tell what a running cluster cannot change.
      type: dict
      sample: {"kube-controller-manager": {"cluster-cidr": "10.244.0.0/16"}}
    kubelet:
      description: Domain and address of the cluster's DNS in the kubelet's configuration.
      type: dict
      sample: {"domain": "cluster.local", "dns_address": "10.96.0.10"}
    etcd_data:
      description: Whether a member of etcd has data on this host.
      type: bool
    record:
      description: Versions of all components that role C(master) has last deployed.
      type: dict
      sample: {"flannel": "0.27.4"}
    stored:
      description: Installed binaries by component and directory.
      type: dict
      sample: {"runc": {"1.4.3": ["runc"]}}
    api:
      description:
        - CoreDNS' version and the address of the cluster's DNS, empty where there is none; null without an answer.
      type: dict
      sample: {"coredns": "1.14.2", "dns_address": "10.96.0.10"}
    servers:
      description: Versions of those O(servers) that answered.
      type: dict
      sample: {"https://192.0.2.12:6443": "1.36.2"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.running_probe import read
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd


def main() -> None:
    """Read, report."""
    options = {"servers": {"type": "list", "elements": "str", "default": []}}
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    systemd = Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    module.exit_json(changed=False, running=read(systemd, module.params["servers"]))


if __name__ == "__main__":
    main()
