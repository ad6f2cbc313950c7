# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap tokens: which ones can be used, and how they are created."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import bootstrap_tokens

NOW = datetime.datetime(2026, 5, 1, 12, 0, 0, tzinfo=datetime.timezone.utc)


def secret(**changes: Any) -> dict[str, Any]:
    values = {
        "description": "d",
        "groups": ["system:bootstrappers:x"],
        "expires": NOW + datetime.timedelta(hours=1),
        "signing": False,
        **changes,
    }
    return bootstrap_tokens.secret_for("abcdef.0123456789abcdef", **values)


def test_tokens_are_read_as_written() -> None:
    token = bootstrap_tokens.parse(secret())
    assert token["id"] == "abcdef" and token["secret"] == "0123456789abcdef" and token["ours"]
    assert token["expires"] == NOW + datetime.timedelta(hours=1)
    assert secret()["metadata"]["name"] == "bootstrap-token-abcdef"


@pytest.mark.parametrize(
    "made, serves",
    [
        (secret(), True),
        (secret(expires=NOW + datetime.timedelta(minutes=5)), False),
        (secret(expires=NOW - datetime.timedelta(minutes=5)), False),
        (secret(groups=[]), False),
        (secret(description="other"), False),
    ],
)
def test_which_token_can_be_used(made: dict[str, Any], serves: bool) -> None:
    tokens = [bootstrap_tokens.parse(made)]
    found = bootstrap_tokens.serving(tokens, description="d", groups=["system:bootstrappers:x"], now=NOW, at_least=600)
    assert (found is not None) is serves


def test_foreign_tokens_are_not_used() -> None:
    made = secret()
    made["metadata"]["labels"] = {}
    tokens = [bootstrap_tokens.parse(made)]
    arguments: dict[str, Any] = {"description": "d", "groups": ["system:bootstrappers:x"], "now": NOW, "at_least": 0}
    assert bootstrap_tokens.serving(tokens, **arguments) is None


def test_each_run_removes_its_own_token_and_what_has_expired() -> None:
    def token(number: str, description: str, minutes: int, ours: bool = True) -> dict[str, Any]:
        expires = NOW + datetime.timedelta(minutes=minutes)
        return {"id": number, "description": description, "expires": expires, "ours": ours}

    tokens = [
        token("aaaaaa", "d", 5),
        token("bbbbbb", "d", 5),
        token("cccccc", "other", 5),
        token("dddddd", "other", -5),
        token("eeeeee", "d", -5, ours=False),
        {**token("ffffff", "other", 5), "expires": None},
    ]
    assert bootstrap_tokens.to_remove(tokens, description="d", number="aaaaaa", now=NOW) == ["aaaaaa", "dddddd"]
    assert bootstrap_tokens.to_remove(tokens, description="d", number=None, now=NOW) == ["aaaaaa", "bbbbbb", "dddddd"]
    odd = secret()
    odd["data"]["expiration"] = "MjAyNi0wNS0wMVQxMjowMDowMA=="
    assert bootstrap_tokens.parse(odd)["expires"] is None


def test_new_tokens_have_the_form() -> None:
    first, second = bootstrap_tokens.new_token(), bootstrap_tokens.new_token()
    assert first != second
    number, rest = first.split(".")
    assert len(number) == 6 and len(rest) == 16 and (number + rest).isalnum() and first.islower()


@pytest.mark.parametrize(
    "group", ["system:masters", "system:bootstrappers", "system:bootstrappers:", "system:bootstrappers:A"]
)
def test_bad_groups(group: str) -> None:
    with pytest.raises(HardwayError, match="groups: "):
        bootstrap_tokens.check_groups([group])


def test_a_list_of_tokens_has_no_secret() -> None:
    made = [
        secret(),
        secret(expires=NOW - datetime.timedelta(minutes=5), description="old"),
        {"metadata": {}, "data": {}},
    ]
    tokens = bootstrap_tokens.shown([bootstrap_tokens.parse(one) for one in made], NOW)
    assert [(token["description"], token["state"], token["ours"]) for token in tokens] == [
        ("old", "expired", True),
        ("d", "valid", True),
        ("", "unusable", False),
    ]
    assert tokens[2]["expires"] == ""
    lines = bootstrap_tokens.table(tokens)
    assert lines[:2] == [
        "ID      EXPIRES               STATE     DESCRIPTION",
        "abcdef  2026-05-01T11:55:00Z  expired   old",
    ]
    assert lines[3] == "        never                 unusable"
    assert "0123456789abcdef" not in repr([tokens, lines])
