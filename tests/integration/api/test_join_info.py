# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook join_info writes, as a real API server and controller manager see it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Response, Tls, request
from cryptography import x509

from dev.tools.lab import tool
from tests.support.api.joining import CSRS, csr, csr_pem
from tests.support.api.kubernetes import AUTHENTICATION, RealKubernetes
from tests.support.api.programs import Issuer, need_programs
from tests.support.api.requests import until
from tests.support.hosts.site import Site
from tests.support.roles.master import single

INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
PATHS = ["/livez", "/readyz", "/healthz"]
NODE = ("-e", "node=w9", "-e", "address=192.0.2.29")


class Discovering(RealKubernetes):
    """An API server that serves cluster-info without credentials, and the controller manager that signs it."""

    def __init__(self, directory: Path) -> None:
        """Allow the path."""
        super().__init__(directory)
        anonymous = {"enabled": True, "conditions": [{"path": path} for path in (*PATHS, INFO)]}
        (directory / "authentication.json").write_text(json.dumps({**AUTHENTICATION, "anonymous": anonymous}))

    def _manager(self) -> list[str | Path]:
        """Return the command line, with the controllers of role master."""
        host = single(master_anonymous_paths=[*PATHS, INFO])
        return [*super()._manager(), f"--controllers={host.value('_master_controller_manager_defaults.controllers')}"]


# Runs the commands on a copy of this machine's directories, and shows what they leave.
PRIVATE = """set -e
mkdir -p "$1/copy"
mount -t tmpfs none "$1/copy"
for place in etc opt usr/local var/lib; do
  mkdir -p "$1/copy/$place/upper" "$1/copy/$place/work"
  mount -t overlay none -o "lowerdir=/$place,upperdir=$1/copy/$place/upper,workdir=$1/copy/$place/work" "/$place"
done
PATH="$1/stubs:$PATH" sh "$2/join.sh" || exit 9
mkdir "$1/left"
cp -rL /etc/kubernetes /var/lib/kubelet /var/lib/kube-proxy /etc/cni "$1/left"
readlink /usr/local/bin/kubelet > "$1/left/link"
"""
# Programs that this machine lacks, or that would change it.
STUBS = {"modprobe": "", "sysctl": "", "swapoff": "", "conntrack": "", "systemctl": '[ "$1" != is-active ]'}


class Operator:
    """Runs the playbook on this machine, in place of a master."""

    def __init__(self, kubernetes: RealKubernetes, repository: Path, directory: Path) -> None:
        """Write the inventory."""
        self.kubernetes, self.repository, self.directory = kubernetes, repository, directory
        self.paths = list(PATHS)

    def run(self, *arguments: str) -> str:
        """Run the playbook, require success, and return what it prints."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the playbook."""
        master = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "cluster_node_ip": "192.0.2.11",
        }
        files = self.kubernetes.arguments()
        settings = {
            "cluster_name": "real",
            "cluster_api_port": self.kubernetes.port,
            "cluster_api_endpoint": f"127.0.0.1:{self.kubernetes.port}",
            "cluster_cache_dir": str(self.directory / "cache"),
            "cluster_pki_store": "none",
            "master_anonymous_paths": self.paths,
        }
        local = {
            "_cluster_master_urls": [self.kubernetes.url],
            "_cluster_clients": {"admin": {name: files[name] for name in ("ca", "cert", "key")}},
            "_join_kubectl": str(self.kubernetes.binary("kubectl")),
            "_join_kubeconfig": str(self.kubernetes.kubeconfig),
        }
        groups = {name: {"hosts": {"m1": master}} for name in ("etcd", "master", "node")}
        inventory = self.directory / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"all": {"vars": settings, "children": groups}}))
        command = [tool("ansible-playbook"), "playbooks/join_info.yml", "-i", str(inventory), "-e", json.dumps(local)]
        return subprocess.run([*command, *arguments], cwd=self.repository, capture_output=True, text=True, check=False)

    @property
    def place(self) -> Path:
        """Return the directory of the new host."""
        return self.directory / ".joins/w9"

    @property
    def token(self) -> str:
        """Return the token in it."""
        return str(yaml.safe_load((self.place / "bootstrap.conf").read_text())["users"][0]["user"]["token"])

    def ask(self, path: str, body: Any = None, token: str | None = None) -> Response:
        """Send a request with a token, or without credentials."""
        return request(
            self.kubernetes.url + path,
            method="POST" if body else "GET",
            body=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"},
            tls=Tls(ca=str(self.kubernetes.ca.ca)),
            token=token,
        )


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKubernetes]:
    """Start an API with discovery, and bind the group of tokens as role addons does."""
    need_programs("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
    cluster = Discovering(tmp_path_factory.mktemp("kubernetes"))
    try:
        cluster.start()
        group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:bootstrappers:hardway:node"}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node-bootstrapper"}
        cluster.api().post(BINDINGS, {"metadata": {"name": "bootstrap"}, "roleRef": role, "subjects": [group]})
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def operator(kubernetes: RealKubernetes, repository: Path, tmp_path: Path) -> Operator:
    """Return who runs the playbook."""
    return Operator(kubernetes, repository, tmp_path)


