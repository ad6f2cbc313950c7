# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the action for a systemd unit from its state, its inputs and its record. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

PROPERTIES = (
    "LoadState,LoadError,ActiveState,SubState,UnitFileState,NeedDaemonReload,FragmentPath,DropInPaths,"
    "ExecStart,EnvironmentFiles,InvocationID,MainPID,Job,Result,ExecMainStartTimestamp,ExecMainStartTimestampMonotonic,"
    "InactiveExitTimestamp,InactiveExitTimestampMonotonic,StateChangeTimestampMonotonic"
)
# Started from elsewhere or by other means: enabling is neither possible nor needed.
NOT_ENABLED_BY_US = ("static", "alias", "indirect", "generated", "transient", "linked", "linked-runtime")
# Times of files come from a clock that ticks some hundred times a second; what is closer than this is no evidence.
MARGIN = 0.05
NEVER = float("inf")


@dataclass(frozen=True)
class Want:
    """The wanted state of a unit."""

    name: str
    state: str = "started"
    enabled: bool = True
    inputs: tuple[str, ...] = ()
    health: Mapping[str, Any] | None = None
    wait_on_start: bool = True
    # Those of the inputs that a reload takes in as well as a restart.
    reloads: tuple[str, ...] = ()
    # How a reload is verified; see option units[].reload_check.
    reload_check: Mapping[str, Any] | None = None
    # Files that it writes when it starts.
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """The state of a unit in systemd."""

    load: str = "not-found"
    load_error: str = ""
    active: str = "inactive"
    sub: str = "dead"
    file_state: str = ""
    need_reload: bool = False
    fragment: str = ""
    drop_ins: tuple[str, ...] = ()
    binaries: tuple[str, ...] = ()
    environment_files: tuple[str, ...] = ()
    invocation: str = ""
    main_pid: int = 0
    job: bool = False
    result: str = ""
    # When its process started: seconds since 1970, the earliest that the clocks allow, and microseconds since boot.
    started: float = 0.0
    started_monotonic: int = 0
    # Changes with every start and every reload, and by nothing else.
    changed_at: int = 0

    @property
    def running(self) -> bool:
        """True when its process serves, or a oneshot has done its work."""
        return self.active in ("active", "reloading", "refreshing")

    @property
    def starting(self) -> bool:
        """True while a start is under way; a pause between crashes is none."""
        return self.active == "activating" and not self.sub.startswith("auto-restart")

    @property
    def enabled(self) -> bool:
        """Return whether it starts at boot, or cannot be enabled."""
        return self.file_state == "enabled" or self.file_state in NOT_ENABLED_BY_US


@dataclass(frozen=True)
class Input:
    """One input file of a unit."""

    # Its content; of a program also where it really is.
    digest: str
    # Inode, size and times: the same as long as the file was not touched.
    identity: str = ""
    # When it was last touched, in seconds since 1970. The time of the last status change, which cannot be set.
    touched: float = 0.0


@dataclass(frozen=True)
class Stamp:
    """The record of a unit's inputs at its start.

    It is valid for one process, ``invocation``. Without one it was written just before a start, while
    ``before`` ran. Any other process started later than the record was written.
    """

    inputs: Mapping[str, Input]
    before: str = ""
    invocation: str = ""
    changed_at: int = 0


@dataclass(frozen=True)
class Plan:
    """What to do: action is none, start, restart, reload, stop or remove; enable is None if it does not change."""

    name: str
    action: str
    reasons: tuple[str, ...] = ()
    enable: bool | None = None
    # It is still starting, so it can be restarted without turn and gate.
    at_once: bool = field(default=False)

    @property
    def changed(self) -> bool:
        """True when carrying it out changes the host."""
        return self.action != "none" or self.enable is not None


def full_name(name: str) -> str:
    """Return the unit's name with its type."""
    known = re.search(r"\.(service|socket|timer|path|mount|target|slice|scope|swap|automount)$", name)
    return name if known else name + ".service"


def parse_show(text: str, names: list[str], now: Optional[tuple[float, float]] = None) -> dict[str, Seen]:
    """Return what ``systemctl show`` printed, by the names it was asked for, in that order.

    ``now`` are the present times since 1970 and since boot.
    """
    blocks = [block for block in text.strip("\n").split("\n\n") if block.strip()]
    if len(blocks) != len(names):
        raise HardwayError(f"systemctl show: {len(blocks)} answers for {len(names)} units; is systemd running here?")
    return {name: _seen(block, now) for name, block in zip(names, blocks)}


def _seen(block: str, now: Optional[tuple[float, float]]) -> Seen:
    found: dict[str, list[str]] = {}
    for line in block.splitlines():
        key, _equals, value = line.partition("=")
        found.setdefault(key, []).append(value)

    def one(key: str) -> str:
        return found.get(key, [""])[-1]

    starts = [re.search(r"path=([^ ;]+)", value) for value in found.get("ExecStart", [])]
    moment = "ExecMainStart" if one("ExecMainStartTimestampMonotonic") not in ("", "0") else "InactiveExit"
    monotonic = int(one(f"{moment}TimestampMonotonic") or 0)
    files = [re.sub(r" \(ignore_errors=\w+\)$", "", value) for value in found.get("EnvironmentFiles", [])]
    return Seen(
        load=one("LoadState"),
        load_error=one("LoadError").strip('" '),
        active=one("ActiveState"),
        sub=one("SubState"),
        file_state=one("UnitFileState"),
        need_reload=one("NeedDaemonReload") == "yes",
        fragment=one("FragmentPath"),
        drop_ins=tuple(one("DropInPaths").split()),
        binaries=tuple(match.group(1) for match in starts if match),
        environment_files=tuple(value for value in files if value),
        invocation=one("InvocationID"),
        main_pid=int(one("MainPID") or 0),
        job=one("Job") not in ("", "0"),
        result=one("Result"),
        started=_earliest(one(f"{moment}Timestamp"), monotonic, now),
        started_monotonic=monotonic,
        changed_at=int(one("StateChangeTimestampMonotonic") or 0),
    )


