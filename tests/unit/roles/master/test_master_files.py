# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration files and units of the control plane, and that the role's five tasks fit together."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.repository import ROLES
from tests.support.roles.master import ha, single

UNITS = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]


def configuration(name: str, **settings: Any) -> Any:
    """Return a rendered configuration file, parsed."""
    return yaml.safe_load(ha(**settings).file(name))


def audit_level(policy: Any, **request: Any) -> str:
    """Return the level of the first rule that matches, as the apiserver decides; users are matched exactly."""

    def matches(rule: Any) -> bool:
        if "users" in rule and request.get("user") not in rule["users"]:
            return False
        if "userGroups" in rule and not set(rule["userGroups"]) & set(request.get("groups", [])):
            return False
        if "verbs" in rule and request.get("verb") not in rule["verbs"]:
            return False
        if "path" in request:
            return "resources" not in rule and any(
                request["path"].startswith(p.rstrip("*")) for p in rule.get("nonResourceURLs", [request["path"]])
            )
        return "nonResourceURLs" not in rule and any(
            entry["group"] == request.get("group", "")
            and request["resource"] in entry.get("resources", [request["resource"]])
            for entry in rule.get("resources", [{"group": request.get("group", "")}])
        )

    return str(next(rule["level"] for rule in policy["rules"] if matches(rule)))


@pytest.mark.parametrize(
    ("level", "request_"),
    [
        ("None", {"path": "/readyz", "verb": "get"}),
        ("None", {"group": "coordination.k8s.io", "resource": "leases", "verb": "update"}),
        ("None", {"resource": "nodes/status", "verb": "patch", "groups": ["system:nodes"]}),
        ("None", {"resource": "pods", "verb": "watch", "user": "system:kube-scheduler"}),
        ("Metadata", {"resource": "secrets", "verb": "create", "user": "alice"}),
        ("Metadata", {"resource": "secrets", "verb": "list", "user": "system:kube-controller-manager"}),
        ("Metadata", {"resource": "secrets", "verb": "get", "groups": ["system:nodes"]}),
        ("Metadata", {"resource": "serviceaccounts/token", "verb": "create", "groups": ["system:nodes"]}),
        ("Metadata", {"group": "authentication.k8s.io", "resource": "tokenreviews", "verb": "create"}),
        ("Metadata", {"resource": "pods/exec", "verb": "create", "user": "alice"}),
        ("Request", {"resource": "pods", "verb": "delete", "user": "alice"}),
        ("Request", {"group": "apps", "resource": "deployments", "verb": "patch", "user": "alice"}),
        ("Request", {"group": "rbac.authorization.k8s.io", "resource": "clusterrolebindings", "verb": "create"}),
        ("Metadata", {"resource": "pods", "verb": "list", "user": "alice"}),
        ("Metadata", {"group": "example.org", "resource": "things", "verb": "create"}),
    ],
)
def test_audit_policy(level: str, request_: dict[str, Any]) -> None:
    """Credentials are logged without a body, changes by users with it, heartbeats not at all."""
    assert audit_level(configuration("audit-policy.yaml"), **request_) == level


def test_audit_policy_can_be_replaced() -> None:
    """A given policy is used unchanged."""
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
    assert configuration("audit-policy.yaml", master_audit_policy=policy) == policy


def test_anonymous_access_is_limited_to_the_given_paths() -> None:
    """The default is what load balancers need; an empty list switches it off."""
    paths = [c["path"] for c in configuration("authentication.yaml")["anonymous"]["conditions"]]
    assert paths == ["/livez", "/readyz", "/healthz"]
    assert configuration("authentication.yaml", master_anonymous_paths=[])["anonymous"] == {"enabled": False}


def test_token_issuers_reach_the_authentication_file() -> None:
    """Flags for OpenID Connect are refused beside this file, so it has to take the issuers."""
    issuer = {
        "issuer": {"url": "https://id.example.org", "audiences": ["k"]},
        "claimMappings": {"username": {"claim": "sub", "prefix": ""}},
    }
    assert configuration("authentication.yaml", master_jwt_authenticators=[issuer])["jwt"] == [issuer]


def test_admission_configuration() -> None:
    """Pod Security and event limits by default; further plugins are appended, removed ones are absent."""
    more = {"name": "ImagePolicyWebhook", "path": "/etc/kubernetes/image-policy.yaml"}
    plugins = configuration("admission.yaml", master_admission_configuration=[more])["plugins"]
    assert [p["name"] for p in plugins] == ["PodSecurity", "EventRateLimit", "ImagePolicyWebhook"]
    assert plugins[0]["configuration"]["defaults"]["enforce"] == "baseline"
    assert plugins[0]["configuration"]["exemptions"]["namespaces"] == ["kube-system"]
    assert plugins[1]["configuration"]["limits"][0]["qps"] == 500
    assert [
        p["name"] for p in configuration("admission.yaml", master_admission_plugins=["NodeRestriction"])["plugins"]
    ] == ["PodSecurity"]


