# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module unit on three real hosts: what runs is what is on disk, one restart at a time, and none is forgotten."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.support.hosts.sandbox import Lab, lab
from tests.support.hosts.web_unit import actions, files, processes, served, started, unit


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return three hosts."""
    with lab(tmp_path_factory.mktemp("unit"), 3) as ready:
        yield ready


def test_check_mode_on_clean_hosts_predicts_the_start(hosts: Lab) -> None:
    results = hosts.play(files("one"), unit(hosts), check=True)
    assert actions(results) == ["started"] * 3
    assert set(hosts.everywhere("systemctl is-active web || true").values()) == {"inactive"}


def test_first_run_starts_all_at_once_and_the_second_changes_nothing(hosts: Lab) -> None:
    results = hosts.play(files("one"), unit(hosts))
    assert actions(results) == ["started"] * 3
    assert served(hosts) == ["one"] * 3
    assert set(hosts.everywhere("systemctl is-enabled web").values()) == {"enabled"}
    before = processes(hosts)
    for check in (False, True):
        again = hosts.play(files("one"), unit(hosts), check=check)
        assert [result["changed"] for result in again.values()] == [False] * 3
    assert processes(hosts) == before


def test_new_content_restarts_one_host_at_a_time(hosts: Lab) -> None:
    # A check run, which writes no file, predicts the restart.
    assert actions(hosts.play(files("two"), unit(hosts), check=True)) == ["restarted"] * 3
    assert served(hosts) == ["one"] * 3
    results = hosts.play(files("two"), unit(hosts))
    assert actions(results) == ["restarted"] * 3
    assert {tuple(r["units"]["web.service"]["reasons"]) for r in results.values()} == {("/etc/web.conf changed",)}
    assert served(hosts) == ["two"] * 3
    times = started(hosts)
    assert min(later - earlier for earlier, later in zip(times, times[1:])) > 1.0, "each waits for the one before"


def test_a_drop_in_is_an_input_too(hosts: Lab) -> None:
    drop_in = {"path": "/etc/systemd/system/web.service.d/nice.conf", "content": "[Service]\nNice=3\n"}
    results = hosts.play({"hardway.kubernetes.files": {"files": [drop_in]}}, unit(hosts))
    assert actions(results) == ["restarted"] * 3
    assert set(hosts.everywhere("ps -o ni= -p $(systemctl show -P MainPID web)").values()) == {"3"}


@pytest.mark.long
def test_a_unit_that_comes_before_ours_is_named(hosts: Lab) -> None:
    """Also where cached results say that all is well; and in check mode."""
    path = "/etc/systemd/system.control/web.service"
    assert actions(hosts.play(unit(hosts))) == ["none"] * 3
    hosts.inside("n2", f"mkdir -p $(dirname {path}); printf '[Service]\nExecStart=/bin/sleep infinity\n' >{path}")
    for check in (True, False):
        results = hosts.play(unit(hosts), check=check)
        assert results["n2"]["msg"].startswith(f"web.service: {path} replaces the whole unit"), results["n2"]
    hosts.inside("n2", f"rm {path}; systemctl daemon-reload")
    assert actions(hosts.play(unit(hosts))) == ["none"] * 3


def test_a_broken_configuration_stops_at_the_first_host(hosts: Lab) -> None:
    results = hosts.play(files("broken"), unit(hosts))
    messages = [result["msg"] for result in results.values()]
    assert all(result["failed"] for result in results.values())
    first = [message for message in messages if "cannot start with this configuration" in message]
    assert len(first) == 1, messages
    assert "hunter2" not in first[0]
    assert sum("not restarted, because another host failed before (n" in message for message in messages) == 2
    assert sorted(served_or_down(hosts)) == ["down", "two", "two"]


def served_or_down(hosts: Lab) -> list[str]:
    """Return what each host serves, or that it does not."""
    script = (
        "import urllib.request as u\n"
        "try: print(u.urlopen('http://127.0.0.1:8080/', timeout=2).read().decode())\n"
        "except OSError: print('down')"
    )
    return list(hosts.everywhere(f'python3 -c "{script}"').values())


def test_the_next_run_completes_an_interrupted_one(hosts: Lab) -> None:
    results = hosts.play(files("three"), unit(hosts))
    assert not any(result.get("failed") for result in results.values()), results
    assert served(hosts) == ["three"] * 3


def test_a_gate_that_refuses_leaves_the_host_as_it_is(hosts: Lab) -> None:
    hosts.inside("n3", "touch /etc/web.sick")
    # n3 does not take part: it could fail before another host is at the gate.
    results = hosts.play(files("four"), {**unit(hosts, minimum=3), "when": "inventory_hostname != 'n3'"})
    for host in ("n1", "n2"):
        assert "only 2 of 3 are healthy and 3 must be" in results[host]["msg"]
        assert "It keeps running" in results[host]["msg"]
    assert served_or_down(hosts)[:2] == ["three", "three"]
    hosts.inside("n3", "rm /etc/web.sick")
    results = hosts.play(unit(hosts, minimum=3))
    assert not any(result.get("failed") for result in results.values()), results
    assert served(hosts) == ["four"] * 3


def test_a_crashed_unit_is_started_with_its_reason(hosts: Lab) -> None:
    hosts.inside(
        "n1",
        "systemctl set-property --runtime web.service CPUWeight=100; systemctl kill -s KILL web;"
        " mkdir -p /run/systemd/system/web.service.d;"
        " printf '[Service]\\nRestart=no\\n' >/run/systemd/system/web.service.d/no.conf;"
        " systemctl daemon-reload; systemctl restart web; sleep 2; systemctl kill -s KILL web; sleep 1;"
        " rm -r /run/systemd/system/web.service.d; systemctl daemon-reload",
    )
    results = hosts.play(unit(hosts))
    assert results["n1"]["units"]["web.service"]["reasons"] == ["was failed (signal)"]
    assert actions(results)[0] == "started"
    assert served(hosts) == ["four"] * 3


def test_a_killed_run_is_completed_by_the_next(hosts: Lab) -> None:
    for delay in (1.0, 2.0, 3.0, 4.5):
        config = f"kill-{delay}"
        process = hosts.start(files(config), unit(hosts))
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        results = hosts.play(files(config), unit(hosts))
        assert not any(result.get("failed") for result in results.values()), results
        assert served(hosts) == [config] * 3
    again = hosts.play(files(config), unit(hosts))
    assert [result["changed"] for result in again.values()] == [False] * 3


def test_stopped_and_absent(hosts: Lab) -> None:
    results = hosts.play(unit(hosts, state="stopped", enabled=False))
    assert actions(results) == ["stopped"] * 3
    assert set(hosts.everywhere("systemctl is-enabled web || true").values()) == {"disabled"}
    again = hosts.play(unit(hosts, state="stopped", enabled=False))
    assert [result["changed"] for result in again.values()] == [False] * 3
    results = hosts.play(unit(hosts, state="absent"))
    assert actions(results) == ["removed"] * 3
    gone = "ls /etc/systemd/system/web.service* /var/lib/hardway/units/web.service.json 2>/dev/null | wc -l"
    assert set(hosts.everywhere(gone).values()) == {"0"}
    again = hosts.play(unit(hosts, state="absent"))
    assert [result["changed"] for result in again.values()] == [False] * 3
