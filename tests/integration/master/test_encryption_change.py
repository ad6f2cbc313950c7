# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is encrypted in etcd, and by which key, changes below two real API servers: each reads what the other writes."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.filter.encryption_keys import encryption_keys as encryption_keys_of
from ansible_collections.hardway.kubernetes.plugins.filter.encryption_plan import (
    CONFIGURATION,
    PENDING,
    RAN,
    encryption_plan,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.redaction import redacted
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import client, storage_migration
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, ApiError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import encryption_keys
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store

from tests.support.api.control_plane import ControlPlane, version, versions
from tests.support.api.programs import binary, free_ports
from tests.support.roles.master import Host

pytestmark = [pytest.mark.needs_kubernetes, pytest.mark.slow]
KINDS = {"secrets": "Secret", "configmaps": "ConfigMap"}
PREFIX = b"k8s:enc:secretbox:v1:"


class Pair:
    """Two API servers on one etcd, each with a configuration of its own, as role master writes it."""

    def __init__(self, directory: Path, wanted: str) -> None:
        self.plane = ControlPlane(directory, wanted, master_shutdown_delay=0)
        self.store = Store(str(directory / "keys"))
        key = base64.b64encode(bytes(32)) + b"\n"
        self.store.write(self.store.secret("encryption.key"), key)
        self.configurations = {name: directory / f"{name}.yaml" for name in ("api1", "api2")}
        self.ports = dict(zip(self.configurations, free_ports(2)))
        self.pending: list[str] = []
        self.written = 0
        self.runs_with: dict[str, str] = {}

    def plan(self, asked: list[str]) -> dict[str, Any]:
        """Return what role master would decide, from the files alone."""
        reported = {}
        for name, path in self.configurations.items():
            files = {RAN: "", PENDING: "\n".join(self.pending)}
            if path.exists():
                files[CONFIGURATION] = redacted(path.read_text(), "salt")
            reported[name] = {"nonce": "salt", "secrets": files}
        return encryption_plan(asked, reported, ["api1", "api2"], self.store.directory)

    def host(self, plan: dict[str, Any], stage: str) -> Host:
        """Return a master at a stage of the plan."""
        keys = encryption_keys_of(plan["key_names"][stage], plan["key_files"])
        settings = {"_master_encryption": plan, "_master_encryption_stage": stage, "_master_encryption_keys": keys}
        variables = {**self.plane.host.variables, **settings}
        settings = {name: value for name, value in variables.items() if name not in ("inventory_hostname", "groups")}
        return Host("m1", {"m1": "127.0.0.1"}, self.plane.host.variables["groups"], **settings)

    def put(self, name: str, plan: dict[str, Any], stage: str) -> None:
        """Give one API server the configuration of a stage, and restart it if that differs."""
        host = self.host(plan, stage)
        text = host.file("encryption.yaml") if host.value("_master_encrypts") else ""
        if self.runs_with.get(name) == text:
            return
        self.runs_with[name] = text
        self.configurations[name].write_text(text)
        if not text:
            self.configurations[name].unlink()
        own = {
            f"--encryption-provider-config={self.plane.config}/encryption.yaml": (
                f"--encryption-provider-config={self.configurations[name]}"
            ),
            f"--secure-port={self.plane.host.variables['cluster_api_port']}": f"--secure-port={self.ports[name]}",
            f"--audit-log-path={self.plane.directory}/log/audit.log": f"--audit-log-path={self.plane.config}/{name}",
        }
        arguments = [own.get(argument, argument) for argument in host.arguments("kube-apiserver")]
        if name in self.plane.programs.running:
            self.plane.programs.stop(name)
        self.plane.programs.start(name, [self.plane.binaries / "kube-apiserver", *arguments])
        self.plane.programs.wait_until(name, lambda: self.plane.answers(f"{self.url(name)}/readyz"))

    def url(self, name: str) -> str:
        return f"https://127.0.0.1:{self.ports[name]}"

    def api(self, name: str) -> Api:
        """Return a client of one of them."""
        pki = self.plane.config / "pki"
        return Api([self.url(name)], Tls(ca=str(pki / "ca.crt"), cert=f"{pki}/admin.crt", key=f"{pki}/admin.key"))

    def write(self, server: str) -> None:
        """Create one object of each kind."""
        self.written += 1
        for plural, kind in KINDS.items():
            name = f"{server}-{self.written}"
            body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": {"word": word(plural, name)}}
            self.api(server).post(f"/api/v1/namespaces/default/{plural}", body)

    def unreadable(self) -> list[str]:
        """Return what one of them cannot read of what is stored, one object at a time."""
        found = []
        for server in self.configurations:
            for plural in KINDS:
                for key in self.stored(plural):
                    try:
                        self.api(server).get(f"/api/v1/namespaces/default/{plural}/{key.rpartition('/')[2]}")
                    except ApiError as exc:
                        found.append(f"{server}: {exc}")
        return found

    def stored(self, plural: str) -> dict[str, bytes]:
        """Return what is stored in etcd of a kind in the namespace, read without the API."""
        etcd = self.plane.etcd
        command = [str(binary("etcdctl", etcd.binaries)), "get", "--prefix", f"/registry/{plural}/default/api"]
        command += ["--write-out=json", f"--endpoints={etcd.endpoints[0]}", f"--cacert={etcd.ca.ca}"]
        command += [f"--cert={etcd.client}.crt", f"--key={etcd.client}.key"]
        answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return {base64.b64decode(kv["key"]).decode(): base64.b64decode(kv["value"]) for kv in answer.get("kvs", [])}

    def encrypted(self, plural: str) -> set[bool]:
        """Return whether objects are encrypted: all, none, or some."""
        return {value.startswith(PREFIX) for value in self.stored(plural).values()}

    def keys(self) -> set[str]:
        """Return the names of the keys that Secrets are encrypted by."""
        return {value.split(b":")[4].decode() for value in self.stored("secrets").values()}


def word(plural: str, name: str) -> str:
    """Return a value that can be found again."""
    return base64.b64encode(name.encode()).decode() if plural == "secrets" else name


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Return two API servers of the newest version that encrypt Secrets, with some objects."""
    found = Pair(tmp_path, version((list(versions())[-1:] or ["1.36"])[0]))
    try:
        found.plane.etcd.start("m1")
        first = encryption_plan(["secrets"], {}, ["api1", "api2"], found.store.directory)
        for name in found.configurations:
            found.put(name, first, "now")
        for _number in range(2):
            found.write("api1")
            found.write("api2")
        yield found
    finally:
        found.plane.stop()


def go(pair: Pair, asked: list[str], seen: Callable[[], None]) -> None:
    """Run the steps of role master's tasks."""
    plan = pair.plan(asked)
    assert plan["moving"]
    pair.pending = plan["pending"]
    for stage in ("now", "next", "final"):
        for name in pair.configurations:
            pair.put(name, plan, stage)
            seen()
        if stage == "next":
            for resource in storage_migration.stored(pair.api("api2"), plan["rewrite"]):
                storage_migration.rewrite(pair.api("api2"), storage_migration.objects(pair.api("api2"), resource))
    pair.pending = []
    assert not pair.plan(asked)["moving"]


@pytest.mark.long
def test_resources_are_added_and_removed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """etcdctl sees everything encrypted, then nothing; no object was unreadable for any server in between."""
    monkeypatch.setattr(client, "_PAGE", 2)

    def seen() -> None:
        for name in pair.configurations:
            pair.write(name)
        assert pair.unreadable() == []

    assert (pair.encrypted("secrets"), pair.encrypted("configmaps")) == ({True}, {False})
    go(pair, ["secrets", "configmaps"], seen)
    assert (pair.encrypted("secrets"), pair.encrypted("configmaps")) == ({True}, {True})
    go(pair, [], seen)
    assert (pair.encrypted("secrets"), pair.encrypted("configmaps")) == ({False}, {False})
    assert not [path for path in pair.configurations.values() if path.exists()]


@pytest.mark.long
def test_the_key_is_rotated(pair: Pair) -> None:
    """Together with a resource that is added; at the end nothing is stored under the old key."""

    def seen() -> None:
        for name in pair.configurations:
            pair.write(name)
        assert pair.unreadable() == []

    assert pair.keys() == {"key1"}
    assert encryption_keys.rotate(pair.store, check=False) == ("key2", ["key1"])
    go(pair, ["secrets", "configmaps"], seen)
    assert pair.keys() == {"key2"}
    assert pair.encrypted("configmaps") == {True}
    assert all("key1" not in path.read_text() for path in pair.configurations.values())


def test_a_rotation_without_steps_is_noticed(pair: Pair) -> None:
    encryption_keys.rotate(pair.store, check=False)
    pair.put("api1", pair.plan(["secrets"]), "next")
    pair.write("api1")
    assert {line.split(":")[0] for line in pair.unreadable()} == {"api2"}


def test_a_change_without_steps_is_noticed(pair: Pair) -> None:
    """Without the steps in between, one server writes what the other cannot read."""
    plan = pair.plan(["secrets", "configmaps"])
    pair.put("api1", plan, "final")
    pair.write("api1")
    assert {line.split(":")[0] for line in pair.unreadable()} == {"api2"}
