# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark over simulated hosts: its inventories, its table, and which state it reuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dev.bench import scale


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a directory for the benchmark."""
    monkeypatch.setattr(scale, "HOME", tmp_path)
    return tmp_path


def test_hosts_have_addresses_of_their_own_and_masters_are_no_nodes() -> None:
    made = scale.inventory(1000)["all"]
    addresses = {host["ansible_host"] for host in made["hosts"].values()}
    assert len(addresses) == len(made["hosts"]) == 1000 and scale.VIRTUAL not in addresses
    groups = {name: set(group["hosts"]) for name, group in made["children"].items()}
    assert groups["etcd"] == groups["master"] == groups["lb"] and len(groups["etcd"]) == scale.MASTERS
    assert len(groups["node"]) == 997 and not groups["node"] & groups["etcd"]


def test_a_host_added_changes_no_other_host() -> None:
    small, large = scale.inventory(10)["all"]["hosts"], scale.inventory(11)["all"]["hosts"]
    assert {name: large[name] for name in small} == small and len(large) == 11


def test_every_program_of_the_catalog_has_a_file(tmp_path: Path) -> None:
    scale.write_binaries(tmp_path)
    catalog = yaml.safe_load(scale.CATALOG.read_text(encoding="utf-8"))["_cluster_catalog"]
    assert {path.name for path in tmp_path.iterdir()} >= {*catalog["kubernetes"]["members"], *catalog["cni"]["members"]}


def test_the_table_has_a_column_for_each_figure() -> None:
    measured = scale.Measured("x", 10, 0, 1.0, 1.0, 0.1, 80, 90, "Pss", 1, 2, 3, 4, 5, 6, 7, 8.0)
    assert len(measured.row()) == len(scale.HEADING)


def test_the_inventory_is_what_ansible_reads(home: Path) -> None:
    cluster = scale.Cluster(5)
    cluster.write_inventory(5)
    hosts = yaml.safe_load((cluster.inventory / "hosts.yml").read_text(encoding="utf-8"))
    assert list(hosts["all"]["hosts"]) == ["m1", "m2", "m3", "w0001", "w0002"]
    given = yaml.safe_load((cluster.inventory / "group_vars" / "all.yml").read_text(encoding="utf-8"))
    assert given["ansible_connection"] == "simulated"


def test_a_finished_cluster_is_reused_as_long_as_the_code_is_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, runs = scale.Cluster(5), []

    def play(name: str, _arguments: list[str]) -> scale.Measured:
        runs.append(name)
        return scale.Measured(name, 5, 0, 1.0, 1.0, 0.1, 80, 90, "Pss", 1, 2, 3, 4, 0 if runs[1:] else 9, 6, 7, 8.0)

    monkeypatch.setattr(cluster, "play", play)
    monkeypatch.setattr(scale, "code", lambda: "one")
    cluster.prepare()
    assert len(runs) == 2, "until a run changes nothing"
    cluster.prepare()
    assert len(runs) == 2
    monkeypatch.setattr(scale, "code", lambda: "two")
    cluster.prepare()
    assert len(runs) > 2
