# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_auth and etcd_key against a real member; checked by etcdctl with other certificates."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.programs import RealEtcd, binary, need_programs

Run = Callable[..., dict[str, Any]]
PREFIX = "/coreos.com/network/"


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[RealEtcd]:
    """Start one member without users."""
    need_programs("etcd", "etcdctl")
    member = RealEtcd(tmp_path, size=1)
    member.start("m1")
    try:
        member.programs.wait_until("m1", lambda: etcdctl(member, member.client, "endpoint", "health").returncode == 0)
        yield member
    finally:
        member.programs.stop_all()


def etcdctl(etcd: RealEtcd, who: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run etcdctl with a client's certificate."""
    flags = [f"--endpoints={etcd.endpoints[0]}", f"--cacert={etcd.ca.ca}", f"--cert={who}.crt"]
    line = [str(binary("etcdctl")), *flags, f"--key={who}.key", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def as_root(etcd: RealEtcd) -> dict[str, Any]:
    """Return the module arguments for user root."""
    root = etcd.ca.issue("root", "root")
    given = {**etcd.arguments(), "cert": f"{root}.crt", "key": f"{root}.key"}
    return {**given, "etcdctl": str(binary("etcdctl"))}


def test_a_user_sees_only_its_prefix(alone: RealEtcd, run_module: Run) -> None:
    root = as_root(alone)
    asked = {
        "roles": [{"name": "flannel", "permissions": [{"prefix": PREFIX}]}],
        "users": [{"name": "flannel", "roles": ["flannel"]}, {"name": "api", "roles": ["root"]}],
    }
    assert run_module("etcd_auth", check=True, **root, **asked)["changed"]
    assert "enabled" not in etcdctl(alone, alone.client, "auth", "status", "-w", "json").stdout
    assert run_module("etcd_auth", **root, **asked)["commands"][-1] == "auth enable"
    again = run_module("etcd_auth", **root, **asked)
    assert not again["changed"], again
    assert not run_module("etcd_auth", check=True, **root, **asked)["changed"]

    key = {"path": f"{PREFIX}config", "value": '{"Network": "10.244.0.0/16"}\n'}
    assert run_module("etcd_key", check=True, **root, **key)["changed"]
    assert run_module("etcd_key", **root, **key)["changed"]
    assert not run_module("etcd_key", **root, **key)["changed"]

    flannel, api = (alone.ca.issue(name, name) for name in ("flannel", "api"))
    assert "10.244.0.0/16" in etcdctl(alone, flannel, "get", f"{PREFIX}config").stdout
    assert etcdctl(alone, flannel, "put", f"{PREFIX}subnets/10.244.1.0-24", "{}").returncode == 0
    assert etcdctl(alone, api, "put", "/registry/secrets/a", "b").returncode == 0
    for forbidden in (
        ["get", "/registry/secrets/a"],
        ["get", "--prefix", ""],
        ["put", "/registry/x", "y"],
        ["user", "list"],
    ):
        refused = etcdctl(alone, flannel, *forbidden)
        assert refused.returncode != 0 and "permission denied" in refused.stderr, forbidden
    # A certificate of the same CA, but no user of etcd.
    assert "permission denied" in etcdctl(alone, alone.client, "get", f"{PREFIX}config").stderr


def test_permissions_that_are_no_longer_specified_are_revoked(alone: RealEtcd, run_module: Run) -> None:
    root = as_root(alone)
    both = [{"prefix": PREFIX}, {"prefix": "/more/", "mode": "read"}]
    users = [{"name": "flannel", "roles": ["flannel"]}]
    run_module("etcd_auth", **root, roles=[{"name": "flannel", "permissions": both}], users=users)
    flannel = alone.ca.issue("flannel", "flannel")
    assert etcdctl(alone, flannel, "get", "/more/x").returncode == 0
    read = [{"name": "flannel", "permissions": [{"prefix": PREFIX, "mode": "read"}]}]
    assert run_module("etcd_auth", **root, roles=read, users=users)["changed"]
    assert not run_module("etcd_auth", **root, roles=read, users=users)["changed"]
    assert etcdctl(alone, flannel, "get", "/more/x").returncode != 0
    assert etcdctl(alone, flannel, "put", f"{PREFIX}x", "y").returncode != 0
    assert run_module("etcd_auth", **root, enabled=False)["commands"] == ["auth disable"]
    assert etcdctl(alone, flannel, "get", "/more/x").returncode == 0


def test_a_refusal_names_the_user_or_the_missing_program(alone: RealEtcd, run_module: Run) -> None:
    root = as_root(alone)
    run_module("etcd_auth", **root)
    unknown = {**root, "cert": f"{alone.client}.crt", "key": f"{alone.client}.key"}
    refused = run_module("etcd_auth", **unknown, users=[{"name": "x"}])
    assert refused["failed"] and "user root" in refused["msg"] and "\n" not in refused["msg"]
    nowhere = {**root, "etcdctl": "/absent", "users": [{"name": "x"}]}
    assert run_module("etcd_auth", check=True, **nowhere)["changed"]
    assert "install etcdctl, as role etcd does" in run_module("etcd_auth", **nowhere)["msg"]
