# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two masters whose encryption in etcd is changed, interrupted and removed, and whose key is lost on the controller."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dev.tools.lab import variables
from tests.support.hosts.single_role import Hosts
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow, pytest.mark.long]

FILE = "/etc/kubernetes/encryption.yaml"
KUBECTL = "/usr/local/bin/kubectl --kubeconfig /etc/kubernetes/admin.conf"
ETCDCTL = (
    "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/etcd/pki/ca.crt"
    " --cert /etc/etcd/pki/healthcheck-client.crt"
    " --key /etc/etcd/pki/healthcheck-client.key"
)
BOTH = json.dumps({"master_encryption_resources": ["secrets", "configmaps"]})
NONE = json.dumps({"master_encryption_resources": []})


class Masters(Hosts):
    """Two masters and one etcd, with the versions that this machine has."""

    def write_inventory(self) -> None:
        """Write hosts, groups and variables; there are no clients, so no load balancer."""
        super().write_inventory()
        path = self.inventory / "hosts.yml"
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
        described["all"]["vars"] |= {**variables(), "cluster_api_endpoint": "api.example.org:6443"}
        # No host of these resolves the name.
        described["all"]["vars"]["host_skip_checks"] = ["endpoint"]
        path.write_text(yaml.safe_dump(described), encoding="utf-8")

    @property
    def key(self) -> Path:
        """Return the key that encrypts, on the controller."""
        return self.inventory / ".pki/secrets/encryption.key"

    def encrypted(self, plural: str) -> set[bool]:
        """Return whether objects in namespace default are encrypted in etcd: all, none, or some."""
        answer = json.loads(self.shell("n1", f"{ETCDCTL} get --prefix /registry/{plural}/default/o -w json"))
        return {base64.b64decode(kv["value"]).startswith(b"k8s:enc:secretbox:v1:key1:") for kv in answer["kvs"]}

    def readable(self) -> None:
        """Fail where an API server cannot read one of the objects."""
        for host in ("n1", "n2"):
            for number in range(3):
                self.shell(host, f"{KUBECTL} get secret/o{number} configmap/o{number}")

    def flags(self) -> list[int]:
        """Return how many flags about encryption each API server runs with."""
        return [
            int(self.shell(host, "pgrep -a kube-apiserver | grep -o encryption-provider | wc -l"))
            for host in ("n1", "n2")
        ]


@pytest.fixture(scope="module")
def masters() -> Iterator[Masters]:
    """Return a control plane that encrypts Secrets, with some objects."""
    need_cluster()
    made = Masters("encryption", Path(__file__).with_name("site.yml"), {"etcd": ["n1"], "master": ["n1", "n2"]}, {})
    with made.standing(2):
        made.apply("--check")
        made.apply()
        for number in range(3):
            made.shell("n1", f"{KUBECTL} create secret generic o{number} --from-literal=a=b")
            made.shell("n2", f"{KUBECTL} create configmap o{number} --from-literal=a=b")
        yield made


def test_a_run_with_nothing_to_do_changes_nothing(masters: Masters) -> None:
    assert set(masters.apply().values()) == {0}
    assert (masters.encrypted("secrets"), masters.encrypted("configmaps")) == ({True}, {False})


def test_a_further_resource_is_encrypted(masters: Masters) -> None:
    """A check predicts it; afterwards all is encrypted, what was there before, too; the next run changes nothing."""
    assert sum(masters.apply("--check", "-e", BOTH).values()) > 0
    masters.apply("-e", BOTH)
    assert (masters.encrypted("secrets"), masters.encrypted("configmaps")) == ({True}, {True})
    masters.readable()
    assert set(masters.apply("-e", BOTH).values()) == {0}


def test_a_change_needs_all_masters(masters: Masters) -> None:
    before = masters.shell("n1", f"sha256sum {FILE}")
    status, output = masters.attempt("-e", NONE, "--limit", "n1")
    assert status != 0
    assert "takes all masters, and n2 are not in this run" in " ".join(output.split())
    assert masters.shell("n1", f"sha256sum {FILE}") == before


def test_an_interrupted_run_is_continued(masters: Masters) -> None:
    """Interrupted before the objects are stored again: the key is still there, and the same command finishes."""
    status, output = masters.attempt("-e", NONE, "-e", '{"_master_encryption_servers": []}')
    assert status != 0, output
    masters.readable()
    assert masters.encrypted("secrets") == {True}
    assert masters.flags() == [2, 2]
    masters.apply("-e", NONE)
    assert (masters.encrypted("secrets"), masters.encrypted("configmaps")) == ({False}, {False})
    masters.readable()
    assert masters.flags() == [0, 0]
    assert masters.shell("n2", f"ls {FILE} 2>&1 | grep -c 'No such file'").strip() == "1"
    assert set(masters.apply("-e", NONE).values()) == {0}


def test_encryption_can_be_set_again(masters: Masters) -> None:
    masters.apply()
    assert (masters.encrypted("secrets"), masters.encrypted("configmaps")) == ({True}, {False})
    masters.readable()


def test_a_lost_key_is_not_replaced(masters: Masters) -> None:
    """Never without a message; and where the user insists, not before the masters' key was inspected."""
    kept, before = masters.key.read_bytes(), masters.shell("n1", f"sha256sum {FILE}")
    masters.key.unlink()
    status, output = masters.attempt()
    assert status != 0 and "secrets/encryption.key (nothing else decrypts" in " ".join(output.split())
    status, output = masters.attempt("-e", "ca_regenerate=encryption.key")
    assert status != 0 and re.search(rf"hosts n1, n2: {FILE} has a key that \S+encryption.key has not", output)
    assert masters.shell("n1", f"sha256sum {FILE}") == before
    masters.key.write_bytes(kept)
    assert set(masters.apply().values()) == {0}
