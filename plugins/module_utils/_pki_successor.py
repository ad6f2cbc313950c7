# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an authority or a key pair and of its successor: what each step of a rotation does to them.

Every step finds out from the files what of it is done already, so that one that was cut off is completed by doing it
again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_authority import install_key
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_bundle import joined, key_digest_of, split
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_contents import ROTATION
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_ensure import Ensure
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_keys import load_key, public_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_next import check_next, given_next


class AuthorityFiles:
    """The files of an authority: NAME.crt with all that are trusted, the signer first, and NAME.key."""

    # Every run replaces what an old one has signed.
    outlived_by_tokens = False

    def __init__(self, ensure: Ensure, params: Mapping[str, Any]) -> None:
        """Name the files; nothing is read yet."""
        self.ensure, self.store, self.params, self.name = ensure, ensure.store, params, params["name"]
        self.next = f"{self.name}.next"
        self.path = self.store.certificate(self.name)

    def check(self) -> None:
        """Raise when there is nothing to put another in the place of, or no other."""
        check_next(self.ensure, self.params)

    def begin(self) -> dict[str, str]:
        """Make the next authority, trusted beside the present one."""
        present = split(self.store.read(self.path) or b"")
        given, common_name = given_next(self.ensure, self.name), self.params.get("common_name") or self.name
        files = {"import_certificate": given.certificate, "import_key": given.key} if given else {}
        # It gets a key of its own, also where this one began as a copy of another.
        asked = {**self.params, "name": self.next, "common_name": common_name, "split_from": None}
        self.ensure.authority({**asked, **files})
        new = split(self.store.read(self.store.certificate(self.next)) or b"")[0]
        self.store.write(self.path, joined([*present, new]), 0o644)
        return {"old": key_digest_of(present[0]), "new": key_digest_of(new)}

    def issue(self, old: str, new: str) -> None:
        """Let the next one sign; the old one stays trusted, and its pair is put aside."""
        trusted = self._trusted(new)
        # The signer is the first: while that is the old one, its successor's key must still be waiting.
        if self.store.read(self.store.key(self.next)) is None and next(iter(trusted)) != new:
            raise HardwayError(_lost(self.store.key(self.next)))
        if self.store.read(self.store.key(self.next)) is not None:
            _put_aside(self.ensure, self.name, old, trusted.get(old))
            self._take_chain()
            self.store.write(self.path, joined([trusted[new], *trusted.values()]), 0o644)
            install_key(self.store, self.name)
        for path in (self.store.certificate(self.next), self._chain(self.next)):
            with suppress(FileNotFoundError):
                os.unlink(path)

    def _take_chain(self) -> None:
        """Have those above the next one, where it was made elsewhere, in the place of those above the old one."""
        above = self.store.read(self._chain(self.next))
        if above is not None:
            self.store.write(self._chain(self.name), above, 0o644)
        else:
            with suppress(FileNotFoundError):
                os.unlink(self._chain(self.name))

    def _chain(self, name: str) -> str:
        """Return where the certificates above an imported authority are."""
        return f"{self.store.stem(name)}.chain.crt"

    def drop(self, old: str, new: str) -> None:
        """Trust the old one no more."""
        trusted = self._trusted(new)
        trusted.pop(old, None)
        self.store.write(self.path, joined(trusted.values()), 0o644)

    def _trusted(self, new: str) -> dict[str, bytes]:
        """Return all that are trusted by their keys: a certificate may have been renewed since the rotation began."""
        return _with(
            new, self.path, {key_digest_of(block): block for block in split(self.store.read(self.path) or b"")}
        )


class KeyPairFiles:
    """The files of a key pair: NAME.key signs, and NAME.pub has all whose signatures are accepted."""

    # Nobody but the kubelets replaces tokens, in their own time.
    outlived_by_tokens = True

    def __init__(self, ensure: Ensure, params: Mapping[str, Any]) -> None:
        """Name the files; nothing is read yet."""
        self.ensure, self.store, self.params, self.name = ensure, ensure.store, params, params["name"]
        self.next = f"{self.name}.next"
        self.path, self.next_path = (f"{self.store.stem(name)}.pub" for name in (self.name, self.next))

    def check(self) -> None:
        """Raise when there is nothing to put another in the place of."""
        key = self.store.key(self.name)
        if self.store.read(key) is None:
            raise HardwayError(f"key pair {self.name}: {key} does not exist; make it with the role ca")

    def begin(self) -> dict[str, str]:
        """Make the next key, accepted beside the present one."""
        self.ensure.key_pair({**self.params, "name": self.name})
        self.ensure.key_pair({**self.params, "name": self.next})
        present = split(self.store.read(self.path) or b"")
        new = split(self.store.read(self.next_path) or b"")[0]
        self.store.write(self.path, joined([*present, new]), 0o644)
        return {"old": _digest(present[0]), "new": _digest(new)}

    def issue(self, old: str, new: str) -> None:
        """Let the next key sign; tokens of the old one stay valid."""
        self._accepted(new)
        if self.store.read(self.store.key(self.next)) is not None:
            _put_aside(self.ensure, self.name, old, None)
            install_key(self.store, self.name)
        elif self._signer() != new:
            raise HardwayError(_lost(self.store.key(self.next)))
        with suppress(FileNotFoundError):
            os.unlink(self.next_path)

    def drop(self, old: str, new: str) -> None:
        """Accept tokens of the old key no more."""
        accepted = self._accepted(new)
        accepted.pop(old, None)
        self.store.write(self.path, joined(accepted.values()), 0o644)

    def _signer(self) -> str:
        """Return what tells the key that signs from others."""
        path = self.store.key(self.name)
        return _digest(public_pem(load_key(self.store.read(path) or b"", path)))

    def _accepted(self, new: str) -> dict[str, bytes]:
        """Return all keys whose signatures are accepted."""
        return _with(new, self.path, {_digest(block): block for block in split(self.store.read(self.path) or b"")})


def _lost(path: str) -> str:
    """Return the error about the key of a successor that is trusted already and cannot sign."""
    return (
        f"{path}: is lost, and the rotation cannot go on with it; restore it from a backup, or take the successor"
        f" out of the files and {ROTATION}, and begin again"
    )


def _with(new: str, path: str, found: dict[str, bytes]) -> dict[str, bytes]:
    """Return what was found in a file, or raise when the new one is not among it: the old one must not go alone."""
    if new not in found:
        raise HardwayError(f"{path}: lacks the new one that rotation.json names; restore both from the same backup")
    return found


def _put_aside(ensure: Ensure, name: str, old: str, certificate: bytes | None) -> None:
    """Keep what is replaced in retired/, for whoever must go back; by the certificate later runs know what it was."""
    stem = os.path.join(ensure.store.directory, "retired", f"{name}-{old[:12]}")
    key = ensure.store.read(ensure.store.key(name))
    if certificate is not None:
        ensure.store.write(f"{stem}.crt", certificate, 0o644)
    if key is not None:
        ensure.store.write(f"{stem}.key", key)


def _digest(block: bytes) -> str:
    """Return what tells public keys apart."""
    return hashlib.sha256(b"".join(block.split())).hexdigest()
