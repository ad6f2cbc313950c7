# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks of the operator run on each host, again if they fail, and fail it alone if they fail for good."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dev.tools.lab import TOP, tool

PLAYBOOK = """
- hosts: n1,n2
  gather_facts: false
  tasks:
    - block:
        - ansible.builtin.include_role: &hook
            {name: hardway.kubernetes.cluster, tasks_from: hook, rolespec_validate: false}
          vars: {_cluster_hook: before_node}
        - ansible.builtin.include_role: *hook
          vars: {_cluster_hook: after_drain}
        - ansible.builtin.debug: {msg: "done {{ inventory_hostname }}"}
      rescue:
        - ansible.builtin.include_role:
            {name: hardway.kubernetes.cluster, tasks_from: hook_failed, rolespec_validate: false}
"""
SAY = '- ansible.builtin.debug: {msg: "said {{ inventory_hostname }} {{ _cluster_hook }}"}\n'
SECOND = """
- ansible.builtin.set_fact: {tries: "{{ tries | default(0) | int + 1 }}"}
- ansible.builtin.assert: {that: tries | int > 1 or inventory_hostname != 'n1', fail_msg: too early}
"""
NEVER = "- ansible.builtin.assert: {that: inventory_hostname == 'n1', fail_msg: not this one}\n"


def run(directory: Path, hooks: dict[str, Any]) -> tuple[int, str]:
    """Return exit code and output of a play with these hooks on two hosts, which are this one."""
    playbook, inventory = directory / "play.yml", directory / "hosts.yml"
    playbook.write_text(PLAYBOOK, encoding="utf-8")
    hosts = {
        name: {"ansible_connection": "local", "ansible_host": f"192.0.2.{n}"} for n, name in enumerate(("n1", "n2"))
    }
    inventory.write_text(json.dumps({"node": {"hosts": hosts}}), encoding="utf-8")
    line = [tool("ansible-playbook"), str(playbook), "-i", str(inventory), "-e", json.dumps({"cluster_hooks": hooks})]
    done = subprocess.run(line, capture_output=True, text=True, cwd=TOP, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def written(tmp_path: Path) -> dict[str, str]:
    """Return the paths of task files."""
    for name, text in {"say": SAY, "second": SECOND, "never": NEVER}.items():
        (tmp_path / f"{name}.yml").write_text(text, encoding="utf-8")
    return {name: str(tmp_path / f"{name}.yml") for name in ("say", "second", "never")}


def test_without_hooks_nothing_runs(tmp_path: Path) -> None:
    status, output = run(tmp_path, {})
    assert status == 0 and "done n1" in output and "done n2" in output


def test_files_run_in_order_on_each_host_and_again_if_they_fail(tmp_path: Path, written: dict[str, str]) -> None:
    files = [{"file": written["second"], "retries": 2, "delay": 0}, written["say"]]
    status, output = run(tmp_path, {"before_node": files})
    assert status == 0, output
    assert output.count("said n1 before_node") == output.count("said n2 before_node") == 1
    assert output.index("too early") < output.index("said n1")


def test_a_file_that_fails_for_good_fails_its_host_alone(tmp_path: Path, written: dict[str, str]) -> None:
    hooks = {"after_drain": [{"file": written["never"], "retries": 1, "delay": 0}], "failed_node": [written["say"]]}
    status, output = run(tmp_path, hooks)
    assert status != 0 and "done n1" in output and "done n2" not in output
    assert "said n2 failed_node" in output and "said n1" not in output
    assert (
        f"hook after_drain: {written['never']}: not this one; fix its cause, and run the same command again" in output
    )
