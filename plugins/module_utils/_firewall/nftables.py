# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of ours in the nftables chains of a host's operator."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.atomic_files import read, write
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.programs import Run, program
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.safe_paths import make_directory
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import nft_rules
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall.openings import Forward, Rule

FILE = "/etc/hardway/firewall.nft"
UNIT = "hardway-firewall.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
# The unit of distributions, whose configuration begins with `flush ruleset`.
RULESET = "nftables.service"
WANTS = tuple(f"/etc/systemd/system/{name}.wants/{UNIT}" for name in ("multi-user.target", RULESET))


class Nftables:
    """nftables: the rules of now, and a unit that adds ours again whenever those of the operator are loaded."""

    name = "nftables"
    paths = (FILE, UNIT_FILE)

    def __init__(self, run: Run, rules: Iterable[Rule], forwards: Iterable[Forward], *, exclusive: bool = True) -> None:
        """Take what is wanted; without exclusive, rules that are no longer wanted stay."""
        self.run, self.rules, self.forwards, self.exclusive = run, list(rules), list(forwards), exclusive
        self._listed: dict[tuple[str, ...], str] = {}

    def _list(self, *words: str) -> str:
        """Return what nft lists, empty for what does not exist; until something is changed, each once."""
        if words not in self._listed:
            code, out, _err = self.run(["nft", *words])
            self._listed[words] = out if code == 0 else ""
        return self._listed[words]

    def closed(self, listed: str) -> list[nft_rules.Chain]:
        """Return the chains that drop what no rule has accepted."""
        return [
            chain
            for chain in nft_rules.base_chains(listed)
            if nft_rules.is_closed(self._list("list", "chain", *chain.place.split(), chain.name))
        ]

    def _plan(self) -> tuple[dict[tuple[str, str], list[str]], list[nft_rules.Chain]]:
        """Return the rules of each chain of ours, and the chains that jump there."""
        want: dict[tuple[str, str], list[str]] = {}
        jumps = []
        listed = self._list("list", "chains")
        for chain in self.closed(listed):
            own = (chain.place, nft_rules.CHAINS[chain.hook])
            rules = (
                nft_rules.of_input(self.rules, chain.family)
                if chain.hook == "input"
                else nft_rules.of_forward(self.forwards, chain.family)
            )
            if rules and not chain.is_iptables:
                want[own] = rules if self.exclusive else self._with_former(own, rules)
                jumps.append(chain)
        return want, jumps

    def _with_former(self, own: tuple[str, str], rules: list[str]) -> list[str]:
        known = [nft_rules.canonical(rule) for rule in rules]
        return rules + [rule for rule in self._rules_of(own) if rule not in known]

    def _rules_of(self, own: tuple[str, str]) -> list[str]:
        return nft_rules.listed_rules(self._list("list", "chain", *own[0].split(), own[1]))

    def _script(self) -> list[str]:
        """Return the commands that are left, as one transaction."""
        want, jumps = self._plan()
        listed = self._list("list", "chains")
        there = nft_rules.own_chains(listed)
        script = []
        for own, rules in want.items():
            canonical = [nft_rules.canonical(rule) for rule in rules]
            if own not in there or sorted(self._rules_of(own)) != sorted(canonical):
                script += nft_rules.chain_script(*own, rules)
        stale = [own for own in there if own not in want]
        for chain in nft_rules.base_chains(listed):
            own = (chain.place, nft_rules.CHAINS[chain.hook])
            text = self._list("-a", "list", "chain", *chain.place.split(), chain.name)
            handles = nft_rules.handles(text, own[1])
            wanted = chain in jumps
            script += [] if handles or not wanted else [nft_rules.jump(chain)]
            script += [
                f"delete rule {chain.place} {chain.name} handle {handle}" for handle in handles[1 if wanted else 0 :]
            ]
        return script + [f"{verb} chain {place} {own}" for place, own in stale for verb in ("flush", "delete")]

    def _files(self) -> dict[str, str]:
        """Return the files by which the rules come back, none without rules."""
        want, jumps = self._plan()
        if not want:
            return {}
        lines = ["# Managed by hardway.kubernetes."]
        for own, rules in want.items():
            lines += nft_rules.chain_script(*own, rules)
        return {FILE: "\n".join([*lines, ""]), UNIT_FILE: unit_text(jumps, program("nft") or "/usr/sbin/nft")}

    def _file_changes(self) -> list[str]:
        files = self._files()
        found = [f"write {path}" for path, text in files.items() if read(path) != text.encode()]
        if files:
            return found + [f"enable {UNIT}" for path in WANTS[:1] if not os.path.lexists(path)]
        return found + [f"delete {path}" for path in self.paths if os.path.lexists(path)]

    def problems(self) -> list[str]:
        """Return what cannot be opened: nothing, as other chains than those of iptables can be changed."""
        return []

    def changes(self) -> list[str]:
        """Return what is to be done."""
        return [f"nft {command}" for command in self._script()] + self._file_changes()

    def apply(self) -> None:
        """Do it: the files first, so that a run that is killed has lost nothing at the next boot."""
        files = self._files()
        written = self._file_changes()
        for path, text in files.items():
            if read(path) != text.encode():
                make_directory(os.path.dirname(path))
                write(path, text.encode(), mode=0o644)
        if script := self._script():
            self._do(["nft", "-f", "-"], "\n".join([*script, ""]))
        if files and written:
            self._do(["systemctl", "daemon-reload"])
            self._do(["systemctl", "--quiet", "enable", "--now", UNIT])
        if not files:
            self._remove_files()

    def remove(self) -> None:
        """Remove all of it."""
        self.apply()

    def _remove_files(self) -> None:
        if not any(map(os.path.lexists, (*self.paths, *WANTS))):
            return
        self.run(["systemctl", "--quiet", "disable", "--now", UNIT])
        for path in (*self.paths, *WANTS):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        self._do(["systemctl", "daemon-reload"])
        for path in {os.path.dirname(path) for path in (FILE, *WANTS)}:
            with contextlib.suppress(OSError):
                os.rmdir(path)

    def _do(self, command: list[str], text: Optional[str] = None) -> None:
        code, out, err = self.run(command, text)
        self._listed.clear()
        if code != 0:
            raise HardwayError(f"{' '.join(command)}: {' '.join((err or out).split())}; see nft list ruleset")


def unit_text(jumps: Iterable[nft_rules.Chain], nft: str) -> str:
    """Return the unit that adds our rules. A jump that is there is not added again."""
    lines = []
    for chain in jumps:
        listing = f"{nft} list chain {chain.place} {chain.name}"
        adding = nft_rules.jump(chain).replace('"', "")
        lines.append(f"/bin/sh -c '{listing} | grep -q \"jump {nft_rules.CHAINS[chain.hook]}\" || {nft} {adding}'")
    commands = [f"{nft} -f {FILE}", *lines]
    return "\n".join(
        [
            "# Managed by hardway.kubernetes.",
            "[Unit]",
            "Description=Rules of the cluster in the chains of nftables",
            "Documentation=https://github.com/hardway-kubernetes/hardway.kubernetes/blob/main/docs/firewalls.md",
            # Loading the operator's rules removes ours.
            f"After={RULESET}",
            f"PartOf={RULESET}",
            f"ReloadPropagatedFrom={RULESET}",
            "",
            "[Service]",
            "Type=oneshot",
            "RemainAfterExit=yes",
            *(f"ExecStart={command}" for command in commands),
            *(f"ExecReload={command}" for command in commands),
            "",
            "[Install]",
            f"WantedBy=multi-user.target {RULESET}",
            "",
        ]
    )
