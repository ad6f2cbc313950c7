# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and CSRs from elsewhere: what the library cannot read is an error that names the place."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import specs_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    load_certificate,
    readable,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.csr import Request
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import facts_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.issue import request_key

from tests.support.ca.malformed import BITS, EMAIL, INTEGER, NODE, TELETEX, UTF8, certificate, request

ODD = [(EMAIL, INTEGER, b"\x05"), (EMAIL, BITS, b"\0\x05"), (EMAIL, TELETEX, b"\xff"), (EMAIL, UTF8, b"\xff\xfe")]


@pytest.mark.parametrize("part", ODD)
def test_an_unreadable_subject_is_reported_as_damaged(part: tuple[str, int, bytes]) -> None:
    with pytest.raises(HardwayError, match="over there: cannot read the certificate"):
        load_certificate(certificate([*NODE, part]), "over there")
    pem = base64.b64decode(request([*NODE, part]))
    with pytest.raises(HardwayError, match="over there: is not a PEM CSR or is damaged"):
        Request.parse(pem, "over there")
    assert "CN=system:node:node1" in facts_of(load_certificate(certificate(NODE), "over there")).subject


def test_an_unreadable_csr_of_a_host_is_named_by_its_certificate() -> None:
    wanted = {"path": "/etc/x", "ca": "ca", "profile": "client", "common_name": "x"}
    (spec,) = specs_of({"certificates": [{**wanted, "sans": [], "names": [], "key": None}], "profiles": {}})
    right = base64.b64decode(request(NODE))
    assert request_key(right, spec).key_size == 256
    for pem in (b"no request", right[:-60] + b"\n-----END CERTIFICATE REQUEST-----\n"):
        with pytest.raises(HardwayError, match="/etc/x: the host"):
            request_key(pem, spec)


def test_panics_of_native_code_are_errors_and_interrupts_are_not() -> None:
    class Panic(BaseException):
        """As pyo3 raises them."""

    with pytest.raises(HardwayError, match="damaged"), readable("damaged"):
        raise Panic
    with pytest.raises(KeyboardInterrupt), readable("damaged"):
        raise KeyboardInterrupt
    with pytest.raises(HardwayError, match="its own words"), readable("damaged"):
        raise HardwayError("its own words")
