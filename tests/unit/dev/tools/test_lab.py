# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How demo, tests and rehearsals find the programs of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dev.standins import binaries
from dev.tools import demo, lab
from dev.tools.lab import Lab

KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kubelet", "kube-proxy")


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide all programs except those of Kubernetes."""
    monkeypatch.setattr(binaries, "READY", tmp_path)
    for component in binaries.role_variables()["_cluster_components"]:
        if component["name"] != "kubernetes":
            for name in component["binaries"]:
                put(tmp_path / ("cni" if component["name"] == "cni" else "") / name)
    return tmp_path


def put(path: Path) -> None:
    """Provide a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.mark.parametrize(
    ("there", "wanted"),
    [([], True), (["debian/kubectl"], False), ([f"{{}}/{name}" for name in KUBERNETES], False)],
)
def test_kubectl_comes_from_debian_where_there_is_none(
    ready: Path, monkeypatch: pytest.MonkeyPatch, there: list[str], wanted: bool
) -> None:
    for name in there:
        put(ready / name.format(lab.kubernetes_version()))
    verbs: list[str] = []
    monkeypatch.setattr(lab.subprocess, "run", lambda command, **_: verbs.append(command[1]))
    lab.collect()
    assert ("binaries" in verbs) is wanted


@pytest.mark.parametrize(
    ("asked", "lost", "words"),
    [
        ("1", [], "REHEARSAL of Kubernetes"),
        ("", ["flanneld", "etcd"], "flanneld not available: this is a REHEARSAL"),
        ("", ["kubelet"], "kube-scheduler, kubelet, kube-proxy not available: this is a REHEARSAL"),
        ("", [], "demo: no cluster today"),
        ("0", ["flanneld"], "demo: no cluster today"),
    ],
)
def test_the_demo_says_first_that_it_is_a_rehearsal(
    ready: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    asked: str,
    lost: list[str],
    words: str,
) -> None:
    """Before it searches for programs elsewhere, which takes minutes."""
    monkeypatch.setenv("HARDWAY_REHEARSAL", asked)
    monkeypatch.setattr(binaries, "CACHE", ready)
    for name in KUBERNETES:
        put(ready / lab.kubernetes_version() / name)
    for name in lost:
        (ready / ("" if name in ("etcd", "flanneld") else lab.kubernetes_version()) / name).unlink()
    monkeypatch.setattr(demo.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0))
    monkeypatch.setattr(demo, "refusal", lambda: "no cluster today")
    assert demo.up(lab.Lab("unit", "ha")) == 1
    output = capfd.readouterr()
    assert words in (output.out + output.err).splitlines()[0]


def test_hosts_of_a_test_are_not_taken_down_by_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of hosts are those of the machine; a test of another checkout is a run of its own."""
    calls: list[str] = []
    monkeypatch.setattr(Lab, "up", lambda _self, _hosts: calls.append("up"))
    monkeypatch.setattr(Lab, "down", lambda _self: calls.append("down"))
    name = f"unit-{os.getpid()}"
    with Lab(name, "ha").standing(3):
        with pytest.raises(RuntimeError, match=f"sandbox {name}: another run"), Lab(name, "ha").standing(3):
            pass
        assert calls == ["down", "up"]
    with Lab(name, "ha").standing(1):
        pass
    assert calls == ["down", "up", "down"] * 2


def test_hosts_of_killed_tests_are_taken_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(lab.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(lab.subprocess, "run", lambda command, **_: calls.append(command[1:]))
    monkeypatch.setattr(Lab, "up", lambda _self, _hosts: None)
    monkeypatch.setattr(Lab, "down", lambda _self: None)
    with Lab("killed", "ha").standing(1):
        pass
    names = ["bench", "demo", "e2e", "it4194305", "it4194305-other", f"it{os.getpid()}", "killed", "running"]
    monkeypatch.setattr(lab.state, "names", lambda: names)
    with Lab("running", "ha").standing(1):
        assert lab.take_down_abandoned() == ["it4194305", "it4194305-other", "killed"]
    assert calls == [["down", "--name", name] for name in ("it4194305", "it4194305-other", "killed")]
