# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values by their types, single rules, and contradictions between values, as preflight finds them."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.options import converted
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.agreement import (
    UNSET,
    Given,
    alike_problems,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.names import (
    FOREIGN,
    group_problems,
    idle_hosts,
    name_problems,
    renamed_problems,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.option_pairs import pair_problems
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.option_rules import RULES, problem

from tests.support.repository import REPOSITORY
from tests.support.roles.rendered import Rendered


def specifications() -> dict[str, dict[str, t.Any]]:
    """Return every option of every role."""
    found: dict[str, dict[str, t.Any]] = {}
    for path in REPOSITORY.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            found |= entry.get("options") or {}
    return found


OPTIONS = specifications()


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("yes", "bool", True),
        ("off", "bool", False),
        (0, "bool", False),
        ("7", "int", 7),
        (7.0, "int", 7),
        ("0.5", "float", 0.5),
        (7, "str", "7"),
        (None, "str", ""),
        (True, "str", "true"),
        ("a, b", "list", ["a", "b"]),
        ('["a", "b"]', "list", ["a", "b"]),
        ("['a']", "list", ["a"]),
        ("[{'a': 1}]", "list", [{"a": 1}]),
        ([1, True, None], "list", ["1", "true", ""]),
        (7, "list", ["7"]),
        ("", "list", []),
        (None, "list", []),
        ('{"a": {"b": 1}}', "dict", {"a": {"b": 1}}),
        ("a=1,b=2", "dict", {"a": "1", "b": "2"}),
        ("", "dict", {}),
    ],
)
def test_valid_values_of_each_type(written: t.Any, kind: str, value: t.Any) -> None:
    found = converted(written, kind)
    assert (found, type(found)) == (value, type(value))


def test_values_of_a_mapping_as_text() -> None:
    given = {"a": True, "b": 1, "c": None, "d": 0.5, "e": "x"}
    assert converted(given, "dict", "str") == {"a": "true", "b": "1", "c": "", "d": "0.5", "e": "x"}


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("maybe", "bool"),
        (None, "bool"),
        ("x", "int"),
        (True, "int"),
        (None, "int"),
        ("x", "float"),
        ([1], "str"),
        ({"a": 1}, "list"),
        ("[1", "list"),
        (True, "list"),
        (3, "dict"),
        ("[1]", "dict"),
        ("word", "dict"),
        (float("inf"), "int"),
        (float("nan"), "int"),
        ("nan", "int"),
        ("1e400", "int"),
        (2**63, "int"),
        ("inf", "float"),
        (float("nan"), "float"),
        ("1e400", "float"),
        ("[" * 100000, "list"),
    ],
)
def test_invalid_values_of_each_type(written: t.Any, kind: str) -> None:
    with pytest.raises(HardwayError, match="is not"):
        converted(written, kind)


BAD: dict[str, list[t.Any]] = {
    "cluster_certificate_expiry": ["10y", "1 year", "8760", "0h", ""],
    "ca_expiry": ["10y"],
    "cluster_api_port": [0, 65536],
    "cluster_certificate_renew_before": [1.5, -0.1],
    "cluster_component_versions": [
        {"etcd": "3.5"},
        {"etcd": 3.5},
        {"etdc": "3.5.1"},
        {"pause": 3.1},
        {"kubernetes": "1.36.2"},
    ],
    "containerd_config": [{"plugins": {"io.containerd.grpc.v1.cri": {}}}, {"version": 2}],
    "etcd_auto_compaction_retention": ["8 hours", "1d"],
    "haproxy_check_interval": ["1 s", "1.5s", "fast"],
    "keepalived_virtual_router_id": [0, 256, 300],
    "keepalived_priority": [0, 255],
    "master_leader_elect_lease_duration": ["15", "0s", "1d"],
    "node_shutdown_grace_period": ["60", "1d"],
    "node_max_pods": [0],
}
GOOD: dict[str, list[t.Any]] = {
    "cluster_certificate_expiry": ["365d", "8760h", "720h30m"],
    "cluster_component_versions": [{}, {"etcd": "3.6.99", "pause": "3.10", "flannel": "0.27.4-rc.1"}],
    "containerd_config": [{}, {"version": 3, "plugins": {"io.containerd.cri.v1.images": {}}}],
    "etcd_auto_compaction_retention": ["8", "8h", "1h30m"],
    "haproxy_check_interval": ["1s", "500"],
    "node_shutdown_grace_period": ["0s", "60s", "1m30s", "0.5h"],
}


