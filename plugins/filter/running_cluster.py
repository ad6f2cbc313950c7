# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(running_cluster)."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.errors import AnsibleError

DOCUMENTATION = r"""
name: running_cluster
short_description: Merge the reports of hosts about a running cluster
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Merges the results of M(hardway.kubernetes.host_preflight), registered on each host as C(_cluster_preflight), or of
    M(hardway.kubernetes.running_info), registered as C(_etcd_running).
  - Reports changed settings that cannot be changed in a running cluster.
positional: _input, hostvars, groups, shared, outside, elsewhere, moving
options:
  _input:
    description: Hosts of the play.
    type: list
    elements: str
    required: true
  hostvars:
    description: The magic variable V(hostvars).
    type: dict
    required: true
  groups:
    description: The magic variable V(groups).
    type: dict
    required: true
  shared:
    description:
      - Variables that are the same on all hosts, C(name), C(domain), C(service_cidr), C(pod_cidr), C(dns_address),
        C(api_port) and C(cni).
    type: dict
    required: true
  outside:
    description: API servers on hosts outside of the play, inventory names by URL.
    type: dict
    default: {}
  elsewhere:
    description: Results of M(hardway.kubernetes.running_info) for hosts outside of the play, in a loop over names.
    type: list
    elements: dict
    default: []
  moving:
    description: Hosts whose address this run changes.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the running cluster
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | hardway.kubernetes.running_cluster(hostvars, groups, _cluster_shared) }}"
"""

RETURN = r"""
_value:
  description:
    - C(versions) has the versions of the running components, which are the default for an inventory without versions.
      Recorded versions are used for components that no host reports.
    - C(runs) has versions with their hosts, by component.
    - C(masters) has versions with their hosts of all API servers, C(behind) of those outside of the play, C(nodes) of
      the nodes.
    - C(upgrade) has the state of the last upgrade of Kubernetes, as M(hardway.kubernetes.cluster_record) records it.
    - C(complete) has the binaries that all hosts have.
    - C(etcd_data) has the hosts with etcd data.
    - C(moved) has the hosts with etcd data whose address differs from that of their running member.
    - C(problems) has one line for each setting that cannot be changed.
  type: dict
"""


def running_cluster(
    hosts: t.Any,
    hostvars: t.Any,
    groups: t.Any,
    shared: t.Any,
    outside: t.Any = None,
    elsewhere: t.Any = (),
    moving: t.Any = (),
) -> dict[str, t.Any]:
    """Return the state of the running cluster."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import (
        fixed_settings,
        upgrade_state,
        versions,
    )
    from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import node_address, node_name

    reports: dict[str, t.Any] = {}
    found: list[fixed_settings.Setting] = []

    def take(host: str, answer: t.Any, variables: t.Any) -> t.Any:
        """Compare the settings of a host; return its report, or None without one."""
        report = (answer or {}).get("running")
        # Skip a variable that depends on something unknown, such as a fact of a host outside of the play.
        with contextlib.suppress(AnsibleError):
            if report:
                own = {name: variables.get(name) for name in fixed_settings.VARIABLES}
                own |= {"name": node_name(host, variables), "address": node_address(host, variables)}
                settings = fixed_settings.settings(host, report, shared, own)
                found.extend(one for one in settings if host not in moving or one.variable != "cluster_node_ip")
        return report

    for host in hosts:
        variables = hostvars[host]
        if report := take(host, variables.get("_cluster_preflight") or variables.get("_etcd_running"), variables):
            reports[host] = report
    elsewhere = [answer for answer in elsewhere if not answer.get("skipped")]
    answers = {answer["item"]: answer for answer in elsewhere}
    others = {host: report for host in answers if (report := take(host, answers[host], hostvars[host]))}
    complete = versions.complete(reports, groups)
    if versions.no_cluster_yet(reports, groups):
        # After a first run that was interrupted before etcd had data, everything can still be changed.
        reports, others, found, elsewhere = {}, {}, [], []
    known = {**others, **reports}
    records = [
        record
        for report in known.values()
        for record in report["records"]
        if record["cluster"] in ("", str(shared["name"]))
    ]
    live, copies = (
        [one.get("upgrade", {}) for one in records if bool(one.get("live")) is from_api] for from_api in (True, False)
    )
    return {
        **versions.summary(reports, others, outside or {}, str(shared["name"])),
        "upgrade": upgrade_state.chosen(live, copies),
        "complete": complete,
        "etcd_data": sorted(host for host, report in reports.items() if report["etcd_data"]),
        "moved": sorted({one.host for one in found if fixed_settings.moved(one) and known[one.host]["etcd_data"]}),
        "problems": [*fixed_settings.problems(found), *versions.unknown(elsewhere, others, reports, groups)],
    }


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"running_cluster": running_cluster}
