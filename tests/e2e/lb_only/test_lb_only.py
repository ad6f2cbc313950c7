# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles haproxy and keepalived alone, with two plain HTTPS servers: balanced, drained, failed over, broken."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.tools.lab import SANDBOX
from tests.support.hosts.single_role import Hosts
from tests.support.needs import need_hosts

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]

LB, WEB = ["n1", "n2"], ["n3", "n4"]
PASSWORD = "s3cr3t-x"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Return four hosts: two servers and two load balancers."""
    need_hosts()
    pki = tmp_path_factory.mktemp("pki")
    certificates(pki)
    settings = {"web_pki_dir": str(pki), "web_password": PASSWORD}
    made = Hosts("lb-only", Path(__file__).with_name("site.yml"), {"lb": LB, "web": WEB}, settings)
    with made.standing(4):
        settings["web_address"] = made.address("n1").rpartition(".")[0] + ".100"
        settings["web_servers"] = [{"name": host, "address": made.address(host), "port": 443} for host in WEB]
        made.write_inventory()
        yield made


def certificates(directory: Path) -> None:
    """Create a root, a CA below it, and a certificate of that for web.example."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    root = ["-subj", "/CN=root", "-keyout", "ca.key", "-out", "ca.crt"]
    ca = ["-subj", "/CN=web-ca", "-addext", "basicConstraints=critical,CA:true", "-CA", "ca.crt"]
    ca += ["-CAkey", "ca.key", "-keyout", "web.key", "-out", "web.crt"]
    server = ["-subj", "/CN=web", "-addext", "subjectAltName=DNS:web.example", "-CA", "web.crt", "-CAkey", "web.key"]
    server += ["-addext", "basicConstraints=critical,CA:false", "-keyout", "server.key", "-out", "server.crt"]
    for subject in (root, ca, server):
        subprocess.run(["openssl", "req", "-x509", *key, *subject], cwd=directory, check=True, capture_output=True)
    # Clients trust only the root.
    with (directory / "server.crt").open("a") as chain:
        chain.write((directory / "web.crt").read_text())


def ask(hosts: Hosts) -> str:
    """Return the server that answers a client at the virtual address; empty when none does."""
    command = ["curl", "-s", "--max-time", "2", "--cacert", f"{hosts.settings['web_pki_dir']}/ca.crt"]
    command += ["--resolve", f"web.example:443:{hosts.settings['web_address']}", "https://web.example/"]
    line = [str(SANDBOX), "run", "--name", hosts.name, "--", *command]
    return subprocess.run(line, text=True, capture_output=True, check=False).stdout.strip()


def holders(hosts: Hosts, address: str = "") -> list[str]:
    """Return the hosts that have an address, by default the virtual address."""
    command = f"ip -brief address show to {address or hosts.settings['web_address']}"
    return [host for host in LB if hosts.exec(host, command).stdout.strip()]


def until(condition: Callable[[], bool], seconds: float = 20) -> float:
    """Return after how many seconds the condition holds; fail the test when it does not."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            pytest.fail(f"not within {seconds} s")
        time.sleep(0.2)
    return time.monotonic() - begin


def test_check_predicts_the_first_run(hosts: Hosts) -> None:
    """A check on clean hosts succeeds, and the password is nowhere in its output."""
    status, output = hosts.attempt("--check", "--diff", "-vv")
    assert status == 0, output
    assert PASSWORD not in output


def test_serves_from_both_servers_at_the_virtual_address(hosts: Hosts) -> None:
    """One host holds the address, the first by preference, and both servers answer through it."""
    status, output = hosts.attempt("--diff", "-vv")
    assert status == 0, output
    assert PASSWORD not in output
    until(lambda: holders(hosts) == ["n1"])
    until(lambda: {ask(hosts) for _ in range(4)} == set(WEB))


def test_second_run_changes_nothing(hosts: Hosts) -> None:
    """Nothing is changed and nothing restarted."""
    before = hosts.started("haproxy") | hosts.started("keepalived")
    assert set(hosts.apply().values()) == {0}
    assert hosts.started("haproxy") | hosts.started("keepalived") == before


@contextmanager
def asking(hosts: Hosts) -> Iterator[list[str]]:
    """Send requests while the block runs; the answers, empty where there was none, are available after it."""
    answers: list[str] = []
    ended = threading.Event()

    def ask_on() -> None:
        while not ended.is_set():
            answers.append(ask(hosts))

    client = threading.Thread(target=ask_on)
    client.start()
    try:
        yield answers
    finally:
        ended.set()
        client.join()


def test_another_ca_is_loaded_without_a_lost_request(hosts: Hosts) -> None:
    """haproxy is reloaded, not restarted: it trusts both CAs, and no client notices."""
    ca = Path(hosts.settings["web_pki_dir"]) / "web.crt"
    before, trusted = hosts.started("haproxy"), ca.read_text()
    request = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=other", "-keyout", "/dev/null"]
    other = subprocess.run(request, check=True, capture_output=True, text=True).stdout
    with asking(hosts) as answers:
        ca.write_text(trusted + other)
        try:
            assert set(hosts.apply().values()) == {0, 2}, "the file and haproxy, on the hosts that balance"
        finally:
            ca.write_text(trusted)
    assert len(answers) > 10
    assert set(answers) <= set(WEB), answers
    assert hosts.started("haproxy") == before
    assert int(hosts.shell("n1", "journalctl -u haproxy | grep -ci 'reload'")) > 0
    hosts.apply()
    assert set(hosts.apply().values()) == {0}


def test_another_address_comes_and_goes_while_the_first_stays(hosts: Hosts) -> None:
    """keepalived is reloaded, not restarted, though no host has the new address yet: the first stays all the time."""
    first = hosts.settings["web_address"]
    second = first.replace(".100", ".101")
    before, holder = hosts.started("keepalived"), holders(hosts)
    with asking(hosts) as answers:
        try:
            hosts.apply("-e", json.dumps({"web_address": second, "web_former_address": first}))
            # It stays with the host that was reloaded first.
            assert len(holders(hosts, second)) == 1
        finally:
            hosts.apply()
    assert not holders(hosts, second)
    assert len(answers) > 10
    assert set(answers) <= set(WEB), answers
    assert hosts.started("keepalived") == before
    assert holders(hosts) == holder


def test_systemd_finds_no_problem_in_the_units(hosts: Hosts) -> None:
    """systemd-analyze verify prints nothing about our drop-ins, and only root may use haproxy's socket."""
    for unit in ("haproxy", "keepalived"):
        assert "hardway.conf" not in hosts.exec("n1", f"systemd-analyze verify {unit}.service 2>&1").stdout
    assert hosts.shell("n1", "stat -c '%a %U' /run/haproxy/admin.sock").strip() == "600 root"
    assert hosts.shell("n1", "stat -c '%a %U' /etc/keepalived/keepalived.conf").strip() == "600 root"


