# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of a run, and its lock on the controller."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _run_lock


def test_a_holder_is_dead_only_if_it_was_a_process_of_this_controller() -> None:
    own = _run_lock.process(os.getpid())
    assert own is not None
    holder = _run_lock.holder_of(own)
    assert holder.endswith(f"@{socket.gethostname()}/{own.pid}-{own.started}")
    assert not _run_lock.is_dead(holder)
    assert _run_lock.is_dead(holder + "9"), "another process with the same number"
    assert not _run_lock.is_dead(f"alice@elsewhere/{own.pid}-1")
    assert not _run_lock.is_dead("") and not _run_lock.is_dead(f"alice@{socket.gethostname()}/x")


def test_one_run_of_a_controller_has_the_lock_until_its_process_ends(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        run, own = _run_lock.process(other.pid), _run_lock.process(os.getpid())
        assert run and own
        _run_lock.lock_on_controller(tmp_path, ["prod"], run, "other", "renew.yml")
        _run_lock.lock_on_controller(tmp_path, ["prod"], run, "other", "renew.yml")
        _run_lock.lock_on_controller(tmp_path, ["staging"], own, "mine", "site.yml")
        with pytest.raises(AnsibleActionFail, match=r"^cluster: locked by other, which runs renew\.yml since 20.*wait"):
            _run_lock.lock_on_controller(tmp_path, ["prod"], own, "mine", "site.yml")
        other.kill()
    _run_lock.lock_on_controller(tmp_path, ["prod"], own, "mine", "site.yml")


def test_a_damaged_file_holds_nothing(tmp_path: Path) -> None:
    own = _run_lock.process(os.getpid())
    assert own
    _run_lock.lock_on_controller(tmp_path, ["prod"], own, "other", "site.yml")
    (path,) = tmp_path.glob("*.run")
    path.write_text("{")
    _run_lock.lock_on_controller(tmp_path, ["prod"], own, "mine", "site.yml")


def test_hosts_of_each_kind_renew_and_release_what_they_reach(tmp_path: Path) -> None:
    """Masters reach the API and etcd, other etcd hosts only etcd: one that renews there does not renew the Lease."""
    locks, calls = tmp_path / "locks", tmp_path / "calls"
    locks.mkdir()
    calls.mkdir()

    def called(host: str) -> Callable[[str], dict[str, Any]]:
        def call(state: str) -> dict[str, Any]:
            (calls / f"{host} {state}").touch()
            return {"lock": "held" if state == "present" else "released"}

        return call

    with subprocess.Popen(["sleep", "60"]) as other:
        run = _run_lock.process(other.pid)
        assert run
        for host, kind in (("m1", "api"), ("m2", "api"), ("e1", "etcd"), ("e2", "etcd")):
            _run_lock.keep_renewing(locks, run, host, kind, called(host))
        other.kill()
    end = time.monotonic() + 60
    while list(locks.glob("*.renew*")):
        assert time.monotonic() < end, list(locks.iterdir())
        time.sleep(0.1)
    released = {path.name.split()[0][0] for path in calls.glob("* absent")}
    assert released == {"m", "e"} and len(list(calls.iterdir())) == 2, list(calls.iterdir())
