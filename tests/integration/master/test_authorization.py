# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorizers and identities as files, with a real API server and a real webhook: who may do what, and from when.

Files are written by module files, from what role master renders, and the server is started as its unit starts it.
"""

from __future__ import annotations

import http.server
import importlib
import io
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls, request

from tests.support.api.control_plane import ControlPlane, version
from tests.support.api.programs import Issuer
from tests.support.api.webhook import webhook_kubeconfig

pytestmark = [pytest.mark.needs_kubernetes, pytest.mark.slow]
MINOR = "1.36"
NODE, RBAC = {"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}
TOKENS = [
    {"token": "token,of:alice", "user": "alice", "uid": 7, "groups": ["people", "staff"]},
    {"token": "token-of-bob", "user": "bob", "uid": "8"},
]
POLICY = {
    "apiVersion": "abac.authorization.kubernetes.io/v1beta1",
    "kind": "Policy",
    "spec": {"group": "staff", "namespace": "*", "resource": "services", "readonly": True},
}
SERVICES, SECRETS, PODS = (f"/api/v1/namespaces/default/{name}" for name in ("services", "secrets", "pods"))


class Webhook:
    """An authorization webhook that allows reading pods and secrets, and records each question."""

    def __init__(self, directory: Path) -> None:
        """Listen on a free port of loopback."""
        self.ca = Issuer(directory, "webhook-ca")
        prefix = self.ca.issue("webhook", "webhook", hosts=["127.0.0.1"])
        self.client = self.ca.issue("client", "kube-apiserver")
        self.asked: list[tuple[str, str]] = []
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                spec = review["spec"]
                resource = spec.get("resourceAttributes", {}).get("resource", "")
                asked.append((spec["user"], resource))
                review["status"] = {"allowed": resource in ("pods", "secrets")}
                body = json.dumps(review).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{prefix}.crt", f"{prefix}.key")
        # Only the API server, by the kubeconfig that the role wrote.
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.ca.ca)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def kubeconfig(self) -> dict[str, Any]:
        """Return the kubeconfig for its client."""
        url = f"https://127.0.0.1:{self.server.server_address[1]}/authorize"
        return webhook_kubeconfig(url, self.ca.ca, self.client)


def module(name: str, **arguments: Any) -> dict[str, Any]:
    """Return the result of a module, run in this process."""
    loaded = importlib.import_module(f"ansible_collections.hardway.kubernetes.plugins.modules.{name}")
    output = io.StringIO()
    settings = {**arguments, "_ansible_remote_tmp": "/tmp"}
    with patch_module_args(settings), redirect_stdout(output), pytest.raises(SystemExit):
        loaded.main()
    return dict(json.loads(output.getvalue()))


class Master:
    """A control plane whose API server reads files of its operator."""

    def __init__(self, directory: Path) -> None:
        """Render without these files; `settings` replaces what the inventory has."""
        self.plane = ControlPlane(directory, version(MINOR))
        self.webhook = Webhook(directory / "webhook")
        self.config = self.plane.config
        self.hook_file = str(self.config / "extra/hook.conf")

    def hook(self, *expressions: str) -> dict[str, Any]:
        """Return the webhook's authorizer, with conditions."""
        webhook = {
            "timeout": "3s",
            "authorizedTTL": "1s",
            "unauthorizedTTL": "1s",
            "subjectAccessReviewVersion": "v1",
            "matchConditionSubjectAccessReviewVersion": "v1",
            "failurePolicy": "NoOpinion",
            "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": self.hook_file},
            "matchConditions": [{"expression": expression} for expression in expressions],
        }
        return {"type": "Webhook", "name": "hook", "webhook": webhook}

    def apply(self, **settings: Any) -> dict[str, Any]:
        """Validate and write the files, as the role's tasks do; return what module files did, or why one failed."""
        host = self.plane.host
        host.variables.update(settings)
        host.templar = host.templar.copy_with_new_env(available_variables=host.variables)
        config = host.value("_master_authorization")
        if config:
            written = host.value("_master_extra_entries[:-1] | map(attribute='path')")
            binary = str(self.plane.binaries / "kube-apiserver")
            found = module("authorization_check", config=config, binary=binary, written=list(written))
            if found.get("failed"):
                return found
        files = []
        for item in host.value("_master_files"):
            # The control plane has its own keys and certificates already.
            if not item["path"].startswith(f"{self.config}/") or item["path"].startswith(f"{self.config}/pki"):
                continue
            entry = {name: value for name, value in item.items() if name not in ("template", "vars")}
            if "template" in item and item.get("state", "file") == "file":
                entry["content"] = host.render(item)
            files.append(entry)
        return module("files", files=files)

    def loaded(self, **options: Any) -> dict[str, Any]:
        """Wait until the running server has loaded its file."""
        pki = self.config / "pki"
        return module(
            "authorization_check",
            state="loaded",
            path=str(self.config / "authorization.yaml"),
            servers=[self.plane.url],
            ca=str(pki / "ca.crt"),
            cert=str(pki / "admin.crt"),
            key=str(pki / "admin.key"),
            **options,
        )

    def start(self) -> int:
        """Start the API server with the flags of its unit; return its process."""
        self.plane.programs.stop("kube-apiserver") if "kube-apiserver" in self.plane.programs.running else None
        self.plane.launch("kube-apiserver")
        self.plane.programs.wait_until("kube-apiserver", lambda: self.plane.answers(self.plane.url + "/readyz"))
        return self.process()

    def process(self) -> int:
        """Return the number of the running API server."""
        running: subprocess.Popen[bytes] = self.plane.programs.running["kube-apiserver"]
        assert running.poll() is None
        return running.pid

    def status(self, token: str, path: str) -> int:
        """Return how the API answers the bearer of a token."""
        return request(self.plane.url + path, tls=Tls(ca=str(self.config / "pki/ca.crt")), token=token).status

    def becomes(self, status: int, token: str, path: str) -> bool:
        """Return whether the API answers so soon: decisions of a webhook are cached for a second."""
        return wait_until(lambda: self.status(token, path), lambda found: found == status, timeout=10)[0]


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Master]:
    """Start etcd and an API server with static tokens, ABAC and a webhook that is asked about pods only."""
    running = Master(tmp_path_factory.mktemp("authorization"))
    try:
        running.plane.etcd.start("m1")
        applied = running.apply(
            master_static_tokens=TOKENS,
            master_abac_policy=[POLICY],
            master_extra_files=[{"name": "hook.conf", "content": running.webhook.kubeconfig()}],
            master_authorization_config={
                "authorizers": [NODE, RBAC, running.hook("request.resourceAttributes.resource == 'pods'")]
            },
        )
        assert applied["changed"], applied
        running.start()
        yield running
    finally:
        running.plane.stop()
        running.webhook.server.shutdown()


