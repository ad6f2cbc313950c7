# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three hosts that fetch their own binaries from a mirror; the controller sends none."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dev.standins.binaries import READY, architecture, ready_versions, role_variables
from dev.tools.lab import variables
from tests.support.hosts.cluster import Cluster
from tests.support.needs import need_cluster, need_versions

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

KUBERNETES = "1.36.3"


def versions() -> dict[str, str]:
    """Return versions for which the catalog has no digests: the contents are not those of upstream's releases."""
    return {**ready_versions(), "kubernetes": KUBERNETES, "containerd": "2.1.99", "cni": "1.1.1"}


def write_mirror(directory: Path) -> dict[str, Any]:
    """Pack the binaries as upstream does; return the digests."""
    digests: dict[str, Any] = {}
    for component, version in versions().items():
        described = role_variables()["_cluster_catalog"][component]
        place = READY / {"kubernetes": version, "cni": "cni"}.get(component, "")
        words = {"version": version, "arch": architecture()}
        path = directory / described["url"].format(**words).partition("//")[2]
        path.parent.mkdir(parents=True)
        if path.suffix in (".gz", ".tgz"):
            with tarfile.open(path, "w:gz", compresslevel=1) as archive:
                for name, member in described["members"].items():
                    archive.add(place / name, member.format(**words))
        else:
            path.symlink_to(place / next(iter(described["members"])))
        digests[component] = {version: {architecture(): f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"}}
    return digests


@contextmanager
def serving(cluster: Cluster, directory: Path) -> Iterator[Path]:
    """Serve a directory to the hosts; yield the file with the begin and end of each answer."""
    cluster.settings["cluster_mirror_url"] = f"http://{cluster.controller}:8000"
    with cluster.beside("mirror_server.py", cluster.controller, str(directory)) as answers:
        yield answers


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return three hosts without binaries."""
    need_cluster()
    need_versions(KUBERNETES)
    made = Cluster("e2e-downloads", ["etcd=n1", "master=n1", "lb=", "node=n1,n2,n3"])
    with made.standing(3):
        made.forget("cluster_binary_dir", "cluster_component_versions", "cluster_kubernetes_version")
        others = {name: version for name, version in versions().items() if name != "kubernetes"}
        made.settings = {
            "cluster_kubernetes_version": KUBERNETES,
            "cluster_component_versions": others,
            "cluster_cache_dir": str(made.directory / "cache"),
            "cluster_download_from": "hosts",
            "cluster_download_concurrency": 2,
        }
        yield made


def test_each_host_downloads_what_it_runs(cluster: Cluster, tmp_path: Path) -> None:
    cluster.settings["cluster_artifact_digests"] = write_mirror(tmp_path)
    with serving(cluster, tmp_path) as answers:
        assert cluster.run("--check").status == 0
        assert answers.read_text() == "ready\n"
        sent = cluster.sent_bytes()
        done = cluster.deploy("-v")
        sent = cluster.sent_bytes() - sent
        lines = [line.split() for line in answers.read_text().splitlines()[1:]]
        asked = Counter((client, path) for what, client, path in lines if what == "begin")
        print(json.dumps([[*key, count] for key, count in asked.items()], indent=1))
        # No file twice to the same host, and never more hosts at once than allowed.
        assert set(asked.values()) == {1} and len({client for client, _path in asked}) == 3
        busy, most = Counter[str](), 0
        for what, client, _path in lines:
            busy[client] += 1 if what == "begin" else -1
            most = max(most, sum(1 for count in busy.values() if count))
        assert most == 2
        size = {path: (tmp_path / path.lstrip("/")).stat().st_size for _client, path in asked}
        downloaded = sum(size[path] for _client, path in asked)
        images = 3 * sum(Path(archive).stat().st_size for archive in variables().get("cluster_image_archives", []))
        rest = sent - downloaded - images
        print(f"{downloaded / 1e6:.0f} MB downloaded, {images / 1e6:.0f} MB of images, {rest / 1e6:.1f} MB beside")
        # That is no program of Kubernetes.
        assert 0 < rest < 40e6
        assert sum(map(int, re.findall(r"bytes_downloaded: (\d+)", done.output))) == downloaded
        assert "MB sent by the controller" not in done.output
        again = cluster.deploy()
        assert again.changed == {}
    # Nothing is needed of the mirror any more.
    cluster.visit()
    assert cluster.deploy().changed == {}


def test_a_wrong_file_on_the_mirror_stops_before_any_change(cluster: Cluster, tmp_path: Path) -> None:
    cluster.settings["cluster_artifact_digests"]["etcd"] = {"3.5.31": {architecture(): f"sha256:{'0' * 64}"}}
    cluster.settings["cluster_component_versions"]["etcd"] = "3.5.31"
    path = tmp_path / "github.com/etcd-io/etcd/releases/download/v3.5.31"
    path.mkdir(parents=True)
    (path / f"etcd-v3.5.31-linux-{architecture()}.tar.gz").write_bytes(b"wrong")
    before = cluster.starts()
    with serving(cluster, tmp_path):
        done = cluster.run()
    assert done.status != 0 and "etcd 3.5.31" in done.output, done.output[-3000:]
    assert not any("etcd" in name for name in done.changed), done.changed
    assert cluster.starts() == before
