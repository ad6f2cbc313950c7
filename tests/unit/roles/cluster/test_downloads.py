# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who downloads, and how many hosts at once."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.support.repository import ROLES
from tests.support.roles.rendered import Rendered

HOSTS = {"m1": "192.0.2.1"}
MODULE = "hardway.kubernetes.artifact"


def cluster(**options: Any) -> Rendered:
    return Rendered("cluster", "m1", HOSTS, {"master": list(HOSTS)}, **options)


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({}, 0),
        ({"cluster_download_concurrency": 3}, 0),
        ({"cluster_download_from": "hosts"}, 20),
        ({"cluster_download_from": "hosts", "cluster_download_concurrency": "3"}, 3),
    ],
)
def test_only_downloads_of_hosts_are_limited(options: dict[str, Any], limit: int) -> None:
    assert cluster(**options).value("_cluster_download_throttle") == limit


def test_the_source_of_binaries_has_the_options() -> None:
    source = cluster(cluster_download_from="hosts", cluster_upload_compression="never").value("cluster_artifacts")
    assert (source["download_from"], source["compression"]) == ("hosts", "never")


def test_each_task_that_several_hosts_run_at_once_is_limited() -> None:
    tasks = {
        f"{path.relative_to(ROLES)}: {task['name']}": task
        for path in sorted(ROLES.glob("*/tasks/*.yml"))
        for task in yaml.safe_load(path.read_text()) or []
        if MODULE in task and not task.get("run_once")
    }
    assert len(tasks) == 7
    limit = "{{ _cluster_download_throttle }}"
    assert [name for name, task in tasks.items() if task.get("throttle") != limit] == []
