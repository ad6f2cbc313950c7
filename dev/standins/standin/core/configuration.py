# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files: parsed, held to the fields and types of the version, and checked as the real programs do."""

from __future__ import annotations

from typing import Any, Union

import yaml

from .flags import Refusal, read_file
from .schema import Schema
from .server import log


class Loader(yaml.SafeLoader):
    """Reads YAML as what JSON could say: a time remains text."""


Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: Union[str, bytes]) -> Any:
    """Return what YAML or JSON says."""
    return yaml.load(text, Loader)  # noqa: S506


def load(path: str) -> Any:
    """Return a YAML or JSON file."""
    try:
        return parse(read_file(path))
    except yaml.YAMLError as exc:
        raise Refusal(f"{path}: error converting YAML to JSON: {' '.join(str(exc).split())}") from None


def check(content: Any, kind: str, fields: dict[str, Any]) -> list[str]:
    """Return the fields that a configuration should not have; raise Refusal at a value of the wrong type."""
    head = {"apiVersion": "string", "kind": "string"}
    try:
        return Schema({**fields, kind: {**head, **fields[kind]}}, {}).unknown(content, kind)
    except ValueError as exc:
        raise Refusal(str(exc)) from None


def read(path: str, kind: str, fields: dict[str, Any], *, strict: bool = True, versions: tuple[str, ...] = ()) -> Any:
    """Return a configuration file of a kind; ``strict`` programs refuse unknown fields, others ignore them."""
    content = load(path)
    if not isinstance(content, dict) or content.get("kind") != kind:
        found = content.get("kind") if isinstance(content, dict) else None
        raise Refusal(f'{path}: no kind "{found}" is registered, expected {kind}')
    if versions and content.get("apiVersion") not in versions:
        raise Refusal(f'{path}: no kind "{kind}" is registered for version "{content.get("apiVersion")}"')
    if unknown := check(content, kind, fields):
        reason = f"{path}: strict decoding error: " + ", ".join(f'unknown field "{name}"' for name in unknown)
        if strict:
            raise Refusal(reason)
        log("W", reason)
    return content
