# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(unit_flags)."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any, Callable

DOCUMENTATION = r"""
name: unit_flags
short_description: The flags of a program, as C(ExecStart) of a systemd unit takes them
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Gives one flag C(--name=value) after the other, quoted only where systemd would read the value differently.
options:
  _input:
    description:
      - Values by the names of their flags.
      - Null leaves a flag out, a list gives it once for each item.
      - A mapping becomes C(name=value) pairs with commas between them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show --v=2 --profiling=false
  ansible.builtin.debug:
    msg: "{{ {'v': 2, 'profiling': false} | hardway.kubernetes.unit_flags | join(' ') }}"
"""

RETURN = r"""
_value:
  description: The flags, in the order of the mapping.
  type: list
  elements: str
"""


def unit_flags(values: Mapping[str, Any]) -> list[str]:
    """Return one text per flag."""
    return [
        _quoted(f"--{name}={_text(item)}")
        for name, value in values.items()
        for item in (value if isinstance(value, (list, tuple)) else [value])
        if item is not None
    ]


def _text(value: Any) -> str:
    """Return a value as programs written in Go read it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_text(item)}" for name, item in value.items())
    return str(value)


def _quoted(flag: str) -> str:
    """Return a flag that systemd reads as one word, without filling in any of its own specifiers or variables."""
    flag = flag.replace("%", "%%").replace("$", "$$")
    # JSON's escapes are systemd's, too.
    return flag if shlex.quote(flag) == flag else json.dumps(flag, ensure_ascii=False)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file."""
        return {"unit_flags": unit_flags}
