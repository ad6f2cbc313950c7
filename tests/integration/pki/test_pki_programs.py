# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real etcd and kube-apiserver accept our certificates: every type of key, cfssl's files, chains."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import RealEtcd, binary, need_programs
from tests.support.ca.in_process import act, call
from tests.support.ca.playbook import openssl
from tests.support.kill_midway import each_kill

KUBERNETES_PROFILE = {"usages": ["signing", "key encipherment", "server auth", "client auth"], "expiry": "8760h"}
CONFIG = {"signing": {"default": {"expiry": "8760h"}, "profiles": {"kubernetes": KUBERNETES_PROFILE}}}
RSA = {"algo": "rsa", "size": 2048}


class Ours:
    """A CA of ours with the methods of the others in these tests; below another one, it shows its chain."""

    def __init__(self, directory: Path, key: dict[str, Any], *, chain: bool = False) -> None:
        """Create the root and, for chains, the CA that signs below it."""
        self.directory, self.key, self.chain = directory, key, chain
        cas = [{"name": "ca", "csr": {"CN": "ca", "key": key}}]
        if chain:
            cas.append({"name": "sub", "signed_by": "ca", "csr": {"CN": "sub", "key": key}})
        call("pki_ca", ca_dir=str(directory), cas=cas)
        self.ca = directory / "ca.crt"

    def issue(self, prefix: str, common_name: str, *, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> Path:
        """Return the path, without suffix, of a certificate for a csr as in guides for cfssl."""
        csr = {"CN": common_name, "hosts": list(hosts), "key": self.key, "names": [{"O": group} for group in groups]}
        entry = {"path": str(self.directory / "host" / prefix), "ca": "sub" if self.chain else "ca", "csr": csr}
        entry.update(profile="kubernetes", chain=self.chain)
        call("pki_certificate", ca_dir=str(self.directory), config=CONFIG, certificates=[entry])
        return self.directory / "host" / prefix


def use_ours(etcd: RealEtcd, ca: Any) -> None:
    """Give etcd certificates of ours."""
    etcd.ca = ca
    etcd.server = ca.issue("server", "etcd", hosts=["127.0.0.1", "localhost"])
    etcd.client = ca.issue("client", "etcd-client")


@pytest.mark.parametrize("key", [{"algo": "ecdsa", "size": 521}, {"algo": "ed25519"}, {"algo": "rsa", "size": 3072}])
def test_etcd_accepts_our_certificates(tmp_path: Path, key: dict[str, Any]) -> None:
    """etcdctl and etcd trust each other, and no other client."""
    need_programs("etcd", "etcdctl")
    etcd = RealEtcd(tmp_path, size=1)
    stranger = etcd.client
    use_ours(etcd, Ours(tmp_path / "ours", key))

    def healthy(client: Path) -> bool:
        files = [f"--cacert={etcd.ca.ca}", f"--cert={client}.crt", f"--key={client}.key"]
        command = [str(binary("etcdctl")), f"--endpoints={etcd.endpoints[0]}", *files, "endpoint", "health"]
        return subprocess.run([*command, "--command-timeout=2s"], capture_output=True, check=False).returncode == 0

    try:
        etcd.start(etcd.names[0])
        etcd.programs.wait_until(etcd.names[0], lambda: healthy(etcd.client))
        assert not healthy(stranger)
    finally:
        etcd.programs.stop_all()


def test_etcd_serves_wherever_a_change_of_its_key_is_killed(tmp_path: Path) -> None:
    """It reads its pair at every handshake: each state that a kill leaves must work, before it is repaired."""
    need_programs("etcd")
    etcd = RealEtcd(tmp_path, size=1)
    ours = Ours(tmp_path / "ours", {"algo": "ecdsa", "size": 256})
    use_ours(etcd, ours)
    context = ssl.create_default_context(cafile=str(ours.ca))
    context.load_cert_chain(f"{etcd.client}.crt", f"{etcd.client}.key")
    address = urlsplit(etcd.endpoints[0])

    def served() -> bytes:
        place = (address.hostname, address.port)
        with (
            socket.create_connection(place, 5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            return tls.getpeercert(binary_form=True) or b""

    def answers() -> bool:
        with suppress(OSError):
            return bool(served())
        return False

    def work(number: int) -> Callable[[], object]:
        again = {"path": str(etcd.server), "csr": {"CN": "etcd", "hosts": ["127.0.0.1", "localhost"], "key": ours.key}}
        params = {"ca": "ca", "profile": "kubernetes", **again}
        options = {"certificates": [params], "config": CONFIG, "force": True, "renew_key": True}
        return partial(call, "pki_certificate", ca_dir=str(ours.directory), **options)

    try:
        etcd.start(etcd.names[0])
        etcd.programs.wait_until(etcd.names[0], answers)
        certificates = {served() for _ in each_kill(work)}
    finally:
        etcd.programs.stop_all()
    assert len(certificates) >= 2


@pytest.mark.parametrize(("key", "chain"), [(RSA, False), ({"algo": "ecdsa", "size": 384}, True)])
def test_apiserver_accepts_our_certificates(tmp_path: Path, key: dict[str, Any], chain: bool) -> None:
    """kubectl and kube-apiserver trust each other by the root alone; an unknown user is refused."""
    need_programs("etcd", "kube-apiserver", "kubectl")
    kubernetes = RealKubernetes(tmp_path)
    stranger = kubernetes.admin
    ca: Any = Ours(tmp_path / "ours", key, chain=chain)
    use_ours(kubernetes.etcd, ca)
    kubernetes.ca = ca
    hosts = ["127.0.0.1", "localhost", "kubernetes", "10.96.0.1"]
    kubernetes.serving = ca.issue("apiserver", "kube-apiserver", hosts=hosts)
    kubernetes.admin = ca.issue("admin", "admin", groups=["system:masters"])

    def asks(name: str, prefix: Path) -> str:
        config = kubernetes.write_kubeconfig(name, prefix)
        command = [str(binary("kubectl")), f"--kubeconfig={config}", "get", "--raw", "/api/v1/namespaces"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        return run.stdout + run.stderr

    try:
        kubernetes.etcd.start(kubernetes.etcd.names[0])
        kubernetes.programs.start("kube-apiserver", kubernetes._apiserver())
        kubernetes.programs.wait_until("kube-apiserver", kubernetes.ready)
        assert '"kind":"NamespaceList"' in asks("admin", kubernetes.admin)
        assert "Unauthorized" in asks("stranger", stranger)
    finally:
        kubernetes.stop()


def test_openssl_accepts_a_ca_that_is_no_root_as_anchor(tmp_path: Path) -> None:
    """Only as an anchor a CA below another one is enough for OpenSSL, for servers; a root stays what it is."""
    ours = Ours(tmp_path, {"algo": "ecdsa", "size": 256}, chain=True)
    server = ours.issue("server", "server", hosts=["server"])
    asked = [
        {"ca": "sub", "path": str(tmp_path / "plain"), "anchor": False},
        {"ca": "sub", "path": str(tmp_path / "anchor"), "anchor": True},
        {"ca": "ca", "also": ["sub"], "path": str(tmp_path / "both"), "anchor": True},
    ]
    act("pki_certificate", ca_dir=str(tmp_path), trust=asked)

    def trusts(name: str, purpose: str) -> bool:
        command = ["openssl", "verify", "-purpose", purpose, "-CAfile", str(tmp_path / name), f"{server}.crt"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    assert [trusts(name, "sslserver") for name in ("plain", "anchor", "both")] == [False, True, True]
    assert not trusts("anchor", "sslclient")
    made = openssl("x509", "-in", tmp_path / "sub.crt", "-addtrust", "serverAuth", "-trustout")
    assert (tmp_path / "anchor").read_text() == made
    assert (tmp_path / "both").read_text().count("BEGIN CERTIFICATE") == 1
