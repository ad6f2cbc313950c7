# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the last completed run of a playbook took, and each of its phases."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


class LastRun:
    """The durations of earlier runs of the same playbook, inventory and options."""

    def __init__(self, directory: Path, *key: Any) -> None:
        """Read the file; nothing is known where it is missing or damaged."""
        digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]
        self._path = directory / f"{digest}.json"
        self.seconds: float | None = None
        self.phases: dict[str, float] = {}
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            found = json.loads(self._path.read_text(encoding="utf-8"))
            phases = {str(phase): float(seconds) for phase, seconds in found["phases"].items()}
            self.seconds, self.phases = float(found["seconds"]), phases

    def write(self, seconds: float, phases: Mapping[str, float]) -> None:
        """Replace the file; a run does not fail because that is impossible."""
        content = {"seconds": round(seconds, 1), "phases": {name: round(value, 1) for name, value in phases.items()}}
        beside = self._path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.write_text(json.dumps(content), encoding="utf-8")
            beside.replace(self._path)


def resolved(sources: Sequence[str]) -> list[str]:
    """Return the sources of an inventory; a list of hosts stays as it is."""
    return sorted(str(Path(source).resolve()) if Path(source).exists() else source for source in sources)
