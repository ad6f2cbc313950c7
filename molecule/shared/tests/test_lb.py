# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers and the virtual address, tested from outside."""

from __future__ import annotations

import pytest

testinfra_hosts = ["ansible://lb"]


@pytest.mark.parametrize("name", ["haproxy", "keepalived"])
def test_service_runs(host, name):
    unit = host.service(name)
    assert unit.is_running
    assert unit.is_enabled


def test_backend_responds_at_the_virtual_address(host):
    address = host.ansible.get_variables()["cluster_api_vip"]
    assert host.check_output(f"curl -sk --max-time 5 https://{address}:6443/readyz") == "ok"


def test_configuration_is_valid(host):
    host.check_output("haproxy -c -f /etc/haproxy/haproxy.cfg")


def test_password_is_private(host):
    assert host.file("/etc/keepalived/keepalived.conf").mode & 0o077 == 0
