# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding, downloading, verifying and unpacking, with a mirror of local files."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import catalog, install
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.cache import ArtifactCache, compression_pays
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.catalog import Binary
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.install import Placed
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

TOOL = Binary("tool", "1.0", "tool")
HELPER = Binary("tool", "1.0", "helper")
PLACE = "example.org/v1.0/tool-amd64.tar.gz"


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    """Return a source whose mirror has one archive of two binaries."""
    archive = tmp_path / "mirror" / PLACE
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as packed:
        for name in ("tool", "helper", "README"):
            member = tmp_path / name
            member.write_text(f"#!/bin/sh\necho {name}\n")
            packed.add(member, f"./tool-1.0/{name}")
    digest = "sha512:" + hashlib.sha512(archive.read_bytes()).hexdigest()
    entry = {
        "url": "https://example.org/v{version}/tool-{arch}.tar.gz",
        "members": {"tool": "tool-{version}/tool", "helper": "tool-{version}/helper"},
        "digests": {"1.0": {"amd64": digest}},
    }
    return {
        "cache_dir": str(tmp_path / "cache"),
        "mirror_url": f"file://{tmp_path}/mirror",
        "catalog": {"tool": entry},
    }


def store(given: dict[str, Any]) -> ArtifactCache:
    return ArtifactCache(catalog.source(given))


def test_a_download_is_verified_unpacked_and_kept(given: dict[str, Any], tmp_path: Path) -> None:
    assert store(given).local(TOOL) is None
    fetching = store(given)
    had, problems = fetching.fetch([TOOL, HELPER])
    assert problems == []
    assert fetching.downloaded == [f"{tmp_path}/cache/{PLACE}"]
    assert had[TOOL].label == "1.0"
    assert Path(had[TOOL].path).read_text() == "#!/bin/sh\necho tool\n"
    assert had[TOOL].sha256 == hashlib.sha256(Path(had[TOOL].path).read_bytes()).hexdigest()
    (tmp_path / "mirror" / PLACE).unlink()
    again = store(given)
    assert again.fetch([TOOL, HELPER]) == (had, [])
    assert again.downloaded == []
    assert again.local(HELPER) == had[HELPER]


@pytest.mark.parametrize("harm", ["truncate", "replace"])
def test_a_damaged_archive_is_deleted_and_not_used(given: dict[str, Any], tmp_path: Path, harm: str) -> None:
    cached = tmp_path / "cache" / PLACE
    cached.parent.mkdir(parents=True)
    whole = (tmp_path / "mirror" / PLACE).read_bytes()
    cached.write_bytes(whole[:100] if harm == "truncate" else b"x" * len(whole))
    (tmp_path / "mirror" / PLACE).unlink()
    had, problems = store(given).fetch([TOOL, HELPER])
    assert had == {}
    assert len(problems) == 1
    assert not cached.exists()
    (tmp_path / "mirror" / PLACE).write_bytes(whole)
    assert store(given).fetch([TOOL])[1] == []


def test_a_wrong_download_is_deleted(given: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "mirror" / PLACE).write_bytes(b"something else")
    had, problems = store(given).fetch([TOOL])
    assert had == {}
    assert "it was deleted" in problems[0]
    assert not list((tmp_path / "cache").rglob("tool*"))


def test_a_damaged_unpacked_binary_is_unpacked_again(given: dict[str, Any]) -> None:
    had, _problems = store(given).fetch([TOOL])
    Path(had[TOOL].path).write_text("damaged")
    assert store(given).local(TOOL) is None
    again, problems = store(given).fetch([TOOL])
    assert problems == []
    assert again == had


def test_without_a_digest_nothing_is_downloaded(given: dict[str, Any]) -> None:
    version = [Binary("tool", "2.0", "tool")]
    had, problems = store(given).fetch(version)
    assert had == {}
    assert "digest is unknown" in problems[0]
    assert "cluster_artifact_digests" in problems[0]
    with_digest = {**given, "digests": {"tool": {"2.0": {"amd64": "sha256:00"}}}}
    assert "mirror/example.org/v2.0" in store(with_digest).fetch(version)[1][0]


def test_everything_missing_is_reported_at_once(given: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "mirror" / PLACE).unlink()
    _had, problems = store(given).fetch([TOOL, HELPER, Binary("other", "3", "other")])
    assert [problem.split(":")[0] for problem in problems] == ["tool 1.0 (amd64)", "other 3 (amd64)"]
    assert "tool, helper" in problems[0]
    assert str(tmp_path / "cache" / PLACE) in problems[0]


