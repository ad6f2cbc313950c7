# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles containerd, node, flannel and addons would write, on hosts of different kinds."""

from __future__ import annotations

import json
from typing import Any

import pytest
import tomllib
import yaml

from tests.support.roles.node import GROUPS, host, render

CONTAINER = {
    "cgroup_version": 1,
    "cgroup_controllers": ["memory"],
    "cap_sys_resource": False,
    "conntrack_writable": False,
    "kernel_defaults_ok": False,
    "resolv_conf": "/run/systemd/resolve/resolv.conf",
    "swap": True,
}


def test_kubelet_follows_a_modern_host() -> None:
    config = host().value("_node_kubelet_config")
    assert config["cgroupDriver"] == "systemd" and config["failCgroupV1"] is True
    assert config["protectKernelDefaults"] is True and config["failSwapOn"] is True
    assert config["podPidsLimit"] == 4096
    assert config["authentication"]["anonymous"]["enabled"] is False and config["readOnlyPort"] == 0


def test_kubelet_follows_a_container_host() -> None:
    config = host(features=CONTAINER).value("_node_kubelet_config")
    assert config["cgroupDriver"] == "cgroupfs" and config["failCgroupV1"] is False
    assert config["protectKernelDefaults"] is False and config["failSwapOn"] is False
    assert config["podPidsLimit"] == -1
    assert config["resolvConf"] == "/run/systemd/resolve/resolv.conf"


def test_kube_proxy_leaves_a_foreign_connection_table_alone() -> None:
    assert host(features=CONTAINER).value("_node_kube_proxy_config.conntrack") == {"maxPerCore": 0, "min": 0}
    assert host().value("_node_kube_proxy_config.conntrack") == {}


@pytest.mark.parametrize(
    ("label", "own"),
    [
        ("disk", True),
        ("example.com/rack", True),
        ("notkubernetes.io/rack", True),
        ("node.kubernetes.io/pool", True),
        ("a.node.kubernetes.io/pool", True),
        ("topology.kubernetes.io/zone", True),
        ("node-role.kubernetes.io/worker", False),
        ("kubernetes.io/anything", False),
        ("node-restriction.kubernetes.io/x", False),
        ("sub.k8s.io/x", False),
    ],
)
def test_a_node_sets_only_labels_that_it_may_set(label: str, own: bool) -> None:
    node = host(node_labels={label: "x", "plain": "y"})
    flags = node.value("_node_kubelet_args['node-labels']")
    assert (f"{label}=x" in flags.split(",")) is own
    assert "plain=y" in flags


def test_master_taint_is_for_masters_beside_other_nodes() -> None:
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    assert host("m1").value("_node_taints") == [taint]
    assert host("n1").value("_node_taints") == []
    alone = host("m1", members={"etcd": ["m1"], "master": ["m1"], "node": ["m1"]})
    assert alone.value("_node_taints") == []


def test_kubelet_unit_quotes_and_names_the_server() -> None:
    text = render(host(node_kubelet_args={"v": 4, "node-ip": None, "x": "a b"}), "node", "kubelet.service.j2")
    assert "# Joined to https://192.0.2.11:6443" in text
    assert '  --v=4 \\\n  "--x=a b"\n' in text
    assert "--node-ip" not in text and "--node-labels" not in text


