# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role master's command lines and files against the real binaries of every available version."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ApiError

from tests.support.api.control_plane import COMPONENTS, ControlPlane, version, versions
from tests.support.api.programs import BINARIES
from tests.support.roles.master import ha

pytestmark = [pytest.mark.needs_kubernetes, pytest.mark.slow]
SHORT_KEY = [{"name": "key1", "secret": "c2hvcnQ="}]
BROKEN_POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "All"}]}
MINORS = ["1.34", "1.35", "1.36"]
# Fields of objects, and the minors that have them.
FIELDS = {
    ("nodes", "Node", "status", "declaredFeatures"): {"1.35", "1.36"},
    ("namespaces/default/pods", "Pod", "spec", "workloadRef"): {"1.35"},
    ("namespaces/default/pods", "Pod", "spec", "schedulingGroup"): {"1.36"},
    ("namespaces/default/pods", "Pod", "spec", "hostUsers"): set(MINORS),
}


def unknown_flags(component: str, path: Path, arguments: list[str]) -> list[str]:
    """Return the flags that a program's own help does not list."""
    text = subprocess.run([path / component, "--help"], capture_output=True, text=True, check=False).stdout
    known = set(re.findall(r"^ {2,6}(?:-\w, )?--([\w-]+)", text, re.MULTILINE))
    return sorted({a.removeprefix("--").split("=", 1)[0] for a in arguments} - known)


