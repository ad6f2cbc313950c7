#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the cached results of earlier runs that are still valid on this host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cached_results
short_description: Load cached results of earlier runs
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - The modules C(artifact), C(files), C(host_settings), C(image_archive), C(kubeconfig), C(pki_certificate) and C(unit)
    store a cached result on the host when nothing is left to change. It holds a digest of the task's arguments and the
    evidence.
  - Evidence is inode, size, times, mode and owner of each file; the running process, drop-ins and health check of each
    unit; and the output of read-only commands. If another program changes one of the files during the inspection, no
    result is stored. The result of a unit with C(wait_on_start=false) is valid once the unit runs. For module
    C(host_settings) only the options are stored; the state of the kernel is inspected again.
  - This module compares the evidence of all cached results in one round trip. If its result is registered as
    C(_host_cached_results), the modules above return a valid cached result for their arguments without connecting to
    the host, and set C(from_cached_result) in their result.
  - As soon as one of them changes something on a host, the cached results of that host are no longer used in this run.
  - Without this module every task inspects the host itself, for example when a role is used alone.
  - Also reads the certificates of CAs, so that they are known before anything is changed.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Removes no cached result and creates no salt.
  diff_mode:
    support: none
    details: The host's state does not change.
options:
  directory:
    description: Directory of the cached results on the host.
    type: path
    default: /var/lib/hardway/cached-results
  use:
    description:
      - Whether to use cached results. If not, every task inspects the host, and module C(artifact) reads
        every binary and verifies its digest.
    type: bool
    default: true
  cas:
    description: Files with certificates of CAs to read in the same round trip.
    type: list
    elements: path
    default: []
  paths:
    description: Paths whose existence to check, by name. Role C(etcd) needs it to know whether a cluster exists.
    type: dict
    default: {}
  secrets:
    description: Files with secrets to read in the same round trip. Only a digest of each secret leaves the host.
    type: list
    elements: path
    default: []
notes:
  - Register the result with C(no_log), because it contains digests of arguments.
seealso:
  - module: hardway.kubernetes.files
  - module: hardway.kubernetes.unit
"""

EXAMPLES = r"""
- name: Load cached results of earlier runs
  hardway.kubernetes.cached_results:
  register: _host_cached_results
  no_log: true
"""

RETURN = r"""
valid:
  description: Valid cached results, by the digest of the task's arguments.
  returned: always
  type: dict
  sample: {"files-1f2e": {"paths": {}}}
salt:
  description: Salt of this host's digests. Empty if there is none yet.
  returned: always
  type: str
  sample: 5f4dcc3b5aa765d61d8327deb882cf99
nonce:
  description: Identifier of this result, by which a later change invalidates it.
  returned: always
  type: str
  sample: 8843d7f9
used:
  description: Whether cached results are used.
  returned: always
  type: bool
  sample: true
cas:
  description: Contents of the existing files of O(cas), by path.
  returned: always
  type: dict
  sample: {"/etc/kubernetes/pki/ca.crt": "-----BEGIN CERTIFICATE-----..."}
found:
  description: Names of the paths in O(paths) that exist.
  returned: always
  type: list
  elements: str
  sample: [data, formed]
secrets:
  description: Contents of the existing files of O(secrets), by path, with each secret replaced by a keyed digest.
  returned: always
  type: dict
  sample: {"/etc/kubernetes/pki/sa.key": "hmac:0f1e2d3c"}
"""

import os
import secrets

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.redaction import redacted
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.kernel_apply import unchanged_result
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd, health_problem


def cas(paths: list[str]) -> dict[str, str]:
    """Return the contents of the existing files."""
    found = {path: atomic_files.read(path) for path in paths}
    return {path: content.decode("utf-8", "replace") for path, content in found.items() if content is not None}


def main() -> None:
    """Run the module."""
    options = {
        "directory": {"type": "path", "default": cached_results.DIRECTORY},
        "use": {"type": "bool", "default": True},
        "cas": {"type": "list", "elements": "path", "default": []},
        "paths": {"type": "dict", "default": {}},
        "secrets": {"type": "list", "elements": "path", "default": [], "no_log": False},
    }
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    nonce = secrets.token_hex(8)
    directory, write, use = module.params["directory"], not module.check_mode, module.params["use"]
    systemd = Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    try:
        module.exit_json(
            changed=False,
            valid=cached_results.valid_results(systemd.show, health_problem, unchanged_result, directory, clean=write)
            if use
            else {},
            salt=cached_results.salt(directory, make=write) if use else "",
            nonce=nonce,
            used=use,
            cas=cas(module.params["cas"]),
            found=sorted(name for name, path in module.params["paths"].items() if os.path.lexists(path)),
            secrets={path: redacted(text, nonce) for path, text in cas(module.params["secrets"]).items()},
        )
    except (HardwayError, OSError) as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
