#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module etcd_restore."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_restore
short_description: Restore the data of an etcd member
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - One of several steps of playbook C(restore), on each host of the new etcd cluster. Repeated, an interrupted step
    continues. Data that were there are kept, below C(restore-ID/former) in the data directory.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the step.
options:
  state:
    description:
      - V(prepared) writes the restored data beside those of the member, which may be running.
      - V(restored) puts them in the place of the member's data. The member must be stopped. Prepare all members first.
      - V(finished) records that the cluster runs with these data.
    type: str
    choices: [prepared, restored, finished]
    required: true
  id:
    description: Name of this restore, the same on all hosts.
    type: str
    required: true
  data_dir:
    description: Data directory of etcd.
    type: path
    default: /var/lib/etcd
  wal_dir:
    description: Directory of the write-ahead log, if it is not in the data directory.
    type: path
  source:
    description: For V(prepared), the archive or database to restore. The file is deleted when the data are prepared.
    type: path
  kind:
    description:
      - What O(source) is. V(archive) is an archive of role C(backup).
      - V(undo) and V(lost_quorum) are databases of a stopped member.
    type: str
    choices: [archive, undo, lost_quorum]
    default: archive
  passphrase:
    description: Passphrase of the archive.
    type: str
    default: ""
  title:
    description: What is restored, for people.
    type: str
    default: ""
  digest:
    description: SHA-256 of the archive, by which a repeated restore is recognized.
    type: str
    default: ""
  name:
    description: Name of this member, for V(prepared).
    type: str
  members:
    description: Peer URLs of all members by name, for V(prepared).
    type: dict
    default: {}
  token:
    description: Token of the new cluster, the same on all hosts. Members of another cluster are refused.
    type: str
    default: etcd-cluster
  bump:
    description: By how much to increase the revision, the same on all hosts.
    type: int
    default: 1000000000
  owner:
    description: User and group of the data.
    type: str
    default: etcd
  etcdutl:
    description: Path of the C(etcdutl) command.
    type: path
    default: /usr/local/bin/etcdutl
  program:
    description: Path of the program of role C(backup), which reads archives.
    type: path
    default: /usr/local/libexec/hardway-backup
  unit:
    description: Unit of etcd.
    type: str
    default: etcd.service
seealso:
  - module: hardway.kubernetes.etcd_restore_info
"""

EXAMPLES = r"""
- name: Put the restored data in place
  hardway.kubernetes.etcd_restore:
    state: restored
    id: 20260102T030405Z-0123abcd
"""

RETURN = r"""
step:
  description: Step of this restore before and after.
  returned: success
  type: dict
  sample: {before: prepared, after: restored}
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import restore
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.backup_program import BackupProgram
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["prepared", "restored", "finished"], "required": True},
    "id": {"type": "str", "required": True},
    "data_dir": {"type": "path", "default": "/var/lib/etcd"},
    "wal_dir": {"type": "path"},
    "source": {"type": "path"},
    "kind": {"type": "str", "choices": ["archive", "undo", "lost_quorum"], "default": "archive"},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "title": {"type": "str", "default": ""},
    "digest": {"type": "str", "default": ""},
    "name": {"type": "str"},
    "members": {"type": "dict", "default": {}},
    "token": {"type": "str", "default": "etcd-cluster", "no_log": False},
    "bump": {"type": "int", "default": 1_000_000_000},
    "owner": {"type": "str", "default": "etcd"},
    "etcdutl": {"type": "path", "default": "/usr/local/bin/etcdutl"},
    "program": {"type": "path", "default": "/usr/local/libexec/hardway-backup"},
    "unit": {"type": "str", "default": "etcd.service"},
}
WORK = ".restore-"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=SPEC,
        required_if=[("state", "prepared", ("source", "name", "members"))],
        supports_check_mode=True,
    )
    params = module.params
    member = restore.Member(params["data_dir"], params["wal_dir"] or "")
    try:
        before = member.state(params["id"]).get("step", "absent")
        due = before == "absent" or restore.STEPS.index(before) < restore.STEPS.index(params["state"])
        if due and not module.check_mode:
            take_step(module, member, params, before)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    after = params["state"] if due else before
    diff = {"before": f"{params['id']}: {before}\n", "after": f"{params['id']}: {after}\n"}
    module.exit_json(changed=due, step={"before": before, "after": after}, diff=diff)


def take_step(module: AnsibleModule, member: restore.Member, params: Mapping[str, Any], before: str) -> None:
    """Take the step."""
    if params["state"] == "prepared":
        prepare(member, params)
        return
    if before == "absent":
        raise HardwayError(f"{params['id']}: not prepared on this host; prepare it on all hosts first")
    if params["state"] == "restored":
        name = params["unit"]
        systemd = Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
        if systemd.show([name])[name].active not in ("inactive", "failed"):
            raise HardwayError(f"{name}: running; stop it on all hosts first")
        member.exchange(params["id"])
    else:
        member.finish(params["id"])


def prepare(member: restore.Member, params: Mapping[str, Any]) -> None:
    """Restore the source beside the data of the member."""
    source = Path(params["source"])
    if not source.is_file():
        raise HardwayError(f"{source}: no such file on this host; copy it to every host first")
    if params["name"] not in params["members"]:
        raise HardwayError(f"name: {params['name']} is not among the members; add it to them")
    state = {name: params[name] for name in ("id", "kind", "title", "digest", "bump")}
    # A killed run has left its copy of the data.
    for path in source.parent.glob(f"{WORK}*"):
        shutil.rmtree(path)
    with tempfile.TemporaryDirectory(prefix=WORK, dir=source.parent) as work:
        snapshot = source
        if params["kind"] == "archive":
            program = BackupProgram(params["program"])
            program.run(["unpack", str(source), os.path.join(work, "archive")], passphrase=params["passphrase"])
            snapshot = Path(work, "archive/snapshot.db")
        wanted = {**params, "snapshot": str(snapshot), "database": params["kind"] != "archive"}
        member.prepare(state, restore.restore_command(wanted), snapshot.stat().st_size, params["owner"])
    source.unlink()


if __name__ == "__main__":
    main()
