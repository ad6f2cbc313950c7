# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module unit that decide how many hosts restart together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.hardway.kubernetes.plugins.action.unit import _number


@pytest.mark.parametrize(("given", "number"), [({}, 1), ({"rolling_at_once": "5"}, 5), ({"rolling_at_once": 7}, 7)])
def test_numbers_are_taken_out_of_the_arguments(given: dict[str, Any], number: int) -> None:
    arguments = {"rolling": "node", **given}
    assert _number(arguments, "rolling_at_once", 1) == number
    assert arguments == {"rolling": "node"}


def test_another_value_is_refused() -> None:
    with pytest.raises(AnsibleActionFail, match="unit: rolling_at_once: 'some' is not a number"):
        _number({"rolling_at_once": "some"}, "rolling_at_once", 1)
