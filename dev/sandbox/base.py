# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root file system that all hosts share read-only, built once by debootstrap and kept."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Callable, Optional

from . import root_contents
from .debian_packages import Archive, machine_archive
from .errors import SandboxError
from .process import run
from .state import locked


def base_directory(top: Path) -> Path:
    """Return where finished roots are kept."""
    return top / ".base"


def sources_list(archive: Archive, suite: str) -> str:
    """Return the hosts' package sources."""
    return f"deb [signed-by={archive.keyring}] {archive.uri} {suite} {' '.join(archive.components)}\n"


def _bootstrap(archive: Archive, suite: str, root: Path) -> None:
    """Unpack and configure the packages, with mounts and processes that end with this command."""
    done = run(
        [
            "unshare", "--mount", "--propagation", "slave", "--pid", "--fork", "--kill-child",
            "debootstrap", "--variant=minbase", f"--keyring={archive.keyring}",
            f"--components={','.join(archive.components)}", f"--include={','.join(root_contents.packages(suite))}",
            suite, str(root), archive.uri,
        ],
        quiet_failure=True,
    )  # fmt: skip
    if done.returncode:
        log = root / "debootstrap" / "debootstrap.log"
        detail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] if log.exists() else []
        reason = detail[0] if detail else (done.stderr or done.stdout).strip()[-200:]
        raise SandboxError(f"debootstrap of {suite} failed: {reason}")


def _customise(root: Path, sources: str) -> None:
    """Turn the fresh system into one that boots fast and has no identity yet."""
    for name, content in {**root_contents.FILES, "etc/apt/sources.list": sources}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    for pattern in root_contents.REMOVED:
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    units = root / "etc" / "systemd" / "system"
    for unit in root_contents.MASKED:
        link = units / unit
        if not link.is_symlink():
            link.symlink_to("/dev/null")
    systemctl = ["systemctl", "--quiet", f"--root={root}"]
    run([*systemctl, "disable", *root_contents.DISABLED], quiet_failure=True)
    run([*systemctl, "enable", *root_contents.ENABLED])
    run([*systemctl, "set-default", "multi-user.target"])


def ensure_base(top: Path, suite: Optional[str], say: Callable[[str], None]) -> Path:
    """Return the shared root, building it if one of these contents has not been built yet."""
    archive = machine_archive()
    suite = suite or archive.suite
    architecture = run(["dpkg", "--print-architecture"]).stdout.strip()
    directory = base_directory(top)
    root = directory / root_contents.digest(archive.origin, suite, architecture)
    if root.is_dir():
        os.utime(root)
        return root
    with locked(directory / "lock"):
        if root.is_dir():
            return root
        building = root.with_suffix(".new")
        for remains in directory.glob("*.new"):
            shutil.rmtree(remains)
        say(f"building the hosts' root file system from {archive.origin} {suite}, once; about a minute")
        _bootstrap(archive, suite, building)
        _customise(building, sources_list(archive, suite))
        building.rename(root)
        _prune(directory, keep=root)
    return root


def _prune(directory: Path, keep: Path) -> None:
    """Remove roots of other contents that no sandbox uses and that were not used for a month."""
    states = " ".join(path.read_text(encoding="utf-8") for path in directory.parent.glob("*/state.json"))
    for root in directory.iterdir():
        unused = root.is_dir() and root != keep and f'"{root.name}"' not in states
        if unused and time.time() - root.stat().st_mtime > 30 * 86400:
            shutil.rmtree(root)
