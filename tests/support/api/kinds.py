# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs the contract is tested with: stand-ins always, the real ones where they are available."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from dev.standins import binaries, use
from dev.tools.lab import available_programs, kubernetes_version


def ready() -> Path:
    """Return where the real programs would be."""
    return Path(os.environ.get("HARDWAY_BINARY_DIR") or binaries.READY)


def kinds() -> list[str]:
    """Return the kinds of programs that can be tested on this machine, and are wanted."""
    real = (ready() / kubernetes_version() / "kube-apiserver").is_file()
    return ["stand-in", "real"] if real and os.environ.get("HARDWAY_REHEARSAL") != "1" else ["stand-in"]


@functools.cache
def directory(kind: str) -> Path:
    """Return where the programs of a kind are; they are collected and built once."""
    available_programs()
    return use.programs(kubernetes_version()) if kind == "stand-in" else ready()
