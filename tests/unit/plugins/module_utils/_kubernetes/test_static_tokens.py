# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of static tokens."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.static_tokens import token_file


def test_the_file_of_tokens_is_quoted() -> None:
    tokens = [
        {"token": 'a"b,c', "user": "u", "uid": 7, "groups": ["g", "h"]},
        {"token": "t", "user": "v", "uid": "8"},
        {"token": "w", "user": "x", "uid": "9", "groups": "g, h"},
    ]
    assert token_file(tokens) == '"a""b,c","u","7","g,h"\n"t","v","8"\n"w","x","9","g,h"\n'
    assert token_file([]) == ""
