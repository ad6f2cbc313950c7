# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host reports of its programs: by processes, else by the files on its disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import running, running_probe

RECORD: dict[str, Any] = {"name": "prod", "versions": {"runc": "1.4.3", "coredns": "1.14.2"}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/opt/hardway/etcd/3.6.14/etcd", ("etcd", "3.6.14")),
        ("/opt/hardway/kubernetes/1.35.6-ccc40a3c3c2c/kubelet", ("kubernetes", "1.35.6")),
        ("/opt/hardway/kubernetes/1.36.0-rc.1/kubelet", ("kubernetes", "1.36.0-rc.1")),
        ("/opt/hardway/runc/1.4.3/runc (deleted)", ("runc", "1.4.3")),
        ("/usr/bin/etcd", ("", "")),
        ("/usr/bin/python3.11", ("", "")),
    ],
)
def test_the_version_is_in_the_path(path: str, found: tuple[str, str]) -> None:
    assert running.placed(path) == found


def test_only_flags_that_matter_leave_the_host() -> None:
    command = ["/x", "kube-apiserver", "--service-cluster-ip-range=10.96.0.0/16", "--secret=1", "--secure-port=6443"]
    assert running.known_flags("kube-apiserver", command) == {
        "service-cluster-ip-range": "10.96.0.0/16",
        "secure-port": "6443",
    }


def test_the_command_line_is_read_from_the_unit_file() -> None:
    words = ["/usr/local/libexec/etcd-start /usr/local/bin/etcd", "--name=k1", '"--x=a b%%c$$d"']
    text = "# x\n[Service]\nExecStart=" + " \\\n  ".join(words) + "\n\nRestart=always\n"
    assert running.exec_start(text) == [
        "/usr/local/libexec/etcd-start",
        "/usr/local/bin/etcd",
        "--name=k1",
        "--x=a b%c$d",
    ]
    assert running.exec_start("[Service]\n") == []
    assert running.exec_start('[Service]\nExecStart=/x "\n') == []


