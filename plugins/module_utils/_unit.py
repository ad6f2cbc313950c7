# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do with a systemd unit, decided from what systemd, the disk and the stamp say; no I/O here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError

PROPERTIES = (
    "LoadState,LoadError,ActiveState,SubState,UnitFileState,NeedDaemonReload,FragmentPath,DropInPaths,"
    "ExecStart,EnvironmentFiles,InvocationID,MainPID,Job,Result"
)
# Started from elsewhere or by other means: enabling is neither possible nor needed.
NOT_ENABLED_BY_US = ("static", "alias", "indirect", "generated", "transient", "linked", "linked-runtime")


@dataclass(frozen=True)
class Want:
    """One unit as it is wanted."""

    name: str
    state: str = "started"
    enabled: bool = True
    inputs: tuple[str, ...] = ()
    health: Mapping[str, Any] | None = None
    wait_on_start: bool = True
    # Those of the inputs that a reload takes in as well as a restart.
    reloads: tuple[str, ...] = ()
    # Files that it writes when it starts.
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """One unit as systemd sees it."""

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
        """True when it comes up at boot, or when that is not for us to say."""
        return self.file_state == "enabled" or self.file_state in NOT_ENABLED_BY_US


@dataclass(frozen=True)
class Stamp:
    """What a unit was last started from. It speaks for every process but ``before``, the one that it replaced."""

    inputs: Mapping[str, str]
    before: str = ""


@dataclass(frozen=True)
class Plan:
    """What to do: act is none, start, restart, reload, stop or remove; enable is None where nothing changes."""

    name: str
    act: str
    reasons: tuple[str, ...] = ()
    enable: bool | None = None
    adopt: bool = field(default=False)

    @property
    def changed(self) -> bool:
        """True when carrying it out changes the host."""
        return self.act != "none" or self.enable is not None


def full_name(name: str) -> str:
    """Return the unit's name with its type."""
    known = re.search(r"\.(service|socket|timer|path|mount|target|slice|scope|swap|automount)$", name)
    return name if known else name + ".service"


def parse_show(text: str, names: list[str]) -> dict[str, Seen]:
    """Return what ``systemctl show`` printed, by the names it was asked for, in that order."""
    blocks = [block for block in text.strip("\n").split("\n\n") if block.strip()]
    if len(blocks) != len(names):
        raise HardwayError(f"systemctl show: {len(blocks)} answers for {len(names)} units; is systemd running here?")
    return {name: _seen(block) for name, block in zip(names, blocks)}


def _seen(block: str) -> Seen:
    found: dict[str, list[str]] = {}
    for line in block.splitlines():
        key, _equals, value = line.partition("=")
        found.setdefault(key, []).append(value)

    def one(key: str) -> str:
        return found.get(key, [""])[-1]

    starts = [re.search(r"path=([^ ;]+)", value) for value in found.get("ExecStart", [])]
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
    )


def plan(want: Want, seen: Seen, inputs: Mapping[str, str], stamp: Stamp | None) -> Plan:
    """Return what brings the unit to its wanted state."""
    if want.state == "absent":
        there = seen.load != "not-found" or seen.running
        return Plan(want.name, "remove", ("not wanted",)) if there else Plan(want.name, "none")
    enable = want.enabled if want.enabled != seen.enabled and seen.file_state not in NOT_ENABLED_BY_US else None
    if want.state == "stopped":
        if seen.load == "not-found":
            return Plan(want.name, "none")
        stops = seen.active not in ("inactive", "failed")
        return Plan(want.name, "stop" if stops else "none", ("not wanted now",) if stops else (), enable)
    if seen.active == "failed":
        return Plan(want.name, "start", (f"was failed ({seen.result})",), enable)
    if seen.active == "activating" and not seen.starting:
        return Plan(want.name, "start", ("was failing and waiting for its next try",), enable)
    if not seen.running and not seen.starting:
        return Plan(want.name, "start", ("was not running",), enable)
    reasons = differences(inputs, seen, stamp)
    if not reasons:
        return Plan(want.name, "none", (), enable)
    adopt = stamp is None or seen.starting
    restart_is_due = adopt or (stamp is not None and _was_cut_off(stamp, seen))
    act = "reload" if not restart_is_due and changed_paths(inputs, stamp) <= set(want.reloads) else "restart"
    return Plan(want.name, act, tuple(reasons), enable, adopt)


def changed_paths(inputs: Mapping[str, str], stamp: Stamp | None) -> set[str]:
    """Return the inputs that differ from those of the last start; where none does, the reason is another one."""
    before = stamp.inputs if stamp else {}
    return {path for path in {*inputs, *before} if before.get(path) != inputs.get(path)} or {"everything"}


def differences(inputs: Mapping[str, str], seen: Seen, stamp: Stamp | None) -> list[str]:
    """Return why the running process is not what today's inputs would give; nothing when it is."""
    if stamp is None:
        return ["there is no record of what it was started from"]
    words = []
    for path in sorted({*inputs, *stamp.inputs}):
        old, new = stamp.inputs.get(path), inputs.get(path)
        if old != new:
            words.append(_difference(path, old, new))
    if not words and _was_cut_off(stamp, seen):
        words.append("an earlier run was cut off before it could restart it")
    return words


def _was_cut_off(stamp: Stamp, seen: Seen) -> bool:
    """True when the process is still the one that an earlier run was about to restart."""
    return bool(stamp.before) and stamp.before == seen.invocation


def _difference(path: str, old: str | None, new: str | None) -> str:
    if new in (None, "absent"):
        return f"{path} is gone"
    if old in (None, "absent"):
        return f"{path} is new"
    if str(new).startswith("/") and str(old).startswith("/"):
        before, after = str(old).partition(" ")[0], str(new).partition(" ")[0]
        return f"binary {path}: {before} -> {after}" if before != after else f"binary {path} was replaced"
    return f"{path} changed"
