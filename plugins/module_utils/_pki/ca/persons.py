# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client certificates of persons: what may not be issued, and what was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import PurePath
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import moment_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import COMMON_NAME_MAX

# In the PKI directory. Hidden, so that reports on the cluster's certificates leave out those that are meant to expire.
DIRECTORY = ".persons"
# A user is the name of a file, too.
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:/-]*")
_SYSTEM = "system:"
_MASTERS = "system:masters"
# How the names of the cluster's own users begin. kubelets know some of them, too.
_PROGRAMS = (_SYSTEM, "flannel", "kube-", "kubernetes-admin")
_HEADING = ("USER", "GROUPS", "SERIAL", "ISSUED", "EXPIRES", "STATE")


def problems(asked: Mapping[str, Any], present: Optional[Sequence[str]]) -> list[str]:
    """Return why the kubeconfig may not be written; ``present`` are the cluster and user names in the file there."""
    user, path = asked["user"], asked["kubeconfig"]
    found = [*_user(user, asked["administrator"]), *_groups(asked["groups"], asked["allow_masters"])]
    found += _validity_period(asked["ttl"], asked["ttl_max"])
    if asked["server"] == "https://":
        found.append(
            "cluster_api_endpoint: the inventory has no address of a master, and hosts are not contacted;"
            " set cluster_api_vip, cluster_api_endpoint or cluster_node_ip"
        )
    if user and present is not None and list(present) != [asked["cluster"], user]:
        found.append(
            f"{path}: is not a kubeconfig of {user} for {asked['cluster']} alone"
            f" ({', '.join(present) or 'no kubeconfig'}); set another file with -e kubeconfig=FILE, or move it away"
        )
    return found


def _user(user: str, administrator: str) -> Iterator[str]:
    """Yield what is wrong with the name of a user."""
    if not user:
        yield "user: is missing; set it with -e user=NAME"
    elif user.startswith(_PROGRAMS) or user == administrator:
        yield f"user {user}: is an identity of the cluster itself; set the name of a person"
    elif not _USER.fullmatch(user) or len(user) > COMMON_NAME_MAX:
        yield (
            f"user {user!r}: is not a name of at most {COMMON_NAME_MAX} letters, digits and . _ @ - that begins with a"
            " letter or digit; write it so"
        )


def _groups(groups: Optional[Sequence[str]], allow_masters: bool) -> Iterator[str]:
    """Yield what is wrong with the groups of a user."""
    if groups is None:
        yield (
            "user_groups: is missing; set it with -e user_groups=dev,ops, empty for a user without groups"
            " (-e groups= has no effect, as Ansible has a variable of that name)"
        )
    for group in groups or []:
        if group == _MASTERS:
            if not allow_masters:
                yield (
                    f"group {group}: bypasses RBAC, so no rule can take its rights away before the certificate expires;"
                    " set another group and bind a role to it, or accept this with -e allow_masters=true"
                )
        elif group.startswith(_SYSTEM):
            yield f"group {group}: is for programs of the cluster itself; set a group of persons"
        elif not _GROUP.fullmatch(group) or len(group) > COMMON_NAME_MAX:
            yield (
                f"group {group!r}: is not a name of at most {COMMON_NAME_MAX} letters, digits and . _ @ : / - that"
                " begins with a letter or digit; write it so"
            )


def _validity_period(ttl: str, longest: str) -> Iterator[str]:
    """Yield what is wrong with a validity period."""
    try:
        if parse(ttl, "ttl") > parse(longest, "admin_person_ttl_max"):
            yield (
                f"ttl {ttl}: exceeds {longest}, the maximum, because API servers have no revocation: a stolen"
                " certificate is valid until it expires; set a shorter one, or admin_person_ttl_max in the inventory"
            )
    except HardwayError as exc:
        yield str(exc)


def issued(lines: Iterable[str], now: datetime) -> list[str]:
    """Return a table of the certificates of persons in an issue log, in its order."""
    rows = [_HEADING, *(_row(record, now) for record in map(_record, lines) if record)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADING))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]


def _record(line: str) -> dict[str, Any]:
    """Return the record of a person's certificate; empty for another one, and for a damaged line."""
    with suppress(ValueError, KeyError, TypeError):
        record = dict(json.loads(line))
        if PurePath(record["path"]).parent.name == DIRECTORY:
            return record
    return {}


def _row(record: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    """Return the cells of a record."""
    fields = [part.partition("=") for part in record["subject"]]
    user, groups = (",".join(value for name, _equals, value in fields if name == kind) for kind in ("CN", "O"))
    state = "expired" if moment_of(record["not_after"]) <= now else "valid"
    return user, groups or "-", record["serial"], record["time"], record["not_after"], state
