# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same files through cfssl and through ours give the same certificate, field by field: 232 generated inputs.

Each input is a ca-config.json and a *-csr.json that both read. Ours is made for cfssl's key, so that all but serial
number, signature and the minute must be equal. docs/from-cfssl.md lists the deliberate differences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Optional

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.ca import ca_spec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import KeySpec, specs_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.cfssl import profiles_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import EXTENDED_USAGES, KEY_USAGES
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    load_certificate,
    validity,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, load_key, new_key

from tests.support.ca.cfssl import CFSSL, extensions, run
from tests.support.ca.cfssl_cases import KEYS, ca_cases, intermediate_cases, leaf_cases
from tests.support.ca.playbook import openssl

pytestmark = pytest.mark.skipif(
    CFSSL is None, reason="cfssl is not installed (Debian: golang-cfssl); parity is unproven"
)


# Ours, cfssl's, and the root of both; None where each has its own.
Pair = tuple[Any, Any, Optional[Path]]


class Bench:
    """A directory with one key of each type for leaves, and for cfssl's roots."""

    def __init__(self, directory: Path) -> None:
        """Create the keys and the roots."""
        self.directory = directory
        self.pairs: dict[str, Pair] = {}
        self.keys = {}
        for kind in KEYS:
            self.keys[kind] = new_key(KeySpec(*kind))
            self.file(self.name(kind) + ".key", key_pem(self.keys[kind]))
            root = directory / ("ca-" + self.name(kind))
            root.mkdir()
            self.file(f"{root.name}/ca.key", key_pem(new_key(KeySpec(*kind))))
            csr = {"CN": "ca", "names": [{"O": "x", "C": "DE"}], "ca": {"expiry": "200000h"}}
            self.file(f"{root.name}/ca.crt", self.root(csr, root / "ca.key"))

    def name(self, kind: tuple[str, int]) -> str:
        """Return the name of a key's files."""
        return f"{kind[0]}{kind[1]}"

    def file(self, name: str, content: bytes | dict[str, Any]) -> Path:
        """Return the path of a file with this content."""
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def root(self, csr: dict[str, Any], key: Path) -> bytes:
        """Return cfssl's root for a key."""
        answer = run("gencert", "-initca", "-ca-key", key, self.file("csr.json", csr))
        return str(answer["cert"]).encode()

    def new_root(self, kind: tuple[str, int], csr: dict[str, Any]) -> tuple[Any, Any]:
        """Return cfssl's root and its key; a new one for ecdsa, where that costs nothing."""
        if kind[0] != "ecdsa":
            path = self.directory / f"{self.name(kind)}.key"
            return load_certificate(self.root(csr, path), "cfssl"), self.keys[kind]
        answer = run("gencert", "-initca", self.file("csr.json", csr))
        return load_certificate(answer["cert"].encode(), "cfssl"), load_key(answer["key"].encode(), "cfssl")

    def ca(self, kind: tuple[str, int]) -> Issuer:
        """Return the root with a type of key, as ours loads it."""
        return Issuer.load(Store(str(self.directory / ("ca-" + self.name(kind)))), "ca")

    def signed(
        self, kind: tuple[str, int], root: tuple[str, int], csr: dict[str, Any], profile: dict[str, Any]
    ) -> tuple[Any, Any]:
        """Return cfssl's certificate and its key: a new one for ecdsa, where that costs nothing."""
        config = self.file("config.json", {"signing": {"default": {"expiry": "1h"}, "profiles": {"case": profile}}})
        ca = self.directory / ("ca-" + self.name(root))
        signer = [f"-ca={ca}/ca.crt", f"-ca-key={ca}/ca.key", f"-config={config}", "-profile=case"]
        path = self.file("csr.json", csr)
        own = [] if kind[0] == "ecdsa" else [self.directory / f"{self.name(kind)}.key"]
        is_root = "ca" in {field.lower() for field in csr}
        if is_root:
            # gencert refuses it. Guides create a root by signing its CSR.
            made = run("gencert", "-initca", *(["-ca-key", *own] if own else []), path)
        else:
            made = run("gencsr", "-key", *own, path) if own else run("gencert", *signer, path)
        request = self.file("request.pem", str(made["csr"]).encode())
        answer = run("sign", *signer, request) if own or is_root else made
        key = self.keys[kind] if own else load_key(made["key"].encode(), "cfssl")
        return load_certificate(answer["cert"].encode(), "cfssl"), key

    def pair(self, make: Callable[..., Pair], case: tuple[Any, ...]) -> Pair:
        """Return the results of both for a case, once created and compared."""
        name = f"{make.__name__}: {json.dumps(case)}"
        if name not in self.pairs:
            self.pairs[name] = make(self, *case)
        return self.pairs[name]


def compare(ours: Any, theirs: Any) -> None:
    """Compare two certificates field by field; openssl verifies all of them at the end."""
    assert ours.subject.rfc4514_string() == theirs.subject.rfc4514_string()
    assert ours.issuer.rfc4514_string() == theirs.issuer.rfc4514_string()
    assert ours.signature_algorithm_oid == theirs.signature_algorithm_oid
    assert extensions(ours) == extensions(theirs)
    starts, ends = zip(validity(ours), validity(theirs))
    assert ends[0] - starts[0] == ends[1] - starts[1]
    assert abs(starts[0] - starts[1]) <= timedelta(minutes=1)
    assert ours.serial_number.bit_length() > 120


