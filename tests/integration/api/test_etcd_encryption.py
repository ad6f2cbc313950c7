# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_encryption against real members with 10,000 values, and some large ones."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable
from typing import Any

from tests.support.api.programs import RealEtcd, binary

Run = Callable[..., dict[str, Any]]
VALUES = 10_000
LARGE = 20


def etcdctl(etcd: RealEtcd, *arguments: str, stdin: str = "") -> None:
    """Run etcdctl."""
    flags = [f"--endpoints={etcd.endpoints[0]}", f"--cacert={etcd.ca.ca}", f"--cert={etcd.client}.crt"]
    line = [str(binary("etcdctl")), *flags, f"--key={etcd.client}.key", *arguments]
    subprocess.run(line, input=stdin, capture_output=True, text=True, check=True)


def put(etcd: RealEtcd, values: dict[str, str]) -> None:
    """Write values in transactions, each of 100."""
    keys = sorted(values)
    for start in range(0, len(keys), 100):
        lines = "".join(f'put {key} "{values[key]}"\n' for key in keys[start : start + 100])
        etcdctl(etcd, "txn", stdin=f"\n{lines}\n\n")


def test_ten_thousand_values(etcd: RealEtcd, run_module: Run) -> None:
    arguments = {**etcd.arguments(), "etcdctl": str(binary("etcdctl"))}
    put(
        etcd, {f"/registry/secrets/a/{number:05}": f"k8s:enc:secretbox:v1:key1:{'x' * 500}" for number in range(VALUES)}
    )
    etcdctl(etcd, "put", "/registry/secrets/b/last", stdin="k8s:enc:secretbox:v1:key2:x")
    for number in range(LARGE):
        etcdctl(etcd, "put", f"/registry/configmaps/{number}", stdin="x" * 1_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for check in (True, False):
        found = run_module("etcd_encryption", check=check, **arguments, absent=["key3"])
        assert found["encrypted"] == {"secretbox:key1": VALUES, "secretbox:key2": 1} and not found["changed"]
        assert found["plain"] >= LARGE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024, "KiB"
    failed = run_module("etcd_encryption", **arguments, absent=["key2"])
    assert "to be removed: {'key2': 1}, such as /registry/secrets/b/last; " in failed["msg"]
    etcdctl(etcd, "del", "--prefix", "/registry/")
    assert run_module("etcd_encryption", **arguments, absent=["key2"])["encrypted"] == {}
