# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook kubeconfig for hosts that do not exist; openssl reads what it writes."""

from __future__ import annotations

import base64
import json
import re
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.ca.openssl import foreign_ca
from tests.support.ca.playbook import APPLY, matches, openssl, play
from tests.support.hosts.site import Site

ALICE = ("-e", "user=alice", "-e", "user_groups=dev,ops")


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a site with a CA, whose commands run in a directory of a person."""
    made = Site(repository, tmp_path)
    foreign_ca(made.pki / "ca")
    made.variables["cluster_name"] = "prod"
    made.place = tmp_path / "person"
    made.place.mkdir()
    made.environment |= {"ANSIBLE_CONFIG": str(repository / "ansible.cfg")}
    made.environment |= {"ANSIBLE_COLLECTIONS_PATH": str(repository / ".collections")}
    return made


def run(site: Site, *arguments: str) -> tuple[int, str]:
    """Run the playbook; return the number of changes and what it said, in one line. No host may be contacted."""
    done = site.run(*arguments, playbook="hardway.kubernetes.kubeconfig")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PRIVATE KEY" not in done.stdout and "client-key-data: LS" not in done.stdout
    assert site.asked() == []
    return sum(map(int, re.findall(r"changed=(\d+)", done.stdout))), " ".join(done.stdout.split())


def refusal(site: Site, *arguments: str) -> str:
    """Run the playbook, which must fail; return what it said, in one line."""
    done = site.run(*arguments, playbook="hardway.kubernetes.kubeconfig")
    assert done.returncode == 2, done.stdout
    assert site.asked() == []
    return " ".join(done.stdout.split())


def files(directory: Path) -> dict[str, bytes]:
    """Return the files below a directory."""
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.name != ".lock"}


def embedded(path: Path) -> Path:
    """Write the certificate, key and CA of a kubeconfig beside it; return their path without suffix."""
    content = yaml.safe_load(path.read_text())
    (user,), (cluster,) = content["users"], content["clusters"]
    data = {
        "crt": user["user"]["client-certificate-data"],
        "key": user["user"]["client-key-data"],
        "ca": cluster["cluster"]["certificate-authority-data"],
    }
    for suffix, text in data.items():
        path.with_suffix(f".{suffix}").write_bytes(base64.b64decode(text))
    return path.with_suffix("")


def journal(site: Site) -> list[dict[str, str]]:
    """Return the issue log."""
    return [json.loads(line) for line in (site.pki / "issued.jsonl").read_text().splitlines()]


def test_a_file_with_a_certificate_is_written_once_and_again_for_other_groups(site: Site) -> None:
    before = files(site.directory / "pki")
    to = ("-e", "kubeconfig=./alice.kubeconfig")
    assert run(site, *ALICE, *to, "--check", "--diff")[0] == 2
    assert files(site.pki) == before and not list(site.place.iterdir())
    changed, said = run(site, *ALICE, *to, "--diff")
    assert changed == 2
    assert "kubectl auth can-i --list --kubeconfig ./alice.kubeconfig" in said
    path = site.place / "alice.kubeconfig"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = yaml.safe_load(path.read_text())
    assert content["clusters"][0]["name"] == "prod"
    assert content["clusters"][0]["cluster"]["server"] == "https://192.0.2.100:6443"
    assert content["current-context"] == "alice@prod"
    stem = embedded(path)
    crt, key, ca = (stem.with_suffix(f".{suffix}") for suffix in ("crt", "key", "ca"))
    assert ca.read_bytes() == (site.pki / "ca.crt").read_bytes()
    assert openssl("verify", "-CAfile", ca, "-purpose", "sslclient", crt).endswith("OK\n")
    assert matches(crt, key)
    subject = openssl("x509", "-in", crt, "-noout", "-subject", "-nameopt", "sep_multiline")
    assert {line.strip() for line in subject.splitlines()[1:]} == {"O=dev + O=ops", "CN=alice"}
    # openssl writes whole bytes, with a leading zero if need be.
    serial = openssl("x509", "-in", crt, "-noout", "-serial").strip().partition("=")[2].lower().lstrip("0")
    assert [line["serial"] for line in journal(site)] == [serial]
    first, old_key = path.read_bytes(), key.read_bytes()
    assert run(site, *ALICE, *to)[0] == 0
    path.unlink()
    assert run(site, *ALICE, *to)[0] == 1
    assert path.read_bytes() == first, "the certificate is the same"
    assert run(site, *ALICE[:2], "-e", "user_groups=ops", *to)[0] == 2
    embedded(path)
    assert "O=dev" not in openssl("x509", "-in", crt, "-noout", "-subject", "-nameopt", "sep_multiline")
    assert matches(crt, key) and key.read_bytes() != old_key
    report = play(
        site.directory / "report", [(APPLY, {"hardway.kubernetes.pki_info": {"files": [{"path": str(site.pki)}]}})]
    )
    assert [item["path"] for item in report.results[0]["certificates"]] == [str(site.pki / "ca.crt")]
    listed = run(site, "-e", "list=true")[1]
    assert all(words in listed for words in ("alice dev,ops", "alice ops", serial, "valid"))


def test_another_server_or_a_new_ca_is_a_new_file(site: Site) -> None:
    run(site, *ALICE)
    path = site.pki / ".persons/alice.kubeconfig"
    first, site.variables["cluster_api_vip"] = path.read_bytes(), "192.0.2.99"
    assert run(site, *ALICE)[0] == 1
    assert b"https://192.0.2.99:6443" in path.read_bytes() != first
    for name in ("ca.crt", "ca.key"):
        (site.pki / name).unlink()
    foreign_ca(site.pki / "ca")
    assert run(site, *ALICE)[0] == 2
    stem = embedded(path)
    assert openssl("verify", "-CAfile", site.pki / "ca.crt", stem.with_suffix(".crt"))


def test_nothing_is_written_before_everything_is_right(site: Site) -> None:
    run(site, *ALICE, "-e", "kubeconfig=alice.kubeconfig")
    before = files(site.directory)
    for name in ("hosts.yml", "facts.json", "trusted.json", "running.json", "secrets.json"):
        before.pop(str(site.directory / name))
    site.environment["PLACE"] = str(site.place)
    bob = ("-e", "user=bob", "-e", "user_groups=system:masters", "-e", "ttl=30d")
    other = "alice.kubeconfig: is not a kubeconfig of bob for prod alone (prod, alice)"
    for arguments, words in (
        ((*bob, "-e", "kubeconfig=$PLACE/alice.kubeconfig"), ("bypasses RBAC", "exceeds 168h", other)),
        (("-e", "user=bob", "-e", "groups=dev"), ("user_groups: is missing",)),
        (("-e", "user=kubernetes-admin", "-e", "user_groups="), ("identity of the cluster",)),
        ((*ALICE, "-e", f"kubeconfig={site.place}"), ("cannot be read: Is a directory",)),
        ((*ALICE, "-e", f"kubeconfig={site.pki}/ca.crt"), ("no kubeconfig",)),
    ):
        said = refusal(site, *arguments)
        assert all(word in said for word in words), said
    assert {path: data for path, data in files(site.directory).items() if path in before} == before
    assert not list((site.pki / ".persons").glob("*bob*"))


def test_the_group_that_bypasses_rbac_takes_a_word_and_warns(site: Site) -> None:
    said = run(site, "-e", "user=carol", "-e", "user_groups=system:masters", "-e", "allow_masters=true")[1]
    assert "Warning: system:masters bypasses RBAC" in said


def test_without_a_ca_or_an_address_the_error_says_what_to_set(site: Site) -> None:
    site.variables["cluster_pki_dir"] = str(site.directory / "none")
    del site.variables["cluster_api_vip"]
    site.groups = {name: {"k1": {"ansible_host": "k1.example.org"}} for name in site.groups}
    for arguments in ((), ("--check",)):
        said = refusal(site, *ALICE, *arguments)
        assert f"{site.directory}/none/ca.crt: does not exist" in said
        assert "set cluster_api_vip, cluster_api_endpoint or cluster_node_ip" in said
    assert not (site.directory / "none").exists()


def test_an_offline_ca_signs_the_csr_that_the_first_run_writes(site: Site) -> None:
    (site.pki / "ca.key").rename(site.directory / "ca.key")
    day = (*ALICE, "-e", "ttl=24h")
    csr = site.pki / "requests/ca/k1"
    said = refusal(site, *day)
    (csr,) = csr.glob("*.csr")
    assert f"the key of the CA is offline: sign there, for ca: {csr}" in said
    assert not (site.pki / ".persons/alice.kubeconfig").exists()
    signer = ["-CA", site.pki / "ca.crt", "-CAkey", site.directory / "ca.key", "-copy_extensions", "copy"]
    line = ["openssl", "x509", "-req", "-in", csr, *signer, "-days", "1", "-out", csr.with_suffix(".crt")]
    subprocess.run(line, check=True, capture_output=True)
    assert run(site, *day)[0] == 2
    assert matches(
        embedded(site.pki / ".persons/alice.kubeconfig").with_suffix(".crt"), site.pki / ".persons/alice.key"
    )
    assert run(site, *day)[0] == 0
    assert len(journal(site)) == 1
