# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml with the CAs of another cluster, as from a fresh checkout: the hosts' own are not replaced."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from .site import Site, running

CLUSTER, ETCD = "/etc/kubernetes/pki/ca.crt", "/etc/etcd/pki/ca.crt"


def ca(path: Path) -> str:
    """Let openssl write somebody's own CA; return its certificate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "3650", "-subj", "/CN=same-name", "-keyout", f"{path}.key", "-out", f"{path}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    return Path(f"{path}.crt").read_text()


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a site that has its CAs."""
    made = Site(repository, tmp_path)
    for name in ("ca", "front-proxy-ca", "etcd/ca"):
        ca(made.pki / name)
    return made


def complaints(site: Site, *arguments: str) -> list[str]:
    """Return the lines that tell of another CA."""
    result = site.run(*arguments)
    return [line for line in result.stdout.splitlines() if "is another CA than" in line]


def test_hosts_of_another_cluster_are_left_alone(site: Site, tmp_path: Path) -> None:
    other = ca(tmp_path / "other")
    site.trusted = {f"192.0.2.1{n}": {CLUSTER: other} for n in (1, 3)}
    site.trusted["192.0.2.12"] = {CLUSTER: (site.pki / "ca.crt").read_text(), ETCD: other}
    found = complaints(site)
    for words in (["hosts k1, k3", "pki/ca.crt", "set cluster_pki_dir"], ["host k2", "pki/etcd/ca.crt"]):
        assert [line for line in found if all(word in line for word in words)], found
    assert site.touched() == []


def test_a_check_without_any_ca_says_so(site: Site) -> None:
    site.trusted = {"192.0.2.11": {CLUSTER: (site.pki / "ca.crt").read_text()}}
    (site.pki / "ca.crt").unlink()
    (site.pki / "ca.key").unlink()
    (line,) = {line.strip() for line in complaints(site, "--check")}
    assert "pki/ca.crt, which does not exist" in line
    assert site.touched() == []


def test_who_wants_it_replaces_them(site: Site, tmp_path: Path) -> None:
    site.trusted = {"192.0.2.11": {CLUSTER: ca(tmp_path / "other")}}
    assert complaints(site, "-e", json.dumps({"host_replace_cas": True})) == []
    assert len(site.touched()) == 3


def test_what_etcd_has_is_not_left_with_other_keys(site: Site, tmp_path: Path) -> None:
    site.trusted = {"192.0.2.11": {CLUSTER: ca(tmp_path / "other")}}
    site.running["192.0.2.12"] = running(etcd_data=True)
    found = complaints(site, "-e", json.dumps({"host_replace_cas": True}))
    assert [line for line in found if "on host k2 etcd has data" in line], found
    assert site.touched() == []
