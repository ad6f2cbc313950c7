# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module files on a real host, checked by stat, cat and a program's own checker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.hosts.sandbox import Lab, lab


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return one host and a directory with a template beside the playbook."""
    directory = tmp_path_factory.mktemp("files")
    (directory / "templates").mkdir()
    template = (
        "# {{ ansible_managed }}\n{% for name in names %}\nname={{ name }}\n{% endfor %}\n{% include 'tail.j2' %}\n"
    )
    (directory / "templates" / "site.conf.j2").write_text(template)
    (directory / "templates" / "tail.j2").write_text("host={{ inventory_hostname }}\n")
    with lab(directory, 1) as ready:
        yield ready


def task(**more: Any) -> dict[str, Any]:
    """Return the task under test."""
    entries = [
        {"path": "/etc/site", "state": "directory", "mode": "0750", "group": "daemon"},
        {"path": "/etc/site/a/site.conf", "template": "site.conf.j2", "vars": {"names": ["x", "y"]}, **more},
        {"path": "/etc/site/secret", "content": more.get("hidden", "hush-hush\n"), "secret": True},
    ]
    entries[1].pop("hidden", None)
    return {"hardway.kubernetes.files": {"files": entries}}


def run(hosts: Lab, task: dict[str, Any], check: bool = False) -> dict[str, Any]:
    """Return the task's result on the only host."""
    return hosts.play(task, check=check)["n1"]


def test_check_apply_check_apply(hosts: Lab) -> None:
    predicted = run(hosts, task(), check=True)
    assert predicted["changed"]
    assert hosts.inside("n1", "ls /etc/site 2>/dev/null || true") == ""
    applied = run(hosts, task())
    assert applied["paths"] == predicted["paths"]
    assert "hush-hush" not in str(applied)
    for check in (True, False):
        assert not run(hosts, task(), check=check)["changed"]


def test_modes_owners_and_contents_are_as_specified(hosts: Lab) -> None:
    assert hosts.inside("n1", "stat -c '%a %U %G' /etc/site /etc/site/secret").splitlines() == [
        "750 root daemon",
        "600 root root",
    ]
    lines = hosts.inside("n1", "cat /etc/site/a/site.conf").splitlines()
    assert lines[1:] == ["name=x", "name=y", "host=n1"]
    assert hosts.inside("n1", "cat /etc/site/secret") == "hush-hush"


def test_only_the_mode_changes_when_only_the_mode_differs(hosts: Lab) -> None:
    before = hosts.inside("n1", "stat -c %i /etc/site/a/site.conf")
    result = run(hosts, task(mode="0600", owner="daemon"))
    assert result["paths"] == {"/etc/site/a/site.conf": ["mode", "owner"]}
    assert hosts.inside("n1", "stat -c '%i %a %U' /etc/site/a/site.conf") == f"{before} 600 daemon"
    assert run(hosts, task(mode="0644", owner="root"))["changed"]


def test_a_refused_file_leaves_all_as_it_was(hosts: Lab) -> None:
    result = run(hosts, task(vars={"names": ["bad"]}, hidden="other\n", validate="grep -q name=x %s"))
    assert result["failed"]
    assert "/etc/site/a/site.conf: 'grep -q name=x %s' rejects the new content" in result["msg"]
    assert "name=x" in hosts.inside("n1", "cat /etc/site/a/site.conf")
    assert hosts.inside("n1", "cat /etc/site/secret") == "hush-hush"
    assert hosts.inside("n1", "find /etc/site -name '*.tmp'; ls -d /tmp/hardway-* 2>/dev/null || true") == ""


def test_a_file_without_an_owner_belongs_to_root(hosts: Lab) -> None:
    run(hosts, task())
    for damage, found in (("chown daemon", "owner"), ("chgrp daemon", "group")):
        hosts.inside("n1", f"{damage} /etc/site/a/site.conf")
        for check in (True, False):
            assert run(hosts, task(), check=check)["paths"] == {"/etc/site/a/site.conf": [found]}
        assert hosts.inside("n1", "stat -c %U:%G /etc/site/a/site.conf") == "root:root"


def test_a_missing_owner_is_predicted_and_then_refused(hosts: Lab) -> None:
    assert run(hosts, task(owner="nobody-here"), check=True)["changed"]
    assert "no user nobody-here on this host" in run(hosts, task(owner="nobody-here"))["msg"]


def test_absence(hosts: Lab) -> None:
    gone = {"hardway.kubernetes.files": {"files": [{"path": "/etc/site", "state": "absent"}]}}
    assert run(hosts, gone, check=True)["changed"]
    assert run(hosts, gone)["paths"] == {"/etc/site": ["removed"]}
    assert not run(hosts, gone)["changed"]
    assert hosts.inside("n1", "ls -d /etc/site 2>/dev/null || true") == ""
