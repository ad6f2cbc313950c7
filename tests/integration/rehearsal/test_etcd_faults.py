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
from ansible_collections.hardway.kubernetes.plugins.module_utils._http import HttpError, Tls, request
from integration.api.programs import BINARIES, Authority, Programs, binary, free_ports
from integration.rehearsal.asking import until
from unit.roles.etcd.test_unit import etcd

from tools import binaries

pytestmark = [pytest.mark.slow]


class Member:
    """The only member of a cluster, with the arguments of its unit."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        """Issue the certificates and render the arguments."""
        self.directory, self.pki = directory, directory / "pki"
        self.programs = Programs(directory)
        self.authority = Authority(self.pki, "etcd-ca")
        given = {"cluster_component_versions": {"etcd": binaries.ready_versions(BINARIES)["etcd"]}, **settings}
        role = etcd(
            "m1", {"m1": "127.0.0.1"}, _etcd_pki_dir=str(self.pki), etcd_data_dir=str(directory / "data"), **given
        )
        for wanted in role.value("_etcd_certificates"):
            self.authority.issue(Path(wanted["path"]).name, wanted["common_name"], hosts=wanted.get("hosts", []))
        client, peer = free_ports(2)
        self.url = f"https://127.0.0.1:{client}"
        arguments = {
            n: str(v).lower() if isinstance(v, bool) else str(v)
            for n, v in role.value("_etcd_arguments").items()
            if v is not None
        }
        self.arguments = [
            f"--{n}={v.replace(':2379', f':{client}').replace(':2380', f':{peer}')}" for n, v in arguments.items()
        ]
        self.arguments.append(f"--initial-cluster=m1=https://127.0.0.1:{peer}")

    def look(self, patience: float) -> str:
        """Start it and look; return the finding, or nothing."""
        self.programs.start("etcd", [binary("etcd") or "etcd", *self.arguments])
        process = self.programs.running["etcd"]
        healthy = until(lambda: process.poll() is not None or self.answers("healthcheck-client"), patience)
        if process.poll() is not None:
            return "etcd ends"
        if not healthy:
            return "etcd does not answer its clients"
        return "strangers are served" if self.answers("") else ""

    def answers(self, who: str) -> bool:
        """Say whether somebody, or a stranger, is told of its health."""
        pair = {"cert": f"{self.pki}/{who}.crt", "key": f"{self.pki}/{who}.key"} if who else {}
        try:
            return request(f"{self.url}/health", tls=Tls(ca=str(self.authority.ca), **pair)).status == 200
        except HttpError:
            return False


def other_names(member: Member) -> None:
    """Give it a certificate for another host."""
    member.authority.issue("server", "m1", hosts=["192.0.2.99"])


def foreign_authority(member: Member) -> None:
    """Let it trust clients of another authority."""
    made = Authority(member.directory / "foreign", "etcd-ca")
    swapped = f"--trusted-ca-file={made.ca}"
    member.arguments = [swapped if a.startswith("--trusted-ca-file=") else a for a in member.arguments]


def other_key(member: Member) -> None:
    """Leave its certificate with the key of another."""
    shutil.copy(member.pki / "peer.key", member.pki / "server.key")


FAULTS: dict[str, tuple[dict[str, Any], Callable[[Member], None] | None, str]] = {
    "a misspelt flag": ({"snapshot-cuont": 1}, None, "ends"),
    "no duration": ({"auto-compaction-retention": "soon"}, None, "ends"),
    "no client authority": ({"client-cert-auth": None, "trusted-ca-file": None}, None, "strangers are served"),
    "another host's names": ({}, other_names, "does not answer"),
    "a foreign authority": ({}, foreign_authority, "does not answer"),
    "another's key": ({}, other_key, "does not answer|ends"),
}


def found(directory: Path, name: str, patience: float) -> str:
    """Return what is found with a fault."""
    if binary("etcd") is None:
        pytest.skip("no etcd at hand, and none to be had from Debian")
    config, change, _finding = FAULTS.get(name, ({}, None, ""))
    member = Member(directory, etcd_config=config)
    if change:
        change(member)
    try:
        return member.look(patience)
    finally:
        member.programs.stop_all()


def test_without_a_fault_there_is_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path, "", 60) == ""


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, tmp_path: Path) -> None:
    told = found(tmp_path, name, 5 if "answer" in FAULTS[name][2] else 30)
    assert re.search(FAULTS[name][2], told or "nothing"), told
