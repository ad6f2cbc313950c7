#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells which tasks of earlier runs would change nothing on this host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cached results
short_description: Which tasks of earlier runs still stand
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - The modules C(artifact), C(files), C(image_archive), C(kernel), C(kubeconfig), C(pki_certificate) and C(unit)
    leave a cached result on the host when all is as asked. It holds a digest of their arguments and the evidence, which
    is inode, size, times, mode and owner of each file, the running process of each unit, its drop-ins wherever systemd
    reads them and where its health is asked, and what a command that only reads has printed. Where another program
    changes one of the files while a module looks, it leaves none. That of a unit which nobody waits for stands once it
    runs. Of module C(kernel) the options are kept; how the kernel is, is looked at anew.
  - This module compares the evidence of all cached results in one round trip. Where its result is registered as
    C(_host_cached_results), the modules above answer without a connection to the host if a cached result with their
    arguments is valid; C(from_cached_result) in their result reports it.
  - As soon as one of them changes something on a host, no cached result of that host is used any more in this run.
  - Without this module every task looks for itself, as it always does where a role is used alone.
  - Reads certificates of CAs along the way, so that they are known before anything is changed.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Cached results are read as ever; none is removed, and no salt is made.
  diff_mode:
    support: none
    details: The host's state does not change.
options:
  directory:
    description: Where the cached results are.
    type: path
    default: /var/lib/hardway/cached-results
  believe:
    description:
      - Whether cached results are read at all. Without them every task inspects the host, and module C(artifact) reads
        every binary again and compares its digest.
    type: bool
    default: true
  cas:
    description: Files with certificates of CAs, to be read along the way.
    type: list
    elements: path
    default: []
  look_for:
    description: Paths to look for along the way, by a name for each. Role C(etcd) must know whether there is a cluster.
    type: dict
    default: {}
  secrets:
    description: Files with secrets, to be read along the way. What leaves the host of a secret is a digest of it.
    type: list
    elements: path
    default: []
notes:
  - Register it with C(no_log), because digests of arguments are nobody's business.
seealso:
  - module: hardway.kubernetes.files
  - module: hardway.kubernetes.unit
"""

EXAMPLES = r"""
- name: Learn what still stands since earlier runs
  hardway.kubernetes.cached_results:
  register: _host_cached_results
  no_log: true
"""

RETURN = r"""
standing:
  description: The result of each task whose cached result stands, by the digest of its arguments.
  returned: always
  type: dict
  sample: {"files-1f2e": {"paths": {}}}
salt:
  description: What this host's digests are made with; empty where there is none yet.
  returned: always
  type: str
  sample: 5f4dcc3b5aa765d61d8327deb882cf99
nonce:
  description: A name for this reading, by which a later change makes it void.
  returned: always
  type: str
  sample: 8843d7f9
believed:
  description: Whether cached results were read at all.
  returned: always
  type: bool
  sample: true
cas:
  description: What is in those of the files that are there, by path.
  returned: always
  type: dict
  sample: {"/etc/kubernetes/pki/ca.crt": "-----BEGIN CERTIFICATE-----..."}
found:
  description: Names of those of O(look_for) that are there.
  returned: always
  type: list
  elements: str
  sample: [data, formed]
secrets:
  description: What is in those of the files that are there, by path, each secret as a digest made with the nonce.
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
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.kernel_apply import settled
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd, ask


def cas(paths: list[str]) -> dict[str, str]:
    """Return the content of the files that are there."""
    found = {path: atomic_files.read(path) for path in paths}
    return {path: content.decode("utf-8", "replace") for path, content in found.items() if content is not None}


def main() -> None:
    """Read, compare, tell."""
    options = {
        "directory": {"type": "path", "default": cached_results.DIRECTORY},
        "believe": {"type": "bool", "default": True},
        "cas": {"type": "list", "elements": "path", "default": []},
        "look_for": {"type": "dict", "default": {}},
        "secrets": {"type": "list", "elements": "path", "default": [], "no_log": False},
    }
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    nonce = secrets.token_hex(8)
    directory, act, believe = module.params["directory"], not module.check_mode, module.params["believe"]
    systemd = Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}))
    try:
        module.exit_json(
            changed=False,
            standing=cached_results.standing(systemd.show, ask, settled, directory, clean=act) if believe else {},
            salt=cached_results.salt(directory, make=act) if believe else "",
            nonce=nonce,
            believed=believe,
            cas=cas(module.params["cas"]),
            found=sorted(name for name, path in module.params["look_for"].items() if os.path.lexists(path)),
            secrets={path: redacted(text, nonce) for path, text in cas(module.params["secrets"]).items()},
        )
    except (HardwayError, OSError) as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
