# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who downloads, and how many hosts at once."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.support.repository import ROLES
from tests.support.roles.rendered import Rendered

HOSTS = {"m1": "192.0.2.1"}
MODULE = "hardway.kubernetes.artifact"


def cluster(**options: Any) -> Rendered:
    return Rendered("cluster", "m1", HOSTS, {"master": list(HOSTS)}, **options)


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({}, 0),
        ({"cluster_download_concurrency": 3}, 0),
        ({"cluster_download_from": "hosts"}, 20),
        ({"cluster_download_from": "hosts", "cluster_download_concurrency": "3"}, 3),
    ],
)
def test_only_downloads_of_hosts_are_limited(options: dict[str, Any], limit: int) -> None:
    assert cluster(**options).value("_cluster_download_throttle") == limit


def test_the_source_of_binaries_has_the_options() -> None:
    source = cluster(cluster_download_from="hosts", cluster_upload_compression="never").value("cluster_artifacts")
    assert (source["download_from"], source["compression"]) == ("hosts", "never")


@pytest.mark.parametrize(
    ("modes", "cni", "left_out"),
    [
        ({}, "flannel", set()),
        ({}, "none", {"flanneld"}),
        ({"m1": "none", "m2": "none"}, "none", {"flanneld", "kube-proxy"}),
        ({"m1": "none"}, "none", {"flanneld"}),
    ],
)
def test_binaries_that_no_host_runs_are_not_downloaded(modes: dict[str, str], cni: str, left_out: set[str]) -> None:
    hosts = {**HOSTS, "m2": "192.0.2.2"}
    hostvars: dict[str, Any] = {name: {"ansible_host": address} for name, address in hosts.items()}
    for name, mode in modes.items():
        hostvars[name]["node_kube_proxy_mode"] = mode
    groups = {"master": list(hosts), "node": list(hosts)}
    role = Rendered("cluster", "m1", hosts, groups, hostvars=hostvars, cluster_cni=cni, cluster_versions=VERSIONS)
    every, used = (
        {name for component in role.value(variable) for name in component["binaries"]}
        for variable in ("_cluster_components", "_cluster_used_components")
    )
    assert every - used == left_out


VERSIONS = dict.fromkeys(("etcd", "kubernetes", "containerd", "runc", "cni", "flannel"), "1.0.0")


def test_each_task_that_several_hosts_run_at_once_is_limited() -> None:
    tasks = {
        f"{path.relative_to(ROLES)}: {task['name']}": task
        for path in sorted(ROLES.glob("*/tasks/*.yml"))
        for task in yaml.safe_load(path.read_text()) or []
        if MODULE in task and not task.get("run_once")
    }
    assert len(tasks) == 7
    limit = "{{ _cluster_download_throttle }}"
    assert [name for name, task in tasks.items() if task.get("throttle") != limit] == []
