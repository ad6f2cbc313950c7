# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorizers, identities and files of masters contradict neither each other nor the flags of API servers."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.master_pairs import (
    identity_problems,
    identity_warnings,
)

CONFIG = {"authorizers": [{"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}]}
ABAC = {"authorizers": [*CONFIG["authorizers"], {"type": "ABAC", "name": "abac"}]}
HOOK = {"webhook": {"connectionInfo": {"kubeConfigFile": "/etc/kubernetes/extra/hook.conf"}}}
HOOKED = {"authorizers": [*CONFIG["authorizers"], {"type": "Webhook", "name": "hook", **HOOK}]}
NONE = {"master_authorization_config": {}, "master_abac_policy": [], "master_static_tokens": []}
UNSET = {**NONE, "master_apiserver_args": {}, "master_extra_files": []}


def problems(**given: t.Any) -> list[str]:
    return identity_problems(["m1", "m2"], lambda _host, name: {**UNSET, **given}.get(name))


def test_defaults_and_values_that_go_together() -> None:
    assert problems() == []
    assert problems(**dict.fromkeys(UNSET)) == [], "nothing is known"
    assert problems(master_authorization_config=ABAC, master_abac_policy=[{}]) == []
    assert problems(master_authorization_config=HOOKED, master_extra_files=[{"name": "hook.conf"}]) == []
    assert problems(master_authorization_config=CONFIG, master_apiserver_args={"authorization-mode": None}) == []
    assert problems(master_apiserver_args={"authorization-mode": "Node,RBAC,Webhook", "token-auth-file": "/a"}) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"master_authorization_config": ABAC}, "has the authorizer ABAC, but master_abac_policy is empty; set it"),
        (
            {"master_authorization_config": HOOKED},
            "no file /etc/kubernetes/extra/hook.conf will be there; add {name: hook",
        ),
        (
            {"master_authorization_config": CONFIG, "master_apiserver_args": {"authorization-mode": "Node,RBAC"}},
            "master_apiserver_args: authorization-mode does not go with master_authorization_config; remove one",
        ),
        (
            {"master_authorization_config": CONFIG, "master_apiserver_args": {"authorization-webhook-version": "v1"}},
            "authorization-webhook-version does not go",
        ),
        (
            {"master_authorization_config": CONFIG, "master_apiserver_args": {"authorization-config": "/a"}},
            "authorization-config does not go",
        ),
        (
            {"master_abac_policy": [{}], "master_apiserver_args": {"authorization-policy-file": "/a"}},
            "authorization-policy-file does not go with master_abac_policy",
        ),
        (
            {"master_static_tokens": [{}], "master_apiserver_args": {"token-auth-file": "/a"}},
            "token-auth-file does not go with master_static_tokens",
        ),
    ],
)
def test_contradictions(given: dict[str, t.Any], words: str) -> None:
    (line,) = problems(**given)
    assert words in line
    assert line.endswith("(on m1, m2)")


def test_warnings_say_what_is_lost() -> None:
    def warnings(**given: t.Any) -> list[str]:
        return identity_warnings(["m1"], lambda _host, name: {**UNSET, **given}.get(name))

    assert warnings() == []
    assert warnings(master_authorization_config=HOOKED) == []
    (abac,) = warnings(master_abac_policy=[{}])
    assert abac.startswith("master_abac_policy: ") and "neither kubectl nor the API" in abac
    (tokens,) = warnings(master_static_tokens=[{"token": "s3cr3t"}])
    assert "never expire" in tokens and "plain text" in tokens and "s3cr3t" not in tokens
