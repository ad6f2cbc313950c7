# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subjects as plain data, validated for use in certificates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.cfssl_fields import shown

# ASN.1 upper bound of the common name, in characters; TLS libraries reject longer ones.
COMMON_NAME_MAX = 64
# Order of subject fields in cfssl.
SUBJECT_ORDER = ("C", "ST", "L", "O", "OU", "CN", "SERIALNUMBER", "E")


@dataclass(frozen=True)
class Subject:
    """Values by field of a distinguished name, in cfssl's order."""

    parts: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def from_params(cls, common_name: str, names: Sequence[Mapping[str, Any]] | None, what: str) -> Subject:
        """Return the validated subject; several names add their values, as in cfssl."""
        found = _common_name(common_name, what)
        values: dict[str, list[str]] = {"CN": [found] if found else []}
        for name in names or []:
            for field, value in name.items():
                part = str(field).upper()
                if part not in SUBJECT_ORDER or part == "CN":
                    raise HardwayError(
                        f"{what}: {field!r} is not a subject field; use C, ST, L, O, OU, SerialNumber, E"
                    )
                text = _text(part, value, what)
                if part == "C" and text and not re.fullmatch("[A-Za-z]{2}", text):
                    raise HardwayError(f"{what}: country {text!r} must be a code of two letters; write DE, US …")
                if text and text not in values.setdefault(part, []):
                    values[part].append(text)
        parts = tuple((part, tuple(values[part])) for part in SUBJECT_ORDER if values.get(part))
        if not parts:
            raise HardwayError(f"{what}: has no subject; set common_name")
        return cls(parts)

    def flat(self) -> tuple[str, ...]:
        """Return the sorted fields, for comparison."""
        return tuple(sorted(f"{part}={value}" for part, values in self.parts for value in values))


def _common_name(value: str, what: str) -> str:
    """Return the common name; raise if it is too long for X.509 (characters) or cryptography (bytes)."""
    text = _text("CN", value, what)
    size = len(text.encode())
    if len(text) > COMMON_NAME_MAX:
        raise HardwayError(
            f"{what}: the common name has {len(text)} characters; X.509 allows {COMMON_NAME_MAX}, shorten it"
        )
    if size > COMMON_NAME_MAX:
        raise HardwayError(
            f"{what}: the common name has {size} bytes in UTF-8; Python's library cryptography takes"
            f" {COMMON_NAME_MAX}, shorten it"
        )
    return text


def _text(part: str, value: Any, what: str) -> str:
    """Return the value of a field, empty if unset; in YAML an unquoted NO is false."""
    if value is not None and not isinstance(value, str):
        raise HardwayError(f"{what}: {part} must be a text, not {shown(value)}; put it in quotes")
    text = value or ""
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise HardwayError(f"{what}: {part} {text!r} cannot be written in UTF-8; correct it") from exc
    return text
