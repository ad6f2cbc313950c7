# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a certificate is reissued, and the reason."""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import (
    Facts,
    describe,
    describe_wanted,
    differences,
    rejection_reasons,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import Usages

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)
SPEC = CertificateSpec.from_params(
    {
        "path": "/p/server",
        "ca": "ca",
        "profile": "server",
        "common_name": "a",
        "names": [{"O": "o"}],
        "sans": ["b", "192.0.2.1"],
        "expiry": "100h",
    }
)
GOOD = Facts(
    subject=("CN=a", "O=o"),
    sans=("ip:192.0.2.1", "dns:b"),
    usages=SPEC.usages,
    key=KeySpec("ecdsa", 256),
    not_before=NOW - timedelta(hours=10),
    not_after=NOW + timedelta(hours=90),
    issuer=("CN=ca",),
    serial="1",
    fingerprint="f",
)


def reasons(renew_before: float = 1 / 3, **changes: t.Any) -> list[str]:
    """Return the reasons to reissue the valid certificate when some of its facts differ."""
    return differences(SPEC, dataclasses.replace(GOOD, **changes), now=NOW, renew_before=renew_before)


def aged(hours_left: float) -> dict[str, datetime]:
    """Return the times of a certificate for 100 hours of which some are left."""
    end = NOW + timedelta(hours=hours_left)
    return {"not_before": end - timedelta(hours=100), "not_after": end}


def test_a_certificate_as_specified_is_kept() -> None:
    """The order of sans does not matter."""
    assert reasons() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"key_matches": False}, "key: does not belong to the certificate"),
        ({"by_ca": False}, "issuer: not signed by the current CA ca"),
        ({"by_ca": None}, "issuer: CA ca does not exist yet"),
        ({"is_ca": True}, "usages: it is a CA"),
        ({"key": KeySpec("rsa", 2048)}, "key: rsa 2048 instead of ecdsa 256"),
        ({"subject": ("CN=a",)}, "subject: without O=o"),
        ({"subject": ("CN=b", "O=o")}, "subject: without CN=a; has CN=b too much"),
        ({"sans": ("dns:b",)}, "sans: without ip:192.0.2.1"),
        ({"sans": ("dns:b", "dns:c", "ip:192.0.2.1")}, "sans: has dns:c too much"),
        ({"sans": ("dns:192.0.2.1", "dns:b")}, "sans: without ip:192.0.2.1; has dns:192.0.2.1 too much"),
        ({"usages": Usages(frozenset(), SPEC.usages.extended)}, "usages: without digital signature"),
        ({"usages": Usages(SPEC.usages.key, ())}, "usages: without server auth"),
        (aged(33), "expiry: 1d9h left, less than 33% of its validity period"),
        (aged(-2), "expiry: expired 2h ago"),
        (aged(101), "expiry: not valid before 2026-11-21T01:00:00Z; is this host's clock right?"),
        ({"not_after": NOW + timedelta(hours=190)}, "expiry: issued for 8d8h instead of 4d4h"),
    ],
)
def test_reasons(changes: dict[str, t.Any], expected: str) -> None:
    """Each difference is one reason."""
    assert reasons(**changes) == [expected]


@pytest.mark.parametrize(("hours_left", "renewed"), [(50, False), (34, False), (33, True), (1, True)])
def test_threshold(hours_left: float, renewed: bool) -> None:
    """The default is a third of the validity period."""
    assert bool(reasons(**aged(hours_left))) is renewed


def test_threshold_is_settable() -> None:
    """Zero waits for the end, a higher one renews earlier."""
    assert reasons(renew_before=0, **aged(1)) == []
    assert reasons(renew_before=0.95)


def test_description_holds_no_more_than_a_diff_may_show() -> None:
    """The old and the new state have the same lines."""
    assert describe(None) == {}
    assert describe(GOOD).keys() == describe_wanted(SPEC).keys()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        (aged(1), []),
        (aged(-3), ["expiry: expired 3h ago"]),
        ({"by_ca": False}, ["issuer: not signed by the current CA ca"]),
        ({"by_ca": None}, []),
    ],
)
def test_certificates_of_others_are_validated_only_for_their_use(
    changes: dict[str, t.Any], expected: list[str]
) -> None:
    """A user who renews it himself needs no warning that it ends soon."""
    assert rejection_reasons(dataclasses.replace(GOOD, **changes), "ca", NOW) == expected
