# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of action plugins that do everything on the controller."""

from __future__ import annotations

from ansible.plugins.action import ActionBase


class ControllerAction(ActionBase):
    """Contacts no host, and decides itself what check mode means."""

    _supports_check_mode = True
    _supports_diff = False
    _requires_connection = False
    TRANSFERS_FILES = False
