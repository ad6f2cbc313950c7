# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reset takes for its own, and in which order it removes it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import former_settings, reset
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.reset import Reset
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import Seen

OURS = "# Managed by Ansible (hardway.kubernetes); changes made here are lost.\n[Unit]\n"


class Host:
    """A host below a directory, whose units run until they are stopped."""

    def __init__(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Redirect all directories that the module knows."""
        self.top = top
        self.calls: list[str] = []
        names = {"OURS": "etc/systemd", "STAMPS": "records/units", "RECORDS": "records", "BINARIES": "opt/hardway"}
        for name, path in names.items():
            monkeypatch.setattr(reset, name, str(top / path))
        monkeypatch.setattr(reset, "TRACES", (str(top / "records"), str(top / "opt/hardway")))
        monkeypatch.setattr(reset, "LINKS", (str(top / "bin"),))
        monkeypatch.setattr(reset, "Systemd", lambda _run: self)
        monkeypatch.setattr(former_settings, "RECORD", str(top / "records/former-settings.json"))
        monkeypatch.setattr(reset.mounts, "read", list)

    def write(self, path: str, text: str = "x") -> Path:
        """Write a file."""
        found = self.top / path
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_text(text)
        return found

    def show(self, names: Sequence[str]) -> dict[str, Seen]:
        """Return units that have a file as running."""
        stopped = [call.partition(" ")[2] for call in self.calls if call.startswith("stop ")]
        return {
            name: Seen("loaded", active="inactive" if name in stopped else "active", file_state="enabled")
            if (self.top / "etc/systemd" / name).exists()
            else Seen()
            for name in names
        }

    def do(self, *words: str) -> None:
        """Note a command."""
        self.calls.append(" ".join(words))

    def reset(self, delete_data: bool = False, **part: Any) -> Reset:
        """Return the reset of one part."""
        lists: dict[str, list[str]] = {
            name: [] for name in ("units", "directories", "files", "marked_files", "data", "if_empty")
        }
        found = {"name": "part", "expected": False, **lists, **part}
        params = {"parts": [found], "pods": {}, "socket": "/none", "users": [], "delete_data": delete_data}
        return Reset(params, lambda command, text=None: (1, "", "not run"))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """Return a host on which something was deployed."""
    found = Host(tmp_path, monkeypatch)
    found.write("records/units/none")
    return found


def test_a_host_without_our_records_is_not_touched(host: Host, tmp_path: Path) -> None:
    """It may have an etcd of others, in the same place."""
    host.write("etc/systemd/etcd.service", OURS)
    host.write("records/units/none").unlink()
    os.removedirs(tmp_path / "records/units")
    found = host.reset(units=["etcd.service"], directories=[str(tmp_path / "etc")], expected=True)
    assert found.plan() == []
    found.run()
    assert host.calls == [] and (tmp_path / "etc/systemd/etcd.service").exists()


@pytest.mark.parametrize(
    ("evidence", "ours"),
    [("", False), ("text", True), ("stamp", True), ("drop-in", True), ("group", True)],
)
def test_whose_a_part_is(host: Host, tmp_path: Path, evidence: str, ours: bool) -> None:
    """Of a host that is not, or no longer, in the group of the part, only its units show it."""
    host.write("etc/systemd/etcd.service", OURS if evidence == "text" else "[Unit]\n")
    host.write("conf/etcd.conf")
    if evidence == "stamp":
        host.write("records/units/etcd.service.json")
    if evidence == "drop-in":
        host.write("etc/systemd/etcd.service.d/hardway.conf")
    found = host.reset(units=["etcd.service"], directories=[str(tmp_path / "conf")], expected=evidence == "group")
    assert ("stop etcd.service" in found.plan()) is ours
    found.run()
    assert (tmp_path / "conf/etcd.conf").exists() is not ours
    assert ("stop etcd.service" in host.calls) is ours
    assert not (tmp_path / "records").exists()


def test_the_order_and_that_the_records_go_last(host: Host, tmp_path: Path) -> None:
    for name in ("kubelet.service", "kube-proxy.service"):
        host.write(f"etc/systemd/{name}", OURS)
    host.write("kubelet/pods/x")
    host.write("opt/hardway/kubernetes/kubelet")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/kubelet").symlink_to(tmp_path / "opt/hardway/kubernetes/kubelet")
    (tmp_path / "bin/other").symlink_to(tmp_path / "opt/other")
    found = host.reset(
        units=["kubelet.service", "kube-proxy.service"], directories=[str(tmp_path / "kubelet")], expected=True
    )
    plan = [step.replace(str(tmp_path), "") for step in found.plan()]
    assert plan == [
        *("stop kubelet.service", "stop kube-proxy.service"),
        *("delete /kubelet", "delete /opt/hardway", "delete /bin/kubelet"),
        *("delete /etc/systemd/kubelet.service", "delete /etc/systemd/kube-proxy.service"),
        "delete /records",
    ]
    found.run()
    assert host.calls[:3] == [
        "stop kubelet.service",
        "stop kube-proxy.service",
        "disable --quiet kubelet.service kube-proxy.service",
    ]
    assert sorted(path.name for path in tmp_path.rglob("*") if not path.is_dir()) == ["other"]
    assert host.reset(units=["kubelet.service"], directories=[str(tmp_path / "kubelet")], expected=True).plan() == []


def test_data_are_moved_aside_or_deleted(host: Host, tmp_path: Path) -> None:
    data, copy = [str(tmp_path / "etcd"), str(tmp_path / "conf/pki-store")], host.write("conf/pki-store")
    for delete_data in (False, True):
        host.write("etcd/member/snap/db")
        host.write("records/units/none")
        copy.write_text("x")
        found = host.reset(data=data, expected=True, delete_data=delete_data)
        plan = found.plan()
        assert any(step.startswith(f"{'delete' if delete_data else 'move'} {data[0]}") for step in plan)
        found.run()
        assert not (tmp_path / "etcd").exists() and not copy.exists()
        assert len(list(tmp_path.glob("etcd.removed-*/member/snap/db"))) == 1
        assert len(list(tmp_path.glob("conf/pki-store.removed-*"))) == 1


@pytest.mark.parametrize("unit", ["haproxy.service", "containerd.service"])
def test_only_a_node_has_pods_and_chains_of_ours(host: Host, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another host may have those of another Kubernetes."""
    removed: list[str] = []
    monkeypatch.setattr(reset.Network, "changes", lambda _self: ["remove chains"])
    monkeypatch.setattr(reset.Network, "remove", lambda _self: removed.append("chains"))
    found = host.reset(units=[unit], directories=["/none/root", "/none/state"], expected=True)
    is_node = unit == "containerd.service"
    assert ("remove chains" in found.plan()) is is_node
    found.run()
    assert (removed == ["chains"]) is is_node
    assert ("stop kubepods.slice" in host.calls) is is_node


def test_what_a_killed_run_left_beside_a_file_goes_with_it(host: Host, tmp_path: Path) -> None:
    mine, other = host.write(".sysctl.conf.1-1-1-0123abcd.tmp"), host.write(".other.conf.1-1-1-0123abcd.tmp")
    os.utime(mine, (0, 0))
    host.reset(files=[str(tmp_path / "sysctl.conf")], expected=True).run()
    assert not mine.exists() and other.exists()


def test_a_file_of_others_in_a_place_of_ours_stays(host: Host, tmp_path: Path) -> None:
    foreign, ours = host.write("haproxy.cfg", "global\n"), host.write("keepalived.conf", OURS)
    found = host.reset(marked_files=[str(foreign), str(ours)], expected=True)
    found.run()
    assert foreign.exists() and not ours.exists()


def test_a_containerd_of_others_too_stays_with_its_files(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.write("etc/systemd/containerd.service", OURS)
    host.write("root/io.containerd.metadata.v1.bolt/meta.db")
    for component in ("containerd/1/ctr", "runc/1/runc", "kubernetes/1/kubelet"):
        host.write(f"opt/hardway/{component}")
    (tmp_path / "state").mkdir()
    ended: list[bool] = []
    monkeypatch.setattr(reset.Containers, "answers", True)
    monkeypatch.setattr(reset.Containers, "foreign", lambda _self: {"moby": ["db"]})
    monkeypatch.setattr(reset.Containers, "pods", lambda _self: [])
    monkeypatch.setattr(reset.Containers, "end", lambda _self, images: ended.append(images))
    found = host.reset(
        units=["containerd.service"], directories=[str(tmp_path / "root"), str(tmp_path / "state")], expected=True
    )
    plan = [step.replace(str(tmp_path), "") for step in found.plan()]
    assert plan == ["delete /opt/hardway/kubernetes", "delete /records"]
    found.run()
    assert ended == [True] and "stop containerd.service" not in host.calls
    assert (tmp_path / "root/io.containerd.metadata.v1.bolt/meta.db").exists()
    assert sorted(path.name for path in (tmp_path / "opt/hardway").iterdir()) == ["containerd", "runc"]
    assert found.notes()[0] == "containerd stays, with its files: namespace moby has db"


def test_what_containerd_knows_is_deleted_before_its_files(host: Host, tmp_path: Path) -> None:
    """If an interruption left it without its files, the next run could not start it to end its pods."""
    host.write("etc/systemd/containerd.service", OURS)
    host.write("root/io.containerd.metadata.v1.bolt/meta.db")
    host.write("root/a")
    found = host.reset(
        units=["containerd.service"], directories=[str(tmp_path / "root"), str(tmp_path / "state")], expected=True
    )
    deleted = [path.replace(str(tmp_path), "") for path in found._directories()]
    assert deleted[:2] == ["/root/io.containerd.metadata.v1.bolt", "/root"]


def test_the_record_of_former_settings_is_used_before_it_goes(host: Host, tmp_path: Path) -> None:
    host.write(
        "records/former-settings.json", json.dumps({"sysctls": {"no.such.key": "1"}, "users": {"root": "absent"}})
    )
    found = host.reset(expected=True)
    assert found.plan() == [f"delete {tmp_path}/records"]


@pytest.mark.parametrize("path", ["/data", "/var/lib", "/usr/local"])
def test_a_directory_of_the_whole_host_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    host = Host(tmp_path, monkeypatch)
    host.write("records/x")
    with pytest.raises(HardwayError, match=f"{path}: a directory of the whole host, and never deleted"):
        host.reset(expected=True, directories=[path])
