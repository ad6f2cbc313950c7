# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Written TOML is read back by a TOML parser."""

from __future__ import annotations

from typing import Any

import pytest
import tomllib
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import toml
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"version": 3, "on": True, "ratio": 0.5, "name": 'quo"te\\ \n ü \x7f', "list": ["a", 1], "empty": []},
        {"plugins": {"io.containerd.cri.v1.images": {"registry": {"configs": {"a:5": {"auth": {"username": "u"}}}}}}},
        {"a": {"b": {}}, "c": 1},
        {"inline": [{"a": 1, "b c": [True]}]},
    ],
)
def test_written_values_are_read_back(data: dict[str, Any]) -> None:
    assert tomllib.loads(toml.to_toml(data)) == data


def test_null_is_left_out_and_order_kept() -> None:
    assert toml.to_toml({"b": 1, "x": None, "a": 2}) == "b = 1\na = 2\n"


def test_values_that_toml_cannot_express_are_named() -> None:
    with pytest.raises(HardwayError, match=r"a\.b: TOML has no set"):
        toml.to_toml({"a": {"b": {1}}})
