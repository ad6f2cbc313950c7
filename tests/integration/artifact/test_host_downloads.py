# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module artifact on a host that downloads itself, from a mirror on the loopback."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dev.tools.lab import TOP, tool
from tests.support.hosts.file_mirror import Behaviour, mirror

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="binaries on hosts belong to root")
COMPONENTS = [
    {"name": "tool", "version": "1.0", "binaries": ["tool", "helper"], "dest": "TOP/links"},
    {"name": "plain", "version": "2.0", "binaries": ["plain"], "dest": "TOP/links"},
]


@dataclass
class Setup:
    """A mirror, and a host that lacks what it has."""

    directory: Path
    source: dict[str, Any]
    mirror: Behaviour

    def run(self, *arguments: str, source: dict[str, Any] | None = None, **options: Any) -> tuple[str, dict[str, Any]]:
        """Run the module; return how it ended and its result."""
        environment = {name: options.pop(name) for name in list(options) if name.isupper()}
        given = {"components": COMPONENTS, "source": {**self.source, **(source or {})}, "root": "TOP/opt", **options}
        text = json.dumps(given).replace("TOP", str(self.directory))
        command = [tool("ansible"), "localhost", "-m", "hardway.kubernetes.artifact", "-a", text, *arguments]
        settings = {
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        }
        done = subprocess.run(
            command, cwd=TOP, env={**os.environ, **settings, **environment}, capture_output=True, text=True, check=False
        )
        found = re.search(r"^localhost \| (\w+)!? => (\{.*?^\})", done.stdout, re.DOTALL | re.MULTILINE)
        assert found, done.stdout + done.stderr
        return found[1], dict(json.loads(found[2]))

    def tree(self) -> dict[str, bytes | str]:
        """Return what is on the host: contents, targets of links, and the digests on record."""
        found: dict[str, bytes | str] = {}
        for top in (self.directory / "opt", self.directory / "links"):
            for path in sorted(top.rglob("*")):
                name = str(path.relative_to(self.directory))
                if path.is_symlink():
                    found[name] = str(path.readlink())
                elif path.name == ".sha256.json":
                    # Size and digest; the rest is of the inode.
                    found[name] = str({key: value[:2] for key, value in json.loads(path.read_text()).items()})
                elif path.is_file():
                    found[name] = path.read_bytes()
        return found

    def remove(self) -> None:
        """Remove everything from the host."""
        subprocess.run(["rm", "-rf", self.directory / "opt", self.directory / "links"], check=True)


def write_mirror(directory: Path) -> dict[str, Any]:
    """Write a mirror with an archive of two binaries, and one binary; return the catalog."""
    archive, plain = directory / "example.org/v1.0/tool-amd64.tar.gz", directory / "example.org/plain-2.0-amd64"
    archive.parent.mkdir(parents=True)
    plain.write_bytes(os.urandom(300_000))
    with tarfile.open(archive, "w:gz") as packed:
        for name in ("tool", "helper", "README"):
            (directory / name).write_bytes(os.urandom(200_000))
            packed.add(directory / name, f"./tool-1.0/{name}")
    digests = [hashlib.sha512(archive.read_bytes()), hashlib.sha256(plain.read_bytes())]
    members = {"tool": "tool-{version}/tool", "helper": "tool-{version}/helper"}
    return {
        "tool": {
            "url": "https://example.org/v{version}/tool-{arch}.tar.gz",
            "members": members,
            "digests": {"1.0": {"amd64": f"sha512:{digests[0].hexdigest()}"}},
        },
        "plain": {
            "url": "https://example.org/plain-{version}-{arch}",
            "members": {"plain": "plain"},
            "digests": {"2.0": {"amd64": f"sha256:{digests[1].hexdigest()}"}},
        },
    }


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    """Return a mirror and a host."""
    (tmp_path / "mirror").mkdir()
    catalog = write_mirror(tmp_path / "mirror")
    with mirror(tmp_path / "mirror") as (address, behaviour):
        source = {"cache_dir": f"{tmp_path}/cache", "catalog": catalog, "mirror_url": address, "download_from": "hosts"}
        yield Setup(tmp_path, source, behaviour)


def sizes(setup: Setup) -> dict[str, int]:
    top = setup.directory / "mirror" / "example.org"
    return {path.name: path.stat().st_size for path in top.rglob("*") if path.is_file()}


