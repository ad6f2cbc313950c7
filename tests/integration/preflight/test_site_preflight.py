# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml itself refuses bad input before it contacts any host.

The hosts of these inventories do not exist and their connection is a program that records that it was asked:
whoever touches a host before the checks have passed leaves a trace.
"""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

ALL_GROUPS = ("etcd", "master", "lb", "node")


class Site:
    """A directory with an inventory of three hosts that nobody can reach, and the playbook run against it."""

    def __init__(self, repository: Path, directory: Path) -> None:
        self.repository = repository
        self.directory = directory
        self.touched = directory / "touched"
        self.ssh = directory / "ssh"
        self.ssh.write_text(f'#!/bin/sh\necho "$@" >> {self.touched}\nexit 255\n')
        self.ssh.chmod(0o755)

    def run(self, variables: dict[str, t.Any], groups: dict[str, dict[str, t.Any]]) -> subprocess.CompletedProcess[str]:
        """Run site.yml with the good values changed by variables and the groups replaced by groups."""
        three = {f"k{n}": {"ansible_host": f"192.0.2.1{n}"} for n in (1, 2, 3)}
        inventory = {
            "all": {
                "vars": {
                    "ansible_ssh_executable": str(self.ssh),
                    "cluster_api_vip": "192.0.2.100",
                    "cluster_cache_dir": str(self.directory / "cache"),
                    **variables,
                },
                "children": {name: {"hosts": groups.get(name, three)} for name in ALL_GROUPS},
            }
        }
        (self.directory / "hosts.yml").write_text(yaml.safe_dump(inventory))
        return subprocess.run(
            ["ansible-playbook", "site.yml", "-i", str(self.directory / "hosts.yml")],
            cwd=self.repository,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a fresh site."""
    return Site(repository, tmp_path)


BAD: list[tuple[str, dict[str, t.Any], dict[str, dict[str, t.Any]], list[str]]] = [
    ("overlap", {"cluster_pod_cidr": "10.96.0.0/12"}, {}, ["cluster_pod_cidr", "10.96.0.0/12", "disjoint"]),
    ("malformed", {"cluster_service_cidr": "10.96.0.0/99"}, {}, ["cluster_service_cidr", "10.96.0.0/99", "write"]),
    ("vip-of-host", {"cluster_api_vip": "192.0.2.12"}, {}, ["cluster_api_vip", "192.0.2.12", "free address"]),
    ("no-master", {}, {"master": {}}, ["group master", "no host", "put at least one"]),
    ("even-etcd", {}, {"etcd": {"k1": {}, "k2": {}}}, ["group etcd", "2 members", "use 1 or 3"]),
    ("lb-without-vip", {"cluster_api_vip": ""}, {}, ["group lb", "cluster_api_vip", "set"]),
    ("version", {"cluster_kubernetes_version": "1.12.0"}, {}, ["cluster_kubernetes_version", "1.12.0", "use"]),
    ("small", {"cluster_service_cidr": "10.96.0.0/30"}, {}, ["cluster_service_cidr", "too small", "/27"]),
    ("name", {}, {"node": {"k1": {}, "Bad_Name": {"ansible_host": "192.0.2.14"}}}, ["Bad_Name", "valid node name"]),
    ("same-address", {}, {"node": {"k4": {"ansible_host": "192.0.2.11"}}}, ["k4", "192.0.2.11", "cluster_node_ip"]),
    ("same-name", {}, {"node": {"k4": {"ansible_host": "192.0.2.14", "cluster_node_name": "k1"}}}, ["k4", "k1", "own"]),
]


@pytest.mark.parametrize(("variables", "groups", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_ends_before_any_host_is_contacted(
    site: Site, variables: dict[str, t.Any], groups: dict[str, dict[str, t.Any]], words: list[str]
) -> None:
    result = site.run(variables, groups)
    assert result.returncode != 0
    assert not site.touched.exists(), site.touched.read_text()
    lines = [line for line in result.stdout.splitlines() if all(word in line for word in words)]
    assert lines, result.stdout + result.stderr


def test_an_unreachable_host_is_named_with_all_the_others(site: Site) -> None:
    result = site.run({}, {})
    assert result.returncode != 0
    for host in ("k1", "k2", "k3"):
        assert f"host {host}: not reached" in result.stdout, result.stdout + result.stderr
