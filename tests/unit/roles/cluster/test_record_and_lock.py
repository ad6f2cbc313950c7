# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions in the cluster record, and how hosts lock the cluster in etcd."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.roles.rendered import Rendered

HOSTS = {"m1": "192.0.2.1", "e1": "192.0.2.2", "e2": "192.0.2.3", "n1": "192.0.2.4"}
GROUPS = {"master": ["m1"], "etcd": ["e1", "e2"], "node": ["n1"]}
CATALOG = {name: {"default": "1.0.0"} for name in ("kubernetes", "etcd", "containerd", "runc", "cni", "flannel")}
TESTED = {"1.36": {"etcd": "3.6.14", "coredns": "1.14.2", "pause": "3.10.2"}}


def role(host: str = "m1", groups: dict[str, list[str]] = GROUPS, **settings: Any) -> Rendered:
    """Return role cluster on a host."""
    hostvars = {name: {"ansible_host": address, **settings.pop(name, {})} for name, address in HOSTS.items()}
    found = {"_cluster_catalog": CATALOG, "_cluster_tested_with": TESTED, **settings}
    return Rendered("cluster", host, HOSTS, groups, hostvars=hostvars, **found)


@pytest.mark.parametrize(
    ("settings", "images"),
    [
        ({}, {"coredns": "1.14.2", "pause": "3.10.2"}),
        ({"_cluster_running": {"versions": {"coredns": "1.13.1"}}}, {"coredns": "1.13.1", "pause": "3.10.2"}),
        ({"addons_coredns": "no"}, {"pause": "3.10.2"}),
        ({"addons_coredns_image": "r:5000/coredns:v1.12.0@sha256:00"}, {"coredns": "1.12.0", "pause": "3.10.2"}),
        ({"addons_coredns_image": "r:5000/coredns:latest"}, {"pause": "3.10.2"}),
        ({"n1": {"containerd_pause_image": "r:5000/pause:3.9"}}, {"coredns": "1.14.2", "pause": "3.9"}),
    ],
)
def test_every_component_is_recorded_and_images_by_their_tags(settings: dict[str, Any], images: dict[str, str]) -> None:
    found = role(**settings).value("_cluster_recorded_versions")
    assert set(CATALOG) <= set(found)
    assert {name: found[name] for name in ("coredns", "pause") if name in found} == images


@pytest.mark.parametrize(
    ("host", "settings", "cert", "first"),
    [
        ("m1", {}, "apiserver-etcd-client.crt", "192.0.2.2"),
        ("m1", {"etcd_auth": True}, "apiserver-etcd-client.crt", "192.0.2.2"),
        ("e2", {}, "healthcheck-client.crt", "192.0.2.3"),
        ("e2", {"etcd_auth": "yes"}, "root.crt", "192.0.2.3"),
        ("e2", {"flannel_store": "etcd"}, "root.crt", "192.0.2.3"),
    ],
)
def test_a_host_locks_through_its_own_member_first(host: str, settings: dict[str, Any], cert: str, first: str) -> None:
    found = role(host, **settings).value("_cluster_lock_etcd")
    assert found["cert"].endswith(f"/{cert}")
    assert found["endpoints"][0] == f"https://{first}:2379" and len(found["endpoints"]) == 2
