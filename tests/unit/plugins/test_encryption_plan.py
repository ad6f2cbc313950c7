# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that plans role master's changes of encryption: what it refuses before any master is changed."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hardway.kubernetes.plugins.filter.encryption_keys import encryption_keys as encryption_keys_of
from ansible_collections.hardway.kubernetes.plugins.filter.encryption_plan import (
    CONFIGURATION,
    PENDING,
    RAN,
    encryption_plan,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.redaction import redacted
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import encryption_keys
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store

OURS, OTHER = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
MASTERS = ["m1", "m2"]


def master(*keys: str, **files: str) -> dict[str, Any]:
    """Return what a master reports that encrypts Secrets by keys, each as NAME:SECRET."""
    named = "".join(f"{{name: {key.split(':')[0]}, secret: '{key.split(':')[1]}'}}, " for key in keys)
    text = f"resources:\n- resources: [secrets]\n  providers:\n  - secretbox: {{keys: [{named}]}}\n"
    return {"nonce": "n", "secrets": {CONFIGURATION: redacted(text, "n"), RAN: "hmac:1", **files}}


MASTER = master(f"key1:{OURS}")


@pytest.fixture
def pki(tmp_path: Path) -> str:
    """Return a directory with the key of the masters."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/encryption.key").write_text(f"{OURS}\n")
    return str(tmp_path)


@pytest.fixture
def rotated(pki: str) -> str:
    """Return it after a rotation has begun."""
    encryption_keys.rotate(Store(pki), check=False)
    return pki


def test_a_first_run_and_runs_without_a_change(pki: str) -> None:
    first, again = (encryption_plan(["secrets"], found, MASTERS, pki, True) for found in ({}, {"m1": MASTER}))
    assert first == again
    assert not encryption_plan(["secrets"], {"m1": MASTER, "m2": {"nonce": "n", "secrets": {}}}, MASTERS, pki, True)[
        "moving"
    ]


def test_a_change_needs_all_masters(pki: str) -> None:
    with pytest.raises(
        AnsibleFilterError, match="to encrypt nothing in etcd in place of secrets by key1 takes all masters, and m2"
    ):
        encryption_plan([], {"m1": MASTER}, MASTERS, pki, True)
    assert encryption_plan([], {"m1": MASTER, "m2": MASTER}, MASTERS, pki, True)["rewrite"] == ["secrets"]


def test_another_key_needs_all_masters(rotated: str) -> None:
    with pytest.raises(
        AnsibleFilterError, match="to encrypt secrets by key2 in etcd in place of secrets by key1 takes all masters"
    ):
        encryption_plan(["secrets"], {"m1": MASTER}, MASTERS, rotated, True)


def test_a_retired_key_decrypts_until_the_end(rotated: str) -> None:
    plan = encryption_plan(["secrets"], {"m1": MASTER, "m2": MASTER}, MASTERS, rotated, True)
    assert plan["key_names"] == {"now": ["key1", "key2"], "next": ["key2", "key1"], "final": ["key2"]}
    assert (plan["drop"], plan["lost"], plan["rotating"]) == (["key1"], [], True)
    (first, second) = encryption_keys_of(plan["key_names"]["now"], plan["key_files"])
    assert (first["secret"], second["name"]) == (OURS, "key2")
    assert second["secret"] not in (OURS, "")


def test_a_key_that_only_masters_have(pki: str) -> None:
    """It only decrypts, so it is in no configuration any more; another master still has to be inspected."""
    reported = {"m1": master(f"key1:{OURS}", f"key0:{OTHER}"), "m2": MASTER}
    plan = encryption_plan(["secrets"], reported, MASTERS, pki, True)
    assert (plan["lost"], plan["drop"], plan["rotating"]) == ([], [], False), "replaced with everything else"
    for result in reported.values():
        del result["secrets"][RAN]
    plan = encryption_plan(["secrets"], reported, MASTERS, pki)
    assert (plan["lost"], plan["drop"], plan["rotating"]) == (["key0"], [], True)
    assert plan["key_names"]["now"] == ["key1"]
    with pytest.raises(AnsibleFilterError, match="takes all masters, and m2"):
        encryption_plan(["secrets"], {"m1": reported["m1"]}, MASTERS, pki)


def test_check_mode_knows_the_name_of_the_next_key(pki: str) -> None:
    plan = encryption_plan(["secrets"], {"m1": MASTER, "m2": MASTER}, MASTERS, pki, True, "key2")
    assert plan["key_names"]["final"] == ["key2"]
    found = encryption_keys_of(plan["key_names"]["next"], plan["key_files"], "not yet")
    assert [key["secret"] for key in found] == ["not yet", OURS]
    with pytest.raises(AnsibleFilterError, match="encryption key key2: is not in"):
        encryption_keys_of(plan["key_names"]["next"], plan["key_files"])


def test_two_keys_of_one_name_are_refused(pki: str) -> None:
    (Path(pki) / "secrets/encryption.key").write_text(f"{OURS}\nkey1:{OTHER}\n")
    with pytest.raises(AnsibleFilterError, match="two keys are named key1"):
        encryption_plan(["secrets"], {}, MASTERS, pki)


def test_pending_objects_are_stored_again(pki: str) -> None:
    cut_off = master(f"key1:{OURS}", **{PENDING: "secrets\n"})
    assert encryption_plan(["secrets"], {"m1": MASTER, "m2": cut_off}, MASTERS, pki, True)["rewrite"] == ["secrets"]


def test_a_damaged_file_is_repaired_through_all_steps(pki: str) -> None:
    damaged = {"nonce": "n", "secrets": {CONFIGURATION: "a: [b", RAN: "hmac:1"}}
    assert encryption_plan(["secrets"], {"m1": damaged}, ["m1"], pki, True)["rewrite"] == ["secrets"]


def test_keys_of_another_directory_are_refused(tmp_path: Path) -> None:
    """Also where role master is used without role host, which checks earlier."""
    with pytest.raises(AnsibleFilterError, match=r"has a key that .*encryption\.key has not"):
        encryption_plan(["secrets"], {"m1": MASTER}, ["m1"], str(tmp_path))
