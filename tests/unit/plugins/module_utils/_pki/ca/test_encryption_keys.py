# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys on the controller: a new one takes the place of the others, and none is ever lost."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.encryption_keys import (
    accept,
    available,
    current,
    keys_of,
    retired,
    rotate,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.modules import encryption_key

from tests.support.kill_midway import each_kill

OLD, OLDER = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a directory with two keys, the second of which only decrypts."""
    found = Store(str(tmp_path))
    found.write(found.secret("encryption.key"), f"{OLD}\nkey7:{OLDER}\n".encode())
    return found


def test_keys_of_a_file() -> None:
    keys = keys_of("key2:bmV3\n\n b2xk \n", "f")
    assert [(key.name, key.secret) for key in keys] == [("key2", "bmV3"), ("key1", "b2xk")]
    with pytest.raises(HardwayError, match="f: two keys are named key1; "):
        keys_of("bmV3\nb2xk\n", "f")


def test_a_new_key_replaces_all_others(store: Store) -> None:
    assert rotate(store, check=True) == ("key8", ["key1", "key7"])
    assert [key.name for key in current(store)] == ["key1", "key7"]
    assert rotate(store, check=False) == ("key8", ["key1", "key7"])
    (key,) = current(store)
    assert key.name == "key8" and len(base64.b64decode(key.secret)) == 32
    assert {(key.name, key.secret) for key in retired(store)} == {("key1", OLD), ("key7", OLDER)}
    assert [key.name for key in available(store)] == ["key8", "key1", "key7"]
    assert rotate(store, check=False) == ("key9", ["key8"])
    assert {path.stat().st_mode & 0o777 for path in Path(store.directory).rglob("*.key")} == {0o600}


def test_retired_keys_decrypt_again(store: Store) -> None:
    """Behind the one in use, once; for a key that is nowhere, nothing changes."""
    rotate(store, check=False)
    assert accept(store, ["key1"], check=True) == ["key1"] and len(current(store)) == 1
    assert accept(store, ["key1", "key8"], check=False) == ["key1"]
    assert accept(store, ["key1"], check=False) == []
    assert [key.name for key in current(store)] == ["key8", "key1"] and current(store)[1].secret == OLD
    with pytest.raises(HardwayError, match="no key key3 here nor in retired"):
        accept(store, ["key7", "key3"], check=False)
    assert len(current(store)) == 2


def test_names_of_any_form_are_kept(store: Store) -> None:
    store.write(store.secret("encryption.key"), f"my/key:{OLD}\n".encode())
    assert rotate(store, check=False) == ("key1", ["my/key"])
    assert [(key.name, key.secret) for key in retired(store)] == [("my/key", OLD)]


def test_a_killed_run_loses_no_key(tmp_path: Path) -> None:
    def killed(number: int) -> Callable[[], object]:
        found = Store(str(tmp_path / str(number)))
        found.write(found.secret("encryption.key"), f"{OLD}\nkey7:{OLDER}\n".encode())
        return partial(rotate, found, check=False)

    for number in each_kill(killed):
        found = Store(str(tmp_path / str(number)))
        assert {OLD, OLDER} <= {key.secret for key in available(found)}
        assert len(current(found)) in (1, 2)


def test_without_a_key_there_is_nothing_to_rotate(tmp_path: Path) -> None:
    with pytest.raises(HardwayError, match=r"encryption\.key: does not exist or has no key; create it with role ca"):
        rotate(Store(str(tmp_path)), check=False)


def test_no_secret_in_the_result(store: Store) -> None:
    for check in (True, False):
        result = encryption_key.run({"ca_dir": store.directory, "accepted": None}, check)
        assert result["changed"] and result["name"] == "key8"
        assert not any(key.secret in str(result) for key in available(store))
