# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two masters that keep encrypted copies of the PKI directory, while controllers come and go."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dev.tools.lab import SANDBOX, TOP, tool, variables
from dev.tools.processes import family, kill
from tests.support.hosts.single_role import Hosts
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow, pytest.mark.long]

PASSPHRASE = "correct horse battery staple"
STORE = "/etc/hardway/pki-store"
SETTINGS = {"cluster_pki_store": "masters", "cluster_pki_store_passphrase": PASSPHRASE}
ROTATE = TOP / "playbooks/rotate_encryption_key.yml"
KUBECONFIG = TOP / "playbooks/kubeconfig.yml"
# What changes the directory, and nothing on the hosts.
CHANGE = ("-e", '{"ca_extra": [{"name": "team"}]}')


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

    def generations(self) -> list[int]:
        """Return the generation of each host's copy."""
        return [int(json.loads(self.shell(host, f"head -1 {STORE}"))["generation"]) for host in ("n1", "n2")]

    def cas(self) -> dict[str, bytes]:
        """Return the files of the PKI directory that no run of these tests changes."""
        names = ("ca.crt", "ca.key", "etcd/ca.key", "sa.key", "secrets/encryption.key", "issued.jsonl")
        return {name: (self.pki / name).read_bytes() for name in names}

    def lose(self) -> None:
        """Remove the directory, as with the container of a job."""
        shutil.rmtree(self.pki)

    def command(self, playbook: Path, *arguments: str) -> list[str]:
        """Return the command that runs a playbook beside the hosts."""
        line = [str(SANDBOX), "run", "--name", self.name, "--", tool("ansible-playbook"), "-i", str(self.inventory)]
        return [*line, str(playbook), *arguments]

    def rotate(self) -> None:
        """Rotate the encryption key; there is no cluster service that could be verified."""
        command = self.command(ROTATE, "--skip-tags", "verify")
        done = subprocess.run(command, cwd=TOP, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr

    def kubeconfig(self, *arguments: str) -> int:
        """Write a person's kubeconfig; return how many changes there were."""
        command = self.command(KUBECONFIG, "-e", "user=alice", "-e", "user_groups=dev", *arguments)
        done = subprocess.run(command, cwd=TOP, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr
        assert "PRIVATE KEY" not in done.stdout
        return sum(map(int, re.findall(r"changed=(\d+)", done.stdout)))

    def kill_in(self, task: str, *arguments: str, playbook: Path | None = None) -> None:
        """Run a playbook, and kill all of it at the beginning of a task."""
        log, command = self.directory / "killed.log", self.command(playbook or self.site, *arguments)
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(command, cwd=TOP, stdout=output, stderr=output, start_new_session=True)
            while f"{task}]" not in log.read_text(encoding="utf-8"):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                time.sleep(0.02)
            kill(family(process.pid))
            process.wait()


@pytest.fixture(scope="module")
def masters() -> Iterator[Masters]:
    """Return a control plane whose masters have copies."""
    need_cluster()
    playbook = Path(__file__).with_name("site.yml")
    made = Masters("pki-store", playbook, {"etcd": ["n1"], "master": ["n1", "n2"]}, dict(SETTINGS))
    with made.standing(2):
        assert sum(made.apply("--check").values()) > 0
        assert not made.pki.exists()
        made.apply()
        yield made


def test_a_second_run_changes_nothing(masters: Masters) -> None:
    before = masters.generations()
    assert set(masters.apply().values()) == {0}
    # One before the hosts used the CAs, one with the serial numbers of their certificates.
    assert masters.generations() == before == [2, 2]


def test_a_controller_without_the_directory_goes_on(masters: Masters) -> None:
    """A check predicts no change of a host and writes nothing; a run has the same CAs, and restarts nothing."""
    cas, started = masters.cas(), masters.started("kube-apiserver")
    masters.lose()
    # The one change is the directory on the controller.
    assert masters.apply("--check") == {"n1": 1, "n2": 0}
    assert not masters.pki.exists()
    assert masters.apply() == {"n1": 1, "n2": 0}
    assert masters.cas() == cas
    assert masters.started("kube-apiserver") == started


def test_a_wrong_passphrase_is_one_error(masters: Masters) -> None:
    """Nothing is lost, and it is in no output."""
    before = masters.generations()
    status, output = masters.attempt("-vvv", "-e", "cluster_pki_store_passphrase=not-that-horse")
    assert status != 0 and f"does not open {STORE} of hosts n1, n2" in " ".join(output.split())
    assert output.count("fatal:") == 1 and "Traceback" not in output
    assert PASSPHRASE not in output and "PRIVATE KEY" not in output
    assert masters.generations() == before
    assert masters.shell("n1", f"stat -c %a:%U {STORE}").strip() == "600:root"
    assert masters.exec("n1", f"grep -r '{PASSPHRASE}' /etc /var/lib /tmp").stdout == ""


def test_a_lost_update_is_refused(masters: Masters) -> None:
    """A second controller has an older state that it changed; a discard, on purpose, replaces that of the store."""
    older = masters.directory / "older"
    shutil.copytree(masters.pki, older)
    masters.apply(*CHANGE)
    assert masters.generations() == [3, 3]
    newer = masters.directory / "newer"
    masters.pki.rename(newer)
    older.rename(masters.pki)
    (masters.pki / "note").write_text("of this controller", encoding="utf-8")
    status, output = masters.attempt()
    said = " ".join(output.split())
    assert status != 0 and "was changed since generation 2; the store has generation 3, which" in said
    assert "move the directory away and run again" in said and "-e cluster_pki_store_discard=3" in said
    assert masters.generations() == [3, 3]
    shutil.rmtree(masters.pki)
    newer.rename(masters.pki)


def test_a_kill_while_reading_loses_nothing(masters: Masters) -> None:
    cas = masters.cas()
    masters.lose()
    masters.kill_in("hardway.kubernetes.ca : Load the newest copy into the PKI directory")
    masters.apply()
    assert masters.cas() == cas
    assert set(masters.apply().values()) == {0}


def test_a_kill_while_writing_loses_nothing(masters: Masters) -> None:
    """The same command finishes, and both hosts have the new CA."""
    masters.kill_in(
        "hardway.kubernetes.ca : Write the copies of the PKI directory",
        *(part.replace("team", "other") for part in CHANGE),
    )
    masters.apply(*(part.replace("team", "other") for part in CHANGE))
    assert len(set(masters.generations())) == 1
    other = (masters.pki / "other.key").read_bytes()
    masters.lose()
    masters.apply()
    assert (masters.pki / "other.key").read_bytes() == other


def test_a_host_without_its_copy_gets_it(masters: Masters) -> None:
    masters.shell("n2", f"rm {STORE}")
    assert sum(masters.apply("--check").values()) > 0
    assert masters.exec("n2", f"test -e {STORE}").returncode != 0
    masters.apply()
    assert len(set(masters.generations())) == 1
    assert set(masters.apply().values()) == {0}


def test_a_host_that_was_down_gets_the_newer_copy(masters: Masters) -> None:
    """Its older one is not loaded, also on a controller that has lost the directory."""
    (first, second) = masters.generations()
    limited = [part.replace("team", "limited") for part in CHANGE]
    masters.sandbox("poweroff", "n2")
    try:
        masters.apply(*limited, "--limit", "n1")
    finally:
        masters.sandbox("poweron", "n2")
    assert masters.generations() == [first + 1, second]
    new = (masters.pki / "limited.key").read_bytes()
    masters.lose()
    masters.apply()
    assert masters.generations() == [first + 1, first + 1]
    assert (masters.pki / "limited.key").read_bytes() == new


def test_certificates_renewed_by_a_fresh_controller_are_recorded(masters: Masters) -> None:
    """The serial numbers are in the copies: the next controller has them all."""
    issued = (masters.pki / "issued.jsonl").read_bytes()
    masters.lose()
    masters.apply("-e", '{"cluster_certificate_renew": ["apiserver"]}')
    lines = (masters.pki / "issued.jsonl").read_bytes()
    assert lines.startswith(issued) and lines.count(b"\n") == issued.count(b"\n") + 2
    masters.lose()
    masters.apply()
    assert (masters.pki / "issued.jsonl").read_bytes() == lines


def test_a_rotation_is_finished_by_another_controller(masters: Masters) -> None:
    """The first one is killed when the key is used, and its directory is lost: no third key is created."""
    old = (masters.pki / "secrets/encryption.key").read_text(encoding="utf-8")
    masters.kill_in("hardway.kubernetes.master : Rewrite the stored objects", "--skip-tags", "verify", playbook=ROTATE)
    masters.lose()
    masters.rotate()
    new = (masters.pki / "secrets/encryption.key").read_text(encoding="utf-8")
    assert new.startswith("key2:") and old not in new
    (retired,) = (masters.pki / "retired").glob("encryption-*.key")
    assert retired.read_text(encoding="utf-8").rpartition(":")[2].strip() == old.rpartition(":")[2].strip()
    for host in ("n1", "n2"):
        configured = masters.shell(host, "cat /etc/kubernetes/encryption.yaml")
        assert "key2" in configured and old.rpartition(":")[2].strip() not in configured
    assert set(masters.apply().values()) == {0}


def test_the_certificate_of_a_person_is_recorded_in_the_copies(masters: Masters) -> None:
    """So the next controller knows its serial number; a host that is down does not prevent it."""
    masters.apply()
    (first, second), issued = masters.generations(), (masters.pki / "issued.jsonl").read_bytes()
    assert masters.kubeconfig("--check") > 0
    assert (masters.generations(), (masters.pki / "issued.jsonl").read_bytes()) == ([first, second], issued)
    masters.kubeconfig()
    assert masters.generations() == [first + 1, second + 1]
    assert masters.kubeconfig() == 0
    masters.lose()
    # The one change is the directory on the controller.
    assert masters.kubeconfig() == 1
    assert (masters.pki / "issued.jsonl").read_bytes().count(b"\n") == issued.count(b"\n") + 1
    masters.sandbox("poweroff", "n2")
    try:
        masters.kubeconfig("-e", "ttl=4h")
    finally:
        masters.sandbox("poweron", "n2")
    assert masters.generations() == [first + 2, second + 1]
    masters.apply()
    assert masters.generations() == [first + 2, first + 2]
