# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a change of the resources that are encrypted in etcd, or of the keys, so that all objects stay readable.

Three configurations follow each other, each loaded by all API servers before the next is written: ``now``, with which
all can read what any will write; ``next``, with which all write as asked, so that what is stored can be rewritten; and
``final``, without what nothing is stored by any more. What the masters' files say is enough to find the place again.
All resources have the same keys, of which the first one encrypts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

# Resources, and whether they are written encrypted; where not, what is encrypted can still be read.
Group = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What the file of one master encrypts, and what it only decrypts, as patterns of resources; and its keys."""

    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: Any, keys: Sequence[str] = ()) -> Found:
        """Return what a parsed EncryptionConfiguration says, with the names of its keys; nothing where it is none."""
        writes: list[str] = []
        reads: list[str] = []
        groups = content.get("resources") if isinstance(content, Mapping) else None
        for group in groups if isinstance(groups, Sequence) else ():
            providers = [next(iter(provider), "") for provider in group.get("providers") or [] if provider]
            if set(providers) - {"identity"}:
                (reads if providers[0] == "identity" else writes).extend(map(str, group.get("resources") or []))
        return cls(tuple(writes), tuple(reads), tuple(keys))


@dataclass(frozen=True)
class Plan:
    """The three configurations, and the resources whose objects must be rewritten between the last two."""

    now: list[Group]
    next: list[Group]
    final: list[Group]
    rewrite: list[str] = field(default_factory=list)
    # Resources not yet known to be stored as asked: the masters keep their names until the change is complete.
    pending: list[str] = field(default_factory=list)
    # Names of the keys, for each of the three.
    keys: dict[str, list[str]] = field(default_factory=dict)
    # Those that masters have and that were not asked for: removed when nothing is stored under them.
    drop: list[str] = field(default_factory=list)
    # True when masters still have to take the keys that are asked for, or have not yet completed a change.
    rotating: bool = False

    @property
    def moving(self) -> bool:
        """True when the masters must go through all three."""
        return bool(self.rewrite or self.drop) or self.now != self.final

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "now": self.now,
            "next": self.next,
            "final": self.final,
            "rewrite": self.rewrite,
            "pending": self.pending,
            "moving": self.moving,
            # Not "keys", which templates would take for the method of a dictionary.
            "key_names": self.keys,
            "drop": self.drop,
            "rotating": self.rotating,
        }


def plan(
    asked: Sequence[str], masters: Sequence[Optional[Found]], pending: Sequence[str] = (), keys: Sequence[str] = ()
) -> Plan:
    """Return the way to encrypt what is asked, with the keys of these names, the first of which encrypts.

    masters are those that have run before, None for one without a configuration; pending is what they say is not
    rewritten yet.
    """
    wanted = list(dict.fromkeys(asked))
    final = groups(wanted, ())
    order, drop, rotated = _key_order(keys, [found.keys for found in masters if found and found.keys])
    if not masters:
        return Plan(final, final, final, keys=order)
    written = [item for found in masters if found for item in found.writes]
    read = [item for found in masters if found for item in found.reads]
    present = list(dict.fromkeys([*written, *read]))
    # One that writes says that all could read before: this is written to none else.
    settled = [item for item in wanted if covered(item, written)]
    added = [item for item in wanted if item not in settled]
    removed = [item for item in present if not covered(item, wanted)]
    # What a wider pattern will take over stays as it is until that writes, too.
    kept = [item for item in present if item not in wanted and covered(item, added) and not covered(item, settled)]
    late = [item for item in settled if rotated or covered(item, pending)]
    keep_writing = [item for item in kept if item in written]
    return Plan(
        now=groups([*settled, *keep_writing], [*added, *removed, *(item for item in kept if item not in written)]),
        next=groups(wanted, removed),
        final=final,
        rewrite=list(dict.fromkeys([*added, *late, *removed])),
        pending=list(dict.fromkeys([*added, *late])),
        keys=order,
        drop=drop,
        rotating=rotated or bool(pending),
    )


def _key_order(asked: Sequence[str], masters: Sequence[Sequence[str]]) -> tuple[dict[str, list[str]], list[str], bool]:
    """Return the keys of the three configurations, those to drop, and whether objects must be rewritten."""
    theirs = list(dict.fromkeys(name for names in masters for name in names))
    wanted = list(dict.fromkeys(asked)) or theirs
    drop = [name for name in theirs if name not in wanted]
    last = [*wanted, *drop]
    # As above, one that encrypts with a key says that all could read it before; unless files were edited by hand.
    common = [name for name in last if all(name in names for names in masters)]
    first = [name for name in common if name in {names[0] for names in masters}] or common or last
    now = [*first[:1], *(name for name in last if name != first[0])] if masters else last
    return {"now": now, "next": last, "final": wanted}, drop, bool(drop) or now[:1] != last[:1]


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


def known(masters: Sequence[Optional[Found]]) -> tuple[list[str], list[str]]:
    """Return all resources and keys that masters have."""
    states = [found for found in masters if found]
    resources = dict.fromkeys(item for found in states for item in (*found.writes, *found.reads))
    return list(resources), list(dict.fromkeys(name for found in states for name in found.keys))


def words(resources: Sequence[str], keys: Sequence[str]) -> str:
    """Return what is encrypted, and by which keys, for a message."""
    return f"{', '.join(resources)} by {', '.join(keys) or 'no key'}" if resources else "nothing"


def _rank(pattern: str) -> int:
    """Return where a pattern belongs: what is wider comes later."""
    return 2 if pattern == "*.*" else 1 if pattern.startswith("*.") else 0
