# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real etcd member with the settings of role etcd."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Tls, request

from dev.standins import binaries
from tests.support.api.programs import BINARIES, Issuer, Programs, binary, free_ports
from tests.support.api.requests import until
from tests.support.roles.etcd import etcd


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

    def inspect(self, cause: str) -> str:
        """Start it and inspect it; return the finding, or nothing. The wait ends as soon as a cause shows."""
        self.programs.start("etcd", [binary("etcd") or "etcd", *self.arguments])
        process = self.programs.running["etcd"]
        until(lambda: process.poll() is not None or self.answers("healthcheck-client") or self.shows(cause))
        if process.poll() is not None:
            return f"etcd ends: {self.log()}"
        if not self.answers("healthcheck-client"):
            return f"etcd does not answer its clients: {self.log()}"
        return "strangers are served" if self.answers("") else ""

    def answers(self, who: str) -> bool:
        """Return whether a client, or one without a certificate, gets its health."""
        return self.serves(f"{self.url}/health", who, self.ca)

    def serves(self, url: str, who: str, ca: Issuer, method: str = "GET") -> bool:
        """Return whether a client, or one without a certificate, passes TLS at a URL; any status below 500 counts."""
        pair = {"cert": f"{self.pki}/{who}.crt", "key": f"{self.pki}/{who}.key"} if who else {}
        try:
            return request(url, method=method, body=b"", tls=Tls(ca=str(ca.ca), **pair)).status < 500
        except HttpError as exc:
            self.problem = str(exc)
            return False

    def log(self) -> str:
        """Return its log, and the last error of its client."""
        return (self.directory / "etcd.log").read_text(errors="replace") + self.problem

    def shows(self, cause: str) -> bool:
        """Return whether the cause of a fault is in the log."""
        return bool(re.search(cause, self.log()))
