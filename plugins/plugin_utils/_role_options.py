# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of all roles, from their argument specifications, and their values in a form that can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.options import converted

ROLES = Path(__file__).resolve().parents[2] / "roles"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def canonical(name: str, value: Any) -> list[str]:
    """Return a value as text that is the same for all spellings."""
    kind = OPTIONS[name][1].get("type", "str")
    try:
        value = converted(value, kind)
    except HardwayError:
        kind = "str"
    return [
        value if kind in ("str", "path") and isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    ]


def specifications() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every role of the collection with the options of all its entry points."""
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
        entries = content["argument_specs"].values()
        yield path.parent.parent.name, {k: v for entry in entries for k, v in (entry.get("options") or {}).items()}


OPTIONS = {name: (role, option) for role, options in specifications() for name, option in options.items()}
