#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports the cluster components that run on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: running_info
short_description: Report the cluster components of a host with versions and permanent settings
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Inspects processes. For a component that does not run, inspects its unit file and the link to its binary.
  - Reports only programs that M(hardway.kubernetes.artifact) has installed. Others do not belong to this cluster.
  - On a host with a running API server, also queries the image of CoreDNS, the address of the cluster DNS and the
    cluster record.
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
      - URLs of API servers on hosts that are not inspected. Each is queried for its version, with this host's
        administrator certificate.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Inspect the components of the host
  hardway.kubernetes.running_info:
  register: running
"""

RETURN = r"""
running:
  description: The components.
  returned: always
  type: dict
  contains:
    versions:
      description: Versions by program, including C(runc), C(cni) and C(pause), which containerd starts.
      type: dict
      sample: {"etcd": "3.6.14", "kubelet": "1.36.2"}
    active:
      description: Programs that are running.
      type: list
      elements: str
      sample: [etcd, kubelet]
    flags:
      description: Flags for settings that cannot be changed in a running cluster, by program.
      type: dict
      sample: {"kube-controller-manager": {"cluster-cidr": "10.244.0.0/16"}}
    kubelet:
      description: Domain and address of the cluster DNS in the kubelet's configuration.
      type: dict
      sample: {"domain": "cluster.local", "dns_address": "10.96.0.10"}
    etcd_data:
      description: Whether an etcd member has data on this host.
      type: bool
    records:
      description: Versions in the cluster record, and those that role C(master) has last deployed, each with the name
        of the cluster if it is known, and the state of the last upgrade. C(live) is that from the API.
      type: list
      elements: dict
      sample: [{"cluster": "kubernetes", "versions": {"flannel": "0.27.4"}}]
    stored:
      description: Installed binaries by component and directory.
      type: dict
      sample: {"runc": {"1.4.3": ["runc"]}}
    api:
      description:
        - Version of CoreDNS and address of the cluster DNS, empty if not deployed. Null if the API did not answer.
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
    """Run the module."""
    options = {"servers": {"type": "list", "elements": "str", "default": []}}
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    systemd = Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    module.exit_json(changed=False, running=read(systemd, module.params["servers"]))


if __name__ == "__main__":
    main()