def authorizers(master: Master, *expressions: str) -> dict[str, Any]:
    return {"authorizers": [NODE, RBAC, master.hook(*expressions)]}


def test_static_tokens_are_users_with_groups(master: Master) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    for token in TOKENS:
        answer = request(
            f"{master.plane.url}/apis/authentication.k8s.io/v1/selfsubjectreviews",
            method="POST",
            body=json.dumps(review).encode(),
            headers={"Content-Type": "application/json"},
            tls=Tls(ca=str(master.config / "pki/ca.crt")),
            token=str(token["token"]),
        )
        user = answer.json()["status"]["userInfo"]
        assert (user["username"], user["uid"]) == (token["user"], str(token["uid"]))
        assert set(user["groups"]) == {*token.get("groups", []), "system:authenticated"}
    assert master.status("token-of-no-user", "/version") == 401
    log = master.plane.log("kube-apiserver")
    assert not [token for token in TOKENS if str(token["token"]) in log]
    assert (master.config / "static-tokens.csv").stat().st_mode & 0o777 == 0o600


def test_abac_allows_what_its_policies_say(master: Master) -> None:
    assert master.status("token,of:alice", SERVICES) == 200
    assert master.status("token-of-bob", SERVICES) == 403, "not in the group"
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"ports": [{"port": 1}]}}
    answer = request(
        master.plane.url + SERVICES,
        method="POST",
        body=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        tls=Tls(ca=str(master.config / "pki/ca.crt")),
        token="token,of:alice",
    )
    assert answer.status == 403, "the policy is for reading"


