# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expired CAs: the ordinary run renews those whose key is here, and openssl trusts what they signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.ca import ca_spec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    load_certificate,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import load_key

from tests.support.ca.in_process import act, call, files
from tests.support.ca.playbook import openssl

SERVER = {"ca": "ca", "profile": "server", "common_name": "a", "sans": ["a"], "expiry": "30d"}
BELOW = {"name": "kubelet-ca", "signed_by": "ca", "usages": ["client auth"], "path_length": 0}
# It began five minutes ago.
OVER = timedelta(minutes=3)


def loaded(pki: Path, name: str) -> tuple[Any, Any]:
    """Return a CA's certificate and key."""
    return load_certificate((pki / f"{name}.crt").read_bytes(), name), load_key(
        (pki / f"{name}.key").read_bytes(), name
    )


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """Return a directory whose root and the CA below it have expired, and a leaf that the root signed."""
    pki = tmp_path / "pki"
    act("pki_ca", ca_dir=str(pki), cas=[{"name": "ca"}, BELOW])
    root, key = loaded(pki, "ca")
    params = {"path": "x", "ca": "ca", "profile": "client", "common_name": "x", "expiry": "9d"}
    leaf = issue.leaf(CertificateSpec.from_params(params), key.public_key(), root, key)
    (tmp_path / "leaf.crt").write_bytes(certificate_pem(leaf))
    expired = issue.root(Subject.from_params("ca", [], "ca"), key, OVER)
    (pki / "ca.crt").write_bytes(certificate_pem(expired))
    below = replace(ca_spec(BELOW, {}), expiry=OVER)
    expired_below = issue.leaf(below, loaded(pki, "kubelet-ca")[1].public_key(), expired, key)
    (pki / "kubelet-ca.crt").write_bytes(certificate_pem(expired_below))
    return pki


def test_the_ordinary_run_repairs(pki: Path, tmp_path: Path) -> None:
    """With the same keys, so signed certificates stay valid; CAs below, too; check mode predicts new certificates."""
    before = [loaded(pki, name)[1].private_numbers() for name in ("ca", "kubelet-ca")]
    entries = [{"name": "ca"}, BELOW, {"name": "new", "signed_by": "ca"}]
    done = act("pki_ca", ca_dir=str(pki), cas=entries, renew=True)
    assert [item["state"] for item in done["cas"]] == ["renewed", "renewed", "created"]
    assert [loaded(pki, name)[1].private_numbers() for name in ("ca", "kubelet-ca")] == before
    verify = ["verify", "-x509_strict", "-CAfile", pki / "ca.crt"]
    openssl(*verify, tmp_path / "leaf.crt", pki / "kubelet-ca.crt", pki / "new.crt")
    act("pki_certificate", ca_dir=str(pki), certificates=[{**SERVER, "path": str(tmp_path / "a")}])
    openssl(*verify, tmp_path / "a.crt")


@pytest.mark.parametrize(
    ("module", "params"),
    [
        ("pki_ca", {"cas": [{"name": "ca"}]}),
        ("pki_ca", {"cas": [BELOW], "renew": True}),
        ("pki_certificate", {}),
        ("pki_crl", {"ca": "ca"}),
    ],
)
def test_no_other_module_uses_an_expired_ca(pki: Path, module: str, params: dict[str, Any]) -> None:
    """The message says how to renew it; the files stay as they are."""
    if module == "pki_certificate":
        params = {"certificates": [{**SERVER, "path": str(pki.parent / "a")}]}
    before = files(pki)
    message = r"/ca.crt: expired at .*; renew it where its key is, with role ca \(pki_ca with renew\), or replace"
    with pytest.raises(HardwayError, match=message):
        call(module, ca_dir=str(pki), **params)
    assert files(pki) == before


def test_an_offline_root_is_renewed_where_its_key_is(pki: Path, tmp_path: Path) -> None:
    """As the message says: by the same module, and its certificate is copied back."""
    vault = tmp_path / "vault"
    vault.mkdir()
    for name in ("ca.crt", "ca.key"):
        (vault / name).write_bytes((pki / name).read_bytes())
    (pki / "ca.key").unlink()
    params = {"cas": [{"name": "ca"}], "renew": True}
    with pytest.raises(HardwayError, match=r"ca\.crt: expired at .*; renew it where its key is"):
        call("pki_ca", ca_dir=str(pki), offline=["ca"], **params)
    call("pki_ca", ca_dir=str(vault), **params)
    (pki / "ca.crt").write_bytes((vault / "ca.crt").read_bytes())
    assert call("pki_ca", ca_dir=str(pki), **params)["cas"][0]["state"] == "kept"
    openssl("verify", "-CAfile", pki / "ca.crt", tmp_path / "leaf.crt")