def test_scheduler_configuration_is_merged() -> None:
    """A given nested field leaves its neighbours alone."""
    found = configuration(
        "scheduler-config.yaml", master_scheduler_config={"clientConnection": {"qps": 100}, "parallelism": 4}
    )
    assert found["clientConnection"] == {"kubeconfig": "/etc/kubernetes/scheduler.conf", "qps": 100}
    assert found["parallelism"] == 4
    assert found["enableProfiling"] is False


@pytest.mark.parametrize("intermediate", [False, True])
def test_every_input_of_a_unit_is_written_by_the_role(intermediate: bool) -> None:
    """Without a task that writes it, a file could not cause a restart."""
    host = ha(cluster_kubelet_intermediate=intermediate)
    written = {item["path"] for item in host.value("_master_files")}
    written |= {c["path"] + suffix for c in host.value("_master_certificates") for suffix in (".crt", ".key")}
    for task in yaml.safe_load((ROLES / "master/tasks/main.yml").read_text()):
        written |= {
            k["path"].replace("{{ _master_config_dir }}", "/etc/kubernetes")
            for k in task.get("hardway.kubernetes.kubeconfig", {}).get("kubeconfigs", [])
        }
    trusted = host.value("_master_trust") + (host.value("_master_trust_in_kubelets") if intermediate else [])
    written |= {entry[k] for entry in trusted for k in ("path", "key_path") if k in entry}
    units = host.value("_master_units")
    assert [unit["name"] for unit in units] == UNITS
    for unit in units:
        assert set(unit["inputs"]) <= written, unit["name"]


def test_every_file_on_a_command_line_is_an_input() -> None:
    """Files that a process reads at its start can cause its restart; except logs and copies of kubeconfigs."""
    host = ha()
    for unit in host.value("_master_units"):
        named = {a.split("=", 1)[1] for a in host.arguments(unit["name"]) if "=/etc/kubernetes/" in a}
        assert named <= set(unit["inputs"]), unit["name"]


def test_a_restart_needs_another_master_where_there_is_one() -> None:
    """The gate queries the others for one that is ready, and none when there is none."""
    gate = ha("m2").value("_master_gate")
    assert gate["urls"] == ["https://192.0.2.1:6443/readyz", "https://192.0.2.3:6443/readyz"]
    assert gate["minimum"] == 1
    gate = single().value("_master_gate")
    assert (gate["urls"], gate["minimum"]) == ([], 0)


def test_addresses_of_version_six_are_bracketed() -> None:
    """The kubeconfigs' server is a URL."""
    assert single(cluster_node_ip="2001:db8::1").value("_master_url") == "https://[2001:db8::1]:6443"


def test_specifications_and_defaults_agree() -> None:
    """The documented defaults are the real ones, for both roles."""
    for role in ("master", "admin"):
        defaults = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())
        specifications = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text())["argument_specs"]
        options = {name: option for each in specifications.values() for name, option in each["options"].items()}
        assert set(options) == set(defaults)
        for name, option in options.items():
            if "{{" not in str(defaults[name]):
                assert option["default"] == defaults[name], name


@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_the_unit(name: str, tmp_path: Path) -> None:
    """systemd-analyze prints nothing; the program is replaced by one that exists here."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze")
    text = ha().file(f"{name}.service").replace(f"/usr/local/bin/{name}", "/bin/true")
    unit = tmp_path / f"{name}.service"
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_master_holds_the_key_of_the_root_when_an_intermediate_signs_for_kubelets() -> None:
    """Without it the key of ca is there; with it that key is removed, and only CSRs of kubelets can be signed."""
    for intermediate, held, other in ((False, "ca", "kubelet-ca"), (True, "kubelet-ca", "ca")):
        host = ha(cluster_kubelet_intermediate=intermediate)
        keys = [entry["key_path"] for entry in host.value("_master_trust") if "key_path" in entry]
        assert keys == [f"/etc/kubernetes/pki/{held}.key"]
        gone = [item["path"] for item in host.value("_master_files") if item.get("state") == "absent"][:1]
        assert gone == [f"/etc/kubernetes/pki/{other}.key"]
        flags = host.value("_master_controller_manager_defaults")
        signing = {name for name, value in flags.items() if name.startswith("cluster-signing") and value is not None}
        kind = "kubelet-client-" if intermediate else ""
        assert signing == {f"cluster-signing-{kind}cert-file", f"cluster-signing-{kind}key-file"}
