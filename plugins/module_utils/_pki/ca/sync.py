# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Synchronises the PKI directory on the controller with its copies on hosts.

The directory .store in it has: state.json, the last synchronisation; copy, what hosts get; before, the files that a
copy replaced, as a tar under zlib; incoming, a replacement that is not finished, and that the next run finishes.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import hosts_in_words
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import packing, sealing
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.copies import (
    PATH,
    Base,
    Decision,
    Local,
    decide,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.sealing import Header
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import INCOMING, Store

# Not a file of a CA: a directory that has nothing else is empty.
_IGNORE = ".gitignore"


class Copies:
    """What module pki_store_copy has returned of each host."""

    def __init__(self, results: Mapping[str, Mapping[str, Any]], passphrase: str) -> None:
        """Read the headers; raise if the passphrase is not theirs."""
        self.headers: dict[str, Optional[Header]] = {}
        # Why a copy could not be read, and the hosts of these that did not answer.
        self.unknown: dict[str, str] = {}
        self.unreachable: list[str] = []
        self.texts: dict[str, str] = {}
        for host, result in results.items():
            if "header" not in result:
                self.unknown[host] = str(result.get("msg") or "no answer").strip().splitlines()[-1]
                self.unreachable.append(host)
            elif result.get("problem"):
                self.unknown[host] = str(result["problem"])
            else:
                self.headers[host] = Header.parse(result["header"]) if result["header"] else None
                self.texts[host] = result.get("content") or ""
        self._prove(passphrase)

    def _prove(self, passphrase: str) -> None:
        """Raise if the passphrase did not write the copies."""
        hosts: dict[str, list[str]] = {}
        for host, header in self.headers.items():
            if header is not None:
                hosts.setdefault(header.line, []).append(host)
        wrong = [name for line, names in hosts.items() if not _opens(Header.parse(line), passphrase) for name in names]
        if wrong:
            raise HardwayError(
                f"cluster_pki_store_passphrase: does not open {PATH} of {hosts_in_words(wrong)}; set the passphrase"
                " with which it was written, or, to change the passphrase while the PKI directory is on this"
                f" controller, remove {PATH} there first"
            )

    def text(self, header: Header) -> str:
        """Return a copy, empty if none was sent."""
        return next((self.texts[host] for host in self.texts if self.headers[host] == header and self.texts[host]), "")

    def without(self, base: Base) -> list[str]:
        """Return the available hosts whose copy is not that of a generation."""
        answered = [*self.headers, *(host for host in self.unknown if host not in self.unreachable)]
        return sorted(host for host in answered if not _is(self.headers.get(host), base))


class Synchronised:
    """A PKI directory with copies on hosts."""

    def __init__(self, directory: str, passphrase: str, check: bool) -> None:
        """Take the directory without reading it."""
        if not passphrase:
            raise HardwayError("cluster_pki_store_passphrase: is empty; set it, or cluster_pki_store to none")
        self.store, self.passphrase, self.check = Store(directory), passphrase, check
        self.place = os.path.join(self.store.directory, packing.STATE)

    def load(self, results: Mapping[str, Mapping[str, Any]], discard: int, preview: str = "") -> dict[str, Any]:
        """Replace the directory by the newest copy where that is newer.

        In check mode, the directory preview gets the files instead, if one is given.
        """
        copies, used = Copies(results, self.passphrase), self.store.directory
        if not self.check and any(copies.headers.values()):
            self.store.private_directory(self.store.directory)
        done = []
        with self._locked():
            if (interrupted := self._incoming()) is not None:
                done.append(f"{self.store.directory}: interrupted replacement finished")
                used = self._put(interrupted, preview)
            # In check mode, the files are still those of the interruption.
            if not (interrupted and self.check):
                decision, local = self._decide(copies, discard)
                if decision.take:
                    done.append(f"{self.store.directory}: replaced by {decision.take.author}")
                    used = self._put(self._opened(decision.take, copies), preview)
                elif decision.base and decision.base != local.base and not self.check:
                    self._write_state(decision.base)
        unread = [
            f"{host}: its copy of the PKI directory cannot be read: {why}" for host, why in copies.unknown.items()
        ]
        return {"changed": bool(done), "diff": _diff(done), "warnings": unread, "ca_dir": used}

    def save(self, results: Mapping[str, Mapping[str, Any]], discard: int, predicted: bool) -> dict[str, Any]:
        """Begin a generation if the directory has changed; return which hosts need a copy of the current one."""
        copies = Copies(results, self.passphrase)
        with self._locked():
            decision, local = self._decide(copies, discard)
            if decision.take and not self.check:
                raise HardwayError(
                    f"PKI store: another run has written {decision.take.author}, since this one has read it; run again"
                )
            changed = local.sha256 is not None and (decision.base is None or decision.base.sha256 != local.sha256)
            changed = changed or (self.check and predicted)
            base = decision.base or Base(0, "")
            if changed:
                base = base.next(local.sha256 or "")
            if local.sha256 is not None and not self.check:
                self._write_copy(base)
                if base != local.base:
                    self._write_state(base)
        outdated = copies.without(base) if changed or local.sha256 is not None else []
        done = [f"{self.store.directory}: generation {base.generation}"] if changed else []
        late = [f"{host}: gets its copy of the PKI directory in the next run" for host in copies.unreachable]
        return {
            "changed": bool(changed),
            "diff": _diff(done),
            "warnings": late,
            "generation": base.generation,
            "copy_path": os.path.join(self.place, "copy"),
            "outdated": outdated,
        }

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the directory, if there is one and it may change."""
        if self.check or not os.path.isdir(self.store.directory):
            yield
            return
        with self.store.locked(unfinished=True):
            yield

    def _decide(self, copies: Copies, discard: int) -> tuple[Decision, Local]:
        """Return the decision, and the state of the directory on which it is based."""
        files = packing.read_files(self.store.directory)
        local = Local(self.store.directory, packing.digest(files) if set(files) - {_IGNORE} else None, self._state())
        return decide(local, copies.headers, copies.unknown, discard), local

    def _opened(self, header: Header, copies: Copies) -> bytes:
        """Return the replacement by a copy: a line with the base, and the packed files."""
        if not (text := copies.text(header) or self._own_copy(Base.of(header))):
            raise HardwayError(f"{self.place}: does not belong to the files beside it; remove it, and run again")
        packed = sealing.unseal(text, self.passphrase)
        if packing.digest(packing.unpack(packed)) != header.sha256:
            raise HardwayError("PKI store: the copy is damaged; remove it from the host, and run again")
        return json.dumps(asdict(Base.of(header))).encode() + b"\n" + packed

    def _incoming(self) -> Optional[bytes]:
        """Return the replacement that a killed run has begun, None if there is none."""
        return self.store.read(os.path.join(self.place, INCOMING))

    def _put(self, replacement: bytes, preview: str) -> str:
        """Replace the files, or in check mode those of a preview; a kill leaves what the next run finishes."""
        if self.check:
            if not preview:
                return self.store.directory
            Synchronised(preview, self.passphrase, False)._put(replacement, "")
            return preview
        if self._incoming() is None:
            if files := packing.read_files(self.store.directory):
                self._write("before", packing.pack(files))
            self._write(INCOMING, replacement)
        line, _newline, packed = replacement.partition(b"\n")
        wanted = packing.unpack(packed)
        for path, file in wanted.items():
            self.store.write(os.path.join(self.store.directory, path), file.data, file.mode)
        for path in set(packing.read_files(self.store.directory)) - set(wanted):
            os.unlink(os.path.join(self.store.directory, path))
        self._write("state.json", line + b"\n")
        os.unlink(os.path.join(self.place, INCOMING))
        return self.store.directory

    def _own_copy(self, base: Base) -> str:
        """Return what hosts got of a generation, empty if it is not here."""
        text = (self.store.read(os.path.join(self.place, "copy")) or b"").decode()
        try:
            header = sealing.copy_of(text)
        except ValueError:
            return ""
        return text if _is(header, base) and _opens(header, self.passphrase) else ""

    def _write_copy(self, base: Base) -> None:
        """Encrypt the directory for the hosts, unless it is."""
        if self._own_copy(base):
            return
        packed = packing.pack(packing.read_files(self.store.directory))
        now = stamp(datetime.now(timezone.utc))
        header = Header(base.generation, base.sha256, now, _writer(), base.ancestors)
        self._write("copy", sealing.seal(packed, self.passphrase, header).encode())

    def _state(self) -> Optional[Base]:
        """Return the last synchronisation."""
        path = os.path.join(self.place, "state.json")
        data = self.store.read(path)
        try:
            return None if data is None else Base(**json.loads(data))
        except (ValueError, TypeError) as exc:
            raise HardwayError(f"{path}: is damaged; restore it from a backup, or remove it") from exc

    def _write_state(self, base: Base) -> None:
        """Remember the synchronisation."""
        self._write("state.json", json.dumps(asdict(base)).encode() + b"\n")

    def _write(self, name: str, data: bytes) -> None:
        """Write a file of the synchronisation."""
        self.store.write(os.path.join(self.place, name), data)


def _opens(header: Header, passphrase: str) -> bool:
    """Return whether a passphrase is that of a header; a header that is damaged has none."""
    try:
        return sealing.is_sealed_by(header, passphrase)
    except ValueError:
        return False


def _is(header: Optional[Header], base: Base) -> bool:
    """Return whether a copy is of a generation."""
    return header is not None and (header.generation, header.sha256) == (base.generation, base.sha256)


def _writer() -> str:
    """Return user and controller; a job container may have no name for its user."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _diff(done: list[str]) -> dict[str, str]:
    """Return what was done as a diff."""
    return {"before": "", "after": "".join(f"{line}\n" for line in done)}
