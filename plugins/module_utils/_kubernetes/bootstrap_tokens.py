# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses, selects and creates bootstrap tokens. No I/O."""

from __future__ import annotations

import base64
import datetime
import re
from collections.abc import Sequence
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.leases import moment

TYPE = "bootstrap.kubernetes.io/token"
LABELS = {"app.kubernetes.io/managed-by": "hardway"}
GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")
PLACEHOLDER = "000000.0000000000000000"
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def check_groups(groups: Sequence[str]) -> None:
    """Raise for a group that the API server would reject."""
    for group in groups:
        if not GROUP.fullmatch(group):
            raise HardwayError(
                f"groups: '{group}' cannot be a token's group; "
                "begin it with system:bootstrappers: and use a-z, 0-9, : and -"
            )


def parse(secret: dict[str, Any]) -> dict[str, Any]:
    """Return the token Secret as plain values; what is unreadable is empty."""
    data = {name: _decoded(value) for name, value in (secret.get("data") or {}).items()}
    return {
        "id": data.get("token-id", ""),
        "secret": data.get("token-secret", ""),
        "description": data.get("description", ""),
        "expires": moment(data.get("expiration", "")),
        "groups": sorted(group for group in data.get("auth-extra-groups", "").split(",") if group),
        "authenticates": data.get("usage-bootstrap-authentication") == "true",
        "ours": (secret["metadata"].get("labels") or {}).items() >= LABELS.items(),
    }


def serving(
    tokens: Sequence[dict[str, Any]],
    *,
    description: str,
    groups: Sequence[str],
    now: datetime.datetime,
    at_least: int,
) -> Optional[dict[str, Any]]:
    """Return our token with these groups that is valid longest, if for ``at_least`` seconds."""
    limit = now + datetime.timedelta(seconds=at_least)
    fit = [
        token
        for token in tokens
        if token["ours"]
        and token["authenticates"]
        and token["secret"]
        and token["description"] == description
        and token["groups"] == sorted(groups)
        and token["expires"] is not None
        and token["expires"] >= limit
    ]
    return max(fit, key=lambda token: token["expires"], default=None)


def to_remove(
    tokens: Sequence[dict[str, Any]], *, description: str, number: Optional[str], now: datetime.datetime
) -> list[str]:
    """Return the IDs of our tokens to remove: the one with this number, else all with this description.

    Expired tokens are removed too; a killed run may have left them.
    """
    return [
        token["id"]
        for token in tokens
        if token["ours"]
        and token["id"]
        and (
            (token["id"] == number if number else token["description"] == description)
            or (token["expires"] is not None and token["expires"] <= now)
        )
    ]


def secret_for(
    token: str, *, description: str, groups: Sequence[str], expires: datetime.datetime, signing: bool
) -> dict[str, Any]:
    """Return the Secret that makes the API server accept the token until it expires."""
    number, secret = token.split(".")
    values = {
        "token-id": number,
        "token-secret": secret,
        "expiration": stamp(expires),
        "description": description,
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true" if signing else "false",
    }
    if groups:
        values["auth-extra-groups"] = ",".join(sorted(groups))
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"bootstrap-token-{number}", "namespace": "kube-system", "labels": dict(LABELS)},
        "type": TYPE,
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in values.items()},
    }


def shown(tokens: Sequence[dict[str, Any]], now: datetime.datetime) -> list[dict[str, Any]]:
    """Return the tokens without their secrets, those that expire first first."""
    last = datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)
    return [
        {
            "id": token["id"],
            "description": token["description"],
            "expires": stamp(token["expires"]) if token["expires"] else "",
            "groups": token["groups"],
            "ours": token["ours"],
            "state": _state(token, now),
        }
        for token in sorted(tokens, key=lambda token: (token["expires"] or last, token["id"]))
    ]


def table(tokens: Sequence[dict[str, Any]]) -> list[str]:
    """Return the lines of a table of tokens for display."""
    rows = [("ID", "EXPIRES", "STATE", "DESCRIPTION")]
    rows += [(token["id"], token["expires"] or "never", token["state"], token["description"]) for token in tokens]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join([*map(str.ljust, row, widths), row[3]]).rstrip() for row in rows]


def _state(token: dict[str, Any], now: datetime.datetime) -> str:
    """Return whether the token is accepted."""
    if token["expires"] is not None and token["expires"] <= now:
        return "expired"
    return "valid" if token["authenticates"] and token["secret"] else "unusable"


def new_token() -> str:
    """Return a fresh random token."""
    import secrets

    return ".".join("".join(secrets.choice(ALPHABET) for _place in range(length)) for length in (6, 16))


def _decoded(value: str) -> str:
    """Return the text of a Secret's value."""
    return base64.b64decode(value).decode("utf-8", "replace")
