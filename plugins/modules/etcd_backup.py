#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module etcd_backup."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_backup
short_description: Take a backup of etcd and prove it
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Starts a unit of role C(backup), which takes a backup and proves it by a restore, and waits until it has ended.
    The unit continues when the connection to the host is lost.
  - If it fails, the error contains its last log lines.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Fails if the unit does not exist.
  diff_mode:
    support: none
    details: Only an archive is added.
options:
  unit:
    description: The unit.
    type: str
    default: hardway-backup-now.service
  record:
    description: The record of the last backup, which the unit writes.
    type: path
    default: /var/backups/hardway/last.json
"""

EXAMPLES = r"""
- name: Take a backup
  hardway.kubernetes.etcd_backup:
  register: backup
"""

RETURN = r"""
archive:
  description: Path of the archive on the host.
  returned: not in check mode
  type: str
  sample: /var/backups/hardway/kubernetes-20260102T030405Z.tar.gz
size:
  description: Its size in bytes.
  returned: not in check mode
  type: int
  sample: 1048576
time:
  description: When the snapshot was taken, in seconds since 1970.
  returned: not in check mode
  type: int
  sample: 1767323045
revision:
  description: Revision of etcd in the snapshot.
  returned: not in check mode
  type: int
  sample: 1234
keys:
  description: Number of keys at that revision.
  returned: not in check mode
  type: int
  sample: 417
restore_seconds:
  description: Seconds until the restored etcd answered.
  returned: not in check mode
  type: float
  sample: 0.9
seconds:
  description: Seconds that the backup and its proof took.
  returned: not in check mode
  type: float
  sample: 3.2
secret:
  description: What the test of decryption found.
  returned: not in check mode
  type: str
  sample: one Secret decrypted by secretbox, key key1
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import full_name
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

SPEC: dict[str, Any] = {
    "unit": {"type": "str", "default": "hardway-backup-now.service"},
    "record": {"type": "path", "default": "/var/backups/hardway/last.json"},
}
RETURNED = ("archive", "size", "time", "revision", "keys", "restore_seconds", "seconds", "secret")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    systemd = Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    name = full_name(module.params["unit"])
    try:
        if systemd.show([name])[name].load != "loaded":
            raise HardwayError(f"{name}: no such unit on this host; run site.yml with --tags backup")
        found = {} if module.check_mode else taken(systemd, name, module.params["record"])
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=True, **found)


def taken(systemd: Systemd, name: str, path: str) -> dict[str, Any]:
    """Take a backup; return its record."""
    before = atomic_files.read(path)
    systemd.do_to("start", name)
    record = atomic_files.read(path)
    if record is None or record == before:
        raise HardwayError(f"{path}: not written by {name}; give its record, last.json in backup_dir, as record")
    found = json.loads(record)
    return {key: found[key] for key in RETURNED}


if __name__ == "__main__":
    main()
