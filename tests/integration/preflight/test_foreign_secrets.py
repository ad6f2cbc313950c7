# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml where masters have secrets that the controller does not: nothing is replaced, and no host is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.redaction import redacted

from tests.support.ca.in_process import call
from tests.support.hosts.site import Site

CONFIGURATION, KEY, PUBLIC = (
    "/etc/kubernetes/encryption.yaml",
    "/etc/kubernetes/pki/sa.key",
    "/etc/kubernetes/pki/sa.pub",
)


def made(directory: Path) -> dict[str, str]:
    """Return what a master reports with this PKI directory."""
    call(
        "pki_ca",
        ca_dir=str(directory),
        cas=[{"name": "ca"}, {"name": "etcd-ca"}, {"name": "front-proxy-ca"}],
        key_pairs=[{"name": "sa"}],
        secrets=[{"name": "encryption.key"}, {"name": "keepalived.password", "bytes": 6, "encoding": "base64url"}],
    )
    secret = (directory / "secrets/encryption.key").read_text().strip()
    provider = f"secretbox: {{keys: [{{name: key1, secret: {secret}}}]}}"
    text = f"resources:\n- resources: [secrets]\n  providers:\n  - {provider}\n"
    files = {CONFIGURATION: text, KEY: (directory / "sa.key").read_text(), PUBLIC: (directory / "sa.pub").read_text()}
    return {path: redacted(content, "") for path, content in files.items()}


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a site whose masters have these secrets."""
    found = Site(repository, tmp_path)
    ours = made(found.pki)
    found.secrets = {f"192.0.2.1{n}": ours for n in (1, 2, 3)}
    return found


def reported_secrets(site: Site, *arguments: str) -> list[str]:
    """Return the lines that report other secrets."""
    return [
        line
        for line in site.run(*arguments).stdout.splitlines()
        if "has not, and nothing" in line or "is another key than" in line
    ]


@pytest.mark.long
def test_other_keys_are_left_alone(site: Site, tmp_path: Path) -> None:
    """On one master of three, or on all; in a check, too; a run that does not need them goes on."""
    other = made(tmp_path / "other")
    site.secrets["192.0.2.12"] = {**site.secrets["192.0.2.12"], CONFIGURATION: other[CONFIGURATION]}
    for address in ("192.0.2.11", "192.0.2.13"):
        site.secrets[address] = {**site.secrets[address], KEY: other[KEY], PUBLIC: other[PUBLIC]}
    for arguments in ((), ("--check",)):
        found = reported_secrets(site, *arguments)
        for words in (["host k2: ", CONFIGURATION, "secrets/encryption.key"], ["hosts k1, k3: ", KEY, "sa.pub"]):
            assert [line for line in found if all(word in line for word in words)], found
        assert site.touched() == []
    assert reported_secrets(site, "-e", json.dumps({"host_replace_cas": True})) == []
    assert len(site.touched()) == 3


def test_known_secrets_do_not_stop_the_run(site: Site) -> None:
    """A host on which the next module runs has passed."""
    assert reported_secrets(site) == []
    assert len(site.touched()) == 3


def test_a_lost_vrrp_password_is_not_replaced(site: Site) -> None:
    """The load balancers have it; another one would let two of them hold the virtual address."""
    password = site.pki / "secrets/keepalived.password"
    password.unlink()
    for arguments in ((), ("--check",)):
        said = " ".join(site.run(*arguments).stdout.split())
        assert "secrets/keepalived.password (load balancers with two passwords hold the virtual address twice" in said
        assert "/etc/keepalived/keepalived.conf" in said and "ca_regenerate" in said
        assert not password.exists() and site.touched() == []
