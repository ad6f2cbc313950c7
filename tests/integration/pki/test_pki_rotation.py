# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA is rotated below a host that is updated after every step; openssl shows which certificates are trusted when."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.ca.in_process import call
from tests.support.ca.playbook import APPLY, CHECK, Outcome, openssl, play, twice_each

CA = {"name": "ca", "common_name": "kubernetes"}
SERVER = {"path": "server", "profile": "server", "common_name": "server", "sans": ["server.example"]}


def cas(pki: Path) -> dict[str, Any]:
    """Return the task of an ordinary run on the controller."""
    params = {"ca_dir": str(pki), "cas": [CA], "key_pairs": [{"name": "sa"}], "passphrase": "secret"}
    return {"hardway.kubernetes.pki_ca": params}


def certificates(pki: Path, host: Path) -> dict[str, Any]:
    """Return the task of an ordinary run on a host; another user's certificate is inspected, too."""
    trust = [
        {"ca": "ca", "path": str(host / "ca.crt")},
        {"ca": "ca", "path": str(host / "signer.crt"), "key_path": str(host / "ca.key"), "signer": True},
    ]
    params = {
        "ca_dir": str(pki),
        "passphrase": "secret",
        "trust": trust,
        "certificates": [{"ca": "ca", **SERVER, "path": str(host / "server")}],
        "observe": [{"ca": "ca", "path": str(host / "kubelet.pem")}],
    }
    return {"hardway.kubernetes.pki_certificate": params}


def rotation(pki: Path, step: str) -> dict[str, Any]:
    """Return the task that takes a step."""
    params = {"ca_dir": str(pki), "cas": [CA], "key_pairs": [{"name": "sa"}], "passphrase": "secret"}
    return {"hardway.kubernetes.pki_rotation": {**params, "step": step, "min_age": "1ms"}}


