#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module etcd_restore_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_restore_info
short_description: Gather what a host has to restore etcd from
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the archives of role C(backup) on a host, the restores that were made there, the data of its member if that
    does not run, and optionally what is in an archive.
  - An archive is restored into a throw-away etcd, its Secrets are decrypted, and its content is compared with the
    running etcd.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is changed.
options:
  data_dir:
    description: Data directory of etcd.
    type: path
    default: /var/lib/etcd
  backup_dir:
    description: Directory with archives.
    type: path
    default: /var/backups/hardway
  archive:
    description: Archive to inspect.
    type: path
  passphrase:
    description: Its passphrase.
    type: str
    default: ""
  encryption_keys:
    description: Keys of encryption at rest that the API servers have, each a line C(NAME:SECRET).
    type: str
    default: ""
  etcdutl:
    description: Path of the C(etcdutl) command.
    type: path
    default: /usr/local/bin/etcdutl
  program:
    description: Path of the program of role C(backup).
    type: path
    default: /usr/local/libexec/hardway-backup
  unit:
    description: Unit of etcd.
    type: str
    default: etcd.service
seealso:
  - module: hardway.kubernetes.etcd_restore
"""

EXAMPLES = r"""
- name: Gather archives and earlier restores
  hardway.kubernetes.etcd_restore_info:
  register: found
"""

RETURN = r"""
archives:
  description: Paths of the archives, the newest first.
  returned: success
  type: list
  elements: str
  sample: [/var/backups/hardway/prod-20260102T030405Z.tar.gz]
restores:
  description: Restores of this host, the oldest first, each with C(id), C(kind), C(title), C(digest), C(bump), C(step),
    and C(former_revision), the revision of the data before it.
  returned: success
  type: list
  elements: dict
  sample: [{id: 20260102T030405Z-0123abcd, kind: archive, step: finished}]
running:
  description: Whether the unit of etcd is running.
  returned: success
  type: bool
database:
  description: Path and revision of the data of the member. The revision is null while etcd is running.
  returned: success
  type: dict
  sample: {path: /var/lib/etcd/member/snap/db, revision: 4711}
inspection:
  description: What is in O(archive), and how etcd differs from it.
  returned: when O(archive) is set
  type: dict
  sample: {cluster: prod, time: "2026-01-02T03:04:05Z", revision: 4711, same_cluster: true}
"""

import json
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import restore
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.backup_program import BackupProgram
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

SPEC: dict[str, Any] = {
    "data_dir": {"type": "path", "default": "/var/lib/etcd"},
    "backup_dir": {"type": "path", "default": "/var/backups/hardway"},
    "archive": {"type": "path"},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "encryption_keys": {"type": "str", "default": "", "no_log": True},
    "etcdutl": {"type": "path", "default": "/usr/local/bin/etcdutl"},
    "program": {"type": "path", "default": "/usr/local/libexec/hardway-backup"},
    "unit": {"type": "str", "default": "etcd.service"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    systemd = Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    member = restore.Member(params["data_dir"])
    try:
        seen = systemd.show([params["unit"]])[params["unit"]]
        running = seen.active not in ("inactive", "failed")
        database = member.database()
        result = {
            "running": running,
            "archives": archives(params["backup_dir"]),
            "database": {
                "path": str(database),
                "revision": None if running else restore.revision_of(params["etcdutl"], database),
            },
            "restores": [
                {**state, "former_revision": restore.revision_of(params["etcdutl"], Path(state["former"]))}
                for state in member.restores()
            ],
        }
        if params["archive"]:
            program = BackupProgram(params["program"])
            text = program.run(
                ["inspect", params["archive"]], passphrase=params["passphrase"], keys=params["encryption_keys"]
            )
            result["inspection"] = json.loads(text)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **result)


def archives(directory: str) -> list[str]:
    """Return the archives in a directory, the newest first."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    found = [name for name in names if name.endswith((".tar.gz", ".tar.gz.enc")) and not name.startswith(".")]
    return [os.path.join(directory, name) for name in sorted(found, reverse=True)]


if __name__ == "__main__":
    main()
