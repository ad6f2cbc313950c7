# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key and its certificate on a host: they change so that a pair in use always belongs together.

A renewed certificate keeps its key, so it is one rename. Where the key changes too, both wait complete beside
their targets (.name.key.new, .name.crt.new) and two renames follow each other; a run that died between the two
is completed by the next, which finds that the waiting certificate belongs to the key in place.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils import _atomic
from ansible_collections.hardway.kubernetes.plugins.module_utils._csr import request_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_compare import Facts
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_facts import facts_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_spec import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_x509 import (
    key_pem,
    key_spec,
    load_certificate,
    load_key,
    new_key,
    same_public_key,
)

KEY_MODE = 0o600
CERTIFICATE_MODE = 0o644


@dataclass(frozen=True)
class Pair:
    """The files of one certificate: in place, and waiting."""

    spec: CertificateSpec

    @property
    def certificate(self) -> str:
        """Return where the certificate is."""
        return f"{self.spec.path}.crt"

    @property
    def key(self) -> str:
        """Return where the private key is."""
        return f"{self.spec.path}.key"

    def waiting(self, kind: str) -> str:
        """Return where a new key or crt waits for its other half."""
        directory, name = os.path.split(self.spec.path)
        return os.path.join(directory, f".{name}.{kind}.new")

    def facts(self, authority: Any) -> Facts | str:
        """Return what is in place, or in one phrase why nothing useful is."""
        data = read(self.certificate)
        if data is None:
            return "certificate: there is none yet"
        try:
            found = load_certificate(data, self.certificate)
        except HardwayError:
            return "certificate: unreadable"
        return facts_of(found, load_quietly(self.key), authority)

    def attributes(self) -> list[str]:
        """Return what is wrong with mode and owner of the files in place."""
        reasons = []
        for path, mode in ((self.certificate, CERTIFICATE_MODE), (self.key, KEY_MODE)):
            if os.path.exists(path) and _atomic.attributes_differ(
                os.stat(path), mode, self.spec.owner, self.spec.group
            ):
                reasons.append(f"attributes: {os.path.basename(path)} is not {mode:04o} of its owner")
        return reasons

    def fix_attributes(self) -> None:
        """Give both files in place their mode and owner."""
        for path, mode in ((self.certificate, CERTIFICATE_MODE), (self.key, KEY_MODE)):
            _atomic.set_attributes(path, mode, self.spec.owner, self.spec.group)

    def interrupted(self) -> bool:
        """True when an earlier run died between its two renames: the waiting certificate fits the key in place."""
        data, key = read(self.waiting("crt")), load_quietly(self.key)
        return data is not None and key is not None and _belongs(data, key)

    def recover(self) -> None:
        """Finish what an earlier run began, and remove a certificate that waits in vain."""
        if self.interrupted():
            os.replace(self.waiting("crt"), self.certificate)
        _forget(self.waiting("crt"))

    def request(self, *, renew_key: bool) -> bytes:
        """Return the signing request; a key that must be new waits beside its target and is never sent."""
        make_directory(self.spec.path, self.spec.owner, self.spec.group)
        key = None if renew_key else self._usable(self.key)
        if key is not None:
            _forget(self.waiting("key"))
        else:
            key = self._usable(self.waiting("key"))
        if key is None:
            key = new_key(self.spec.key)
            self._write(self.waiting("key"), key_pem(key), KEY_MODE)
        return request_pem(self.spec, key)

    def install(self, pem: bytes) -> None:
        """Put a certificate in place, with the waiting key where it belongs to that one."""
        in_place, waiting = load_quietly(self.key), load_quietly(self.waiting("key"))
        if waiting is not None and _belongs(pem, waiting):
            self._write(self.waiting("crt"), pem, CERTIFICATE_MODE)
            _atomic.set_attributes(self.waiting("key"), KEY_MODE, self.spec.owner, self.spec.group)
            with _undisturbed():
                os.replace(self.waiting("key"), self.key)
                os.replace(self.waiting("crt"), self.certificate)
            _atomic.sync_directory(os.path.dirname(self.key))
        elif in_place is not None and _belongs(pem, in_place):
            self._write(self.certificate, pem, CERTIFICATE_MODE)
        else:
            raise HardwayError(f"{self.spec.path}: the signed certificate belongs to no key on this host; run again")

    def candidate(self, pem: bytes, authority: Any) -> Facts:
        """Return what a signed certificate says, judged with the key it will be installed with."""
        keys = [load_quietly(self.waiting("key")), load_quietly(self.key)]
        key = next((key for key in keys if key is not None and _belongs(pem, key)), None)
        return facts_of(load_certificate(pem, self.spec.path), key, authority)

    def _usable(self, path: str) -> Any:
        """Return the key at path when it is of the kind asked for."""
        key = load_quietly(path)
        return key if key is not None and key_spec(key) == self.spec.key else None

    def _write(self, path: str, data: bytes, mode: int) -> None:
        _atomic.write(path, data, mode=mode, owner=self.spec.owner, group=self.spec.group)


def read(path: str) -> bytes | None:
    """Return the content of a file, None when there is none; what cannot be read is an error."""
    try:
        return _atomic.read(path)
    except NotADirectoryError:
        return None
    except OSError as exc:
        raise HardwayError(f"{path}: cannot be read: {exc.strerror}; move it away or mend it") from exc


def load_quietly(path: str) -> Any:
    """Return the plain private key at path, None when there is no such or it is damaged or encrypted."""
    data = read(path)
    try:
        return None if data is None else load_key(data, path)
    except HardwayError:
        return None


def make_directory(path: str, owner: str | None, group: str | None) -> None:
    """Create the directory of path where it is missing; the last part belongs to owner and group."""
    directory = os.path.dirname(path)
    if os.path.isdir(directory):
        return
    try:
        os.makedirs(directory, mode=0o755)
        _atomic.set_attributes(directory, 0o755, owner, group)
    except OSError as exc:
        raise HardwayError(f"{directory}: cannot be made: {exc.strerror}") from exc


def _belongs(pem: bytes, key: Any) -> bool:
    """True when the certificate in pem was made for key."""
    try:
        return same_public_key(load_certificate(pem, "").public_key(), key.public_key())
    except HardwayError:
        return False


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back the signals that usually end a run."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _forget(path: str) -> None:
    """Remove a file, if it is there."""
    if os.path.lexists(path):
        os.unlink(path)
