# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles each template once. ansible-core does so at each use, which is most of the time of tests of variables.

What is compiled depends on the text, on how backslashes are read, and on settings of the environment, not on variables.
"""

from __future__ import annotations

from typing import Any

from ansible._internal._templating import _jinja_bits as bits


def remember() -> None:
    """Keep what is compiled, in this process."""
    original = bits.AnsibleEnvironment.compile
    known: dict[Any, Any] = {}

    def compile_once(self: Any, source: Any, name: Any = None, filename: Any = None, *flags: Any, **more: Any) -> Any:
        if not isinstance(source, str) or name or filename or any(flags) or any(more.values()):
            return original(self, source, name, filename, *flags, **more)
        context = bits._TemplateCompileContext.current(optional=True)
        settings = tuple(getattr(self, field) for field in bits._TEMPLATE_OVERRIDE_FIELD_NAMES)
        key = (str(source), context.escape_backslashes if context else None, settings)
        if key not in known:
            known[key] = original(self, source, name, filename)
        return known[key]

    bits.AnsibleEnvironment.compile = compile_once