def test_both_sources_give_the_same_and_then_nothing_changes(setup: Setup) -> None:
    end, result = setup.run("--check")
    assert (end, setup.mirror.asked, setup.tree()) == ("CHANGED", [], {})
    end, result = setup.run()
    assert end == "CHANGED", result
    assert sorted(path for path, _offset, _user in setup.mirror.asked) == [
        "/example.org/plain-2.0-amd64",
        "/example.org/v1.0/tool-amd64.tar.gz",
    ]
    assert (result["bytes_sent"], result["bytes_downloaded"]) == (0, sum(sizes(setup).values()))
    assert result["msg"] == f"{sum(sizes(setup).values()) / 1e6:.1f} MB downloaded by the host"
    assert not (setup.directory / "cache" / "example.org").exists(), "the controller downloads nothing"
    assert not (setup.directory / "opt" / ".downloads").exists()
    of_hosts = setup.tree()
    assert len(of_hosts) == 8
    again = [setup.run(*flags, source=source)[0] for flags in ((), ("--check",)) for source in ({}, FROM_CONTROLLER)]
    assert again == ["SUCCESS"] * 4
    setup.remove()
    end, result = setup.run(source=FROM_CONTROLLER)
    assert setup.tree() == of_hosts
    assert result["bytes_downloaded"] == 0
    assert (
        result["bytes_sent"]
        == sum((setup.directory / "mirror" / name).stat().st_size for name in ("tool", "helper")) + 300_000
    )
    assert [setup.run(source=source)[0] for source in (FROM_CONTROLLER, {})] == ["SUCCESS", "SUCCESS"]


FROM_CONTROLLER = {"download_from": "controller"}


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ({"status": 404}, "tool-amd64.tar.gz answers 404 Not Found"),
        ({"cut": 1000}, r"tool-amd64.tar.gz ended after 1000 of \d+ bytes"),
        ({"directory": "wrong"}, "tool-amd64.tar.gz gave a file with sha512 .* it was deleted"),
    ],
)
def test_a_failed_download_is_one_clear_error_and_no_link_changes(
    setup: Setup, harm: dict[str, Any], message: str
) -> None:
    right = setup.mirror.directory
    if "directory" in harm:
        write_mirror(setup.directory / "wrong")
        harm = {"directory": setup.directory / "wrong"}
    for name, value in harm.items():
        setattr(setup.mirror, name, value)
    end, result = setup.run()
    assert end == "FAILED"
    assert re.search(message, result["msg"]), result["msg"]
    assert "2 downloads failed on this host; no link changed" in result["msg"]
    assert "cluster_download_from: controller" in result["msg"]
    assert {name for name in setup.tree() if ".downloads" not in name} == set()
    setup.mirror.status, setup.mirror.cut, setup.mirror.directory = 200, None, right
    end, result = setup.run()
    assert end == "CHANGED"
    kept = 2000 if "cut" in harm else 0
    assert result["bytes_downloaded"] == sum(sizes(setup).values()) - kept, "what had come is not fetched again"
    assert not (setup.directory / "opt" / ".downloads").exists()
    assert setup.run()[0] == "SUCCESS"


def test_a_file_without_a_known_digest_is_not_even_requested(setup: Setup) -> None:
    components = [{"name": "tool", "version": "9.9", "binaries": ["tool"], "dest": "TOP/links"}]
    for more in ({}, {"download_only": True}):
        end, result = setup.run(components=components, **more)
        assert end == "FAILED"
        assert "digest is unknown" in result["msg"]
    assert setup.mirror.asked == []


def test_the_controller_downloads_nothing_ahead(setup: Setup) -> None:
    end, result = setup.run(download_only=True)
    assert (end, result["bytes_downloaded"], setup.mirror.asked) == ("SUCCESS", 0, [])


def test_ready_binaries_of_the_controller_come_first(setup: Setup) -> None:
    (setup.directory / "bin").mkdir()
    for name in ("plain", "helper"):
        (setup.directory / "bin" / name).write_text("#!/bin/sh\n# ready\n")
    end, result = setup.run(source={"binary_dir": "TOP/bin"})
    assert end == "CHANGED", result
    assert [path for path, _offset, _user in setup.mirror.asked] == ["/example.org/v1.0/tool-amd64.tar.gz"]
    assert result["bytes_downloaded"] == sizes(setup)["tool-amd64.tar.gz"]
    # Both are of the same content, which travels once.
    assert result["bytes_sent"] == len("#!/bin/sh\n# ready\n")
    assert (setup.directory / "links" / "plain").read_text() == (setup.directory / "links" / "helper").read_text()
    assert setup.run(source={"binary_dir": "TOP/bin"})[0] == "SUCCESS"


def test_the_certificate_of_the_mirror_is_verified(setup: Setup) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out crt -days 2"
    names = ["-subj", "/CN=mirror", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *names], cwd=setup.directory, check=True, capture_output=True)
    both = setup.directory / "both.pem"
    both.write_text((setup.directory / "key").read_text() + (setup.directory / "crt").read_text())
    with mirror(setup.directory / "mirror", both) as (address, behaviour):
        end, result = setup.run(source={"mirror_url": address})
        assert end == "FAILED"
        assert "CERTIFICATE_VERIFY_FAILED" in result["msg"]
        assert behaviour.asked == []
        end, result = setup.run(source={"mirror_url": address}, SSL_CERT_FILE=str(setup.directory / "crt"))
        assert end == "CHANGED", result
