# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd, tested from outside."""

from __future__ import annotations

import json

import pytest

testinfra_hosts = ["ansible://etcd"]

PKI = "/etc/etcd/pki"
CLIENT = f"--cacert {PKI}/ca.crt --cert {PKI}/healthcheck-client.crt --key {PKI}/healthcheck-client.key"


def test_service_runs_as_its_own_user(host):
    unit = host.service("etcd")
    assert unit.is_running
    assert unit.is_enabled
    assert host.process.get(comm="etcd").user == "etcd"


def test_members_agree_on_one_leader(host):
    answer = host.check_output(f"etcdctl --endpoints https://127.0.0.1:2379 {CLIENT} endpoint status --cluster -w json")
    members = [member["Status"] for member in json.loads(answer)]
    assert len({member["leader"] for member in members}) == 1
    assert len({member["header"]["cluster_id"] for member in members}) == 1


def test_plaintext_is_refused(host):
    assert host.run("curl -s --max-time 3 http://127.0.0.1:2379/health").rc != 0


def test_clients_without_certificate_are_refused(host):
    assert host.run("curl -sk --max-time 3 https://127.0.0.1:2379/health").rc != 0


@pytest.mark.parametrize(("name", "ca"), [("server", "ca"), ("peer", "peer-ca"), ("healthcheck-client", "ca")])
def test_certificates_verify(host, name, ca):
    host.check_output(f"openssl verify -CAfile {PKI}/{ca}.crt {PKI}/{name}.crt")
    assert host.file(f"{PKI}/{name}.key").mode == 0o600


def test_data_is_private(host):
    directory = host.file("/var/lib/etcd")
    assert (directory.user, directory.mode) == ("etcd", 0o700)
