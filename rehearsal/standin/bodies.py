# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request carries: JSON, YAML or protobuf in, an object out."""

from __future__ import annotations

import functools
import json
from typing import Any

import yaml

from . import protobuf
from .client import ApiError
from .configuration import parse
from .flags import table
from .server import Request

Object = dict[str, Any]


def kind_of(request: Request) -> str:
    """Return the type of the body."""
    return str(request.headers.get("Content-Type") or "application/json").partition(";")[0]


def parsed(request: Request) -> Object:
    """Return the object in the body."""
    try:
        if request.body.startswith(protobuf.MAGIC):
            return protobuf.read(_messages(), request.body)
        found = parse(request.body) if "yaml" in kind_of(request) else json.loads(request.body)
    except (ValueError, KeyError, IndexError, yaml.YAMLError) as exc:
        raise ApiError(400, f"the object provided is unrecognized: {' '.join(str(exc).split())}") from exc
    if not isinstance(found, dict):
        raise ApiError(400, "the object provided is unrecognized (must be of type object)")
    return found


@functools.lru_cache
def _messages() -> Any:
    """Return the numbers of fields in protobuf."""
    return table("messages")
