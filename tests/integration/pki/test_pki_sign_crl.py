# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cfssl's verbs sign, selfsign, bundle, renewca and gencrl in our modules, checked by openssl and cfssl."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

from tests.support.ca.in_process import act, call
from tests.support.ca.playbook import matches, openssl

CA_PROFILE = {"usages": ["cert sign", "crl sign"], "ca_constraint": {"is_ca": True, "max_path_len": 1}}


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """Return a directory with a root, a CA below it, and one below that."""
    chain = [{"name": "ca"}, {"name": "sub", "signed_by": "ca"}, {"name": "leafs", "signed_by": "sub", "expiry": "90d"}]
    act("pki_ca", ca_dir=str(tmp_path / "pki"), cas=chain)
    return tmp_path / "pki"


def request(directory: Path, *arguments: str) -> Path:
    """Return a CSR from openssl, with its key beside it."""
    path = directory / "elsewhere.csr"
    new = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"]
    openssl(*new, "-keyout", directory / "elsewhere.key", "-out", path, *arguments)
    return path


def sign(pki: Path, asked: Path, **entry: object) -> dict[str, object]:
    """Return the options that sign one CSR."""
    one = {"request": str(asked), "path": str(pki / "out/a.crt"), "ca": "ca", "profile": "server", **entry}
    return {"ca_dir": str(pki), "certificates": [one]}


def test_sign_a_csr_from_elsewhere(pki: Path) -> None:
    """Subject and SANs come from the CSR, all else from the profile; a new key or another name is signed again."""
    names = "subjectAltName=DNS:a.example.org,IP:192.0.2.1,URI:spiffe://x/y,email:a@example.org"
    subject = ["-subj", "/C=DE/O=Bücher/CN=a"]
    asked = request(pki, *subject, "-addext", names, "-addext", "extendedKeyUsage=codeSigning")
    act("pki_sign", **sign(pki, asked))
    found = pki / "out/a.crt"
    openssl("verify", "-x509_strict", "-CAfile", pki / "ca.crt", "-purpose", "sslserver", found)
    text = openssl("x509", "-in", found, "-noout", "-text", "-nameopt", "utf8")
    assert "Subject: C=DE, O=Bücher, CN=a" in text
    assert "DNS:a.example.org, email:a@example.org, IP Address:192.0.2.1, URI:spiffe://x/y" in text
    assert "Code Signing" not in text
    assert matches(found, pki / "elsewhere.key")
    assert act("pki_sign", **sign(pki, asked, sans=["b"]))["certificates"][0]["reasons"][0].startswith("sans: ")
    act("pki_sign", **sign(pki, asked, common_name="b", sans=["b"], ca="leafs", expiry="20d", chain=True))
    openssl("verify", "-CAfile", pki / "ca.crt", "-untrusted", found, found)
    reasons = act("pki_sign", **sign(pki, request(pki, *subject, "-addext", names)))["certificates"][0]["reasons"]
    assert reasons == ["key: is not that of the CSR"]


def test_sign_a_ca_from_elsewhere(pki: Path) -> None:
    """Only a profile for CAs makes it a CA, and its own certificates are trusted through it."""
    asked = request(pki, "-subj", "/CN=team", "-addext", "basicConstraints=critical,CA:TRUE")
    with pytest.raises(HardwayError, match="the CSR requests a CA; choose a profile"):
        call("pki_sign", **sign(pki, asked))
    act("pki_sign", **sign(pki, asked, profile="sub"), profiles={"sub": CA_PROFILE})
    text = openssl("x509", "-in", pki / "out/a.crt", "-noout", "-text")
    assert "CA:TRUE, pathlen:1" in text
    assert "Certificate Sign, CRL Sign" in text
    openssl("verify", "-x509_strict", "-CAfile", pki / "ca.crt", pki / "out/a.crt")


