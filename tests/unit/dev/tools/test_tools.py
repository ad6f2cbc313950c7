# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools that check the tree find what they are for."""

from __future__ import annotations

import functools
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from dev.standins import binaries
from dev.tools import check_specs, check_tree, gendocs, markdown
from dev.tools import test as parts
from dev.tools.test import KEPT, Part, summary
from tests.support.repository import REPOSITORY

# What a module runs on the host.
NEEDS = {"manifest": "kubectl", "etcd_auth": "etcdctl", "etcd_key": "etcdctl", "image_archive": "containerd"}


@pytest.mark.parametrize(
    ("defaults", "option", "says"),
    [
        ({"r_a": 1}, {"default": 1}, None),
        ({"r_a": 1}, {"default": 2}, "r_a is 1 in defaults, 2 in the specification"),
        ({"r_a": 1}, {}, "has no default in the specification"),
        ({"r_a": "{{ b }}"}, {}, None),
        ({"r_a": 1}, {"required": True}, "required, and yet has a default"),
        ({}, {"default": 2}, "a default in the specification only"),
        ({}, {"required": True}, None),
    ],
)
def test_specification_and_defaults_agree(defaults, option, says):
    found = check_specs.compare("r", defaults, {"r_a": {"description": "text", **option}})
    assert (says is None and found == []) or (says is not None and says in found[0])


def test_names_of_variables_begin_with_the_role():
    assert "x is not named after the role" in check_specs.compare("r", {"x": 1}, {})[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- name: N\n  ansible.builtin.shell: x", ["ansible.builtin.shell"]),
        ("- name: N\n  block:\n    - name: N\n      command: x\n      ignore_errors: true", ["ignore_errors"]),
        ("- name: N\n  hosts: h\n  tasks:\n    - name: N\n      raw: x", ["raw"]),
        ("- name: N\n  ansible.builtin.user:\n    shell: /bin/sh", []),
    ],
)
def test_forbidden_actions_are_found_in_tasks(text, words):
    assert [word for _, word in check_tree.forbidden_words(yaml.safe_load(text))] == words


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from tests.support.ca.cfssl import CFSSL", []),
        ("from tests.support import needs", []),
        ("import tests.support.needs", []),
        ("from dev.tools import lab", []),
        ("from unittest.mock import Mock", []),
        ("def f():\n    from tests.unit.roles.test_values import FACTS", ["tests.unit.roles.test_values"]),
        ("from tests import conftest", ["tests.conftest"]),
        ("from integration.api.test_joining import csr", ["integration.api.test_joining"]),
        ("import unit.roles", ["unit.roles"]),
        ("from .site import Site", [".site"]),
        ("from conftest import repository", ["conftest"]),
    ],
)
def test_helpers_outside_of_tests_support_are_found(line, found):
    assert list(check_tree.helpers(line)) == found


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("plugins/module_utils/_pki/spec/x.py", "x\n" * 401, "401 lines, at most 400"),
        ("plugins/modules/x.py", "x\n" * 401, "401 lines, at most 400"),
        ("roles/etcd/tasks/x.yml", "# x\n" * 101, "101 lines, at most 100"),
        ("playbooks/x.yml", "- {name: N, tasks: [{raw: x}]}", "no raw"),
        ("playbooks/_parts/x.yml", "- {name: N, tasks: [{raw: x}]}", "no raw"),
        ("tests/unit/plugins/x.py", "x\n" * 401, None),
    ],
)
def test_rules_hold_in_nested_directories(tmp_path, monkeypatch, path, text, says):
    """A pattern that finds no file reports nothing."""
    monkeypatch.setattr(check_tree, "TOP", tmp_path)
    place = tmp_path / path
    place.parent.mkdir(parents=True)
    (tmp_path / "tests").mkdir(exist_ok=True)
    place.write_text(text)
    found = [line for line in check_tree.file_problems(Path(path)) if "licence" not in line]
    assert (found == []) if says is None else (len(found) == 1 and says in found[0])


def test_a_module_says_what_it_needs_on_the_host():
    docs = {name: markdown.plugin_docs(str(gendocs.TOP / f"plugins/modules/{name}.py")) for name in NEEDS}
    for name, program in NEEDS.items():
        (line,) = [line for line in markdown.module_page(name, docs[name]).splitlines() if line.startswith("Needs ")]
        assert program in line


def test_semantic_markup_becomes_markdown():
    assert (
        markdown.prose(["V(true) or O(a.b),", "see L(here, https://x.y)."])
        == "`true` or `a.b`, see [here](https://x.y)."
    )