def trusts(host: Path, certificate: Path) -> bool:
    """Return whether openssl verifies a certificate with the CAs that the host trusts."""
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(host / "ca.crt"), str(certificate)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def step_and_run(directory: Path, step: str) -> Outcome:
    """Take a step, then do an ordinary run, and another one that changes nothing."""
    pki, host = directory / "pki", directory / "host"
    tasks = [(APPLY, cas(pki)), (APPLY, certificates(pki, host))]
    # The controller is the host, on which no module is started: there are forty tasks in all.
    outcome = play(directory, [*twice_each(rotation(pki, step)), *tasks, *tasks], HERE="")
    assert outcome.changed[:4] == [True, True, False, False] or step == "done", outcome.output
    assert outcome.changed[4::2] == [False, False] and outcome.changed[-1] is False, outcome.output
    return outcome


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a directory with a CA, and a host with a certificate of it."""
    pki, host = tmp_path / "pki", tmp_path / "host"
    outcome = play(tmp_path, [(APPLY, cas(pki)), (APPLY, certificates(pki, host))])
    assert outcome.changed == [True, True], outcome.output
    return tmp_path


@pytest.mark.long
def test_every_certificate_is_trusted_in_every_step(directory: Path) -> None:
    host = directory / "host"
    old, kubelet = directory / "old.crt", host / "kubelet.pem"
    old.write_bytes((host / "server.crt").read_bytes())
    kubelet.write_bytes(old.read_bytes())

    trusting = step_and_run(directory, "trust")
    assert trusting.results[5]["certificates"][0]["changed"] is False, "the old one still signs"
    assert trusting.results[-1]["observed"] == [{"path": str(kubelet), "reasons": []}]
    bundle = (host / "ca.crt").read_bytes()
    assert bundle.count(b"BEGIN") == 2 and (host / "signer.crt").read_bytes().count(b"BEGIN") == 1
    assert trusts(host, old)

    issuing = step_and_run(directory, "issue")
    assert issuing.results[5]["certificates"][0]["reasons"] == ["issuer: not signed by the current CA ca"]
    assert issuing.results[-1]["observed"][0]["reasons"] == ["issuer: not signed by the current CA ca"]
    assert (host / "ca.crt").read_bytes() == bundle, "nothing that only trusts the CA is restarted"
    assert trusts(host, old) and trusts(host, host / "server.crt")
    assert openssl("x509", "-in", host / "signer.crt", "-noout", "-pubkey") == openssl(
        "pkey", "-in", host / "ca.key", "-pubout"
    )

    step_and_run(directory, "updated")
    step_and_run(directory, "drop")
    assert (host / "ca.crt").read_bytes() == (host / "signer.crt").read_bytes()
    assert not trusts(host, old) and trusts(host, host / "server.crt")
    step_and_run(directory, "done")
    assert not (directory / "pki" / "rotation.json").exists()
    assert "PRIVATE" not in issuing.output + trusting.output


def test_of_a_certificate_in_use_only_problems_are_reported(directory: Path) -> None:
    """Missing, invalid and foreign ones are distinguished; none of them is touched."""
    pki, host = directory / "pki", directory / "host"
    kubelet, said = host / "kubelet.pem", []
    foreign = openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=n", "-keyout", "/dev/null")
    for content in (None, "nonsense", foreign):
        if content is not None:
            kubelet.write_text(content)
        result = play(directory, [(CHECK, certificates(pki, host))]).results[0]
        assert result["changed"] is False
        said.append("; ".join(result["observed"][0]["reasons"]))
    reason = "issuer: not signed by the current CA ca"
    assert said == ["certificate: does not exist yet", "certificate: unreadable", reason]


def test_named_certificates_are_reissued(directory: Path) -> None:
    pki, host = directory / "pki", directory / "host"
    tasks = []
    for pattern in ("serv", "server", "*/host/*", "*"):
        params = certificates(pki, host)["hardway.kubernetes.pki_certificate"]
        task = {"hardway.kubernetes.pki_certificate": {**params, "renew": [pattern]}}
        tasks += [(CHECK, task), (APPLY, task)]
    assert play(directory, tasks).changed == [False, False, True, True, True, True, True, True]


def test_by_threshold_only_the_named_ones_are_reissued(tmp_path: Path) -> None:
    """A certificate for ten minutes has used half of its validity period when it is issued: five are the backdating."""
    call("pki_ca", ca_dir=str(tmp_path / "pki"), cas=[{"name": "ca"}])
    one = {"ca": "ca", "profile": "client", "common_name": "c", "expiry": "10m"}
    certificates = [{**one, "path": str(tmp_path / name)} for name in ("a", "b")]
    observed = [{"path": str(tmp_path / name), "ca": "ca"} for name in ("a.crt", "b.crt")]
    params = {"ca_dir": str(tmp_path / "pki"), "certificates": certificates, "observe": observed}

    def renewed(check: bool, **options: object) -> list[bool]:
        result = call("pki_certificate", check, **params, **options)
        reported = [*result["certificates"], *result["observed"]]
        return [any("less than" in reason for reason in item["reasons"]) for item in reported]

    call("pki_certificate", **params)
    none = [False] * 4
    assert renewed(True) == none
    assert renewed(True, renew_before=0.9, renew_only=["c"]) == none
    assert renewed(True, renew_before=0.9, renew_only=["*"]) == [True] * 4
    assert renewed(True, renew_before=0.9) == [True, True, False, False], "others are renewed by their own tasks"
    assert renewed(True, renew_before=0.2, renew_only=["a"]) == none
    serials = [openssl("x509", "-in", tmp_path / f"{name}.crt", "-noout", "-serial") for name in "ab"]
    # The host would immediately reissue one whose validity period is too short for the threshold.
    certificates[0]["expiry"] = "90d"
    assert call("pki_certificate", **params, renew_before=0.9, renew_only=["a"])["changed"]
    now = [openssl("x509", "-in", tmp_path / f"{name}.crt", "-noout", "-serial") for name in "ab"]
    assert now[0] != serials[0] and now[1] == serials[1]