def test_bad_values() -> None:
    assert [(name, value) for name, values in BAD.items() for value in values if not problem(name, value)] == []


def test_good_values() -> None:
    assert [(name, value) for name, values in GOOD.items() for value in values if problem(name, value)] == []


def test_defaults_are_good_and_rules_are_of_options() -> None:
    assert set(RULES) <= set(OPTIONS)
    for name, option in OPTIONS.items():
        if "{{" not in str(option.get("default", "{{")):
            assert problem(name, converted(option["default"], option["type"])) == "", name


ENDPOINTS = Rendered("cluster", "k1", {"k1": "192.0.2.1"}, {"etcd": ["k1"]}).value(
    "_cluster_endpoints | hardway.kubernetes.endpoints('listeners', _cluster_group_names, _cluster_endpoint_names)"
)


def contradictions(groups: dict[str, list[str]], **values: t.Any) -> str:
    """Return the contradictions of values that all hosts have."""
    defaults = {
        name: option["default"] for name, option in OPTIONS.items() if "{{" not in str(option.get("default", "{{"))
    }
    return "\n".join(pair_problems(groups, lambda _host, name: {**defaults, **values}.get(name), ENDPOINTS))


ONE = {name: ["k1"] for name in ("etcd", "master", "lb", "node")}


def test_flannel_needs_kube_proxy() -> None:
    wanted = "node_kube_proxy_mode: none on k1, and flannel serves no Services; set cluster_cni to none, "
    wanted += "for a pod network that does, or another mode"
    assert contradictions(ONE, node_kube_proxy_mode="none") == wanted
    assert contradictions(ONE, node_kube_proxy_mode="none", cluster_cni="none") == ""


def test_another_network_may_have_more_addresses_than_the_range_of_a_node() -> None:
    assert "node_max_pods: 500" in contradictions(ONE, node_max_pods=500)
    assert contradictions(ONE, node_max_pods=500, cluster_cni="none") == ""


def test_defaults_do_not_contradict_each_other() -> None:
    assert contradictions(ONE) == ""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cluster_api_port": 10250}, "cluster_api_port: 10250 is the port of kubelet (on k1)"),
        ({"cluster_api_port": 2379}, "the port of etcd"),
        ({"flannel_healthz_port": 10256}, "flannel_healthz_port: 10256 is the port of kube-proxy"),
        (
            {"haproxy_loopback_bind": "127.0.0.1:10257"},
            "haproxy_loopback_bind: 10257 is the port of kube-controller-manager",
        ),
        ({"haproxy_loopback_bind": "0.0.0.0:6443"}, "6443 is the port of kube-apiserver"),
        ({"haproxy_stats_bind": "127.0.0.1:8443"}, "haproxy_stats_bind: 8443 is the port of haproxy"),
        ({"haproxy_stats_bind": "[::1]:10249"}, "haproxy_stats_bind: 10249 is the port of kube-proxy"),
        (
            {"keepalived_advert_interval": 15},
            "keepalived_health_timeout: 60 is no longer than 4 times keepalived_advert_interval 15",
        ),
        ({"cluster_node_port_range": "10000-32767"}, "10000-32767 contains 10250, the port of kubelet"),
        ({"cluster_pod_cidr": "10.1.0.0/25"}, "10.1.0.0/25 is smaller than the /24"),
        ({"cluster_pod_cidr": "10.0.0.0/7"}, "more than 65536 ranges"),
        (
            {"master_node_cidr_mask_size": 26},
            "node_max_pods: 110 on k1, but the /26 of a node has addresses for 61 pods",
        ),
        (
            {"cluster_api_vip": "192.0.2.7", "cluster_api_former_vip": "192.0.3.7"},
            "keepalived_virtual_router_id: 7 for both",
        ),
        (
            {"etcd_heartbeat_interval": 201},
            "etcd_election_timeout: 1000 is less than 5 times etcd_heartbeat_interval 201",
        ),
        (
            {"master_leader_elect_lease_duration": "10s"},
            "master_leader_elect_lease_duration: 10s, with renew_deadline 10s",
        ),
        ({"master_leader_elect_retry_period": "9s"}, "retry_period 9s; each must be longer"),
    ],
)
def test_contradictions(values: dict[str, t.Any], words: str) -> None:
    assert words in contradictions(ONE, **values)


