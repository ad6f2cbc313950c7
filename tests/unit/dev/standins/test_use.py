# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins replace missing programs, and nothing else; the messages about them are true."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.standins import binaries, build, use
from dev.tools import lab

VERSION = binaries.default_version()
KUBERNETES = (*build.PROGRAMS, "kubectl")


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide all programs; a test removes those that it wants to be missing."""
    found = tmp_path / "ready"
    monkeypatch.setattr(binaries, "READY", found)
    monkeypatch.setattr(binaries, "CACHE", tmp_path)
    monkeypatch.setattr(use, "DIRECTORY", tmp_path / "rehearsal")
    monkeypatch.setattr(lab.rehearsal, "asked", lambda: "")
    for component in binaries.role_variables()["_cluster_components"]:
        below = {"kubernetes": VERSION, "cni": "cni"}.get(component["name"], "")
        for name in component["binaries"]:
            put(found / below / name)
    for name in ("coredns", "debian/kubectl"):
        put(found / name)
    return found


def put(path: Path) -> None:
    """Provide a real program, whose content is its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.name)


def stand_ins(directory: Path) -> set[str]:
    """Return the programs in a directory of binaries that are not real."""
    paths = [path for place in (directory, directory / VERSION) for path in place.iterdir() if path.is_file()]
    return {path.name for path in paths if path.read_bytes().startswith(build.FIRST_LINE)}


def lose(ready: Path, *names: str) -> None:
    """Remove programs."""
    for name in names:
        (ready / name).unlink()


def test_with_all_programs_there_is_no_rehearsal(ready: Path) -> None:
    assert (use.binary_directory(VERSION), use.notice(VERSION), use.settings(VERSION)) == (ready, "", {})


def test_with_only_flanneld_missing_pods_still_run(ready: Path) -> None:
    """Pods run then, only not from node to node."""
    lose(ready, "flanneld")
    directory = use.binary_directory(VERSION)
    assert stand_ins(directory) == {"flanneld"}
    assert (directory / VERSION / "kubelet").read_text() == "kubelet"
    assert use.settings(VERSION) == {"verify_workload": False}
    first = use.notice(VERSION).splitlines()[0]
    assert "flanneld is a stand-in" in first and "kubelet" not in first
    rows = dict(map(tuple, use.rows(VERSION)))
    assert rows.pop("flanneld") == "stand-in" and "kubelet" in next(
        name for name, what in rows.items() if what == "real"
    )


@pytest.mark.parametrize("lost", [["kubelet"], list(KUBERNETES)])
def test_the_five_programs_of_kubernetes_are_replaced_together(ready: Path, lost: list[str]) -> None:
    lose(ready, *(f"{VERSION}/{name}" for name in lost))
    directory = use.binary_directory(VERSION)
    assert stand_ins(directory) == set(build.PROGRAMS)
    assert (directory / "flanneld").read_text() == "flanneld" and (directory / "coredns").read_text() == "coredns"
    assert (directory / VERSION / "kubectl").read_text() == "kubectl"
    assert use.settings(VERSION).keys() == {"addons_wait", "addons_restart_namespaces", "verify_workload"}
    notice = use.notice(VERSION)
    assert "kubelet, kube-proxy are stand-ins" in notice and "flanneld" in notice.splitlines()[1]
    assert f"kubernetes {VERSION}: {', '.join(name for name in KUBERNETES if name in lost)}".replace(
        ", kubectl", ""
    ) in notice.replace(", kubectl", "")
    assert "dl.k8s.io" in notice, "it says where the real ones are"


def test_a_missing_program_is_real_as_soon_as_it_is_available(ready: Path) -> None:
    lose(ready, "flanneld", f"{VERSION}/kubelet")
    assert stand_ins(use.binary_directory(VERSION)) == {*build.PROGRAMS, "flanneld"}
    put(ready / "flanneld")
    assert stand_ins(use.binary_directory(VERSION)) == set(build.PROGRAMS)
    put(ready / VERSION / "kubelet")
    assert use.binary_directory(VERSION) == ready


def test_kubectl_of_debian_alone_is_no_rehearsal(ready: Path) -> None:
    lose(ready, f"{VERSION}/kubectl")
    directory = use.binary_directory(VERSION)
    assert stand_ins(directory) == set() and (directory / VERSION / "kubectl").read_text() == "kubectl"
    assert (use.notice(VERSION), use.settings(VERSION)) == ("", {})


def test_the_user_can_request_all_stand_ins_or_none(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use, "asked", lambda: "1")
    assert stand_ins(use.binary_directory(VERSION)) == {*build.PROGRAMS, "flanneld"}
    assert "make it real" not in use.notice(VERSION), "nothing is missing"
    lose(ready, "flanneld")
    monkeypatch.setattr(use, "asked", lambda: "0")
    assert (use.binary_directory(VERSION), use.notice(VERSION)) == (ready, "")


def test_without_etcd_there_is_no_cluster_of_either_kind(ready: Path) -> None:
    lose(ready, "etcd", "flanneld")
    assert (use.replaced(VERSION), use.notice(VERSION)) == ((), "")
