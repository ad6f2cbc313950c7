# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that does not join says why: with the last lines of its own kubelet."""

from __future__ import annotations

import yaml
from unit.roles.master.rendering import ROLES


def test_a_failed_join_shows_the_kubelet_and_stays_failed() -> None:
    tasks = yaml.safe_load((ROLES / "node/tasks/join.yml").read_text())
    (block,) = [task for task in tasks if "rescue" in task]
    assert "hardway.kubernetes.csr_approval" in block["block"][0]
    shown, failed = block["rescue"]
    # Of every node, not of the master that the requests are approved on.
    assert "_node_kubelet_unit" in shown["hardway.kubernetes.unit"]["units"][0] and "delegate_to" not in shown
    assert "ansible.builtin.fail" in failed and "when" not in failed
