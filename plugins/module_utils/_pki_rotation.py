# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a new authority or token key in the place of an old one, in steps between which the hosts are brought along.

How far each is stands in rotation.json, which is written after the files of a step.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_authority import complete
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_compare import moment_of, stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_contents import (
    ROTATION,
    forget,
    remember,
    without,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_ensure import Ensure
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_successor import AuthorityFiles, KeyPairFiles

# Of settle, nothing is done here: it says that the new ones sign everywhere.
STEPS = ("trust", "issue", "settle", "drop", "done")
# Tokens of pods live for an hour; the kubelet replaces them before.
MIN_AGE = timedelta(hours=1)


class Rotation:
    """The rotations of one directory of authorities, while it is locked."""

    def __init__(self, ensure: Ensure, *, min_age: timedelta = MIN_AGE, now: datetime | None = None) -> None:
        """Read how far each is; min_age is how long tokens of an old key are in use."""
        self.ensure, self.store, self.check = ensure, ensure.store, ensure.check
        self.min_age, self.now = min_age, now or datetime.now(timezone.utc)
        self.path = os.path.join(self.store.directory, ROTATION)
        if without(self.store, ROTATION):
            raise HardwayError(
                f"{self.path}: is lost, and with it how far the rotations are; restore it from a backup, or end them as"
                f" they are, with old and new trusted, by the role ca with -e ca_regenerate={ROTATION}"
            )
        try:
            self.under_way: dict[str, dict[str, Any]] = json.loads(self.store.read(self.path) or b"{}")
        except ValueError as exc:
            raise HardwayError(f"{self.path}: is damaged; restore it from a backup") from exc

    def take(
        self, step: str, authorities: Sequence[Mapping[str, Any]], key_pairs: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Take the rotations of authorities and key pairs to a step; return what became of each."""
        completed = {
            params["name"]: complete(self.store, params["name"], self.ensure.passphrase, check=self.check)
            for params in authorities
        }
        what: list[AuthorityFiles | KeyPairFiles] = [AuthorityFiles(self.ensure, params) for params in authorities]
        what += [KeyPairFiles(self.ensure, params) for params in key_pairs]
        # What is refused for one is refused before any other is touched.
        reports = [self._judged(files, step) for files in what]
        for files, report in zip(what, reports):
            if report["changed"] and not self.check:
                self._go(files, step)
            report["changed"] = report["changed"] or completed.get(files.name, False)
        # All are closed at once: of one that was closed before others the next run would begin another rotation.
        if step == "done" and not self.check and any(report["changed"] for report in reports):
            self._write()
        return reports

    def _judged(self, files: AuthorityFiles | KeyPairFiles, step: str) -> dict[str, Any]:
        """Return what a step is: the next one, one behind us, or of no rotation at all; raise where it cannot be."""
        state = self.under_way.get(files.name)
        at, to = (STEPS.index(state["step"]) if state else -1), STEPS.index(step)
        if to <= at or (state is None and to > 0):
            return {"name": files.name, "step": state["step"] if state else "none", "changed": False}
        if to > at + 1:
            raise HardwayError(
                f"{files.name}: its rotation is at {STEPS[at]!r}; bring all hosts to {STEPS[at + 1]!r} before {step!r}"
            )
        if state is None:
            files.check()
        elif step == "drop" and files.outlived_by_tokens:
            self._check_age(files.name, state)
        return {"name": files.name, "step": step, "changed": True}

    def _check_age(self, name: str, state: Mapping[str, Any]) -> None:
        """Raise while there may be tokens that the old key has signed."""
        due = moment_of(state["times"]["settle"]) + self.min_age
        if self.now < due:
            raise HardwayError(
                f"key pair {name}: pods may have tokens of the old key until {stamp(due)}; drop it then, or shorten"
                " min_age (ca_service_account_key_min_age) where none has"
            )

    def _go(self, files: AuthorityFiles | KeyPairFiles, step: str) -> None:
        """Do a step, and remember it; a finished rotation is forgotten."""
        if step == "done":
            self.under_way.pop(files.name, None)
            return
        state: dict[str, Any] = self.under_way.get(files.name, {})
        if step == "trust":
            state.update(files.begin())
        elif step == "issue":
            files.issue(state["old"], state["new"])
        elif step == "drop":
            files.drop(state["old"], state["new"])
        times = {**state.get("times", {}), step: stamp(self.now)}
        self.under_way[files.name] = {**state, "step": step, "times": times}
        self._write()

    def _write(self) -> None:
        """Write how far the rotations are."""
        if self.under_way:
            self.store.write(self.path, json.dumps(self.under_way, indent=1, sort_keys=True).encode() + b"\n")
            remember(self.store, ROTATION)
        else:
            forget(self.store, ROTATION)
            with suppress(FileNotFoundError):
                os.unlink(self.path)
