# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliberate faults in what role etcd makes. etcd is the real one in a rehearsal, too."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Tls, request
from integration.api.programs import BINARIES, Issuer, Programs, binary, free_ports
from integration.rehearsal.asking import NEVER, until
from unit.roles.etcd.test_unit import etcd

from dev.standins import binaries

pytestmark = [pytest.mark.slow]


class Member:
    """The only member of a cluster, with the arguments of its unit."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        """Issue the certificates and render the arguments."""
        self.directory, self.pki = directory, directory / "pki"
        self.programs = Programs(directory)
        self.ca = Issuer(self.pki, "etcd-ca")
        given = {"cluster_component_versions": {"etcd": binaries.ready_versions(BINARIES)["etcd"]}, **settings}
        role = etcd(
            "m1", {"m1": "127.0.0.1"}, _etcd_pki_dir=str(self.pki), etcd_data_dir=str(directory / "data"), **given
        )
        self.peers = Issuer(self.pki / "peers", "etcd-peer-ca")
        shutil.copy(self.peers.ca, self.pki / "peer-ca.crt")
        for wanted in role.value("_etcd_certificates"):
            signer = self.peers if wanted["ca"] == "etcd-peer-ca" else self.ca
            made = signer.issue(Path(wanted["path"]).name, wanted["common_name"], hosts=wanted.get("sans", []))
            for path in made.parent.glob(f"{made.name}.*"):
                if made.parent != self.pki:
                    shutil.copy(path, self.pki)
        client, peer = free_ports(2)
        self.url, self.peer_url = f"https://127.0.0.1:{client}", f"https://127.0.0.1:{peer}"
        arguments = {
            n: str(v).lower() if isinstance(v, bool) else str(v)
            for n, v in role.value("_etcd_arguments").items()
            if v is not None
        }
        self.arguments = [
            f"--{n}={v.replace(':2379', f':{client}').replace(':2380', f':{peer}')}" for n, v in arguments.items()
        ]
        self.problem = ""
        self.arguments.append(f"--initial-cluster=m1=https://127.0.0.1:{peer}")

    def look(self, cause: str) -> str:
        """Start it and look; return the finding, or nothing. Where a cause shows itself nobody waits any longer."""
        self.programs.start("etcd", [binary("etcd") or "etcd", *self.arguments])
        process = self.programs.running["etcd"]
        until(lambda: process.poll() is not None or self.answers("healthcheck-client") or self.told(cause))
        if process.poll() is not None:
            return f"etcd ends: {self.log()}"
        if not self.answers("healthcheck-client"):
            return f"etcd does not answer its clients: {self.log()}"
        return "strangers are served" if self.answers("") else ""

    def answers(self, who: str) -> bool:
        """Say whether somebody, or a stranger, is told of its health."""
        return self.serves(f"{self.url}/health", who, self.ca)

    def serves(self, url: str, who: str, ca: Issuer, method: str = "GET") -> bool:
        """Say whether somebody, or a stranger, gets past TLS at a URL; 405 and the like are answers, too."""
        pair = {"cert": f"{self.pki}/{who}.crt", "key": f"{self.pki}/{who}.key"} if who else {}
        try:
            return request(url, method=method, body=b"", tls=Tls(ca=str(ca.ca), **pair)).status < 500
        except HttpError as exc:
            self.problem = str(exc)
            return False

    def log(self) -> str:
        """Return what it has said, and at last its client."""
        return (self.directory / "etcd.log").read_text(errors="replace") + self.problem

    def told(self, cause: str) -> bool:
        """Say whether the cause of a fault shows."""
        return bool(re.search(cause, self.log()))


def other_names(member: Member) -> None:
    """Give it a certificate for another host."""
    member.ca.issue("server", "m1", hosts=["192.0.2.99"])


def foreign_ca(member: Member) -> None:
    """Let it trust clients of another CA."""
    made = Issuer(member.directory / "foreign", "etcd-ca")
    swapped = f"--trusted-ca-file={made.ca}"
    member.arguments = [swapped if a.startswith("--trusted-ca-file=") else a for a in member.arguments]


def other_key(member: Member) -> None:
    """Leave its certificate with the key of another."""
    shutil.copy(member.pki / "peer.key", member.pki / "server.key")


# What is found, and the words by which it names the cause: nothing else that goes wrong may be taken for it.
FAULTS: dict[str, tuple[dict[str, Any], Callable[[Member], None] | None, str]] = {
    "a misspelt flag": ({"snapshot-cuont": 1}, None, "etcd ends.*not defined: -snapshot-cuont"),
    "no duration": ({"auto-compaction-retention": "soon"}, None, "etcd ends.*auto-compaction-retention"),
    "no client CA": ({"client-cert-auth": None, "trusted-ca-file": None}, None, "strangers are served"),
    "another host's names": ({}, other_names, "does not answer.*IP address mismatch"),
    "a foreign CA": ({}, foreign_ca, "does not answer.*certificate signed by unknown authority"),
    "another's key": ({}, other_key, "(does not answer|ends).*private key does not match"),
}


def found(directory: Path, name: str = "") -> str:
    """Return what is found with a fault."""
    if binary("etcd") is None:
        pytest.skip("no etcd at hand, and none to be had from Debian")
    config, change, finding = FAULTS.get(name, ({}, None, ""))
    member = Member(directory, etcd_config=config)
    if change:
        change(member)
    try:
        return member.look(finding.rpartition(".*")[2] if "answer" in finding else NEVER)
    finally:
        member.programs.stop_all()


def test_without_a_fault_there_is_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path) == ""


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, tmp_path: Path) -> None:
    told = found(tmp_path, name)
    assert re.search(FAULTS[name][2], told or "nothing", re.DOTALL), told
