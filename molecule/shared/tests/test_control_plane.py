# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control plane, tested from outside."""

from __future__ import annotations

import json
import time

import pytest

testinfra_hosts = ["ansible://master"]

KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
UNITS = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]


@pytest.mark.parametrize("name", UNITS)
def test_service_runs(host, name):
    unit = host.service(name)
    assert unit.is_running
    assert unit.is_enabled


def test_api_is_ready(host):
    assert host.check_output(f"{KUBECTL} get --raw /readyz") == "ok"


def test_anonymous_users_see_health_only(host):
    address = host.ansible.get_variables()["ansible_host"]
    code = "curl -sk --max-time 5 -o /dev/null -w '%{http_code}' https://" + address + ":6443"
    assert host.check_output(f"{code}/livez") == "200"
    assert host.check_output(f"{code}/api/v1/secrets") in ("401", "403")


@pytest.mark.parametrize("name", UNITS[1:])
def test_lease_is_held_and_renewed(host, name):
    """A dead holder leaves its name in the lease, so only renewals prove that it runs."""

    def lease():
        return json.loads(host.check_output(f"{KUBECTL} -n kube-system get lease {name} -o json"))["spec"]

    first = lease()
    end = time.monotonic() + 20
    while (second := lease())["renewTime"] == first["renewTime"] and time.monotonic() < end:
        time.sleep(0.5)
    assert first["holderIdentity"]
    assert second["renewTime"] > first["renewTime"]


@pytest.mark.parametrize("path", ["ca.key", "apiserver.key", "sa.key", "admin.key"])
def test_keys_are_private(host, path):
    key = host.file(f"/etc/kubernetes/pki/{path}")
    assert (key.user, key.group, key.mode) == ("root", "root", 0o600)


def test_served_certificate_is_the_one_on_disk(host):
    address = host.ansible.get_variables()["ansible_host"]
    served = host.check_output(
        f"openssl s_client -connect {address}:6443 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
    )
    assert served == host.check_output("openssl x509 -noout -fingerprint -sha256 -in /etc/kubernetes/pki/apiserver.crt")


def test_secrets_are_encrypted_at_rest(host):
    """Read the object from etcd itself; if the master cannot reach etcd, the test fails."""
    client = "--cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/apiserver-etcd-client.crt"
    client += " --key /etc/kubernetes/pki/apiserver-etcd-client.key"
    read = f"etcdctl --endpoints https://127.0.0.1:2379 {client} get /registry/secrets/default/probe --print-value-only"
    host.check_output(f"{KUBECTL} -n default delete secret probe --ignore-not-found")
    host.check_output(f"{KUBECTL} -n default create secret generic probe --from-literal=word=plainly-readable")
    try:
        begin, readable = host.check_output(f"{read} | head -c 8"), host.run(f"{read} | grep -c plainly-readable")
    finally:
        host.check_output(f"{KUBECTL} -n default delete secret probe")
    assert begin == "k8s:enc:"
    assert readable.stdout.strip() == "0"