@pytest.mark.parametrize(
    "content", ["", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"]
)
def test_damaged_requests(pki: Path, content: str) -> None:
    """The error names the file."""
    (pki / "bad.csr").write_text(content)
    with pytest.raises(HardwayError, match=r"bad\.csr: is not a PEM CSR or is damaged"):
        call("pki_sign", **sign(pki, pki / "bad.csr"))


def test_self_signed(tmp_path: Path) -> None:
    """As cfssl selfsign: no CA at all; kept by the next run, reissued when a name is added."""
    entry = {"path": str(tmp_path / "host/a"), "self_signed": True, "profile": "server", "common_name": "a"}
    for hosts in (["a"], ["a", "192.0.2.1"]):
        act("pki_certificate", ca_dir=str(tmp_path), certificates=[{**entry, "sans": hosts}])
    found = tmp_path / "host/a.crt"
    openssl("verify", "-CAfile", found, "-verify_ip", "192.0.2.1", "-purpose", "sslserver", found)
    assert matches(found, tmp_path / "host/a.key")
    with pytest.raises(HardwayError, match="set exactly one of `ca` and `self_signed`"):
        call(
            "pki_certificate",
            ca_dir=str(tmp_path),
            certificates=[{**entry, "sans": ["a"], "self_signed": False}],
        )


def test_bundle(pki: Path, tmp_path: Path) -> None:
    """The file that a server shows leads to the root; the chain is repaired without a new certificate."""
    entry = {"path": str(tmp_path / "host/a"), "ca": "leafs", "profile": "server", "common_name": "a"}
    params = {"ca_dir": str(pki), "certificates": [{**entry, "sans": ["a"], "chain": True, "expiry": "30d"}]}
    serial = act("pki_certificate", **params)["certificates"][0]["serial"]
    found = tmp_path / "host/a.crt"
    assert found.read_text().count("BEGIN CERTIFICATE") == 3
    openssl("verify", "-x509_strict", "-CAfile", pki / "ca.crt", "-untrusted", found, found)
    found.write_text(found.read_text().rpartition("-----BEGIN")[0])
    repaired = act("pki_certificate", **params)["certificates"][0]
    assert (repaired["serial"], repaired["reasons"][0][:6]) == (serial, "chain:")
    assert matches(found, tmp_path / "host/a.key")


def test_renew_cas(pki: Path) -> None:
    """Root and intermediate get a new validity period, with name and key kept; what they signed stays valid."""
    chain = [{"name": "ca", "expiry": "999d"}, {"name": "sub", "signed_by": "ca", "expiry": "99d"}]
    old = {name: openssl("x509", "-in", pki / f"{name}.crt", "-noout", "-pubkey") for name in ("ca", "sub")}
    call("pki_ca", ca_dir=str(pki), cas=chain, renew=True, renew_before=0.9999)
    renewed = call("pki_ca", ca_dir=str(pki), cas=chain, renew=True, renew_before=0.99999999)
    assert [item["state"] for item in renewed["cas"]] == ["renewed", "renewed"]
    for name in ("ca", "sub"):
        assert openssl("x509", "-in", pki / f"{name}.crt", "-noout", "-pubkey") == old[name]
    openssl("verify", "-x509_strict", "-CAfile", pki / "ca.crt", "-untrusted", pki / "sub.crt", pki / "leafs.crt")


def test_revocation_list(pki: Path, tmp_path: Path) -> None:
    """openssl refuses the revoked certificate and no other; the times stay, the number grows."""
    entries = [
        {"path": str(tmp_path / f"host/{name}"), "ca": "ca", "profile": "client", "common_name": name}
        for name in ("lost", "good", "old")
    ]
    issued = call("pki_certificate", ca_dir=str(pki), certificates=entries)["certificates"]
    params = {"ca_dir": str(pki), "ca": "ca"}
    act("pki_crl", **params)
    lost = {"serial": issued[0]["serial"], "reason": "key_compromise"}
    act("pki_crl", **params, revoked=[lost])
    first = openssl("crl", "-in", pki / "ca.crl", "-noout", "-text")
    (tmp_path / "serials").write_text(f"{int(issued[2]['serial'], 16)}\n\n")
    both = {**params, "revoked": [lost], "serials_file": str(tmp_path / "serials")}
    act("pki_crl", **both)
    text = openssl("crl", "-in", pki / "ca.crl", "-noout", "-text", "-CAfile", pki / "ca.crt")
    assert "Key Compromise" in text
    number = "X509v3 CRL Number: \n"
    assert int(text.split(number)[1].split()[0]) > int(first.split(number)[1].split()[0])
    assert first.split("Revocation Date: ")[1].splitlines()[0] in text
    verify = ["openssl", "verify", "-crl_check", "-CAfile", str(pki / "ca.crt"), "-CRLfile", str(pki / "ca.crl")]
    statuses = {
        name: subprocess.run([*verify, f"{tmp_path}/host/{name}.crt"], capture_output=True, check=False).returncode
        for name in ("lost", "good", "old")
    }
    assert statuses == {"lost": 2, "good": 0, "old": 2}
    act("pki_ca", ca_dir=str(pki), cas=[{"name": "other", "usages": ["cert sign"]}])
    with pytest.raises(HardwayError, match=r"other\.crt: may not sign revocation lists"):
        call("pki_crl", ca_dir=str(pki), ca="other")
    assert json.loads((pki / "issued.jsonl").read_text().splitlines()[-1])["ca"] == "other"
