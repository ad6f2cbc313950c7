# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program hardway-backup, as a module for tests of its parts and as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

from tests.support.api.programs import RealEtcd, binary
from tests.support.repository import ROLES

PROGRAM = ROLES / "backup/files/hardway-backup"


def load_program() -> Any:
    """Return the program as a module."""
    loader = SourceFileLoader("hardway_backup", str(PROGRAM))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


class Backups:
    """A host with settings of the program for an etcd on loopback."""

    def __init__(self, source: RealEtcd, top: Path, host: str = "m1", **changed: Any) -> None:
        """Write the settings."""
        self.directory = top / "backups"
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.textfile = top / "hardway_backup.prom"
        given: dict[str, Any] = {
            **source.arguments(),
            "cluster": "test",
            "host": host,
            "directory": str(self.directory),
            "textfile": str(self.textfile),
            "lease_seconds": 3,
            **{name: str(binary(name)) for name in ("etcd", "etcdctl", "etcdutl")},
            **changed,
        }
        self.settings = top / f"{host}.json"
        self.settings.write_text(json.dumps(given), encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        """Return the command line of a run."""
        return [sys.executable, str(PROGRAM), "run", "--settings", str(self.settings), *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the program to its end."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False, timeout=120)

    def names(self) -> list[str]:
        """Return everything in the directory, except for the record of the last backup."""
        return sorted(path.name for path in self.directory.iterdir() if path.name != "last.json")

    def metric(self, name: str) -> float:
        """Return a metric of the textfile."""
        lines = self.textfile.read_text(encoding="utf-8").splitlines()
        (line,) = (line for line in lines if line.startswith(f"hardway_backup_{name} "))
        return float(line.split()[1])


def verify(archive: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Check an archive."""
    command = [sys.executable, str(PROGRAM), "verify", str(archive), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def inspect(backups: Backups, archive: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Inspect an archive with the settings of a host."""
    command = [sys.executable, str(PROGRAM), "inspect", str(archive), "--settings", str(backups.settings), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