def test_more_nodes_than_pod_ranges_are_refused() -> None:
    nodes = [f"n{number}" for number in range(256)]
    assert contradictions({"master": ["m"], "node": nodes}) == ""
    assert "has 256 ranges of /24 for 257 nodes" in contradictions({"master": ["m"], "node": [*nodes, "n256"]})


def test_another_router_for_the_former_address_is_accepted() -> None:
    both = {"cluster_api_vip": "192.0.2.7", "cluster_api_former_vip": "192.0.3.7"}
    assert contradictions(ONE, **both, keepalived_virtual_router_id=8) == ""


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("cluster_kubernets_version", "cluster_kubernetes_version"),
        ("clustr_pod_cidr", "cluster_pod_cidr"),
        ("node_label", "node_labels"),
        ("etcd_datadir", "etcd_data_dir"),
        ("flanel_backend", "flannel_backend"),
        ("renew_forced", "renew_force"),
        ("verify_imge", "verify_image"),
        # Others call it so.
        ("cluster_pod_subnet", "cluster_pod_cidr"),
        ("cluster_service_network", "cluster_service_cidr"),
        ("cluster_k8s_version", "cluster_kubernetes_version"),
        ("etcd_data_directory", "etcd_data_dir"),
    ],
)
def test_a_misspelt_variable_is_reported(name: str, right: str) -> None:
    (line,) = name_problems({name: ["k1", "k2"]}, OPTIONS, [])
    assert f"{name}: " in line and f"did you mean {right}?" in line and "k1, k2" in line
    assert name_problems({name: ["k1"]}, OPTIONS, [f"{name[:5]}*"]) == []


def test_variables_of_others_are_ignored() -> None:
    foreign = (
        "node_exporter_version node_name node_port node_version host_name host_port etcd_version "
        "etcd_backup_dir master_ip haproxy_version haproxy_frontend_port keepalived_version "
        "keepalived_instances containerd_version containerd_package flannel_version cluster_size "
        "cluster_type cluster_vip ca_cert ca_bundle admin_password admin_users addons_path verify_ssl "
        "certificates_dir ansible_host _node_labelss group_names inventory_dir nodelabels x"
    )
    assert name_problems({name: ["k1"] for name in foreign.split()}, OPTIONS, []) == []
    assert name_problems({name: ["k1"] for name in OPTIONS}, OPTIONS, []) == []
    # What is derived is no answer to a misspelt name.
    assert name_problems({"cluster_versionss": ["k1"], "cluster_versions": ["k1"]}, OPTIONS, []) == []


def test_names_of_other_tools_are_reported_where_ours_are_missing() -> None:
    assert set(FOREIGN.values()) <= set(OPTIONS)
    assert not set(FOREIGN) & set(OPTIONS)
    for name, right in {**FOREIGN, "CLUSTER_CIDR": "cluster_pod_cidr", "K8S_VER": "cluster_kubernetes_version"}.items():
        (line,) = name_problems({name: ["k1"]}, OPTIONS, [])
        assert f"did you mean {right}?" in line and "cluster_ignored_names" in line
        assert name_problems({name: ["k1"], right: ["k1"]}, OPTIONS, []) == []
        assert name_problems({name: ["k1"]}, OPTIONS, [name]) == []


