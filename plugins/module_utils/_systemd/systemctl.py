# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls systemd, and checks the health of units on this host."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import fingerprints, plan

Run = Callable[[list[str]], "tuple[int, str, str]"]

# systemd kills a unit that does not stop in time; this ends the wait if it has no timeout.
LONGEST_STOP = 300.0
# Seconds after which a process without a health check counts as healthy.
SETTLED = 1.0
DEFAULT_TIMEOUT = 60.0
# Seconds to retry: on an overloaded host, systemctl may print nothing and still succeed.
SILENCE = 10.0


class Systemd:
    """The needed commands of systemctl, with clear errors."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def show(self, names: list[str]) -> dict[str, plan.Seen]:
        """Return the state of all units in one call."""
        _answered, out = wait_until(lambda: self._shown(names), lambda text: bool(text) or not names, timeout=SILENCE)
        return plan.parse_show(out, names, (time.time(), time.monotonic()))

    def _shown(self, names: list[str]) -> str:
        """Return what systemctl prints of units, which may be nothing."""
        command = ["systemctl", "show", "--timestamp=us+utc", "--property=" + plan.PROPERTIES, "--", *names]
        code, out, err = self._run(command)
        if code != 0:
            raise HardwayError(f"systemctl show: {' '.join(err.split())}; systemd must be PID 1 on this host")
        return out.strip("\n")

    def do(self, *arguments: str) -> None:
        """Run systemctl; raise with its output on failure."""
        code, out, err = self._run(["systemctl", *arguments])
        if code != 0:
            raise HardwayError(f"systemctl {' '.join(arguments)}: {(err or out).strip()}")

    def loaded_at(self) -> int:
        """Return when systemd last read unit files, in microseconds since boot; far in the future if unknown."""
        _code, out, _err = self._run(["systemctl", "show", "--property=UnitsLoadTimestampMonotonic", "--value"])
        return int(out.strip()) if out.strip().isdigit() else 1 << 62

    def do_to(self, verb: str, name: str) -> None:
        """Run a systemctl command for one unit; raise with the unit's last log lines on failure."""
        try:
            self.do(verb, name)
        except HardwayError as exc:
            raise HardwayError(f"{name}: {exc}. {self.last_lines(name)}") from exc

    def last_lines(self, name: str) -> str:
        """Return the last log lines of a failed unit for error messages."""
        seen = self.show([name])[name]
        others = [path for path in fingerprints.replacing_start(seen) if path != seen.fragment]
        foreign = f"{', '.join(others)}: replaces its ExecStart; remove it if it is not yours. " if others else ""
        return f"{foreign}Its last lines (journalctl -u {name} has all):\n{self.journal(name)}"

    def logged(self, name: str, since: float) -> str:
        """Return what a unit, and systemd about it, has logged since a time."""
        at = f"--since=@{since:.6f}"
        _code, out, _err = self._run(["journalctl", "-q", "--no-pager", "-o", "cat", at, "-n", "200", "-u", name])
        return out

    def active_since(self, name: str) -> float:
        """Return since when a unit serves, in seconds since 1970 by today's clock."""
        name_of_time = "ActiveEnterTimestampMonotonic"
        _code, out, _err = self._run(["systemctl", "show", f"--property={name_of_time}", "--value", "--", name])
        return time.time() - time.monotonic() + int(out.strip() or 0) / 1e6

    def journal(self, name: str) -> str:
        """Return the unit's last log lines, with secrets removed."""
        _code, out, _err = self._run(["journalctl", "-q", "--no-pager", "-o", "cat", "-n", "15", "-u", name])
        return re.sub(r"(?i)(token|passw\w*|secret)(\"?\s*[=:]\s*)\S+", r"\1\2***", out.strip()[-4000:])


def health_problem(health: Mapping[str, Any], verify: bool = True) -> str:
    """Return why the health endpoint is not healthy; empty if it is."""
    return query_health(health, verify)[1]


