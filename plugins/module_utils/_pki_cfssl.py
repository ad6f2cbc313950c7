# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cfssl's own files, ca-config.json and *-csr.json, in the words of our options."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError

# Fields of a profile that we read; the first four are taken from signing.default where a profile lacks them.
_INHERITED = ("expiry", "issuer_urls", "ocsp_url", "crl_url")
_PROFILE = (*_INHERITED, "usages", "backdate", "ca_constraint", "ocsp_no_check")
# Fields that concern a signing server, linting, or what requests bring along: of no effect on what we make.
_NO_EFFECT = (
    *("auth_key", "prev_auth_key", "cert_store", "copy_extensions", "allowed_extensions"),
    *("lint_error_level", "ignored_lints", "ignored_lint_sources"),
)
_REQUEST = ("cn", "hosts", "key", "names", "ca", "serialnumber", "crl_url")
_CA = ("expiry", "backdate", "pathlen", "pathlenzero")


def document(value: Any, what: str) -> dict[str, Any]:
    """Return the content of a file of cfssl: value is the content, as data or JSON text, or the path of the file."""
    if isinstance(value, Mapping):
        return dict(value)
    text = str(value)
    if not text.lstrip().startswith("{"):
        path = os.path.abspath(os.path.expanduser(text))
        what, text = f"{what} {path}", _text(path, what)
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise HardwayError(f"{what}: is not JSON: {exc}; mend it there") from exc
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
        raise HardwayError(f"{what} {path}: cannot be read: {reason}; give the path or the content of a file") from exc


def profiles_of(config: Mapping[str, Any] | None, what: str = "config") -> dict[str, Any]:
    """Return the profiles of a ca-config.json by name; signing.default is the profile default."""
    if not config:
        return {}
    signing = config.get("signing")
    if not isinstance(signing, Mapping):
        raise HardwayError(f"{what}: has no section signing; give a ca-config.json of cfssl")
    given = signing.get("profiles") or {}
    if not isinstance(given, Mapping):
        raise HardwayError(f"{what}: signing.profiles must be an object; give profiles by name")
    default = _profile(signing.get("default") or {}, f"{what}: signing.default")
    inherited = {field: default[field] for field in _INHERITED if field in default}
    named = {str(name): {**inherited, **_profile(value, f"{what}: profile {name}")} for name, value in given.items()}
    return {**({"default": default} if default else {}), **named}


def _profile(value: Any, what: str) -> dict[str, Any]:
    """Return the fields of one profile that say something."""
    if not isinstance(value, Mapping):
        raise HardwayError(f"{what}: must be an object; give usages and expiry")
    found = {}
    for field, content in _lowered(value).items():
        if field in _PROFILE and content not in (None, ""):
            found[field] = content
        elif field not in (*_PROFILE, *_NO_EFFECT) and content:
            raise HardwayError(f"{what}: field {field} is not supported; remove it, or sign with cfssl")
    return found


def request_of(csr: Any, what: str) -> dict[str, Any]:
    """Return what a *-csr.json asks, in the words of our options; only what it says."""
    fields = _known(document(csr, f"{what}: csr"), _REQUEST, f"{what}: csr")
    ca = _known(_typed(fields, "ca", Mapping, what) or {}, _CA, f"{what}: csr: ca")
    names = [dict(name) for name in _list(fields, "names", Mapping, what)]
    if fields.get("serialnumber"):
        names.append({"SerialNumber": fields["serialnumber"]})
    found = {
        "common_name": _typed(fields, "cn", str, what),
        "names": names,
        # Guides write [""] for none.
        "hosts": [host for host in _list(fields, "hosts", str, what) if host.strip()],
        "key": dict(_typed(fields, "key", Mapping, what) or {}),
        "expiry": _typed(ca, "expiry", str, what),
        "backdate": _typed(ca, "backdate", str, what),
        "crl_url": _typed(fields, "crl_url", str, what),
        "path_length": path_length(_number(ca, "pathlen", what), bool(ca.get("pathlenzero"))),
        "is_ca": "ca" in fields,
    }
    return {option: value for option, value in found.items() if value not in (None, "", [], {})}


def path_length(length: int, zero: bool) -> int | None:
    """Return how many authorities may follow: cfssl's 0 means any number unless zero says that none is meant."""
    return None if length == 0 and not zero else length


def completed(params: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return params with what is not said there taken from its csr."""
    if params.get("csr") in (None, ""):
        return dict(params)
    said = {option: value for option, value in params.items() if value not in (None, "", [], {})}
    return {**params, **request_of(params["csr"], what), **said}


def _lowered(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its fields in small letters: Go reads them in any."""
    return {str(field).lower(): content for field, content in value.items()}


def _known(value: Mapping[str, Any], known: tuple[str, ...], what: str) -> dict[str, Any]:
    """Return an object with its fields in small letters; a field that says something we do not know is an error."""
    fields = _lowered(value)
    for field, content in fields.items():
        if field not in known and content:
            raise HardwayError(f"{what}: field {field!r} is unknown; use {', '.join(known)}")
    return fields


def _typed(fields: Mapping[str, Any], field: str, kind: Any, what: str) -> Any:
    """Return a field that must be of a kind, or be absent."""
    value = fields.get(field)
    if value is not None and not isinstance(value, kind):
        wanted = {str: "a text", list: "a list", int: "a number"}.get(kind, "an object")
        raise HardwayError(f"{what}: csr: {field} must be {wanted}, not {json.dumps(value, default=str)}; correct it")
    return value


def _number(fields: Mapping[str, Any], field: str, what: str) -> int:
    """Return a field that must be a number from 0, which it is where it is absent."""
    value = _typed(fields, field, int, what) or 0
    if value < 0:
        raise HardwayError(f"{what}: csr: {field} {value} must not be negative; leave it out for no limit")
    return int(value)


def _list(fields: Mapping[str, Any], field: str, kind: Any, what: str) -> list[Any]:
    """Return a field that must be a list of a kind, empty where it is absent."""
    values = _typed(fields, field, list, what) or []
    for value in values:
        _typed({field: value}, field, kind, what)
    return values
