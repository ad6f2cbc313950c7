# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node in a network of its own, with exactly what roles node and flannel render; and checks of it."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.template import trust_as_template
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, request
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.support.api.joining import CSRS
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import Issuer, Programs
from tests.support.api.requests import NEVER, until
from tests.support.repository import ROLES
from tests.support.roles.master import Host, command_line
from tests.support.roles.rendered import role_variables

ADDRESS = "192.0.2.21"
FEATURES = {
    "cgroup_version": 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1,
    "conntrack_writable": False,
    "swap": True,
}
NEW_NETWORK = 0x40000000
COMMANDS = (
    "link set lo up",
    "link add near type veth peer name far",
    "link set near up",
    "link set far up",
    f"address add {ADDRESS}/24 dev near",
    "route add default via 192.0.2.1",
)


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """Use a new network while the block runs: what the real programs write there is removed with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/ns/net").open(encoding="utf-8") as before:
        if libc.unshare(NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        try:
            for command in COMMANDS:
                subprocess.run(["ip", *command.split()], check=True)
            yield
        finally:
            libc.setns(before.fileno(), NEW_NETWORK)


class Node:
    """Files and programs of one node, below one directory."""

    def __init__(self, directory: Path, cluster: RealKubernetes, **settings: Any) -> None:
        """Render the roles and issue the certificates."""
        self.directory, self.cluster = directory, cluster
        self.programs = Programs(directory)
        self.pki = directory / "etc/kubernetes/pki"
        roles = {name: value for role in ("node", "flannel") for name, value in role_variables(role).items()}
        given = {
            "ansible_search_path": [str(ROLES / "flannel")],
            "ansible_facts": {"host_features": FEATURES},
            "cluster_api_url": cluster.url,
            "cluster_node_ip": ADDRESS,
            "flannel_interface": ADDRESS,
            "flannel_public_ip": ADDRESS,
            "node_kubelet_args": {"root-dir": "/var/lib/kubelet", "cert-dir": "/var/lib/kubelet/pki"},
        }
        given["node_kubelet_args"] |= settings.pop("node_kubelet_args", {})
        groups = {"etcd": ["m1"], "master": ["m1"], "node": ["n1"]}
        self.host = Host("n1", {"m1": "192.0.2.11", "n1": ADDRESS}, groups, **{**roles, **given, **settings})
        self.commands: dict[str, list[str]] = {}
        self.environment = {"NODE_NAME": "n1"}
        for item in [*self.host.value("_node_files"), *self.host.value("_flannel_files")]:
            self._write(item)
        self._identities()

    def _write(self, item: dict[str, Any]) -> None:
        """Write one file of a role; of a unit only the command line counts."""
        role = "flannel" if "flannel" in item["path"] else "node"
        if "template" in item:
            text = (ROLES / role / "templates" / item["template"]).read_text()
            name = Path(item["path"]).stem
            self.commands[name] = command_line(self.moved(str(self.host.templar.template(trust_as_template(text)))))
        elif "content" in item:
            self.write(item["path"], self.moved(item["content"]))

    def moved(self, text: str) -> str:
        """Return text with all paths below our directory."""
        for place in ("/etc/kubernetes", "/etc/kube-flannel", "/var/lib/kube", "/run/flannel"):
            text = text.replace(place, f"{self.directory}{place}")
        return text

    def write(self, path: str, text: str) -> None:
        """Write a file at its place below our directory."""
        place = self.directory / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def _identities(self) -> None:
        """Write CA, certificates and kubeconfigs, as the roles' tasks say."""
        self.pki.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.cluster.ca.ca, self.pki / "ca.crt")
        for wanted in (*self.host.value("_node_certificates"), *self.host.value("_flannel_certificates")):
            groups = [name["O"] for name in wanted.get("names", [])]
            self.issue(Path(wanted["path"]).name, wanted["common_name"], groups, wanted.get("sans", []))
        self.kubeconfig("/var/lib/kube-proxy/kubeconfig", "kube-proxy")
        self.kubeconfig("/etc/kubernetes/flannel.conf", "flannel")
        self.kubeconfig("/etc/kubernetes/bootstrap-kubelet.conf", token="abcdef.0123456789abcdef")

    def issue(self, name: str, common_name: str, groups: Any = (), hosts: Any = (), by: Issuer | None = None) -> None:
        """Issue a certificate and put it where the node has it."""
        made = (by or self.cluster.ca).issue(f"node-{name}", common_name, groups=groups, hosts=hosts)
        for suffix in (".crt", ".key"):
            shutil.copy(f"{made}{suffix}", self.pki / f"{name}{suffix}")

    def kubeconfig(self, path: str, certificate: str = "", token: str = "") -> None:
        """Write a kubeconfig with files, or a token."""
        pair = {"client-certificate": f"{self.pki}/{certificate}.crt", "client-key": f"{self.pki}/{certificate}.key"}
        cluster = {"server": self.cluster.url, "certificate-authority": f"{self.pki}/ca.crt"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": token} if token else pair}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        self.write(path, json.dumps(content))

    def launch(self, component: str) -> None:
        """Start one program with the command line of its unit."""
        environment = ["env", *(f"{name}={value}" for name, value in self.environment.items())]
        self.programs.start(component, [*environment, self.cluster.binary(component), *self.commands[component][1:]])

    def log(self, component: str) -> str:
        """Return the log of a program."""
        return (self.directory / f"{component}.log").read_text(errors="replace")

    def inspect(self, component: str, cause: str = NEVER) -> str:
        """Start a program and check whether it does what others wait for; return the finding, or nothing.

        A test that expects a failure names the cause in the log, and waits no longer than for that.
        """
        self.launch(component)
        process, truth = self.programs.running[component], getattr(self, "_" + component.replace("-", "_"))

        def settled() -> bool:
            return truth() is not None or process.poll() is not None or bool(re.search(cause, self.log(component)))

        until(settled)
        if process.poll() is not None:
            return f"{component} ends: {self.log(component)}"
        found = truth()
        return f"{component} does not get anywhere: {self.log(component)}" if found is None else str(found)

    def _kubelet(self) -> str | None:
        """Wait for the CSR that a kubelet creates first."""
        for csr in self.cluster.api().get(CSRS)["items"]:
            asked = x509.load_pem_x509_csr(base64.b64decode(csr["spec"]["request"])).subject
            names = [str(name.value) for name in asked.get_attributes_for_oid(NameOID.COMMON_NAME)]
            return "" if names == ["system:node:n1"] else f"kubelet asks to be {names}"
        return None

    def _kube_proxy(self) -> str | None:
        """Query its health, which depends on what it could read."""
        with contextlib.suppress(HttpError):
            return "" if request("http://127.0.0.1:10256/healthz").status == 200 else None
        return None

    def _flanneld(self) -> str | None:
        """Wait for the lease that pods get their addresses from."""
        path = self.directory / "run/flannel/subnet.env"
        if not path.is_file() or "FLANNEL_SUBNET=" not in path.read_text():
            return None
        return "" if "FLANNEL_SUBNET=10.244.7.1/24" in path.read_text() else "flanneld has a foreign lease"


TOKEN = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": "system:bootstrappers:hardway:node",
}
