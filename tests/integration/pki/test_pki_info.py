# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pki_info reports what openssl and cfssl certinfo report, of files and of what openssl s_server shows."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.ca.cfssl import CFSSL
from tests.support.ca.openssl import make, server
from tests.support.ca.playbook import APPLY, CHECK, openssl, play

KINDS = [
    ("rsa", ["-newkey", "rsa:2048"], "digitalSignature,keyEncipherment", "serverAuth,clientAuth"),
    ("ecdsa", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"], "digitalSignature,keyAgreement", "codeSigning"),
    ("ed25519", ["-newkey", "ed25519"], "nonRepudiation", "OCSPSigning,emailProtection"),
]
WORDS = {"Non Repudiation": "content commitment", "OCSP Signing": "ocsp signing", "E-mail Protection": "s/mime"}
WORDS |= {"TLS Web Server Authentication": "server auth", "TLS Web Client Authentication": "client auth"}


def info(directory: Path, **params: Any) -> dict[str, Any]:
    """Return the module's findings, the same in check mode and for real, and never a change."""
    task = {"hardway.kubernetes.pki_info": params}
    outcome = play(directory / "play", [(CHECK, task), (APPLY, task)])
    checked, result = outcome.results
    assert outcome.changed == [False, False], outcome.output
    assert [item["fingerprint"] for item in checked["certificates"]] == [
        item["fingerprint"] for item in result["certificates"]
    ]
    assert "PRIVATE KEY" not in json.dumps(result)
    return result


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the module's findings for each kind of certificate, by path."""
    directory = tmp_path_factory.mktemp("info")
    for name, options, usage, purpose in KINDS:
        make(directory, name, options, usage, purpose)
    result = info(directory, files=[{"path": str(directory)}], pem=True)
    assert result["problems"] == []
    return {Path(item["path"]).stem: item for item in result["certificates"]}


@pytest.mark.parametrize("kind", [name for name, *_rest in KINDS])
def test_openssl_reports_the_same(found: dict[str, dict[str, Any]], kind: str) -> None:
    item = found[kind]
    path = item["path"]
    facts = openssl("x509", "-in", path, "-noout", "-serial", "-fingerprint", "-sha256", "-enddate").splitlines()
    assert facts[0].partition("=")[2].lower().lstrip("0") == item["serial"]
    assert facts[1].partition("=")[2].replace(":", "").lower() == item["fingerprint"]
    end = datetime.strptime(facts[2].partition("=")[2], "%b %d %H:%M:%S %Y %Z")
    assert f"{end:%Y-%m-%dT%H:%M:%SZ}" == item["not_after"]
    text = openssl("x509", "-in", path, "-noout", "-text")
    assert f"Signature Algorithm: {item['signature']}\n" in text
    assert 49 < item["days_left"] <= 50
    assert (item["state"], item["key_matches"], item["is_ca"], item["max_path_len"]) == ("ok", True, True, 1)
    lines = [line.strip() for line in text.splitlines()]
    said = [part for number, line in enumerate(lines) if "Key Usage" in line for part in lines[number + 1].split(", ")]
    assert sorted(WORDS.get(word, word.lower()) for word in said) == sorted(
        "s/mime" if word == "email protection" else word for word in item["usages"]
    )
    key = next(line for line in lines if line.startswith(("Public-Key:", "ED25519 Public")))
    assert item["key"] == {"rsa": "rsa 2048", "ecdsa": "ecdsa 384", "ed25519": "ed25519"}[kind], key


@pytest.mark.skipif(CFSSL is None, reason="cfssl is not installed (Debian: golang-cfssl)")
@pytest.mark.parametrize("kind", [name for name, *_rest in KINDS])
def test_cfssl_certinfo_reports_the_same(found: dict[str, dict[str, Any]], kind: str) -> None:
    """All of its fields, though its sans omit URIs and its serial number is decimal."""
    item = found[kind]
    line = [str(CFSSL), "certinfo", "-cert", item["path"]]
    theirs = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
    assert sorted(theirs["subject"]["names"]) == sorted(part.partition("=")[2] for part in item["subject"])
    assert sorted(theirs["issuer"]["names"]) == sorted(part.partition("=")[2] for part in item["issuer"])
    assert int(theirs["serial_number"]) == int(item["serial"], 16)
    hosts = [host.partition(":")[2] for host in item["sans"] if not host.startswith("uri:")]
    assert theirs["sans"] == hosts
    assert (theirs["not_before"], theirs["not_after"]) == (item["not_before"], item["not_after"])
    assert theirs["subject_key_id"].replace(":", "").lower() == item["subject_key_id"]
    assert theirs["authority_key_id"].replace(":", "").lower() == item["authority_key_id"]
    assert theirs["pem"] == item["pem"]


def test_endpoints_show_their_certificate_also_when_they_refuse_us(tmp_path: Path) -> None:
    """Without a client certificate, by both TLS versions; a difference from the file is reported with both digests."""
    right = make(tmp_path, "right", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
    other = make(tmp_path, "other", ["-newkey", "rsa:2048"])
    wants_ours = ["-Verify", "1", "-verify_return_error"]
    with (
        server(right, "-tls1_3") as open13,
        server(right, "-tls1_3", *wants_ours) as shut13,
        server(right, "-tls1_2", *wants_ours) as shut12,
        server(other, "-tls1_2") as wrong,
    ):
        asked = [
            {"endpoint": place, "path": str(right), "used_by": ["it"]} for place in (open13, shut13, shut12, wrong)
        ]
        virtual = {"endpoint": wrong, "path": str(right), "shared": True}
        result = info(tmp_path, endpoints=[*asked, virtual], critical_days=60)
    shown = {item["endpoint"]: item for item in result["certificates"] if item["kind"] == "endpoint"}
    expected, foreign = (
        openssl("x509", "-in", path, "-noout", "-fingerprint", "-sha256")
        .strip()
        .partition("=")[2]
        .replace(":", "")
        .lower()
        for path in (right, other)
    )
    assert [shown[place]["fingerprint"] for place in (open13, shut13, shut12)] == [expected] * 3
    assert [shown[place]["served_matches"] for place in (open13, shut13, shut12)] == [True] * 3
    mismatch = f"{wrong}: serves {foreign}, but {right} holds {expected}; restart it"
    assert [problem for problem in result["problems"] if "serves" in problem] == [mismatch]
    assert sum("less than 60 days" in problem for problem in result["problems"]) == 5


def test_an_endpoint_shows_its_intermediate_cas(tmp_path: Path) -> None:
    """By TLS 1.2 in any case; of a server that refuses that only its own certificate is seen."""
    leaf, above = (make(tmp_path, name, ["-newkey", "rsa:2048"]) for name in ("leaf", "above"))
    chain = ("-cert_chain", str(above))
    with server(leaf, *chain) as both, server(leaf, *chain, "-tls1_3") as newest:
        asked = [{"endpoint": place, "path": str(leaf)} for place in (both, newest)]
        result = info(tmp_path, endpoints=asked)
    assert result["problems"] == []
    shown = [(item["endpoint"], item["index"]) for item in result["certificates"]]
    assert shown == [("", 0), (both, 0), (both, 1), (newest, 0)]
    digests = [item["fingerprint"] for item in result["certificates"] if item["endpoint"] == both]
    for path, digest in zip((leaf, above), digests):
        said = openssl("x509", "-in", path, "-noout", "-fingerprint", "-sha256").strip().partition("=")[2]
        assert said.replace(":", "").lower() == digest


def test_csrs_are_reported_as_openssl_and_cfssl_report_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csr"
    extensions = [
        "subjectAltName=DNS:a.example,IP:192.0.2.1",
        "extendedKeyUsage=serverAuth",
        "keyUsage=digitalSignature",
    ]
    added = [part for extension in extensions for part in ("-addext", extension)]
    key = ["-newkey", "rsa:3072", "-nodes", "-keyout", tmp_path / "a.key"]
    openssl("req", "-new", *key, "-subj", "/C=DE/O=Bücher/CN=a", "-utf8", *added, "-out", path)
    (tmp_path / "damaged.csr").write_text(path.read_text().replace("M", "A", 5))
    result = info(tmp_path, files=[{"path": str(path)}, {"path": str(tmp_path / "damaged.csr")}], pem=True)
    (item,) = result["requests"]
    assert (item["path"], item["index"], item["key"], item["key_matches"], item["is_ca"]) == (
        str(path),
        0,
        "rsa 3072",
        True,
        False,
    )
    assert item["sans"] == ["dns:a.example", "ip:192.0.2.1"]
    assert sorted(item["usages"]) == ["digital signature", "server auth"]
    assert item["subject"] == ["C=DE", "CN=a", "O=Bücher"]
    assert f"Signature Algorithm: {item['signature']}" in openssl("req", "-in", path, "-noout", "-text")
    assert item["pem"] == path.read_text()
    (problem,) = result["problems"]
    assert "damaged.csr" in problem and "damaged; create it again" in problem
    if CFSSL is not None:
        line = [str(CFSSL), "certinfo", "-csr", str(path)]
        theirs = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
        assert theirs["Subject"]["CommonName"] == "a" and theirs["DNSNames"] == ["a.example"]


def test_a_trusted_certificate_of_openssl_is_reported_like_others(tmp_path: Path) -> None:
    """As haproxy has its CA, the key beside it compared; a truncated one is reported as damaged."""
    for name, options, *_rest in KINDS:
        path = make(tmp_path, name, options)
        openssl("x509", "-in", path, "-addtrust", "serverAuth", "-trustout", "-out", path)
        assert "BEGIN TRUSTED CERTIFICATE" in path.read_text()
    (tmp_path / "cut.pem").write_text((tmp_path / "rsa.crt").read_text()[:700])
    result = info(tmp_path, files=[{"path": str(tmp_path)}], pem=True)
    (problem,) = result["problems"]
    assert "cut.pem: cannot read the certificate, it is damaged" in problem
    found = {Path(item["path"]).stem: item for item in result["certificates"]}
    assert set(found) == {name for name, *_rest in KINDS}
    for name, item in found.items():
        assert item["key_matches"] is True
        assert item["pem"] == openssl("x509", "-in", tmp_path / f"{name}.crt")
