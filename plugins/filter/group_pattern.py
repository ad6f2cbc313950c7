# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(group_pattern)."""

from __future__ import annotations

import typing as t

from jinja2 import pass_context

DOCUMENTATION = r"""
name: group_pattern
short_description: Return the host pattern of groups
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the host pattern for C(hosts) of a play, with the names that C(cluster_groups) gives to groups.
  - Excludes the hosts in the variables C(lost), C(_cluster_removed) and C(_cluster_skipped), names with commas between,
    which no play may contact, and all hosts if C(_cluster_idle) is true. Of the lost ones, those in
    C(_cluster_returning) stay, because another machine has their names now.
  - Excludes the nodes that do not answer and are left out, C(hosts) of the fact C(_cluster_left) of localhost.
  - Leaves out the hosts on which nothing is to be done, a list in the fact
    C(_cluster_up_to_date) of localhost, of a play that deploys.
  - Returns the names of hosts if C(_cluster_scope) narrows a run, as playbook add does. Its C(deploys) are the hosts
    that are deployed, its C(through) those from which the cluster is read.
positional: _input, names
options:
  _input:
    description: Value of C(cluster_groups), other names of groups by their names in the collection.
    type: dict
    required: true
  names:
    description: Groups by their names in the collection.
    type: list
    elements: str
    default: [etcd, master, lb, node]
  deploys:
    description: Whether the play deploys its hosts, instead of only reading the cluster from them.
    type: bool
    default: false
  checks:
    description:
      - Whether the play checks what was deployed. It leaves out such hosts, too, but those of groups C(etcd), C(master)
        and C(lb), from which the cluster is checked.
    type: bool
    default: false
  others:
    description:
      - Whether the play is for hosts outside of those to which the run is narrowed, and for none if it is not. Only
        those with C(host_firewall) V(open) are in it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show prod_etcd:master
  ansible.builtin.debug:
    msg: "{{ {'etcd': 'prod_etcd'} | hardway.kubernetes.group_pattern('etcd', 'master') }}"
"""

RETURN = r"""
_value:
  description: The pattern.
  type: str
"""


# No host, and no localhost either.
NONE = ("!all", "!localhost")
CHECKED_FROM = ("etcd", "master", "lb")


def found_by_run(context: t.Any) -> tuple[set[str], list[str]]:
    """Return the hosts on which this run has found nothing to do, and those that it leaves out."""
    facts = (context.get("hostvars") or {}).get("localhost") or {}
    return set(facts.get("_cluster_up_to_date") or ()), (facts.get("_cluster_left") or {}).get("hosts") or []


def hosts_outside(parts: list[str], groups: t.Any, scope: t.Any, hostvars: t.Any) -> list[str]:
    """Return the hosts that the run does not deploy because it is narrowed to others, and that open ports for these."""
    members = dict.fromkeys(host for part in parts for host in groups.get(part, ())) if scope else ()
    kept = [host for host in members if host not in scope["deploys"]]
    return [host for host in kept if hostvars[host].get("host_firewall") == "open"] or [*parts, *NONE]


@pass_context
def group_pattern(
    context: t.Any, given: t.Any, *names: str, deploys: bool = False, checks: bool = False, others: bool = False
) -> str:
    """Return the pattern. Hosts that are lost or removed come from the context, so that no play can forget them."""
    from ansible.errors import AnsibleFilterError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common.options import converted

    try:
        own = converted(given, "dict", "str")
    except HardwayError as exc:
        raise AnsibleFilterError(f"cluster_groups: {exc}") from exc
    parts = [own.get(name, name) for name in names or ("etcd", "master", "lb", "node")]
    idle, (up_to_date, left_out) = context.get("_cluster_idle"), found_by_run(context)
    if (deploys or checks) and up_to_date:
        groups = context.get("groups")
        kept = {host for name in CHECKED_FROM for host in groups.get(own.get(name, name), ())} if checks else set()
        members = dict.fromkeys(host for part in parts for host in groups.get(part, ()))
        parts = [host for host in members if host not in up_to_date or host in kept] or [*parts, *NONE]
    scope = context.get("_cluster_scope")
    if others:
        parts = hosts_outside(parts, context.get("groups"), scope, context.get("hostvars") or {})
    elif scope:
        kept = {*scope["deploys"], *([] if deploys else scope["through"])}
        members = dict.fromkeys(host for part in parts for host in context.get("groups").get(part, ()))
        parts = [host for host in members if host in kept] or parts
        # Without any host of the cluster it narrows nothing, so that plays report it.
        idle = idle or (bool(names) and not kept.intersection(members))
    if idle:
        parts += NONE
    lost, returning, removed, skipped = (
        [host.strip() for host in str(context.get(name, "")).split(",")]
        for name in ("lost", "_cluster_returning", "_cluster_removed", "_cluster_skipped")
    )
    absent = [*(host for host in lost if host not in returning), *removed, *skipped, *left_out]
    return ":".join([*parts, *(f"!{host}" for host in dict.fromkeys(absent) if host)])


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"group_pattern": group_pattern}
