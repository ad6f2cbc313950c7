# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drop-ins and environment files of operators are inputs of a unit: what is new, changed or gone restarts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import fingerprints
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import plan as systemd_plan
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import Seen, Stamp, Want

NAME = "kube-apiserver.service"


class Unit:
    """A running unit with a drop-in that names an environment file, and the record of its start."""

    def __init__(self, directory: Path) -> None:
        self.fragment = directory / NAME
        self.drop_in = directory / f"{NAME}.d" / "10-own.conf"
        self.environment = directory / "own.env"
        self.drop_in.parent.mkdir()
        self.fragment.write_text("[Service]\n")
        self.drop_in.write_text(f"[Service]\nEnvironmentFile={self.environment}\n")
        self.environment.write_text("GOGC=50\n")
        self.seen = Seen(
            load="loaded",
            active="active",
            sub="running",
            file_state="enabled",
            fragment=str(self.fragment),
            drop_ins=(str(self.drop_in),),
            environment_files=(str(self.environment),),
            invocation="one",
            main_pid=1,
            started=self.environment.stat().st_ctime + 1,
        )
        inputs = fingerprints.collect(NAME, self.seen, [])
        self.stamp = Stamp(systemd_plan.recorded(inputs), "", "one")

    def plan(self) -> systemd_plan.Plan:
        """Return what the next run would do."""
        there = self.drop_in.exists()
        seen = self.seen if there else replace(self.seen, drop_ins=(), environment_files=())
        inputs = fingerprints.collect(NAME, seen, [], self.stamp.inputs)
        return systemd_plan.plan(Want(NAME), seen, inputs, self.stamp)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda unit: unit.drop_in.write_text("[Service]\nNice=1\n"), "10-own.conf changed"),
        (lambda unit: unit.environment.write_text("GOGC=70\n"), "own.env changed"),
        (lambda unit: unit.environment.unlink(), "own.env is gone"),
        (lambda unit: unit.drop_in.unlink(), "10-own.conf is gone"),
    ],
)
def test_a_change_restarts_the_unit(change: Callable[[Unit], None], reason: str, tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    assert unit.plan().action == "none"
    change(unit)
    plan = unit.plan()
    assert plan.action == "restart"
    assert any(each.endswith(reason) for each in plan.reasons)
