#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the state of a host for the status of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_status
short_description: Gather the state of a host for the status of a cluster
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Inspects units, addresses, versions, certificates and the last backup of one host, once and without waiting.
  - Only what the options name is inspected. Problems never fail the module.
  - Units are also compared with the inputs that they were started from, as recorded by M(hardway.kubernetes.unit).
requirements:
  - python3-cryptography 3.4 or newer (for O(certificate_files) and O(certificate_endpoints))
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  units:
    description: Units to inspect, and their health checks.
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
        description: CA of O(units[].url). When unset, the server is not verified.
        type: path
      cert:
        description: Client certificate for O(units[].url).
        type: path
      key:
        description: Private key of O(units[].cert).
        type: path
      server_name:
        description: Server name (SNI), if it differs from the address.
        type: str
  addresses:
    description: IPv4 addresses to look up on this host, such as virtual IPs.
    type: list
    elements: str
    default: []
  certificate_files:
    description: PEM files, kubeconfigs and directories to inspect. Missing ones are skipped.
    type: list
    elements: path
    default: []
  certificate_endpoints:
    description: Listeners whose certificates to inspect.
    type: list
    elements: dict
    default: []
    suboptions:
      endpoint:
        description: Address and port, for example V(192.0.2.11:6443).
        type: str
        required: true
      path:
        description: File with the certificate that must be served.
        type: path
        required: true
      used_by:
        description: Programs that serve it.
        type: list
        elements: str
        default: []
  warning_days:
    description: With fewer days left, a certificate is in state V(warning).
    type: float
    default: 30
  critical_days:
    description: With fewer days left, a certificate is in state V(critical).
    type: float
    default: 7
  backup_file:
    description: JSON file with C(time), C(archive), C(size) and C(revision) of the last proven backup, if there is one.
    type: path
seealso:
  - module: hardway.kubernetes.cluster_status
  - module: hardway.kubernetes.status_report
"""

EXAMPLES = r"""
- name: Gather the state of a node
  hardway.kubernetes.host_status:
    units:
      - unit: kubelet
        url: http://127.0.0.1:10248/healthz
    certificate_files: [/etc/kubernetes]
  register: host
"""

RETURN = r"""
units:
  description: Units with state, error, and the inputs that have changed since they started.
  returned: success
  type: list
  elements: dict
  sample: [{unit: kubelet.service, state: active (running), active: true, error: "", changed_inputs: []}]
addresses:
  description: Those of O(addresses) that this host has.
  returned: success
  type: list
  elements: str
  sample: [192.0.2.100]
versions:
  description: Versions of the components by program.
  returned: success
  type: dict
  sample: {"etcd": "3.6.14", "kubelet": "1.36.2"}
certificates:
  description: Certificates, with the main fields that M(hardway.kubernetes.pki_info) returns.
  returned: success
  type: list
  elements: dict
  sample: [{where: /etc/kubernetes/pki/ca.crt, days_left: 3649.9, state: ok}]
backup:
  description: Whether backups are deployed on this host, and the last proven one.
  returned: success
  type: dict
  sample: {"deployed": true, "last": {"time": "2026-11-29T03:00:00Z", "size": 20480}}
errors:
  description: Parts that could not be inspected.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.host_status_probe import gather

UNIT = {
    "unit": {"type": "str", "required": True},
    "url": {"type": "str"},
    "ca": {"type": "path"},
    "cert": {"type": "path"},
    "key": {"type": "path", "no_log": False},
    "server_name": {"type": "str"},
}
ENDPOINT = {
    "endpoint": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "used_by": {"type": "list", "elements": "str", "default": []},
}
SPEC = {
    "units": {"type": "list", "elements": "dict", "default": [], "options": UNIT},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "certificate_files": {"type": "list", "elements": "path", "default": []},
    "certificate_endpoints": {"type": "list", "elements": "dict", "default": [], "options": ENDPOINT},
    "warning_days": {"type": "float", "default": 30},
    "critical_days": {"type": "float", "default": 7},
    "backup_file": {"type": "path"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    found = gather(module.params, lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