def forms(secret: str, text: str) -> list[str]:
    """Return how a secret would look: as it is, and in base64, also as a part of a file."""
    words = [base64.b64encode(part.encode()).decode().rstrip("=") for part in (secret, text)]
    return [secret, *words]


@pytest.mark.long
def test_the_token_is_of_the_group_that_may_request_certificates_until_it_is_revoked(operator: Operator) -> None:
    predicted = operator.run(*NODE, "--check")
    assert "changed=" in predicted and not operator.place.exists()
    said = operator.run(*NODE, "-vvv", "--diff")
    token = operator.token
    number, _dot, secret = token.partition(".")
    assert number in said
    for form in forms(secret, (operator.place / "bootstrap.conf").read_text()):
        assert form not in said, "the secret is in the file only"
    assert {path.stat().st_mode & 0o777 for path in operator.place.parent.rglob("*") if path.is_file()} == {0o600}
    assert operator.place.stat().st_mode & 0o777 == 0o700
    assert secret not in (operator.place / "join.sh").read_text()

    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    user = operator.ask(REVIEWS, review, token).json()["status"]["userInfo"]
    assert user["username"] == f"system:bootstrap:{number}"
    assert set(user["groups"]) == {"system:bootstrappers", "system:bootstrappers:hardway:node", "system:authenticated"}
    assert operator.ask("/api/v1/nodes", token=token).status == 403, "it has no other rights"

    assert operator.run(*NODE).count("changed=0") < 2 and operator.token != token, "each run creates a token"
    listed = operator.run("-e", "list=true")
    assert number in listed and operator.token.partition(".")[0] in listed and "join_info w9" in listed
    assert secret not in listed
    assert number in operator.run("-e", f"revoke={number}", "--check")
    assert operator.ask("/version", token=token).status == 200
    assert number in operator.run("-e", f"revoke={number}")
    assert until(lambda: operator.ask("/version", token=token).status == 401, 30)
    assert operator.ask("/version", token=operator.token).status == 200, "the other one was not revoked"
    assert "No token of this collection" in operator.run("-e", f"revoke={number}")


@pytest.mark.long
def test_the_token_expires_and_its_secret_is_removed(operator: Operator, kubernetes: RealKubernetes) -> None:
    operator.run(*NODE, "-e", "lifetime=10s")
    token = operator.token
    path = f"{SECRETS}/bootstrap-token-{token.partition('.')[0]}"
    assert until(lambda: operator.ask("/version", token=token).status == 401, 30)
    assert until(lambda: not kubernetes.api().find(path), 60), "the token cleaner of the controller manager"


@pytest.mark.long
def test_the_hash_is_what_openssl_computes(operator: Operator, kubernetes: RealKubernetes) -> None:
    said = operator.run(*NODE)
    key = subprocess.run(
        ["openssl", "x509", "-in", kubernetes.ca.ca, "-pubkey", "-noout"], capture_output=True, check=True
    ).stdout
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True
    ).stdout
    assert f"sha256:{hashlib.sha256(der).hexdigest()}" in said
    assert (operator.place / "ca.crt").read_bytes() == kubernetes.ca.ca.read_bytes()


@pytest.mark.long
def test_the_csrs_of_the_host_are_issued_after_an_approval(operator: Operator, kubernetes: RealKubernetes) -> None:
    operator.run(*NODE)
    name = f"join-{operator.token.partition('.')[0]}-kubelet"
    answer = operator.ask(CSRS, csr(name, csr_pem("system:node:w9")), operator.token)
    assert answer.status == 201, answer.body
    again = operator.ask(CSRS, csr(name, csr_pem("system:node:w9")), operator.token)
    assert again.status == 409, "a name belongs to the first key"
    time.sleep(3)
    assert not (kubernetes.api().get(f"{CSRS}/{name}").get("status") or {}).get("certificate"), "not by itself"
    kubectl = [str(kubernetes.binary("kubectl")), "--kubeconfig", str(kubernetes.kubeconfig)]
    subprocess.run([*kubectl, "certificate", "approve", name], check=True, capture_output=True)

    def issued() -> str:
        return str(operator.ask(f"{CSRS}/{name}", token=operator.token).json()["status"].get("certificate", ""))

    assert until(lambda: bool(issued()), 30)
    found = issued()
    certificate = x509.load_pem_x509_certificate(base64.b64decode(found))
    assert certificate.subject.rfc4514_string() == "CN=system:node:w9,O=system:nodes"


