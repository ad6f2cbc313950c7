# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions between the authorizers, identities and files of API servers and their flags, and what they cost."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.extra_files import path_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import authorization, master_files

# Of a host and an option: the value, or None if it is unknown.
Value = t.Callable[[str, str], t.Any]
CONFIG, ABAC, TOKENS, ARGS = (
    *("master_authorization_config", "master_abac_policy", "master_static_tokens", "master_apiserver_args"),
)
WARNINGS = {
    ABAC: "ABAC policies are a file on masters: neither kubectl nor the API shows or changes them, and every change "
    "restarts the API servers; use RBAC for whatever it can express",
    TOKENS: "static tokens never expire, are on all masters in plain text, and are revoked only by a restart of all "
    "API servers; use kubeconfig.yml or master_jwt_authenticators for persons, and service accounts for programs",
}


def identity_problems(masters: t.Sequence[str], value: Value) -> list[str]:
    """Return one line for each contradiction, with the masters that have it."""
    found: dict[str, list[str]] = {}
    for host in masters:
        for problem in (*_flags(host, value), *_files(host, value)):
            found.setdefault(problem, []).append(host)
    return [f"{problem} (on {shortened(hosts)})" for problem, hosts in found.items()]


def _flags(host: str, value: Value) -> t.Iterator[str]:
    """Yield the flags that do not go with an option."""
    given = value(host, ARGS)
    args = {name: item for name, item in given.items() if item is not None} if isinstance(given, t.Mapping) else {}
    modes = [name for name in args if name.startswith("authorization-webhook-") or name == "authorization-mode"]
    taken = {
        CONFIG: [*modes, *(["authorization-config"] if "authorization-config" in args else [])],
        ABAC: [name for name in ("authorization-mode", "authorization-policy-file") if name in args],
        TOKENS: [name for name in ("token-auth-file",) if name in args],
    }
    for option, names in taken.items():
        if value(host, option):
            for name in names:
                yield f"{ARGS}: {name} does not go with {option}; remove one of them"


def _files(host: str, value: Value) -> t.Iterator[str]:
    """Yield the files of authorizers that nothing writes."""
    config = value(host, CONFIG)
    if authorization.has_abac(config) and not value(host, ABAC):
        yield f"{CONFIG}: has the authorizer ABAC, but {ABAC} is empty; set it, or remove the authorizer"
    extra = value(host, "master_extra_files")
    if extra is None:
        return
    listed = [path_of(entry, master_files.EXTRA_DIR) for entry in extra if isinstance(entry, t.Mapping)]
    for path in authorization.webhook_files(config):
        if path.startswith(f"{master_files.EXTRA_DIR}/") and path not in listed:
            name = path.rpartition("/")[2]
            yield f"{CONFIG}: no file {path} will be there; add {{name: {name}}} with its content to master_extra_files"


def identity_warnings(masters: t.Sequence[str], value: Value) -> list[str]:
    """Return what the masters lose by some of their options."""
    return [f"{name}: {text}" for name, text in WARNINGS.items() if any(value(host, name) for host in masters)]
