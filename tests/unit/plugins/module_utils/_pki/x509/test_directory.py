# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other files in the directory of the CAs: key pairs, secrets, and the lock of the directory."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, new_key, public_pem

from tests.support.ca.directory import ECDSA, KEY, PARAMS, ensure, snapshot


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"sa.key": b"x"}, "cannot read the private key"),
        ({"sa.pub": b"x"}, "private half"),
        ({"sa.key": key_pem(KEY), "sa.pub": b"x"}, "does not belong"),
    ],
)
def test_bad_key_pairs(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    """One half signs tokens and the other verifies them: they must fit."""
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    before = snapshot(tmp_path)
    with pytest.raises(HardwayError, match=message):
        ensure(tmp_path).key_pair({"name": "sa"})
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b"c2hvcnQ=", b"not base64 !"])
def test_bad_secrets(tmp_path: Path, content: bytes) -> None:
    """A key of another size would make the API server refuse to start."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/encryption.key").write_bytes(content)
    with pytest.raises(HardwayError, match="is not base64 of 32 bytes"):
        ensure(tmp_path).secret({"name": "encryption.key", "bytes": 32, "encoding": "base64"})


def test_password_fits_keepalived(tmp_path: Path) -> None:
    """It compares eight characters only."""
    params = {"name": "keepalived.password", "bytes": 6, "encoding": "base64url"}
    assert ensure(tmp_path).secret(params)["state"] == "created"
    text = (tmp_path / "secrets/keepalived.password").read_text()
    assert len(text.strip()) == 8
    assert ensure(tmp_path).secret(params)["state"] == "kept"
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_further_public_keys_are_accepted_once(tmp_path: Path) -> None:
    """Behind the own one; a check says so and writes nothing."""
    other = public_pem(new_key(ECDSA)).decode()
    asked = {"name": "sa", "accepted": [other.replace("\n", "\r\n"), other]}
    assert ensure(tmp_path).key_pair({"name": "sa"})["state"] == "created"
    own = (tmp_path / "sa.pub").read_text()
    assert ensure(tmp_path, check=True).key_pair(asked)["state"] == "extended"
    assert (tmp_path / "sa.pub").read_text() == own
    assert ensure(tmp_path).key_pair({"name": "sa", "accepted": [other]})["state"] == "extended"
    assert (tmp_path / "sa.pub").read_text() == own + other
    assert ensure(tmp_path).key_pair(asked)["state"] == "kept"
    # Role ca, which knows nothing of the further key, keeps it.
    assert ensure(tmp_path).key_pair({"name": "sa"})["state"] == "kept"
    assert (tmp_path / "sa.pub").read_text() == own + other


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    """Everything is predicted as created."""
    worker = ensure(tmp_path / "none", check=True)
    assert worker.ca(PARAMS)["state"] == "created"
    assert worker.key_pair({"name": "sa"})["state"] == "created"
    assert worker.secret({"name": "s", "bytes": 8, "encoding": "base64"})["state"] == "created"
    assert not list(tmp_path.iterdir())


def test_lock_waits_and_gives_up_with_a_reason(tmp_path: Path) -> None:
    """Two runs at once do not mix their writes."""
    store = Store(str(tmp_path))
    with store.locked(), pytest.raises(HardwayError, match="another run"), Store(str(tmp_path)).locked(timeout=0.1):
        pass


def _make(directory: str) -> str:
    """Create the CA as one of many runs; return the serial number that it then finds."""
    worker = ensure(Path(directory))
    with worker.store.locked():
        worker.ca(PARAMS)
    return str(Issuer.load(worker.store, "ca").certificate.serial_number)


def test_concurrent_runs_agree(tmp_path: Path) -> None:
    """Eight at once create one CA."""
    with multiprocessing.get_context("fork").Pool(8) as pool:
        assert len(set(pool.map(_make, [str(tmp_path)] * 8))) == 1
    assert len((tmp_path / "issued.jsonl").read_text().splitlines()) == 1
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600
