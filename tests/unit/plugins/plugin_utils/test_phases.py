# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the output by phases says."""

from __future__ import annotations

import pytest
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _phases as texts


def phase(hosts: tuple[str, ...] = ("n1", "n2", "n3"), **more: object) -> texts.Phase:
    """Return the third of twelve phases, begun at 100 s."""
    return texts.Phase(3, 12, 1, "Deploy etcd", 100.0, hosts=dict.fromkeys(hosts), **more)  # type: ignore[arg-type]


def test_a_phase_ends_with_its_hosts_and_seconds() -> None:
    assert phase().ended(112.4) == "[ 3/12] Deploy etcd: 3/3 hosts, 12 s"
    assert phase(last=150.0).ended(221.0) == "[ 3/12] Deploy etcd: 3/3 hosts, 2 min 01 s (last run 2 min 30 s)"
    assert phase(hosts=(), matched=False).ended(112.0) == "[ 3/12] Deploy etcd: no hosts"
    assert phase(hosts=()).ended(112.0) == "[ 3/12] Deploy etcd: nothing to do"


def test_a_phase_names_the_hosts_it_has_lost() -> None:
    lost = phase(failed={"n1": None}, unreachable={"n1": None, "n3": None})
    assert lost.ended(101.0) == "[ 3/12] Deploy etcd: 1/3 hosts, 1 s; failed: n1; unreachable: n1, n3"


def test_a_further_batch_has_a_label_and_a_key_of_its_own() -> None:
    second = texts.Phase(3, 9, 2, "Upgrade", 0.0)
    assert (second.label, second.key) == ("[3/9] Upgrade, batch 2", "3.2")


def test_what_is_waited_for_is_the_oldest_task() -> None:
    done = texts.Task("Done", started=3)
    task = texts.Task("Start etcd", started=3, waiting={"n2": None, "n3": None})
    other = texts.Task("Other", started=1, waiting={"n1": None})
    said = texts.waited_for(phase(last=9.0), [done, task, other], 105.0, 3)
    assert said == "[ 3/12] Deploy etcd: 5 s (last run 9 s) | 1/3 hosts, waiting for n2, n3 | Start etcd"
    task.retries = 4
    assert texts.waited_for(phase(), [task], 105.0, 1).endswith("waiting for n2, 1 more | Start etcd (4 retries left)")
    assert texts.waited_for(phase(), [done], 105.0, 3) == "[ 3/12] Deploy etcd: 5 s"


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"msg": "etcd: broken; fix it"}, "etcd: broken; fix it"),
        ({"msg": ["one", "two"]}, "one\ntwo"),
        ({"msg": "rc 1", "stderr": "no such file\n", "stdout": ""}, "rc 1\nstderr: no such file"),
        ({"censored": "hidden", "changed": False}, "hidden"),
        ({}, "no message; -v shows the whole result"),
    ],
)
def test_an_error_is_whole(result: dict[str, object], said: str) -> None:
    assert texts.error_text(result) == said


def test_hosts_are_listed_by_their_count() -> None:
    counts = {"changed": 0, "failures": 0, "unreachable": 0, "rescued": 0, "ignored": 0}
    hosts = {"n1": {**counts, "changed": 12}, "n2": {**counts, "changed": 11}, "n3": {**counts, "changed": 11}}
    assert texts.recap(hosts, checked=False) == ["changed: 12 on n1; 11 on n2, n3"]
    assert texts.recap({"n1": counts}, checked=True) == ["would change: nothing"]
    lost = {"n1": {**counts, "unreachable": 1, "rescued": 2}}
    assert texts.recap(lost, checked=False) == [
        "changed: nothing",
        "unreachable: 1 on n1",
        "failed and handled: 2 on n1",
    ]


def test_indented_texts_keep_their_empty_lines() -> None:
    assert texts.indented("a\n\n  b\n", "  ") == "  a\n\n    b"


def test_a_task_is_named_without_the_collection() -> None:
    class Task:
        """A task of a role."""

        def get_name(self) -> str:
            """Return the name as Ansible has it."""
            return "hardway.kubernetes.etcd : Run the etcd member"

    assert texts.name_of(Task()) == "etcd : Run the etcd member"
