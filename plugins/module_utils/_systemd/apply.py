# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies the plans for units: starts together, restarts one after the other after the gate."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import fingerprints, outputs
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import plan as systemd_plan
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.fingerprints import OURS
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import Input, Plan, Seen, Stamp, Want
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.reload import Reload
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import (
    Systemd,
    Waiter,
    healthy_of,
    query_health,
)

# A running unit is unhealthy when it has answered negatively for so many seconds.
UNHEALTHY_AFTER = 3.0
# Seconds for an unhealthy unit that needs others to become healthy, before their turn.
FOR_OTHERS = 10.0
# Seconds within which systemd starts a process.
FOR_A_PROCESS = 2.0


class Units:
    """The units of one module call: state, plans and their application."""

    def __init__(self, systemd: Systemd, wants: list[Want], gate: Mapping[str, Any] | None) -> None:
        self.systemd = systemd
        self._gate = gate
        self.wants = {want.name: want for want in wants}
        self.seen: dict[str, Seen] = {}
        self.inputs: dict[str, dict[str, Input]] = {}
        self.stamps: dict[str, Stamp | None] = {}
        self.plans: dict[str, Plan] = {}
        # Files that check mode did not write.
        self.predicted: list[str] = []
        # Units whose files systemd has not read yet, so that their processes were not started from them.
        self._stale: set[str] = set()

    def decide(self, check_mode: bool) -> None:
        """Create the plans. Except in check mode, make systemd read changed unit files first."""
        self._inspect()
        enabling = [name for name, plan in self.plans.items() if plan.enable]
        stale = sorted(self._stale)
        if check_mode:
            return
        for name in stale:
            # Record it: after the reload it is no longer visible that the process was started from other files.
            if self.stamps[name] is None and self.plans[name].action == "restart":
                fingerprints.write_stamp(name, Stamp({}, self.seen[name].invocation))
        if not self._reread(enabling, stale):
            return
        enabled = {name: self.plans[name].enable for name in enabling}
        self._inspect()
        self.plans.update({name: _with(self.plans[name], enable=enable) for name, enable in enabled.items()})

    def _reread(self, enabling: list[str], stale: list[str]) -> bool:
        """Enable units and make systemd read the unit files again; True when it did."""
        there = [name for name in enabling if self.seen[name].load != "not-found" or os.path.exists(f"{OURS}/{name}")]
        if there:
            self.systemd.do("enable", "--quiet", *there)
        elif stale:
            self.systemd.do("daemon-reload")
        return bool(there or stale)

    def _inspect(self) -> None:
        self.seen = self.systemd.show(list(self.wants))
        for name, want in self.wants.items():
            seen = self.seen[name]
            if want.state == "started":
                self._refuse_override(name)
            stamp = self.stamps[name] = fingerprints.read_stamp(name)
            if fingerprints.unread(name, seen):
                self._stale.add(name)
            inputs = fingerprints.collect(name, seen, want.inputs, stamp.inputs if stamp else None)
            if name in self._stale or self._read_later(name, seen, stamp, inputs):
                inputs = fingerprints.unread_at_start(inputs, fingerprints.unit_files(name, seen))
            for path in fingerprints.predicted_inputs(name, want.inputs, inputs, self.predicted):
                inputs[path] = Input("predicted by check mode", "", systemd_plan.NEVER)
            self.inputs[name] = inputs
            self.plans[name] = systemd_plan.plan(want, seen, inputs, stamp)
            if want.outputs:
                found, since = outputs.touched(want.outputs), self.systemd.active_since(name)
                self.plans[name] = outputs.with_outputs(self.plans[name], seen, found, since)

    def _read_later(self, name: str, seen: Seen, stamp: Stamp | None, inputs: Mapping[str, Input]) -> bool:
        """True when the unit's files changed since the record, and systemd read them after the process had started."""
        if stamp is None or stamp.invocation == seen.invocation or not seen.running:
            return False
        kept = systemd_plan.recorded(inputs)
        changed = [path for path in fingerprints.unit_files(name, seen) if stamp.inputs.get(path) != kept.get(path)]
        return bool(changed) and self.systemd.loaded_at() > seen.started_monotonic

    def carry_out(self, hold: bool, stopped_by: str = "") -> list[str]:
        """Apply the plans; with ``hold``, return the units whose restart must wait for its turn.

        ``stopped_by`` says which host failed in its turn before: then only what is unhealthy anyhow is restarted.
        """
        self._refuse_impossible()
        for name, plan in self.plans.items():
            self._stop_or_remove(name, plan)
        restarts = [name for name, plan in self.plans.items() if plan.action in ("restart", "reload")]
        now = [name for name in restarts if self.plans[name].at_once]
        later = [name for name in restarts if name not in now]
        self._begin([name for name, plan in self.plans.items() if plan.action == "start"] + now)
        self._wait_until_healthy(later)
        if later and not hold:
            self._one_after_another(later, stopped_by)
        self._record()
        return later if hold else []

    def _one_after_another(self, names: list[str], stopped_by: str) -> None:
        """Restart or reload units one after the other, behind the gate unless all of them are unhealthy."""
        unhealthy = [name for name in names if self._is_unhealthy(name)]
        if unhealthy != names:
            if stopped_by:
                raise HardwayError(
                    f"{', '.join(names)}: not restarted, because another host failed before ({stopped_by}). "
                    "It keeps running; fix that host and run again"
                )
            self._pass_gate(names)
        for name in names:
            want, before = self.wants[name], self.seen[name]
            if self.plans[name].action == "reload":
                self._reload(name)
                continue
            self._begin([name])
            # It may need the other hosts, whose turn comes later.
            at_most = FOR_OTHERS if name in unhealthy and not want.wait_on_start else None
            self._bind(name, Waiter(self.systemd, want, before).wait(at_most))
        time.sleep(float((self._gate or {}).get("hold") or 0))

    def _bind(self, name: str, seen: Seen) -> None:
        """Bind the record to the started process."""
        stamp = systemd_plan.bound(None, seen, self.inputs[name])
        if stamp and (seen.running or seen.starting) and seen.invocation != self.seen[name].invocation:
            fingerprints.write_stamp(name, stamp)

    def _record(self) -> None:
        """Bind the records to processes that run from the current inputs, even if started by others."""
        for name, plan in self.plans.items():
            if self.wants[name].state == "started" and plan.action == "none" and self.seen[name].running:
                stamp = systemd_plan.bound(self.stamps[name], self.seen[name], self.inputs[name])
                if stamp:
                    fingerprints.write_stamp(name, stamp)

    @staticmethod
    def _refuse_override(name: str) -> None:
        for path in filter(os.path.lexists, fingerprints.overrides(name)):
            raise HardwayError(
                f"{name}: {path} replaces the whole unit, at the next start at the latest; remove it and run "
                "systemctl daemon-reload, or put what you need into a drop-in"
            )

    def _refuse_impossible(self) -> None:
        for name, plan in self.plans.items():
            seen = self.seen[name]
            if plan.action not in ("start", "restart", "reload") or seen.load == "loaded":
                continue
            why = f"{seen.load}: {seen.load_error}; fix the unit file. {self.systemd.last_lines(name)}"
            if seen.load == "not-found":
                why = f"no such unit on this host; write {OURS}/{name} first"
            elif seen.load == "masked":
                why = f"masked; run systemctl unmask {name} if it should run"
            raise HardwayError(f"{name}: {why}")

    def _stop_or_remove(self, name: str, plan: Plan) -> None:
        """Stop, disable or remove a unit."""
        if plan.enable is False:
            self.systemd.do("disable", "--quiet", name)
        if plan.action == "stop":
            self.systemd.do("stop", name)
        if plan.action != "remove":
            return
        self.systemd.do("stop", name)
        if self.seen[name].file_state == "enabled":
            self.systemd.do("disable", "--quiet", name)
        if self.seen[name].fragment == f"{OURS}/{name}":
            os.unlink(self.seen[name].fragment)
        shutil.rmtree(f"{OURS}/{name}.d", ignore_errors=True)
        fingerprints.forget_stamp(name)
        self.systemd.do("daemon-reload")

    def _begin(self, names: list[str]) -> None:
        """Start units together; write their records first."""
        if not names:
            return
        for name in names:
            fingerprints.write_stamp(name, Stamp(systemd_plan.recorded(self.inputs[name]), self.seen[name].invocation))
        failed = [name for name in names if self.seen[name].active == "failed"]
        if failed:
            self.systemd.do("reset-failed", *failed)
        if any(name.endswith(".timer") for name in names):
            # systemd refuses to start a timer whose service was missing when it last read the unit files.
            self.systemd.do("daemon-reload")
        # 'start' would do nothing for a unit that waits for its next try after a crash.
        self.systemd.do("restart", "--no-block", *names)

    def _reload(self, name: str) -> None:
        """Reload a unit, then update its record; an interrupted reload can be repeated."""
        want = self.wants[name]
        reload = Reload(self.systemd, name, want.reload_check, self.seen[name].main_pid)
        self.systemd.do_to("reload", name)
        reload.verify()
        seen = Waiter(self.systemd, want, None).wait()
        if seen.invocation == self.seen[name].invocation:
            stamp = systemd_plan.bound(None, seen, self.inputs[name])
            if stamp:
                fingerprints.write_stamp(name, stamp)

    def _wait_until_healthy(self, later: list[str]) -> None:
        """Wait until started and running units are healthy, except those that restart later."""
        for name, want in self.wants.items():
            plan, seen = self.plans[name], self.seen[name]
            if want.state != "started" or name in later:
                continue
            begun = plan.action in ("start", "restart", "reload")
            if not want.wait_on_start and ((begun and not seen.running) or (not begun and seen.starting)):
                if begun:
                    self._bind_started(name)
                continue
            if begun or want.health:
                found = Waiter(self.systemd, want, seen if begun else None).wait()
                if begun:
                    self._bind(name, found)

    def _bind_started(self, name: str) -> None:
        """Bind the record of a unit without waiting for its health, as soon as systemd has started it."""
        before = self.seen[name].invocation
        started, found = wait_until(
            lambda: self.systemd.show([name])[name],
            lambda seen: seen.invocation not in ("", before) and seen.main_pid > 0,
            timeout=FOR_A_PROCESS,
        )
        if started:
            self._bind(name, found)

    def _is_unhealthy(self, name: str) -> bool:
        """Return whether a running unit constantly answers negatively; slow or unclear answers do not count.

        A unit that is only reloaded serves all along, and what its health lacks may be what the new files bring.
        """
        health = self.wants[name].health
        if not health or self.plans[name].action != "restart":
            return False
        # Unverified: certificates that were just renewed on disk must not make a healthy server look unhealthy.
        other, _last = wait_until(
            lambda: query_health(health, verify=False), lambda answer: not answer[0], timeout=UNHEALTHY_AFTER
        )
        return not other

    def _pass_gate(self, names: list[str]) -> None:
        """Wait for the gate; raise without changes when not enough are healthy."""
        if not self._gate:
            return
        gate = self._gate
        passed, (count, words) = wait_until(
            lambda: healthy_of(gate), lambda found: found[0] >= gate["minimum"], timeout=gate["timeout"]
        )
        if not passed:
            raise HardwayError(
                f"{', '.join(names)}: not restarted, because only {count} of {len(gate['urls'])} are healthy and "
                f"{gate['minimum']} must be: {'; '.join(words)}. It keeps running; fix the others and run again"
            )


def _with(plan: Plan, enable: bool | None) -> Plan:
    return replace(plan, enable=enable)
