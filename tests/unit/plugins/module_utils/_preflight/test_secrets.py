# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets of masters are in the PKI directory, and that none of them leaves a host."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.redaction import redacted
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import encryption_keys
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, new_key, public_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.secrets import (
    ENCRYPTION,
    KEY,
    PUBLIC,
    foreign_secrets,
)

from tests.support.ca.rotations import SA, ensure, step

OURS, OTHER = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
THEIRS = new_key(KeySpec("ecdsa", 256))


def configuration(*keys: tuple[str, str]) -> str:
    """Return the file of role master."""
    lines = [f'            - name: {name}\n              secret: "{secret}"\n' for name, secret in keys]
    return (
        'resources:\n  - resources:\n      - "secrets"\n    providers:\n      - secretbox:\n          keys:\n'
        + "".join(lines)
    )


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """Return a directory with the secrets that masters have."""
    ensure(tmp_path).key_pair(SA)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/encryption.key").write_text(f"{OURS}\n")
    return tmp_path


def foreign(pki: Path, files: Mapping[str, str], nonce: str = "n") -> list[str]:
    """Return the problems of a master with these files."""
    reported = {"secrets": {path: redacted(text, nonce) for path, text in files.items()}, "nonce": nonce}
    return foreign_secrets({"m1": reported, "w1": {"nonce": "x"}}, str(pki))


def pair(pki: Path) -> dict[str, str]:
    """Return the master's copy of the key pair."""
    return {KEY: (pki / "sa.key").read_text(), PUBLIC: (pki / "sa.pub").read_text()}


@pytest.mark.parametrize(
    ("keys", "known"),
    [
        ([("key1", OURS)], True),
        ([("key1", OTHER)], False),
        ([("key0", OTHER), ("key1", OURS)], False),
        ([("key1", OURS), ("key1", OTHER)], False),
        ([("key1", OURS), ("key0", OTHER)], True),
        ([("key0", OURS)], False),
        ([], True),
    ],
    ids=["ours", "another", "one-more", "same-name", "only-decrypts", "another-name", "none"],
)
def test_encryption_keys(pki: Path, keys: list[tuple[str, str]], known: bool) -> None:
    found = foreign(pki, {ENCRYPTION: configuration(*keys)})
    assert (found == []) is known
    assert all(line.startswith(f"host m1: {ENCRYPTION} has a key that {pki}/secrets/encryption.key") for line in found)


def test_an_old_encryption_key_on_its_own_line_is_known(pki: Path) -> None:
    (pki / "secrets/encryption.key").write_text(f"key2:{OTHER}\n{OURS}\n")
    assert foreign(pki, {ENCRYPTION: configuration(("key1", OURS))}) == []
    assert foreign(pki, {ENCRYPTION: configuration(("key2", OTHER), ("key1", OURS))}) == []
    params = {"name": "encryption.key", "bytes": 32, "encoding": "base64"}
    assert ensure(pki).secret(params)["state"] in ("kept", "made private")
    (pki / "secrets/encryption.key").write_text(f"{OTHER}\n{OURS}\n")
    with pytest.raises(HardwayError, match="two keys are named key1"):
        foreign(pki, {ENCRYPTION: configuration(("key1", OURS))})


def test_a_retired_encryption_key_is_known(pki: Path) -> None:
    """A master that a rotation has not reached yet; but not where another key has its name now."""
    encryption_keys.rotate(Store(str(pki)), check=False)
    assert foreign(pki, {ENCRYPTION: configuration(("key1", OURS))}) == []
    with (pki / "secrets/encryption.key").open("a") as file:
        file.write(f"key1:{OTHER}\n")
    assert foreign(pki, {ENCRYPTION: configuration(("key1", OURS))})


def test_a_missing_key_differs(pki: Path) -> None:
    (pki / "secrets/encryption.key").unlink()
    assert foreign(pki, {ENCRYPTION: configuration(("key1", OURS))})


def test_the_key_that_signs_tokens(pki: Path) -> None:
    assert foreign(pki, pair(pki)) == []
    theirs = {KEY: key_pem(THEIRS).decode(), PUBLIC: public_pem(THEIRS).decode()}
    (line,) = foreign(pki, theirs)
    assert line.startswith(f"host m1: {KEY} is another key than {pki}/sa.key")
    assert foreign(pki, {KEY: theirs[KEY]}), "also without its public half"
    assert foreign(pki, {PUBLIC: theirs[PUBLIC]}) == [], "which alone has signed nothing"
    with (pki / "sa.pub").open("a") as public:
        public.write(theirs[PUBLIC])
    assert foreign(pki, theirs) == [], "tokens of it stay accepted"


def test_a_rotation_is_not_a_foreign_key(pki: Path) -> None:
    """A master may be a step behind at any of them, and one that was down comes late."""
    ensure(pki).ca({"name": "etcd-ca", "common_name": "etcd-ca"})
    seen = [pair(pki)]
    for name in ("trust", "issue", "updated", "drop", "done"):
        step(pki, name)
        seen.append(pair(pki))
        assert [foreign(pki, files) for files in seen] == [[]] * len(seen), name


@pytest.mark.parametrize(
    "text",
    [
        configuration(("key1", OURS)),
        json.dumps({"keys": [{"name": "key1", "secret": OURS}]}),
        f"secret: '{OURS}'",
        f"secret: {OURS} # mine",
        f"secret: >-\n  {OURS}\n",
        f"- {{name: k, secret: {OURS}}}",
        f"somewhere else {OURS}",
        key_pem(THEIRS).decode(),
    ],
)
def test_no_secret_leaves_a_host(text: str) -> None:
    found = redacted(text, "salt")
    assert "hmac:" in found
    assert OURS not in found and "PRIVATE KEY" not in found
    assert redacted(text, "other salt") != found


def test_text_without_secrets_is_not_redacted() -> None:
    text = (
        "- resources: [secrets, validatingwebhookconfigurations.admissionregistration.k8s.io]\n"
        + public_pem(THEIRS).decode()
    )
    assert redacted(text, "salt") == text
