# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request carries: JSON, YAML, or protobuf as kubectl sends it, in; an object out."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Union

import yaml

from ..core.client import ApiError
from ..core.configuration import parse
from ..core.flags import table
from ..core.server import Request

MAGIC = b"k8s\x00"
Table = Mapping[str, Mapping[str, Any]]
ENVELOPE: Table = {
    "Unknown": {"1": ["typeMeta", "TypeMeta"], "2": ["raw", "bytes"]},
    "TypeMeta": {"1": ["apiVersion", "string"], "2": ["kind", "string"]},
}


def _number(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of variable length, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _fields(data: bytes) -> Iterator[tuple[str, Union[int, bytes]]]:
    """Yield number and content of every field."""
    place = 0
    while place < len(data):
        head, place = _number(data, place)
        number, wire = head >> 3, head & 7
        if wire == 0:
            value, place = _number(data, place)
            yield str(number), value
        elif wire == 2:
            size, place = _number(data, place)
            yield str(number), data[place : place + size]
            place += size
        else:
            raise ValueError(f"protobuf wire type {wire}")


def _value(table: Table, kind: str, content: Union[int, bytes]) -> Any:
    """Return the content of a field of a type."""
    if isinstance(content, int):
        return bool(content) if kind == "bool" else content
    if kind == "string":
        return content.decode()
    if kind == "bytes":
        return base64.b64encode(content).decode()
    return message(table, kind, content) if kind in table else {}


def message(table: Table, kind: str, data: bytes) -> dict[str, Any]:
    """Return a message as the object that it would be in JSON."""
    found: dict[str, Any] = {}
    for number, content in _fields(data):
        name, typed = table[kind].get(number, ("", ""))
        if not name:
            continue
        if typed.startswith("map<") and isinstance(content, bytes):
            entry = dict(_fields(content))
            inner = typed[4:-1].partition(",")[2].strip()
            found.setdefault(name, {})[bytes(entry.get("1", b"")).decode()] = _value(table, inner, entry.get("2", b""))
        elif typed.startswith("list "):
            found.setdefault(name, []).append(_value(table, typed[5:], content))
        else:
            found[name] = _value(table, typed, content)
    # Go writes what is empty as well; in JSON that is left out.
    return {name: value for name, value in found.items() if value not in ("", {}, [], 0)}


def unpacked(table: Table, body: bytes) -> dict[str, Any]:
    """Return the object in a body; raise ValueError when it is of a kind that the table lacks."""
    if not body.startswith(MAGIC):
        raise ValueError("this is no protobuf of Kubernetes")
    envelope = message(ENVELOPE, "Unknown", body[len(MAGIC) :])
    kind = envelope["typeMeta"]["kind"]
    if kind not in table:
        raise ValueError(f"a rehearsal reads no protobuf of kind {kind}")
    return {**message(table, kind, base64.b64decode(envelope.get("raw", ""))), **envelope["typeMeta"]}


Object = dict[str, Any]


def kind_of(request: Request) -> str:
    """Return the type of the body."""
    return str(request.headers.get("Content-Type") or "application/json").partition(";")[0]


def parsed(request: Request) -> Object:
    """Return the object in the body."""
    try:
        if request.body.startswith(MAGIC):
            return unpacked(table("protobuf_fields"), request.body)
        found = parse(request.body) if "yaml" in kind_of(request) else json.loads(request.body)
    except (ValueError, KeyError, IndexError, yaml.YAMLError) as exc:
        raise ApiError(400, f"the object provided is unrecognized: {' '.join(str(exc).split())}") from exc
    if not isinstance(found, dict):
        raise ApiError(400, "the object provided is unrecognized (must be of type object)")
    return found
