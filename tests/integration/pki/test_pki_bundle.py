# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pki_bundle finds the chains that `cfssl bundle` finds, from any source, and refuses what it refuses."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificate_pem,
    certificates_in,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.ca.cfssl import CFSSL, run
from tests.support.ca.in_process import call
from tests.support.ca.playbook import APPLY, CHECK, openssl, play

NOW = datetime.now(timezone.utc).replace(microsecond=0)
SERVER = [ExtendedKeyUsageOID.SERVER_AUTH]


class Made:
    """A certificate from elsewhere, with its key."""

    def __init__(
        self, name: str, above: Made | None = None, *, key: Any = None, days: float = 30, **limits: Any
    ) -> None:
        """Sign it by the one above, or by itself; one with limits to what it may sign is a CA."""
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = above or self
        ca = limits.get("ca", not name.startswith("leaf"))
        begin = NOW - timedelta(days=20)
        extensions: list[tuple[Any, bool]] = [
            (x509.BasicConstraints(ca, limits.get("path_length")), True),
            (x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), False),
        ]
        if limits.get("ca", ca):
            extensions.append((x509.KeyUsage(True, *[False] * 4, True, True, False, False), True))
        else:
            extensions.append((x509.SubjectAlternativeName([x509.DNSName("a.example.org")]), False))
        if purposes := limits.get("purposes", [] if ca else SERVER):
            extensions.append((x509.ExtendedKeyUsage(purposes), False))
        if domain := limits.get("domain"):
            extensions.append((x509.NameConstraints([x509.DNSName(domain)], None), True))
        builder = x509.CertificateBuilder().subject_name(self.name).issuer_name(signer.name)
        builder = builder.public_key(self.key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(begin).not_valid_after(NOW + timedelta(days=days))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        self.certificate = builder.sign(signer.key, hashes.SHA256())


Case = tuple[list[Made], list[Made], list[Made], list[Made] | str]


def straight() -> Case:
    """The intermediate CAs in disorder, with some that do not belong there."""
    root = Made("root")
    one = Made("one", root, path_length=1)
    two = Made("two", one, path_length=0)
    leaf = Made("leaf", two)
    return [leaf], [Made("stranger"), two, root, one], [Made("stranger"), root], [leaf, two, one, root]


def in_the_same_file() -> Case:
    root = Made("root")
    one = Made("one", root)
    two = Made("two", one)
    leaf = Made("leaf", two)
    return [leaf, two, one], [], [root], [leaf, two, one, root]


def crossed() -> Case:
    """The same CA, signed by a new root and by the old one over another: the shorter chain is used."""
    new, old = Made("new"), Made("old")
    between = Made("between", old)
    long, short = Made("sub", between), Made("x")
    short = Made("sub", new, key=long.key)
    leaf = Made("leaf", long)
    return [leaf], [long, between, short], [old, new], [leaf, short, new]


def expired_on_one_way() -> Case:
    """The shorter chain is expired, the longer one is valid."""
    new, old = Made("new"), Made("old")
    between = Made("between", old)
    long = Made("sub", between)
    leaf = Made("leaf", long)
    return [leaf], [Made("sub", new, key=long.key, days=-1), between, long], [new, old], [leaf, long, between, old]


def without_one_between() -> Case:
    root = Made("root")
    two = Made("two", Made("one", root))
    return [Made("leaf", two)], [two], [root], "none of the given certificates signed CN=two of CN=one"


def of_another_root() -> Case:
    """A root with the same name and another key."""
    return [Made("leaf", Made("root"))], [], [Made("root")], "none of the given certificates signed CN=leaf of CN=root"


def expired() -> Case:
    root = Made("root")
    return [Made("leaf", root, days=-1)], [], [root], "CN=leaf expired at"


def expired_between() -> Case:
    root = Made("root")
    one = Made("one", root, days=-1)
    return [Made("leaf", one)], [one], [root], "CN=one expired at"


def by_no_ca() -> Case:
    root = Made("root")
    one = Made("one", root, ca=False)
    return [Made("leaf", one)], [one], [root], "CN=one is not a CA that may sign certificates"


def too_deep() -> Case:
    root = Made("root", path_length=0)
    one = Made("one", root)
    return [Made("leaf", one)], [one], [root], "CN=root allows 0 CAs below it, not 1"


def outside_its_names() -> Case:
    root = Made("root")
    one = Made("one", root, domain="example.net")
    return [Made("leaf", one)], [one], [root], "CN=one: dns:a.example.org is outside of its name constraints"


def for_other_purposes() -> Case:
    root = Made("root")
    one = Made("one", root, purposes=[ExtendedKeyUsageOID.EMAIL_PROTECTION])
    return [Made("leaf", one)], [one], [root], "CN=one is for other purposes than the certificate it signed"


FOUND = [straight, in_the_same_file, crossed, expired_on_one_way]
REFUSED = [without_one_between, of_another_root, expired, expired_between, by_no_ca, too_deep, outside_its_names]
CASES = [*FOUND, *REFUSED]


def pem(made: list[Made]) -> str:
    """Return certificates as PEM."""
    return "".join(certificate_pem(item.certificate).decode() for item in made)


@pytest.mark.parametrize("case", CASES, ids=[case.__name__ for case in CASES])
def test_chains_are_those_that_cfssl_finds(tmp_path: Path, case: Callable[[], Case]) -> None:
    """The same chain, or a refusal by both; openssl verifies the chain."""
    leaf, between, roots, expected = case()
    for name, made in {"leaf": leaf, "between": between, "roots": roots}.items():
        (tmp_path / f"{name}.pem").write_text(pem(made))
    above = [str(tmp_path / "between.pem")] if between else []
    params = {"certificate": str(tmp_path / "leaf.pem"), "intermediates": above, "roots": [str(tmp_path / "roots.pem")]}
    stores = [f"-ca-bundle={tmp_path}/roots.pem", f"-int-bundle={tmp_path}/between.pem"]
    command = ["bundle", f"-cert={tmp_path}/leaf.pem", *stores, "-flavor=optimal"]
    if isinstance(expected, str):
        with pytest.raises(HardwayError, match=f"leaf.pem: no chain leads from it to a root: .*{expected}"):
            call("pki_bundle", **params)
        if CFSSL is not None:
            done = subprocess.run([str(CFSSL), *command], capture_output=True, text=True, check=False)
            assert done.returncode != 0 or not done.stdout.strip(), done.stdout
        return
    found = call("pki_bundle", **params)
    assert (found["bundle"], found["root"]) == (pem(expected[:-1]), pem(expected[-1:]))
    (tmp_path / "found.pem").write_text(found["bundle"])
    files = ["-CAfile", tmp_path / "roots.pem", "-untrusted", tmp_path / "found.pem"]
    openssl("verify", "-x509_strict", "-purpose", "sslserver", *files, tmp_path / "leaf.pem")
    if CFSSL is not None:
        answer = run(*command)
        theirs = certificates_in(str(answer["bundle"]).encode(), "cfssl")
        assert theirs == [item.certificate for item in expected[:-1]]
        assert certificates_in(str(answer["root"]).encode(), "cfssl") == [expected[-1].certificate]
        assert datetime.fromisoformat(answer["expires"].replace("Z", "+00:00")) == datetime.fromisoformat(
            found["not_after"].replace("Z", "+00:00")
        )


def test_a_chain_that_no_program_would_trust_is_refused(tmp_path: Path) -> None:
    """cfssl ignores purposes; openssl does not, nor do the programs of Kubernetes."""
    leaf, between, roots, expected = for_other_purposes()
    with pytest.raises(HardwayError, match=str(expected)):
        call("pki_bundle", certificate=pem(leaf), intermediates=[pem(between)], roots=[pem(roots)])
    for name, made in {"leaf": leaf, "between": between, "roots": roots}.items():
        (tmp_path / f"{name}.pem").write_text(pem(made))
    files = [f"{tmp_path}/{name}.pem" for name in ("roots", "between", "leaf")]
    line = ["openssl", "verify", "-purpose", "sslserver", "-CAfile", files[0], "-untrusted", *files[1:]]
    assert subprocess.run(line, capture_output=True, check=False).returncode != 0


def test_of_equally_short_chains_the_longest_valid_one_is_used(tmp_path: Path) -> None:
    """And text is accepted instead of paths, also a root in OpenSSL's own form."""
    root = Made("root")
    early = Made("sub", root, days=5)
    late = Made("sub", root, key=early.key, days=9)
    leaf = Made("leaf", early)
    (tmp_path / "root.pem").write_text(pem([root]))
    trusted = openssl("x509", "-in", tmp_path / "root.pem", "-addtrust", "serverAuth", "-trustout")
    params = {"certificate": pem([leaf]), "intermediates": [pem([early]), pem([late])], "roots": [trusted]}
    task = {"hardway.kubernetes.pki_bundle": params}
    outcome = play(tmp_path, [(CHECK, task), (APPLY, task)])
    assert outcome.changed == [False, False], outcome.output
    for result in outcome.results:
        assert result["bundle"] == pem([leaf, late])
        assert [item["subject"] for item in result["certificates"]] == [["CN=leaf"], ["CN=sub"], ["CN=root"]]
        assert result["not_after"] == f"{NOW + timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"certificate": "/none.pem"}, "certificate: /none.pem does not exist; give the path"),
        ({"roots": ["/dev/null"]}, "/dev/null: contains no PEM certificate"),
        ({"intermediates": ["-----BEGIN CERTIFICATE-----\nAAAA"]}, "intermediates: cannot read the certificate"),
    ],
)
def test_bad_inputs_are_refused(changes: dict[str, Any], message: str) -> None:
    good = pem([Made("root")])
    with pytest.raises(HardwayError, match=message):
        call("pki_bundle", **{"certificate": good, "roots": [good], **changes})
