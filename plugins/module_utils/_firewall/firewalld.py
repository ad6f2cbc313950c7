# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies of ours in the firewalld of a host."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Sequence

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.programs import Run
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import firewalld_rules as rules_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import Forward, Rule

INVOCATION = "/run/systemd/units/invocation:%s.service"
POLICIES = "/etc/firewalld/policies"
# In one command line, of which the kernel limits the length.
AT_ONCE = 500


def is_active(unit: str = "firewalld") -> bool:
    """Return whether a unit has been started and has not ended."""
    return os.path.lexists(INVOCATION % unit)


class Firewalld:
    """firewalld, with what it does now (runtime), and what after a reload or a boot (permanent)."""

    name = "firewalld"
    paths = tuple(f"{POLICIES}/{name}.xml" for name in rules_of.EGRESS)

    def __init__(self, run: Run, rules: Iterable[Rule], forwards: Iterable[Forward], *, exclusive: bool = True) -> None:
        """Take what is wanted; without exclusive, rules that are no longer wanted stay."""
        self.run = run
        self.want = rules_of.rich_rules(rules, forwards)
        self.exclusive = exclusive
        self.notes: list[str] = []

    def _query(self, *arguments: str) -> str:
        code, out, err = self.run(["firewall-cmd", *arguments])
        if code != 0:
            what = f"firewall-cmd {' '.join(arguments)}"
            raise HardwayError(f"{what}: {' '.join((err or out).split())}; see journalctl -u firewalld")
        return out

    def _policies(self, *where: str) -> rules_of.Listed:
        return rules_of.parse(self._query(*where, "--list-all-policies"))

    def _lost(self) -> list[str]:
        """Return what a reload would lose."""
        found: list[str] = []
        # NetworkManager knows the zones of its interfaces, and that of others is the default zone.
        default = [] if is_active("NetworkManager") else [self._query("--get-default-zone").strip()]
        for what in ("--list-all-zones", "--list-all-policies"):
            listed = [rules_of.parse(self._query(*where, what)) for where in ((), ("--permanent",))]
            for name in default or list(listed[0]):
                listed[0].get(name, {}).pop(rules_of.INTERFACES, None)
            found += rules_of.lost_by_reload(listed[0], listed[1])
        direct = [self._query(*where, "--direct", "--get-all-rules").split("\n") for where in ((), ("--permanent",))]
        return found + [f"direct rule {line}" for line in direct[0] if line not in direct[1]]

    def _needs_reload(self) -> bool:
        """Return whether a policy is new: only a reload brings it into the runtime configuration."""
        runtime = self._policies()
        return any(rules and not rules_of.is_ours(name, runtime.get(name)) for name, rules in self.want.items())

    def problems(self) -> list[str]:
        """Return what keeps us from opening, and the remedy."""
        lost = self._lost() if self._needs_reload() else []
        if not lost:
            return []
        return [
            f"new policies need a reload, which would lose what is not permanent ({'; '.join(lost)}); keep it with "
            "firewall-cmd --runtime-to-permanent, or drop it with firewall-cmd --reload"
        ]

    def changes(self) -> list[str]:
        """Return what is to be done."""
        permanent, runtime = self._policies("--permanent"), self._policies()
        found = []
        for name, want in self.want.items():
            for where, listed in (("permanent", permanent), ("runtime", runtime)):
                known = listed.get(name)
                if want and not rules_of.is_ours(name, known):
                    found.append(f"{where}: add policy {name}: {', '.join(want)}")
                    continue
                if not want and known is None:
                    continue
                add, drop = self._difference(want, known or {})
                found += [f"{where}: policy {name}: add {rule}" for rule in add]
                found += [f"{where}: policy {name}: remove {rule}" for rule in drop]
                if not want and self.exclusive and where == "permanent":
                    found.append(f"{where}: delete policy {name}")
        return found

    def _difference(self, want: Sequence[str], known: dict[str, list[str]]) -> tuple[list[str], list[str]]:
        found = known.get(rules_of.RICH, [])
        drop = [rule for rule in found if rule not in want] if self.exclusive else []
        return [rule for rule in want if rule not in found], drop

    def apply(self) -> None:
        """Do it: permanent first, so that a run that is killed has lost nothing at the next reload."""
        if problems := self.problems():
            raise HardwayError(f"firewalld: {problems[0]}")
        permanent = self._policies("--permanent")
        for name, want in self.want.items():
            self._apply_permanent(name, want, permanent)
        if self._needs_reload():
            self._query("--reload")
        runtime = self._policies()
        for name, want in self.want.items():
            if name in runtime:
                self._change((), name, *self._difference(want, runtime[name]))

    def _apply_permanent(self, name: str, want: list[str], permanent: rules_of.Listed) -> None:
        known = permanent.get(name)
        if known is not None and (not rules_of.is_ours(name, known) or (not want and self.exclusive)):
            self._query("--permanent", f"--delete-policy={name}")
            _remove_copy(name)
            known = None
        if known is not None:
            self._change(("--permanent",), name, *self._difference(want, known))
        elif want:
            self._create(name, want)

    def _create(self, name: str, rules: Iterable[str]) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".xml", encoding="utf-8") as stream:
            stream.write(rules_of.policy_xml(name, rules))
            stream.flush()
            self._query("--permanent", f"--new-policy-from-file={stream.name}", f"--name={name}")

    def _change(self, where: Sequence[str], name: str, add: Sequence[str], drop: Sequence[str]) -> None:
        for verb, rules in (("--add-rich-rule", add), ("--remove-rich-rule", drop)):
            for start in range(0, len(rules), AT_ONCE):
                self._query(*where, f"--policy={name}", *(f"{verb}={rule}" for rule in rules[start : start + AT_ONCE]))

    def remove(self) -> None:
        """Remove our policies; if a reload would lose settings of others, empty ones stay until then."""
        if not is_active():
            for path in self.paths:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        else:
            self.apply()
            if any(name in self._policies() for name in self.want):
                if self._lost():
                    self.notes.append("firewalld: our empty policies stay until the next firewall-cmd --reload")
                else:
                    self._query("--reload")
        for name in self.want:
            _remove_copy(name)


def _remove_copy(name: str) -> None:
    """Remove what firewalld keeps of a deleted policy."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{POLICIES}/{name}.xml.old")
