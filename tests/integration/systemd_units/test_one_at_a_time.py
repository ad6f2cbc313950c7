# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module unit on three real hosts: the order of restarts, whatever the inventory, and no restart without need."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import yaml

from tests.support.hosts.sandbox import Lab, lab
from tests.support.hosts.web_unit import actions, files, processes, served, started, unit
from tests.support.task_results import results_in


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return three hosts that run the unit."""
    with lab(tmp_path_factory.mktemp("turns"), 3) as ready:
        ready.play(files("one"), unit(ready))
        yield ready


@pytest.fixture
def three_directories(hosts: Lab) -> Iterator[list[str]]:
    """Return the directories of an inventory of three, one a host; the third host is in several groups."""
    known = yaml.safe_load(hosts.inventory.read_text())["all"]
    for number, host in enumerate(hosts.hosts, start=1):
        place = hosts.directory / f"dc{number}"
        place.mkdir()
        groups = {"web": {"hosts": {host: {}}}, **({"more": {"hosts": {host: {}}}} if number == 3 else {})}
        inventory = {**known, "hosts": {host: known["hosts"][host]}, "children": groups}
        (place / "hosts.yml").write_text(yaml.safe_dump({"all": inventory}))
    odd = {"plugin": "ansible.builtin.constructed", "groups": {"odd": "inventory_hostname in ['n1', 'n3']"}}
    (hosts.directory / "dc3" / "zz-constructed.yml").write_text(yaml.safe_dump(odd))
    usual = hosts.inventories
    hosts.inventories = [hosts.directory / f"dc{number}" for number in (1, 2, 3)]
    yield [str(path) for path in hosts.inventories]
    hosts.inventories = usual


def apart(hosts: Lab) -> bool:
    """Return whether each process started when the one before it was healthy, which takes a second."""
    times = started(hosts)
    return min(later - earlier for earlier, later in zip(times, times[1:])) > 1.0


@pytest.mark.long
def test_one_at_a_time_out_of_three_inventory_directories(hosts: Lab, three_directories: list[str]) -> None:
    show = {"ansible.builtin.debug": {"msg": "{{ inventory_dir }}"}}
    assert sorted(each["msg"] for each in hosts.play(show).values()) == sorted(three_directories)
    assert actions(hosts.play(files("two"), unit(hosts))) == ["restarted"] * 3
    assert apart(hosts)
    assert served(hosts) == ["two"] * 3


def test_two_at_a_time(hosts: Lab) -> None:
    task = unit(hosts, minimum=1)
    task["hardway.kubernetes.unit"]["rolling_at_once"] = 2
    assert actions(hosts.play(files("two at a time"), task)) == ["restarted"] * 3
    first, second, third = started(hosts)
    assert second - first < third - second
    assert actions(hosts.play(files("two"), unit(hosts))) == ["restarted"] * 3


def test_without_records_processes_younger_than_their_inputs_keep_running(hosts: Lab) -> None:
    before = processes(hosts)
    for lost in ("rm -r /var/lib/hardway/units", "echo '{}' >/var/lib/hardway/units/web.service.json"):
        hosts.everywhere(lost)
        assert actions(hosts.play(unit(hosts))) == ["none"] * 3
        assert processes(hosts) == before


@pytest.mark.long
def test_without_records_processes_with_possibly_changed_inputs_restart_in_turn(hosts: Lab) -> None:
    hosts.everywhere("rm -r /var/lib/hardway/units; touch -d @1 /etc/web.conf; touch /etc/web.sick")
    before = processes(hosts)
    hosts.inside("n1", "rm /etc/web.sick")
    refused = hosts.play(unit(hosts, minimum=3))["n1"]
    assert refused["failed"]
    assert processes(hosts)[0] == before[0]
    hosts.everywhere("rm -f /etc/web.sick")
    results = hosts.play(unit(hosts))
    assert not any(result.get("failed") for result in results.values()), results
    assert actions(results)[0] == "restarted"
    assert "written after the process had started" in results["n1"]["units"]["web.service"]["reasons"][0]


@pytest.mark.long
def test_a_manual_edit_and_restart_is_noticed(hosts: Lab) -> None:
    hosts.play(files("two"), unit(hosts))
    hosts.inside("n2", "echo evil >/etc/web.conf; systemctl restart web; sleep 2")
    results = hosts.play(files("two"), unit(hosts))
    assert actions(results) == ["none", "restarted", "none"]
    assert served(hosts) == ["two"] * 3
    assert actions(hosts.play(files("two"), unit(hosts))) == ["none"] * 3


def test_a_crash_and_a_restart_from_the_same_files_need_nothing(hosts: Lab) -> None:
    hosts.inside("n1", "systemctl kill -s KILL web")
    hosts.inside("n2", "systemctl restart web")
    time.sleep(4)
    before = processes(hosts)
    assert actions(hosts.play(files("two"), unit(hosts))) == ["none"] * 3
    assert processes(hosts) == before


def test_a_unit_that_systemd_had_not_read_when_it_restarted_by_itself(hosts: Lab) -> None:
    hosts.inside("n1", "sed -i 's/Web/Web 2/' /etc/systemd/system/web.service; systemctl kill -s KILL web; sleep 4")
    hosts.inside("n1", "systemctl daemon-reload")
    hosts.inside(
        "n2", "rm /var/lib/hardway/units/web.service.json; sed -i 's/Web/Web 2/' /etc/systemd/system/web.service"
    )
    hosts.inside("n2", "systemctl kill -s KILL web; sleep 4")
    assert actions(hosts.play(unit(hosts))) == ["restarted", "restarted", "none"]
    assert actions(hosts.play(unit(hosts))) == ["none"] * 3


@pytest.mark.long
def test_a_runtime_drop_in_is_an_input_and_a_property_is_none(hosts: Lab) -> None:
    hosts.play(files("two"), unit(hosts))
    hosts.inside("n1", "systemctl set-property web.service CPUWeight=200")
    assert actions(hosts.play(unit(hosts)))[0] == "none"
    place = "/run/systemd/system/web.service.d"
    hosts.inside("n1", f"mkdir -p {place}; printf '[Service]\\nNice=4\\n' >{place}/nice.conf")
    assert actions(hosts.play(unit(hosts)))[0] == "restarted"
    assert hosts.inside("n1", "ps -o ni= -p $(systemctl show -P MainPID web)") == "4"
    hosts.inside("n1", f"rm -r {place}")
    assert actions(hosts.play(unit(hosts)))[0] == "restarted"


@pytest.mark.long
def test_a_host_that_is_lost_in_the_middle_stops_the_others(hosts: Lab) -> None:
    hosts.play(files("two"), unit(hosts))
    # A host that restarts with this loses the network.
    hosts.everywhere("touch /etc/web.lost")
    process = hosts.start(files("three"), unit(hosts))
    said = process.communicate()[0]
    try:
        assert process.returncode == 4, said
        results = results_in(said)[1]
        (lost,) = set(hosts.hosts) - set(results)
        for result in results.values():
            assert (
                f"not restarted, because another host failed before ({lost}: lost during its restart" in result["msg"]
            )
        serving = {host: hosts.inside(host, "systemctl show -P NRestarts web") for host in results}
        assert set(serving.values()) <= {"0", "1"}
    finally:
        hosts.everywhere("rm -f /etc/web.lost; ip link set eth0 up")
    running = dict(zip(hosts.hosts, served(hosts)))
    assert {running[host] for host in results} == {"two"}
    assert running[lost] == "three"
    assert not any(result.get("failed") for result in hosts.play(files("three"), unit(hosts)).values())
    assert served(hosts) == ["three"] * 3