@pytest.mark.parametrize("indent", [2, 4])
def test_dns_of_a_kubelet(indent: int) -> None:
    config = {"address": "192.0.2.1", "clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local", "maxPods": 110}
    text = "# managed\n" + yaml.safe_dump(config, sort_keys=False, indent=indent)
    assert running.kubelet_settings(text) == {"dns_address": "10.96.0.10", "domain": "cluster.local"}
    assert running.kubelet_settings("") == {}


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("registry.k8s.io/coredns/coredns:v1.14.2", "1.14.2"),
        ("localhost:5000/pause:3.10", "3.10"),
        ("registry.example.org/pause:latest", ""),
        ("registry.example.org:5000/pause", ""),
        ("r/coredns:v1.14.2@sha256:0123", "1.14.2"),
    ],
)
def test_the_version_of_an_image(image: str, version: str) -> None:
    assert running.image_version(image) == version
    assert running.pause_version(f'[x]\n  sandbox = "{image}"\n') == version
    coredns = {"spec": {"template": {"spec": {"containers": [{"name": "coredns", "image": image}]}}}}
    assert running.coredns_version(coredns) == version


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a directory as the disk of a host."""
    for name in ("opt", "units", "bin", "cni"):
        (tmp_path / name).mkdir()
    root = str(tmp_path / "opt")
    monkeypatch.setattr(running, "ROOT", root)
    monkeypatch.setattr(running, "PLACE", running.re.compile(running.PLACE.pattern.replace("/opt/hardway", root)))
    monkeypatch.setattr(running_probe, "UNIT_FILE", str(tmp_path / "units/{}.service"))
    monkeypatch.setattr(running_probe, "LINKS", str(tmp_path / "bin"))
    monkeypatch.setattr(running_probe, "CNI_LINKS", str(tmp_path / "cni"))
    monkeypatch.setattr(running_probe, "CONTAINERD_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setattr(running_probe, "VERSIONS", str(tmp_path / "versions.json"))
    monkeypatch.setattr(running_probe, "RECORD", str(tmp_path / "record.json"))
    return tmp_path


def install(host: Path, component: str, version: str, name: str, links: str = "bin") -> Path:
    """Install a program as module artifact does, that runs until it is stopped."""
    place = host / "opt" / component / version
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text("#!/bin/sh\n")
    (host / links / name).unlink(missing_ok=True)
    (host / links / name).symlink_to(place / name)
    return place / name


def unit(host: Path, name: str, *flags: str) -> None:
    """Write a unit file."""
    line = " \\\n  ".join([f"ExecStart={host}/bin/{name}", *flags])
    (host / f"units/{name}.service").write_text(f"[Service]\n{line}\n")


def nothing(url: str) -> None:
    """Return nothing."""
    del url


def test_a_clean_host_runs_nothing(host: Path) -> None:
    found = running_probe.running({}, ask=nothing)
    assert found == {
        "versions": {},
        "active": [],
        "flags": {},
        "kubelet": {},
        "etcd_data": False,
        "records": [],
        "stored": {},
        "api": None,
        "servers": {},
    }


def test_stopped_programs_are_reported_by_their_files(host: Path) -> None:
    install(host, "etcd", "3.6.14", "etcd")
    install(host, "containerd", "2.2.7", "containerd")
    install(host, "runc", "1.4.3", "runc")
    install(host, "cni", "1.9.1", "bridge", "cni")
    (host / "cni/calico").write_text("")
    (host / "config.toml").write_text('sandbox = "registry.k8s.io/pause:3.10.2"\n')
    unit(host, "containerd")
    unit(host, "etcd", f"--data-dir={host}/data", "--name=k1")
    (host / "data/member/wal").mkdir(parents=True)
    assert not running_probe.running({}, ask=nothing)["etcd_data"]
    (host / "data/member/wal/0.wal").write_text("")
    found = running_probe.running({}, ask=nothing)
    assert found["etcd_data"]
    assert found["active"] == []
    assert found["versions"] == {
        "etcd": "3.6.14",
        "containerd": "2.2.7",
        "runc": "1.4.3",
        "cni": "1.9.1",
        "pause": "3.10.2",
    }
    assert found["flags"]["etcd"] == {"data-dir": f"{host}/data", "name": "k1"}
    assert found["stored"]["etcd"] == {"3.6.14": ["etcd"]}


def test_a_binary_without_a_unit_is_not_in_use(host: Path) -> None:
    install(host, "kubernetes", "1.36.2", "kube-apiserver")
    assert running_probe.running({}, ask=nothing)["versions"] == {}


def test_a_process_takes_precedence_over_files(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = install(host, "kubernetes", "1.35.6", "kube-apiserver")
    install(host, "kubernetes", "1.36.2", "kube-apiserver")
    unit(host, "kube-apiserver", "--secure-port=6443")
    monkeypatch.setattr(running_probe, "_executables", lambda pid, command: [str(old)])
    monkeypatch.setattr(running_probe, "_command", lambda pid: [str(old), "--secure-port=7443"])
    found = running_probe.running({"kube-apiserver": 7}, ask=nothing)
    assert (found["versions"], found["active"]) == ({"kube-apiserver": "1.35.6"}, ["kube-apiserver"])
    assert found["flags"]["kube-apiserver"] == {"secure-port": "7443"}


def test_a_process_from_another_path_is_not_ours(host: Path) -> None:
    assert running_probe.running({"containerd": os.getpid()}, ask=nothing)["versions"] == {}


@pytest.mark.parametrize("api", [True, False])
def test_the_api_is_queried_where_it_runs(host: Path, monkeypatch: pytest.MonkeyPatch, api: bool) -> None:
    program = install(host, "kubernetes", "1.35.6", "kube-apiserver")
    unit(host, "kube-apiserver", "--bind-address=192.0.2.11", "--secure-port=6443")
    (host / "versions.json").write_text(json.dumps({"etcd": "3.6.14"}))
    monkeypatch.setattr(running_probe, "_executables", lambda pid, command: [str(program)])
    monkeypatch.setattr(
        running_probe, "_command", lambda pid: [str(program), "--bind-address=192.0.2.11", "--secure-port=6443"]
    )
    image = {"spec": {"template": {"spec": {"containers": [{"name": "coredns", "image": "x:v1.14.2"}]}}}}
    answers: dict[str, Any] = {
        f"https://192.0.2.11:6443{running_probe.COREDNS}": (200, image),
        f"https://192.0.2.11:6443{running_probe.DNS_SERVICE}": (404, {}),
        f"https://192.0.2.11:6443{running_probe.CLUSTER_RECORD}": (200, {"data": {"record.json": json.dumps(RECORD)}}),
        "https://192.0.2.12:6443/version": (200, {"gitVersion": "v1.35.5"}),
    }
    servers = ["https://192.0.2.12:6443", "https://192.0.2.13:6443"]
    found = running_probe.running({"kube-apiserver": 7 if api else 0}, servers=servers, ask=answers.get)
    assert found["api"] == ({"coredns": "1.14.2", "dns_address": ""} if api else None)
    assert found["servers"] == {"https://192.0.2.12:6443": "1.35.5"}
    intended = {"cluster": "", "versions": {"etcd": "3.6.14"}}
    assert found["records"] == [
        intended,
        *([{"cluster": "prod", "versions": RECORD["versions"], "live": True}] if api else []),
    ]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"versions": []}'])
def test_the_record_is_read_where_the_binaries_are_lost(host: Path, content: str) -> None:
    """The links are gone, too. Without a record, what a master was to deploy counts only where its API server is."""
    (host / "versions.json").write_text(json.dumps({"etcd": "3.6.14"}))
    assert running_probe.running({}, ask=nothing)["records"] == []
    (host / "record.json").write_text(json.dumps(RECORD))
    assert running_probe.running({}, ask=nothing)["records"] == [
        {"cluster": "prod", "versions": RECORD["versions"]},
        {"cluster": "", "versions": {"etcd": "3.6.14"}},
    ]
    (host / "record.json").write_text(content)
    assert not any(record["cluster"] for record in running_probe.running({}, ask=nothing)["records"])
