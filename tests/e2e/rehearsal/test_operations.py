# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator rehearses an upgrade, a restore and a replacement on hosts that have the names of his own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.tools.lab import SANDBOX, TOP
from tests.support.needs import need_cluster, need_versions

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]
NAME = "rehearse-operations"
BEFORE, AFTER = "1.35.6", "1.36.2"


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Require the real programs, and leave nothing."""
    need_versions(BEFORE, AFTER)
    monkeypatch.setenv("KUBERNETES_VERSION", BEFORE)
    need_cluster()
    yield
    subprocess.run([SANDBOX, "down", "--name", NAME], check=False)
    shutil.rmtree(TOP / "build" / NAME, ignore_errors=True)


def rehearse(
    place: Path, groups: dict[str, list[str]], playbooks: list[str], *options: str
) -> tuple[str, dict[str, Any]]:
    """Rehearse; return the output, and the rows about playbooks."""
    hosts = {group: {"hosts": dict.fromkeys(names)} for group, names in groups.items()}
    (place / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
    (place / "group_vars").mkdir()
    (place / "group_vars/all.yml").write_text(yaml.safe_dump({"cluster_name": "shop"}), encoding="utf-8")
    names = sorted({name for group in groups.values() for name in group})
    for number, name in enumerate(names, 1):
        (place / "host_vars").mkdir(exist_ok=True)
        own = {"ansible_host": f"10.99.0.{number}", "ansible_user": "ops", "ansible_become": True}
        (place / f"host_vars/{name}.yml").write_text(yaml.safe_dump(own), encoding="utf-8")
    command = [sys.executable, str(TOP / "dev/tools/rehearse.py"), str(place), *playbooks, "--name", NAME, *options]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    text = (TOP / "build" / NAME / "report/report.txt").read_text(encoding="utf-8")
    (table,) = [part for part in text.split("\n\n") if part.startswith("playbook ")]
    rows = [re.split(r"\s{2,}", line.strip()) for line in table.splitlines()[2:]]
    return done.stdout, {row[0]: (int(row[2]), row[3]) for row in rows}


def test_an_upgrade_and_a_restore_of_a_cluster_of_one_host(tmp_path: Path) -> None:
    groups = {group: ["alpha"] for group in ("etcd", "master", "node")}
    playbooks = ["site.yml", "playbooks/upgrade.yml", "playbooks/restore.yml"]
    # The only node has nowhere to evict pods to.
    arguments = f"-e to={AFTER} -e force=room,pdb"
    output, rows = rehearse(tmp_path, groups, playbooks, f"--args={arguments}", f"--from={BEFORE}")
    # The plan of the upgrade, then of the restore, before each is confirmed.
    assert output.index(f"-e to={AFTER} -e confirm=shop") < output.index("-e archive=")
    assert list(rows) == playbooks
    assert all(changed > 0 and again == "0" for changed, again in rows.values()), rows


def test_a_member_of_etcd_is_replaced_by_a_fresh_host_of_its_name(tmp_path: Path) -> None:
    groups = {"etcd": ["alpha", "beta", "gamma"], "master": ["alpha"], "node": ["alpha"]}
    playbooks = ["site.yml", "playbooks/replace.yml"]
    output, rows = rehearse(tmp_path, groups, playbooks, "--args=-e hosts=gamma")
    assert "gamma: remove the dead voter" in output and "2 of 3 voters are healthy" in output
    assert all(changed > 0 and again == "0" for changed, again in rows.values()), rows