def test_suboptions_follow_their_parent():
    spec = {"a": {"type": "list", "elements": "dict", "description": "x", "options": {"b": {"required": True}}}}
    assert list(markdown.rows(spec)) == ["| `a` | list of dict |  | x |", "| `a.b` | str | *required* |  |"]


def test_every_option_says_what_a_change_does():
    options = {"r_a": {"description": "x"}, "r_b": {"description": "y", "options": {"c": {"description": "z"}}}}
    assert check_specs.compare_changes("r", {"r_a": "refused", "r_b": "nothing restarts"}, options) == []
    found = check_specs.compare_changes("r", {"r_a": "refused", "r_x": "refused"}, options)
    assert found == ["r: r_b is not in meta/changes.yml", "r: r_x of meta/changes.yml is no option"]
    page = markdown.role_page("r", {"short_description": "x", "options": options, "changes": {"r_a": "refused"}}, [])
    assert "| `r_a` | str |  | x | refused |" in page and "| `r_b.c` | str |  | z |  |" in page


def test_only_the_part_between_markers_is_generated():
    text = "a\n<!-- generated: t -->\nold\n<!-- end: t -->\nz"
    assert gendocs.between(text, "t", "new") == "a\n<!-- generated: t -->\nnew\n<!-- end: t -->\nz"


@pytest.mark.parametrize(
    "line",
    [
        "=== 3 passed, 1 skipped in 0.10s ===",
        "12 passed in 1.00s",
        "FAILED tests/a.py::b - x",
        "SKIPPED molecule ha: why",
    ],
)
def test_summary_repeats_results_and_failures(line):
    assert KEPT.search(line)


def test_the_output_of_parallel_parts_is_not_mixed(tmp_path, monkeypatch, capfd):
    """Two that wait for each other's first line: their lines would be interleaved."""
    recipe = "@echo begin $@; touch $@; while [ ! -e {0} ]; do sleep 0.01; done; echo '3 passed in 1s'; exit {1}"
    targets = [("a", recipe.format("b", 0)), ("b", recipe.format("a", 3))]
    (tmp_path / "Makefile").write_text("".join(f"{name}:\n\t{recipe}\n" for name, recipe in targets))
    monkeypatch.setattr(parts, "TOP", tmp_path)
    first, second = Part("a"), Part("b")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(functools.partial(parts.run, whole=True), (first, second)))
    assert (first.status, first.kept, second.kept) == (0, ["3 passed in 1s"], ["3 passed in 1s"])
    assert second.status
    out = capfd.readouterr().out
    assert "===== make a =====\nbegin a\n3 passed in 1s\n" in out and "===== make b =====\nbegin b\n3 passed" in out


def test_summary_shows_skips_prominently():
    text = summary([Part("unit", status=0, kept=["SKIPPED [1] a.py: no root"])], [])
    assert "1 SKIPPED: this run does not vouch for everything" in text


def test_a_run_that_is_stopped_says_where_its_time_went(tmp_path):
    (tmp_path / "Makefile").write_text("quick:\n\t@true\nendless:\n\t@echo waiting; sleep 60\nlater:\n\t@true\n")
    groups = "parts.GROUPS = (('quick',), ('endless',), ('later',))"
    code = f"""
import pathlib
from dev.tools import test as parts
parts.TOP = pathlib.Path({str(tmp_path)!r})
{groups}
parts.main()
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, start_new_session=True
    ) as process:
        assert process.stdout is not None
        shown = next(line for line in process.stdout if line == "waiting\n")
        os.killpg(process.pid, signal.SIGTERM)
        shown += process.stdout.read()
    assert process.returncode == 128 + signal.SIGTERM
    assert re.search(r"^ok +quick .*\nstopped endless .*\nnot run later", shown, re.MULTILINE), shown


def test_missing_binaries_name_their_source_and_target(tmp_path):
    lost = binaries.missing(binaries.default_version(), tmp_path)
    text = binaries.explain(lost, tmp_path)
    assert "kube-apiserver" in text
    assert "https://dl.k8s.io/" in text
    assert str(tmp_path / binaries.default_version()) in text


def test_ready_binaries_are_found_by_version_and_flat(tmp_path):
    version = binaries.default_version()
    for item in binaries.missing(version, tmp_path):
        item.place(tmp_path).mkdir(exist_ok=True)
        for name in item.binaries:
            (item.place(tmp_path) / name).touch()
    assert binaries.missing(version, tmp_path) == []
