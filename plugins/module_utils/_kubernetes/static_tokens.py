# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of static tokens of API servers, in CSV."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.options import converted, text


def token_file(tokens: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    """Return the content of the file: token, user, uid and groups, one line for each token."""
    return "".join(f"{_line(token)}\n" for token in tokens)


def _line(token: t.Mapping[str, t.Any]) -> str:
    fields = [text(token[name]) for name in ("token", "user", "uid")]
    groups = [text(group) for group in converted(token.get("groups"), "list")]
    return ",".join(_quoted(field) for field in [*fields, *([",".join(groups)] if groups else [])])


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'
