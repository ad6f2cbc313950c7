# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What callback plugin phases knows of a run, and how it says it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.plugin_utils._progress import named

# Hosts that the live line names: a terminal is narrow.
FEW = 3


@dataclass
class Task:
    """A task, and the hosts that have started, not finished, changed by it."""

    name: str
    started: int = 0
    waiting: dict[str, None] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    # Hosts with an error that was shown before, by what they are: failed, unreachable, ignored.
    repeated: dict[str, dict[str, None]] = field(default_factory=dict)
    # Hosts with errors of items of a loop, which were shown.
    failed_items: set[str] = field(default_factory=set)
    retries: int | None = None


@dataclass
class Phase:
    """A play, or one batch of it."""

    number: int
    total: int
    batch: int
    name: str
    begin: float
    last: float | None = None
    # Whether the inventory has hosts for it.
    matched: bool = True
    hosts: dict[str, None] = field(default_factory=dict)
    failed: dict[str, None] = field(default_factory=dict)
    unreachable: dict[str, None] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return what names this phase among those of the playbook."""
        return f"{self.number}.{self.batch}"

    @property
    def label(self) -> str:
        """Return number and name."""
        width = len(str(self.total))
        batch = f", batch {self.batch}" if self.batch > 1 else ""
        return f"[{self.number:{width}}/{self.total}] {self.name}{batch}"

    def time(self, now: float) -> str:
        """Return how long it has taken, and the last time."""
        return duration(now - self.begin) + compared(self.last)

    def ordered(self, some: Collection[str]) -> list[str]:
        """Return some of its hosts in the order of the inventory."""
        return [host for host in self.hosts if host in some]

    def ended(self, now: float) -> str:
        """Return the line at its end."""
        if not self.hosts:
            return f"{self.label}: {'nothing to do' if self.matched else 'no hosts'}"
        done = len(self.hosts) - len({*self.failed, *self.unreachable})
        parts = [f"{done}/{len(self.hosts)} hosts, {self.time(now)}"]
        parts += [f"failed: {named(self.ordered(self.failed))}"] if self.failed else []
        parts += [f"unreachable: {named(self.ordered(self.unreachable))}"] if self.unreachable else []
        return f"{self.label}: {'; '.join(parts)}"


def waited_for(phase: Phase, tasks: Collection[Task], now: float, most: int) -> str:
    """Return what a phase does now: the oldest task that some hosts have not finished, and these hosts."""
    line = f"{phase.label}: {phase.time(now)}"
    for task in tasks:
        # Another thread may finish the task meanwhile.
        if waiting := list(task.waiting):
            done = f"{task.started - len(waiting)}/{task.started} hosts"
            retries = "" if task.retries is None else f" ({task.retries} retries left)"
            return f"{line} | {done}, waiting for {named(waiting, most)} | {task.name}{retries}"
    return line


def name_of(task: Any) -> str:
    """Return a task's name, with its role; the collection is always the same."""
    return str(task.get_name()).strip().removeprefix("hardway.kubernetes.")


def duration(seconds: float) -> str:
    """Return seconds as text."""
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60:02} s"


def phases(number: int) -> str:
    """Return how many phases there are."""
    return "1 phase" if number == 1 else f"{number} phases"


def compared(last: float | None) -> str:
    """Return what the last run took; nothing where that is unknown."""
    return "" if last is None else f" (last run {duration(last)})"


def error_text(result: Mapping[str, Any]) -> str:
    """Return the whole error of a result: its message, and the output of a program that failed."""
    found = [message(result["msg"])] if result.get("msg") else []
    found += [message(result[name]) for name in ("reason", "censored") if result.get(name)]
    streams = ("module_stdout", "module_stderr", "stdout", "stderr")
    found += [f"{name}: {text}" for name in streams if (text := str(result.get(name) or "").strip())]
    return "\n".join(found) or "no message; -v shows the whole result"


def message(value: Any) -> str:
    """Return a message as text, a list as lines."""
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def indented(text: str, by: str) -> str:
    """Return a text with all its lines indented; empty lines stay empty."""
    return "\n".join(f"{by}{line}" if line.strip() else "" for line in text.rstrip().splitlines())


def counted(counts: Mapping[str, int]) -> str:
    """Return hosts by their count, the highest first."""
    groups: dict[int, list[str]] = {}
    for host, count in counts.items():
        if count:
            groups.setdefault(count, []).append(host)
    return "; ".join(f"{count} on {named(groups[count])}" for count in sorted(groups, reverse=True))


def recap(summaries: Mapping[str, Mapping[str, int]], checked: bool) -> list[str]:
    """Return the lines about all hosts at the end of a run."""
    found = {key: counted({host: summary[key] for host, summary in summaries.items()}) for key in KEYS}
    verb = "would change" if checked else "changed"
    return [
        f"{verb}: {found['changed'] or 'nothing'}",
        *(f"{KEYS[key]}: {text}" for key, text in found.items() if text and KEYS[key]),
    ]


# Ansible's names of counts, and ours.
KEYS = {
    "changed": "",
    "failures": "failed",
    "unreachable": "unreachable",
    "rescued": "failed and handled",
    "ignored": "failed and ignored",
}


def is_handled(task: Any) -> bool:
    """Return whether a block around a task has tasks for its failure."""
    child, parent = task, task._parent
    while parent:
        if getattr(parent, "rescue", None) and any(each._uuid == child._uuid for each in parent.block):
            return True
        child, parent = parent, parent._parent
    return False
