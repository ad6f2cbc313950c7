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
short_description: Format flags for C(ExecStart) of a systemd unit
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns one C(--name=value) per flag, quoted only if systemd would change the value otherwise.
options:
  _input:
    description:
      - Values by flag name.
      - Null omits a flag, a list repeats it for each item.
      - A mapping becomes C(name=value) pairs, separated by commas.
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
    """Return one string per flag."""
    return [_quoted(flag) for flag in flag_values(values)]


def flag_values(values: Mapping[str, Any]) -> list[str]:
    """Return one string per flag, as the program receives it."""
    return [
        f"--{name}={_text(item)}"
        for name, value in values.items()
        for item in (value if isinstance(value, (list, tuple)) else [value])
        if item is not None
    ]


def _text(value: Any) -> str:
    """Return a value in the format of Go programs."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_text(item)}" for name, item in value.items())
    return str(value)


def _quoted(flag: str) -> str:
    """Return a flag quoted for systemd as one word, without expansion of specifiers and variables."""
    flag = flag.replace("%", "%%").replace("$", "$$")
    # systemd understands JSON's escapes.
    return flag if shlex.quote(flag) == flag else json.dumps(flag, ensure_ascii=False)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file."""
        return {"unit_flags": unit_flags}
