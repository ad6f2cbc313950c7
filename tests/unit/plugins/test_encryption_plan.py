# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that plans role master's changes of encryption: what it refuses before any master is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardway.kubernetes.plugins.filter.encryption_plan import (
    CONFIGURATION,
    PENDING,
    RAN,
    encryption_plan,
)

SECRETS = "resources:\n- resources: [secrets]\n  providers:\n  - secretbox: {keys: [{name: key1, secret: 'hmac:0'}]}\n"
MASTER = {"nonce": "n", "secrets": {CONFIGURATION: SECRETS, RAN: "hmac:1"}}
MASTERS = ["m1", "m2"]


def test_a_first_run_and_runs_without_a_change() -> None:
    assert encryption_plan(["secrets"], {}, MASTERS) == encryption_plan(["secrets"], {"m1": MASTER}, MASTERS)
    assert not encryption_plan(["secrets"], {"m1": MASTER, "m2": {"nonce": "n", "secrets": {}}}, MASTERS)["moving"]


def test_a_change_needs_all_masters() -> None:
    with pytest.raises(
        AnsibleFilterError, match="to encrypt nothing in etcd in place of secrets takes all masters, and m2"
    ):
        encryption_plan([], {"m1": MASTER}, MASTERS)
    assert encryption_plan([], {"m1": MASTER, "m2": MASTER}, MASTERS)["rewrite"] == ["secrets"]


def test_pending_objects_are_stored_again() -> None:
    cut_off = {**MASTER, "secrets": {**MASTER["secrets"], PENDING: "secrets\n"}}
    assert encryption_plan(["secrets"], {"m1": MASTER, "m2": cut_off}, MASTERS)["rewrite"] == ["secrets"]


def test_a_damaged_file_is_repaired_through_all_steps() -> None:
    damaged = {"nonce": "n", "secrets": {CONFIGURATION: "a: [b", RAN: "hmac:1"}}
    assert encryption_plan(["secrets"], {"m1": damaged}, ["m1"])["rewrite"] == ["secrets"]


def test_keys_of_another_directory_are_refused(tmp_path: Path) -> None:
    """Also where role master is used without role host, which checks earlier."""
    with pytest.raises(AnsibleFilterError, match=r"has a key that .*encryption\.key has not"):
        encryption_plan(["secrets"], {"m1": MASTER}, ["m1"], str(tmp_path))
