# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads when and why a host has booted, and what waits for its next boot.

All reasons refer to the present boot, so that none is left after the next one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

Run = Callable[[list[str]], "tuple[int, str, str]"]
# Debian and Ubuntu: packages create it.
MARK = "run/reboot-required"
KERNEL = "vmlinuz-"
# A release begins with its number; what follows is a flavour, such as amd64 or el9.x86_64, with numbers of its own.
_NUMBER = re.compile(r"[0-9.-]+")
_RESTARTS = "Reboot is required"


def booted(root: Path) -> float:
    """Return when the host has booted, in seconds since 1970; in a container, when that was started."""
    kernel = next(
        line for line in (root / "proc/stat").read_text(encoding="utf-8").splitlines() if line.startswith("btime ")
    )
    # The fields after the name of the program, which may contain spaces.
    fields = (root / "proc/1/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return float(kernel.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def boot_id(root: Path) -> str:
    """Return the ID that the kernel gives to each boot."""
    return (root / "proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def reasons(root: Path, running: str, run: Run, find: Callable[[str], Optional[str]]) -> list[str]:
    """Return what waits for a reboot."""
    return [*_marked(root), *_newer_kernel(root, running), *_restarting(run, find)]


def _marked(root: Path) -> list[str]:
    if not (root / MARK).exists():
        return []
    try:
        packages = sorted(set((root / f"{MARK}.pkgs").read_text(encoding="utf-8").split()))
    except OSError:
        packages = []
    return [f"/{MARK}" + (f" ({', '.join(packages)})" if packages else "")]


def _newer_kernel(root: Path, running: str) -> list[str]:
    try:
        found = {path.name[len(KERNEL) :]: path.lstat().st_ctime for path in (root / "boot").glob(f"{KERNEL}*")}
    except OSError:
        return []
    newer = newer_kernel(running, found, booted(root))
    return [f"kernel {newer} is installed, {running} runs"] if newer else []


def newer_kernel(running: str, installed: Mapping[str, float], since: float) -> str:
    """Return the newest kernel of the running flavour that was installed since a time; empty unless it is newer.

    An older file was not chosen by the last boot, so the next one would not choose it either.
    """
    found = [
        release
        for release, changed in installed.items()
        if changed > since and _flavour(release) == _flavour(running) and _number(release) > _number(running)
    ]
    return max(found, key=_number, default="")


def _number(release: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", release)]


def _flavour(release: str) -> str:
    found = _NUMBER.match(release)
    return re.sub(r"\d", "", release[found.end() :]) if found else release


def _restarting(run: Run, find: Callable[[str], Optional[str]]) -> list[str]:
    """Return what RHEL and its kin say: needs-restarting compares packages with the time of the boot."""
    program = find("needs-restarting")
    if program is None:
        return []
    code, out, err = run([program, "-r"])
    if code == 0:
        return []
    if _RESTARTS in out:
        packages = re.findall(r"^\s+[*-] (\S+)", out, re.MULTILINE)
        return ["needs-restarting" + (f" ({', '.join(packages)})" if packages else "")]
    raise HardwayError(f"needs-restarting -r: {' '.join((err or out).split())}; repair it, or leave the host out")


def parse_time(text: str) -> float:
    """Return a time in seconds since 1970."""
    try:
        found = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise HardwayError(f"booted_before: {text!r} is not a time such as 2026-01-02T03:04:05Z; correct it") from None
    return found.replace(tzinfo=timezone.utc).timestamp()
