# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from the machine: control groups, package sources, programs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dev.sandbox import base, cgroups, debian_programs, lifecycle, machine, root_contents, sysctls, uplink
from dev.sandbox import host as hosts
from dev.sandbox.debian_packages import Archive, parse_targets
from dev.sandbox.errors import SandboxError
from dev.sandbox.layout import Layout
from dev.sandbox.process import last_line, run

V1_MOUNTS = """\
20 1 0:1 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
21 20 0:2 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
22 20 0:3 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
23 20 0:4 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
24 20 0:5 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V2_MOUNTS = "21 20 0:2 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_v1_groups_are_created_below_our_own() -> None:
    found = cgroups.parse_hierarchies(V1_MOUNTS, "4:memory:/mine\n3:cpu,cpuacct:/\n2:name=systemd:/\n0::/\n")
    assert [str(hierarchy.parent) for hierarchy in found] == [
        "/sys/fs/cgroup/memory/mine",
        "/sys/fs/cgroup/cpu,cpuacct",
        "/sys/fs/cgroup/systemd",
        "/sys/fs/cgroup/unified",
    ]
    assert not cgroups.is_unified(found)


def test_v2_is_one_hierarchy() -> None:
    found = cgroups.parse_hierarchies(V2_MOUNTS, "0::/user.slice\n")
    assert [str(hierarchy.mount) for hierarchy in found] == ["/sys/fs/cgroup"]
    assert cgroups.is_unified(found)


def test_a_sandbox_does_not_own_the_groups_of_another_with_a_longer_name(tmp_path: Path) -> None:
    assert cgroups._is_tagged("hws.a.n1", "hws.a")
    assert cgroups._is_tagged("hws.a.n1.scope", "hws.a.n1")
    assert not cgroups._is_tagged("hws.a-b.n1", "hws.a")
    assert not cgroups._is_tagged("hws.a.n10", "hws.a.n1")


def test_processes_of_a_group_and_those_below(tmp_path: Path) -> None:
    (tmp_path / "child").mkdir()
    (tmp_path / "cgroup.procs").write_text("10\n")
    (tmp_path / "child" / "cgroup.procs").write_text("11\n12\n")
    assert cgroups.processes([tmp_path]) == {10, 11, 12}


def test_kill_needs_no_process(tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").write_text("")
    cgroups.kill([tmp_path])


def test_remove_takes_groups_away_from_below(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    cgroups.remove([tmp_path / "a"])
    assert not (tmp_path / "a").exists()
    cgroups.remove([tmp_path / "a"])


def test_the_main_archive_is_found_among_the_sources() -> None:
    archive = parse_targets(
        "http://third.example/apt/ stable main Third\n"
        "http://mirror.example/debian-security/ bookworm-security main Debian\n"
        "http://mirror.example/debian/ bookworm-updates main Debian\n"
        "http://mirror.example/debian/ bookworm main Debian\n"
    )
    assert archive is not None
    assert (archive.uri, archive.suite) == ("http://mirror.example/debian", "bookworm")
    assert archive.keyring.name == "debian-archive-keyring.gpg"


def test_no_archive_of_a_known_distribution() -> None:
    assert parse_targets("") is None
    assert parse_targets("http://third.example/apt/ stable main Third\n") is None


def test_only_missing_programs_are_fetched(tmp_path: Path) -> None:
    sources = (debian_programs.Source("p", "usr/bin/one"), debian_programs.Source("p", "usr/lib/cni/*", "cni"))
    assert debian_programs.missing(sources, tmp_path) == list(sources)
    (tmp_path / "one").touch()
    (tmp_path / "cni").mkdir()
    assert [source.directory for source in debian_programs.missing(sources, tmp_path)] == ["cni"]


def test_a_program_in_the_cache_is_never_replaced(tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.write_text("new")
    target = tmp_path / "bin" / "program"
    assert debian_programs.place(new, target)
    new.write_text("newer")
    assert not debian_programs.place(new, target)
    assert target.read_text() == "new"
    assert os.access(target, os.X_OK)
    assert [path.name for path in target.parent.iterdir()] == ["program"]


def test_missing_libraries_are_read_from_ldd() -> None:
    text = "p: /lib/libc.so.6: version `GLIBC_2.38' not found (required by p)\n\tlibc.so.6 => /lib/libc.so.6 (0x1)\n"
    assert len(debian_programs.unresolved(text)) == 1
    assert debian_programs.unresolved("\tnot a dynamic executable\n") == []


def test_the_digest_of_the_contents_depends_on_the_release() -> None:
    assert root_contents.digest("Debian", "a", "amd64") != root_contents.digest("Debian", "b", "amd64")
    assert root_contents.digest("Debian", "a", "amd64") == root_contents.digest("Debian", "a", "amd64")


def test_ubuntu_has_packages_of_debian_main_in_universe() -> None:
    assert base.sources_list(Archive("http://u", "noble", "Ubuntu"), "noble").split()[-3:] == [
        "noble",
        "main",
        "universe",
    ]
    assert base.sources_list(Archive("http://d", "trixie", "Debian"), "trixie").split()[-2:] == ["trixie", "main"]
    assert "libperl5.38t64" in root_contents.packages("noble")


def test_refusals_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.sys, "platform", "darwin")
    with pytest.raises(SandboxError, match="needs Linux"):
        machine.require_root()
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    with pytest.raises(SandboxError, match="needs root"):
        machine.require_root()
    monkeypatch.setattr(machine, "have", lambda program: program != "systemd-nspawn")
    with pytest.raises(SandboxError, match=r"apt-get install systemd-container$"):
        machine.require_tools()


def test_a_failing_program_is_one_line() -> None:
    with pytest.raises(SandboxError) as caught:
        run(["sh", "-c", "echo noise; echo reason >&2; exit 3"])
    assert str(caught.value).endswith("exit 3: reason")
    with pytest.raises(SandboxError, match="is not installed"):
        run(["/nonexistent/program"])
    assert last_line("a\nb\n\n") == "b"


def test_shared_kernel_settings_are_put_back_once(tmp_path: Path) -> None:
    kernel = tmp_path / "sys"
    (kernel / "vm").mkdir(parents=True)
    (kernel / "vm" / "swappiness").write_text("60\n")
    sysctls.keep(tmp_path, kernel)
    (kernel / "vm" / "swappiness").write_text("1\n")
    sysctls.keep(tmp_path, kernel)
    sysctls.put_back(tmp_path, kernel)
    assert (kernel / "vm" / "swappiness").read_text().strip() == "60"
    assert [path.name for path in tmp_path.iterdir()] == ["sys"]
    sysctls.put_back(tmp_path, kernel)


def test_a_host_that_did_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(tmp_path, "demo")
    host = layout.host(1)
    host.directory.mkdir(parents=True)
    host.console.write_text("mount: wrong fs type\n\n")
    monkeypatch.setattr(hosts, "answers", lambda layout, host, timeout: False)
    process = subprocess.Popen(["false"])
    process.wait()
    with pytest.raises(SandboxError, match="n1 did not start: mount: wrong fs type"):
        lifecycle.wait_for(layout, {host: process})
    with pytest.raises(SandboxError, match="n1 did not answer ssh"):
        lifecycle.wait_for(layout, {host: None}, timeout=0.0)


def test_groups_of_other_sandboxes_are_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("own/hws.demo.n1/kubepods", "hws.other.n1/hws.demo.n2"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(cgroups, "parse_mounts", lambda text: [("cgroup2", tmp_path, set())])
    assert cgroups.find("hws.demo") == [tmp_path / "own" / "hws.demo.n1"]


def test_uplink_addresses_are_apart_from_the_hosts() -> None:
    near, far = uplink.addresses(Layout(Path("/state"), "demo"))
    assert near.startswith("198.19.") and int(near.rpartition(".")[2]) + 1 == int(far.rpartition(".")[2])


def test_every_rule_of_an_uplink_carries_the_sandbox_name() -> None:
    assert all("hws.demo" in rule for rule in uplink._rules(Layout(Path("/state"), "demo")))


def test_systemd_creates_the_group_where_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "_SYSTEMD", tmp_path)
    assert "--unit=hws.demo.n1.scope" in cgroups.scope_command("hws.demo.n1")
    monkeypatch.setattr(cgroups, "_SYSTEMD", tmp_path / "absent")
    assert cgroups.scope_command("hws.demo.n1") == []