def test_a_ready_binary_comes_first_and_is_named_by_its_digest(given: dict[str, Any], tmp_path: Path) -> None:
    built = tmp_path / "bin" / "1.0" / "tool"
    built.parent.mkdir(parents=True)
    built.write_text("mine")
    mine = {**given, "binary_dir": str(tmp_path / "bin")}
    local = store(mine).local(TOOL)
    sha = hashlib.sha256(b"mine").hexdigest()
    assert local is not None
    assert (local.path, local.label) == (str(built), f"1.0-{sha[:12]}")
    built.write_text("other")
    assert store(mine).local(TOOL) != local, "a rebuilt binary has another name"
    had, problems = store(mine).fetch([TOOL, HELPER])
    assert problems == []
    assert had[HELPER].label == "1.0"


def test_a_binary_of_another_architecture_does_not_count(given: dict[str, Any], tmp_path: Path) -> None:
    flat = tmp_path / "bin" / "tool"
    flat.parent.mkdir()
    flat.write_bytes(b"\x7fELF" + bytes(14) + b"\xb7\x00")
    assert store({**given, "binary_dir": str(flat.parent)}).local(TOOL) is None
    arm = store({**given, "binary_dir": str(flat.parent), "architecture": "arm64"}).local(TOOL)
    assert arm is not None


def test_missing_binaries_name_their_source_and_target(given: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "mirror" / PLACE).unlink()
    (line,) = store(given).fetch([TOOL, HELPER])[1]
    for part in (
        "tool, helper",
        f"file://{tmp_path}/mirror/{PLACE}",
        f"{tmp_path}/cache/{PLACE}",
        "cluster_binary_dir",
    ):
        assert part in line


def test_hosts_download_what_has_a_digest_and_is_not_in_binary_dir(given: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "helper").write_text("mine")
    of_hosts = {**given, "download_from": "hosts", "binary_dir": str(tmp_path / "bin")}
    unknown, strange = Binary("tool", "2.0", "tool"), Binary("tool", "1.0", "strange")
    wanted = [TOOL, HELPER, unknown, strange]
    assert catalog.host_downloads(catalog.source({**of_hosts, "download_from": "controller"}), wanted) == []
    (download,) = catalog.host_downloads(catalog.source(of_hosts), wanted)
    assert download["url"] == f"file://{tmp_path}/mirror/{PLACE}"
    assert download["digest"].startswith("sha512:")
    assert download["members"] == {"tool": "tool-1.0/tool"}
    assert catalog.for_controller(catalog.source(of_hosts), wanted) == [HELPER, unknown, strange]
    assert catalog.for_controller(catalog.source({**of_hosts, "download_from": "controller"}), wanted) == wanted


def test_a_download_that_is_the_binary_itself_has_no_member(given: dict[str, Any]) -> None:
    entry = {**given["catalog"]["tool"], "url": "https://example.org/tool-{arch}"}
    src = catalog.source({**given, "catalog": {"tool": entry}, "download_from": "hosts"})
    assert catalog.host_downloads(src, [TOOL])[0]["members"] == {"tool": ""}


def test_a_binary_that_the_archive_lacks_is_refused_before_the_download(given: dict[str, Any]) -> None:
    fetching = store(given)
    _had, problems = fetching.fetch([Binary("tool", "1.0", "strange")])
    assert "strange is not in the download" in problems[0]
    assert fetching.downloaded == []


def test_compression_pays_on_slow_connections_and_earlier_with_an_available_copy() -> None:
    assert not compression_pays(0, prepared=True), "nothing was measured"
    assert compression_pays(12e6, prepared=False), "100 Mbit/s"
    assert compression_pays(6e6, prepared=False), "1 Gbit/s shared by 20 hosts"
    assert compression_pays(60e6, prepared=True)
    assert not compression_pays(60e6, prepared=False), "the host would wait for the compression"
    assert not compression_pays(117e6, prepared=True), "1 Gbit/s for one host"


def test_a_compressed_copy_is_made_once_and_removed_when_unused(given: dict[str, Any]) -> None:
    cache = store(given)
    local = cache.fetch([TOOL])[0][TOOL]
    path = Path(cache.compressed(local))
    assert gzip.decompress(path.read_bytes()) == Path(local.path).read_bytes()
    made = path.stat().st_ino
    os.utime(path, (0, 0))
    assert Path(store(given).compressed(local)).stat().st_ino == made
    os.utime(path, (0, 0))
    helper = cache.fetch([HELPER])[0][HELPER]
    assert [entry.name for entry in Path(cache.compressed(helper)).parent.iterdir()] == [f"{helper.sha256}.gz"]


def test_a_file_that_changed_since_it_was_read_is_not_compressed(given: dict[str, Any]) -> None:
    cache = store(given)
    local = cache.fetch([TOOL])[0][TOOL]
    Path(local.path).write_text("changed")
    with pytest.raises(HardwayError, match="changed during this run"):
        cache.compressed(local)
    assert not list(Path(cache.compressed_path(local)).parent.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="binaries on hosts belong to root")
