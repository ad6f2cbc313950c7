# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host needs that joins without Ansible."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import joining

ASKED: dict[str, Any] = {
    "node": "w9",
    "address": "192.0.2.29",
    "lifetime": "2h",
    "lifetime_max": "24h",
    "architecture": "amd64",
    "hosts": [{"host": "m1", "name": "master-1", "address": "192.0.2.11"}],
    "ranges": {"cluster_pod_cidr": "10.244.0.0/16", "cluster_service_cidr": "10.96.0.0/16"},
    "kubelet_intermediate": False,
    "flannel_store": "kubernetes",
}
CATALOG = {
    "tool": {"url": "https://example.org/tool-{version}-{arch}.tgz", "members": {"tool": "bin/tool"}},
    "plain": {"url": "https://example.org/plain.{arch}", "members": {"plain": "plain.{arch}"}},
}
DIGESTS = {name: {"1.0": {"amd64": "sha256:00ff"}} for name in CATALOG}


def test_a_host_that_can_join_has_no_problem() -> None:
    assert joining.problems(ASKED) == []
    assert joining.problems({**ASKED, "address": "2001:db8::29"}) == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"node": ""}, "node: is missing"),
        ({"node": "W9"}, "node 'W9': is not a valid node name"),
        ({"node": "w9; reboot"}, "is not a valid node name"),
        ({"node": "w" * 53}, "of at most 52 characters"),
        ({"node": "m1"}, "node m1: is in the inventory"),
        ({"node": "master-1"}, "node master-1: is in the inventory"),
        ({"address": ""}, "address: is missing"),
        ({"address": "w9.example.org"}, "is not an IP address"),
        ({"address": "192.0.2.11"}, "is that of host m1"),
        ({"address": "10.244.3.4"}, "is in cluster_pod_cidr 10.244.0.0/16"),
        ({"address": "10.96.0.9"}, "is in cluster_service_cidr"),
        ({"lifetime": "long"}, "not a duration"),
        ({"lifetime": "25h"}, "is longer than join_lifetime_max 24h"),
        ({"architecture": "riscv64"}, "join_architecture riscv64: is unknown"),
        ({"kubelet_intermediate": True}, "cluster_kubelet_intermediate"),
        ({"flannel_store": "etcd"}, "flannel_store etcd"),
    ],
)
def test_what_cannot_join_is_reported(changed: dict[str, Any], problem: str) -> None:
    (found,) = joining.problems({**ASKED, **changed})
    assert problem in found


def test_each_download_has_its_digest(tmp_path: Path) -> None:
    source = {"cache_dir": str(tmp_path), "catalog": CATALOG, "digests": DIGESTS, "mirror_url": "https://mirror"}
    parts = [{"name": name, "version": "1.0", "binaries": [name]} for name in CATALOG]
    tool, plain = joining.downloads(parts, source)
    assert tool["url"] == "https://mirror/example.org/tool-1.0-amd64.tgz"
    assert (tool["algorithm"], tool["digest"], tool["members"]) == ("sha256", "00ff", {"tool": "bin/tool"})
    assert plain["members"] == {"plain": ""} and plain["dest"] == "/usr/local/bin"
    with pytest.raises(HardwayError, match="its digest is unknown"):
        joining.downloads([{"name": "tool", "version": "2.0", "binaries": ["tool"]}], source)
    with pytest.raises(HardwayError, match="no download is known"):
        joining.downloads([{"name": "other", "version": "1.0", "binaries": ["other"]}], source)


def test_binaries_of_the_controller_are_named_with_their_digest(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    source = {"cache_dir": str(tmp_path), "binary_dir": str(tmp_path)}
    (found,) = joining.downloads([{"name": "tool", "version": "1.0", "binaries": ["tool"]}], source)
    digest = hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    assert found["url"] == "" and found["local"] == {"tool": {"path": str(tmp_path / "tool"), "sha256": digest}}


def test_files_are_moved_below_a_directory() -> None:
    entries = [
        {"path": "/etc/a", "template": "a.j2", "vars": {"x": 1}, "mode": "0755", "validate": "a %s", "secret": True},
        {"path": "/etc/b", "state": "directory"},
        {"path": "/etc/c", "state": "absent"},
        {"path": "/etc/d", "state": "file", "content": "d"},
    ]
    assert joining.files_below(entries, "/tmp/w9") == [
        {"path": "/tmp/w9/etc/a", "template": "a.j2", "vars": {"x": 1}, "secret": True, "mode": "0600"},
        {"path": "/tmp/w9/etc/d", "content": "d", "mode": "0600"},
    ]
