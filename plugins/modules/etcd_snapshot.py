#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module etcd_snapshot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot
short_description: Save a snapshot of etcd before a change
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Saves a snapshot of a healthy voter as C(DIRECTORY/PREFIX-YYYYMMDDTHHMMSSZ.db), readable by root only, and verifies
    its checksum. Then removes older snapshots with the same prefix. Every call saves one.
  - Fails without writing if there is no room for it.
  - It is no proven backup, see M(hardway.kubernetes.etcd_backup), and has neither keys nor certificates.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
  - hardway.kubernetes.etcdctl
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the names of the snapshots.
options:
  directory:
    description: Directory for the snapshot. Created if it does not exist.
    type: path
    default: /var/backups/hardway
  prefix:
    description: Beginning of the file name.
    type: str
    default: etcd-snapshot
  timeout:
    description: Seconds for the snapshot. Of these, it waits for a healthy voter for a minute at most.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Save a snapshot
  hardway.kubernetes.etcd_snapshot:
    endpoints: [https://192.0.2.11:2379, https://192.0.2.12:2379]
    ca: /etc/etcd/pki/ca.crt
    cert: /etc/etcd/pki/healthcheck-client.crt
    key: /etc/etcd/pki/healthcheck-client.key
    prefix: before-migration
"""

RETURN = r"""
path:
  description: Path of the snapshot. In check mode, where it would be.
  returned: always
  type: str
  sample: /var/backups/hardway/etcd-snapshot-20260102T030405Z.db
endpoint:
  description: Client URL of the member.
  returned: always
  type: str
  sample: https://192.0.2.11:2379
size:
  description: Size of the snapshot in bytes. In check mode, of the database.
  returned: always
  type: int
  sample: 5242912
removed:
  description: Paths of older snapshots that were removed (or would be).
  returned: always
  type: list
  elements: str
  sample: []
"""

import os
from pathlib import Path
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import name_stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import snapshot
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.cluster import Cluster
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.etcdctl import ARGUMENTS, Etcdctl

SPEC: dict[str, Any] = {
    **ARGUMENTS,
    "directory": {"type": "path", "default": "/var/backups/hardway"},
    "prefix": {"type": "str", "default": "etcd-snapshot"},
    "timeout": {"type": "int", "default": 1800},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    directory = Path(params["directory"])
    path = directory / f"{params['prefix']}-{name_stamp()}.db"
    old = [str(one) for one in sorted(directory.glob(f"{params['prefix']}-*T*Z.db*")) if one != path]
    result = {
        "changed": True,
        "path": str(path),
        "endpoint": "",
        "size": 0,
        "removed": old,
        "diff": {"before": "".join(f"{one}\n" for one in old), "after": f"{path}\n"},
    }
    if check and Etcdctl(params).absent():
        return result
    source = snapshot.source(Cluster({**params, "timeout": min(60, params["timeout"])}))
    snapshot.check_room(directory, source["db_size"])
    result |= {"endpoint": source["endpoint"], "size": source["db_size"]}
    return result if check else {**result, "size": save(params, source["endpoint"], path, old)}


def save(params: dict[str, Any], endpoint: str, path: Path, old: list[str]) -> int:
    """Save the snapshot, then remove the old ones; return its size."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # etcdctl writes to another name, flushes and renames; it accepts one endpoint.
        Etcdctl({**params, "endpoints": [endpoint]}).run(
            ["snapshot", "save", str(path), f"--command-timeout={params['timeout']}s"], limit=params["timeout"] + 10
        )
        os.chmod(path, 0o600)
        size = snapshot.verified(path)
        atomic_files.sync_directory(str(path.parent))
        for one in old:
            os.unlink(one)
    except OSError as exc:
        raise HardwayError(f"{exc.filename or path}: {exc.strerror}; set another directory, or free some room") from exc
    return size


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