def eventually(truth: Callable[[], Any], seconds: float = 20) -> Any:
    """Return the first true result, or the last one."""
    deadline = time.monotonic() + seconds
    while not (result := truth()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return result


@pytest.fixture(scope="module", params=MINORS)
def control_plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Start the control plane of each version once."""
    wanted = version(request.param)
    running = ControlPlane(tmp_path_factory.mktemp("master"), wanted)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("component", COMPONENTS)
def test_every_flag_exists(minor: str, component: str) -> None:
    """Also those that only a cluster with several masters has."""
    path = BINARIES / version(minor)
    arguments = ha().arguments(component)
    assert unknown_flags(component, path, arguments) == []
    assert unknown_flags(component, path, [*arguments, "--no-such-flag=1"]) == ["no-such-flag"]


@pytest.mark.parametrize(
    ("settings", "component", "complaint"),
    [
        ({"apiserver": {"no-such-flag": 1}}, "kube-apiserver", "unknown flag: --no-such-flag"),
        ({"apiserver": {"anonymous-auth": False}}, "kube-apiserver", "anonymous-auth flag cannot be set"),
        ({"apiserver": {"oidc-issuer-url": "https://id.example.org"}}, "kube-apiserver", "mutually exclusive"),
        ({"master_admission_plugins": ["NoSuchPlugin"]}, "kube-apiserver", "NoSuchPlugin"),
        ({"master_pod_security_enforce": "strict"}, "kube-apiserver", "strict"),
        ({"master_event_rate_limits": [{"type": "Planet", "qps": 1, "burst": 1}]}, "kube-apiserver", "Planet"),
        ({"_master_encryption_keys": SHORT_KEY}, "kube-apiserver", "secret is not of the expected length"),
        ({"master_audit_policy": BROKEN_POLICY}, "kube-apiserver", "All"),
        ({"master_scheduler_config": {"noSuchField": 1}}, "kube-scheduler", "noSuchField"),
        ({"master_scheduler_config": {"leaderElection": {"leaseDuration": "1s"}}}, "kube-scheduler", "LeaseDuration"),
    ],
)  # fmt: skip
def test_invalid_settings_are_refused(settings: dict[str, Any], component: str, complaint: str, tmp_path: Path) -> None:
    """The real program ends with a reason: what passes the other tests is really read."""
    newest = list(versions())[-1:] or ["1.36"]
    broken = ControlPlane(tmp_path, version(newest[0]), **settings)
    try:
        broken.etcd.start("m1")
        broken.launch(component)
        assert broken.programs.running[component].wait(30) != 0
    finally:
        broken.stop()
    assert complaint.lower() in broken.log(component).lower()


def test_clients_without_credentials_see_only_health(control_plane: ControlPlane) -> None:
    """The authentication file is in force."""
    for path in ("/livez", "/readyz", "/healthz"):
        # A busy machine may be unhealthy for a moment; a refused client gets 401.
        answered, status = wait_until(
            lambda path=path: control_plane.ask(control_plane.url + path).status, lambda found: found == 200, timeout=30
        )
        assert answered, f"{path}: {status}"
    for path in ("/version", "/api", "/openid/v1/jwks"):
        assert control_plane.ask(control_plane.url + path).status == 401, path


def test_loopback_servers_show_our_certificates(control_plane: ControlPlane) -> None:
    """Controller manager and scheduler are verified by the cluster's CA and show nothing without credentials."""
    for port in (control_plane.manager_port, control_plane.scheduler_port):
        seen = [
            control_plane.ask(f"https://127.0.0.1:{port}{path}").status
            for path in ("/healthz", "/metrics", "/configz", "/debug/pprof/")
        ]
        assert seen[0] == 200
        assert set(seen[1:]) <= {401, 403, 404}


def test_secrets_are_encrypted_in_etcd_and_their_content_stays_out_of_the_audit_log(
    control_plane: ControlPlane,
) -> None:
    """etcdctl, not the API, reads what is stored."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "probe"},
        "stringData": {"word": "do-not-tell"},
    }
    control_plane.api().post("/api/v1/namespaces/default/secrets", secret)
    stored = control_plane.etcd_value("/registry/secrets/default/probe")
    assert stored.startswith(b"k8s:enc:secretbox:v1:key1:")
    log = (control_plane.directory / "log/audit.log").read_text()
    events = [json.loads(line) for line in log.splitlines()]
    (created,) = [e for e in events if e["verb"] == "create" and (e.get("objectRef") or {}).get("name") == "probe"]
    assert (created["level"], created["user"]["username"]) == ("Metadata", "kubernetes-admin")
    assert "do-not-tell" not in log
    assert "ZG8tbm90LXRlbGw" not in log
    assert not [e for e in events if (e.get("objectRef") or {}).get("resource") == "leases"]


def test_pod_security_and_scheduling(control_plane: ControlPlane) -> None:
    """A privileged pod is refused outside the exempt namespace; a plain one is bound to a node with a pod range."""
    api = control_plane.api()
    node = api.post("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
    condition = {"type": "Ready", "status": "True", "lastHeartbeatTime": "2100-01-01T00:00:00Z"}
    capacity = {"cpu": "4", "memory": "4Gi", "pods": "10"}
    api.patch(
        "/api/v1/nodes/n1/status",
        {"status": {"conditions": [condition], "capacity": capacity, "allocatable": capacity}},
    )
    node = eventually(lambda: (n := api.get("/api/v1/nodes/n1")) and n["spec"].get("podCIDR") and n)
    assert node["spec"]["podCIDR"] == "10.244.0.0/24"
    assert eventually(lambda: api.find("/api/v1/namespaces/default/serviceaccounts/default"))

    def pod(namespace: str, name: str, **security: Any) -> dict[str, Any]:
        container = {"name": "c", "image": "example.org/none", "securityContext": security}
        spec = {"containers": [container], "tolerations": [{"operator": "Exists"}]}
        return api.post(
            f"/api/v1/namespaces/{namespace}/pods",
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec},
        )

    with pytest.raises(ApiError, match="violates PodSecurity"):
        pod("default", "powerful", privileged=True)
    assert eventually(lambda: api.find("/api/v1/namespaces/kube-system/serviceaccounts/default"))
    pod("kube-system", "powerful", privileged=True)
    pod("default", "plain")
    placed = eventually(lambda: api.get("/api/v1/namespaces/default/pods/plain")["spec"].get("nodeName"))
    assert placed == "n1"


def test_objects_have_the_fields_of_the_version(control_plane: ControlPlane) -> None:
    """A field of another minor is refused by name where fields are validated."""
    for (place, kind, part, name), minors in FIELDS.items():
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "fields"}, part: {name: None}}
        try:
            control_plane.api().post(f"/api/v1/{place}?fieldValidation=Strict&dryRun=All", body)
            unknown = False
        except ApiError as exc:
            unknown = f'unknown field "{part}.{name}"' in str(exc)
        known = control_plane.binaries.name.rpartition(".")[0] in minors
        assert unknown is not known, (control_plane.binaries.name, name)


def test_leases_are_held_with_the_times_given(control_plane: ControlPlane) -> None:
    """Both leader elections use the settings."""
    for component in COMPONENTS[1:]:
        path = f"/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/{component}"
        lease = eventually(lambda path=path: control_plane.api().find(path))["spec"]
        assert lease["leaseDurationSeconds"] == 6
        assert lease["holderIdentity"]


def test_identities_have_the_permissions_that_they_need(control_plane: ControlPlane) -> None:
    """The admin has all permissions; the kubelet client none until role addons binds it."""
    assert control_plane.api("admin").get("/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin")
    with pytest.raises(ApiError) as refused:
        control_plane.api("apiserver-kubelet-client").get("/api/v1/nodes")
    assert refused.value.status == 403


def test_components_log_no_deprecations_and_no_refusals(control_plane: ControlPlane) -> None:
    """No flag or field is deprecated, and no client is refused once the RBAC rules are in place."""
    for component in COMPONENTS:
        complaints = [
            line
            for line in control_plane.log(component).splitlines()
            if re.search(r"deprecat|unknown field|will be ignored", line, re.I)
        ]
        assert complaints == [], component


def test_stopping_apiserver_serves_on_while_it_is_not_ready(tmp_path: Path) -> None:
    """During the delay a load balancer sees it unready and clients notice nothing; it ends cleanly."""
    newest = list(versions())[-1:] or ["1.36"]
    stopping = ControlPlane(tmp_path, version(newest[0]), master_shutdown_delay=6)
    try:
        stopping.etcd.start("m1")
        stopping.launch("kube-apiserver")
        process = stopping.programs.running["kube-apiserver"]
        stopping.programs.wait_until("kube-apiserver", lambda: stopping.answers(stopping.url + "/readyz"))
        api = stopping.api()
        api.get("/api/v1/namespaces/default")
        began = time.monotonic()
        process.terminate()
        # Within the delay, but on busy processors it may take its time.
        assert eventually(lambda: not stopping.answers(stopping.url + "/readyz"), 4)
        served = 0
        while time.monotonic() - began < 5.5:
            assert api.get("/api/v1/namespaces/default")
            served += 1
        assert served > 3
        assert process.wait(30) == 0
        assert time.monotonic() - began >= 6
    finally:
        stopping.stop()
