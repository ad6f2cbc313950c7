# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(operator_flags)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: operator_flags
short_description: Collect the flags that the inventory sets
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the flags of each binary that the variables of hosts set, once for all hosts with the same flags.
options:
  _input:
    description: Binaries, each with C(binary), C(variable) and C(hosts).
    type: list
    elements: dict
    required: true
  hostvars:
    description: C(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the flags of kubelets
  ansible.builtin.debug:
    msg: "{{ binaries | hardway.kubernetes.operator_flags(hostvars) }}"
  vars:
    binaries:
      - {binary: kubelet, variable: node_kubelet_args, hosts: "{{ groups.node }}"}
"""

RETURN = r"""
_value:
  description: A list of C(binary), C(variable), C(hosts) and C(flags), with leading dashes.
  type: list
  elements: dict
"""


def operator_flags(binaries: t.Iterable[t.Mapping[str, t.Any]], hostvars: t.Any) -> list[dict[str, t.Any]]:
    """Return the flags with their hosts."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.filter.unit_flags import flag_values
    from ansible_collections.hardway.kubernetes.plugins.module_utils._common import options

    found: dict[tuple[str, ...], dict[str, t.Any]] = {}
    for one in binaries:
        for host in one["hosts"]:
            values = options.converted(hostvars[host].get(one["variable"]) or {}, "dict", None)
            flags = flag_values(values)
            if flags:
                entry = {"binary": one["binary"], "variable": one["variable"], "hosts": [], "flags": flags}
                found.setdefault((one["variable"], *flags), entry)["hosts"].append(host)
    return list(found.values())


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"operator_flags": operator_flags}
