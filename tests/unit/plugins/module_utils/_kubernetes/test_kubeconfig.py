# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of kubeconfigs, and that no diff shows a secret."""

from __future__ import annotations

import base64

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.kubeconfig import Kubeconfig, shown

BY_CERTIFICATE = Kubeconfig("c", "https://[2001:db8::1]:6443", "system:node:a", b"CA", b"CERT", b"SECRETKEY")
BY_TOKEN = Kubeconfig("c", "https://a:6443", 'odd "user": # {}', b"CA", token="abcdef.0123456789abcdef")


@pytest.mark.parametrize("config", [BY_CERTIFICATE, BY_TOKEN])
def test_every_value_is_in_the_yaml(config: Kubeconfig) -> None:
    """Another YAML parser finds every value, whatever characters it has."""
    found = yaml.safe_load(config.render())
    context = f"{config.user}@{config.cluster}"
    assert found["current-context"] == context
    assert found["clusters"][0]["cluster"]["server"] == config.server
    assert found["contexts"] == [{"name": context, "context": {"cluster": config.cluster, "user": config.user}}]
    user = found["users"][0]["user"]
    assert user.get("token") == config.token
    if config.key is not None:
        assert base64.b64decode(user["client-key-data"]) == config.key


def test_the_text_is_deterministic() -> None:
    """The same input gives the same bytes."""
    assert BY_CERTIFICATE.render() == BY_CERTIFICATE.render()


@pytest.mark.parametrize(
    "text",
    [
        BY_TOKEN.render(),
        BY_CERTIFICATE.render(),
        "users:\n- name: a\n  user:\n    password: SECRETKEY\n",
        "users:\n- name: a\n  user:\n    token: |\n      SECRETKEY\n      abcdef.0123456789abcdef\n",
        '{"users": [{"user": {"token": "abcdef.0123456789abcdef"}}]}',
        "users: [{user: {token: SECRETKEY}}]",
    ],
)
def test_no_secret_is_shown(text: str) -> None:
    """Also of files that another user wrote."""
    for secret in ("SECRETKEY", base64.b64encode(b"SECRETKEY").decode(), "0123456789abcdef"):
        assert secret not in shown(text)


def test_what_changed_is_shown() -> None:
    """Endpoints as text, certificates by digest."""
    assert 'server: "https://a:6443"' in shown(BY_TOKEN.render())
    assert "certificate-authority-data: sha256:" in shown(BY_TOKEN.render())
