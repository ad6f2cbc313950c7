# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml with the CAs of another cluster, as from a fresh checkout: the hosts' own are not replaced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.ca.openssl import foreign_ca
from tests.support.hosts.site import Site, running

CLUSTER, ETCD = "/etc/kubernetes/pki/ca.crt", "/etc/etcd/pki/ca.crt"


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a site that has its CAs."""
    made = Site(repository, tmp_path)
    for name in ("ca", "front-proxy-ca", "etcd/ca"):
        foreign_ca(made.pki / name)
    return made


def reported_cas(site: Site, *arguments: str) -> list[str]:
    """Return the lines that report another CA."""
    result = site.run(*arguments)
    return [line for line in result.stdout.splitlines() if "is another CA than" in line]


def test_hosts_of_another_cluster_are_left_alone(site: Site, tmp_path: Path) -> None:
    other = foreign_ca(tmp_path / "other")
    site.trusted = {f"192.0.2.1{n}": {CLUSTER: other} for n in (1, 3)}
    site.trusted["192.0.2.12"] = {CLUSTER: (site.pki / "ca.crt").read_text(), ETCD: other}
    found = reported_cas(site)
    for words in (["hosts k1, k3", "pki/ca.crt", "set cluster_pki_dir"], ["host k2", "pki/etcd/ca.crt"]):
        assert [line for line in found if all(word in line for word in words)], found
    assert site.touched() == []


@pytest.mark.long
def test_a_check_without_any_ca_reports_that(site: Site) -> None:
    site.trusted = {"192.0.2.11": {CLUSTER: (site.pki / "ca.crt").read_text()}}
    (site.pki / "ca.crt").unlink()
    (site.pki / "ca.key").unlink()
    assert any("pki/ca.crt, which does not exist" in line for line in reported_cas(site, "--check"))
    assert site.touched() == []


@pytest.mark.long
def test_a_variable_permits_the_replacement(site: Site, tmp_path: Path) -> None:
    site.trusted = {"192.0.2.11": {CLUSTER: foreign_ca(tmp_path / "other")}}
    assert reported_cas(site, "-e", json.dumps({"host_replace_cas": True})) == []
    assert len(site.touched()) == 3


def test_data_of_etcd_are_not_left_without_their_encryption_key(site: Site, tmp_path: Path) -> None:
    site.trusted = {"192.0.2.11": {CLUSTER: foreign_ca(tmp_path / "other")}}
    site.running["192.0.2.12"] = running(etcd_data=True)
    found = reported_cas(site, "-e", json.dumps({"host_replace_cas": True}))
    assert [line for line in found if "on host k2 etcd has data" in line], found
    assert site.touched() == []
