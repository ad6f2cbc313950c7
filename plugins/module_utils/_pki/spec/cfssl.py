# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts cfssl's files, ca-config.json and *-csr.json, to our options."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.cfssl_fields import (
    NO_EFFECT,
    NUMBER,
    OBJECT,
    OBJECTS,
    TEXT,
    TEXTS,
    TRUTH,
    fields_of,
)

# Fields of a profile with defaults from signing.default.
_INHERITED = ("expiry", "issuer_urls", "ocsp_url", "crl_url")
# Fields for a signing server, linting, or extensions of CSRs.
_ELSEWHERE = (
    *("auth_key", "prev_auth_key", "cert_store", "copy_extensions", "allowed_extensions"),
    *("lint_error_level", "ignored_lints", "ignored_lint_sources"),
)
_PROFILE = {
    **dict.fromkeys(("expiry", "ocsp_url", "crl_url", "backdate"), TEXT),
    **dict.fromkeys(("issuer_urls", "usages"), TEXTS),
    "ca_constraint": OBJECT,
    "ocsp_no_check": TRUTH,
    **dict.fromkeys(_ELSEWHERE, NO_EFFECT),
}
_CONSTRAINT = {"is_ca": TRUTH, "max_path_len": NUMBER, "max_path_len_zero": TRUTH}
_CONFIG = {"signing": OBJECT, **dict.fromkeys(("ocsp", "auth_keys", "remotes"), NO_EFFECT)}
_SIGNING = {"default": OBJECT, "profiles": OBJECT}
_REQUEST = {
    "cn": TEXT,
    "hosts": TEXTS,
    "key": OBJECT,
    "names": OBJECTS,
    "ca": OBJECT,
    "serialnumber": TEXT,
    "crl_url": TEXT,
}
_KEY = {"algo": TEXT, "size": NUMBER}
_CA = {"expiry": TEXT, "backdate": TEXT, "pathlen": NUMBER, "pathlenzero": TRUTH}


def document(value: Any, what: str) -> dict[str, Any]:
    """Return the content of a file of cfssl; value is a path, or the content as data or JSON text."""
    if isinstance(value, Mapping):
        return dict(value)
    text = str(value)
    if not text.lstrip().startswith("{"):
        path = os.path.abspath(os.path.expanduser(text))
        what, text = f"{what} {path}", _text(path, what)
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise HardwayError(f"{what}: is not JSON: {exc}; fix it there") from exc
    if not isinstance(found, dict):
        raise HardwayError(f"{what}: must be an object; put it in braces, as cfssl's files are")
    return found


def _text(path: str, what: str) -> str:
    """Return the text of a file."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise HardwayError(f"{what} {path}: cannot be read: {reason}; set the path or the content of a file") from exc


def profiles_of(config: Mapping[str, Any] | None, what: str = "config") -> dict[str, Any]:
    """Return the profiles of a ca-config.json by name; signing.default is the profile default."""
    if not config:
        return {}
    sections = fields_of(config, _CONFIG, what)
    if "signing" not in sections:
        raise HardwayError(f"{what}: has no section signing; set a ca-config.json of cfssl")
    signing = fields_of(sections["signing"], _SIGNING, f"{what}: signing")
    default = profile_fields(signing.get("default", {}), f"{what}: signing.default")
    inherited = {field: default[field] for field in _INHERITED if field in default}
    named = {
        str(name): {**inherited, **profile_fields(value, f"{what}: profile {name}")}
        for name, value in signing.get("profiles", {}).items()
    }
    return {**({"default": default} if default else {}), **named}


def profile_fields(value: Any, what: str) -> dict[str, Any]:
    """Return the validated non-empty fields of a profile."""
    fields = fields_of(value, _PROFILE, what)
    found = {field: content for field, content in fields.items() if content != "" and field not in _ELSEWHERE}
    if "ca_constraint" in found:
        found["ca_constraint"] = fields_of(found["ca_constraint"], _CONSTRAINT, f"{what}: ca_constraint")
    return found


def request_of(csr: Any, what: str) -> dict[str, Any]:
    """Return the fields of a *-csr.json as our options."""
    what = f"{what}: csr"
    fields = fields_of(document(csr, what), _REQUEST, what)
    ca = fields_of(fields.get("ca", {}), _CA, f"{what}: ca")
    # cfssl accepts a serial number in names, and ignores it.
    names = [
        {part: value for part, value in name.items() if str(part).lower() != "serialnumber"}
        for name in fields.get("names", [])
    ]
    if fields.get("serialnumber"):
        names.append({"SerialNumber": fields["serialnumber"]})
    found = {
        "common_name": fields.get("cn"),
        "names": names,
        # Some guides write [""] for an empty list.
        "sans": [san for san in fields.get("hosts", []) if san.strip()],
        "key": fields_of(fields.get("key", {}), _KEY, f"{what}: key"),
        "expiry": ca.get("expiry"),
        "backdate": ca.get("backdate"),
        "crl_url": fields.get("crl_url"),
        "path_length": path_length(ca.get("pathlen", 0), ca.get("pathlenzero", False)),
        "is_ca": "ca" in fields,
    }
    return {option: value for option, value in found.items() if value not in (None, "", [], {})}


def path_length(length: int, zero: bool) -> int | None:
    """Return the path length: cfssl's 0 means unlimited unless max_path_zero is set."""
    return None if length == 0 and not zero else length


def completed(params: Mapping[str, Any], what: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return params with defaults from its csr, except for the fields in ``without``."""
    if params.get("csr") in (None, ""):
        return dict(params)
    said = {option: value for option, value in params.items() if value not in (None, "", [], {})}
    asked = {option: value for option, value in request_of(params["csr"], what).items() if option not in without}
    return {**params, **asked, **said}
