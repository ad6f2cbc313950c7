# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of ours in the ufw of a host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.atomic_files import read
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.programs import Run
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import ufw_rules
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import Forward, Rule

SETTINGS = "/etc/ufw/ufw.conf"
FILES = ("/etc/ufw/user.rules", "/etc/ufw/user6.rules")
BEFORE = "/etc/ufw/before.rules"


class Ufw:
    """ufw, which loads each rule and keeps it for the next boot."""

    name = "ufw"
    paths = (SETTINGS, *FILES)

    def __init__(self, run: Run, rules: Iterable[Rule], forwards: Iterable[Forward], *, exclusive: bool = True) -> None:
        """Take what is wanted; without exclusive, rules that are no longer wanted stay."""
        self.run = run
        rules = list(rules)
        self.vrrp = [rule.source for rule in rules if rule.protocol == "vrrp"]
        self.knows_vrrp = not self.vrrp or self._knows_vrrp("")
        known = [rule for rule in rules if self.knows_vrrp or rule.protocol != "vrrp"]
        self.want = ufw_rules.wanted(known, forwards)
        self.exclusive = exclusive

    def _knows_vrrp(self, before_rules: str) -> bool:
        return ufw_rules.knows_vrrp(self.run(["ufw", "version"])[1], before_rules)

    def _found(self) -> list[ufw_rules.Found]:
        return ufw_rules.parse("\n".join((read(path) or b"").decode("utf-8", "replace") for path in FILES))

    def problems(self) -> list[str]:
        """Return what cannot be opened, and the remedy."""
        found = [
            f"the rule {ufw_rules.in_words(rule)} comes first and denies {ufw_rules.in_words(one)}; delete that rule"
            for rule, one in ufw_rules.denied(self._found(), self.want)
        ]
        if not self.knows_vrrp and not self._knows_vrrp((read(BEFORE) or b"").decode("utf-8", "replace")):
            lines = [f"-A ufw-before-input -s {source} -p vrrp -j ACCEPT" for source in self.vrrp]
            found.append(
                f"this release of ufw has no rules for VRRP; add {', '.join(lines)} to {BEFORE}, before COMMIT, and "
                "run ufw reload"
            )
        return found

    def _commands(self) -> list[list[str]]:
        """Return the commands that are left: first what opens."""
        found = self._found()
        commands = [ufw_rules.command(rule) for rule in ufw_rules.missing(found, self.want)]
        if self.exclusive:
            commands += [ufw_rules.command(rule, delete=True) for rule in ufw_rules.surplus(found, self.want)]
        return commands

    def changes(self) -> list[str]:
        """Return what is to be done."""
        return [" ".join(command) for command in self._commands()]

    def apply(self) -> None:
        """Do it; each command is complete by itself."""
        for command in self._commands():
            self._do(command)

    def remove(self) -> None:
        """Remove all of it, also while ufw is off."""
        self.apply()

    def _do(self, command: Sequence[str]) -> None:
        code, out, err = self.run(command)
        if code != 0:
            raise HardwayError(f"{' '.join(command)}: {' '.join((err or out).split())}; see ufw status verbose")
