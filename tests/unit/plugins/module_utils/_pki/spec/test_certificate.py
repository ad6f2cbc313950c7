# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Specifications of certificates: cfssl's terms are accepted, and each invalid one is a single clear error."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse, short
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.alt_names import classify
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import (
    CertificateSpec,
    KeySpec,
    specs_of,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import usages_of

HOUR = timedelta(hours=1)


def request(**changes: t.Any) -> dict[str, t.Any]:
    """Return a valid specification of a server's certificate with some values changed."""
    good = {"path": "/p/apiserver", "ca": "ca", "profile": "server", "common_name": "a", "sans": ["a"]}
    return {**good, **changes}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8760h", 8760 * HOUR),
        ("87600h0m0s", 87600 * HOUR),
        ("720h30m", 720.5 * HOUR),
        ("365d", 365 * 24 * HOUR),
        ("1d12h", 36 * HOUR),
        ("1.5h", 1.5 * HOUR),
        (" 90m ", 1.5 * HOUR),
        ("3600000ms", HOUR),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    """Durations have Go's format, and days are days."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "8760", "h", "-1h", "0h", "1y", "1h 30m", "h1", "1hx", "one hour", "9" * 30 + "h"]
)
def test_bad_durations(text: str) -> None:
    """The error names the invalid duration."""
    with pytest.raises(HardwayError, match="expiry"):
        parse(text, "expiry")


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(timedelta(0), "0s"), (365 * 24 * HOUR, "365d"), (36.5 * HOUR, "1d12h"), (timedelta(seconds=-61), "1m1s")],
)
def test_short_durations(duration: timedelta, expected: str) -> None:
    """People see the two largest units."""
    assert short(duration) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "ecdsa 256"),
        ({"algo": "ecdsa"}, "ecdsa 256"),
        ({"algo": "ecdsa", "size": 384}, "ecdsa 384"),
        ({"algo": "rsa"}, "rsa 2048"),
        ({"algo": "rsa", "size": 4096}, "rsa 4096"),
        ({"algo": "ed25519", "size": None}, "ed25519"),
    ],
)
def test_keys(given: dict[str, t.Any] | None, expected: str) -> None:
    """Sizes have defaults by algorithm."""
    assert str(KeySpec.from_params(given, "x")) == expected


@pytest.mark.parametrize("given", [{"algo": "dsa"}, {"algo": "rsa", "size": 1024}, {"algo": "ecdsa", "size": 224}])
def test_bad_keys(given: dict[str, t.Any]) -> None:
    """Weak and unknown keys are refused, and the certificate is named."""
    with pytest.raises(HardwayError, match=r"^/p: key"):
        KeySpec.from_params(given, "/p")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.1", "ip:192.0.2.1"),
        ("2001:DB8::0:1", "ip:2001:db8::1"),
        ("example.org", "dns:example.org"),
        ("K8s.Example.org", "dns:k8s.example.org"),
        ("*.example.org", "dns:*.example.org"),
        ("node_1", "dns:node_1"),
        ("ops@example.org", "email:ops@example.org"),
        ("https://example.org/x", "uri:https://example.org/x"),
        ("spiffe://cluster.local/ns/a", "uri:spiffe://cluster.local/ns/a"),
    ],
)
def test_kinds_of_hosts(host: str, expected: str) -> None:
    """Kinds are distinguished as by cfssl."""
    assert str(classify(host, "x")) == expected


@pytest.mark.parametrize(
    "host", ["", " ", "10.0.0.256", "1.2.3", "a b", "-a", "a..b", "münchen.de", "a" * 64, "a:6443"]
)
def test_bad_hosts(host: str) -> None:
    """Invalid names are refused before anything is issued."""
    with pytest.raises(HardwayError, match=r"^/p: SAN"):
        classify(host, "/p")


def test_subject_has_cfssls_order_and_collects_values() -> None:
    """Two names with an organization make one part with two values, in the order of cfssl."""
    subject = Subject.from_params("cn", [{"O": "a", "C": "DE"}, {"O": "b"}, {"O": "a", "L": ""}], "x")
    assert subject.parts == (("C", ("DE",)), ("O", ("a", "b")), ("CN", ("cn",)))


@pytest.mark.parametrize(
    ("common_name", "names", "message"),
    [
        ("a" * 65, [], "65 characters"),
        ("", [], "no subject"),
        ("a", [{"X": "y"}], "not a subject field"),
        ("a", [{"C": "Deutschland"}], "two letters"),
    ],
)
def test_bad_subjects(common_name: str, names: list[dict[str, str]], message: str) -> None:
    """Each bad subject is one error."""
    with pytest.raises(HardwayError, match=message):
        Subject.from_params(common_name, names, "/p")


@pytest.mark.parametrize(
    ("profile", "words", "algo", "expected"),
    [
        ("server", None, "ecdsa", ["digital signature", "server auth"]),
        ("server", None, "rsa", ["digital signature", "key encipherment", "server auth"]),
        ("client", None, "ed25519", ["digital signature", "client auth"]),
        ("peer", None, "ecdsa", ["digital signature", "server auth", "client auth"]),
        (
            "mine",
            ["signing", "key encipherment", "client auth"],
            "ecdsa",
            ["digital signature", "key encipherment", "client auth"],
        ),
        ("server", ["Server Auth"], "rsa", ["server auth"]),
    ],
)
def test_usages(profile: str, words: list[str] | None, algo: str, expected: list[str]) -> None:
    """Profiles are ours, or verbatim the user's."""
    assert usages_of(profile, words, algo, "x").words() == expected


@pytest.mark.parametrize(
    ("profile", "words"), [("unknown", None), ("a", ["sing"]), ("a", ["cert sign"]), ("a", ["encipher only"])]
)
def test_bad_usages(profile: str, words: list[str] | None) -> None:
    """Unknown words, and leaves that would be CAs, are refused."""
    with pytest.raises(HardwayError, match=r"^/p: "):
        usages_of(profile, words, "rsa", "/p")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sans": []}, "needs SANs"),
        ({"expiry": "5m"}, "five minutes"),
        ({"expiry": "soon"}, "not a duration"),
        ({"profile": "none"}, "is unknown"),
    ],
)
def test_bad_requests(changes: dict[str, t.Any], message: str) -> None:
    """A contradictory specification is refused with its path."""
    with pytest.raises(HardwayError, match=f"^/p/apiserver: .*{message}"):
        CertificateSpec.from_params(request(**changes))


def test_expiry_comes_from_the_entry_then_the_profile_then_one_year() -> None:
    """The most specific value counts."""
    profiles = {"server": {"usages": ["server auth"], "expiry": "48h"}}
    assert CertificateSpec.from_params(request(), {}).expiry == 8760 * HOUR
    assert CertificateSpec.from_params(request(), profiles).expiry == 48 * HOUR
    assert CertificateSpec.from_params(request(expiry="1h"), profiles).expiry == HOUR


def test_two_requests_for_one_path_are_refused() -> None:
    """They would overwrite each other in every run."""
    with pytest.raises(HardwayError, match="two certificates"):
        specs_of({"certificates": [request(), request(common_name="b")]})