@pytest.mark.long
def test_the_csr_of_the_expected_node_is_approved_as_at_a_bootstrap(
    operator: Operator, kubernetes: RealKubernetes, run_module: Any
) -> None:
    """By the module of role node; while the node is not in the inventory, it leaves the CSR alone."""
    operator.run(*NODE)
    number = operator.token.partition(".")[0]
    assert operator.ask(CSRS, csr(f"join-{number}-kubelet", csr_pem("system:node:w9")), operator.token).status == 201
    other = run_module("csr_approval", **kubernetes.arguments(), nodes=[{"name": "w1"}], timeout=1)
    assert f"join-{number}-kubelet" in {line["name"] for line in other["left"]}
    nodes = [{"name": "w9", "addresses": ["192.0.2.29"]}]
    requesters = [f"system:bootstrap:{number}"]
    done = run_module("csr_approval", **kubernetes.arguments(), nodes=nodes, requesters=requesters, timeout=30)
    assert done["issued"] == ["w9"], done


@pytest.mark.long
def test_cluster_info_is_published_where_the_path_is_allowed(operator: Operator, kubernetes: RealKubernetes) -> None:
    operator.run(*NODE)
    assert operator.ask(INFO).status in (403, 404) and not kubernetes.api().find(INFO), "not without being asked"
    operator.paths.append(INFO)
    operator.run(*NODE)
    assert not (operator.place / "ca.crt").exists(), "the host gets it from the API"
    assert until(lambda: operator.ask(INFO).status == 200, 30)
    assert operator.ask("/api/v1/namespaces/kube-public/configmaps").status == 401, "nothing else"
    number, _dot, secret = operator.token.partition(".")
    assert until(lambda: f"jws-kubeconfig-{number}" in operator.ask(INFO).json()["data"], 30)
    data = operator.ask(INFO).json()["data"]
    content = yaml.safe_load(data["kubeconfig"])
    assert not content["users"] and "token" not in data["kubeconfig"]
    published = base64.b64decode(content["clusters"][0]["cluster"]["certificate-authority-data"])
    assert published == kubernetes.ca.ca.read_bytes()

    def encoded(text: bytes) -> str:
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    header, empty, signature = data[f"jws-kubeconfig-{number}"].split(".")
    signed = f"{header}.{encoded(data['kubeconfig'].encode())}".encode()
    assert not empty and encoded(hmac.new(secret.encode(), signed, hashlib.sha256).digest()) == signature
    operator.run(*NODE)
    assert "jws-kubeconfig-" in str(operator.ask(INFO).json()["data"]), "a second run keeps signatures"


