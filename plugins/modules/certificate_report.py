#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin certificate_report."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_report
short_description: Show the certificates of all hosts as a table, and what is wrong with them
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Puts together what M(hardway.kubernetes.pki_info) found on many hosts and prints a table, coloured by state.
  - A shared endpoint, such as a virtual address, must show the certificate that one of the hosts has in its file.
  - Runs on the controller and contacts no host. Problems do not fail it.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  looks:
    description:
      - By host, the result of M(hardway.kubernetes.pki_info), also a failed one.
      - An empty one stands for a host that was not reached.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show them
  hardway.kubernetes.certificate_report:
    looks: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'looked'))) }}"
  run_once: true
"""

RETURN = r"""
certificates:
  description: What M(hardway.kubernetes.pki_info) returned, each with C(host).
  returned: success
  type: list
  elements: dict
  sample: [{host: master1, where: /etc/kubernetes/pki/ca.crt, days_left: 3649.9, state: ok}]
problems:
  description: Everything that is wrong on any host, each with the host, the place, the reason and the remedy.
  returned: success
  type: list
  elements: str
  sample: ["master1: 192.0.2.11:6443: serves 90f3…, but /etc/kubernetes/pki/apiserver.crt holds 12ab…; restart it"]
expiring:
  description: Certificates in the state V(warning), in words.
  returned: success
  type: list
  elements: str
  sample: ["master1: /etc/kubernetes/pki/apiserver.crt: has 20 days left"]
table:
  description: The lines that were printed.
  returned: success
  type: list
  elements: str
  sample: ["STATE  DAYS  HOST     SUBJECT"]
metrics:
  description: The same for Prometheus, for the textfile collector of node_exporter.
  returned: success
  type: str
  sample: 'hardway_certificate_problems{host="master1"} 0'
"""
