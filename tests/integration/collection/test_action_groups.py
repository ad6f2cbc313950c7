# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of meta/runtime.yml in module_defaults: options that are set once reach each module of the group."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from dev.tools.lab import TOP, tool

GROUPS = yaml.safe_load((TOP / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
# No server listens there.
URL = "https://127.0.0.1:9"
FILES = {"ca": "/nowhere/ca.crt", "cert": "/nowhere/client.crt", "key": "/nowhere/client.key"}
COMMON: dict[str, dict[str, Any]] = {
    "api": {"servers": [URL], **FILES},
    "etcd": {"endpoints": [URL], **FILES},
    "pki": {"ca_dir": "/nowhere/pki", "passphrase": "said once"},
}


def play(place: Path, groups: dict[str, dict[str, Any]], *tasks: dict[str, Any]) -> str:
    """Run tasks on this machine, failed or not, with these defaults; return the output."""
    playbook = place / "play.yml"
    content = {
        "hosts": "localhost",
        "gather_facts": False,
        "ignore_errors": True,
        "module_defaults": {f"group/hardway.kubernetes.{name}": options for name, options in groups.items()},
        "tasks": list(tasks),
    }
    playbook.write_text(json.dumps([content]), encoding="utf-8")
    command = [tool("ansible-playbook"), str(playbook), "-i", "localhost,", "-c", "local"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def quickly(module: str) -> dict[str, int]:
    """Return the option that keeps a module from waiting for a server that is not there."""
    source = (TOP / "plugins/modules" / f"{module.rpartition('.')[2]}.py").read_text(encoding="utf-8")
    return {"timeout": 0} if "\n  timeout:" in source else {}


def test_each_module_accepts_the_options_of_its_group(tmp_path: Path) -> None:
    """A module may miss other options here, but it accepts these."""
    assert set(GROUPS) == set(COMMON)
    of = {f"hardway.kubernetes.{module}": set(COMMON[name]) for name, group in GROUPS.items() for module in group}
    said = play(tmp_path, COMMON, *({"name": module, module: quickly(module)} for module in of))
    answers = dict(
        re.findall(r"^TASK \[(hardway\.kubernetes\.\w+)\](.*?)(?=^TASK|^PLAY RECAP)", said, re.DOTALL | re.MULTILINE)
    )
    assert set(answers) == set(of)
    assert "missing required arguments" in said and "Unsupported parameters" not in said
    for module, answer in answers.items():
        missing = re.findall(r"missing required arguments: ([\w, ]+)", answer)
        assert of[module].isdisjoint(", ".join(missing).split(", ")), answer


def test_a_server_that_is_set_once_is_queried(tmp_path: Path) -> None:
    task = {"hardway.kubernetes.bootstrap_token": {}}
    assert "missing required arguments: servers" in play(tmp_path, {}, task)
    assert URL in play(tmp_path, {"api": COMMON["api"]}, task)


def test_a_passphrase_that_is_set_once_encrypts_and_decrypts_the_keys(tmp_path: Path) -> None:
    pki, key = str(tmp_path / "pki"), tmp_path / "admin.key"
    admin = {"path": str(tmp_path / "admin"), "ca": "ca", "common_name": "admin", "profile": "client"}
    tasks = (
        {"hardway.kubernetes.pki_ca": {"cas": [{"name": "ca", "common_name": "CA"}]}},
        {"hardway.kubernetes.pki_certificate": {"certificates": [admin]}},
    )
    said = play(tmp_path, {"pki": {**COMMON["pki"], "ca_dir": pki}}, *tasks)
    assert "failed=0" in said and "ignored=0" in said and key.is_file(), said
    assert "ENCRYPTED PRIVATE KEY" in (tmp_path / "pki" / "ca.key").read_text(encoding="utf-8")