def start_commands(operator: Operator) -> subprocess.Popen[str]:
    """Start the printed commands, with stubs for what changes a kernel or starts units."""
    stubs = operator.directory / "stubs"
    stubs.mkdir(exist_ok=True)
    for name, text in STUBS.items():
        (stubs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {stubs}/log\n{text}\n')
        (stubs / name).chmod(0o755)
    line = ["unshare", "--mount", "sh", "-c", PRIVATE, "sh", str(operator.directory), str(operator.place)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def bring_binaries(operator: Operator, said: str) -> None:
    """Copy the binaries where the playbook says."""
    copied = re.search(r"binaries/NAME: ([^\"']+)", said)
    assert copied, said
    (operator.place / "binaries").mkdir(exist_ok=True)
    for path in map(Path, copied[1].split()):
        shutil.copy(path, operator.place / "binaries" / path.name)


@pytest.mark.needs_root
@pytest.mark.parametrize("paths", [PATHS, [*PATHS, INFO]], ids=["by the directory", "by cluster-info"])
def test_the_commands_join_a_host(operator: Operator, kubernetes: RealKubernetes, paths: list[str]) -> None:
    operator.paths = list(paths)
    binaries = operator.directory / "binaries"
    binaries.mkdir()
    listed = ["kubelet", "kube-proxy", "containerd", "containerd-shim-runc-v2", "ctr", "runc", "flanneld"]
    for name in (*listed, "bridge", "firewall", "host-local", "loopback", "portmap"):
        (binaries / name).write_text(f"#!/bin/sh\n# {name}\n")
    shutil.copy(kubernetes.binary("kubectl"), binaries / "kubectl")
    bring_binaries(operator, operator.run(*NODE, "-e", f"cluster_binary_dir={binaries}"))
    api, approved, output = kubernetes.api(), 0, []
    kubectl = [str(kubernetes.binary("kubectl")), "--kubeconfig", str(kubernetes.kubeconfig)]
    try:
        with start_commands(operator) as running:
            for line in running.stdout or ():
                output.append(line)
                if command := re.search(r"waiting for an administrator: kubectl (.*)", line):
                    subprocess.run([*kubectl, *command[1].split()], check=True, capture_output=True)
                    approved += 1
                if approved == 2 and command:
                    # In place of kubelet and controller manager.
                    api.post("/api/v1/nodes", {"metadata": {"name": "w9"}, "spec": {"podCIDR": "10.244.9.0/24"}})
                    ready = {"type": "Ready", "status": "True"}
                    api.patch("/api/v1/nodes/w9/status", {"status": {"conditions": [ready]}})
    finally:
        if api.find("/api/v1/nodes/w9"):
            api.delete("/api/v1/nodes/w9")
    said = "".join(output)
    assert running.returncode == 0 and "node w9 is Ready" in said, said
    left = operator.directory / "left"
    started = (operator.directory / "stubs/log").read_text()
    units = re.findall("enable --quiet --now (.*)", started)
    assert units == ["containerd", "kubelet kube-proxy", "flanneld"], started
    assert not (operator.place / "bootstrap.conf").exists(), "the token is removed from the host"
    assert (left / "kubernetes/pki/ca.crt").read_bytes() == kubernetes.ca.ca.read_bytes()
    assert (left / "cni/net.d").is_dir()
    assert (left / "link").read_text().startswith("/opt/hardway/kubernetes/")
    assert {path.stat().st_mode & 0o777 for path in left.rglob("*.key")} == {0o600}

    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    pem = left / "kubelet/pki/kubelet-client-current.pem"
    for suffix in (".crt", ".key"):
        shutil.copy(pem, operator.directory / f"kubelet{suffix}")
    users = {
        "system:node:w9": (operator.directory / "kubelet", {"system:nodes"}),
        "system:kube-proxy": (left / "kubernetes/pki/kube-proxy", set()),
        "flannel:w9": (left / "kubernetes/pki/flannel", {"hardway:flannel"}),
    }
    for name, (prefix, groups) in users.items():
        user = kubernetes.api(prefix).post(REVIEWS, review)["status"]["userInfo"]
        assert (user["username"], set(user["groups"])) == (name, {*groups, "system:authenticated"})
    serving = x509.load_pem_x509_certificate((left / "kubernetes/pki/kubelet.crt").read_bytes())
    names = serving.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["w9"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.29"]
    kubeconfig = yaml.safe_load((left / "kube-proxy/kubeconfig").read_text())
    assert kubeconfig["clusters"][0]["cluster"]["server"] == kubernetes.url


@pytest.mark.needs_root
def test_the_commands_stop_at_another_ca(operator: Operator, tmp_path: Path) -> None:
    operator.run(*NODE)
    other = Issuer(tmp_path / "other", "kubernetes-ca")
    shutil.copy(other.ca, operator.place / "ca.crt")
    with start_commands(operator) as running:
        said = (running.stdout or sys.stdin).read()
    assert running.returncode == 9 and "the CA is not that of the cluster real" in said, said
    assert "enable" not in (operator.directory / "stubs/log").read_text()


def test_what_cannot_join_is_refused_before_a_token_exists(operator: Operator, kubernetes: RealKubernetes) -> None:
    before = kubernetes.api().get(SECRETS)["items"]
    for arguments, problem in {
        (): "node: is missing; set the name of the new node",
        ("-e", "node=m1", "-e", "address=192.0.2.29"): "node m1: is in the inventory; add it with add.yml",
        ("-e", "node=w9", "-e", "address=192.0.2.11"): "address 192.0.2.11: is that of host m1",
        (*NODE, "-e", "lifetime=25h"): "lifetime 25h: is longer than join_lifetime_max 24h",
        (*NODE, "-e", "cluster_kubelet_intermediate=true"): "cluster_kubelet_intermediate: the masters sign",
        (*NODE, "-e", "flannel_store=etcd"): "flannel_store etcd: the host needs a certificate of etcd",
        ("-e", "revoke=abc"): "revoke: abc is not the ID of a token",
    }.items():
        done = operator.attempt(*arguments)
        said = re.sub(r"\s+", " ", done.stdout)
        assert done.returncode != 0 and problem in said, said[-3000:]
    assert {item["metadata"]["name"] for item in kubernetes.api().get(SECRETS)["items"]} <= {
        item["metadata"]["name"] for item in before
    }


def test_the_new_host_is_not_contacted(repository: Path, tmp_path: Path) -> None:
    """What is read and created in the cluster is done through a master, by its own connection."""
    site = Site(repository, tmp_path)
    site.variables["join_dir"] = str(tmp_path / "joins")
    done = site.run(*NODE, playbook="playbooks/join_info.yml")
    assert done.returncode != 0 and "touched by ansible.modules.slurp" in done.stdout, done.stdout[-3000:]
    assert {line.partition(" ")[0] for line in site.asked()} == {f"192.0.2.1{number}" for number in (1, 2, 3)}
    assert len(site.touched()) == 1 and not (tmp_path / "joins").exists()
