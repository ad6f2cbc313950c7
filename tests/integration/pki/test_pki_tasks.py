# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules and role of the PKI in states that they must change: check, apply, check, apply; verified by openssl."""

from __future__ import annotations

import base64
import getpass
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.ca.playbook import APPLY, CHECK, cas, matches, openssl, play, twice_each

ACTS_ONCE = [True, True, False, False]


def certificates(directory: Path, entries: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return the task that manages certificates below directory/host with CAs in directory/pki."""
    host = directory / "host"
    entries = [{"ca": "ca", **entry, "path": str(host / entry["path"])} for entry in entries]
    params = {"ca_dir": str(directory / "pki"), "certificates": entries}
    return {"hardway.kubernetes.pki_certificate": {**params, **changes}}


SERVER = {
    "path": "apiserver",
    "profile": "server",
    "common_name": "kube-apiserver",
    "sans": ["kubernetes", "*.example.org", "192.0.2.1", "2001:db8::1"],
}
CLIENT = {"path": "admin", "profile": "client", "common_name": "admin", "names": [{"O": "system:masters"}]}
PEER = {"path": "etcd/peer", "ca": "etcd-ca", "profile": "peer", "common_name": "e1", "sans": ["192.0.2.1"]}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with CAs, created through check, apply, check, apply."""
    directory = tmp_path_factory.mktemp("pki")
    outcome = play(directory, twice_each(cas(directory / "pki")))
    assert outcome.changed == ACTS_ONCE, outcome.output
    return directory


@pytest.mark.parametrize("name", ["ca", "etcd/ca", "front-proxy-ca"])
def test_cas_are_roots_that_openssl_trusts(pki: Path, name: str) -> None:
    """With kubeadm's extensions, and a private key that fits."""
    certificate, key = pki / f"pki/{name}.crt", pki / f"pki/{name}.key"
    openssl("verify", "-x509_strict", "-CAfile", certificate, certificate)
    assert matches(certificate, key)
    text = openssl("x509", "-in", certificate, "-noout", "-text")
    assert re.search(r"Basic Constraints: critical\s+CA:TRUE\n", text)
    assert re.search(
        r"Key Usage: critical\s+Digital Signature, (Key Encipherment, )?Certificate Sign, CRL Sign\n", text
    )
    assert "Subject Key Identifier" in text
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700


def test_key_pairs_and_secrets(pki: Path) -> None:
    """openssl reads both halves; secrets have their size; nothing of it is added to git."""
    for name in ("sa", "sa-rsa"):
        public = (pki / f"pki/{name}.pub").read_text()
        assert openssl("pkey", "-in", pki / f"pki/{name}.key", "-pubout") == public
    assert len(base64.b64decode((pki / "pki/secrets/encryption.key").read_text(), validate=False)) == 32
    assert re.fullmatch(r"[\w-]{8}\n", (pki / "pki/secrets/keepalived.password").read_text())
    assert (pki / "pki/.gitignore").read_text() == "*\n"


def test_certificates_from_nothing(pki: Path, tmp_path: Path) -> None:
    """Three profiles and two CAs in one task; openssl verifies purpose and names of each."""
    (tmp_path / "pki").symlink_to(pki / "pki")
    host = tmp_path / "host"
    trust = [
        {"ca": "ca", "path": str(host / "ca.crt"), "key_path": str(host / "ca.key")},
        {"ca": "etcd-ca", "path": str(host / "etcd/ca.crt"), "owner": getpass.getuser()},
    ]
    outcome = play(tmp_path, twice_each(certificates(tmp_path, [SERVER, CLIENT, PEER], trust=trust)))
    assert outcome.changed == ACTS_ONCE, outcome.output
    assert "PRIVATE KEY" not in outcome.output + str(outcome.results)
    verify = ["verify", "-x509_strict", "-CAfile"]
    names = ["-verify_hostname", "a.example.org", "-verify_ip", "2001:db8::1"]
    openssl(*verify, host / "ca.crt", "-purpose", "sslserver", *names, host / "apiserver.crt")
    openssl(*verify, host / "ca.crt", "-purpose", "sslclient", host / "admin.crt")
    openssl(*verify, host / "etcd/ca.crt", "-purpose", "sslserver", host / "etcd/peer.crt")
    openssl(*verify, host / "etcd/ca.crt", "-purpose", "sslclient", host / "etcd/peer.crt")
    assert "O = system:masters, CN = admin" in openssl("x509", "-in", host / "admin.crt", "-noout", "-subject")
    for path in ("apiserver", "admin", "etcd/peer", "ca"):
        assert matches(host / f"{path}.crt", host / f"{path}.key")
        assert (host / f"{path}.key").stat().st_mode & 0o777 == 0o600


Difference = tuple[dict[str, Any], str]
# Differences from the existing certificate, by name, and the reason that is reported for a new one.
DIFFERENCES: dict[str, Difference] = {
    "sans": ({"sans": ["kubernetes", "192.0.2.9"]}, "sans: without ip:192.0.2.9"),
    "subject": ({"common_name": "other"}, "subject: without CN=other"),
    "key": ({"key": {"algo": "rsa"}}, "key: ecdsa 256 instead of rsa 2048"),
    "profile": ({"profile": "peer"}, "usages: without client auth"),
    "ca": ({"ca": "etcd-ca"}, "issuer: not signed by"),
    "expiry": ({"expiry": "48h"}, "expiry: issued for 365d instead of 2d"),
}
# The same for options that hold for all certificates of a task.
OPTIONS: dict[str, Difference] = {
    "force": ({"renew_key": True, "force": True}, "force: reissue"),
    "usages": (
        {"profiles": {"server": {"usages": ["signing", "server auth", "client auth"]}}},
        "usages: without client",
    ),
}


def differing(directory: Path, differences: dict[str, Difference], **options: Any) -> None:
    """Issue certificates, then change them: predicted, issued, then unchanged; openssl verifies each."""
    made = certificates(directory, [{**SERVER, "path": name} for name in differences])
    keys = [
        {"copy": {"src": f"{directory}/host/{name}.key", "dest": f"{directory}/{name}.key", "remote_src": True}}
        for name in differences
    ]
    entries = [{**SERVER, **changes, "path": name} for name, (changes, _reason) in differences.items()]
    wanted, then = (
        certificates(directory, entries, **{**options, "force": force}) for force in ("force" in options, False)
    )
    before = [(APPLY, made), *((APPLY, key) for key in keys)]
    outcome = play(directory, [*before, (CHECK, wanted), (APPLY, wanted), (CHECK, then), (APPLY, then)])
    assert outcome.changed[len(before) :] == ACTS_ONCE, outcome.output
    for result in outcome.results[len(before) :][:2]:
        for (_changes, reason), item in zip(differences.values(), result["certificates"]):
            assert item["reasons"][0].startswith(reason)
    for name, (changes, _reason) in differences.items():
        path = directory / "host" / name
        assert matches(path.with_suffix(".crt"), path.with_suffix(".key"))
        ca = directory / ("pki/etcd/ca.crt" if "ca" in changes else "pki/ca.crt")
        openssl("verify", "-x509_strict", "-CAfile", ca, path.with_suffix(".crt"))
        keeps = "key" not in changes and "renew_key" not in options
        assert ((directory / f"{name}.key").read_bytes() == path.with_suffix(".key").read_bytes()) is keeps, name


def test_each_difference_reissues_the_certificate(pki: Path, tmp_path: Path) -> None:
    """A renewal keeps its key unless that must differ."""
    (tmp_path / "pki").symlink_to(pki / "pki")
    differing(tmp_path, DIFFERENCES)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_difference_in_common_options_reissues_all(pki: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "pki").symlink_to(pki / "pki")
    options, reason = OPTIONS[name]
    differing(tmp_path, {"apiserver": ({}, reason)}, **options)


def test_renewal_by_remaining_validity(pki: Path, tmp_path: Path) -> None:
    """A certificate for ten minutes has used half of its validity period when it is issued: five are the backdating."""
    (tmp_path / "pki").symlink_to(pki / "pki")
    short = [{**SERVER, "expiry": "10m"}]
    relaxed, strict = certificates(tmp_path, short), certificates(tmp_path, short, renew_before=0.9)
    outcome = play(tmp_path, [(APPLY, relaxed), (APPLY, relaxed), (CHECK, strict)])
    assert outcome.changed == [True, False, True], outcome.output
    assert "left, less than 90% of its validity period" in outcome.results[2]["certificates"][0]["reasons"][0]


def test_a_renewal_fixes_the_mode_of_its_key(pki: Path, tmp_path: Path) -> None:
    """A key that others can read gets its mode back in the same run that renews its certificate."""
    (tmp_path / "pki").symlink_to(pki / "pki")
    made, wanted = certificates(tmp_path, [SERVER]), certificates(tmp_path, [{**SERVER, "sans": ["other"]}])
    key = {"path": str(tmp_path / "host/apiserver.key"), "mode": "0644"}
    outcome = play(tmp_path, [(APPLY, made), (APPLY, {"file": key}), *twice_each(wanted)])
    assert outcome.changed[2:] == ACTS_ONCE, outcome.output
    assert (tmp_path / "host/apiserver.key").stat().st_mode & 0o777 == 0o600


def test_prediction_where_nothing_exists_yet(tmp_path: Path) -> None:
    """No CA, no user, no directory: check mode predicts what would be created, the real run reports what is missing."""
    wanted = certificates(tmp_path, [{**SERVER, "owner": "no-such-user"}])
    config = {"path": str(tmp_path / "a.conf"), "server": "https://a:6443", "ca": str(tmp_path / "host/ca.crt")}
    config.update(certificate=str(tmp_path / "host/admin"), user="admin", owner="no-such-user")
    write = {"hardway.kubernetes.kubeconfig": {"kubeconfigs": [config]}}
    outcome = play(tmp_path, [(CHECK, wanted), (CHECK, write), (APPLY, wanted), (APPLY, write)])
    assert [result["failed"] for result in outcome.results] == [False, False, True, True], outcome.output
    assert outcome.changed[:2] == [True, True]
    assert "create it with role ca" in outcome.results[2]["msg"]
    assert "host/ca.crt: does not exist" in outcome.results[3]["msg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["play.json"]


def test_missing_user_is_an_error_before_anything_is_written(pki: Path, tmp_path: Path) -> None:
    """For real, an unknown owner stops the task with nothing written."""
    (tmp_path / "pki").symlink_to(pki / "pki")
    outcome = play(tmp_path, [(APPLY, certificates(tmp_path, [SERVER, {**CLIENT, "owner": "no-such-user"}]))])
    assert "no user no-such-user on this host" in outcome.results[0]["msg"]
    assert not (tmp_path / "host").exists()


def test_passphrase(pki: Path, tmp_path: Path) -> None:
    """It encrypts, is needed to sign, not to compare, and is never printed; masters get the plain key."""
    made = play(tmp_path, [(APPLY, cas(tmp_path / "pki", passphrase="s3cr3t-phrase"))], "-vvv")
    assert "ENCRYPTED" in (tmp_path / "pki/ca.key").read_text()
    assert matches(tmp_path / "pki/ca.crt", tmp_path / "pki/ca.key", "-passin", "pass:s3cr3t-phrase")
    trust = [{"ca": "ca", "path": str(tmp_path / "host/ca.crt"), "key_path": str(tmp_path / "host/ca.key")}]
    without = certificates(tmp_path, [SERVER], trust=trust)
    wrong = certificates(tmp_path, [SERVER], trust=trust, passphrase="wrong")
    right = certificates(tmp_path, [SERVER], trust=trust, passphrase="s3cr3t-phrase")
    outcome = play(tmp_path, [(APPLY, without), (APPLY, wrong), (APPLY, right), (APPLY, without)], "-vvv")
    assert [result["failed"] for result in outcome.results] == [True, True, False, False], outcome.output
    assert "is encrypted; give its passphrase" in outcome.results[0]["msg"]
    assert "passphrase is wrong" in outcome.results[1]["msg"]
    assert outcome.changed[2:] == [True, False]
    assert matches(tmp_path / "host/ca.crt", tmp_path / "host/ca.key")
    plain = (tmp_path / "host/ca.key").read_text().splitlines()[1]
    for secret in ("s3cr3t-phrase", plain, base64.b64encode(plain.encode()).decode()[4:40]):
        assert secret not in made.output + outcome.output


def test_leaf_keys_stay_on_their_host(pki: Path, tmp_path: Path) -> None:
    """Nothing that is sent to the host or returned contains the key that was created there."""
    (tmp_path / "pki").symlink_to(pki / "pki")
    sent = tmp_path / "sent"
    task = certificates(tmp_path, [SERVER])
    kept = {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TEMP": str(sent), "ANSIBLE_PIPELINING": "0"}
    outcome = play(tmp_path, [(APPLY, task)], "-vvvvv", **kept)
    body = (tmp_path / "host/apiserver.key").read_text().splitlines()[1]
    payloads = [path.read_bytes() for path in sent.rglob("*") if path.is_file()]
    assert any(b"BEGIN CERTIFICATE" in payload for payload in payloads)
    for form in (body, base64.b64encode(body.encode()).decode()[4:40], base64.b64decode(body).hex()[:40]):
        assert form not in outcome.output
        assert all(form.encode() not in payload for payload in payloads)


def test_kubeconfigs(pki: Path, tmp_path: Path) -> None:
    """Embedded credentials, private, deterministic, and repaired when the mode was changed."""
    (tmp_path / "pki").symlink_to(pki / "pki")
    base = {"server": "https://192.0.2.1:6443", "ca": str(tmp_path / "pki/ca.crt")}
    by_certificate = {**base, "path": str(tmp_path / "d/a.conf"), "user": "admin"}
    by_certificate["certificate"] = str(tmp_path / "host/admin")
    by_token = {**base, "path": str(tmp_path / "d/b.conf"), "user": "boot", "token": "abcdef.0123456789abcdef"}
    task = {"hardway.kubernetes.kubeconfig": {"kubeconfigs": [by_certificate, by_token]}}
    play(tmp_path, [(APPLY, certificates(tmp_path, [CLIENT]))])
    outcome = play(tmp_path, twice_each(task), "-vvv")
    assert outcome.changed == ACTS_ONCE, outcome.output
    key = base64.b64encode((tmp_path / "host/admin.key").read_bytes()).decode()
    assert key not in outcome.output
    assert "0123456789abcdef" not in outcome.output
    found = yaml.safe_load((tmp_path / "d/a.conf").read_text())
    assert found["users"][0]["user"]["client-key-data"] == key
    (tmp_path / "d/a.conf").chmod(0o644)
    assert play(tmp_path, twice_each(task)).changed == ACTS_ONCE
    assert (tmp_path / "d/a.conf").stat().st_mode & 0o777 == 0o600


def test_role_ca(tmp_path: Path) -> None:
    """The role creates what the other roles read, once; check mode works on an empty directory."""
    variables = {"cluster_pki_dir": str(tmp_path / "pki"), "cluster_name": "test"}
    role = {"import_role": {"name": "hardway.kubernetes.ca"}, "vars": variables}
    find = {"find": {"paths": str(tmp_path / "pki"), "recurse": True}}
    outcome = play(tmp_path, [(CHECK, role), (APPLY, find), (APPLY, role), (APPLY, find), (APPLY, role)])
    assert [result.get("matched") for result in outcome.results] == [None, 0, None, 14, None], outcome.output
    subject = openssl("x509", "-in", tmp_path / "pki/ca.crt", "-noout", "-subject")
    assert subject == "subject=CN = test\n"
    # The predicted run and the first one; not the last run of the role.
    assert outcome.output.count("changed: [localhost]") == 2, outcome.output