def test_a_changed_condition_of_the_webhook_is_loaded_without_a_restart(master: Master) -> None:
    """The webhook would allow both, but is asked only where its condition holds."""
    process = master.process()
    assert master.apply(
        master_authorization_config=authorizers(master, "request.resourceAttributes.resource == 'pods'")
    )
    assert master.loaded().get("failed") is None
    assert master.becomes(200, "token-of-bob", PODS)
    assert master.becomes(403, "token-of-bob", SECRETS)
    assert ("bob", "pods") in master.webhook.asked
    assert ("bob", "secrets") not in master.webhook.asked, "the condition is evaluated by the API server"

    changed = master.apply(
        master_authorization_config=authorizers(
            master, "request.resourceAttributes.resource == 'secrets'", "request.user != 'alice'"
        )
    )
    assert changed["paths"] == {str(master.config / "authorization.yaml"): ["content"]}
    found = master.loaded()
    assert found["reloaded"] > 0
    assert master.becomes(200, "token-of-bob", SECRETS)
    assert master.becomes(403, "token-of-bob", PODS)
    assert master.status("token,of:alice", SECRETS) == 403, "all conditions must hold"
    assert master.process() == process
    again = master.apply()
    assert not again["changed"]


def test_an_expression_that_does_not_compile_is_refused_before_it_is_written(master: Master) -> None:
    before = (master.config / "authorization.yaml").read_bytes()
    kept = master.plane.host.variables["master_authorization_config"]
    for expression, words in (
        ("request.user ==", "Syntax error"),
        ("request.users == 'bob'", "undefined field 'users'"),
        ("request.user", "must evaluate to bool"),
    ):
        found = master.apply(master_authorization_config=authorizers(master, expression))
        assert found["failed"] and words in found["msg"], found
        assert "authorizers[2].matchConditions[0].expression" in found["msg"]
        assert "etcd-servers" not in found["msg"], "flags that it was not given are no error"
    lost = authorizers(master, "true")
    lost["authorizers"][2]["webhook"]["connectionInfo"]["kubeConfigFile"] = "/no/such.conf"
    assert "/no/such.conf" in master.apply(master_authorization_config=lost)["msg"]
    assert (master.config / "authorization.yaml").read_bytes() == before
    master.apply(master_authorization_config=kept)


def test_a_file_that_the_server_refused_is_reported(master: Master) -> None:
    """Written by hand: the server goes on with the former one, and the next run says so, or repairs it."""
    path = master.config / "authorization.yaml"
    good = path.read_text()
    other = path.with_suffix(".new")
    other.write_text(good.replace("type: RBAC", "type: NoSuch"))
    other.chmod(0o600)
    other.rename(path)
    found = master.loaded(timeout=20)
    assert found["failed"] and "kube-apiserver has refused it, and authorizes by the former one" in found["msg"]
    assert master.plane.api().get("/api/v1/namespaces/default")
    assert master.apply()["paths"] == {str(path): ["content"]}
    assert master.loaded().get("failed") is None


def test_files_that_are_no_longer_listed_are_removed(master: Master) -> None:
    """And with them flags and file: RBAC alone decides after the restart."""
    found = master.apply(
        master_authorization_config={}, master_static_tokens=TOKENS[:1], master_abac_policy=[], master_extra_files=[]
    )
    assert found["paths"][str(master.config / "extra")] == ["removed"]
    assert found["paths"][str(master.config / "authorization.yaml")] == ["removed"]
    assert found["paths"][str(master.config / "abac-policy.jsonl")] == ["removed"]
    assert "--authorization-mode=Node,RBAC" in master.plane.host.arguments("kube-apiserver")
    master.start()
    assert master.status("token,of:alice", "/version") == 200
    assert master.status("token,of:alice", SERVICES) == 403
    assert master.status("token-of-bob", "/version") == 401


def test_abac_alone_needs_no_configuration(master: Master) -> None:
    master.apply(master_abac_policy=[POLICY])
    assert "--authorization-mode=Node,RBAC,ABAC" in master.plane.host.arguments("kube-apiserver")
    master.start()
    assert master.status("token,of:alice", SERVICES) == 200
    assert master.status("token,of:alice", PODS) == 403
