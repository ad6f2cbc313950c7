#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_sign."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_sign
short_description: Sign requests that were made elsewhere
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Signs requests whose keys are not in Ansible's reach, of other programs, appliances or CAs, as C(cfssl sign)
    does. For hosts of the inventory M(hardway.kubernetes.pki_certificate) does all of it.
  - Run it where the CAs live, usually the controller, or the machine where the key of an offline CA is.
  - A certificate that is there is compared with what is asked and kept when it is the same.
  - A request is believed what it says of its subject and names, unless the task gives others. Usages, life and whether
    it is a CA come from the profile alone.
requirements:
  - python3-cryptography 3.4 or newer
attributes:
  check_mode:
    support: full
    description: Predicts what would be signed.
  diff_mode:
    support: full
    description: Shows what the certificates say.
options:
  directory:
    description: Directory of the CAs, see M(hardway.kubernetes.pki_ca).
    type: path
    required: true
  passphrase:
    description: Passphrase of the CAs' keys.
    type: str
    default: ""
  config:
    description: A C(ca-config.json) of cfssl, absolute path or content.
    type: raw
  profiles:
    description: Profiles of your own, as M(hardway.kubernetes.pki_certificate) has them.
    type: dict
    default: {}
  certificates:
    description: Certificates to have.
    type: list
    elements: dict
    default: []
    suboptions:
      request:
        description: The signing request, a path or PEM text.
        type: str
        required: true
      path:
        description: Path of the certificate.
        type: path
        required: true
      ca:
        description: Name of the CA that signs.
        type: str
        required: true
      profile:
        description:
          - V(server), V(client), V(peer) (both), or one of O(config) and O(profiles).
          - One with C(ca_constraint) V(is_ca) makes a CA.
        type: str
        default: default
      common_name:
        description: Common name. With it or O(certificates[].names) the subject of the request does not count.
        type: str
        default: ""
      names:
        description: Further parts of the subject as cfssl has them.
        type: list
        elements: dict
        default: []
      hosts:
        description: Alternative names instead of those of the request.
        type: list
        elements: str
        default: []
      expiry:
        description: Life, as Go writes durations, or in days. Without it the profile's, else V(8760h).
        type: str
      chain:
        description: Puts the intermediate CAs, without the root, behind the certificate.
        type: bool
        default: false
  renew_before:
    description: Part of the life, from 0 to 1, that must be left. Less is signed again.
    type: float
    default: 0.333
  force:
    description: Signs every request again, whatever there is.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Sign what an appliance asks for
  hardway.kubernetes.pki_sign:
    directory: "{{ cluster_pki_dir }}"
    certificates:
      - request: /srv/requests/appliance.csr
        path: /srv/requests/appliance.crt
        ca: ca
        profile: server

- name: Sign a CA of another team
  hardway.kubernetes.pki_sign:
    directory: /media/offline/pki
    config: /media/offline/ca-config.json
    certificates:
      - {request: /media/usb/team.csr, path: /media/usb/team.crt, ca: ca, profile: intermediate}
"""

RETURN = r"""
certificates:
  description: What is true of each certificate after the task.
  returned: success
  type: list
  elements: dict
  contains:
    path: {description: Its path., type: str, returned: success, sample: /srv/requests/appliance.crt}
    changed: {description: Whether it was signed., type: bool, returned: success, sample: true}
    reasons: {description: Why., type: list, elements: str, returned: success, sample: ["force: asked to sign it"]}
    not_after: {description: End of its life., type: str, returned: success, sample: "2027-11-21T00:55:00Z"}
    serial: {description: Serial number in hexadecimal digits., type: str, returned: success, sample: 153b0723}
    fingerprint: {description: SHA-256 of the certificate., type: str, returned: success, sample: 90f33d04}
"""

import json
from contextlib import nullcontext
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.sign import Sign
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import all_profiles
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

_CERTIFICATE: dict[str, Any] = {
    "request": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "ca": {"type": "str", "required": True},
    "profile": {"type": "str", "default": "default"},
    "common_name": {"type": "str", "default": ""},
    "names": {"type": "list", "elements": "dict", "default": []},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "expiry": {"type": "str"},
    "chain": {"type": "bool", "default": False},
}
SPEC: dict[str, Any] = {
    "directory": {"type": "path", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "config": {"type": "raw"},
    "profiles": {"type": "dict", "default": {}},
    "certificates": {"type": "list", "elements": "dict", "options": _CERTIFICATE, "default": []},
    "renew_before": {"type": "float", "default": 0.333},
    "force": {"type": "bool", "default": False},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the result of one task."""
    require_cryptography("pki_sign")
    store, passphrase = Store(params["directory"]), params["passphrase"] or None
    sign = Sign(store, passphrase, all_profiles(params), params["renew_before"], params["force"], check)
    with nullcontext() if check else store.locked():
        found = [sign.certificate(item) for item in params["certificates"]]
    diff = []
    for item in found:
        texts = {side: json.dumps(text, indent=2) + "\n" for side, text in item.pop("diff").items()}
        if item["changed"]:
            diff.append({"before_header": item["path"], "after_header": item["path"], **texts})
    return {"changed": bool(diff), "certificates": found, "diff": diff}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
