# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What demo, tests and rehearsals do with the programs of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import binaries, lab

KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kubelet", "kube-proxy")


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have all programs but those of Kubernetes."""
    monkeypatch.setattr(binaries, "READY", tmp_path)
    for component in binaries.role_variables()["_cluster_components"]:
        if component["name"] != "kubernetes":
            for name in component["binaries"]:
                put(tmp_path / ("cni" if component["name"] == "cni" else "") / name)
    return tmp_path


def put(path: Path) -> None:
    """Have a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.mark.parametrize(
    ("there", "wanted"),
    [([], True), (["debian/kubectl"], False), ([f"{{}}/{name}" for name in KUBERNETES], False)],
)
def test_debian_is_asked_for_kubectl_where_none_is(
    ready: Path, monkeypatch: pytest.MonkeyPatch, there: list[str], wanted: bool
) -> None:
    for name in there:
        put(ready / name.format(lab.kubernetes_version()))
    verbs: list[str] = []
    monkeypatch.setattr(lab.subprocess, "run", lambda command, **_: verbs.append(command[1]))
    lab.collect()
    assert ("binaries" in verbs) is wanted
