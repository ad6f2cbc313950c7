# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of tasks on other hosts, from their variables."""

from __future__ import annotations

import typing as t

Hosts = t.Mapping[str, t.Mapping[str, t.Any]]


def host_results(
    hosts: t.Iterable[str], hostvars: Hosts, variables: t.Sequence[str], attribute: str
) -> dict[str, t.Mapping[str, t.Any]]:
    """Return by host the first registered result that has an attribute.

    Hosts without one are left out: the task was skipped there, failed, or has not run.
    """
    found = {}
    for host in map(str, hosts):
        for variable in variables:
            result = hostvars[host].get(variable) or {}
            if attribute in result and not result.get("failed"):
                found[host] = result
                break
    return found


def unchecked_hosts(results: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Return one problem for each host without a list of problems, because it was not reached or its check failed."""
    found = []
    for host, result in results.items():
        if "problems" in result:
            continue
        if result.get("unreachable"):
            found.append(
                f"host {host}: not reached; fix the connection (try: ansible {host} -m ansible.builtin.ping) or remove "
                "it from the inventory or the limit"
            )
        else:
            reason = result.get("msg", "no reason given")
            found.append(f"host {host}: not checked: {reason}; fix that and run again")
    return found
