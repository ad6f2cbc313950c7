# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotates a CA or a token key in steps, between which all hosts are updated.

rotation.json records the step of each rotation. It is written after the files of a step.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.contents import (
    ROTATION,
    STEPS,
    forget,
    remember,
    rotations,
    without,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.import_ca import Source
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import complete, install_key
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Reconciler
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import moment_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.bundle import joined, key_digest_of, split
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import load_certificate
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import (
    load_key,
    public_pem,
    same_public_key,
)


def imported_successor(reconciler: Reconciler, name: str) -> Source | None:
    """Return the imported successor of a CA, if there is one."""
    return Source.find({"name": name}, reconciler.import_dir, reconciler.store)


def check_successor(reconciler: Reconciler, params: Mapping[str, Any]) -> None:
    """Raise when a CA does not exist, or cannot have a successor."""
    store, name = reconciler.store, params["name"]
    path = store.certificate(name)
    data = store.read(path)
    if data is None:
        raise HardwayError(f"CA {name}: {path} does not exist; create it with role ca")
    present = load_certificate(data, path)
    if reconciler.import_dir:
        _check_imported_successor(reconciler, name, present)
    else:
        _check_creatable_successor(reconciler, params, present)


def _check_imported_successor(reconciler: Reconciler, name: str, present: Any) -> None:
    """Raise when the imported successor or its key does not exist, or has the same key."""
    given, path = imported_successor(reconciler, name), reconciler.store.certificate(name)
    if given is None:
        raise HardwayError(
            f"CA {name}: has no successor in {reconciler.import_dir}; put it there, or rotate"
            " without this one (ca_rotated)"
        )
    if given.private_key(reconciler.store, reconciler.passphrase) is None:
        raise HardwayError(
            f"CA {name}: {given.certificate} has no key, which must sign from now on; put it there for"
            " the rotation, and move it offline afterwards"
        )
    if same_public_key(given.found.public_key(), present.public_key()):
        raise HardwayError(
            f"CA {name}: {given.certificate} has the current CA's key; replace {path} by it, which is not a rotation"
        )


def _check_creatable_successor(reconciler: Reconciler, params: Mapping[str, Any], present: Any) -> None:
    """Raise when a successor cannot be created here."""
    store, name, issuer = reconciler.store, params["name"], params.get("signed_by")
    if store.read(store.key(name)) is None:
        raise HardwayError(
            f"CA {name}: its key {store.key(name)} is offline, and a new one would be created here;"
            " restore it for the rotation, and move the new one offline afterwards"
        )
    if present.issuer == present.subject:
        return
    if not issuer:
        raise HardwayError(
            f"CA {name}: is signed by another CA, which must issue its successor; import that (ca_rotation_import_dir)"
        )
    if store.read(store.key(issuer)) is None:
        raise HardwayError(
            f"CA {name}: the key of {issuer}, which must sign its successor, is offline; restore it"
            " for the rotation, and move it offline afterwards"
        )


class CAFiles:
    """The files of a CA: NAME.crt with all trusted certificates, the signer first, and NAME.key."""

    # Every run reissues certificates of the old CA.
    outlived_by_tokens = False

    def __init__(self, reconciler: Reconciler, params: Mapping[str, Any]) -> None:
        """Derive the paths without reading them."""
        self.reconciler, self.store, self.params, self.name = reconciler, reconciler.store, params, params["name"]
        self.next = f"{self.name}.next"
        self.path = self.store.certificate(self.name)

    def check(self) -> None:
        """Raise when the CA or its successor is not available."""
        check_successor(self.reconciler, self.params)

    def begin(self) -> dict[str, str]:
        """Create the next CA, and trust it along with the current one."""
        present = split(self.store.read(self.path) or b"")
        given, common_name = imported_successor(self.reconciler, self.name), self.params.get("common_name") or self.name
        files = {"import_certificate": given.certificate, "import_key": given.key} if given else {}
        # It gets its own key, even if the current one is a copy of another CA.
        asked = {**self.params, "name": self.next, "common_name": common_name, "split_from": None}
        self.reconciler.ca({**asked, **files})
        new = split(self.store.read(self.store.certificate(self.next)) or b"")[0]
        self.store.write(self.path, joined([*present, new]), 0o644)
        return {"old": key_digest_of(present[0]), "new": key_digest_of(new)}

    def issue(self, old: str, new: str) -> None:
        """Let the next CA sign; the old one stays trusted, and its files are moved to retired."""
        trusted = self._trusted(new)
        # The signer comes first. While that is the old one, the key of the next one must still exist.
        if self.store.read(self.store.key(self.next)) is None and next(iter(trusted)) != new:
            raise HardwayError(_lost(self.store.key(self.next)))
        if self.store.read(self.store.key(self.next)) is not None:
            _put_aside(self.reconciler, self.name, old, trusted.get(old))
            self._take_chain()
            self.store.write(self.path, joined([trusted[new], *trusted.values()]), 0o644)
            install_key(self.store, self.name)
        for path in (self.store.certificate(self.next), self._chain(self.next)):
            with suppress(FileNotFoundError):
                os.unlink(path)

    def _take_chain(self) -> None:
        """Replace the chain of the old CA by that of the next one, if that is imported."""
        above = self.store.read(self._chain(self.next))
        if above is not None:
            self.store.write(self._chain(self.name), above, 0o644)
        else:
            with suppress(FileNotFoundError):
                os.unlink(self._chain(self.name))

    def _chain(self, name: str) -> str:
        """Return the path of the chain of an imported CA."""
        return f"{self.store.stem(name)}.chain.crt"

    def drop(self, old: str, new: str) -> None:
        """Remove the trust in the old CA."""
        trusted = self._trusted(new)
        trusted.pop(old, None)
        self.store.write(self.path, joined(trusted.values()), 0o644)

    def _trusted(self, new: str) -> dict[str, bytes]:
        """Return the trusted certificates by key, because one may have been renewed since the rotation started."""
        return _with(
            new, self.path, {key_digest_of(block): block for block in split(self.store.read(self.path) or b"")}
        )


class KeyPairFiles:
    """The files of a key pair: NAME.key signs, and NAME.pub contains all keys whose signatures are accepted."""

    # Only kubelets replace tokens, on their own schedule.
    outlived_by_tokens = True

    def __init__(self, reconciler: Reconciler, params: Mapping[str, Any]) -> None:
        """Derive the paths without reading them."""
        self.reconciler, self.store, self.params, self.name = reconciler, reconciler.store, params, params["name"]
        self.next = f"{self.name}.next"
        self.path, self.next_path = (f"{self.store.stem(name)}.pub" for name in (self.name, self.next))

    def check(self) -> None:
        """Raise when the key pair does not exist."""
        key = self.store.key(self.name)
        if self.store.read(key) is None:
            raise HardwayError(f"key pair {self.name}: {key} does not exist; create it with role ca")

    def begin(self) -> dict[str, str]:
        """Create the next key, accepted along with the current one."""
        self.reconciler.key_pair({**self.params, "name": self.name})
        self.reconciler.key_pair({**self.params, "name": self.next})
        present = split(self.store.read(self.path) or b"")
        new = split(self.store.read(self.next_path) or b"")[0]
        self.store.write(self.path, joined([*present, new]), 0o644)
        return {"old": _digest(present[0]), "new": _digest(new)}

    def issue(self, old: str, new: str) -> None:
        """Let the next key sign; tokens of the old one stay valid."""
        self._accepted(new)
        if self.store.read(self.store.key(self.next)) is not None:
            _put_aside(self.reconciler, self.name, old, None)
            install_key(self.store, self.name)
        elif self._signer() != new:
            raise HardwayError(_lost(self.store.key(self.next)))
        with suppress(FileNotFoundError):
            os.unlink(self.next_path)

    def drop(self, old: str, new: str) -> None:
        """Accept tokens of the new key alone, also where a restore had accepted those of earlier keys."""
        self.store.write(self.path, joined([self._accepted(new)[new]]), 0o644)

    def _signer(self) -> str:
        """Return the digest of the signing key."""
        path = self.store.key(self.name)
        return _digest(public_pem(load_key(self.store.read(path) or b"", path)))

    def _accepted(self, new: str) -> dict[str, bytes]:
        """Return all keys whose signatures are accepted."""
        return _with(new, self.path, {_digest(block): block for block in split(self.store.read(self.path) or b"")})


def _lost(path: str) -> str:
    """Return the error about a lost key of a successor that is trusted already."""
    return (
        f"{path}: is lost, and the rotation cannot continue; restore it from a backup, or remove the successor"
        f" from the files and {ROTATION}, and start again"
    )


def _with(new: str, path: str, found: dict[str, bytes]) -> dict[str, bytes]:
    """Return the contents of a file; raise when it lacks the new one, so that the old one is not removed alone."""
    if new not in found:
        raise HardwayError(f"{path}: does not contain the new one in rotation.json; restore both from the same backup")
    return found


def _put_aside(reconciler: Reconciler, name: str, old: str, certificate: bytes | None) -> None:
    """Copy replaced files to retired/, for a rollback and so that later runs recognize the certificate."""
    stem = os.path.join(reconciler.store.directory, "retired", f"{name}-{old[:12]}")
    key = reconciler.store.read(reconciler.store.key(name))
    if certificate is not None:
        reconciler.store.write(f"{stem}.crt", certificate, 0o644)
    if key is not None:
        reconciler.store.write(f"{stem}.key", key)


def _digest(block: bytes) -> str:
    """Return a digest that identifies a public key."""
    return hashlib.sha256(b"".join(block.split())).hexdigest()


# Step updated changes no file: it records that all hosts use the new ones.
# Tokens of pods are valid for an hour; the kubelet replaces them earlier.
MIN_AGE = timedelta(hours=1)


class Rotation:
    """The rotations in one CA directory, which must be locked."""

    def __init__(
        self,
        reconciler: Reconciler,
        *,
        min_age: timedelta = MIN_AGE,
        now: datetime | None = None,
        left_out: Sequence[str] = (),
    ) -> None:
        """Read the steps of all rotations.

        min_age is how long tokens of an old key are in use; left_out are hosts that do not take part.
        """
        self.reconciler, self.store, self.check = reconciler, reconciler.store, reconciler.check
        self.min_age, self.now, self.left_out = min_age, now or datetime.now(timezone.utc), left_out
        self.path = os.path.join(self.store.directory, ROTATION)
        if without(self.store, ROTATION):
            raise HardwayError(
                f"{self.path}: is lost, and with it the state of all rotations; restore it from a backup, or end them"
                f" as they are, with old and new trusted, by role ca with -e ca_regenerate={ROTATION}"
            )
        self.under_way = rotations(self.store)

    def advance(
        self, step: str, cas: Sequence[Mapping[str, Any]], key_pairs: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Advance the rotations of CAs and key pairs to a step; return the state of each."""
        completed = {
            params["name"]: complete(self.store, params["name"], self.reconciler.passphrase, check=self.check)
            for params in cas
        }
        what: list[CAFiles | KeyPairFiles] = [CAFiles(self.reconciler, params) for params in cas]
        what += [KeyPairFiles(self.reconciler, params) for params in key_pairs]
        # Validate all before changing any.
        reports = [self._planned(files, step) for files in what]
        for files, report in zip(what, reports):
            if report["changed"] and not self.check:
                self._do_step(files, step)
            report["changed"] = report["changed"] or completed.get(files.name, False)
        # Close all together: otherwise a rerun would start another rotation of those closed earlier.
        if step == "done" and not self.check and any(report["changed"] for report in reports):
            self._write()
        return reports

    def _planned(self, files: CAFiles | KeyPairFiles, step: str) -> dict[str, Any]:
        """Return whether a step is due, done already, or without a rotation; raise when it is not allowed."""
        state = self.under_way.get(files.name)
        at, to = (STEPS.index(state["step"]) if state else -1), STEPS.index(step)
        if to <= at or (state is None and to > 0):
            return {"name": files.name, "step": state["step"] if state else "none", "changed": False}
        if to > at + 1:
            raise HardwayError(
                f"{files.name}: its rotation is at {STEPS[at]!r}; update all hosts to {STEPS[at + 1]!r} before {step!r}"
            )
        if state is None:
            files.check()
        elif step == "drop" and files.outlived_by_tokens:
            self._check_age(files.name, state)
        return {"name": files.name, "step": step, "changed": True}

    def _check_age(self, name: str, state: Mapping[str, Any]) -> None:
        """Raise while there may be tokens that the old key has signed."""
        due = moment_of(state["times"]["updated"]) + self.min_age
        if self.now < due:
            raise HardwayError(
                f"key pair {name}: pods may have tokens of the old key until {stamp(due)}; drop it then, or shorten"
                " min_age (ca_service_account_key_min_age) where none has"
            )

    def _do_step(self, files: CAFiles | KeyPairFiles, step: str) -> None:
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
        left_out = sorted({*state.get("left_out", ()), *self.left_out})
        state.update({"left_out": left_out} if left_out else {})
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
