# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_defragment against real members: with free space, and without any."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.programs import RealEtcd, binary, need_programs

Run = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.slow
QUOTA = 4 * 1024 * 1024


@pytest.fixture
def etcd(tmp_path: Path, run_module: Run) -> Iterator[RealEtcd]:
    """Start three members with a small quota."""
    need_programs("etcd", "etcdctl")
    cluster = RealEtcd(tmp_path)
    try:
        for name in cluster.names:
            cluster.start(name, f"--quota-backend-bytes={QUOTA}")
        assert run_module("etcd_health", **cluster.arguments())["healthy"]
        yield cluster
    finally:
        cluster.programs.stop_all()


def etcdctl(etcd: RealEtcd, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run etcdctl."""
    tls = [f"--cacert={etcd.ca.ca}", f"--cert={etcd.client}.crt", f"--key={etcd.client}.key"]
    line = [str(binary("etcdctl")), f"--endpoints={','.join(etcd.endpoints)}", *tls, *words]
    return subprocess.run(line, input=stdin, capture_output=True, text=True, check=False)


def options(etcd: RealEtcd) -> dict[str, Any]:
    """Return the module's options."""
    return {**etcd.arguments(), "etcdctl": str(binary("etcdctl"))}


def fill(etcd: RealEtcd, most: int = 200) -> str:
    """Write a key again and again; return why it ended."""
    for _ in range(most):
        done = etcdctl(etcd, "put", "/big", stdin="x" * 100_000)
        if done.returncode:
            return done.stderr
    return ""


def compact(etcd: RealEtcd) -> None:
    """Compact everything before the newest revision."""
    revision = json.loads(etcdctl(etcd, "get", "/big", "-w", "json").stdout)["header"]["revision"]
    done = etcdctl(etcd, "compact", str(revision), "--physical")
    assert done.returncode == 0, done.stderr


def test_only_members_with_free_space_the_leader_last(etcd: RealEtcd, run_module: Run) -> None:
    assert fill(etcd, 20) == ""
    full = run_module("etcd_defragment", **options(etcd))
    assert not full["changed"] and full["compacted"] == 0, full
    compact(etcd)

    def free() -> list[bool]:
        etcdctl(etcd, "put", "/small", "x")
        members = run_module("etcd_defragment", check=True, diff=True, **options(etcd))["members"]
        return [one["defragmented"] for one in members]

    # Each member compacts by itself, and counts the freed pages with the next writes.
    etcd.programs.wait_until("m1", lambda: free() == [True, True, True], 30)
    assert not run_module("etcd_defragment", **options(etcd), threshold=99.5)["changed"]
    done = run_module("etcd_defragment", **options(etcd))
    assert done["changed"] and not done["disarmed"] and all(one["defragmented"] for one in done["members"])
    assert all(one["free"] > 40 and one["after"] < one["before"] / 2 for one in done["members"]), done
    leader = run_module("etcd_health", **etcd.arguments())["leader"]
    last = next(m["endpoint"] for m in run_module("etcd_health", **etcd.arguments())["members"] if m["name"] == leader)
    assert done["members"][-1]["endpoint"] == last
    assert not run_module("etcd_defragment", **options(etcd))["changed"]


def test_without_space_it_is_compacted_and_disarmed(etcd: RealEtcd, run_module: Run) -> None:
    assert "database space exceeded" in fill(etcd)
    assert "NOSPACE" in etcdctl(etcd, "alarm", "list").stdout
    check = run_module("etcd_defragment", check=True, **options(etcd))
    assert check["changed"] and check["disarmed"] and "NOSPACE" in etcdctl(etcd, "alarm", "list").stdout
    done = run_module("etcd_defragment", **options(etcd))
    assert done["changed"] and done["disarmed"] and done["compacted"] > 10, done
    assert etcdctl(etcd, "alarm", "list").stdout == ""
    assert etcdctl(etcd, "put", "/small", "x").returncode == 0
    assert run_module("etcd_health", **etcd.arguments())["healthy"]


def test_a_database_larger_than_its_quota_stays_alarmed(etcd: RealEtcd, run_module: Run) -> None:
    for number in range(20):
        assert etcdctl(etcd, "put", f"/big{number}", stdin="x" * 100_000).returncode == 0
    for name in etcd.names:
        etcd.programs.stop(name)
    for name in etcd.names:
        etcd.start(name, f"--quota-backend-bytes={QUOTA // 4}")
    etcd.programs.wait_until("m1", lambda: "space exceeded" in etcdctl(etcd, "put", "/small", "x").stderr)
    failed = run_module("etcd_defragment", **options(etcd))
    assert failed["failed"] and "raise quota-backend-bytes, or delete keys" in failed["msg"], failed
    assert "NOSPACE" in etcdctl(etcd, "alarm", "list").stdout


def test_nothing_is_defragmented_while_a_member_is_down(etcd: RealEtcd, run_module: Run) -> None:
    assert fill(etcd, 20) == ""
    compact(etcd)
    etcd.programs.stop("m3")
    failed = run_module("etcd_defragment", **options(etcd), timeout=1)
    assert failed["failed"] and "not defragmented" in failed["msg"] and etcd.endpoints[2] in failed["msg"], failed
