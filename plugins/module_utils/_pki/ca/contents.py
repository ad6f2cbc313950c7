# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of all files the PKI directory has ever had, to distinguish lost files from new ones.

contents.json is written before the first file of a new directory, and after each run. A listed file that is missing
is lost, and so is a log of certificates with fewer lines than it had; it is replaced only if an option names it.
A file that is not listed is new and may be created, also by a later release. For a directory without the list, its
former contents are inferred: see Contents.inferred.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import moment_of

LIST, JOURNAL, ROTATION = "contents.json", "issued.jsonl", "rotation.json"
# Of a rotation.
STEPS = ("trust", "issue", "updated", "drop", "done")

# Besides key pairs, what only an earlier run leaves; a user who brings own CAs has none of it.
MARKS = (JOURNAL, ROTATION, "secrets", "retired", "admin.crt", "admin.key", "admin.kubeconfig", ".persons")

# What a loss means, and where the value still is.
_LOSSES = {
    JOURNAL: "the serial numbers of all certificates, which a revocation needs; where the file exists, lines are gone",
    ROTATION: "the state of rotations, and what they replace",
    "secrets/encryption.key": (
        "nothing else decrypts the Secrets in etcd; the masters have it in /etc/kubernetes/encryption.yaml"
    ),
    "secrets/keepalived.password": (
        "load balancers with two passwords hold the virtual address twice; group lb has it in"
        " /etc/keepalived/keepalived.conf"
    ),
    "sa.key": "all tokens of service accounts would be rejected; the masters have it as /etc/kubernetes/pki/sa.key",
    "ca.crt": "all hosts trust it; they have it as /etc/kubernetes/pki/ca.crt",
    "front-proxy-ca.crt": "the API servers trust it; the masters have it as /etc/kubernetes/pki/front-proxy-ca.crt",
    "etcd/ca.crt": "etcd trusts it; its hosts have it as /etc/etcd/pki/ca.crt",
    "etcd-peer-ca.crt": "etcd members trust it; their hosts have it as /etc/etcd/pki/peer-ca.crt",
}
_CA_KEY = "nothing can be signed, and all hosts reject another CA"
_SIGNS = "; masters have the key that signs for kubelets as /etc/kubernetes/pki/{path}"


@dataclass(frozen=True)
class Asked:
    """The files that a task manages, relative to the directory, by kind."""

    cas: Mapping[str, str]
    key_pairs: tuple[str, ...]
    secrets: tuple[str, ...]

    @classmethod
    def of(cls, store: Any, params: Mapping[str, Any]) -> Asked:
        """Return the files for the options of pki_ca."""
        stems = {item["name"]: _relative(store, store.stem(item["name"])) for item in params["cas"]}
        pairs = tuple(_relative(store, store.stem(item["name"])) for item in params["key_pairs"])
        return cls(stems, pairs, tuple(f"secrets/{item['name']}" for item in params["secrets"]))

    @property
    def files(self) -> list[str]:
        """Return all files that must not be lost. A public key is derived from its private half."""
        found = [f"{stem}{suffix}" for stem in self.cas.values() for suffix in (".crt", ".key", ".chain.crt")]
        return [*found, *(f"{stem}.key" for stem in self.key_pairs), *self.secrets, JOURNAL, ROTATION]

    @property
    def public(self) -> list[str]:
        """Return the public halves of key pairs."""
        return [f"{stem}.pub" for stem in self.key_pairs]

    @property
    def ca_keys(self) -> set[str]:
        """Return the keys of CAs, which may be offline on purpose."""
        return {f"{stem}.key" for stem in self.cas.values()}

    def named(self, names: Iterable[str], option: str) -> set[str]:
        """Return the files that an option names, by path or short name such as encryption.key and etcd-ca.key."""
        short: dict[str, set[str]] = {os.path.basename(path): {path} for path in self.secrets}
        for name, stem in self.cas.items():
            # A certificate and its key are replaced together.
            short.update({f"{name}{suffix}": {f"{stem}.crt", f"{stem}.key"} for suffix in (".crt", ".key")})
            short[f"{name}.chain.crt"] = {f"{stem}.chain.crt"}
        short = {**{path: {path} for path in [*self.files, *self.public]}, **short}
        if "etcd-ca.key" in short:
            short.update({f"etcd/ca{suffix}": short[f"etcd-ca{suffix}"] for suffix in (".crt", ".key", ".chain.crt")})
        if unknown := [name for name in names if name not in short]:
            known = ", ".join(path for path in self.files if not path.endswith(".chain.crt"))
            raise HardwayError(f"{option} {', '.join(unknown)}: not a file of this directory; use some of {known}")
        return {path for name in names for path in short[name]}


