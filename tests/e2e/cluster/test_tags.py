# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each tag of site.yml alone on a finished cluster: its plays run, no others, and nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.tools.lab import TOP
from tests.support.hosts.cluster import Cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow]

SITE = TOP / "playbooks" / "site.yml"


def tags_of(item: dict[str, Any]) -> set[str]:
    """Return the tags of a play or task."""
    tags = item.get("tags", [])
    return {tags} if isinstance(tags, str) else set(tags)


def plays(playbook: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield the name of every play, also in imported playbooks, with its tags and those of its tasks."""
    for item in yaml.safe_load(playbook.read_text(encoding="utf-8")):
        if imported := item.get("ansible.builtin.import_playbook"):
            yield from plays(playbook.parent / imported)
        else:
            yield item["name"], tags_of(item).union(*map(tags_of, item["tasks"]))


TAGS = sorted(set().union(*(tags for _play, tags in plays(SITE))) - {"always"})
# This needs the results of the most other plays. The others, each a run of its own, take minutes more.
DEPENDENT = ("node",)
# These have nothing to do on a cluster without cluster_pki_store.
WITHOUT_STORE = {"Load the PKI directory", "Save the PKI directory"}
# A part of a run marks nothing.
ONLY_WHOLE = {"Mark the hosts on which nothing is left to do"}
# This has hosts only where others are deployed.
OTHERS = {"Open the firewalls of the other hosts"}


def test_every_play_has_a_tag() -> None:
    assert [play for play, tags in plays(SITE) if not tags] == []
    assert {"etcd", "master", "control_plane", "lb", "admin", "containerd", "node", "addons", "verify"} <= set(TAGS)


@pytest.mark.parametrize("tag", [pytest.param(tag, marks=() if tag in DEPENDENT else pytest.mark.long) for tag in TAGS])
def test_a_tag_alone_runs_its_plays_and_changes_nothing(cluster: Cluster, tag: str) -> None:
    cluster.visit()
    before = cluster.starts()
    done = cluster.deploy("--tags", tag)
    assert done.changed == {}
    expected = {play for play, tags in plays(SITE) if tags & {tag, "always"}} - WITHOUT_STORE - ONLY_WHOLE - OTHERS
    assert {task["play"] for task in done.tasks if task["results"]} == expected
    assert cluster.starts() == before
