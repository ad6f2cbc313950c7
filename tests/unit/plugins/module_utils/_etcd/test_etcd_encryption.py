# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in etcd are counted by their key, each one once, in pages of limited size."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd.encryption import PAGE, count


class Etcd:
    """An etcd that answers like etcdctl."""

    def __init__(self, values: dict[bytes, bytes]) -> None:
        self.values = dict(sorted(values.items()))
        self.sizes: list[int] = []

    def __call__(self, arguments: Sequence[str]) -> str:
        (limit,) = [int(item.partition("=")[2]) for item in arguments if item.startswith("--limit=")]
        start = arguments[-1].encode("utf-8", "surrogateescape")
        found = [(key, value) for key, value in self.values.items() if key >= start]
        pairs = [{"key": _base64(key), "value": _base64(value)} for key, value in found[:limit]]
        text = json.dumps({"kvs": pairs, "more": len(found) > limit} if found else {"header": {}})
        self.sizes.append(len(text))
        return text


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("number", [0, 1, 15, 16, 17, 18, 5000])
def test_each_value_is_counted_once(number: int) -> None:
    values = {f"/registry/{index:05}".encode(): b"k8s:enc:secretbox:v1:key2:\x00\xff" for index in range(number)}
    found = count(Etcd({**values, b"/registry/plain": b"k8s\x00", b"/other/\xff": b""}))
    assert found == {"encrypted": {"secretbox:key2": number} if number else {}, "plain": 2}


def test_large_values_come_in_small_pages() -> None:
    small = {f"/a/{index:05}".encode(): b"x" for index in range(3000)}
    etcd = Etcd({**small, **{f"/b/{index:05}".encode(): bytes(1_500_000) for index in range(20)}})
    assert count(etcd)["plain"] == 3020
    # Some when they begin, unexpectedly; then as many as fit.
    assert sorted(etcd.sizes)[-3] < 2 * PAGE


def test_a_key_in_use_is_reported_by_names_only() -> None:
    values = {f"/registry/secrets/o{index}".encode(): b"k8s:enc:secretbox:v1:key1:content" for index in range(9)}
    values[b"/registry/secrets/p"] = b"k8s:enc:aescbc:v1:key2:content"
    with pytest.raises(HardwayError) as error:
        count(Etcd(values), ["key1"])
    assert "to be removed: {'key1': 9}, such as /registry/secrets/o0, " in str(error.value)
    assert "o3" not in str(error.value) and "content" not in str(error.value)
    assert count(Etcd(values), ["key0", "key"])["encrypted"] == {"secretbox:key1": 9, "aescbc:key2": 1}


def test_a_name_may_have_a_colon() -> None:
    with pytest.raises(HardwayError, match=r"\{'my:key': 1\}"):
        count(Etcd({b"/registry/secrets/o": b"k8s:enc:secretbox:v1:my:key:content"}), ["my:key"])


def test_a_page_may_begin_with_a_key_that_is_gone() -> None:
    etcd = Etcd({f"/registry/{index:05}".encode(): b"" for index in range(100)})

    def run(arguments: Sequence[str]) -> str:
        etcd.values.pop(arguments[-1].encode(), None)
        return etcd(arguments)

    assert count(run)["plain"] == 100