def query_health(health: Mapping[str, Any], verify: bool = True) -> tuple[bool, str]:
    """Return whether the health endpoint answers negatively, and its problem; empty if healthy.

    Negative means another status or a refused connection, not a slow or unreadable answer.
    """
    from ansible_collections.hardway.kubernetes.plugins.module_utils._http import client

    tls = client.Tls(
        ca=health.get("ca"),
        cert=health.get("cert"),
        key=health.get("key"),
        server_name=health.get("server_name"),
        verify=verify,
    )
    try:
        if str(health["url"]).startswith("unix:"):
            client.wait_for_grpc_greeting(health["url"])
            return False, ""
        answer = client.request(health["url"], tls=tls, timeout=5.0)
    except client.HttpError as exc:
        missing = str(health["url"]).startswith("unix:") and isinstance(exc.__cause__, FileNotFoundError)
        return exc.kind == "refused" or missing, str(exc)
    except HardwayError as exc:
        return False, str(exc)
    wanted = health.get("status") or 200
    well = answer.status == wanted
    return not well, "" if well else f"{health['url']}: status {answer.status}, not {wanted}"


def healthy_of(gate: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return how many of the gate's URLs are healthy, and the problems of the others."""
    answers = [health_problem({**gate, "url": url, "status": 200}) for url in gate["urls"]]
    return answers.count(""), [answer for answer in answers if answer]


def once_started(seen: plan.Seen) -> plan.Seen:
    """Return the state that a starting unit will have once it runs."""
    return replace(seen, active="active", sub="running") if seen.starting and seen.main_pid else seen


class Waiter:
    """Waits from the start of one unit until it is healthy."""

    def __init__(self, systemd: Systemd, want: plan.Want, before: plan.Seen | None) -> None:
        """``before`` is the unit as it was when its start was ordered; None where none was."""
        self._systemd = systemd
        self._want = want
        self._before = before
        self._alive: tuple[int, float] = (0, 0.0)
        self._fresh = before is None
        self._last = before or plan.Seen()

    def wait(self, at_most: float | None = None) -> plan.Seen:
        """Wait until the unit is healthy and return its state; raise with its last log lines on failure.

        With ``at_most`` it need not be healthy after so many seconds, if it runs.
        """
        last = ""
        if not self._fresh:
            gone, last = wait_until(self._replaced, lambda word: not word, timeout=LONGEST_STOP, interval=0.1)
            if not gone:
                self._fail(last)
        timeout = float((self._want.health or {}).get("timeout") or DEFAULT_TIMEOUT)
        if at_most is not None:
            timeout = min(timeout, at_most)
        well, last = wait_until(self._state, lambda word: not word, timeout=timeout, interval=0.1)
        if not well and at_most is None:
            # It runs from the right files, and only what it does is wrong.
            again = f"; if nothing else helps, systemctl restart {self._want.name}" if self._before is None else ""
            self._fail(f"not healthy after {timeout:g} s: {last}{again}")
        return self._last

    def _replaced(self) -> str:
        """Return an empty string once systemd has started a new process, or failed to."""
        seen = self._systemd.show([self._want.name])[self._want.name]
        if self._before is not None and seen.invocation == self._before.invocation:
            if seen.job or seen.active == "deactivating":
                return f"its old process does not end ({seen.active}, {seen.sub})"
            if not seen.running and not seen.starting:
                self._fail("systemd did not start it; check for an unmet condition or dependency")
            return "systemd has not started it yet"
        return ""

    def _state(self) -> str:
        """Return an empty string if the unit is healthy, else the reason."""
        seen = self._last = self._systemd.show([self._want.name])[self._want.name]
        if seen.active == "failed":
            self._fail(f"failed ({seen.result})")
        if not seen.running:
            return f"{seen.active} ({seen.sub})"
        if self._want.health:
            return health_problem(self._want.health)
        if seen.sub == "exited" or self._before is None:
            return ""
        if self._alive[0] != seen.main_pid:
            self._alive = (seen.main_pid, time.monotonic())
        return "" if time.monotonic() - self._alive[1] >= SETTLED else "its process has not run long enough"

    def _fail(self, reason: str) -> None:
        name = self._want.name
        raise HardwayError(f"{name}: {reason}. {self._systemd.last_lines(name)}")
