#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health-checks the components of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_health
short_description: Health-check the components of a host
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Checks units, served certificates, DNS, CNI configuration and kernel settings of one host, and returns all
    problems.
  - Only what the options name is checked. Problems never fail the module, so a play can collect those of all hosts.
  - For the cluster as a whole see M(hardway.kubernetes.cluster_info).
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Inspects once and does not wait.
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  host:
    description: Name of this host in problems.
    type: str
    default: ''
  services:
    description: Units that must be active and stay active, and must answer at O(services[].url) if set.
    type: list
    elements: dict
    default: []
    suboptions:
      unit:
        description: Name of the unit. The default type is C(.service).
        type: str
        required: true
      url:
        description: URL that must answer with status 200, or C(unix:///path) of a gRPC server.
        type: str
      ca:
        description: CA of O(services[].url). When unset, the server is not verified.
        type: path
      cert:
        description: Client certificate for O(services[].url).
        type: path
      key:
        description: Private key of O(services[].cert).
        type: path
      server_name:
        description: Server name (SNI), if it differs from the address.
        type: str
      check:
        description: Read-only command that must exit with 0, such as the program's check of its configuration.
        type: list
        elements: str
        default: []
      complaints:
        description: Regular expressions. A matching line in the journal since the unit's start is a problem.
        type: list
        elements: str
        default: []
      name:
        description: Name to use in problems.
        type: str
  served:
    description: Listeners that must serve the certificate in a file of this host.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Address to connect to.
        type: str
        required: true
      port:
        description: Port to connect to.
        type: int
        required: true
      path:
        description: PEM file with the certificate.
        type: path
        required: true
      server_name:
        description: Server name (SNI), if it differs from the address.
        type: str
      name:
        description: Name to use in problems.
        type: str
  dns:
    description:
      - Names to resolve, each by several parallel queries, so that one unreachable server of several behind an address
        is noticed too.
    type: list
    elements: dict
    default: []
    suboptions:
      server:
        description: IPv4 address of the DNS server.
        type: str
        required: true
      port:
        description: UDP port of the DNS server.
        type: int
        default: 53
      name:
        description: Name to resolve.
        type: str
        required: true
      answer:
        description: IPv4 address that must be in the answer. When unset, any answer is accepted.
        type: str
  cni_config:
    description:
      - Path that must sort first among the CNI configurations in its directory, because the runtime uses the first.
      - Running pods must have addresses in its ranges.
    type: path
  cni_dir:
    description:
      - Directory of the CNI configurations, if another program installs the pod network. As long as it has none, O(dns)
        is not queried; see RV(awaits_network).
    type: path
  sysctls:
    description: Kernel settings and their values. Settings that the kernel does not have are skipped.
    type: dict
    default: {}
  shutdown_delay:
    description:
      - Minimum shutdown delay that logind must allow, so that the kubelet can end its pods, such as V(60s).
      - Not checked on a host without logind.
    type: str
  addresses:
    description: IPv4 addresses to look up on this host; see RV(held).
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait until there is no problem. V(0) inspects once.
    type: int
    default: 0
seealso:
  - module: hardway.kubernetes.cluster_info
"""

EXAMPLES = r"""
- name: Check the kubelet, its certificate and the cluster DNS
  hardway.kubernetes.host_health:
    host: "{{ inventory_hostname }}"
    services:
      - unit: kubelet
        url: http://127.0.0.1:10248/healthz
    served:
      - host: 192.0.2.21
        port: 10250
        path: /etc/kubernetes/pki/kubelet.crt
    dns:
      - server: 10.96.0.10
        name: kubernetes.default.svc.cluster.local
        answer: 10.96.0.1
"""

RETURN = r"""
problems:
  description: All problems, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["kubelet on node1: it is inactive (dead); see journalctl -u kubelet.service"]
services:
  description: The units with their states and errors.
  returned: always
  type: list
  elements: dict
  sample: [{name: haproxy on lb1, unit: haproxy.service, state: active (running), error: ""}]
served:
  description: SHA-256 fingerprints of the served certificates and of those on disk.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: kubelet, host: 192.0.2.21, port: 10250, path: /p/kubelet.crt, served: ab12, on_disk: ab12, error: ""}
dns:
  description: The names, with the errors of failed queries.
  returned: always
  type: list
  elements: dict
  sample: [{server: 10.96.0.10, name: kubernetes.default.svc.cluster.local, queries: 8, errors: []}]
awaits_network:
  description: Whether O(cni_dir) has no CNI configuration yet.
  returned: always
  type: bool
  sample: false
held:
  description: Those of O(addresses) that this host has.
  returned: always
  type: list
  elements: str
  sample: [192.0.2.100]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.host_health_probe import HostHealthProbe
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until

SERVICE = {
    "unit": {"type": "str", "required": True},
    "url": {"type": "str"},
    "ca": {"type": "path"},
    "cert": {"type": "path"},
    "key": {"type": "path", "no_log": False},
    "server_name": {"type": "str"},
    "check": {"type": "list", "elements": "str", "default": []},
    "complaints": {"type": "list", "elements": "str", "default": []},
    "name": {"type": "str"},
}
SERVED = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "path": {"type": "path", "required": True},
    "server_name": {"type": "str"},
    "name": {"type": "str"},
}
DNS = {
    "server": {"type": "str", "required": True},
    "port": {"type": "int", "default": 53},
    "name": {"type": "str", "required": True},
    "answer": {"type": "str"},
}
SPEC = {
    "host": {"type": "str", "default": ""},
    "services": {"type": "list", "elements": "dict", "default": [], "options": SERVICE},
    "served": {"type": "list", "elements": "dict", "default": [], "options": SERVED},
    "dns": {"type": "list", "elements": "dict", "default": [], "options": DNS},
    "cni_config": {"type": "path"},
    "cni_dir": {"type": "path"},
    "sysctls": {"type": "dict", "default": {}},
    "shutdown_delay": {"type": "str"},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 0},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = {**module.params, "sysctls": {name: str(value) for name, value in module.params["sysctls"].items()}}
    probe = HostHealthProbe(params, lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    timeout = 0 if module.check_mode else params["timeout"]
    try:
        _healthy, seen = wait_until(probe.inspect, lambda found: not found["problems"], timeout=timeout)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **seen)


if __name__ == "__main__":
    main()
