# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a playbook hands its results to a test: within what it prints, for a task that starts no module is cheap."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

_TOLD = re.compile(r"RESULTS:([A-Za-z0-9+/=]+)")


def tell(expression: str) -> dict[str, Any]:
    """Return the task that tells the value of an expression."""
    return {"ansible.builtin.debug": {"msg": f"RESULTS:{{{{ {expression} | to_json | b64encode }}}}"}}


def told(output: str) -> tuple[str, Any]:
    """Return what a playbook printed, and apart from it the value that it told."""
    (value,) = set(_TOLD.findall(output))
    return _TOLD.sub("", output), json.loads(base64.b64decode(value))
