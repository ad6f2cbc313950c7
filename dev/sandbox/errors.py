# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that ends a command with a single readable line."""

from __future__ import annotations


class SandboxError(Exception):
    """What could not be done, why, and what to do."""
