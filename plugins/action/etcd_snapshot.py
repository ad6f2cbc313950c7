# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows every half minute that module etcd_snapshot is still waiting."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.plugin_utils._waiting import WaitingAction


class ActionModule(WaitingAction):
    """Runs module etcd_snapshot."""

    MODULE = "etcd_snapshot"
