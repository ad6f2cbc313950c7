#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops units of systemd for a while."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: unit_outage
short_description: Stop units for a while
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Starts a timer of systemd, C(hardway-outage.timer), that starts the units again after O(seconds), then stops the
    units. So they are started again also if the run that stopped them is killed or loses its connection.
  - With O(state=started), the units of an outage that has not ended are started at once.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: No file is changed.
options:
  state:
    description: V(stopped) begins an outage, V(started) ends one.
    type: str
    choices: [stopped, started]
    default: stopped
  units:
    description: Units to stop. They must be active. Required for O(state=stopped).
    type: list
    elements: str
    default: []
  starts:
    description: Units to start with them, because they stop with them.
    type: list
    elements: str
    default: []
  seconds:
    description: Seconds until the units are started again.
    type: int
    default: 30
seealso:
  - module: hardway.kubernetes.drill_client
"""

EXAMPLES = r"""
- name: Stop the scheduler for half a minute
  hardway.kubernetes.unit_outage:
    units: [kube-scheduler]
    seconds: 30

- name: Start what is still stopped
  hardway.kubernetes.unit_outage:
    state: started
"""

RETURN = r"""
began:
  description: When the stop began, in seconds since 1970.
  returned: when units were stopped
  type: float
  sample: 1795921965.1
stopped:
  description: When they were stopped.
  returned: when units were stopped
  type: float
  sample: 1795921965.9
starts:
  description: When the timer starts them.
  returned: when units were stopped
  type: float
  sample: 1795921995.1
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.outage import Outage


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["stopped", "started"], "default": "stopped"},
            "units": {"type": "list", "elements": "str", "default": []},
            "starts": {"type": "list", "elements": "str", "default": []},
            "seconds": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    params = module.params
    outage = Outage(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    try:
        if params["state"] == "started":
            result = outage.end(module.check_mode)
        elif not params["units"] or params["seconds"] < 1:
            raise HardwayError("units, seconds: nothing to stop; name at least one unit, and one second")
        else:
            result = outage.begin(params["units"], params["starts"], params["seconds"], module.check_mode)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