@dataclass
class Contents:
    """The list, and the number of lines in the log of certificates; ``listed`` is None if there is none yet."""

    store: Any
    listed: set[str] | None
    issued: int = 0

    @classmethod
    def load(cls, store: Any) -> Contents:
        """Read the list."""
        path = os.path.join(store.directory, LIST)
        data = store.read(path)
        if data is None:
            return cls(store, None)
        try:
            found = json.loads(data)
            files, issued = found["files"], found.get("issued", 0)
            if not isinstance(files, list) or not all(isinstance(path, str) for path in files):
                raise TypeError(files)
            return cls(store, set(files), int(issued))
        except (ValueError, KeyError, TypeError) as exc:
            raise HardwayError(f"{path}: is damaged; restore it from a backup") from exc

    def lost(self, asked: Asked) -> list[str]:
        """Return the files that existed once and are missing."""
        known = self.inferred(asked) if self.listed is None else self.listed
        # During a rotation, the public key of only one of the two keys can be derived.
        under_way = rotations(self.store)
        known = known | {path for path in asked.public if os.path.basename(path)[:-4] in under_way}
        missing = {path for path in known if not self._is_there(path)}
        missing |= {JOURNAL} if self._lines() < self.issued else set()
        return [path for path in [*asked.files, *asked.public] if path in missing]

    def inferred(self, asked: Asked) -> set[str]:
        """Infer the former contents of a directory without a list.

        Empty for a new directory, which has nothing, or only CAs that a user put there. Else the log, all key pairs and
        secrets, the CAs that signed something or were created here, and the keys of the latter. Without the log nothing
        shows what the CAs did, so none of them is new.
        """
        pairs = {f"{stem}{suffix}" for stem in asked.key_pairs for suffix in (".key", ".pub")}
        if not any(self._is_there(path) for path in [*MARKS, *pairs]):
            return set()
        journal = self._journal()
        found = {JOURNAL, *(f"{stem}.key" for stem in asked.key_pairs), *asked.secrets}
        signers, made = {line.get("ca") for line in journal or []}, set(_made(journal or []))
        for name, stem in asked.cas.items():
            if journal is None or name in signers or stem in made:
                found.add(f"{stem}.crt")
            # A CA that was not created here may be an offline CA.
            if stem in made:
                found.add(f"{stem}.key")
        return found

    def begin(self) -> None:
        """Write the list before the first file of a new directory, so that an interrupted run is not a loss."""
        if self.listed is None:
            self.listed = set()
            self.write()

    def note(self, asked: Asked, gone: Iterable[str] = (), *, counted: bool = True) -> None:
        """Add the existing files of the task to the list, and remove those that are replaced.

        A run that was refused changes nothing, so it does not count the lines of the log.
        """
        before, issued = self.listed, self.issued
        kept = (before or set()) - set(gone)
        self.listed = kept | {path for path in asked.files if self._is_there(path)}
        self.issued = self._lines() if counted else issued
        if not self.listed:
            # The task failed before it created a file: the directory is still new.
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(self.store.directory, LIST))
        elif (self.listed, self.issued) != (before, issued):
            self.write()

    def _is_there(self, path: str) -> bool:
        """Return whether the path exists."""
        return os.path.exists(os.path.join(self.store.directory, path))

    def _lines(self) -> int:
        """Return the number of lines in the log of certificates."""
        return (self.store.read(os.path.join(self.store.directory, JOURNAL)) or b"").count(b"\n")

    def _journal(self) -> list[dict[str, Any]] | None:
        """Return the records of issued certificates without damaged lines; None without the file."""
        data = self.store.read(os.path.join(self.store.directory, JOURNAL))
        if data is None:
            return None
        lines = []
        for line in data.splitlines():
            with suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    lines.append(found)
        return lines

    def write(self) -> None:
        """Write the list."""
        self.store.write(os.path.join(self.store.directory, LIST), _encoded(self.listed or set(), self.issued))


