# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of a run, and its lock on the controller."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

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
