#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin certificate_report."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_report
short_description: Report the certificates of all hosts and their problems as a table
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Merges the results of M(hardway.kubernetes.pki_info) of many hosts and prints a table, coloured by state.
  - A shared endpoint, such as a virtual IP, must serve the certificate that one of the hosts has in its file.
  - Runs on the controller and contacts no host. Problems do not fail the task.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  inspections:
    description:
      - Results of M(hardway.kubernetes.pki_info) by host, including failed ones.
      - An empty result means that the host was unreachable.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Report the certificates of all hosts
  hardway.kubernetes.certificate_report:
    inspections: "{{ dict(hosts | zip(hosts | map('extract', hostvars, 'inspection'))) }}"
  vars:
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
certificates:
  description: Certificates as returned by M(hardway.kubernetes.pki_info), each with C(host).
  returned: success
  type: list
  elements: dict
  sample: [{host: master1, where: /etc/kubernetes/pki/ca.crt, days_left: 3649.9, state: ok}]
problems:
  description: All problems, each with host, location, reason and remedy.
  returned: success
  type: list
  elements: str
  sample: ["master1: 192.0.2.11:6443: serves 90f3…, but /etc/kubernetes/pki/apiserver.crt holds 12ab…; restart it"]
expiring:
  description: Certificates in state V(warning), one line each.
  returned: success
  type: list
  elements: str
  sample: ["master1: /etc/kubernetes/pki/apiserver.crt: has 20 days left"]
table:
  description: The printed lines.
  returned: success
  type: list
  elements: str
  sample: ["STATE  DAYS  HOST     SUBJECT"]
metrics:
  description: The same as Prometheus metrics, for the textfile collector of node_exporter.
  returned: success
  type: str
  sample: 'hardway_certificate_problems{host="master1"} 0'
"""
