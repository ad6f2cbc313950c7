#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks a host on which nothing is left to do."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: up_to_date
short_description: Mark a host on which nothing is left to do
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Writes a mark with a digest of what decided the tasks of this run
    (M(hardway.kubernetes.host_inputs)), and the cached results on which they
    relied (M(hardway.kubernetes.cached_results)).
  - If one of these is no longer valid, or a task had none, the mark is removed.
  - The next run compares it with M(hardway.kubernetes.host_preflight), and
    leaves the host alone if everything is the same.
  - The mark is never reported as a change.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Writes nothing.
  diff_mode:
    support: none
    details: Only the mark is written.
options:
  inputs:
    description: The digest of this host. When empty, the mark is removed.
    type: str
    required: true
  results:
    description:
      - Keys of the cached results on which the tasks relied. The action plugin
        knows those of this run.
    type: list
    elements: str
    default: []
  path:
    description: File with the mark.
    type: path
    default: /var/lib/hardway/up-to-date.json
"""

EXAMPLES = r"""
- name: Mark the hosts on which nothing is left to do
  hardway.kubernetes.up_to_date:
    inputs: "{{ _cluster_inputs.inputs[inventory_hostname] | default('') }}"
"""

RETURN = r"""
invalid:
  description: Cached results that are not valid, because of which there is no mark.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results, up_to_date
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.kernel_apply import unchanged_result
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd, health_problem


def main() -> None:
    """Run the module."""
    options = {
        "inputs": {"type": "str", "required": True},
        "results": {"type": "list", "elements": "str", "default": []},
        "path": {"type": "path", "default": up_to_date.PATH},
    }
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    path, invalid = module.params["path"], []
    systemd = Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    try:
        if not module.check_mode and module.params["inputs"]:
            valid = cached_results.valid_results(systemd.show, health_problem, unchanged_result, clean=False)
            invalid = up_to_date.write(module.params["inputs"], module.params["results"], valid, path)
        elif not module.check_mode:
            up_to_date.remove(path)
        module.exit_json(changed=False, invalid=invalid)
    except (HardwayError, OSError) as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