def test_stopping_server_is_drained(hosts: Hosts) -> None:
    """A server that reports that it is stopping gets no new connections, until it reports ready."""
    hosts.shell("n3", "touch /srv/web/stopping")
    until(lambda: {ask(hosts) for _ in range(4)} == {"n4"})
    hosts.shell("n3", "rm /srv/web/stopping")
    until(lambda: {ask(hosts) for _ in range(4)} == set(WEB))


def test_address_leaves_a_host_without_haproxy_and_stays_away(hosts: Hosts) -> None:
    """The other host takes it within seconds and keeps it when the first is healthy again."""
    hosts.shell("n1", "systemctl stop haproxy")
    assert until(lambda: holders(hosts) == ["n2"] and ask(hosts) in WEB) < 10
    hosts.shell("n1", "systemctl start haproxy")
    time.sleep(6)
    assert holders(hosts) == ["n2"]


def test_address_leaves_a_host_without_reachable_servers(hosts: Hosts) -> None:
    """A haproxy that runs but reaches no server is not enough."""
    for host in WEB:
        hosts.shell("n2", f"ip route add blackhole {hosts.address(host)}")
    until(lambda: holders(hosts) == ["n1"] and ask(hosts) in WEB)
    for host in WEB:
        hosts.shell("n2", f"ip route del blackhole {hosts.address(host)}")


def test_address_stays_when_all_servers_are_down(hosts: Hosts) -> None:
    """No host is better than the holder, so nothing moves."""
    for host in WEB:
        hosts.shell(host, "systemctl stop web")
    time.sleep(6)
    assert holders(hosts) == ["n1"]
    for host in WEB:
        hosts.shell(host, "systemctl start web")
    until(lambda: ask(hosts) in WEB)


def test_address_leaves_a_dead_host_and_stays_away(hosts: Hosts) -> None:
    """The power of the holder fails: the other one serves within seconds, and keeps the address afterwards."""
    hosts.sandbox("poweroff", "n1")
    assert until(lambda: ask(hosts) in WEB) < 10
    hosts.sandbox("poweron", "n1")
    time.sleep(6)
    assert holders(hosts) == ["n2"]
    assert hosts.shell("n1", "systemctl is-active haproxy keepalived").split() == ["active", "active"]


def test_bad_configuration_is_refused_before_it_is_put_in_place(hosts: Hosts) -> None:
    """haproxy's own checker refuses it: the old file stays, and so does the process."""
    before = hosts.started("haproxy")
    status, output = hosts.attempt("-e", '{"haproxy_extra_config": "frontend broken\\n    bind nowhere"}')
    assert status != 0 and "rejects the new content" in output
    assert "broken" not in hosts.shell("n1", "cat /etc/haproxy/haproxy.cfg")
    assert hosts.started("haproxy") == before
    assert set(hosts.apply().values()) == {0}


def test_options_of_the_operator_are_loaded_while_the_address_stays(hosts: Hosts) -> None:
    """Statistics, stickiness, interval, prefix, scripts: both programs are reloaded; a second run changes nothing."""
    before, holder = hosts.started("haproxy") | hosts.started("keepalived"), holders(hosts)
    options = {
        "haproxy_balance": "source",
        "haproxy_stats_bind": "127.0.0.1:8404",
        "keepalived_advert_interval": 2,
        "keepalived_prefix_length": 24,
        "keepalived_notify_scripts": [{"event": "any", "name": "vip", "content": '#!/bin/sh\nlogger -t vip -- "$@"\n'}],
    }
    hosts.apply("-e", json.dumps(options))
    assert set(hosts.apply("-e", json.dumps(options)).values()) == {0}
    assert hosts.started("haproxy") | hosts.started("keepalived") == before
    until(lambda: holders(hosts) == holder)
    assert f"{hosts.settings['web_address']}/24" in hosts.shell(holder[0], "ip -brief address")
    assert len({ask(hosts) for _ in range(6)} & set(WEB)) == 1
    assert "haproxy_server_status" in hosts.shell("n1", "curl -sS http://127.0.0.1:8404/metrics")
    hosts.shell(holder[0], "systemctl stop keepalived")
    (other,) = set(LB) - set(holder)
    until(lambda: " MASTER " in hosts.exec(other, "journalctl -q -o cat -t vip").stdout)
    hosts.shell(holder[0], "systemctl start keepalived")
    hosts.apply()
    assert hosts.exec(other, "test -e /usr/libexec/keepalived/notify").returncode != 0
