# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates missing CAs, key pairs and shared secrets of the store, and validates and renews existing ones."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import separate_ca
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.import_ca import Source, check_same, places
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import (
    Issuer,
    check_ca,
    complete,
    end_of,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.offline import Offline
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.ca import ca_spec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.bundle import joined, split
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import facts_of, issued_by
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import (
    is_encrypted,
    key_pem,
    key_spec,
    load_key,
    new_key,
    public_pem,
    same_public_key,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class KeyMaterial:
    """Creates and validates the key pairs and secrets of the store; with ``check`` it only predicts."""

    store: Store
    passphrase: str | None
    renew: bool
    renew_before: float
    check: bool

    def key_pair(self, params: Mapping[str, Any], *, given_up: bool = False) -> dict[str, Any]:
        """Ensure a key pair and return its state. Its private key is not encrypted: its users cannot decrypt it.

        Signatures of a private key that is ``given_up`` stay valid as long as its public key exists.
        """
        name = checked_name(params["name"])
        spec = KeySpec.from_params(params.get("key"), f"key pair {name}")
        if spec.algo == "ed25519":
            raise HardwayError(f"key pair {name}: kube-apiserver signs tokens with rsa or ecdsa only; choose one")
        key_path, public_path = self.store.key(name), self.store.stem(name) + ".pub"
        pem, public = self.store.read(key_path), self.store.read(public_path)
        if pem is None and public is not None and not given_up:
            raise HardwayError(f"{public_path}: its private half {key_path} is missing; restore it or move both away")
        if pem is None and self.check:
            return {"name": name, "path": key_path, "state": "created"}
        key = new_key(spec) if pem is None else load_key(pem, key_path)
        if pem is None and public is not None:
            # Written before the key: after an interruption the next run repeats it.
            public = joined([public_pem(key), *split(public)])
            self.store.write(public_path, public, 0o644)
        # During a rotation the file contains both public keys.
        if public is not None and _without_white_space(public_pem(key)) not in map(_without_white_space, split(public)):
            raise HardwayError(f"{public_path}: does not belong to {key_path}; restore the pair from a backup")
        state = "kept"
        if pem is None:
            state = "created"
            self.store.write(key_path, key_pem(key))
        elif self.tighten(key_path):
            state = "made private"
        if public is None:
            state = "created" if pem is None else "completed"
            if not self.check:
                self.store.write(public_path, public_pem(key), 0o644)
        extended = self._accept(public_path, params.get("accepted") or [])
        return {"name": name, "path": key_path, "state": extended if state == "kept" else state}

    def _accept(self, path: str, texts: Sequence[str]) -> str:
        """Append the public keys that a file lacks; return its state."""
        present = split(self.store.read(path) or b"")
        wanted = {_without_white_space(block): block for text in texts for block in split(text.encode())}
        for block in present:
            wanted.pop(_without_white_space(block), None)
        if wanted and not self.check:
            self.store.write(path, joined([*present, *wanted.values()]), 0o644)
        return "extended" if wanted else "kept"

    def secret(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Ensure a shared random secret and return its state, never its value."""
        name = checked_name(params["name"])
        path, size = self.store.secret(name), params["bytes"]
        if not 1 <= size <= 1024:
            raise HardwayError(f"secret {name}: {size} bytes are not supported; set 1 to 1024")
        found = self.store.read(path)
        if found is None:
            if not self.check:
                encode = base64.urlsafe_b64encode if params["encoding"] == "base64url" else base64.b64encode
                self.store.write(path, encode(secrets.token_bytes(size)) + b"\n")
            return {"name": name, "path": path, "state": "created"}
        # One per line, as NAME:SECRET; only the first one encrypts.
        sizes = {_decoded_size(line.rpartition(b":")[2]) for line in found.splitlines() if line.strip()}
        if params["encoding"] == "base64" and sizes != {size}:
            raise HardwayError(f"{path}: is not base64 of {size} bytes; restore it from a backup")
        if not found.strip():
            raise HardwayError(f"{path}: is empty; restore it from a backup")
        return {"name": name, "path": path, "state": "made private" if self.tighten(path) else "kept"}

    def tighten(self, path: str) -> bool:
        """Remove other users' permissions from a private file; return whether there were any."""
        if stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0:
            return False
        if not self.check:
            os.chmod(path, 0o600)
        return True


def checked_name(name: str) -> str:
    """Return the name if it is safe in a path, else raise."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise HardwayError(f"{name!r}: not a name; use letters, digits, dot, dash and underscore")
    return name


def _decoded_size(text: bytes) -> int:
    """Return the decoded size of a base64 text, -1 if it is invalid."""
    try:
        return len(base64.b64decode(text.strip(), validate=True))
    except binascii.Error:
        return -1


def _without_white_space(pem: bytes) -> bytes:
    """Return a PEM text without white space, for comparison."""
    return b"".join(pem.split())


@dataclass(frozen=True)
class Reconciler(KeyMaterial):
    """Ensures CAs too; ``profiles`` are those of a ca-config.json."""

    profiles: Mapping[str, Any] = field(default_factory=dict)
    import_dir: str | None = None
    # Lost files, relative to the directory, to be replaced by new ones.
    regenerate: frozenset[str] = frozenset()

    @cached_property
    def offline(self) -> Offline:
        """Return the CSRs for offline CAs."""
        return Offline(self.store)

    def move_certificates_aside(self) -> None:
        """Move the certificates of CAs whose keys are replaced to retired/lost."""
        for path in sorted(self.regenerate):
            stem, dot, suffix = os.path.join(self.store.directory, path).rpartition(".")
            for half in (f"{stem}.crt", f"{stem}.chain.crt") if dot and suffix == "key" else ():
                data = self.store.read(half)
                if data is not None:
                    name = os.path.relpath(half, self.store.directory).replace(os.sep, "-")
                    aside = f"{hashlib.sha256(data).hexdigest()[:12]}-{name}"
                    self.store.write(os.path.join(self.store.directory, "retired/lost", aside), data, 0o644)
                    os.unlink(half)

    def ca(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Ensure one CA and return its state: created, copied, renewed, encrypted or kept."""
        name = checked_name(params["name"])
        spec = ca_spec(params, self.profiles, end_of(self.store, params.get("signed_by")))
        path = self.store.certificate(name)
        if self.store.read(path) is None:
            source = Source.find(params, self.import_dir, self.store)
            if source is not None:
                return self._import(name, source, params.get("import_passphrase") or self.passphrase)
            origin = separate_ca.origin_of(params, self.import_dir, self.store, self.passphrase)
            if origin is not None:
                if not self.check:
                    separate_ca.copy(self.store, name, origin, self.passphrase)
                state = f"copied from {params['split_from']}"
                return _report(name, path, state, origin.certificate, has_key=origin.has_key)
            certificate = self._create(name, spec)
            state = "requested" if certificate is None and not self.check else "created"
            return _report(name, path, state, certificate, has_key=True)
        completed = complete(self.store, name, self.passphrase, check=self.check)
        ca = Issuer.load(self.store, name, self.passphrase, expired=True)
        check_same(params, self.import_dir, self.store)
        state = ", ".join([*(["completed"] if completed else []), *self._update(ca, spec)]) or "kept"
        return _report(name, path, state, ca.certificate, has_key=ca.key is not None)

    def key_pair(self, params: Mapping[str, Any], *, given_up: bool = False) -> dict[str, Any]:
        """Ensure a key pair and return its state; it may be imported."""
        name = checked_name(params["name"])
        key_path, public_path = self.store.key(name), self.store.stem(name) + ".pub"
        if self.store.read(key_path) is None and self.store.read(public_path) is None:
            for _certificate, path in places(name, self.import_dir):
                pem = self.store.read(path)
                if pem is not None:
                    key = load_key(pem, path, self.passphrase)
                    if not self.check:
                        self.store.write(key_path, key_pem(key))
                        self.store.write(public_path, public_pem(key), 0o644)
                    return {"name": name, "path": key_path, "state": "imported"}
        return super().key_pair(params, given_up=given_up or f"{name}.key" in self.regenerate)

    def _import(self, name: str, source: Source, passphrase: str | None) -> dict[str, Any]:
        """Import a CA; its key is written first, encrypted if there is a passphrase."""
        key = source.private_key(self.store, passphrase)
        key_path, path = self.store.key(name), self.store.certificate(name)
        present = self.store.read(key_path)
        if present is not None:
            key = load_key(present, key_path, self.passphrase)
            if not same_public_key(source.found.public_key(), key.public_key()):
                raise HardwayError(f"{key_path}: does not belong to {source.certificate}; move it away")
        elif key is not None and not self.check:
            self.store.write(key_path, key_pem(key, self.passphrase))
        if not self.check:
            # Keep the chain apart: hosts that trust the CA must not trust its issuer.
            if chain := source.chain():
                self.store.write(f"{self.store.stem(name)}.chain.crt", chain, 0o644)
            self.store.write(path, certificate_pem(source.found), 0o644)
        return _report(name, path, "imported", source.found, has_key=key is not None)

    def _create(self, name: str, spec: CertificateSpec) -> Any:
        """Create a CA. The key is written first; after an interruption the next run reuses it."""
        key_path = self.store.key(name)
        pem = self.store.read(key_path)
        key = None if pem is None else load_key(pem, key_path, self.passphrase)
        if key is not None and key_spec(key) != spec.key:
            raise HardwayError(
                f"{key_path}: is a key {key_spec(key)} without certificate, but {spec.key} is wanted;"
                " move it away or restore the pair"
            )
        issuer = self._issuer(name, spec)
        # In check mode the issuer may be about to be renewed.
        if issuer is not None and not (self.check and self._ends_soon(issuer, None)):
            issuer.check_may_sign(spec)
        if self.check:
            return None
        if key is None or not is_encrypted(pem or b""):
            key = key or new_key(spec.key)
            self.store.write(key_path, key_pem(key, self.passphrase))
        return self._sign(name, spec, key, issuer)

    def _issuer(self, name: str, spec: CertificateSpec) -> Issuer | None:
        """Return the issuer of a CA, None if self-signed; in check mode it may not exist yet."""
        if spec.ca == name:
            return None
        if self.check and self.store.read(self.store.certificate(spec.ca)) is None:
            return None
        return Issuer.load(self.store, spec.ca, self.passphrase, expired=self.check and self.renew)

    def _sign(self, name: str, spec: CertificateSpec, key: Any, issuer: Issuer | None) -> Any:
        """Issue a certificate for a CA's key; None while its CSR waits for an offline CA."""
        if issuer is None:
            return self._write(name, issue.self_signed(spec, key))
        if issuer.key is None:
            found = self.offline.ca(issuer, name, spec, key)
            return None if found is None else self._write(name, found, issuer.name)
        return self._write(
            name, issue.leaf(spec, key.public_key(), issuer.certificate, issuer.signing_key()), issuer.name
        )

    def _write(self, name: str, certificate: Any, issuer: str = "") -> Any:
        """Record and write the certificate of a CA."""
        path = self.store.certificate(name)
        self.store.record(certificate, ca=issuer or name, host="localhost", path=path)
        # Keep other trusted certificates in the file, as during a rotation.
        others = split(self.store.read(path) or b"")[1:]
        self.store.write(path, joined([certificate_pem(certificate), *others]), 0o644)
        return certificate

    def _update(self, ca: Issuer, spec: CertificateSpec) -> list[str]:
        """Renew or encrypt an existing CA if needed; return what was done."""
        states = []
        issuer = self._issuer(ca.name, spec)
        foreign = issuer is not None and not issued_by(ca.certificate, issuer.certificate)
        if issuer is not None and foreign and ca.key is not None:
            states.append(f"signed by the current {issuer.name}")
        elif self._ends_soon(ca, issuer):
            states.append("renewed")
        else:
            check_ca(ca.certificate, self.store.certificate(ca.name))
        if states and not self.check:
            ca.certificate = self._renewed(ca, spec, issuer)
        key_path = self.store.key(ca.name)
        if ca.key is not None and self.passphrase and not ca.key_encrypted:
            states.append("encrypted")
            if not self.check:
                self.store.write(key_path, key_pem(ca.key, self.passphrase))
        elif ca.key is not None and self.tighten(key_path):
            states.append("made private")
        return states

    def _ends_soon(self, ca: Issuer, issuer: Issuer | None) -> bool:
        """Return whether a CA is due for renewal, and its issuer's or own key is available."""
        renewable = ca.is_renewable if issuer is None else ca.key is not None
        return self.renew and renewable and ca.validity_left() < self.renew_before

    def _renewed(self, ca: Issuer, spec: CertificateSpec, issuer: Issuer | None) -> Any:
        """Return a renewed certificate of a CA, with the same name, key and extensions."""
        if issuer is not None:
            issuer.check_may_sign(spec)
            return self._sign(ca.name, spec, ca.key, issuer) or ca.certificate
        return self._write(ca.name, issue.again(ca.certificate, ca.key, spec.expiry))


def _report(name: str, path: str, state: str, certificate: Any, *, has_key: bool) -> dict[str, Any]:
    """Return the module result for a CA; in check mode a new one has no dates."""
    report = {"name": name, "path": path, "state": state, "has_key": has_key, "not_after": "", "fingerprint": ""}
    if certificate is not None:
        facts = facts_of(certificate)
        report.update(not_after=stamp(facts.not_after), fingerprint=facts.fingerprint)
    return report