def leaf(bench: Bench, key: Any, root: Any, csr: dict[str, Any], profile: dict[str, Any]) -> Pair:
    """Return the certificates of both for the two files."""
    theirs, private = bench.signed(key, root, csr, profile)
    entry = {"path": "x", "ca": "ca", "profile": "case", "csr": csr}
    spec = specs_of({"certificates": [entry], "config": {"signing": {"profiles": {"case": profile}}}})[0]
    ca = bench.ca(root)
    ours = ca.sign(spec, private.public_key())
    compare(ours, theirs)
    return ours, theirs, Path(ca.store.certificate("ca"))


def root(bench: Bench, key: Any, csr: dict[str, Any]) -> Pair:
    """Return the root of both, with cfssl's usages; without these only keyUsage differs."""
    theirs, private = bench.new_root(key, csr)
    asked = {"name": "ca", "csr": csr}
    ours = issue.self_signed(ca_spec({**asked, "usages": ["cert sign", "crl sign"]}, {}), private)
    compare(ours, theirs)
    default = extensions(issue.self_signed(ca_spec(asked, {}), private))
    assert [item for item in default if item not in extensions(theirs)] == default[:1]
    return ours, theirs, None


def intermediate(bench: Bench, key: Any, root: Any, csr: dict[str, Any], profile: dict[str, Any]) -> Pair:
    """Return the CA of both below a root, by a profile with is_ca."""
    theirs, private = bench.signed(key, root, csr, profile)
    profiles = profiles_of({"signing": {"profiles": {"case": profile}}})
    spec = ca_spec({"name": "sub", "csr": csr, "profile": "case", "signed_by": "ca"}, profiles)
    ca = bench.ca(root)
    ours = issue.leaf(spec, private.public_key(), ca.certificate, ca.key)
    compare(ours, theirs)
    return ours, theirs, Path(ca.store.certificate("ca"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return keys and roots for all cases."""
    return Bench(tmp_path_factory.mktemp("cfssl"))


@pytest.mark.parametrize("case", leaf_cases())
def test_leaf(bench: Bench, case: tuple[Any, ...]) -> None:
    """pki_certificate issues the same as cfssl's gencert and sign."""
    bench.pair(leaf, case)


@pytest.mark.parametrize("case", ca_cases())
def test_root(bench: Bench, case: tuple[Any, ...]) -> None:
    """pki_ca issues the same as gencert -initca."""
    bench.pair(root, case)


@pytest.mark.parametrize("case", intermediate_cases())
def test_intermediate(bench: Bench, case: tuple[Any, ...]) -> None:
    """pki_ca with signed_by issues the same as sign with a profile with is_ca."""
    bench.pair(intermediate, case)


def test_the_cases_contain_every_usage() -> None:
    """Each usage of cfssl's is used, except one that releases spell differently; CAs use cert sign."""
    profiles = [{field.lower(): value for field, value in profile.items()} for *_others, profile in leaf_cases()]
    asked = {word for profile in profiles for word in profile["usages"]}
    assert {*KEY_USAGES, *EXTENDED_USAGES} - asked == {"cert sign", "content committment"}


def test_openssl_describes_and_trusts_both_alike(bench: Bench) -> None:
    """openssl describes both of each pair with the same words, and trusts both; alone it also verifies every case."""
    made = ((leaf, leaf_cases()), (root, ca_cases()), (intermediate, intermediate_cases()))
    pairs = [bench.pair(make, case) for make, cases in made for case in cases]
    assert len(pairs) >= 200
    ours, theirs = (described(bench, [pair[side] for pair in pairs]) for side in (0, 1))
    assert len(ours) == len(pairs)
    assert ours == theirs
    roots: dict[Path, list[Path]] = {}
    for number, (*pair, above) in enumerate(pairs):
        for side, certificate in enumerate(pair):
            path = bench.file(f"{number}-{side}.crt", certificate_pem(certificate))
            roots.setdefault(above or path, []).append(path)
    trusted = [
        openssl("verify", "-x509_strict", "-CAfile", above, *paths).count(": OK\n") for above, paths in roots.items()
    ]
    assert sum(trusted) == 2 * len(pairs)


def described(bench: Bench, certificates: list[Any]) -> list[str]:
    """Return openssl's description of each, without serial number, validity and signature."""
    bundle = bench.file("all.pem", b"".join(map(certificate_pem, certificates)))
    openssl("crl2pkcs7", "-nocrl", "-certfile", bundle, "-out", bench.directory / "all.p7")
    text = openssl("pkcs7", "-in", bench.directory / "all.p7", "-print_certs", "-text", "-noout")
    text = re.sub(r"Serial Number:\s+\S+|Not (Before|After *): .*|Signature Value:[\s0-9a-f:]*", "", text)
    return text.split("Certificate:")[1:]
