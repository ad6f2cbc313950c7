# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal of operations gives to which playbook, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.tools import rehearsal_operations as operations

UPGRADE = "playbooks/upgrade.yml"


def test_arguments_are_for_all_playbooks_but_those_that_deploy() -> None:
    found = operations.operations(["site.yml", UPGRADE, "site.yml"], "-e to=1.35.9,1.36.2 --diff")
    assert [each.arguments for each in found] == [[], ["-e", "to=1.35.9,1.36.2", "--diff"], []]
    assert [each.target for each in found] == ["", "1.36.2", ""]
    (alone,) = operations.operations(["site.yml"], "-e host_use_cached_results=false")
    assert alone.variables == {"host_use_cached_results": "false"} and alone.target == ""


@pytest.mark.parametrize(
    ("playbook", "words", "repeatable"),
    [
        ("site.yml", "", True),
        ("playbooks/backup.yml", "", False),
        ("playbooks/drill.yml", "-e confirm=kubernetes", False),
        ("playbooks/reboot.yml", "-e confirm=kubernetes", True),
        ("playbooks/reboot.yml", "-e confirm=kubernetes -e always=false", True),
        ("playbooks/reboot.yml", "-e confirm=kubernetes -e always=true", False),
    ],
)
def test_what_does_its_work_again_is_not_run_twice(playbook: str, words: str, repeatable: bool) -> None:
    (operation,) = operations.operations([playbook], words)
    assert operation.repeatable is repeatable


def test_variables_are_read_in_every_form(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("hosts: [m3]\n")
    words = ["-e", "a=1 b='x y'", "-ec=2", "--extra-vars={d: [3]}", "-e", f"@{tmp_path / 'more.yml'}", "--tags", "etcd"]
    found = {"a": "1", "b": "x y", "c": "2", "d": [3], "hosts": ["m3"]}
    assert operations.extra_variables(words) == found


@pytest.mark.parametrize(
    "words",
    [
        ["-i", "other"],
        ["--limit", "m1"],
        ["-c", "local"],
        ["-kK"],
        ["--connection=local"],
        ["-e", "ansible_connection=local"],
        ["-e", "{ansible_host: 10.0.0.1}"],
        ["-e", "@/nowhere/file.yml"],
    ],
)
def test_what_could_lead_out_of_the_sandbox_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="make rehearse: ARGS: "):
        operations.extra_variables(words)


def test_an_upgrade_has_a_hop_for_each_minor() -> None:
    newest = ["1.34.9", "1.35.6", "1.36.2"]
    assert operations.hops("1.34.1", ["1.36.1"], newest) == ["1.35.6", "1.36.1"]
    assert operations.hops("1.34.1", ["1.35.2", "1.36.1"], newest) == ["1.35.2", "1.36.1"]
    assert operations.hops("1.36.1", ["1.36.2"], newest) == ["1.36.2"]


def test_a_backup_is_taken_where_a_restore_names_no_source() -> None:
    for arguments, needed in (("", True), ("-e archive=k1:/a.tar.gz", False), ("-e undo=true", False)):
        assert operations.operations(["site.yml", "playbooks/restore.yml"], arguments)[1].needs_archive is needed
    assert not operations.operations(["site.yml", UPGRADE], "-e to=1.36.2")[1].needs_archive


def test_a_plan_is_confirmed_unless_the_operator_does() -> None:
    (plain,) = operations.operations([UPGRADE], "-e to=1.36.2")
    (given,) = operations.operations([UPGRADE], "-e to=1.36.2 -e confirm=other")
    source = (Path(__file__).parents[4] / UPGRADE).read_text()
    assert plain.wants_confirmation(source) and not given.wants_confirmation(source)
    assert not plain.wants_confirmation((Path(__file__).parents[4] / "playbooks/site.yml").read_text())


def test_hosts_are_named_by_themselves_or_by_groups() -> None:
    listed = {"all": {"children": ["etcd"]}, "etcd": {"children": ["old"], "hosts": ["m1"]}, "old": {"hosts": ["m3"]}}
    assert operations.members(["etcd"], listed, ["m1", "m2", "m3"]) == ["m1", "m3"]
    assert operations.members(["m2", "m1"], listed, ["m1", "m2", "m3"]) == ["m1", "m2"]


@pytest.mark.parametrize(
    ("playbook", "arguments", "reason"),
    [
        (UPGRADE, "", "the version is not named"),
        ("playbooks/replace.yml", "", "no host is named"),
        ("playbooks/replace.yml", "-e hosts=m3 -e lost=m3 -e by=m4", "under their own names"),
        ("playbooks/replace.yml", "-e hosts=m3", ""),
        ("playbooks/remove_node.yml", "-e hosts=m3 -e lost=m3", ""),
    ],
)
def test_what_cannot_be_rehearsed_is_refused(playbook: str, arguments: str, reason: str) -> None:
    (operation,) = operations.operations([playbook], arguments)
    found = operations.refusal(operation)
    assert reason in found and bool(found) == bool(reason)
