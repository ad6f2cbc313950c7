# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a new authority or token key in the place of an old one, in steps between which the hosts are brought along.

How far each is stands in rotation.json. It is written after the files of a step, and every step finds out from the
files what of it is done already, so that one that was cut off is completed by doing it again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_bundle import fingerprint_of, joined, split
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_ensure import Ensure
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_x509 import load_certificate

STEPS = ("trust", "issue", "drop", "done")


class Rotation:
    """The rotations of one directory of authorities, while it is locked."""

    def __init__(self, ensure: Ensure) -> None:
        """Read how far each is."""
        self.ensure, self.store, self.check = ensure, ensure.store, ensure.check
        self.path = os.path.join(self.store.directory, "rotation.json")
        try:
            self.under_way: dict[str, dict[str, str]] = json.loads(self.store.read(self.path) or b"{}")
        except ValueError as exc:
            raise HardwayError(f"{self.path}: is damaged; restore it from a backup") from exc

    def authority(self, params: Mapping[str, Any], step: str) -> dict[str, Any]:
        """Take the rotation of an authority to a step; return what became of it."""
        return self._advance(_Authority(self.ensure, params), step)

    def key_pair(self, params: Mapping[str, Any], step: str) -> dict[str, Any]:
        """Take the rotation of a key pair to a step; return what became of it."""
        return self._advance(_KeyPair(self.ensure, params), step)

    def _advance(self, what: _Authority | _KeyPair, step: str) -> dict[str, Any]:
        """Do a step when it is the next one; one that is behind us, or of no rotation at all, is left alone."""
        state = self.under_way.get(what.name)
        at, to = (STEPS.index(state["step"]) if state else -1), STEPS.index(step)
        report = {"name": what.name, "step": state["step"] if state else "none", "changed": False}
        if to <= at or (state is None and to > 0):
            return report
        if to > at + 1:
            raise HardwayError(
                f"{what.name}: its rotation is at {STEPS[at]!r}; bring all hosts to {STEPS[at + 1]!r} before {step!r}"
            )
        if not self.check:
            self._remember(what.name, what.begin() if state is None else self._continue(what, state, step))
        return {**report, "step": step, "changed": True}

    def _continue(self, what: _Authority | _KeyPair, state: dict[str, str], step: str) -> dict[str, str]:
        """Do a step after the first; return the new state."""
        if step == "issue":
            what.issue(state["old"], state["new"])
        elif step == "drop":
            what.drop(state["old"])
        return {**state, "step": step}

    def _remember(self, name: str, state: dict[str, str]) -> None:
        """Write how far a rotation is; a finished one is forgotten."""
        self.under_way[name] = state
        if state["step"] == "done":
            del self.under_way[name]
        if self.under_way:
            self.store.write(self.path, json.dumps(self.under_way, indent=1, sort_keys=True).encode() + b"\n")
        else:
            with suppress(FileNotFoundError):
                os.unlink(self.path)


class _Authority:
    """The files of an authority: NAME.crt with all that are trusted, the signer first, and NAME.key."""

    def __init__(self, ensure: Ensure, params: Mapping[str, Any]) -> None:
        """Name the files; nothing is read yet."""
        self.ensure, self.store, self.params, self.name = ensure, ensure.store, params, params["name"]
        self.next = f"{self.name}.next"
        self.path = self.store.certificate(self.name)

    def begin(self) -> dict[str, str]:
        """Make the next authority, trusted beside the present one."""
        present = split(self.store.read(self.path) or b"")
        if not present:
            raise HardwayError(f"authority {self.name}: {self.path} does not exist; make it with the role ca")
        signer = load_certificate(present[0], self.path)
        if signer.issuer != signer.subject:
            raise HardwayError(f"authority {self.name}: is signed by another one; rotate that one, and this follows")
        common_name = self.params.get("common_name") or self.name
        self.ensure.authority({**self.params, "name": self.next, "common_name": common_name})
        new = split(self.store.read(self.store.certificate(self.next)) or b"")[0]
        self.store.write(self.path, joined([*present, new]), 0o644)
        return {"step": "trust", "old": fingerprint_of(present[0]), "new": fingerprint_of(new)}

    def issue(self, old: str, new: str) -> None:
        """Let the next one sign; the old one stays trusted, and its pair is put aside."""
        trusted = {fingerprint_of(block): block for block in split(self.store.read(self.path) or b"")}
        key = self.store.key(self.next)
        if self.store.read(key) is not None:
            _put_aside(self.ensure, self.name, old, trusted.get(old))
            self.store.write(self.path, joined([trusted[new], *trusted.values()]), 0o644)
            os.replace(key, self.store.key(self.name))
        with suppress(FileNotFoundError):
            os.unlink(self.store.certificate(self.next))

    def drop(self, old: str) -> None:
        """Trust the old one no more."""
        trusted = split(self.store.read(self.path) or b"")
        self.store.write(self.path, joined(block for block in trusted if fingerprint_of(block) != old), 0o644)


class _KeyPair:
    """The files of a key pair: NAME.key signs, and NAME.pub has all whose signatures are accepted."""

    def __init__(self, ensure: Ensure, params: Mapping[str, Any]) -> None:
        """Name the files; nothing is read yet."""
        self.ensure, self.store, self.params, self.name = ensure, ensure.store, params, params["name"]
        self.next = f"{self.name}.next"
        self.path, self.next_path = (f"{self.store.stem(name)}.pub" for name in (self.name, self.next))

    def begin(self) -> dict[str, str]:
        """Make the next key, accepted beside the present one."""
        self.ensure.key_pair({**self.params, "name": self.name})
        self.ensure.key_pair({**self.params, "name": self.next})
        present = split(self.store.read(self.path) or b"")
        new = split(self.store.read(self.next_path) or b"")[0]
        self.store.write(self.path, joined([*present, new]), 0o644)
        return {"step": "trust", "old": _digest(present[0]), "new": _digest(new)}

    def issue(self, old: str, _new: str) -> None:
        """Let the next key sign; tokens of the old one stay valid."""
        key = self.store.key(self.next)
        if self.store.read(key) is not None:
            _put_aside(self.ensure, self.name, old, None)
            os.replace(key, self.store.key(self.name))
        with suppress(FileNotFoundError):
            os.unlink(self.next_path)

    def drop(self, old: str) -> None:
        """Accept tokens of the old key no more."""
        accepted = split(self.store.read(self.path) or b"")
        self.store.write(self.path, joined(block for block in accepted if _digest(block) != old), 0o644)


def _put_aside(ensure: Ensure, name: str, old: str, certificate: bytes | None) -> None:
    """Keep what is replaced in retired/, for whoever must go back; nothing reads it any more."""
    stem = os.path.join(ensure.store.directory, "retired", f"{name}-{old[:12]}")
    key = ensure.store.read(ensure.store.key(name))
    if certificate is not None:
        ensure.store.write(f"{stem}.crt", certificate, 0o644)
    if key is not None:
        ensure.store.write(f"{stem}.key", key)


def _digest(block: bytes) -> str:
    """Return what tells public keys apart."""
    return hashlib.sha256(b"".join(block.split())).hexdigest()
