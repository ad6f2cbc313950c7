# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every stand-in does with its command line, and how it ends."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from typing import Any, Callable

from .flags import Line, Refusal, table, usage
from .values import problem


@dataclass
class Program:
    """A stand-in of one version."""

    name: str
    version: str
    line: Line
    tables: dict[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of configuration files."""
        return dict(self.tables["fields"])

    @property
    def gates(self) -> list[str]:
        """Return the feature gates of the version."""
        return list(self.tables.get("gates", []))  # flanneld has none

    def hold(self, content: dict[str, Any], kind: str = "") -> None:
        """Raise Refusal where flags, or a file of a kind, have a value that the real program does not take."""
        known = self.tables.get("choices", {})
        known = {**known, "controllers": [*known.get("controllers", []), *self.tables.get("aliases", {})]}
        if words := problem(table("limits").get(kind or self.name, {}), content, known):
            raise Refusal(words)

    def get(self, flag: str, default: Any = None) -> Any:
        """Return a flag's value; a flag that this version does not have has none."""
        return self.line.values.get(flag, default)


def architecture() -> str:
    """Return this machine's architecture as Go names it."""
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def version_text(name: str, version: str) -> str:
    """Return what --version prints."""
    return f"v{version}" if name == "flanneld" else f"Kubernetes v{version}"


def refuse(name: str, exc: Refusal, *, parsing: bool) -> int:
    """Print why the program ends, as the real one does; return the exit status."""
    if parsing and name == "flanneld":
        print(re.sub("unknown flag: --?", "flag provided but not defined: -", str(exc)), file=sys.stderr)
        return 0
    if parsing and name != "kubelet":
        print(f"Error: {exc}", file=sys.stderr)
        return exc.status
    prefix = "failed to parse kubelet flag: " if parsing else ""
    # As structured logging writes it.
    text = str(exc).replace('"', '\\"')
    print(f'E0101 00:00:00.000000       1 run.go:72] "command failed" err="{prefix}{text}"', file=sys.stderr)
    return exc.status


def run(name: str, versions: dict[str, str], words: list[str], main: Callable[[Program], int]) -> int:
    """Read the command line and run; return the exit status."""
    minor = versions["kubernetes"].rpartition(".")[0]
    tables = table("flanneld" if name == "flanneld" else minor)
    version = tables["version"] if name == "flanneld" else versions["kubernetes"]
    known = tables["flags"][name]
    try:
        line = Line(known).read(words)
        if line.rest:
            raise Refusal(f'"{name}" does not take any arguments, got {line.rest}'.replace("'", '"'))
    except Refusal as exc:
        return refuse(name, exc, parsing=True)
    if line.values.get("version"):
        print(version_text(name, version))
        return 0
    if line.values.get("help"):
        print(usage(name, known))
        return 0
    try:
        program = Program(name, version, line, tables)
        line.check_gates(program.gates)
        program.hold(line.values)
        return main(program)
    except Refusal as exc:
        return refuse(name, exc, parsing=False)
    except OSError as exc:
        return refuse(name, Refusal(str(exc)), parsing=False)
