# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles haproxy and keepalived write for options of operators, run by the real programs on one host."""

from __future__ import annotations

import base64
import time
import typing as t
from collections.abc import Callable, Iterator

import pytest

from tests.support.hosts.sandbox import Lab, lab
from tests.support.repository import ROLES
from tests.support.roles.rendered import Rendered

pytestmark = [pytest.mark.needs_root, pytest.mark.long]
# Answers each connection with its own address, and each health check with 200. The checks speak TLS, clients do not.
SERVER = """
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/server.crt", "/srv/server.key")
listener = socket.create_server((sys.argv[1], 443))
def serve(link):
    try:
        if link.recv(1, socket.MSG_PEEK) == b"\\x16":
            link = context.wrap_socket(link, server_side=True)
        link.recv(1000)
        link.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + sys.argv[1].encode())
        link.close()
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
"""
SERVERS = ["127.0.1.1", "127.0.1.2", "127.0.1.3"]
CLIENTS = [f"127.0.2.{number}" for number in range(1, 13)]
OPTIONS: dict[str, t.Any] = {
    "haproxy_bind": ["127.0.0.1:6443"],
    "haproxy_servers": [{"name": f"s{n}", "address": address, "port": 443} for n, address in enumerate(SERVERS, 1)],
    "haproxy_check_ca": "",
    "haproxy_check_server_name": "",
    # A busy machine answers late.
    "haproxy_check_interval": "3s",
    "haproxy_check_fall": 10,
}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return one host with three servers."""
    with lab(tmp_path_factory.mktemp("lb"), 1) as ready:
        key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=server"
        ready.inside("n1", f"openssl req -x509 {key} -keyout /srv/server.key -out /srv/server.crt")
        write(ready, "/srv/server.py", SERVER)
        write(ready, "/etc/systemd/system/server@.service", "[Service]\nExecStart=python3 /srv/server.py %i\n")
        ready.inside("n1", f"systemctl start {' '.join(f'server@{address}' for address in SERVERS)}")
        yield ready


def write(hosts: Lab, path: str, content: str, mode: str = "0644") -> None:
    """Write a file on the host."""
    text = base64.b64encode(content.encode()).decode()
    hosts.inside("n1", f"mkdir -p $(dirname {path}); echo {text} | base64 -d > {path}; chmod {mode} {path}")


def until(condition: Callable[[], t.Any], seconds: float = 60) -> None:
    """Wait until a condition holds; fail the test when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.5)


def rendered(role: str, template: str, **options: t.Any) -> str:
    """Return what a role writes on the host."""
    groups = {"master": ["n1"], "lb": ["n1"]}
    return Rendered(role, "n1", {"n1": "198.18.0.11"}, groups, cluster_api_vip="198.18.0.100", **options).template(
        template
    )


def haproxy(hosts: Lab, **options: t.Any) -> None:
    """Run haproxy with the configuration for these options; all its servers are up then."""
    path = "/etc/haproxy/haproxy.cfg"
    write(hosts, path, rendered("haproxy", "haproxy.cfg.j2", **OPTIONS, **options))
    hosts.inside("n1", f"haproxy -c -f {path} && mkdir -p /run/haproxy && systemctl restart haproxy")
    until(lambda: state(hosts).count(" 2 0 1 ") == len(SERVERS))


def state(hosts: Lab) -> str:
    """Return the state of haproxy's servers; running ones have 2."""
    command = "echo show servers state api | socat stdio /run/haproxy/admin.sock"
    return hosts.inside("n1", command)


def answers(hosts: Lab, times: int = 4) -> dict[str, set[str]]:
    """Return the servers that answered each client."""
    ask = f"for c in {' '.join(CLIENTS)}; do for n in {' '.join('x' * times)}; do echo $c $(curl -s --max-time 3 "
    ask += "--interface $c http://127.0.0.1:6443/); done; done"
    found: dict[str, set[str]] = {}
    for line in hosts.inside("n1", ask).splitlines():
        client, _blank, server = line.partition(" ")
        found.setdefault(client, set()).add(server)
    return found


