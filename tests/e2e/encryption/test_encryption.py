# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two masters whose encryption in etcd is changed, interrupted and removed, and whose key is rotated, and lost."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.tools.lab import SANDBOX, TOP, tool, variables
from dev.tools.processes import family, kill
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
ROTATE = TOP / "playbooks/rotate_encryption_key.yml"
# Tasks from the new key to the end of the change.
TASKS = 18
SEED = int(os.environ.get("HARDWAY_SEED", str(random.SystemRandom().randrange(10**6))))


class Masters(Hosts):
    """Two masters and one etcd, with the versions that this machine has."""

    def write_inventory(self) -> None:
        """Write hosts, groups and variables; there are no clients, so no load balancer."""
        super().write_inventory()
        path = self.inventory / "hosts.yml"
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
        described["all"]["vars"] |= {**variables(), "cluster_api_endpoint": "api.example.org:6443"}
        # There is no load balancer that would need more time to detect a server that stops.
        described["all"]["vars"]["master_shutdown_delay"] = 1
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
        return {base64.b64decode(kv["value"]).startswith(b"k8s:enc:secretbox:v1:") for kv in answer["kvs"]}

    def under(self) -> Counter[str]:
        """Return the number of values in etcd by the key that they are encrypted by."""
        answer = json.loads(self.shell("n1", f"{ETCDCTL} get --prefix /registry/ -w json"))
        found = [base64.b64decode(kv["value"])[:80] for kv in answer["kvs"]]
        return Counter(value.split(b":")[4].decode() for value in found if value.startswith(b"k8s:enc:"))

    def names(self) -> list[str]:
        """Return the names of the keys in use on the controller."""
        lines = self.key.read_text(encoding="utf-8").splitlines()
        return [line.rpartition(":")[0] or "key1" for line in lines]

    def names_on(self, host: str) -> list[str]:
        """Return the names of the keys that a master has."""
        return sorted(set(re.findall(r"name: (\S+)", self.shell(host, f"cat {FILE}"))))

    def rotation(self, *arguments: str) -> list[str]:
        """Return the command that rotates the key; there is no cluster service that could be verified."""
        command = [str(SANDBOX), "run", "--name", self.name, "--", tool("ansible-playbook"), "-i", str(self.inventory)]
        return [*command, str(ROTATE), "--skip-tags", "verify", *arguments]

    def rotate(self, *arguments: str) -> str:
        """Rotate the key and return the output."""
        done = subprocess.run(self.rotation(*arguments), cwd=TOP, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            pytest.fail(f"rotate_encryption_key.yml {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def killed_after(self, tasks: int, seconds: float) -> str:
        """Run the rotation, and kill all of it some seconds after a number of tasks; return the last one."""
        path = self.directory / "killed.log"
        with path.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(self.rotation(), cwd=TOP, stdout=log, stderr=log, start_new_session=True)

            def seen() -> int:
                text = path.read_text(encoding="utf-8")
                begun = text.find("Report that no key is created]")
                return text.count("\nTASK [", begun) if begun >= 0 else -1

            while process.poll() is None and seen() < tasks:
                time.sleep(0.05)
            time.sleep(seconds)
            if process.poll() is None:
                kill(family(process.pid))
            process.wait()
        return re.findall(r"^TASK \[(.*)\]", path.read_text(encoding="utf-8"), re.MULTILINE)[-1]

    @contextmanager
    def load(self) -> Iterator[dict[str, Any]]:
        """Write and read Secrets through both API servers while the block runs; the results are there after it."""
        files = [str(self.inventory / ".pki" / name) for name in ("ca.crt", "admin.crt", "admin.key")]
        urls = [f"https://{self.address(host)}:6443" for host in ("n1", "n2")]
        line = [
            str(SANDBOX),
            "run",
            "--name",
            self.name,
            "--",
            sys.executable,
            "-m",
            "tests.support.hosts.secret_client",
        ]
        results: dict[str, Any] = {}
        with subprocess.Popen(
            [*line, *files, *urls], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TOP
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            try:
                yield results
            finally:
                answer, _errors = process.communicate("stop\n", timeout=120)
            results.update(json.loads(answer))

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
        for suffix in ("crt", "key"):
            path = made.inventory / f".pki/admin.{suffix}"
            path.write_text(made.shell("n1", f"cat /etc/kubernetes/pki/admin.{suffix}"), encoding="utf-8")
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


def test_the_key_is_rotated_while_clients_go_on(masters: Masters) -> None:
    """Also of a resource that was added; a check before predicts it, and the next run of a site changes nothing."""
    masters.apply("-e", BOTH)
    assert masters.names() == ["key1"]
    checked = masters.rotate("--check", "-e", BOTH)
    assert "changed: [n1]" in checked and masters.names() == ["key1"]
    assert not list(masters.key.parents[1].glob("retired/encryption-*"))
    with masters.load() as load:
        output = masters.rotate("-e", BOTH)
    print({name: load[name] for name in ("writes", "reads")})
    assert load["writes"] > 100 and load["reads"] > 100
    assert (load["failures"], load["lost"]) == ([], [])
    secret = masters.key.read_text(encoding="utf-8").rpartition(":")[2].strip()
    assert secret not in output
    assert masters.names() == masters.names_on("n1") == masters.names_on("n2") == ["key2"]
    assert set(masters.under()) == {"key2"}
    assert (masters.encrypted("secrets"), masters.encrypted("configmaps")) == ({True}, {True})
    masters.readable()
    assert masters.shell("n2", "ls /etc/kubernetes/encryption.pending 2>&1 | grep -c 'No such file'").strip() == "1"
    assert set(masters.apply("-e", BOTH).values()) == {0}


def test_a_resource_is_removed_in_the_run_that_rotates(masters: Masters) -> None:
    """The objects that are not encrypted any more do not keep the old key."""
    masters.rotate()
    assert masters.names_on("n1") == masters.names_on("n2") == masters.names() == ["key3"]
    assert set(masters.under()) == {"key3"}
    assert (masters.encrypted("secrets"), masters.encrypted("configmaps")) == ({True}, {False})
    assert set(masters.apply().values()) == {0}


def test_a_key_that_was_added_by_hand_encrypts(masters: Masters) -> None:
    """The other one stays on the masters, as in the file; without its line it leaves them, proven by etcd."""
    new = "mine:" + base64.b64encode(bytes(range(32))).decode()
    (old,) = masters.names()
    masters.key.write_text(f"{new}\n{masters.key.read_text(encoding='utf-8')}", encoding="utf-8")
    masters.apply()
    assert set(masters.under()) == {"mine"}
    assert masters.names_on("n1") == masters.names_on("n2") == sorted(["mine", old])
    assert set(masters.apply().values()) == {0}
    masters.key.write_text(f"{new}\n", encoding="utf-8")
    masters.apply()
    assert masters.names_on("n1") == masters.names_on("n2") == ["mine"]
    masters.readable()
    assert set(masters.apply().values()) == {0}


def test_a_key_with_objects_is_not_removed(masters: Masters) -> None:
    """Whether its line is gone, so that only masters have it, or it is retired and no master encrypts the resource."""
    old, secret = masters.key.read_text(encoding="utf-8"), base64.b64encode(bytes(32)).decode()
    before, both = masters.shell("n1", f"sha256sum {FILE}"), sorted([*masters.names(), "gone"])
    masters.shell("n1", f"printf k8s:enc:secretbox:v1:gone:text | {ETCDCTL} put /registry/strange/o")
    masters.key.write_text(f"{old}gone:{secret}\n", encoding="utf-8")
    masters.apply()
    masters.key.write_text(old, encoding="utf-8")
    for arguments in ((), ("--check",)):
        status, output = masters.attempt(*arguments)
        assert status != 0
        assert "to be removed: {'gone': 1}, such as /registry/strange/o;" in " ".join(output.split())
        assert masters.names_on("n1") == masters.names_on("n2") == both
    (masters.key.parents[1] / "retired/encryption-gone.key").write_text(f"gone:{secret}\n", encoding="utf-8")
    status, output = masters.attempt()
    assert status != 0 and "to be removed: {'gone': 1}" in " ".join(output.split())
    assert masters.names_on("n1") == masters.names_on("n2") == both
    masters.shell("n1", f"{ETCDCTL} del /registry/strange/o")
    masters.apply()
    assert masters.shell("n1", f"sha256sum {FILE}") == before
    assert set(masters.apply().values()) == {0}


def test_a_rotation_needs_all_masters(masters: Masters) -> None:
    """No key is created for the one in the run."""
    before = masters.names()
    done = subprocess.run(masters.rotation("--limit", "n1"), cwd=TOP, text=True, capture_output=True, check=False)
    assert done.returncode != 0 and "masters n2: not in this run" in " ".join(done.stdout.split())
    assert masters.names() == before


@pytest.mark.parametrize("attempt", range(10))
def test_the_same_command_finishes_a_killed_rotation(masters: Masters, attempt: int) -> None:
    """One key for both, whenever the first was killed, in each tenth of the run."""
    chance = random.Random(SEED + attempt)
    before = masters.names()
    number = max([0, *(int(name[3:]) for name in _all_names(masters) if re.fullmatch(r"key\d+", name))])
    with masters.load() as load:
        tasks, seconds = 1 + attempt * TASKS // 10 + chance.randrange(2), chance.uniform(0, 3)
        last = masters.killed_after(tasks, seconds)
        print(f"HARDWAY_SEED={SEED}: killed in {last}, {tasks} tasks and {seconds:.1f} s after it began")
        masters.rotate()
    assert (load["failures"], load["lost"]) == ([], [])
    assert masters.names() == masters.names_on("n1") == masters.names_on("n2") == [f"key{number + 1}"] != before
    assert set(masters.under()) == {f"key{number + 1}"}
    masters.readable()
    assert set(masters.apply().values()) == {0}


def _all_names(masters: Masters) -> list[str]:
    """Return the names of all keys that the controller has, retired ones too."""
    files = [masters.key, *masters.key.parents[1].glob("retired/encryption-*.key")]
    return [line.rpartition(":")[0] or "key1" for path in files for line in path.read_text().splitlines()]
