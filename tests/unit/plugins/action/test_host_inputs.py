# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that decides the tasks of a host changes its digest, one thing at a time; nothing else does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible_collections.hardway.kubernetes.plugins.action import host_inputs
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._role_options import OPTIONS

from dev.tools.lab import TOP
from tests.support.ca.directory import CA, KEY, leaf

GROUPS = {"etcd": ["m1"], "master": ["m1"], "lb": [], "node": ["m1", "w1", "w2"]}
SHARED: dict[str, Any] = {"versions": {"kubernetes": "1.36.2"}, "masters": [{"host": "m1", "address": "192.0.2.11"}]}
FACTS = {"default_ipv4": {"address": "192.0.2.21"}, "kernel": "6.1.0", "cni0": {"active": True}}
# A value of each type that is nowhere a default.
VALUES: dict[str, Any] = {
    "str": "another",
    "path": "/another",
    "int": 77777,
    "float": 0.77777,
    "list": ["another"],
    "dict": {"another": "value"},
    "raw": "another",
    "bool": None,
}


class Hostvars(dict[str, Any]):
    """Hosts with their variables; a template is what a function returns."""

    def raw_get(self, host: str) -> dict[str, Any]:
        """Return the variables as they stand in the inventory."""
        return {name: "{{ template }}" if callable(value) else value for name, value in dict.get(self, host).items()}

    def __getitem__(self, host: str) -> Any:
        """Return the variables as roles see them."""
        variables = dict.get(self, host)

        class View(dict[str, Any]):
            def __getitem__(self, name: str) -> Any:
                value = variables[name]
                return value() if callable(value) else value

        return View()