def test_containerd_config_is_what_containerd_reads() -> None:
    registries = [
        {"host": "reg.example:5000", "username": "u", "password": 'p"w', "ca": "PEM"},
        {
            "host": "docker.io",
            "username": "d",
            "password": "e",
            "mirrors": [{"url": "https://mirror.example/v2", "override_path": True}],
        },
        {"host": "old.example", "state": "absent"},
    ]
    extra = {"plugins": {"io.containerd.cri.v1.images": {"max_concurrent_downloads": 9}}}
    node = host(features=CONTAINER, containerd_registries=registries, containerd_config=extra)
    config = tomllib.loads(node.value("_containerd_files[0].content"))
    images = config["plugins"]["io.containerd.cri.v1.images"]
    assert images["max_concurrent_downloads"] == 9
    assert images["registry"]["configs"]["reg.example:5000"]["auth"] == {"username": "u", "password": 'p"w'}
    runtime = config["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is False
    assert node.value("_containerd_files[0].secret") is True
    files = {entry["path"]: entry for entry in node.value("_containerd_registry_files")}
    assert files["/etc/containerd/certs.d/old.example"]["state"] == "absent"
    hosts = tomllib.loads(
        render(node, "containerd", "hosts.toml.j2", **files["/etc/containerd/certs.d/docker.io/hosts.toml"]["vars"])
    )
    # The real registry of Docker Hub's images; credentials are looked up by that name.
    assert hosts["server"] == "https://registry-1.docker.io"
    assert images["registry"]["configs"]["registry-1.docker.io"]["auth"] == {"username": "d", "password": "e"}
    assert hosts["host"]["https://mirror.example/v2"] == {"capabilities": ["pull", "resolve"], "override_path": True}
    private = files["/etc/containerd/certs.d/reg.example:5000/hosts.toml"]["vars"]
    assert tomllib.loads(render(node, "containerd", "hosts.toml.j2", **private))["ca"] in files


def test_containerd_is_modern_by_default() -> None:
    config = tomllib.loads(host().value("_containerd_files[0].content"))
    runtime = config["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is True
    assert runtime["restrict_oom_score_adj"] is False
    assert "configs" not in config["plugins"]["io.containerd.cri.v1.images"]["registry"]


def test_flannel_network_and_bridge_take_overrides() -> None:
    node = host(
        flannel_backend="wireguard",
        flannel_network_config={"Backend": {"PersistentKeepaliveInterval": 25}},
        flannel_bridge_config={"mtu": 1400},
    )
    network, draft = (json.loads(node.value(f"_flannel_files[{index}].content")) for index in (0, 1))
    assert network["Backend"] == {"Type": "wireguard", "PersistentKeepaliveInterval": 25}
    assert draft["plugins"][0]["mtu"] == 1400 and draft["plugins"][0]["type"] == "bridge"
    unit = render(node, "flannel", "flanneld.service.j2")
    assert "--kube-subnet-mgr=true" in unit and "--iface=192.0.2.21" in unit and "Environment=NODE_NAME=n1" in unit


@pytest.mark.parametrize(
    ("variables", "range_of_pods"),
    [
        ({"flannel_backend": "wireguard"}, "10.244.0.0/16"),
        ({"flannel_network_config": {"Network": "10.9.0.0/16", "Backend": {"Type": "wireguard"}}}, "10.9.0.0/16"),
        ({"flannel_backend": "wireguard", "flannel_network_config": {"Backend": {"Type": "vxlan"}}}, None),
        ({"flannel_backend": "vxlan"}, None),
        ({"flannel_backend": "host-gw"}, None),
    ],
)
def test_routes_of_another_backend_do_not_lead_past_wireguard(variables: dict, range_of_pods: str | None) -> None:
    unit = render(host(**variables), "flannel", "flanneld.service.j2")
    flush = f"ExecStartPre=-/usr/sbin/ip route flush root {range_of_pods} proto boot\n"
    assert flush in unit if range_of_pods else "route flush" not in unit


def test_rbac_rules_are_minimal() -> None:
    objects = list(yaml.safe_load_all(render(host("m1"), "addons", "rbac.yaml.j2")))
    rules = [rule for item in objects for rule in item.get("rules", [])]
    assert rules == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch"]},
    ]
    assert all(item["metadata"]["labels"] == {"app.kubernetes.io/part-of": "hardway-rbac"} for item in objects)


def test_coredns_manifest_renders() -> None:
    settings = {"addons_coredns_upstreams": [], "addons_coredns_extra_config": "example.org {\n    whoami\n}"}
    objects = {
        item["kind"]: item for item in yaml.safe_load_all(render(host("m1", **settings), "addons", "coredns.yaml.j2"))
    }
    corefile = objects["ConfigMap"]["data"]["Corefile"]
    assert "forward" not in corefile and corefile.endswith("example.org {\n    whoami\n}\n")
    assert objects["Service"]["spec"]["clusterIP"] == "10.96.0.10"


def test_only_a_node_that_is_added_registers_with_the_taint_of_joining_nodes() -> None:
    joining = {"key": "hardway/joining", "effect": "NoSchedule"}
    scope = {"deploys": ["m1", "n1"], "joins": ["n1"]}
    assert host("n1", _cluster_scope=scope).value("_node_final_kubelet_config")["registerWithTaints"] == [joining]
    assert joining not in host("m1", _cluster_scope=scope).value("_node_taints")
    assert host("n1", _cluster_scope=scope, _node_is_registered=True).value("_node_taints") == []


def test_nodes_keep_the_labels_and_taints_of_the_inventory() -> None:
    master = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    own = {"key": "disk", "value": "slow", "effect": "PreferNoSchedule"}
    hostvars = {
        "m1": {"inventory_hostname": "m1", "ansible_host": "192.0.2.11"},
        "n1": {"inventory_hostname": "n1", "ansible_host": "192.0.2.21", "node_labels": {"disk": "ssd"}},
    }
    hostvars["n1"]["node_taints"] = [own]
    m1, n1 = host("m1", hostvars=hostvars).value("_addons_nodes")
    assert m1 == {"name": "m1", "labels": {"node-role.kubernetes.io/control-plane": ""}, "taints": [master]}
    assert n1 == {"name": "n1", "labels": {"disk": "ssd"}, "taints": [own]}
    hostvars["m1"]["node_master_taint"] = False
    assert host("m1", hostvars=hostvars).value("_addons_nodes")[0]["taints"] == []


def test_the_proxys_password_is_in_no_unit() -> None:
    """Every user may query systemd for a unit's Environment, no other user reads the file."""
    url = 'http://user:p"a$s%s@proxy:3128'
    node = host(containerd_http_proxy=url)
    dropin = render(node, "containerd", "proxy.conf.j2", **node.variables)
    assert dropin.splitlines()[1:] == ["[Service]", "EnvironmentFile=/etc/containerd/proxy.env"]
    text = render(node, "containerd", "proxy.env.j2", **node.variables)
    assert r'HTTPS_PROXY="http://user:p\"a\$s%s@proxy:3128"' in text.splitlines()
    files = {item["path"]: item for item in node.value("_containerd_files")}
    secret = files["/etc/containerd/proxy.env"]
    assert (secret["mode"], secret["secret"], secret["state"]) == ("0600", True, "file")
    states = {item["path"]: item.get("state") for item in host().value("_containerd_files")}
    assert states["/etc/containerd/proxy.env"] == "absent"


def test_another_node_changes_nothing_in_the_others_no_proxy() -> None:
    device = {"device": "eth0", "ipv4": {"address": "192.0.2.21", "netmask": "255.255.255.0"}}
    facts = {"interfaces": ["eth0"], "eth0": device}
    few = host(ansible_facts=facts).value("containerd_no_proxy")
    more = {**GROUPS, "node": ["m1", "n1", "n2"]}
    assert few == host(ansible_facts=facts, members=more).value("containerd_no_proxy")
    assert few.split(",")[-2:] == ["192.0.2.21", "192.0.2.0/24"]
    assert host(ansible_facts={}).value("containerd_no_proxy").split(",")[-1] == "192.0.2.21"


@pytest.mark.parametrize(
    ("settings", "content"),
    [
        ({}, "[Login]\nInhibitDelayMaxSec=60s\n"),
        ({"node_shutdown_grace_period": "2m"}, "[Login]\nInhibitDelayMaxSec=2m\n"),
        ({"node_kubelet_config": {"shutdownGracePeriod": "90s"}}, "[Login]\nInhibitDelayMaxSec=90s\n"),
        ({"node_shutdown_grace_period": "0s"}, None),
    ],
)
def test_a_shutdown_waits_for_the_pods(settings: dict[str, Any], content: str | None) -> None:
    """The name sorts after those of Ubuntu's unattended-upgrades and of the kubelet."""
    files = {item["path"].rpartition("/")[2]: item for item in host(**settings).value("_node_files")}
    file = files["zz-hardway-kubernetes.conf"]
    assert file["state"] == ("absent" if content is None else "file")
    assert content is None or file["content"].endswith(content)
    assert max("unattended-upgrades-logind-maxdelay.conf", "99-kubelet.conf", *files) == max(files)
    assert file["path"] in host().value("_node_kubelet_unit.inputs")