def _earliest(recorded: str, monotonic: int, now: Optional[tuple[float, float]]) -> float:
    """Return when a process started, in seconds since 1970: as it was recorded, and by today's clock.

    They differ after a step of the clock. The earlier one never makes a file look older than the process by mistake.
    """
    words = recorded.split()
    if len(words) < 3 or not monotonic:
        return 0.0
    try:
        written = datetime.strptime(
            " ".join(words[1:3]), "%Y-%m-%d %H:%M:%S.%f" if "." in words[2] else "%Y-%m-%d %H:%M:%S"
        )
    except ValueError:
        return 0.0
    wall = written.replace(tzinfo=timezone.utc).timestamp()
    return min(wall, now[0] - (now[1] - monotonic / 1e6)) if now else wall


def plan(want: Want, seen: Seen, inputs: Mapping[str, Input], stamp: Stamp | None) -> Plan:
    """Return the plan for the wanted state of the unit."""
    if want.state == "absent":
        there = seen.load != "not-found" or seen.running
        return Plan(want.name, "remove", ("not wanted",)) if there else Plan(want.name, "none")
    enable = want.enabled if want.enabled != seen.enabled and seen.file_state not in NOT_ENABLED_BY_US else None
    if want.state == "stopped":
        if seen.load == "not-found":
            return Plan(want.name, "none")
        stops = seen.active not in ("inactive", "failed")
        return Plan(want.name, "stop" if stops else "none", ("no longer wanted",) if stops else (), enable)
    if seen.active == "failed":
        return Plan(want.name, "start", (f"was failed ({seen.result})",), enable)
    if seen.active == "activating" and not seen.starting:
        return Plan(want.name, "start", ("was failing and waiting for its next try",), enable)
    if not seen.running and not seen.starting:
        return Plan(want.name, "start", ("was not running",), enable)
    found = differences(want, seen, inputs, stamp)
    reasons = tuple(found.values())
    if stamp is not None and _was_cut_off(stamp, seen):
        reasons = reasons or ("an earlier run was interrupted before it could restart it",)
    elif not seen.starting and found and found.keys() <= set(want.reloads):
        return Plan(want.name, "reload", reasons, enable)
    return Plan(want.name, "restart" if reasons else "none", reasons, enable, bool(reasons) and seen.starting)


def differences(want: Want, seen: Seen, inputs: Mapping[str, Input], stamp: Stamp | None) -> dict[str, str]:
    """Return by path how inputs have changed since the process started; empty if none has.

    Content is compared with the record of this very process alone. For another one a file must be untouched since the
    record was written, for that was earlier, or older than the process.
    """
    found = {}
    ours = stamp is not None and stamp.invocation == seen.invocation != ""
    for path, now in sorted(inputs.items()):
        known = stamp.inputs.get(path) if stamp else None
        reloaded = path in want.reloads and stamp is not None and stamp.changed_at != seen.changed_at
        if ours and known and not reloaded:
            if known.digest != now.digest:
                found[path] = _difference(path, known.digest, now.digest)
        elif known and (known.digest, known.identity) == (now.digest, now.identity):
            continue
        # A directory lacks files that are gone, which a record lists.
        elif now.touched >= seen.started - MARGIN and not (stamp and path.endswith("/")):
            found[path] = _too_young(path, known, now)
    return found


def _too_young(path: str, known: Input | None, now: Input) -> str:
    """Return the words for an input that is not older than the process."""
    if known and known.digest != now.digest:
        return _difference(path, known.digest, now.digest)
    return f"{path} was written after the process had started"


def bound(stamp: Stamp | None, seen: Seen, inputs: Mapping[str, Input]) -> Stamp | None:
    """Return the new record of a process that runs from these inputs; None if it is unchanged."""
    new = Stamp(recorded(inputs), "", seen.invocation, seen.changed_at)
    return None if stamp == new or not seen.invocation else new


def recorded(inputs: Mapping[str, Input]) -> dict[str, Input]:
    """Return the inputs for a record: without times and directories."""
    return {path: Input(now.digest, now.identity) for path, now in inputs.items() if not path.endswith("/")}


def _was_cut_off(stamp: Stamp, seen: Seen) -> bool:
    """Return whether an earlier run was interrupted before it restarted the process."""
    return bool(stamp.before) and stamp.before == seen.invocation


def _difference(path: str, old: str | None, new: str | None) -> str:
    if new in (None, "absent"):
        return f"{path} is gone"
    if old in (None, "absent"):
        return f"{path} is new"
    if str(new).startswith("/") and str(old).startswith("/"):
        before, after = str(old).rpartition(" ")[0], str(new).rpartition(" ")[0]
        return f"binary {path}: {before} -> {after}" if before != after else f"binary {path} was replaced"
    return f"{path} changed"
