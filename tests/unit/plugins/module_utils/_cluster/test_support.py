# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What support gets of a host, and the archive of it."""

from __future__ import annotations

import base64
import gzip
import json
import os
import stat
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import support_bundle, support_probe
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

DEFAULTS: dict[str, Any] = {
    "units": [],
    "since": "2h",
    "lines": 9,
    "directories": [],
    "urls": [],
    "api": None,
    "timeout": 1,
}
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----\n"


class Host:
    """Answers commands as a host does, and remembers them."""

    def __init__(self, **printed: str) -> None:
        """Print these by program."""
        self.printed = printed
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str]) -> tuple[int, str, str]:
        """Return what the command prints; most programs are not installed."""
        self.commands.append(command)
        if command[:2] == ["systemctl", "show"]:
            names = command[command.index("--") + 1 :]
            states = {name: "not-found" if name == "none" else "loaded" for name in names}
            return 0, "\n\n".join(f"Id={name}.service\nLoadState={state}" for name, state in states.items()), ""
        program = command[len(support_probe.COMMAND)]
        return (0, self.printed[program], "") if program in self.printed else (127, "", "No such file or directory")


def gathered(host: Any, **params: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the files, and the rest of the result."""
    result = support_probe.gather({**DEFAULTS, **params}, host)
    return json.loads(gzip.decompress(base64.b64decode(result.pop("content")))), result


def test_configuration_without_secrets_which_are_replaced_in_journals_too(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, text in {
        "keepalived.conf": "auth_type PASS\nauth_pass Tr0ub4do\n",
        "sub/backup.passphrase": "correct horse\n",
        "sub/data.bin": "x",
        "x.crt": KEY,
        "x.key": KEY,
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "link.conf").symlink_to("/etc/shadow")
    host = Host(journalctl="got Tr0ub4do and correct horse and MIIEvQIBADANBgkqhkiG\n")
    files, result = gathered(host, directories=[str(tmp_path)], units=["kubelet", "none"])
    assert not any(secret in str((files, result)) for secret in ("Tr0ub4do", "horse", "MIIEv"))
    assert files[f"config{tmp_path}/keepalived.conf"] == "auth_type PASS\nauth_pass (redacted)\n"
    assert [name for name in files if name.startswith("config")] == [f"config{tmp_path}/keepalived.conf"]
    assert files["journal/kubelet.log"] == "got (redacted) and (redacted) and (redacted)\n"
    assert "journal/none.log" not in files
    # They are listed all the same.
    assert all(f"{tmp_path}/{name}" in files["files.txt"] for name in ("x.key", "x.crt", "sub/data.bin"))
    listed = [error.rpartition("/")[2] for error in result["errors"] if "only listed" in error]
    assert listed == [
        "backup.passphrase: only listed: a secret",
        "data.bin: only listed: no configuration file",
        "x.crt: only listed: has a private key",
        "x.key: only listed: a secret",
    ]
    (journal,) = [command for command in host.commands if "--unit" in command]
    assert {"--since=-7200s", "--lines=9"} <= set(journal)


def test_a_long_text_is_shortened_after_its_secrets_are_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.conf").write_text("password: 0123456789abcdef\n", encoding="utf-8")
    monkeypatch.setattr(support_probe, "MAX_TEXT", 30)
    # The end of the secret is where the kept part begins.
    host = Host(journalctl=f"{'x' * 99}0123456789abcdef{'y' * 24}")
    files, _result = gathered(host, directories=[str(tmp_path)], units=["kubelet"])
    assert files["journal/kubelet.log"].endswith("acted)" + "y" * 24)
    assert "abcdef" not in files["journal/kubelet.log"]


def test_a_program_that_fails_is_reported_and_hides_nothing() -> None:
    def failing(command: list[str]) -> tuple[int, str, str]:
        return (1, "", "password=abc") if "--inodes" in command else (0, "fine\n", "")

    files, result = gathered(failing)
    assert files["system/uptime.txt"] == "fine\n"
    assert any(error.startswith("system/inodes.txt: ") and "(redacted)" in error for error in result["errors"])


def test_since_must_be_a_duration() -> None:
    with pytest.raises(HardwayError, match="since 'yesterday': not a duration"):
        gathered(Host(), since="yesterday")


def test_a_dead_api_is_one_error() -> None:
    api = {"servers": ["https://127.0.0.1:9"], "ca": None, "cert": None, "key": None, "nodes": []}
    _files, result = gathered(Host(), api=api)
    assert [error.partition(":")[0] for error in result["errors"] if "no server is ready" in error] == ["cluster"]


def test_objects_without_what_environments_may_have() -> None:
    pod = {
        "metadata": {"name": "p", "managedFields": [1], "annotations": {"kubectl.kubernetes.io/x": "y", "a": "b"}},
        "spec": {"nodeName": "n1", "containers": [{"env": ["x"]}], "initContainers": ["x"], "volumes": ["x"]},
        "status": {"phase": "Running"},
    }
    (shown,) = json.loads(support_probe.described({"items": [pod]}))
    assert shown == {
        "metadata": {"name": "p", "annotations": {"a": "b"}},
        "spec": {"nodeName": "n1"},
        "status": {"phase": "Running"},
    }


def test_a_table_as_kubectl_shows_it() -> None:
    rows = [{"cells": ["node1", 5]}, {"cells": ["n", None]}]
    answer = {"columnDefinitions": [{"name": "Name"}, {"name": "Age"}], "rows": rows}
    assert support_probe.table(answer) == "NAME    AGE\nnode1   5\nn\n"


def test_the_archive_lists_what_it_lacks_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    part, path = tmp_path / "part", tmp_path / "a.tar.gz"
    sent = {"../../x": "1", "journal/etcd.log": "2", "cluster/nodes.txt": "3"}
    part.write_bytes(gzip.compress(json.dumps(sent).encode()))
    hosts: dict[str, dict[str, Any]] = {
        "n1": {"part": str(part), "count": 3, "redacted": 7, "errors": ["x: y"]},
        "n2": {"unreachable": True, "msg": "Connection\ntimed out"},
        "n3": {},
    }
    size = support_bundle.write(str(path), "a", {"status.json": '{"token": "t0"}'}, hosts)
    assert size == path.stat().st_size and stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as archive:
        texts = {entry.name: archive.extractfile(entry).read().decode() for entry in archive}  # type: ignore[union-attr]
    assert set(texts) == {"a/index.txt", "a/status.json", "a/x", "a/hosts/n1/journal/etcd.log", "a/cluster/nodes.txt"}
    assert "n2: Connection timed out" in texts["a/index.txt"] and "n3: not reached" in texts["a/index.txt"]
    assert "  x: y\n" in texts["a/index.txt"] and "t0" not in texts["a/status.json"]


def test_an_archive_of_many_hosts_needs_no_more_memory_than_one_of_few(tmp_path: Path) -> None:
    peaks = {}
    for number in (2, 20):
        hosts = {}
        for host in (f"n{n}" for n in range(number)):
            part = tmp_path / host
            # Of which nothing can be compressed but the notation.
            part.write_bytes(gzip.compress(json.dumps({"journal/etcd.log": os.urandom(250_000).hex()}).encode()))
            hosts[host] = {"part": str(part), "count": 1, "redacted": 0, "errors": []}
        tracemalloc.start()
        size = support_bundle.write(str(tmp_path / "a.tar.gz"), "a", {}, hosts)
        peaks[number] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size > number * 250_000
    assert peaks[20] < 1.5 * peaks[2]


def test_an_archive_that_fails_leaves_the_former_one_and_nothing_else(tmp_path: Path) -> None:
    part, path = tmp_path / "part", tmp_path / "a.tar.gz"
    part.write_bytes(gzip.compress(b"no JSON"))
    path.write_bytes(b"former")
    with pytest.raises(ValueError, match="Expecting value"):
        support_bundle.write(str(path), "a", {}, {"n1": {"part": str(part), "count": 0, "redacted": 0, "errors": []}})
    assert path.read_bytes() == b"former" and {one.name for one in tmp_path.iterdir()} == {"part", "a.tar.gz"}
