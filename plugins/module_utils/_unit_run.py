# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the plans for units: starts together, restarts one after the other behind the gate."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils import _unit, _unit_inputs, _unit_outputs
from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._unit import Plan, Seen, Stamp, Want
from ansible_collections.hardway.kubernetes.plugins.module_utils._unit_host import Systemd, Waiter, ask, healthy_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._unit_inputs import OURS
from ansible_collections.hardway.kubernetes.plugins.module_utils._wait import wait_until

SICK_AFTER = 3.0


class Units:
    """All units of one call, from what is seen to what is done."""

    def __init__(self, systemd: Systemd, wants: list[Want], gate: Mapping[str, Any] | None) -> None:
        self.systemd = systemd
        self._gate = gate
        self.wants = {want.name: want for want in wants}
        self.seen: dict[str, Seen] = {}
        self.inputs: dict[str, dict[str, str]] = {}
        self.plans: dict[str, Plan] = {}
        # Files that are not written because this is a check run.
        self.predicted: list[str] = []

    def decide(self, check_mode: bool) -> None:
        """Fill in the plans. Outside check mode systemd is first made to read what is on disk."""
        self._look()
        enabling = [name for name, plan in self.plans.items() if plan.enable]
        stale = [name for name, seen in self.seen.items() if _unit_inputs.unread(name, seen)]
        if check_mode or not self._reread(enabling, stale):
            return
        enabled = {name: self.plans[name].enable for name in enabling}
        self._look()
        self.plans.update({name: _with(self.plans[name], enable=enable) for name, enable in enabled.items()})

    def _reread(self, enabling: list[str], stale: list[str]) -> bool:
        """Enable units and make systemd read the unit files again; True when it did."""
        there = [name for name in enabling if self.seen[name].load != "not-found" or os.path.exists(f"{OURS}/{name}")]
        if there:
            self.systemd.do("enable", "--quiet", *there)
        elif stale:
            self.systemd.do("daemon-reload")
        return bool(there or stale)

    def _look(self) -> None:
        self.seen = self.systemd.show(list(self.wants))
        for name, want in self.wants.items():
            self.inputs[name] = _unit_inputs.collect(name, self.seen[name], want.inputs)
            for path in _unit_inputs.foreseen(name, want.inputs, self.inputs[name], self.predicted):
                self.inputs[name][path] = "what a check run foresees"
            stamp = _unit_inputs.read_stamp(name)
            self.plans[name] = _unit.plan(want, self.seen[name], self.inputs[name], stamp)
            if want.outputs:
                found, since = _unit_outputs.touched(want.outputs), self.systemd.active_since(name)
                self.plans[name] = _unit_outputs.with_outputs(self.plans[name], self.seen[name], found, since)

    def carry_out(self, hold: bool) -> list[str]:
        """Do what is planned; return the units whose restart must wait for its turn (only with ``hold``)."""
        self._refuse_impossible()
        for name, plan in self.plans.items():
            self._put_away(name, plan)
        restarts = [name for name, plan in self.plans.items() if plan.act in ("restart", "reload")]
        now = [name for name in restarts if self._needs_no_turn(name)]
        later = [name for name in restarts if name not in now]
        self._begin([name for name, plan in self.plans.items() if plan.act == "start"] + now)
        self._see_well(later)
        if later and not hold:
            self._pass_gate(later)
            for name in later:
                reloads = self.plans[name].act == "reload"
                self._reload(name) if reloads else self._begin([name])
                Waiter(self.systemd, self.wants[name], None if reloads else self.seen[name]).wait()
            time.sleep(float((self._gate or {}).get("settle") or 0))
        return later if hold else []

    def _refuse_impossible(self) -> None:
        for name, plan in self.plans.items():
            seen = self.seen[name]
            if plan.act not in ("start", "restart", "reload") or seen.load == "loaded":
                continue
            why = f"{seen.load}: {seen.load_error}; mend the unit file"
            if seen.load == "not-found":
                why = f"no such unit on this host; write {OURS}/{name} first"
            elif seen.load == "masked":
                why = f"masked; run systemctl unmask {name} if it is to run"
            raise HardwayError(f"{name}: {why}")

    def _put_away(self, name: str, plan: Plan) -> None:
        """Stop, disable or remove a unit."""
        if plan.enable is False:
            self.systemd.do("disable", "--quiet", name)
        if plan.act == "stop":
            self.systemd.do("stop", name)
        if plan.act != "remove":
            return
        self.systemd.do("stop", name)
        if self.seen[name].file_state == "enabled":
            self.systemd.do("disable", "--quiet", name)
        if self.seen[name].fragment == f"{OURS}/{name}":
            os.unlink(self.seen[name].fragment)
        shutil.rmtree(f"{OURS}/{name}.d", ignore_errors=True)
        _unit_inputs.forget_stamp(name)
        self.systemd.do("daemon-reload")

    def _begin(self, names: list[str]) -> None:
        """Order the start of units, all at once; each leaves its record first."""
        if not names:
            return
        for name in names:
            _unit_inputs.write_stamp(name, Stamp(self.inputs[name], self.seen[name].invocation))
        failed = [name for name in names if self.seen[name].active == "failed"]
        if failed:
            self.systemd.do("reset-failed", *failed)
        # 'start' would do nothing for a unit that waits for its next try after a crash.
        self.systemd.do("restart", "--no-block", *names)

    def _reload(self, name: str) -> None:
        """Let a unit read its files anew; the record follows, for a reload that was cut off can be done twice."""
        self.systemd.do("reload", name)
        _unit_inputs.write_stamp(name, Stamp(self.inputs[name]))

    def _see_well(self, later: list[str]) -> None:
        """Wait until what was started, and what ran all along, is healthy; what restarts later has its turn then."""
        for name, want in self.wants.items():
            plan, seen = self.plans[name], self.seen[name]
            if want.state != "started" or name in later:
                continue
            begun = plan.act in ("start", "restart", "reload")
            if not want.wait_on_start and ((begun and not seen.running) or (not begun and seen.starting)):
                continue
            if begun or want.health:
                Waiter(self.systemd, want, seen if begun else None).wait()

    def _needs_no_turn(self, name: str) -> bool:
        """True when nobody would miss the unit, or nobody knows what it runs from.

        A unit that is only reloaded serves all along, and what its health lacks may be what the new files bring.
        """
        plan = self.plans[name]
        return plan.adopt or (plan.act == "restart" and self._sick(name))

    def _sick(self, name: str) -> bool:
        """True when the unit answers nobody: to restart it at once can lose nothing."""
        health = self.wants[name].health
        if not health:
            return False
        # Unverified: certificates that were just renewed on disk must not make a healthy server look sick.
        well, _word = wait_until(lambda: ask(health, verify=False), lambda word: not word, timeout=SICK_AFTER)
        return not well

    def _pass_gate(self, names: list[str]) -> None:
        """Return when enough of the others are healthy; raise, with nothing touched, when they are not."""
        if not self._gate:
            return
        gate = self._gate
        passed, (count, words) = wait_until(
            lambda: healthy_of(gate), lambda found: found[0] >= gate["minimum"], timeout=gate["timeout"]
        )
        if not passed:
            raise HardwayError(
                f"{', '.join(names)}: not restarted, because only {count} of {len(gate['urls'])} are healthy and "
                f"{gate['minimum']} must be: {'; '.join(words)}. It runs on as before; mend the others and run again"
            )


def _with(plan: Plan, enable: bool | None) -> Plan:
    return Plan(plan.name, plan.act, plan.reasons, enable, plan.adopt)
