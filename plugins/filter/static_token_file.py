# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(static_token_file)."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: static_token_file
short_description: Return the file of static tokens
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Returns the content of the file for C(--token-auth-file) of kube-apiserver. It is secret.
options:
  _input:
    description: Tokens, as in C(master_static_tokens) of role master.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the size of the file
  ansible.builtin.debug:
    msg: "{{ master_static_tokens | hardway.kubernetes.static_token_file | length }}"
"""

RETURN = r"""
_value:
  description: The content, in CSV.
  type: str
"""


def static_token_file(tokens: t.Any) -> str:
    """Return the content of the file."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import static_tokens

    return static_tokens.token_file(tokens)


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"static_token_file": static_token_file}
