# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(persons_issued)."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from pathlib import Path

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: persons_issued
short_description: Return a table of certificates of persons
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Reads the issue log of a PKI directory, and returns the certificates of persons in it, expired ones included.
options:
  _input:
    description: The PKI directory on the controller, V(cluster_pki_dir).
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Show the certificates of persons
  ansible.builtin.debug:
    msg: "{{ cluster_pki_dir | hardway.kubernetes.persons_issued }}"
"""

RETURN = r"""
_value:
  description: The lines of the table, the first being its heading.
  type: list
  elements: str
"""


def persons_issued(directory: str) -> list[str]:
    """Return the lines of the table."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import contents, persons

    path = Path(directory).expanduser() / contents.JOURNAL
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as exc:
        raise AnsibleFilterError(f"{path}: cannot be read: {exc.strerror}; set cluster_pki_dir") from exc
    return persons.issued(lines, datetime.now(timezone.utc))


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"persons_issued": persons_issued}
