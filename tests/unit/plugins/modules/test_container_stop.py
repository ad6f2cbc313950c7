# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers get their stop signal, and are killed if they do not end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.modules.container_stop import CONTAINERS, SANDBOXES, Runtime

HEADER = "TASK    PID    STATUS\n"


class Ctr:
    """Answers as ctr does; containers that are stubborn ignore their stop signal."""

    params = {"ctr": "ctr", "address": "/socket", "namespace": "k8s.io"}

    def __init__(self, *stubborn: str, deaf: bool = False) -> None:
        """Start three containers of two pods, one of which has ended."""
        self.stubborn, self.deaf = stubborn, deaf
        self.known = {CONTAINERS: ["c1", "c2", "c3"], SANDBOXES: ["s1", "s2"]}
        self.state = {"c1": "RUNNING", "c2": "RUNNING", "c3": "STOPPED", "s1": "RUNNING", "s2": "RUNNING"}
        self.signals: list[tuple[str, ...]] = []

    def run_command(self, line: list[str], handle_exceptions: bool) -> tuple[int, str, str]:
        """Return exit code, output and errors."""
        assert not handle_exceptions and line[:5] == ["ctr", "--address", "/socket", "--namespace", "k8s.io"]
        if line[5:7] == ["containers", "ls"]:
            return 0, "\n".join(self.known[line[-1].rpartition("==")[2]]), ""
        if line[5:7] == ["tasks", "ls"]:
            return 0, HEADER + "".join(f"{name}    7    {state}\n" for name, state in self.state.items()), ""
        *options, name = line[7:]
        self.signals.append((*options, name))
        if self.state[name] != "RUNNING":
            return 1, "", f"process {name} not found"
        if not self.deaf and (options or name not in self.stubborn):
            self.state[name] = "STOPPED"
        return 0, "", ""


def runtime(ctr: Any) -> Runtime:
    """Return the runtime behind these answers."""
    return Runtime(ctr)


def test_containers_that_run_get_the_signal_of_their_image() -> None:
    ctr = Ctr()
    assert runtime(ctr).stop(CONTAINERS, 5) == (["c1", "c2"], [])
    assert ctr.signals == [("c1",), ("c2",)] and ctr.state["s1"] == "RUNNING"
    assert runtime(ctr).stop(CONTAINERS, 5) == ([], [])


def test_what_does_not_end_is_killed() -> None:
    ctr = Ctr("c2")
    assert runtime(ctr).stop(CONTAINERS, 0.1) == (["c1", "c2"], ["c2"])
    assert ctr.signals[-1] == ("--signal", "SIGKILL", "c2")


def test_what_survives_that_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.hardway.kubernetes.plugins.modules.container_stop.DEATH", 0.1)
    with pytest.raises(HardwayError, match="containers c1, c2: still run after SIGKILL"):
        runtime(Ctr(deaf=True)).stop(CONTAINERS, 0.1)


def test_one_that_ends_meanwhile_is_no_error() -> None:
    ctr = Ctr()
    one = runtime(ctr)
    ctr.state["c1"] = "STOPPED"
    one._signal(CONTAINERS, ["c1"])


def test_an_error_of_containerd_is_reported() -> None:
    failing = SimpleNamespace(params=Ctr.params, run_command=lambda _line, **_options: (1, "", "connection refused\n"))
    with pytest.raises(HardwayError, match=r"ctr containers ls .*: connection refused; see `journalctl"):
        runtime(failing).running(SANDBOXES)
