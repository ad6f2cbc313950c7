# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal gives to the playbooks of operations, and does before them as an accident would. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# Run again, these do their work again.
ALWAYS_CHANGE = (
    "backup.yml",
    "drill.yml",
    "rotate_ca.yml",
    "rotate_encryption_key.yml",
    "rotate_service_account_key.yml",
)
# Without an archive, restore only lists those there are; these say what else it restores from.
SOURCES = ("archive", "undo", "mode")

# Options of ansible-playbook beside variables. Others choose hosts, or how they are reached.
WITH_VALUE = ("-t", "--tags", "--skip-tags", "--vault-password-file", "--vault-id")
OTHERS = re.compile(r"-v+|-D|--diff|--(?:tags|skip-tags|vault-password-file|vault-id)=.*")


@dataclass
class Operation:
    """A playbook of a rehearsal, and the options for it."""

    playbook: str
    arguments: list[str]
    variables: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return Path(self.playbook).name

    @property
    def needs_archive(self) -> bool:
        """Return whether a backup has to be taken before."""
        return self.name == "restore.yml" and not any(self.variables.get(name) for name in SOURCES)

    @property
    def repeatable(self) -> bool:
        """Return whether the same command has nothing left to do."""
        # reboot.yml reboots no host twice, but with always.
        always = str(self.variables.get("always", "")).lower() in ("true", "yes", "1")
        return self.name not in ALWAYS_CHANGE and not always

    @property
    def target(self) -> str:
        """Return the version that an upgrade goes to; nothing for other playbooks."""
        return str(self.variables.get("to", "")).rpartition(",")[2].strip() if self.name == "upgrade.yml" else ""

    def named(self, variable: str) -> list[str]:
        """Return the hosts and groups that a variable names."""
        found = self.variables.get(variable) or []
        return found.split(",") if isinstance(found, str) else [str(each) for each in found]

    def wants_confirmation(self, source: str) -> bool:
        """Return whether the playbook, of which this is the source, shows only a plan without the cluster's name."""
        return "confirm" in source and "confirm" not in self.variables


def operations(playbooks: Sequence[str], arguments: str) -> list[Operation]:
    """Return the playbooks with their options: those of ARGS are for all but the first, unless that is the only one.

    The first one deploys what the inventory has. A later site.yml reconciles with it, and gets none either.
    """
    words = shlex.split(arguments)
    found = []
    for number, playbook in enumerate(playbooks):
        plain = len(playbooks) > 1 and (number == 0 or Path(playbook).name == "site.yml")
        given = [] if plain else words
        found.append(Operation(playbook, [*given], extra_variables(given)))
    return found


def extra_variables(words: Iterable[str]) -> dict[str, Any]:
    """Return the variables in options of ansible-playbook; refuse options that could lead out of the sandbox."""
    found: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        if word in ("-e", "--extra-vars"):
            found |= variables_of(next(rest, ""))
        elif word.startswith("--extra-vars="):
            found |= variables_of(word.partition("=")[2])
        elif word.startswith("-e"):
            found |= variables_of(word[2:])
        elif word in WITH_VALUE:
            next(rest, "")
        elif not OTHERS.fullmatch(word):
            raise SystemExit(
                f"make rehearse: ARGS: {word}: not an option that a rehearsal passes on; use -e, --tags, --diff or -v"
            )
    if outside := sorted(name for name in found if name.startswith("ansible_")):
        raise SystemExit(f"make rehearse: ARGS: {', '.join(outside)}: would leave the sandbox; leave it out")
    return found


def variables_of(value: str) -> dict[str, Any]:
    """Return the variables of one option: a file, a mapping, or words with an equals sign."""
    if value.startswith("@"):
        try:
            content = yaml.safe_load(Path(value[1:]).expanduser().read_text(encoding="utf-8"))
            return dict(content or {})
        except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
            raise SystemExit(
                f"make rehearse: ARGS: {value[1:]}: cannot be read ({error}); give a file of variables"
            ) from error
    if value.lstrip().startswith("{"):
        return dict(yaml.safe_load(value))
    return dict(part.split("=", 1) for part in shlex.split(value) if "=" in part)


def hops(before: str, asked: Sequence[str], newest: Iterable[str]) -> list[str]:
    """Return the versions of an upgrade: the newest release of each minor between, and those that are named."""
    named = {minor(version): version for version in asked}
    if not asked:
        return []
    between = {minor(version): version for version in newest if minor(before) < minor(version) < minor(asked[-1])}
    return [version for _minor, version in sorted({**between, **named}.items())]


def minor(version: str) -> tuple[int, ...]:
    """Return the minor that a version belongs to."""
    return tuple(int(part) for part in version.split(".")[:2])


def members(names: Iterable[str], listed: Mapping[str, Any], hosts: Iterable[str]) -> list[str]:
    """Return hosts by their names and those of groups, in the answer of ansible-inventory --list."""
    wanted: set[str] = set()
    left = list(names)
    while left:
        name = left.pop().strip()
        group = listed.get(name, {})
        left += group.get("children", [])
        wanted |= {name, *group.get("hosts", [])}
    return [host for host in hosts if host in wanted]


def refusal(operation: Operation) -> str:
    """Return why an operation cannot be rehearsed; nothing where it can."""
    if operation.name == "upgrade.yml" and not operation.target:
        return 'the version is not named; ARGS="-e to=VERSION"'
    if operation.name == "replace.yml":
        if not operation.variables.get("hosts"):
            return 'no host is named; ARGS="-e hosts=NAME"'
        if operation.variables.get("by") or operation.variables.get("lost"):
            return "a rehearsal replaces hosts under their own names; leave out by and lost"
    return ""
