# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New keys for intermediate CAs; openssl shows what is trusted after every step."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

from tests.support.ca.in_process import act, call, files
from tests.support.ca.playbook import openssl

CA = {"name": "ca"}
BELOW = {"name": "kubelet-ca", "signed_by": "ca", "usages": ["client auth"], "path_length": 0}
STEPS = ("trust", "issue", "updated", "drop", "done")
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"]


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """Return a directory with a CA, and one for kubelets below it."""
    call("pki_ca", ca_dir=str(tmp_path / "pki"), cas=[CA, BELOW])
    return tmp_path / "pki"


def client(pki: Path, name: str, ca: str = "kubelet-ca") -> Path:
    """Return a certificate of that CA as it is now."""
    path = pki.parent / name
    asked = {"path": str(path), "ca": ca, "profile": "client", "common_name": name, "expiry": "9d"}
    call("pki_certificate", ca_dir=str(pki), certificates=[asked])
    return path.with_suffix(".crt")


def accepted(pki: Path, certificate: Path, *bundles: str) -> bool:
    """Return whether an API server that trusts these CAs accepts a client."""
    trusted = pki.parent / "trusted.pem"
    trusted.write_bytes(b"".join((pki / f"{bundle}.crt").read_bytes() for bundle in bundles))
    verify = ["openssl", "verify", "-partial_chain", "-purpose", "sslclient", "-CAfile", trusted, certificate]
    return subprocess.run(verify, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("above", [False, True])
def test_the_key_below_is_replaced_alone_or_with_the_one_above(pki: Path, above: bool) -> None:
    what = [*([CA] if above else []), BELOW]
    old, stolen = client(pki, "old"), (pki / "kubelet-ca.key").read_bytes()
    of_root = client(pki, "of-root", "ca")
    for step in STEPS:
        act("pki_rotation", ca_dir=str(pki), cas=what, step=step)
        # The run of the roles that follows has the one below signed by the current signer.
        again = call("pki_ca", ca_dir=str(pki), cas=[CA, BELOW])
        assert again["changed"] is (above and step == "issue"), step
        new = client(pki, f"after-{step}")
        assert accepted(pki, new, "ca", "kubelet-ca") and accepted(pki, new, "kubelet-ca")
        assert accepted(pki, old, "ca", "kubelet-ca") is (step not in ("drop", "done")), step
        assert accepted(pki, of_root, "ca") is (not above or step not in ("drop", "done")), step
        assert ((pki / "kubelet-ca.key").read_bytes() == stolen) is (step == "trust")
        # What API servers trust and what signs: also with the root alone, the one that signs now is of it.
        openssl("verify", "-x509_strict", "-CAfile", pki / "ca.crt", pki / "kubelet-ca.crt")
    assert sorted(path.suffix for path in (pki / "retired").glob("kubelet-ca-*")) == [".crt", ".key"]
    assert not list(pki.rglob("*.next.*")) and not (pki / "rotation.json").exists()


@pytest.mark.parametrize(
    ("gone", "ca", "message"),
    [
        ("ca.key", BELOW, "kubelet-ca: the key of ca, which must sign its successor, is offline; restore it"),
        ("", {"name": "kubelet-ca"}, r"kubelet-ca: is signed by another CA, .*; import that \(ca_rotation_import_"),
        ("kubelet-ca.key", BELOW, "kubelet-ca: its key .*kubelet-ca.key is offline"),
    ],
)
def test_an_impossible_rotation_is_refused(pki: Path, gone: str, ca: dict[str, str], message: str) -> None:
    if gone:
        (pki / gone).unlink()
    before = files(pki)
    for check in (True, False):
        with pytest.raises(HardwayError, match=message):
            call("pki_rotation", check, ca_dir=str(pki), cas=[ca], step="trust")
    assert files(pki) == before


def company(directory: Path, name: str) -> None:
    """Let the root of a company sign a CA, both in one file as cfssl names it."""
    directory.mkdir()
    root = ["-subj", f"/O={name}/CN=root", "-keyout", directory / "root.key", "-out", directory / "root.pem"]
    openssl("req", "-x509", *KEY, *root)
    uses = [
        "-addext",
        "basicConstraints=critical,CA:true,pathlen:1",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    ]
    below = ["-subj", f"/O={name}/CN=cluster", "-CA", directory / "root.pem", "-CAkey", directory / "root.key"]
    openssl("req", "-x509", *KEY, *below, *uses, "-keyout", directory / "ca-key.pem", "-out", directory / "ca.pem")
    with (directory / "ca.pem").open("ab") as bundle:
        bundle.write((directory / "root.pem").read_bytes())


def test_a_ca_of_a_company_replaces_ours_and_another_replaces_that(pki: Path, tmp_path: Path) -> None:
    """From our own root to a company's CA, from that to the next one, and back to our own root."""
    for name in ("first", "second"):
        company(tmp_path / name, name)
        before = client(pki, f"before-{name}", "ca")
        for step in STEPS:
            act("pki_rotation", ca_dir=str(pki), cas=[CA], step=step, import_dir=str(tmp_path / name))
            call("pki_ca", ca_dir=str(pki), cas=[CA])
            assert accepted(pki, client(pki, f"{name}-{step}", "ca"), "ca")
            assert accepted(pki, before, "ca") is (step not in ("drop", "done")), step
        given = (tmp_path / name / "ca.pem").read_text()
        assert (pki / "ca.crt").read_text() + (pki / "ca.chain.crt").read_text() == given
        assert openssl("pkey", "-in", pki / "ca.key", "-pubout") == openssl(
            "pkey", "-in", tmp_path / name / "ca-key.pem", "-pubout"
        )
        assert not list(pki.rglob("*.next.*"))
    with pytest.raises(HardwayError, match="ca: is signed by another CA"):
        call("pki_rotation", ca_dir=str(pki), cas=[CA], step="trust")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("no CA", "ca: has no successor in .*/given; put it there, or rotate without this one"),
        ("no key", "ca: .*/given/ca.pem has no key, which must sign from now on; put it there"),
        ("another key", "ca-key.pem: does not belong to .*ca.pem; import the pair that does"),
        (
            "the same",
            "ca: .*/given/ca.crt has the current CA's key; replace .*ca.crt by it, which is not a rotation",
        ),
    ],
)
def test_an_offline_ca_needs_a_given_successor(pki: Path, tmp_path: Path, change: str, message: str) -> None:
    given = tmp_path / "given"
    company(given, "given")
    if change == "no CA":
        (given / "ca.pem").unlink()
    elif change == "no key":
        (given / "ca-key.pem").unlink()
    elif change == "another key":
        (given / "ca-key.pem").write_bytes((given / "root.key").read_bytes())
    else:
        for suffix in ("crt", "key"):
            (given / f"ca.{suffix}").write_bytes((pki / f"ca.{suffix}").read_bytes())
    before = files(pki)
    for check in (True, False):
        with pytest.raises(HardwayError, match=message):
            call("pki_rotation", check, ca_dir=str(pki), cas=[CA], step="trust", import_dir=str(given))
    assert files(pki) == before


@pytest.mark.parametrize("validity", ["26280h", "50000h", "87600h"])
def test_an_intermediate_ca_expires_no_later_than_its_root(tmp_path: Path, validity: str) -> None:
    """Five years, where nothing is set, or what is left."""
    pki = tmp_path / "pki"
    act("pki_ca", ca_dir=str(pki), cas=[{**CA, "expiry": validity}, BELOW])
    shown = call("pki_ca", ca_dir=str(pki), cas=[CA, BELOW])["cas"]
    ends = {item["name"]: item["not_after"] for item in shown}
    assert ends["kubelet-ca"] <= ends["ca"]
    seconds = str(3600 * min(int(validity[:-1]), 43800) - 3600)
    openssl("x509", "-noout", "-checkend", seconds, "-in", pki / "kubelet-ca.crt")
    with pytest.raises(HardwayError, match="longer than its CA ca"):
        call("pki_ca", ca_dir=str(pki), cas=[CA, {**BELOW, "name": "other", "expiry": "90000h"}])
