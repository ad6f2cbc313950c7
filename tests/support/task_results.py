# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a playbook passes its results to a test: in its output, because a task that starts no module is cheap."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

_TOLD = re.compile(r"RESULTS:([A-Za-z0-9+/=]+)")


def result_task(expression: str) -> dict[str, Any]:
    """Return the task that prints the value of an expression."""
    return {"ansible.builtin.debug": {"msg": f"RESULTS:{{{{ {expression} | to_json | b64encode }}}}"}}


def results_in(output: str) -> tuple[str, Any]:
    """Return the output of a playbook, and apart from it the value that it printed."""
    (value,) = set(_TOLD.findall(output))
    return _TOLD.sub("", output), json.loads(base64.b64decode(value))
