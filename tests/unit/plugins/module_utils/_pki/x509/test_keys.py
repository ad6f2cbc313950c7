# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys are checked for flaws."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import keys
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, load_key, new_key
from cryptography.hazmat.primitives.asymmetric import rsa


def flawed() -> bytes:
    """Return an RSA key, as PEM, whose private exponent belongs to another one."""
    one, other = (new_key(KeySpec("rsa", 2048)).private_numbers() for _number in range(2))
    numbers = rsa.RSAPrivateNumbers(one.p, one.q, other.d, one.dmp1, one.dmq1, one.iqmp, one.public_numbers)
    return key_pem(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def test_foreign_keys_are_checked_for_flaws_and_our_own_are_not() -> None:
    pem = flawed()
    with pytest.raises(HardwayError, match="cannot read the private key"):
        load_key(pem, "ca.key")
    assert load_key(pem, "own.key", own=True).key_size == 2048


def test_old_releases_of_the_library_are_called_with_their_own_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    switches = SimpleNamespace()
    monkeypatch.setattr(keys, "_RELEASE", 38)
    monkeypatch.setattr(keys, "backend", switches)
    pem = key_pem(new_key(KeySpec("rsa", 2048)))
    assert switches._rsa_skip_check_key is True
    load_key(pem, "ca.key")
    assert switches._rsa_skip_check_key is False
    load_key(pem, "own.key", own=True)
    assert switches._rsa_skip_check_key is True