def test_statistics_and_metrics_are_on_loopback_and_without_an_option_nowhere(hosts: Lab) -> None:
    haproxy(hosts)
    assert "8404" not in hosts.inside("n1", "ss -ltnH")
    haproxy(hosts, haproxy_stats_bind="127.0.0.1:8404")
    metrics = hosts.inside("n1", "curl -sS http://127.0.0.1:8404/metrics")
    for number in range(1, len(SERVERS) + 1):
        assert f'haproxy_server_status{{proxy="api",server="s{number}",state="UP"}} 1' in metrics
    page = hosts.inside("n1", "curl -sS http://127.0.0.1:8404/")
    assert "Statistics Report" in page and ">s3<" in page
    listeners = [line.split()[3] for line in hosts.inside("n1", "ss -ltnH").splitlines() if ":8404" in line]
    assert set(listeners) == {"127.0.0.1:8404"}
    haproxy(hosts, haproxy_stats_bind="127.0.0.1:8404", haproxy_stats_exporter=False)
    assert "haproxy_server_status" not in hosts.inside("n1", "curl -sS http://127.0.0.1:8404/metrics")


def test_a_client_has_one_server_until_that_fails(hosts: Lab) -> None:
    """Also after a restart. Clients of other servers stay where they are, and those of the failed one come back."""
    haproxy(hosts)
    assert any(len(servers) > 1 for servers in answers(hosts).values())
    haproxy(hosts, haproxy_balance="source")
    first = answers(hosts)
    assert all(len(servers) == 1 for servers in first.values()), first
    assert {server for servers in first.values() for server in servers} == set(SERVERS), first
    hosts.inside("n1", "systemctl restart haproxy")
    until(lambda: state(hosts).count(" 2 0 1 ") == len(SERVERS))
    assert answers(hosts) == first
    hosts.inside("n1", f"systemctl stop server@{SERVERS[0]}")
    until(lambda: state(hosts).count(" 2 0 1 ") == len(SERVERS) - 1)
    for client, servers in answers(hosts).items():
        assert servers == first[client] or (first[client] == {SERVERS[0]} and servers < set(SERVERS[1:])), client
    hosts.inside("n1", f"systemctl start server@{SERVERS[0]}")
    until(lambda: answers(hosts) == first)


def test_a_stick_table_of_the_operator_keeps_clients(hosts: Lab) -> None:
    lines = "stick-table type ip size 10k expire 10m\nstick on src\n"
    haproxy(
        hosts,
        haproxy_extra_backend_config=lines,
        haproxy_extra_global_config="nbthread 1",
        haproxy_extra_defaults_config="timeout queue 5s",
        haproxy_extra_config="frontend own\n    bind 127.0.0.1:6444\n    default_backend api\n",
    )
    found = answers(hosts)
    assert all(len(servers) == 1 and servers < set(SERVERS) for servers in found.values()), found
    table = hosts.inside("n1", "echo show table api | socat stdio /run/haproxy/admin.sock")
    assert f"used:{len(CLIENTS)}" in table
    assert "127.0.1." in hosts.inside("n1", "curl -s http://127.0.0.1:6444/")


NOTIFY = '#!/bin/sh\nlogger -t vip-any -- "$@"\n'
KEEPALIVED: dict[str, t.Any] = {
    "keepalived_interface": "eth0",
    "keepalived_password": "s3cr3t-x",
    "keepalived_check_ca": "",
    "keepalived_fault_check": "",
}


def checked(hosts: Lab, **options: t.Any) -> str:
    """Write keepalived's configuration; return what the check of the role, and so keepalived -t, says of it."""
    for name in ("check-frontend", "check-config"):
        write(
            hosts,
            f"/usr/libexec/keepalived/{name}",
            "#!/usr/bin/python3\n" + (ROLES / f"keepalived/files/{name}").read_text(),
            "0755",
        )
    hosts.inside("n1", "id keepalived_script 2>/dev/null || useradd --system keepalived_script")
    write(
        hosts,
        "/etc/keepalived/keepalived.conf",
        rendered("keepalived", "keepalived.conf.j2", **KEEPALIVED, **options),
        "0600",
    )
    return hosts.inside("n1", "/usr/libexec/keepalived/check-config /etc/keepalived/keepalived.conf 2>&1 || true")


