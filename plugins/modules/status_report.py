#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin status_report."""

from __future__ import annotations

DOCUMENTATION = r"""
module: status_report
short_description: Report the status of a cluster by severity, as text, metrics and HTML
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Evaluates the results of M(hardway.kubernetes.host_status) and M(hardway.kubernetes.cluster_status), and prints the
    problems, the worst first, what is safe, and what to do next.
  - Critical is what does not work, or would stop with the next failure although it was built to survive one.
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
  inventory:
    description:
      - C(name) of the cluster, C(api_port), C(addresses) (virtual IPs), and the hosts C(etcd), C(masters), C(nodes) and
        C(lb), each with C(host), C(name) and C(address); C(cni), the pod network, V(flannel) or V(none), and
        C(flannel_store), where its leases are.
    type: dict
    required: true
  hosts:
    description: Results of M(hardway.kubernetes.host_status) by host, including failed ones.
    type: dict
    required: true
  cluster:
    description: Result of M(hardway.kubernetes.cluster_status). Empty if no host could run it.
    type: dict
    default: {}
  backup_hours:
    description: Hours after which the last proven backup is a warning.
    type: float
    default: 26
  fail_on:
    description: Severity from which RV(verdict) is not empty.
    type: str
    choices: [critical, warning, never]
    default: critical
"""

EXAMPLES = r"""
- name: Report the status of a cluster
  hardway.kubernetes.status_report:
    inventory:
      name: prod
      etcd: [{host: master1, name: master1, address: 192.0.2.11}]
      masters: [{host: master1, name: master1, address: 192.0.2.11}]
    hosts: "{{ {'master1': hostvars['master1'].host} }}"
    cluster: "{{ cluster }}"
  run_once: true
"""

RETURN = r"""
severity:
  description: The worst severity, V(ok), V(warning) or V(critical).
  returned: success
  type: str
  sample: ok
verdict:
  description: The problems that count for O(fail_on), in one line. Empty if there are none.
  returned: success
  type: str
  sample: "cluster prod: critical: etcd: 2 of 3 members are healthy, so the next loss stops it"
report:
  description: Verdict, problems with severity, object, reason and remedy, and one section per part of the cluster.
  returned: success
  type: dict
  sample: {cluster: prod, severity: ok, critical: 0, warnings: 0, findings: []}
lines:
  description: The printed lines.
  returned: success
  type: list
  elements: str
  sample: ["ok        cluster prod"]
metrics:
  description: The same as Prometheus metrics, for the textfile collector of node_exporter.
  returned: success
  type: str
  sample: 'hardway_status_severity{cluster="prod"} 0'
html:
  description: The same as one HTML page without outside resources.
  returned: success
  type: str
  sample: "<!DOCTYPE html>"
"""
