# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules as a user does: by ansible-playbook, over the local connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.task_results import result_task, results_in

CHECK, APPLY = True, False


@dataclass(frozen=True)
class Outcome:
    """Results of the tasks of one run, in order, and everything that was printed."""

    results: list[dict[str, Any]]
    output: str

    @property
    def changed(self) -> list[bool]:
        """Return whether each task reports a change."""
        return [bool(result["changed"]) for result in self.results]


def play(directory: Path, tasks: list[tuple[bool, dict[str, Any]]], *arguments: str, **environment: str) -> Outcome:
    """Run these tasks, each in check mode or for real; failures are results, too."""
    directory.mkdir(parents=True, exist_ok=True)
    steps: list[dict[str, Any]] = []
    for number, (check, task) in enumerate(tasks):
        steps.append({**task, "check_mode": check, "diff": True, "register": f"r{number}", "ignore_errors": True})
    # An imported role registers nothing.
    names = ", ".join(f"r{number} | default({{}})" for number in range(len(tasks)))
    book = [{"hosts": "localhost", "gather_facts": False, "tasks": [*steps, result_task(f"[{names}]")]}]
    playbook = directory / "play.json"
    playbook.write_text(json.dumps(book))
    # With an interpreter of its own this machine is a host like any other, on which modules are started.
    host = [] if "HERE" in environment else ["-e", "ansible_python_interpreter=/usr/bin/python3"]
    command = [str(Path(sys.executable).parent / "ansible-playbook"), str(playbook), *host, *arguments]
    settings = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false", **environment}
    run = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    output, results = results_in(run.stdout + run.stderr)
    return Outcome(results, output)


def twice_each(task: dict[str, Any]) -> list[tuple[bool, dict[str, Any]]]:
    """Return a task in check mode and for real, then both again."""
    return [(CHECK, task), (APPLY, task), (CHECK, task), (APPLY, task)]


def openssl(*arguments: str | Path) -> str:
    """Return the output of openssl; its failure fails the test."""
    run = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def matches(certificate: Path, key: Path, *arguments: str) -> bool:
    """Return whether openssl derives the same public key from both."""
    return openssl("x509", "-in", certificate, "-noout", "-pubkey") == openssl(
        "pkey", "-in", key, "-pubout", *arguments
    )


def cas(directory: Path, **changes: Any) -> dict[str, Any]:
    """Return the task that creates the CAs."""
    params = {
        "ca_dir": str(directory),
        "cas": [
            {"name": "ca", "common_name": "kubernetes"},
            {"name": "etcd-ca", "key": {"algo": "rsa", "size": 2048}, "names": [{"O": "Example", "C": "DE"}]},
            {"name": "front-proxy-ca", "key": {"algo": "ed25519"}, "expiry": "48h"},
        ],
        "key_pairs": [{"name": "sa"}, {"name": "sa-rsa", "key": {"algo": "rsa"}}],
        "secrets": [{"name": "encryption.key"}, {"name": "keepalived.password", "bytes": 6, "encoding": "base64url"}],
    }
    return {"hardway.kubernetes.pki_ca": {**params, **changes}}