def problem(store: Any, asked: Asked, lost: Sequence[str]) -> str:
    """Return the error about lost files: what each loss means, and the remedies."""
    listed = "; ".join(f"{path} ({_meaning(asked, path)})" for path in lost)
    ways = ["restore from a backup, or from a host that still has the value"]
    if asked.ca_keys & set(lost):
        ways.append("list a CA whose key was moved offline on purpose in ca_offline (option offline of pki_ca)")
    named = json.dumps({"ca_regenerate": list(lost)})
    ways.append(f"to replace the old ones permanently, create new ones with -e '{named}' (option regenerate of pki_ca)")
    return f"{store.directory}: files are lost that cannot be regenerated: {listed}; {'; or '.join(ways)}"


def _meaning(asked: Asked, path: str) -> str:
    """Return what the loss of a file means."""
    if path in asked.ca_keys:
        return _CA_KEY + (_SIGNS.format(path=path) if path in ("ca.key", "kubelet-ca.key") else "")
    if path in _LOSSES:
        return _LOSSES[path]
    if path in asked.public:
        return "during the rotation two keys are accepted, of which one is known only here"
    if path.endswith(".chain.crt"):
        return "clients that trust only the root cannot verify certificates of this CA"
    return "all hosts reject another CA" if path.endswith(".crt") else "its users have the old value"


def rotations(store: Any) -> dict[str, dict[str, Any]]:
    """Return the states of unfinished rotations by the name of the CA or key pair; raise when the file is damaged."""
    path = os.path.join(store.directory, ROTATION)
    data = store.read(path)
    if data is None:
        return {}
    try:
        found: dict[str, dict[str, Any]] = json.loads(data)
        for state in found.values():
            if state["step"] not in STEPS or not isinstance(state["old"] + state["new"], str):
                raise ValueError(state)
            for moment in state["times"].values():
                moment_of(moment)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise HardwayError(f"{path}: is damaged; restore it from a backup") from exc
    return found


def without(store: Any, path: str) -> bool:
    """Return whether a listed file is missing, so that it must not be started again."""
    return not os.path.exists(os.path.join(store.directory, path)) and path in (Contents.load(store).listed or set())


def forget(store: Any, path: str) -> None:
    """Remove a file from the list, before it is deleted on purpose."""
    contents = Contents.load(store)
    if contents.listed is not None and path in contents.listed:
        contents.listed.discard(path)
        contents.write()


def remember(store: Any, path: str) -> None:
    """Add a file to the list, if there is a list."""
    contents = Contents.load(store)
    if contents.listed is not None and path not in contents.listed:
        contents.listed.add(path)
        contents.write()


def _made(journal: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the stems of CAs whose certificates were issued here; the directory may have been moved since."""
    for line in journal:
        path = str(line.get("path"))
        if line.get("host") == "localhost" and path.endswith(".crt"):
            parts = path[: -len(".crt")].split("/")
            yield "etcd/ca" if parts[-2:] == ["etcd", "ca"] else parts[-1]


def _relative(store: Any, path: str) -> str:
    """Return a path relative to the directory."""
    return os.path.relpath(path, store.directory)


def _encoded(files: Iterable[str], issued: int) -> bytes:
    """Return the content of the list."""
    return json.dumps({"files": sorted(files), "issued": issued}, indent=1).encode() + b"\n"
