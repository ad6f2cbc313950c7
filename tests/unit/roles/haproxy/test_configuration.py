# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that role haproxy writes, rendered without any host."""

from __future__ import annotations

from typing import Any

from tests.support.roles.rendered import Rendered

HOSTS = {"m1": "192.0.2.1", "m2": "192.0.2.2", "lb1": "192.0.2.8"}


def lines(**settings: Any) -> list[str]:
    """Return the configuration's lines without blanks around them."""
    settings = {"cluster_api_vip": "192.0.2.100", **settings}
    role = Rendered("haproxy", "lb1", HOSTS, {"master": ["m1", "m2"], "lb": ["lb1"]}, **settings)
    return [line.strip() for line in role.template("haproxy.cfg.j2").splitlines()]


def only(found: list[str], word: str) -> str:
    """Return the one line that begins with a word."""
    (line,) = [line for line in found if line.startswith(word)]
    return line


def test_masters_behind_the_virtual_address() -> None:
    """The frontend is on the virtual address and on loopback, the masters are behind it."""
    found = lines()
    assert found.index("frontend check") < found.index("option dontlog-normal") < found.index("bind 127.0.0.1:8443")
    assert [line for line in found if line.startswith("bind ")] == ["bind 192.0.2.100:6443", "bind 127.0.0.1:8443"]
    assert [line for line in found if line.startswith("server ")] == [
        "server m1 192.0.2.1:6443",
        "server m2 192.0.2.2:6443",
    ]


def test_a_former_address_is_served_as_well() -> None:
    """Clients find the masters at both addresses."""
    found = [line for line in lines(cluster_api_former_vip="192.0.2.99") if line.startswith("bind 192")]
    assert found == ["bind 192.0.2.100:6443", "bind 192.0.2.99:6443"]


def test_servers_are_verified_by_name() -> None:
    """The check uses the name and refuses other certificates."""
    assert "check-sni kubernetes verify required ca-file /etc/haproxy/api-ca.crt verifyhost kubernetes " in only(
        lines(), "default-server"
    )


def test_other_servers_without_verification() -> None:
    """Nothing of Kubernetes is left when another service is configured."""
    found = lines(
        haproxy_bind=["[2001:db8::1]:443"],
        haproxy_servers=[{"name": "web", "address": "2001:db8::2", "port": 8443}],
        haproxy_check_path="/up",
        haproxy_check_ca="",
        haproxy_check_server_name="",
        haproxy_check_drain_status=0,
    )
    assert only(found, "server ") == "server web [2001:db8::2]:8443"
    assert " check-ssl verify none inter " in only(found, "default-server")
    assert not [line for line in found if line.startswith("http-check expect !")]
    assert "kubernetes" not in " ".join(found[1:])


def test_stopping_servers_keep_their_connections() -> None:
    """The draining status comes before the healthy one."""
    found = lines()
    assert found.index("http-check expect ! status 500 error-status L7OKC") < found.index(
        "http-check expect status 200"
    )


def test_the_statistics_page_is_on_loopback_by_choice() -> None:
    """Nothing by default; with an address, a page and the exporter, or the page alone."""
    assert "frontend stats" not in lines() and not [line for line in lines() if "prometheus" in line]
    found = lines(haproxy_stats_bind="127.0.0.1:8404")
    assert found.index("frontend stats") < found.index("bind 127.0.0.1:8404") < found.index("stats enable")
    assert "http-request use-service prometheus-exporter if { path /metrics }" in found
    page = lines(haproxy_stats_bind="127.0.0.1:8404", haproxy_stats_exporter="no")
    assert "stats enable" in page and not [line for line in page if "prometheus" in line]


def test_clients_stay_with_a_server_though_another_fails() -> None:
    """The hash of a source does not depend on which other servers are up."""
    assert "hash-type consistent" in lines(haproxy_balance="source")
    assert "hash-type consistent" not in lines()


def test_lines_of_the_operator_are_in_their_sections() -> None:
    """After the role's own, in the order of the sections."""
    found = lines(
        haproxy_extra_global_config="nbthread 2\ntune.bufsize 32768\n",
        haproxy_extra_defaults_config="timeout queue 5s",
        haproxy_extra_backend_config="stick-table type ip size 1k\nstick on src",
        haproxy_extra_config="frontend own",
    )
    expected = [
        *("global", "nbthread 2", "tune.bufsize 32768", "defaults", "timeout queue 10s", "timeout queue 5s"),
        *("frontend api", "backend api", "stick on src", "server m1 192.0.2.1:6443", "frontend own"),
    ]
    assert [line for line in found if line in expected] == expected
