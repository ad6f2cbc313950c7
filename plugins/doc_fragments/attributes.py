# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes that every module of the collection states."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of check mode and diff; a module adds its own details."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Predicts changes, also where nothing is installed yet.
  diff_mode:
    description: Returns the changes in diff mode, never secret values.
"""
