# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that are stopped for a while: the timer comes first, and only one outage at a time."""

from __future__ import annotations

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.outage import NAME, Outage


class Systemd:
    """Answers commands as systemd does, with some units active."""

    def __init__(self, *active: str, fails: str = "") -> None:
        """Remember which."""
        self.active, self.fails = set(active), fails
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str]) -> tuple[int, str, str]:
        """Return the states of units; remember all other commands."""
        if command[:2] == ["systemctl", "show"]:
            names = command[command.index("--") + 1 :]
            states = {name: "active" if name in self.active else "inactive" for name in names}
            return 0, "\n\n".join(f"Id={name}\nLoadState=loaded\nActiveState={states[name]}" for name in names), ""
        self.commands.append(command)
        return (1, "", "no") if command[0] == self.fails else (0, "", "")


def test_the_timer_is_set_before_anything_stops() -> None:
    systemd = Systemd("a.service")
    result = Outage(systemd).begin(["a.service"], ["b"], 30, check=False)
    timer, stop = systemd.commands
    assert timer[:2] == ["systemd-run", f"--unit={NAME}"] and "--on-active=30s" in timer
    assert timer[-4:] == ["systemctl", "start", "a.service", "b"] and stop == ["systemctl", "stop", "a.service"]
    assert result["changed"] and result["starts"] == result["began"] + 30


def test_without_a_timer_nothing_stops() -> None:
    systemd = Systemd("a.service", fails="systemd-run")
    with pytest.raises(HardwayError, match="systemd-run: no; nothing was stopped"):
        Outage(systemd).begin(["a.service"], [], 30, check=False)
    assert len(systemd.commands) == 1


@pytest.mark.parametrize(
    ("active", "said"),
    [((), "a.service: not active"), (("a.service", f"{NAME}.timer"), "another outage has not ended")],
)
def test_what_is_stopped_or_being_stopped_is_left_alone(active: tuple[str, ...], said: str) -> None:
    systemd = Systemd(*active)
    with pytest.raises(HardwayError, match=said):
        Outage(systemd).begin(["a.service"], [], 30, check=False)
    assert systemd.commands == []


def test_check_mode_does_nothing() -> None:
    systemd = Systemd("a.service")
    assert Outage(systemd).begin(["a.service"], [], 30, check=True) == {"changed": True}
    assert Outage(Systemd(f"{NAME}.timer")).end(check=True) == {"changed": True}
    assert systemd.commands == []


def test_an_outage_is_ended_once() -> None:
    systemd = Systemd(f"{NAME}.timer")
    assert Outage(systemd).end(check=False) == {"changed": True}
    assert systemd.commands == [["systemctl", "start", f"{NAME}.service"], ["systemctl", "stop", f"{NAME}.timer"]]
    assert Outage(Systemd()).end(check=False) == {"changed": False}


def test_a_timer_that_elapses_while_it_is_ended_is_no_error() -> None:
    class Elapsing(Systemd):
        def __call__(self, command: list[str]) -> tuple[int, str, str]:
            if command[:2] == ["systemctl", "stop"]:
                self.active.clear()
                return 5, "", "Unit hardway-outage.timer not loaded."
            return super().__call__(command)

    assert Outage(Elapsing(f"{NAME}.timer")).end(check=False) == {"changed": True}
