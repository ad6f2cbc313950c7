# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module artifact: one download for two hosts at once, over HTTP, installed, upgraded, rolled back, repaired."""

from __future__ import annotations

import functools
import hashlib
import http.server
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.sandbox import Lab, lab
from tests.support.repository import SANDBOX

URL = "https://example.org/v{version}/tool-{arch}.tar.gz"


class Mirror(http.server.SimpleHTTPRequestHandler):
    """A mirror that counts its downloads."""

    asked: list[str] = []

    def do_GET(self) -> None:
        """Serve a file."""
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return two hosts."""
    with lab(tmp_path_factory.mktemp("artifact"), 2) as ready:
        yield ready


@pytest.fixture(scope="module")
def source(hosts: Lab) -> Iterator[dict[str, Any]]:
    """Return a source whose mirror serves two versions of a tool; the controller's network is the sandbox's."""
    digests = {}
    for version in ("1.0", "2.0"):
        archive = hosts.directory / "mirror" / "example.org" / f"v{version}" / "tool-amd64.tar.gz"
        archive.parent.mkdir(parents=True)
        tool = hosts.directory / "tool"
        tool.write_text(f"#!/bin/sh\necho {version}\n")
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(tool, "bin/tool")
        digests[version] = {"amd64": "sha256:" + hashlib.sha256(archive.read_bytes()).hexdigest()}
    yield {
        "cache_dir": str(hosts.directory / "cache"),
        "mirror_url": f"file://{hosts.directory}/mirror",
        "catalog": {"tool": {"url": URL, "members": {"tool": "bin/tool"}, "digests": digests}},
    }


def task(source: dict[str, Any], version: str, **more: Any) -> dict[str, Any]:
    """Return the task under test."""
    components = [{"name": "tool", "version": version, "binaries": ["tool"]}]
    return {"hardway.kubernetes.artifact": {"components": components, "source": source, **more}}


def changed(results: dict[str, dict[str, Any]]) -> set[bool]:
    return {result["changed"] for result in results.values()}


def test_a_controller_with_an_empty_cache_downloads_once_over_http(source: dict[str, Any], hosts: Lab) -> None:
    handler = functools.partial(Mirror, directory=str(hosts.directory / "mirror"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    over_http = {
        **source,
        "mirror_url": f"http://127.0.0.1:{server.server_port}",
        "cache_dir": f"{hosts.directory}/http",
    }
    try:
        from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import catalog
        from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.cache import ArtifactCache

        wanted = [catalog.Binary("tool", "1.0", "tool")]
        threads = [
            threading.Thread(target=lambda: ArtifactCache(catalog.source(over_http)).fetch(wanted)) for _n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        server.shutdown()
    assert Mirror.asked == ["/example.org/v1.0/tool-amd64.tar.gz"]
    assert Path(hosts.directory, "http/example.org/v1.0/tool-amd64.tar.gz").is_file()


def test_check_apply_check_apply(hosts: Lab, source: dict[str, Any]) -> None:
    predicted = hosts.play(task(source, "1.0"), check=True)
    assert changed(predicted) == {True}
    assert not Path(source["cache_dir"], "example.org").exists(), "check mode downloads nothing"
    applied = hosts.play(task(source, "1.0"))
    assert applied["n1"]["paths"] == predicted["n1"]["paths"] == {"tool": "/opt/hardway/tool/1.0/tool"}
    assert set(hosts.everywhere("tool").values()) == {"1.0"}
    assert set(hosts.everywhere("stat -L -c '%a %U' /usr/local/bin/tool").values()) == {"755 root"}
    for check in (True, False):
        assert changed(hosts.play(task(source, "1.0"), check=check)) == {False}


def test_an_installed_host_needs_nothing_from_the_controller(hosts: Lab, source: dict[str, Any]) -> None:
    elsewhere = {**source, "cache_dir": str(hosts.directory / "empty"), "mirror_url": "file:///nowhere"}
    assert changed(hosts.play(task(elsewhere, "1.0"))) == {False}


def test_upgrade_and_rollback(hosts: Lab, source: dict[str, Any]) -> None:
    assert changed(hosts.play(task(source, "2.0"))) == {True}
    assert set(hosts.everywhere("tool").values()) == {"2.0"}
    back = hosts.play(task(source, "1.0"))
    assert changed(back) == {True}
    assert back["n1"]["installed"] == [], "the old version was kept"
    assert set(hosts.everywhere("tool").values()) == {"1.0"}


def test_staging_leaves_the_version_in_use(hosts: Lab, source: dict[str, Any]) -> None:
    hosts.inside("n1", "rm -r /opt/hardway/tool/2.0 /usr/local/bin/tool")
    hosts.inside("n2", "rm -r /opt/hardway/tool/2.0")
    staged = hosts.play(task(source, "2.0", stage=True))
    assert changed(staged) == {True}
    assert hosts.everywhere("tool") == {"n1": "2.0", "n2": "1.0"}
    assert hosts.inside("n2", "/opt/hardway/tool/2.0/tool") == "2.0"
    assert changed(hosts.play(task(source, "2.0", stage=True))) == {False}
    assert changed(hosts.play(task(source, "1.0"))) == {True, False}


def test_a_damaged_binary_is_replaced(hosts: Lab, source: dict[str, Any]) -> None:
    hosts.inside("n2", "truncate -s 3 /opt/hardway/tool/1.0/tool")
    results = hosts.play(task(source, "1.0"))
    assert (results["n1"]["changed"], results["n2"]["changed"]) == (False, True)
    assert hosts.inside("n2", "tool") == "1.0"


def test_a_binary_of_the_same_size_and_time_is_replaced(hosts: Lab, source: dict[str, Any]) -> None:
    """Not even cached results hide it; without them every binary is read."""
    read = {"hardway.kubernetes.cached_results": {"use": False}, "register": "_host_cached_results", "no_log": True}
    assert changed(hosts.play(read, task(source, "1.0"))) == {False}
    path = "$(readlink /usr/local/bin/tool)"
    other = f"tr 01 12 <{path} >/tmp/other; cat /tmp/other >{path}"
    hosts.everywhere(f"touch -r {path} /tmp/time; {other}; touch -r /tmp/time {path}")
    assert set(hosts.everywhere("tool").values()) == {"2.1"}
    assert changed(hosts.play(task(source, "1.0"))) == {True}
    assert set(hosts.everywhere("tool").values()) == {"1.0"}
    assert changed(hosts.play(read, task(source, "1.0"))) == {False}


def test_a_compressed_binary_is_the_same_and_travels_once(hosts: Lab, source: dict[str, Any]) -> None:
    (hosts.directory / "ready").mkdir()
    for name in ("first", "second"):
        (hosts.directory / "ready" / name).write_bytes(b"#!/bin/sh\n" + b"# the same\n" * 10_000)
    ready = {**source, "binary_dir": str(hosts.directory / "ready")}
    components = [{"name": "pair", "version": "1", "binaries": ["first", "second"]}]
    sent = {}
    for compression in ("never", "always"):
        hosts.everywhere("rm -rf /opt/hardway/pair")
        result = hosts.play(task({**ready, "compression": compression}, "", components=components))["n1"]
        sent[compression] = result["bytes_sent"]
        assert result["msg"] == f"{result['bytes_sent'] / 1e6:.1f} MB sent by the controller"
        assert len(set(hosts.inside("n1", "sha256sum /usr/local/bin/first /usr/local/bin/second").split())) == 3
    assert sent["never"] == 110_010
    assert sent["always"] < 2000
    assert changed(hosts.play(task({**ready, "compression": "always"}, "", components=components))) == {False}


def test_a_failed_download_is_reported_and_nothing_is_installed(hosts: Lab, source: dict[str, Any]) -> None:
    results = hosts.play(task(source, "3.0"))
    assert all("digest is unknown" in result["msg"] for result in results.values())
    assert set(hosts.everywhere("ls /opt/hardway/tool").values()) == {"1.0\n2.0"}
    assert set(hosts.everywhere("ls /root/.ansible/tmp 2>/dev/null | wc -l").values()) == {"0"}


def test_hosts_download_from_a_mirror_that_they_reach(hosts: Lab, source: dict[str, Any]) -> None:
    serve = [sys.executable, "-m", "http.server", "--directory", str(hosts.directory / "mirror"), "8000"]
    server = subprocess.Popen([SANDBOX, "run", "--name", hosts.name, "--", *serve], stderr=subprocess.DEVNULL)
    hosts.everywhere("rm -rf /opt/hardway/tool /usr/local/bin/tool")
    gateway = hosts.addresses["n1"].rpartition(".")[0] + ".1"
    of_hosts = {**source, "mirror_url": f"http://{gateway}:8000", "download_from": "hosts", "cache_dir": "/nowhere"}
    try:
        hosts.inside(
            "n1", f"for n in $(seq 100); do curl -so /dev/null {gateway}:8000 && exit; sleep 0.1; done; exit 1"
        )
        results = hosts.play(task(of_hosts, "1.0"))
        assert changed(results) == {True}
        assert {result["bytes_sent"] for result in results.values()} == {0}
        assert all(result["bytes_downloaded"] > 0 for result in results.values())
        assert set(hosts.everywhere("tool").values()) == {"1.0"}
        for check in (True, False):
            assert changed(hosts.play(task(of_hosts, "1.0"), check=check)) == {False}
            assert changed(hosts.play(task(source, "1.0"), check=check)) == {False}
    finally:
        server.terminate()
        server.wait()
