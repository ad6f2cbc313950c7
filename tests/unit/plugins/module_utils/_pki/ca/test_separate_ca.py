# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CA of etcd's peers: a separate one in a new cluster, at first that of the clients in an older cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.contents import STEPS
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.import_ca import check_directory
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Reconciler
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.rotation import Rotation
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.separate_ca import shared
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.bundle import key_digest_of, split
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import load_certificate
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import load_key, same_public_key

PEER = {"name": "etcd-peer-ca", "common_name": "etcd-peer-ca", "split_from": "etcd-ca"}
CLIENT = {"name": "etcd-ca", "common_name": "etcd-ca"}


def run(directory: Path, *cas: dict[str, Any], **changes: Any) -> list[str]:
    """Return the result for each CA."""
    settings = {"passphrase": None, "renew": False, "renew_before": 0.3, "check": False, **changes}
    store = Store(str(directory))
    store.prepare(False)
    return [Reconciler(store, **settings).ca(item)["state"] for item in cas]


def key_of(directory: Path, name: str) -> str:
    """Return the fingerprint of a CA's key, after checking that certificate and key belong together."""
    store = Store(str(directory))
    pem = split(store.read(store.certificate(name)) or b"")[0]
    key = load_key(store.read(store.key(name)) or b"", name)
    assert same_public_key(load_certificate(pem, name).public_key(), key.public_key())
    return key_digest_of(pem)


def warning(directory: Path) -> str:
    """Return the warning that the two share a key."""
    return shared(Store(str(directory)), "etcd-peer-ca", "etcd-ca")


def test_a_new_cluster_has_two_cas(tmp_path: Path) -> None:
    """In an empty directory both are created, and there is no warning."""
    assert run(tmp_path, PEER, CLIENT) == ["created", "created"]
    assert key_of(tmp_path, "etcd-peer-ca") != key_of(tmp_path, "etcd-ca")
    assert warning(tmp_path) == ""
    assert run(tmp_path, PEER, CLIENT) == ["kept", "kept"]


def test_an_older_cluster_begins_with_a_copy_and_a_warning(tmp_path: Path) -> None:
    """Peers and the CAs that they trust stay the same."""
    run(tmp_path, CLIENT)
    assert run(tmp_path, PEER, CLIENT, check=True) == ["copied from etcd-ca", "kept"]
    assert not (tmp_path / "etcd-peer-ca.crt").exists()
    assert run(tmp_path, PEER, CLIENT) == ["copied from etcd-ca", "kept"]
    assert key_of(tmp_path, "etcd-peer-ca") == key_of(tmp_path, "etcd-ca")
    assert "etcd-peer-ca: shares a key with etcd-ca" in warning(tmp_path)
    assert run(tmp_path, PEER, CLIENT) == ["kept", "kept"]


def test_a_rotation_separates_them(tmp_path: Path) -> None:
    """In the middle both keys are trusted; at its end only one of which no client has a certificate."""
    run(tmp_path, CLIENT)
    run(tmp_path, PEER, CLIENT)
    ensure = Reconciler(Store(str(tmp_path)), None, False, 0.3, False)
    for step in STEPS:
        Rotation(ensure).advance(step, [PEER], [])
        assert bool(warning(tmp_path)) == (step in ("trust", "issue", "updated"))
        assert len(split((tmp_path / "etcd-peer-ca.crt").read_bytes())) == (2 if step in STEPS[:3] else 1)
    assert key_of(tmp_path, "etcd-peer-ca") != key_of(tmp_path, "etcd-ca")


def test_a_rotation_of_the_client_ca_does_not_separate_them(tmp_path: Path) -> None:
    """Certificates of the key that etcd-ca had before are valid until they end."""
    run(tmp_path, CLIENT)
    run(tmp_path, PEER, CLIENT)
    ensure = Reconciler(Store(str(tmp_path)), None, False, 0.3, False)
    for step in STEPS:
        Rotation(ensure).advance(step, [CLIENT], [])
    assert key_of(tmp_path, "etcd-peer-ca") != key_of(tmp_path, "etcd-ca")
    assert "shares a key" in warning(tmp_path)


def test_an_offline_key_stays_offline(tmp_path: Path) -> None:
    """The copy is only a certificate, too."""
    run(tmp_path, CLIENT)
    (tmp_path / "etcd/ca.key").unlink()
    assert run(tmp_path, PEER, CLIENT) == ["copied from etcd-ca", "kept"]
    assert not (tmp_path / "etcd-peer-ca.key").exists()


def test_the_copy_of_an_encrypted_key_is_encrypted(tmp_path: Path) -> None:
    """No plain key is written into the directory."""
    run(tmp_path, CLIENT, passphrase="secret")
    run(tmp_path, PEER, CLIENT, passphrase="secret")
    assert b"ENCRYPTED" in (tmp_path / "etcd-peer-ca.key").read_bytes()


def test_the_etcd_ca_of_kubeadm_is_used_for_both(tmp_path: Path) -> None:
    """The imported CA is the beginning of both; with a passphrase its key is encrypted."""
    run(tmp_path / "old", CLIENT)
    found = run(tmp_path / "new", PEER, CLIENT, import_dir=str(tmp_path / "old"), passphrase="secret")
    assert found == ["copied from etcd-ca", "imported"]
    assert b"ENCRYPTED" in (tmp_path / "new/etcd-peer-ca.key").read_bytes()
    assert "shares a key" in warning(tmp_path / "new")


def test_the_import_directory_may_be_gone(tmp_path: Path) -> None:
    """The CA that is new in this release does not need it again."""
    run(tmp_path, CLIENT)
    check_directory(str(tmp_path / "gone"), [PEER, CLIENT], Store(str(tmp_path)))
    with pytest.raises(HardwayError, match="contains none of the CAs"):
        check_directory(str(tmp_path / "gone"), [PEER, CLIENT], Store(str(tmp_path / "empty")))


def test_there_is_no_copy_during_a_rotation(tmp_path: Path) -> None:
    """It would permanently trust the CA of that rotation."""
    run(tmp_path, CLIENT)
    state = {"step": "trust", "old": "a", "new": "b", "times": {}}
    (tmp_path / "rotation.json").write_text(json.dumps({"etcd-ca": state}))
    with pytest.raises(HardwayError, match=r"etcd-peer-ca: .*whose rotation is not finished; finish it first"):
        run(tmp_path, PEER)
