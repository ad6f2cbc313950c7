#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module boot_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_info
short_description: Report whether a host must reboot
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Reports when a host has booted, what waits for a reboot, and which of some
    units it has.
  - On Debian and Ubuntu, C(/run/reboot-required) asks for a reboot, on RHEL and
    its kin C(needs-restarting -r) where it is installed, and everywhere a
    newer kernel of the same flavour that was installed since the boot.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  booted_before:
    description: A host that has booted before this time, such as
      V(2026-01-02T03:04:05Z), must reboot, whatever waits for it.
    type: str
    default: ""
  units:
    description: Units whose states are returned. The default type is
      C(.service).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Report whether the host must reboot
  hardway.kubernetes.boot_info:
  register: boot
"""

RETURN = r"""
reasons:
  description: Why the host must reboot; empty if it need not.
  returned: success
  type: list
  elements: str
  sample: [/run/reboot-required (linux-image-6.1.0-28-amd64)]
booted:
  description: When the host has booted.
  returned: success
  type: str
  sample: "2026-01-02T03:04:05Z"
boot_id:
  description: ID of the boot, the same as C(bootID) of its Node.
  returned: success
  type: str
  sample: 5cf5b6a8-7c5e-4a0b-a1a5-6f6f1ad0a5c2
units:
  description: Those of O(units) that the host has, with C(active), their state,
    and C(enabled), whether they start at boot.
  returned: success
  type: dict
  sample: {etcd: {active: active, enabled: true}}
"""

import os
import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import boot
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import full_name
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

SPEC: dict[str, Any] = {
    "booted_before": {"type": "str", "default": ""},
    "units": {"type": "list", "elements": "str", "default": []},
}
ROOT = Path("/")


def run(params: dict[str, Any], command: boot.Run) -> dict[str, Any]:
    """Return the module's result."""
    booted = boot.booted(ROOT)
    reasons = boot.reasons(ROOT, os.uname().release, command, shutil.which)
    if params["booted_before"] and booted < boot.parse_time(params["booted_before"]):
        reasons.append(f"booted before {params['booted_before']}")
    names = [full_name(name) for name in params["units"]]
    seen = Systemd(command).show(names) if names else {}
    return {
        "changed": False,
        "reasons": reasons,
        "booted": stamp(booted),
        "boot_id": boot.boot_id(ROOT),
        "units": {
            unit: {"active": seen[name].active, "enabled": seen[name].enabled}
            for unit, name in zip(params["units"], names)
            if seen[name].load != "not-found"
        },
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = run(module.params, lambda line: module.run_command(line, environ_update={"LC_ALL": "C.UTF-8"}))
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