@pytest.fixture
def args(tmp_path: Path) -> dict[str, Any]:
    """Return the arguments of a run, whose controller has CAs, binaries and an image."""
    files: dict[str, bytes | str] = {
        "pki/ca.crt": certificate_pem(CA),
        "pki/ca.key": key_pem(KEY),
        "pki/sa.key": key_pem(KEY),
        "pki/sa.pub": "p",
        "pki/etcd/ca.crt": certificate_pem(CA),
        "pki/secrets/keepalived.password": "p",
        "pki/rotation.json": "{}",
        "pki/admin.crt": leaf(),
        "pki/admin.key": "k",
        "pki/issued.jsonl": "",
        "pki/persons/alice.crt": leaf(),
        "bin/etcd": "program",
        "bin/1.36.2/kubelet": "program",
        "pause.tar": "image",
        "notify": "script",
        "webhook.conf": "kubeconfig",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    args = {"hosts": GROUPS["node"], "groups": GROUPS, "shared": SHARED, "pki_dir": str(tmp_path / "pki")}
    return {**args, "preflight": "_cluster_preflight", "place": tmp_path}


def digest(args: dict[str, Any], facts: dict[str, Any] | None = None, **variables: Any) -> str | None:
    """Return the digest of node w1, which has some variables and facts of its own."""
    host_inputs._files.cache_clear()
    place = args["place"]
    given = {"cluster_binary_dir": str(place / "bin"), "cluster_image_archives": [str(place / "pause.tar")]}
    given["keepalived_notify_scripts"] = [{"event": "any", "name": "a", "src": str(place / "notify")}]
    given["master_extra_files"] = [{"name": "a", "src": str(place / "webhook.conf")}, {"name": "b", "content": "c"}]
    own = {"group_names": ["node"], "_cluster_preflight": {"sources": []}, "ansible_facts": {**FACTS, **(facts or {})}}
    hostvars = Hostvars({name: {**own, **given} for name in args["hosts"]})
    hostvars["w1"] = {**own, **given, **variables}
    found: dict[str, str] = host_inputs.inputs_of(hostvars, args, "2.19")["inputs"]
    return found.get("w1")


def other(option: dict[str, Any]) -> Any:
    """Return a value of an option that is not its default."""
    if choices := [one for one in option.get("choices") or [] if one != option.get("default")]:
        return choices[0]
    kind = option.get("type", "str")
    return not option.get("default", False) if kind == "bool" else VALUES[kind]


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_of_each_role_counts(args: dict[str, Any], name: str) -> None:
    before, value = digest(args), other(OPTIONS[name][1])
    changed = digest(args, **{name: value})
    assert changed not in (None, before)
    # As it is resolved, whatever the template looks like.
    assert digest(args, **{name: lambda: value}) == changed


def test_an_address_counts_wherever_it_comes_from(args: dict[str, Any]) -> None:
    given = digest(args, ansible_host="192.0.2.7")
    # As a fact of an earlier play.
    assert digest(args, ansible_host="192.0.2.7", cluster_node_ip="192.0.2.7") == given
    assert digest(args, ansible_host="192.0.2.8") != given


@pytest.mark.parametrize(
    "path",
    [
        *("pki/ca.crt", "pki/ca.key", "pki/sa.key", "pki/sa.pub", "pki/etcd/ca.crt", "pki/rotation.json"),
        *("pki/secrets/keepalived.password", "bin/etcd", "bin/1.36.2/kubelet", "pause.tar"),
        *("notify", "webhook.conf"),
    ],
)
def test_each_file_that_hosts_get_counts(args: dict[str, Any], path: str) -> None:
    before, file = digest(args), args["place"] / path
    content = file.read_bytes()
    file.write_bytes(content + b"\n")
    changed = digest(args)
    file.unlink()
    assert len({before, changed, digest(args)}) == 3
    file.write_bytes(content)
    # A binary, an image or a file of the operator is recognized by its time.
    assert (digest(args) == before) is path.startswith("pki")


@pytest.mark.parametrize("path", ["pki/admin.crt", "pki/admin.key", "pki/issued.jsonl", "pki/persons/alice.crt"])
def test_what_stays_on_the_controller_does_not_count(args: dict[str, Any], path: str) -> None:
    before = digest(args)
    (args["place"] / path).unlink()
    assert digest(args) == before


@pytest.mark.parametrize("path", ["roles/node/templates", "roles/etcd/files", "plugins/modules", "playbooks"])
def test_each_file_of_the_collection_counts(tmp_path: Path, path: str) -> None:
    for part in ("playbooks", "plugins", "roles"):
        shutil.copytree(TOP / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    before = host_inputs.of_code(tmp_path)
    assert before == host_inputs.CODE
    file = next(one for one in sorted((tmp_path / path).rglob("*")) if one.is_file())
    file.write_bytes(file.read_bytes() + b"\n")
    assert host_inputs.of_code(tmp_path) != before


def test_groups_shared_values_and_facts_count_and_interfaces_of_pods_do_not(args: dict[str, Any]) -> None:
    before = digest(args)
    assert digest({**args, "shared": {**SHARED, "versions": {"kubernetes": "1.36.3"}}}) != before
    assert digest(args, group_names=["lb", "node"]) != before
    assert digest(args, _cluster_preflight={"sources": ["192.0.2.22"]}) != before
    for name in host_inputs.FACTS:
        another = {"address": "192.0.2.22"} if name == "default_ipv4" else "another"
        assert digest(args, {name: another}) != before
    assert digest(args, {"cni0": {"active": False}}) == before
    assert digest(args, unknown="another") == before


def test_a_value_that_cannot_be_known_leaves_the_host_without_a_digest(args: dict[str, Any]) -> None:
    def fails() -> None:
        raise AnsibleError("undefined")

    assert digest(args, node_labels=fails) is None
    (args["place"] / "pki" / "sa.key").unlink()
    assert digest(args) is None


@pytest.mark.parametrize(
    ("same", "left"),
    [
        (["m1", "w1", "w2"], ["m1", "w1", "w2"]),
        (["m1", "w2"], ["m1", "w2"]),
        (["w1", "w2"], ["w1", "w2"]),
        ([], []),
    ],
)
def test_hosts_with_the_same_digest_as_in_their_mark_are_left_alone(
    args: dict[str, Any], same: list[str], left: list[str]
) -> None:
    found = host_inputs.inputs_of(Hostvars({name: {} for name in args["hosts"]}), args, "2.19")
    marks = {name: {"up_to_date": {"inputs": found["inputs"][name] if name in same else ""}} for name in args["hosts"]}
    hostvars = Hostvars({name: {"_cluster_preflight": mark} for name, mark in marks.items()})
    assert host_inputs.inputs_of(hostvars, args, "2.19")["up_to_date"] == left


def test_the_control_plane_is_left_alone_as_a_whole() -> None:
    groups = {"etcd": ["m1", "m2"], "master": ["m1"], "lb": ["l1"], "node": ["m1", "w1"]}
    hosts = ["m1", "m2", "l1", "w1"]
    assert host_inputs.left_alone(hosts, groups, ["m1", "m2", "w1"]) == ["w1"]
    assert host_inputs.left_alone(hosts, groups, ["m1", "m2", "l1"]) == ["m1", "m2", "l1"]
