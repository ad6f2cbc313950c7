# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a change of the resources that are encrypted in etcd, so that all objects stay readable.

Three configurations follow each other, each loaded by all API servers before the next is written: ``now``, with which
all can read what any will write; ``next``, with which all write as asked, so that what is stored can be rewritten; and
``final``, without what nothing is stored by any more. What the masters' files say is enough to find the place again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

# Resources, and whether they are written encrypted; where not, what is encrypted can still be read.
Group = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What the file of one master encrypts, and what it only decrypts; both are patterns of resources."""

    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: Any) -> Found:
        """Return what a parsed EncryptionConfiguration says; nothing where it is none."""
        writes: list[str] = []
        reads: list[str] = []
        groups = content.get("resources") if isinstance(content, Mapping) else None
        for group in groups if isinstance(groups, Sequence) else ():
            providers = [next(iter(provider), "") for provider in group.get("providers") or [] if provider]
            if set(providers) - {"identity"}:
                (reads if providers[0] == "identity" else writes).extend(map(str, group.get("resources") or []))
        return cls(tuple(writes), tuple(reads))


@dataclass(frozen=True)
class Plan:
    """The three configurations, and the resources whose objects must be rewritten between the last two."""

    now: list[Group]
    next: list[Group]
    final: list[Group]
    rewrite: list[str] = field(default_factory=list)
    # Resources that are not yet known to be encrypted: the masters keep their names until all objects are rewritten.
    pending: list[str] = field(default_factory=list)

    @property
    def moving(self) -> bool:
        """True when the masters must go through all three."""
        return bool(self.rewrite) or self.now != self.final

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "now": self.now,
            "next": self.next,
            "final": self.final,
            "rewrite": self.rewrite,
            "pending": self.pending,
            "moving": self.moving,
        }


def plan(asked: Sequence[str], masters: Sequence[Optional[Found]], pending: Sequence[str] = ()) -> Plan:
    """Return the way to encrypt what is asked.

    masters are those that have run before, None for one without a configuration; pending is what they say is not
    rewritten yet.
    """
    wanted = list(dict.fromkeys(asked))
    final = groups(wanted, ())
    if not masters:
        return Plan(final, final, final)
    written = [item for found in masters if found for item in found.writes]
    known = list(dict.fromkeys([*written, *(item for found in masters if found for item in found.reads)]))
    # One that writes says that all could read before: this is written to none else.
    settled = [item for item in wanted if covered(item, written)]
    added = [item for item in wanted if item not in settled]
    removed = [item for item in known if not covered(item, wanted)]
    # What a wider pattern will take over stays as it is until that writes, too.
    kept = [item for item in known if item not in wanted and covered(item, added) and not covered(item, settled)]
    late = [item for item in settled if covered(item, pending)]
    keep_writing = [item for item in kept if item in written]
    return Plan(
        now=groups([*settled, *keep_writing], [*added, *removed, *(item for item in kept if item not in written)]),
        next=groups(wanted, removed),
        final=final,
        rewrite=list(dict.fromkeys([*added, *late, *removed])),
        pending=list(dict.fromkeys([*added, *late])),
    )


def groups(write: Sequence[str], read: Sequence[str]) -> list[Group]:
    """Return entries of an EncryptionConfiguration: for each resource the first that fits decides."""
    found: list[Group] = []
    for rank in range(3):
        for encrypts, items in ((True, write), (False, read)):
            fitting = [item for item in dict.fromkeys(items) if _rank(item) == rank]
            if fitting:
                found.append({"resources": fitting, "write": encrypts})
    return found


def covered(resource: str, patterns: Sequence[str]) -> bool:
    """True when one of the patterns fits all that a resource, which may be a pattern, stands for."""
    return any(fits(pattern, resource) for pattern in patterns)


def fits(pattern: str, resource: str) -> bool:
    """True when a pattern of an EncryptionConfiguration fits a resource, as secrets, deployments.apps, or a pattern."""
    if pattern in ("*.*", resource):
        return True
    group = resource.partition(".")[2]
    return pattern == f"*.{group}" and resource != "*.*"


def words(masters: Sequence[Optional[Found]]) -> str:
    """Return what is encrypted now, for a message."""
    known = dict.fromkeys(item for found in masters if found for item in (*found.writes, *found.reads))
    return ", ".join(known) or "nothing"


def _rank(pattern: str) -> int:
    """Return where a pattern belongs: what is wider comes later."""
    return 2 if pattern == "*.*" else 1 if pattern.startswith("*.") else 0


@dataclass(frozen=True)
class Key:
    """An encryption key with the name that is stored with each object."""

    name: str
    secret: str


def keys_of(text: str, path: str) -> list[Key]:
    """Return the keys of secrets/encryption.key: one a line, NAME:SECRET, the first encrypts; key1 needs no name."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, secret = line.rpartition(":")
        found.append(Key(name if colon else "key1", secret))
    names = [key.name for key in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise HardwayError(f"{path}: two keys are named {', '.join(twice)}; name one of them otherwise, as NAME:SECRET")
    return found