def test_keepalived_takes_interval_prefix_scripts_and_lines_of_the_operator(hosts: Lab) -> None:
    """They are loaded while it runs, and scripts run when the address comes and goes."""
    log = "journalctl -q -o cat -t"
    hosts.inside("n1", "systemctl stop haproxy")
    assert checked(hosts) == ""
    hosts.inside("n1", "systemctl restart keepalived")
    until(lambda: "198.18.0.100/32" in hosts.inside("n1", "ip -brief address show eth0"))
    process = hosts.inside("n1", "systemctl show -P MainPID keepalived")
    write(hosts, "/usr/libexec/keepalived/notify/vip.sh", NOTIFY, "0755")
    found = checked(
        hosts,
        keepalived_advert_interval=2,
        keepalived_prefix_length=24,
        keepalived_notify_scripts=[
            {"event": "any", "name": "vip.sh", "content": NOTIFY},
            {"event": "stop", "path": "/usr/bin/logger", "arguments": "-t vip-stop ended", "user": "root"},
        ],
        keepalived_extra_global_config="vrrp_garp_lower_prio_repeat 2",
        keepalived_extra_instance_config="track_interface {\n    lo\n}",
        keepalived_extra_config='vrrp_script own {\n    script "/usr/bin/true"\n    interval 5\n}',
    )
    assert found == ""
    hosts.inside("n1", "systemctl reload keepalived")
    until(lambda: "198.18.0.100/24" in hosts.inside("n1", "ip -brief address show eth0"))
    assert hosts.inside("n1", "systemctl show -P MainPID keepalived") == process
    hosts.inside(
        "n1",
        "kill -s $(keepalived --signum=DATA) $(cat /run/keepalived.pid /run/keepalived/keepalived.pid 2>/dev/null)",
    )
    data = "cat $(find /tmp -name 'keepalived*.data') 2>/dev/null || true"
    until(lambda: "Advert interval = 2 sec" in hosts.inside("n1", data))
    assert "own" in hosts.inside("n1", data)
    assert "WARNING" not in hosts.inside("n1", "journalctl -q -o cat -u keepalived")
    hosts.inside("n1", "systemctl stop keepalived")
    until(lambda: "ended" in hosts.inside("n1", f"{log} vip-stop"))
    hosts.inside("n1", "systemctl start keepalived")
    until(lambda: "INSTANCE api_198_18_0_100 MASTER" in hosts.inside("n1", f"{log} vip-any"))
    hosts.inside("n1", "systemctl stop keepalived")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"path": "/etc/keepalived/keepalived.conf"}, "user keepalived_script cannot execute it"),
        ({"path": "/usr/bin/true", "user": "no-such-user"}, "no-such-user"),
        ({"path": "/nonexistent"}, "/nonexistent"),
    ],
)
def test_a_script_that_keepalived_could_not_run_is_refused(hosts: Lab, script: dict[str, str], words: str) -> None:
    """keepalived would run without it."""
    assert words in checked(hosts, keepalived_notify_scripts=[{"event": "any", **script}])


def test_a_script_of_root_that_others_can_change_is_refused(hosts: Lab) -> None:
    """keepalived would run without it, too."""
    write(hosts, "/srv/open/script", NOTIFY, "0755")
    entry = {"event": "any", "path": "/srv/open/script", "user": "root"}
    assert checked(hosts, keepalived_notify_scripts=[entry]) == ""
    hosts.inside("n1", "chmod 0777 /srv/open /srv/open/script")
    assert "others than root can change /srv/open/script" in checked(hosts, keepalived_notify_scripts=[entry])
    hosts.inside("n1", "chmod 0755 /srv/open/script")
    assert "others than root can change /srv/open," in checked(hosts, keepalived_notify_scripts=[entry])


def test_lines_that_keepalived_does_not_know_are_refused(hosts: Lab) -> None:
    assert "prority" in checked(hosts, keepalived_extra_instance_config="prority 7")
