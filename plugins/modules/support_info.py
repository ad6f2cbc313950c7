#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers logs, configuration and state of a host for support, without secrets."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: support_info
short_description: Gather a host's data for support, without secrets
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Gathers journals and files of units, configuration, metrics, network, firewall rules, disks and memory of one host,
    and, with O(api), tables of the cluster's objects.
  - Private keys are never gathered. In all texts, the values of fields whose names are those of secrets are replaced,
    and so is every value that such a field has in a file below O(directories), wherever it occurs.
  - Secrets are replaced on the host. The files are written on the controller, into a directory that Ansible removes
    when it ends; M(hardway.kubernetes.support_bundle) makes the archive of them.
  - A part that fails is reported in RV(errors) and does not fail the module.
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
    description: Units whose journals, files and states to gather. Those that do not exist are skipped.
    type: list
    elements: str
    default: []
  since:
    description: How far back journals are read, for example V(24h).
    type: str
    default: 24h
  lines:
    description: Number of lines of each journal, at most.
    type: int
    default: 5000
  directories:
    description:
      - Directories and files with the configuration. Secrets are read from them, too.
      - Of files that are not known to be configuration, only name, size, owner and mode are gathered.
    type: list
    elements: path
    default: []
  urls:
    description: URLs to query, such as metrics.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the file in the archive.
        type: str
        required: true
      url:
        description: The URL.
        type: str
        required: true
      ca:
        description: CA of the server. When unset, the server is not verified.
        type: path
      cert:
        description: Client certificate.
        type: path
      key:
        description: Private key of O(urls[].cert).
        type: path
  api:
    description: How to reach the API, on one host of the cluster.
    type: dict
    suboptions:
      servers:
        description: URLs of the API servers. The first ready one is used.
        type: list
        elements: str
        required: true
      ca:
        description: CA of the API servers.
        type: path
        default: /etc/kubernetes/pki/ca.crt
      cert:
        description: Client certificate of an administrator.
        type: path
        default: /etc/kubernetes/pki/admin.crt
      key:
        description: Private key of O(api.cert).
        type: path
        default: /etc/kubernetes/pki/admin.key
      nodes:
        description: Nodes whose kubelets' metrics to gather.
        type: list
        elements: str
        default: []
  timeout:
    description: Seconds to wait for one answer.
    type: float
    default: 10
seealso:
  - module: hardway.kubernetes.support_bundle
  - module: hardway.kubernetes.host_status
"""

EXAMPLES = r"""
- name: Gather what support needs of a node
  hardway.kubernetes.support_info:
    units: [containerd, kubelet, kube-proxy]
    since: 2h
    directories: [/etc/kubernetes, /var/lib/kubelet/config.yaml]
  register: support
"""

RETURN = r"""
part:
  description: File on the controller with what was gathered.
  returned: success
  type: str
  sample: /root/.ansible/tmp/ansible-local-4711a1b2/hardway-support/n1
count:
  description: Number of files.
  returned: success
  type: int
  sample: 70
redacted:
  description: Number of values that were replaced.
  returned: success
  type: int
  sample: 12
errors:
  description: What could not be gathered, and why.
  returned: success
  type: list
  elements: str
  sample: []
seconds:
  description: Seconds by part.
  returned: success
  type: dict
  sample: {units: 1.2, files: 0.1, system: 2.0, metrics: 0.4, cluster: 0.9}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.support_probe import gather
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS

URL = {
    "name": {"type": "str", "required": True},
    "url": {"type": "str", "required": True},
    "ca": {"type": "path"},
    "cert": {"type": "path"},
    "key": {"type": "path", "no_log": False},
}
API: dict[str, Any] = {**ARGUMENTS, "nodes": {"type": "list", "elements": "str", "default": []}}
SPEC: dict[str, Any] = {
    "units": {"type": "list", "elements": "str", "default": []},
    "since": {"type": "str", "default": "24h"},
    "lines": {"type": "int", "default": 5000},
    "directories": {"type": "list", "elements": "path", "default": []},
    "urls": {"type": "list", "elements": "dict", "default": [], "options": URL},
    "api": {"type": "dict", "options": API},
    "timeout": {"type": "float", "default": 10},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)

    def run(command: list[str]) -> tuple[int, str, str]:
        status, output, errors = module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}, errors="replace")
        return status, output, errors

    try:
        found = gather(module.params, run)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
