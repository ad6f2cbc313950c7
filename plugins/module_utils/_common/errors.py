# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the collection."""

from __future__ import annotations


class HardwayError(Exception):
    """An error that the user can fix; its message has the form "object: reason; remedy"."""
