# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong authorizers, tokens and files of masters end a run before a host is contacted, and no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.hosts.site import Site

pytestmark = pytest.mark.slow
SECRET = "s3cr3t-s3cr3t-s3cr3t"
AUTHORIZERS = [{"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}]
POLICY = {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": {"user": "a"}}
# What stands in the inventory, and the one line about it.
WRONG = {
    "master_authorization_config": (
        {"authorizers": AUTHORIZERS[:1]},
        "authorizers lack RBAC, without which kubelets and components lose their permissions; add {type: RBAC",
    ),
    "master_abac_policy": (
        [{**POLICY, "spec": {"user": "a", "verb": "get"}}],
        "policy 1: 'verb' is no field here; known are user, group, namespace, resource, apiGroup, nonResourcePath",
    ),
    "master_static_tokens": (
        [{"token": SECRET, "user": "a", "uid": "1"}, {"token": SECRET, "user": "b", "uid": "2"}],
        "in entry 2, use a token of its own, which no other entry has; the value may be secret, and is not shown",
    ),
    "master_extra_files": (
        [{"name": "a.conf", "content": SECRET, "owner": "bob"}],
        "kube-apiserver cannot read it: it runs as root, without capabilities; use mode 0640, or leave out owner",
    ),
}


def test_all_problems_are_reported_before_a_host_is_contacted(repository: Path, tmp_path: Path) -> None:
    site = Site(repository, tmp_path)
    site.variables.update({name: value for name, (value, _words) in WRONG.items()})
    done = site.run("-vvv")
    assert done.returncode != 0
    for name, (_value, words) in WRONG.items():
        # Ansible prints it twice.
        lines = {line.strip() for line in done.stdout.splitlines() if words in line}
        (line,) = [line for line in lines if line.startswith(f"{name}: ")]
        assert "(role master)" in line
    assert SECRET not in done.stdout + done.stderr
    assert site.asked() == []


def test_what_is_lost_is_warned_of(repository: Path, tmp_path: Path) -> None:
    """These values are usable, so the run goes on to the hosts."""
    site = Site(repository, tmp_path)
    site.variables["master_abac_policy"] = [POLICY]
    site.variables["master_static_tokens"] = [{"token": SECRET, "user": "a", "uid": "1"}]
    done = site.run("--check")
    assert site.asked() != []
    text = " ".join((done.stdout + done.stderr).split())
    assert "master_abac_policy: ABAC policies are a file on masters" in text
    assert "master_static_tokens: static tokens never expire" in text
    assert SECRET not in text


def test_a_policy_of_one_master_is_refused(repository: Path, tmp_path: Path) -> None:
    """The answer to a request would depend on the API server."""
    site = Site(repository, tmp_path)
    site.groups["master"]["k1"] = {
        **site.groups["master"]["k1"],
        "master_static_tokens": [{"token": SECRET, "user": "a", "uid": "1"}],
    }
    done = site.run()
    assert "master_static_tokens: differs between hosts" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    assert site.asked() == []
