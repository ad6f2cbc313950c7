# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CA directory on the controller: private, locked during changes, with a record of issued certificates."""

from __future__ import annotations

import errno
import fcntl
import glob
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.contents import JOURNAL, without
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    certificates_in,
    load_certificate,
    signed_by,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import facts_of

_LOCK_TIMEOUT = 60.0
# In the directory .store: files that a copy from a host brings, while they take their places.
INCOMING = "incoming"


class Store:
    """The paths in the directory, and functions to read and write them."""

    def __init__(self, directory: str) -> None:
        """Take the directory without reading it."""
        self.directory = os.path.abspath(os.path.expanduser(directory))
        self._recorded = False

    def stem(self, name: str) -> str:
        """Return the path of a CA or key pair without suffix; as in kubeadm, etcd-ca is etcd/ca."""
        return os.path.join(self.directory, "etcd/ca" if name == "etcd-ca" else name)

    def certificate(self, name: str) -> str:
        """Return the path of a CA's certificate."""
        return self.stem(name) + ".crt"

    def key(self, name: str) -> str:
        """Return the path of a private key."""
        return self.stem(name) + ".key"

    def secret(self, name: str) -> str:
        """Return the path of a shared secret."""
        return os.path.join(self.directory, "secrets", name)

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, None if it does not exist; raise if it is not readable."""
        try:
            return atomic_files.read(path)
        except OSError as exc:
            raise HardwayError(f"{path}: cannot be read: {exc.strerror}; fix its owner and mode") from exc

    def chain(self, name: str) -> bytes:
        """Return the chain of a CA, from itself up to but not including the root CA."""
        known = [item for path in self.certificates() for item in certificates_in(self.read(path) or b"", path)]
        path = self.certificate(name)
        found = [load_certificate(self.read(path) or b"", path)]
        while found[-1].issuer != found[-1].subject:
            above = [item for item in known if item not in found and signed_by(found[-1], item)]
            if not above:
                break
            found.append(above[0])
        return b"".join(certificate_pem(item) for item in found if item.issuer != item.subject)

    def certificates(self) -> list[str]:
        """Return the paths of all CAs here."""
        directories = (self.directory, os.path.dirname(self.stem("etcd-ca")))
        return sorted(
            path for directory in directories for path in glob.glob(os.path.join(glob.escape(directory), "*.crt"))
        )

    def write(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """Replace a file in the directory; missing parent directories are created private."""
        self.private_directory(os.path.dirname(path))
        atomic_files.write(path, data, mode=mode)

    def is_private(self, path: str) -> bool:
        """Return whether only the owner can access the directory."""
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise HardwayError(f"{path}: cannot be read: {exc.strerror}; fix its owner and mode") from exc
        if not stat.S_ISDIR(found.st_mode):
            raise HardwayError(f"{path}: is not a directory; move it away or set another cluster_pki_dir")
        return stat.S_IMODE(found.st_mode) == 0o700

    def private_directory(self, path: str) -> None:
        """Create a directory, and its parents, that only its owner can access."""
        if self.is_private(path):
            return
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
            os.chmod(path, 0o700)
        except OSError as exc:
            raise HardwayError(f"{path}: cannot be made private: {exc.strerror}; fix its owner") from exc

    def prepare(self, check: bool) -> list[str]:
        """Make the directory private and ignored by git; return what was (or would be) done."""
        done = []
        if not self.is_private(self.directory):
            done.append("directory made private")
            if not check:
                self.private_directory(self.directory)
        ignore = os.path.join(self.directory, ".gitignore")
        if self.read(ignore) is None:
            done.append(".gitignore written")
            if not check:
                self.write(ignore, b"*\n", 0o644)
        return done

    @contextmanager
    def locked(self, timeout: float = _LOCK_TIMEOUT, unfinished: bool = False) -> Iterator[None]:
        """Lock the directory against other runs. Only a synchronisation may find it in the middle of one."""
        path = os.path.join(self.directory, ".lock")
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError as exc:
            raise HardwayError(f"{self.directory}: does not exist; create it with pki_ca, or correct ca_dir") from exc
        except OSError as exc:
            raise HardwayError(f"{path}: cannot be opened: {exc.strerror}; fix the owner of the directory") from exc
        try:
            self._wait_for(handle, path, time.monotonic() + timeout)
            if not unfinished and os.path.exists(os.path.join(self.directory, ".store", INCOMING)):
                raise HardwayError(
                    f"{self.directory}: its replacement by the copy of a host was interrupted; run the playbook again,"
                    " with cluster_pki_store"
                )
            yield
            self._sync_record()
        finally:
            os.close(handle)

    def _wait_for(self, handle: int, path: str, deadline: float) -> None:
        """Acquire the lock, or raise after a timeout."""
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as exc:
                if time.monotonic() > deadline:
                    raise HardwayError(
                        f"{path}: locked by another run; wait until that has ended, and run again"
                    ) from exc
                time.sleep(0.05)

    def record(self, certificate: Any, *, ca: str, host: str, path: str) -> None:
        """Add an issued certificate to issued.jsonl; the store must be locked."""
        facts = facts_of(certificate)
        line = {
            "time": stamp(datetime.now(timezone.utc)),
            "ca": ca,
            "subject": list(facts.subject),
            # As in cfssl; programs of users read this log.
            "hosts": list(facts.sans),
            "usages": facts.usages.words(),
            "serial": facts.serial,
            "fingerprint": facts.fingerprint,
            "not_after": stamp(facts.not_after),
            "host": host,
            "path": path,
        }
        with self._journal() as handle:
            _append(handle, json.dumps(line, sort_keys=True).encode() + b"\n")
        self._recorded = True

    def _sync_record(self) -> None:
        """Sync the record to disk once, before the certificates of a run are returned."""
        if self._recorded:
            with self._journal() as handle:
                os.fsync(handle)
            self._recorded = False

    @contextmanager
    def _journal(self) -> Iterator[int]:
        """Open issued.jsonl for appending."""
        journal = os.path.join(self.directory, JOURNAL)
        if not self._recorded and without(self, JOURNAL):
            raise HardwayError(
                f"{journal}: is lost, and with it the serial numbers of all certificates; restore it from a backup, or"
                f" start a new one by role ca with -e ca_regenerate={JOURNAL}"
            )
        try:
            handle = os.open(journal, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                yield handle
            finally:
                os.close(handle)
        except OSError as exc:
            raise HardwayError(
                f"{journal}: cannot be written: {exc.strerror}; free disk space or fix its owner"
            ) from exc


def _append(handle: int, line: bytes) -> None:
    """Append a line to a journal, completely or not at all."""
    end = os.fstat(handle).st_size
    if end and os.pread(handle, 1, end - 1) != b"\n":
        # What another program has cut off must not take the next line with it.
        line = b"\n" + line
    try:
        if os.write(handle, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        os.ftruncate(handle, end)
        raise
