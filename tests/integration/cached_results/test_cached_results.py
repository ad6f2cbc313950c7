# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cached results between runs on a real host: when they are used, and when a task inspects the host itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.sandbox import Lab, lab

READ = {"hardway.kubernetes.cached_results": {}, "register": "_host_cached_results", "no_log": True}
UNIT = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
KERNEL = {"hardway.kubernetes.host_settings": {"sysctls": {"net.ipv4.ip_local_reserved_ports": "30000-30010"}}}
RUN = {"hardway.kubernetes.unit": {"units": [{"name": "site", "inputs": ["/etc/site"]}]}}


def files(content: str = "a\n", path: str = "/etc/site/a.conf") -> dict[str, Any]:
    """Return the task under test."""
    unit = {"path": "/etc/systemd/system/site.service", "content": UNIT}
    return {"hardway.kubernetes.files": {"files": [{"path": path, "content": content}, unit]}}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return one host where both tasks have run."""
    with lab(tmp_path_factory.mktemp("cached_results"), 1) as ready:
        ready.play(READ, files(), RUN, KERNEL)
        yield ready


def last(hosts: Lab, *tasks: dict[str, Any], check: bool = False) -> tuple[bool, bool]:
    """Return whether the last task changed something, and whether it returned its cached result."""
    seen = hosts.play(*tasks, check=check)["n1"]
    assert not seen.get("failed"), seen
    return seen["changed"], seen.get("from_cached_result", False)


@pytest.mark.parametrize("task", [files(), RUN, KERNEL])
@pytest.mark.parametrize("check", [True, False])
def test_the_second_run_contacts_no_host(hosts: Lab, task: dict[str, Any], check: bool) -> None:
    assert last(hosts, READ, task, check=check) == (False, True)


def test_without_loaded_cached_results_every_task_inspects_the_host(hosts: Lab) -> None:
    assert last(hosts, files()) == (False, False)


def test_other_arguments_have_another_cached_result(hosts: Lab) -> None:
    assert last(hosts, READ, files("b\n"), check=True) == (True, False)


def test_predictions_of_a_check_end_with_it(hosts: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN", "jsonfile")
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN_CONNECTION", str(tmp_path))
    assert last(hosts, files("b\n"), RUN, check=True) == (True, False)
    assert list(tmp_path.iterdir())
    assert last(hosts, RUN, check=True) == (False, False)


def test_a_touched_file_invalidates_the_cached_result(hosts: Lab) -> None:
    hosts.inside("n1", "echo c >/etc/site/a.conf")
    assert last(hosts, READ, files()) == (True, False)
    assert last(hosts, READ, RUN) == (False, False)
    assert last(hosts, READ, files()) == (False, True)


@pytest.mark.long
def test_a_changed_kernel_setting_invalidates_the_cached_result(hosts: Lab) -> None:
    hosts.inside("n1", "sysctl -qw net.ipv4.ip_local_reserved_ports=30000")
    assert last(hosts, READ, KERNEL) == (True, False)
    assert hosts.inside("n1", "sysctl -n net.ipv4.ip_local_reserved_ports") == "30000-30010"
    assert last(hosts, READ, KERNEL) == (False, True)
    features = hosts.play(READ, KERNEL)["n1"]["ansible_facts"]["host_features"]
    assert features["cgroup_version"] in (1, 2)


def test_a_stopped_unit_invalidates_the_cached_result(hosts: Lab) -> None:
    hosts.inside("n1", "systemctl stop site")
    assert last(hosts, READ, RUN) == (True, False)
    assert last(hosts, READ, RUN) == (False, True)


@pytest.mark.long
def test_a_unit_that_is_not_wanted_is_not_inspected_again_until_it_runs(hosts: Lab) -> None:
    make = {
        "hardway.kubernetes.files": {"files": [{"path": "/etc/systemd/system/idle.service", "content": UNIT}]},
    }
    stop = {"hardway.kubernetes.unit": {"units": [{"name": "idle", "state": "stopped", "enabled": False}]}}
    assert last(hosts, READ, make, stop) == (False, False)
    assert last(hosts, READ, stop) == (False, True)
    hosts.inside("n1", "systemctl start idle")
    assert last(hosts, READ, stop) == (True, False)
    assert last(hosts, READ, stop) == (False, True)
    hosts.inside("n1", "systemctl enable -q idle")
    assert last(hosts, READ, stop) == (True, False)


def test_an_unhealthy_unit_invalidates_the_cached_result(hosts: Lab) -> None:
    serve = UNIT.replace("/bin/sleep infinity", "/usr/bin/python3 -m http.server 8099 --directory /srv/pages")
    unit = {"path": "/etc/systemd/system/pages.service", "content": serve}
    make = {"hardway.kubernetes.files": {"files": [{"path": "/srv/pages/healthz", "content": "ok"}, unit]}}
    run = {
        "hardway.kubernetes.unit": {"units": [{"name": "pages", "health": {"url": "http://127.0.0.1:8099/healthz"}}]}
    }
    assert last(hosts, READ, make, run) == (True, False)
    assert last(hosts, READ, run) == (False, True)
    hosts.inside("n1", "rm /srv/pages/healthz")
    assert last(hosts, READ, run, check=True) == (False, False)


@pytest.mark.long
def test_the_cached_result_of_a_unit_without_wait_is_valid_once_it_runs(hosts: Lab) -> None:
    serve = "/bin/sh -c 'until [ -e /run/go ]; do sleep 0.1; done; systemd-notify --ready; exec sleep infinity'"
    slow = UNIT.replace("/bin/sleep infinity", f"{serve}\nType=notify\nNotifyAccess=all")
    make = {"hardway.kubernetes.files": {"files": [{"path": "/etc/systemd/system/slow.service", "content": slow}]}}
    run = {"hardway.kubernetes.unit": {"units": [{"name": "slow", "wait_on_start": False}]}}
    assert last(hosts, READ, make, run) == (True, False)
    assert hosts.inside("n1", "systemctl show -P ActiveState slow") == "activating"
    assert last(hosts, READ, run, check=True) == (False, False)
    # A check removes no cached result, so the same one is valid now.
    hosts.inside("n1", "touch /run/go; until systemctl -q is-active slow; do sleep 0.1; done")
    assert last(hosts, READ, run, check=True) == (False, True)
    hosts.inside("n1", "systemctl kill --kill-whom=main slow; sleep 1; systemctl start slow")
    assert last(hosts, READ, run, check=True) == (False, False)


def test_after_a_change_no_cached_result_is_used_in_that_run(hosts: Lab) -> None:
    assert last(hosts, READ, files(), RUN) == (False, True)
    assert last(hosts, READ, files("d\n"), RUN) == (True, False)
    assert last(hosts, READ, files("d\n", path="/etc/other"), files("d\n")) == (False, False)


def test_no_other_user_can_read_them(hosts: Lab) -> None:
    modes = hosts.inside("n1", "stat -c %a /var/lib/hardway/cached-results /var/lib/hardway/cached-results/.salt")
    assert modes.split() == ["700", "600"]
