# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sandbox hosts, and one task at a time run on them by ansible-playbook, as an operator would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.repository import REPOSITORY, SANDBOX
from tests.support.task_results import result_task, results_in


class Lab:
    """Hosts n1, n2, … of one sandbox."""

    def __init__(self, name: str, directory: Path, size: int) -> None:
        self.name = name
        self.directory = directory
        self.hosts = [f"n{number}" for number in range(1, size + 1)]
        self.inventory = directory / "hosts.yml"
        self.inventory.write_text(self._sandbox("inventory"))
        # The inventory for -i.
        self.inventories = [self.inventory]
        known = yaml.safe_load(self.inventory.read_text())["all"]["hosts"]
        self.addresses = {host: known[host]["ansible_host"] for host in self.hosts}

    def play(self, *tasks: dict[str, Any], check: bool = False, **extra: Any) -> dict[str, dict[str, Any]]:
        """Run tasks on all hosts; return the last one's result by host, also where it failed."""
        process = self.start(*tasks, check=check, **extra)
        said = process.communicate()[0]
        assert process.returncode == 0, said
        return dict(results_in(said)[1])

    def start(self, *tasks: dict[str, Any], check: bool = False, **extra: Any) -> subprocess.Popen[str]:
        """Start to run tasks on all hosts."""
        last = {**tasks[-1], "register": "seen", "ignore_errors": True}
        seen = "dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'seen')))"
        keep = {**result_task(seen), "run_once": True}
        play = [{"hosts": "all", "gather_facts": False, "vars": extra, "tasks": [*tasks[:-1], last, keep]}]
        playbook = self.directory / "play.yml"
        playbook.write_text(yaml.safe_dump(play, sort_keys=False))
        flags = ["--check"] if check else []
        command = [SANDBOX, "run", "--name", self.name, "--", "ansible-playbook", "--diff", *flags]
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
        }
        return subprocess.Popen(
            [*command, *(word for path in self.inventories for word in ("-i", str(path))), str(playbook)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def inside(self, host: str, command: str) -> str:
        """Return the output of a shell command on a host."""
        return self._sandbox("exec", host, "--", "sh", "-c", command).strip()

    def everywhere(self, command: str) -> dict[str, str]:
        """Return the output of a shell command on each host."""
        return {host: self.inside(host, command) for host in self.hosts}

    def _sandbox(self, verb: str, *arguments: str) -> str:
        done = subprocess.run(
            [SANDBOX, verb, "--name", self.name, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def lab(directory: Path, size: int) -> Iterator[Lab]:
    """Bring sandbox hosts up for the time of the tests; skip with a reason, where that is not possible."""
    if os.geteuid() != 0 or not shutil.which("systemd-nspawn"):
        reason = "needs root and systemd-container"
        warnings.warn(f"NOT TESTED on real hosts: {reason}", stacklevel=2)
        pytest.skip(reason)
    name = f"{directory.name.strip('0123456789-_')[:6]}{os.getpid()}"
    up = [SANDBOX, "up", "--name", name, "--hosts", str(size), "--inventory-template", "none"]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    try:
        yield Lab(name, directory, size)
    finally:
        subprocess.run([SANDBOX, "down", "--name", name], check=False, stdout=subprocess.DEVNULL)
