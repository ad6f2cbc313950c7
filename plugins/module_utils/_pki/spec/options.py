# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specification of pki_certificate, used by module and action plugin."""

from __future__ import annotations

from typing import Any

_OWNER = {"owner": {"type": "str"}, "group": {"type": "str"}}
_TRUST = {
    "ca": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "also": {"type": "list", "elements": "str", "default": []},
    "signer": {"type": "bool", "default": False},
    "anchor": {"type": "bool", "default": False},
    "key_path": {"type": "path", "no_log": False},
    **_OWNER,
}
_KEY = {
    "algo": {"type": "str", "choices": ["ecdsa", "rsa", "ed25519"], "default": "ecdsa"},
    "size": {"type": "int"},
}
_CERTIFICATE = {
    "path": {"type": "path", "required": True},
    "ca": {"type": "str"},
    "self_signed": {"type": "bool", "default": False},
    "chain": {"type": "bool", "default": False},
    "profile": {"type": "str", "default": "default"},
    "csr": {"type": "raw"},
    "common_name": {"type": "str", "default": ""},
    "names": {"type": "list", "elements": "dict", "default": []},
    "sans": {"type": "list", "elements": "str", "default": []},
    "key": {"type": "dict", "options": _KEY, "no_log": False},
    "expiry": {"type": "str"},
    **_OWNER,
}
_OBSERVED = {
    "path": {"type": "path", "required": True},
    "ca": {"type": "str", "required": True},
}
PUBLIC_SPEC: dict[str, Any] = {
    "ca_dir": {"type": "str", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "trust": {"type": "list", "elements": "dict", "options": _TRUST, "default": []},
    "certificates": {"type": "list", "elements": "dict", "options": _CERTIFICATE, "default": []},
    "config": {"type": "raw"},
    "observe": {"type": "list", "elements": "dict", "options": _OBSERVED, "default": []},
    "profiles": {"type": "dict", "default": {}},
    "renew_before": {"type": "float", "default": 0.333},
    "renew": {"type": "list", "elements": "str", "default": []},
    "renew_only": {"type": "list", "elements": "str", "default": []},
    "renew_key": {"type": "bool", "default": False, "no_log": False},
    "force": {"type": "bool", "default": False},
    "requests_only": {"type": "bool", "default": False},
}
# Added by the action plugin. Keys are base64, so that logs can recognize and hide them.
ADDED: dict[str, Any] = {
    "_exchange": {"type": "dict"},
    "_ca_keys": {"type": "dict", "no_log": True},
    "_cached_result": {"type": "str"},
}
SPEC: dict[str, Any] = {**PUBLIC_SPEC, **ADDED}