def test_a_compressed_upload_is_installed_for_several_binaries(tmp_path: Path) -> None:
    root, upload = str(tmp_path / "opt"), tmp_path / "upload.gz"
    upload.write_bytes(gzip.compress(b"right"))
    first, second = (Placed("tool", label, "tool", "/a", hashlib.sha256(b"right").hexdigest()) for label in "12")
    install.install(first, root, str(upload), keep_upload=True)
    install.install(second, root, str(upload))
    assert not upload.exists()
    assert install.present(first, root, reread=True) and install.present(second, root, reread=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="binaries on hosts belong to root")
# Names, because the workers that run the tests must collect the same: compressed data have the time in them.
@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"right")[:-9], gzip.compress(b"wrong")],
    ids=["no gzip", "cut off", "of another file"],
)
def test_a_damaged_compressed_upload_is_deleted(tmp_path: Path, content: bytes) -> None:
    upload = tmp_path / "upload.gz"
    upload.write_bytes(content)
    wanted = Placed("tool", "1", "tool", "/a", hashlib.sha256(b"right").hexdigest())
    with pytest.raises(HardwayError, match=r"tool: received .* and deleted.*; run again"):
        install.install(wanted, str(tmp_path / "opt"), str(upload))
    assert not list((tmp_path / "opt/tool/1").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="binaries on hosts belong to root")
def test_the_host_keeps_two_versions_and_switches_the_link(tmp_path: Path) -> None:
    root, dest = str(tmp_path / "opt"), str(tmp_path / "bin")
    for number in ("1", "2", "3"):
        upload = tmp_path / "upload"
        upload.write_text(number)
        wanted = Placed("tool", number, "tool", dest, hashlib.sha256(number.encode()).hexdigest())
        assert not install.present(wanted, root)
        install.install(wanted, root, str(upload))
        install.link(wanted, root)
        install.prune(wanted, root, 2)
        assert install.present(wanted, root)
        assert (tmp_path / "bin" / "tool").read_text() == number
    assert sorted(path.name for path in (tmp_path / "opt" / "tool").iterdir()) == ["2", "3"]
    Path(wanted.path(root)).write_text("damaged")
    assert not install.present(wanted, root)


@pytest.fixture
def installed(tmp_path: Path) -> tuple[Placed, str, Path]:
    """Return a binary on a host, its root, and its file."""
    (tmp_path / "upload").write_text("right")
    wanted = Placed("tool", "1", "tool", str(tmp_path / "bin"), hashlib.sha256(b"right").hexdigest())
    root = str(tmp_path / "opt")
    install.install(wanted, root, str(tmp_path / "upload"))
    return wanted, root, Path(wanted.path(root))


@pytest.mark.skipif(os.geteuid() != 0, reason="binaries on hosts belong to root")
@pytest.mark.parametrize("way", ["in place", "renamed"])
def test_another_binary_of_the_same_size_and_time_is_not_the_wanted_one(
    installed: tuple[Placed, str, Path], way: str
) -> None:
    wanted, root, path = installed
    times = path.stat()
    time.sleep(0.02)
    target = path if way == "in place" else path.with_name("new")
    target.write_text("wrong")
    target.chmod(0o755)
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
    target.replace(path)
    assert not install.present(wanted, root)
    assert install.digest_of(str(path)) == hashlib.sha256(b"wrong").hexdigest()


@pytest.mark.skipif(os.geteuid() != 0, reason="binaries on hosts belong to root")
def test_a_binary_is_read_when_it_was_touched_or_cached_results_are_not_used(
    installed: tuple[Placed, str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, root, path = installed
    read: list[str] = []

    def digest(path: str) -> str:
        read.append(path)
        return wanted.sha256

    monkeypatch.setattr(install.digests, "of_file", digest)
    assert install.present(wanted, root)
    assert install.digest_of(str(path)) == wanted.sha256
    assert not read
    assert install.present(wanted, root, reread=True)
    assert len(read) == 1
    time.sleep(0.02)
    os.utime(path)
    assert install.present(wanted, root)
    assert len(read) == 2
    install.refresh(wanted, root)
    assert install.present(wanted, root)
    assert len(read) == 2


def test_the_catalog_is_complete(repository: Path) -> None:
    known = yaml.safe_load((repository / "roles/cluster/vars/main/versions.yml").read_text())
    for name, entry in known["_cluster_catalog"].items():
        assert entry["default"] in entry["digests"], name
        for digests in entry["digests"].values():
            assert set(digests) == {"amd64", "arm64"}
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", digest) for digest in digests.values())
    minors = known["_cluster_tested_with"]
    versions = known["_cluster_catalog"]["kubernetes"]["digests"]
    assert {version.rpartition(".")[0] for version in versions} == set(minors)
    for tested in minors.values():
        assert tested["etcd"] in known["_cluster_catalog"]["etcd"]["digests"]
