# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control plane on loopback, started with exactly what role master renders."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Response, Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.api.programs import BINARIES, Issuer, Programs, RealEtcd, binary, free_ports, pem_key
from tests.support.repository import ROLES
from tests.support.roles.master import Host

COMPONENTS = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]
SHORT_LEASE = {"lease_duration": "6s", "renew_deadline": "4s", "retry_period": "1s"}


def versions() -> dict[str, str]:
    """Return the newest available version of each supported minor that has all three components."""
    found: dict[str, str] = {}
    for path in sorted(BINARIES.glob("1.*"), key=lambda path: [int(part) for part in path.name.split(".")]):
        if all((path / component).is_file() for component in COMPONENTS):
            found[path.name.rpartition(".")[0]] = path.name
    return found


class ControlPlane:
    """etcd, apiserver, controller manager and scheduler of one version, all files below one directory."""

    def __init__(self, directory: Path, version: str, binaries: Path = BINARIES, **settings: Any) -> None:
        """Write certificates, kubeconfigs and configuration as the role's tasks do."""
        self.directory = directory
        self.binaries = binaries / version
        self.config = directory / "etc"
        self.programs = Programs(directory)
        self.etcd = RealEtcd(directory, size=1, binaries=binaries)
        self.cas = {
            "ca": Issuer(directory / "ca", "kubernetes-ca"),
            "front-proxy-ca": Issuer(directory / "front-proxy-ca", "front-proxy-ca"),
            "etcd-ca": self.etcd.ca,
        }
        port, self.manager_port, self.scheduler_port = free_ports(3)
        self.url = f"https://127.0.0.1:{port}"
        self.host = Host(
            "m1",
            {"m1": "127.0.0.1"},
            {"etcd": ["m1"], "master": ["m1"], "node": ["m1"]},
            cluster_api_port=port,
            _cluster_etcd_endpoints=self.etcd.endpoints,
            _master_config_dir=str(self.config),
            _master_pki_dir=str(self.config / "pki"),
            master_audit_log_dir=str(directory / "log"),
            # A Service may not lead to loopback; everything else is as on a host.
            master_apiserver_args={"advertise-address": "192.0.2.1", **settings.pop("apiserver", {})},
            master_controller_manager_args={"secure-port": self.manager_port},
            master_scheduler_args={"secure-port": self.scheduler_port},
            **{f"master_leader_elect_{name}": value for name, value in SHORT_LEASE.items()},
            **settings,
        )
        self._write_certificates()
        self._write_kubeconfigs()
        self._write_files()

    def _write_certificates(self) -> None:
        """Issue what _master_certificates lists and put the CAs where the task puts them."""
        pki = self.config / "pki"
        (pki / "etcd").mkdir(parents=True)
        for wanted in self.host.value("_master_certificates"):
            prefix = self.cas[wanted["ca"]].issue(
                Path(wanted["path"]).name,
                wanted["common_name"],
                groups=[name["O"] for name in wanted.get("names", [])],
                hosts=wanted.get("sans", []),
            )
            for suffix in (".crt", ".key"):
                shutil.copy(f"{prefix}{suffix}", f"{wanted['path']}{suffix}")
        shutil.copy(self.cas["ca"].ca, pki / "ca.crt")
        shutil.copy(self.cas["ca"].ca, pki / "ca-signer.crt")
        shutil.copy(self.cas["ca"].ca_key, pki / "ca.key")
        shutil.copy(self.cas["front-proxy-ca"].ca, pki / "front-proxy-ca.crt")
        shutil.copy(self.cas["etcd-ca"].ca, pki / "etcd/ca.crt")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (pki / "sa.key").write_bytes(pem_key(key))
        (pki / "sa.pub").write_bytes(public)

    def _write_kubeconfigs(self) -> None:
        """Write what the kubeconfig task lists."""
        tasks = yaml.safe_load((ROLES / "master/tasks/main.yml").read_text())
        (wanted,) = [
            t["hardway.kubernetes.kubeconfig"]["kubeconfigs"] for t in tasks if "hardway.kubernetes.kubeconfig" in t
        ]
        for one in wanted:
            one = {
                name: self.host.value(re.sub(r"{{ (\w+) }}(.*)", r"\1 ~ '\2'", text) if "{{" in text else f"'{text}'")
                for name, text in one.items()
            }
            user = {"client-certificate": one["certificate"] + ".crt", "client-key": one["certificate"] + ".key"}
            cluster = {"server": one["server"], "certificate-authority": one["ca"]}
            content = {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": one["cluster"], "cluster": cluster}],
                "users": [{"name": one["user"], "user": user}],
                "contexts": [{"name": "only", "context": {"cluster": one["cluster"], "user": one["user"]}}],
                "current-context": "only",
            }
            Path(one["path"]).write_text(json.dumps(content))

    def _write_files(self) -> None:
        """Write the rendered templates; units are read, not installed."""
        (self.directory / "log").mkdir()
        for path, text in self.host.files().items():
            if path.startswith(str(self.config)):
                Path(path).write_text(text)

    def launch(self, component: str) -> None:
        """Start one component with the arguments of its unit."""
        self.programs.start(component, [self.binaries / component, *self.host.arguments(component)])

    def start(self) -> None:
        """Start everything as soon as possible, and wait until all are healthy."""
        self.etcd.start("m1")
        self.launch("kube-apiserver")
        self.programs.wait_until("kube-apiserver", lambda: self.answers(self.url + "/readyz"))
        for component in COMPONENTS[1:]:
            self.launch(component)
        for component, port in zip(COMPONENTS[1:], (self.manager_port, self.scheduler_port)):
            self.programs.wait_until(component, lambda port=port: self.answers(f"https://127.0.0.1:{port}/healthz"))

    def stop(self) -> None:
        """End what was started here."""
        self.programs.stop_all()
        self.etcd.programs.stop_all()

    def answers(self, url: str) -> bool:
        """Return whether a verified server answers 200 to a client without credentials."""
        try:
            return self.ask(url).status == 200
        except HttpError:
            return False

    def ask(self, url: str) -> Response:
        """Return the answer of a verified server to a client without credentials."""
        return request(url, tls=Tls(ca=str(self.config / "pki/ca.crt")))

    def api(self, user: str = "admin") -> Api:
        """Return a client with one of the role's own certificates."""
        prefix = self.config / "pki" / user
        return Api([self.url], Tls(ca=str(self.config / "pki/ca.crt"), cert=f"{prefix}.crt", key=f"{prefix}.key"))

    def etcd_value(self, key: str) -> bytes:
        """Return what is stored in etcd, read without the API."""
        etcd = self.etcd
        credentials = [f"--cacert={etcd.ca.ca}", f"--cert={etcd.client}.crt", f"--key={etcd.client}.key"]
        command = [
            str(binary("etcdctl", etcd.binaries)),
            "get",
            key,
            "--print-value-only",
            f"--endpoints={etcd.endpoints[0]}",
        ]
        return subprocess.run([*command, *credentials], capture_output=True, check=True).stdout

    def log(self, component: str) -> str:
        """Return the log of a component."""
        return (self.directory / f"{component}.log").read_text(errors="replace")


def version(minor: str) -> str:
    """Return the version to test of a minor; skip with a reason where there is none."""
    if minor not in versions() or binary("etcd") is None:
        reason = f"Kubernetes {minor} server binaries or etcd not found below {BINARIES}"
        warnings.warn(f"NOT TESTED against the real thing: {reason}", stacklevel=2)
        pytest.skip(reason)
    return versions()[minor]
