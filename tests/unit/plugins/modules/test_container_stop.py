# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All containers are stopped at once, then the sandboxes of their pods."""

from __future__ import annotations

import threading

from ansible_collections.hardway.kubernetes.plugins.module_utils._host.cri import Runtime
from ansible_collections.hardway.kubernetes.plugins.modules.container_stop import stop


class Node(Runtime):
    """A runtime in which each container waits for the last one to be stopped."""

    def __init__(self, containers: int) -> None:
        """Start these many."""
        self.all_called = threading.Barrier(containers, timeout=10)
        self.steps: list[str] = []

    def stop_container(self, container: str, seconds: int) -> bool:
        """Return whether it is the stubborn one."""
        assert seconds == 30
        self.all_called.wait()
        self.steps.append("container")
        return container == "c7"

    def stop_pod(self, pod: str) -> None:
        """Remember it."""
        self.steps.append(pod)


def test_no_container_waits_for_another_and_sandboxes_are_last() -> None:
    node = Node(40)
    assert stop(node, [f"c{number}" for number in range(40)], ["s1"], 30) == ["c7"]
    assert node.steps == ["container"] * 40 + ["s1"]


def test_without_containers_there_is_nothing_to_stop() -> None:
    assert stop(Node(1), [], [], 30) == []
