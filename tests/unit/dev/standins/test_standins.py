# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the stand-ins without a host: flags, fields, encryption, ownership of fields."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from dev.standins.standin.apiserver import merging
from dev.standins.standin.apiserver.encryption import Encryption
from dev.standins.standin.controllers import Controllers
from dev.standins.standin.core import kinds
from dev.standins.standin.core.client import Connection, Files
from dev.standins.standin.core.configuration import check
from dev.standins.standin.core.flags import Line, Refusal
from dev.standins.standin.core.program import Program
from dev.standins.standin.core.schema import Schema
from dev.standins.standin.kubelet import Kubelet
from tests.support.repository import REPOSITORY

DATA = REPOSITORY / "dev/standins/data"
MINORS = ["1.34", "1.35", "1.36"]


def table(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text())


def encryption(path: Path, *names: str) -> Encryption:
    """Return the encryption of Secrets with the first of the named keys."""
    keys = [{"name": name, "secret": base64.b64encode(name.encode() * 32).decode()} for name in names]
    content = {"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1"}
    resources = [{"resources": ["secrets"], "providers": [{"secretbox": {"keys": keys}}, {"identity": {}}]}]
    path.write_text(json.dumps({**content, "resources": resources}))
    return Encryption(str(path), table("1.36")["fields"], reload=False)


def test_each_key_decrypts_only_what_it_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    sealed = encryption(path, "a").seal("secrets", b"plain")
    assert sealed.startswith(b"k8s:enc:secretbox:v1:a:") and b"plain" not in sealed
    both = encryption(path, "b", "a")
    assert both.open("secrets", sealed) == both.open("secrets", b"plain") == b"plain"
    assert both.seal("secrets", b"plain").startswith(b"k8s:enc:secretbox:v1:b:")
    assert both.seal("configmaps", b"plain") == b"plain"
    with pytest.raises(ValueError, match="not large enough"):
        both.open("secrets", sealed[:-1] + b"x")
    with pytest.raises(ValueError, match="no matching prefix"):
        encryption(path, "b").open("secrets", sealed)


@pytest.mark.parametrize("minor", MINORS)
def test_flags_are_those_of_the_version(minor: str) -> None:
    known = table(minor)["flags"]["kube-apiserver"]
    line = Line(known).read(
        ["--v=2", "--profiling", "--etcd-servers=a,b", "--etcd-servers", "c", "--max-requests-inflight=5"]
    )
    wanted = {"v": 2, "profiling": True, "etcd-servers": ["a", "b", "c"], "max-requests-inflight": 5}
    assert line.values == wanted
    for wrong in ("--insecure-port=1", "--profiling=maybe", "--secure-port=x", "-profiling", "--kubeconfig"):
        with pytest.raises(Refusal):
            Line(known).read([wrong])


@pytest.mark.parametrize("minor", MINORS)
def test_fields_are_those_of_the_version(minor: str) -> None:
    fields = table(minor)["fields"]
    content = {"kind": "x", "authentication": {"x509": {"clientCAFile": "a", "other": 1}}}
    assert check(content, "KubeletConfiguration", fields) == ["authentication.x509.other"]
    for wrong in ({"port": "a"}, {"failSwapOn": 1}, {"clusterDNS": "a"}, {"port": True}):
        with pytest.raises(Refusal):
            check(wrong, "KubeletConfiguration", fields)


def test_flags_and_gates_come_and_go_with_the_version() -> None:
    has = {minor: "pod-infra-container-image" in table(minor)["flags"]["kubelet"] for minor in MINORS}
    assert has == {"1.34": True, "1.35": False, "1.36": False}
    flag = {"feature-gates": "mapStringBool"}
    for minor in MINORS:
        # SidecarContainers is locked: help no longer names it, but it is still accepted.
        Line(flag).read(["--feature-gates=SidecarContainers=true,AllBeta=false"]).check_gates(table(minor)["gates"])
        with pytest.raises(Refusal, match="unrecognized feature gate: Sidecars"):
            Line(flag).read(["--feature-gates=Sidecars=true"]).check_gates(table(minor)["gates"])


def test_a_newer_field_is_unknown_to_older_versions() -> None:
    older, newer = (set(table(minor)["fields"]["KubeletConfiguration"]) for minor in ("1.34", "1.36"))
    assert newer - older