def test_groups_that_resemble_ours() -> None:
    ours = {"all": ["a", "b", "c"], "etcd": ["a"], "master": ["a"], "node": ["b"]}
    assert group_problems({**ours, "etcd_prod": ["a"], "nodes": ["b"], "mongo": ["c"], "workers": ["c"]}, {}, []) == []
    (line,) = group_problems({**ours, "nodes": ["b", "c"]}, {}, [])
    assert "group nodes: c not in the group `node`" in line
    assert group_problems({**ours, "nodes": ["c"]}, {}, ["nodes"]) == []
    (line,) = group_problems({"all": ["a"], "etcd": ["a"], "master": ["a"], "workers": ["b"]}, {}, [])
    assert "group workers: b not in the group `node`" in line
    (line,) = group_problems({"all": ["a"], "etcd": ["a"], "node": ["a"], "k8s-masters": ["b"]}, {}, [])
    assert "name the group `master`" in line
    (line,) = group_problems({**ours, "Masters": ["c"]}, {}, [])
    assert "name the group `master`" in line


def test_hosts_in_no_group_of_ours() -> None:
    groups = {"all": ["a", "b", "c", "localhost"], "etcd": ["a"], "db": ["c"]}
    assert idle_hosts(groups, {}, []) == ["b", "c"]
    assert idle_hosts(groups, {}, ["db"]) == ["b"]


RENAMED = {"etcd": "prod_etcd", "master": "prod_master", "lb": "lb", "node": "prod_node"}


def test_groups_under_other_names() -> None:
    """A group of the usual name belongs to something else then, and so do hosts in no group of the cluster."""
    groups = {"all": ["a", "b", "c"], "prod_etcd": ["a"], "prod_master": ["a"], "prod_node": ["b"], "node": ["c"]}
    assert renamed_problems(RENAMED, groups, in_plays=True) == []
    assert group_problems({**groups, "nodes": ["c"], "workers": ["c"]}, RENAMED, []) == []
    (line,) = group_problems({**groups, "lbs": ["c"]}, RENAMED, [])
    assert "group lbs: c not in the group `lb`" in line, "not renamed"
    assert idle_hosts(groups, RENAMED, []) == []


def test_other_names_must_be_an_extra_variable_and_exist() -> None:
    (line,) = renamed_problems({"etcd": "prod_etcd"}, ["prod_etcd"], in_plays=False)
    assert "set in the inventory" in line and "-e @prod.yml" in line
    (line,) = renamed_problems({"etcd": "prod_etcd"}, ["etcd"], in_plays=True)
    assert "no group prod_etcd, given for etcd" in line
    (line,) = renamed_problems({"masters": "masters"}, ["masters"], in_plays=True)
    assert "masters is none of the groups etcd, master, lb, node" in line


def test_options_of_the_cluster_are_alike() -> None:
    groups = {"etcd": ["a"], "master": ["a"], "node": ["b", "c"]}
    one, two = Given("10.1.0.0/16", "10.1.0.0/16"), Given("10.2.0.0/16", "10.2.0.0/16")
    assert alike_problems({"cluster_pod_cidr": {"a": one, "b": one, "c": one}}, groups) == []
    (line,) = alike_problems({"cluster_pod_cidr": {"b": one, "c": one}}, groups)
    assert line.startswith("cluster_pod_cidr: differs between hosts (the default on a; 10.1.0.0/16 on b, c)")
    (line,) = alike_problems({"cluster_pod_cidr": {"a": one, "b": one, "c": two}}, groups)
    assert "10.1.0.0/16 on a, b; 10.2.0.0/16 on c" in line
    assert alike_problems({"cluster_node_ip": {"a": one, "b": two}}, groups) == []
    assert alike_problems({"cluster_pod_cidr": {"a": Given(UNSET)}}, groups) == []
    # Only hosts that read it: flannel's store concerns etcd, too, and none of the masters.
    assert alike_problems({"flannel_backend": {"b": one, "c": one}}, groups) == []
    assert alike_problems({"flannel_store": {"b": one, "c": one}}, groups) != []


def test_secrets_that_differ_are_not_shown() -> None:
    groups = {"etcd": ["a"], "node": ["b"]}
    given = {"a": Given("s3cret", "s3cret"), "b": Given("0ther", "0ther")}
    (line,) = alike_problems({"cluster_pki_passphrase": given}, groups)
    assert "value 1 on a; value 2 on b" in line and "s3cret" not in line and "0ther" not in line