@pytest.mark.parametrize(
    ("minor", "unknown"), [("1.34", ["spec.workloadRef"]), ("1.35", []), ("1.36", ["spec.workloadRef"])]
)
def test_objects_have_the_fields_of_the_version(minor: str, unknown: list[str]) -> None:
    schema = Schema(table("objects"), table(minor)["objects"])
    pod = {"spec": {"workloadRef": {"name": "a"}, "hostUsers": True}}
    assert schema.unknown(pod, "Pod") == unknown


def test_lists_are_merged_by_their_keys() -> None:
    schema = Schema(table("objects"), {})
    live = {"spec": {"ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 53, "protocol": "UDP"}]}}
    owners = merging.Owners([], "v1", "now")
    wanted = {"spec": {"ports": [{"port": 80, "name": "web"}]}}
    found = merging.apply(schema, "Service", live, wanted, owners, "me", False)
    assert found["spec"]["ports"][0] == {"port": 80, "protocol": "TCP", "nodePort": 30080, "name": "web"}
    assert len(found["spec"]["ports"]) == 2
    # Fields that were mine and are no longer applied are removed; those that were never mine stay.
    less = merging.apply(schema, "Service", found, {"spec": {}}, owners, "me", False)
    assert [port["port"] for port in less["spec"]["ports"]] == [53]


def test_unknown_fields_are_named_by_their_path() -> None:
    schema = Schema(table("objects"), {})
    item = {"spec": {"template": {"spec": {"containers": [{"name": "a", "imagee": "b"}]}}}, "datas": {}}
    assert schema.unknown(item, "Deployment") == ["spec.template.spec.containers[0].imagee", "datas"]


@pytest.mark.parametrize("spec", ["text", {"ports": {}}, {"ports": [{"port": True}]}, {"selector": []}])
def test_a_value_of_another_type_is_refused(spec: Any) -> None:
    with pytest.raises(ValueError, match="cannot unmarshal"):
        Schema(table("objects"), {}).unknown({"spec": spec}, "Service")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/api/v1/nodes/n1/status", ("nodes", "", "n1", "status")),
        ("/api/v1/namespaces/a", ("namespaces", "", "a", "")),
        ("/api/v1/namespaces/a/secrets", ("secrets", "a", "", "")),
        ("/apis/apps/v1/namespaces/a/deployments/b", ("deployments", "a", "b", "")),
        ("/apis/nonsense/v1/things", None),
        ("/healthz", None),
    ],
)
def test_paths_lead_to_objects(path: str, wanted: Any) -> None:
    found = kinds.target(path)
    assert (found and (found.resource.name, found.namespace, found.name, found.part)) == wanted


@pytest.mark.parametrize(
    ("given", "configured", "wanted"),
    [
        ({}, None, []),
        ({}, [{"key": "a", "effect": "NoSchedule"}], [{"key": "a", "effect": "NoSchedule"}]),
        (
            {"register-with-taints": "x/b=c:NoExecute,d:NoSchedule"},
            [{"key": "a", "effect": "NoSchedule"}],
            [{"key": "x/b", "value": "c", "effect": "NoExecute"}, {"key": "d", "effect": "NoSchedule"}],
        ),
    ],
)
def test_taints_are_those_of_flags_or_else_of_the_configuration(given: Any, configured: Any, wanted: Any) -> None:
    line = Line({"register-with-taints": "[]v1.Taint", "node-ip": "string"})
    line.read([f"--{name}={value}" for name, value in {**given, "node-ip": "192.0.2.1"}.items()])
    one = Kubelet.__new__(Kubelet)
    one.name, one.program, one.config = "n1", Program("kubelet", "1.36.2", line), {"registerWithTaints": configured}
    assert one.node()["spec"].get("taints", []) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("*", (True, True, False)),
        ("*,tokencleaner", (True, True, True)),
        ("*,-csrsigning", (False, True, False)),
        ("*,-namespace-controller,token-cleaner-controller", (True, False, True)),
        ("namespace", (False, True, False)),
    ],
)
def test_controllers_are_those_that_the_flag_names(given: str, wanted: tuple[bool, ...]) -> None:
    """By their current names or by their former ones."""
    line = Line({"controllers": "strings"}).read([f"--controllers={given}"])
    one = Controllers(Program("kube-controller-manager", "1.36.2", line, table("1.36")), Connection("", Files("")))
    names = ("certificatesigningrequest-signing", "namespace", "token-cleaner")
    assert tuple(one.enabled(f"{name}-controller") for name in names) == wanted
