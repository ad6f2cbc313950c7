# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bundle.yml writes one archive without a host, and site.yml accepts it, or names what is wrong with it at once."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.site import Site

PAUSE, COREDNS = "registry.k8s.io/pause:3.10.2", "registry.k8s.io/coredns/coredns:v1.14.2"
BUSYBOX = "docker.io/library/busybox:1.37"
KUBELET = "binaries/amd64/1.36.2/kubelet"
PLAYBOOK = "playbooks/bundle.yml"


def image_archive(path: Path, *names: str) -> str:
    """Write an archive in Docker's format and return its path."""
    index = json.dumps([{"RepoTags": list(names)}]).encode()
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(index)
        archive.addfile(member, io.BytesIO(index))
    return str(path)


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a site whose images are on the controller."""
    made = Site(repository, tmp_path)
    made.variables["cluster_image_archives"] = [
        image_archive(tmp_path / "system.tar", PAUSE, COREDNS),
        image_archive(tmp_path / "test.tar", "busybox:1.37"),
    ]
    made.variables["bundle_file"] = str(tmp_path / "prod.tar")
    return made


@pytest.fixture
def path(site: Site) -> Path:
    """Return the bundle of the site."""
    done = site.run(playbook=PLAYBOOK)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(site.variables["bundle_file"])


def use(site: Site, path: Path, **variables: Any) -> None:
    """Let the site use a bundle, on a controller without anything else."""
    for name in ("cluster_binary_dir", "cluster_image_archives"):
        site.variables.pop(name, None)
    site.variables.update(cluster_bundle=str(path), cluster_mirror_url="http://127.0.0.1:9", **variables)


def refused(site: Site, *words: str, reads: bool = False) -> None:
    """Require one error with all words, and that no host was contacted, or with ``reads`` none was changed."""
    done = site.run()
    said = re.sub(r"\s+", " ", done.stdout + done.stderr)
    assert done.returncode != 0 and all(word in said for word in words), said
    # As Ansible's error, as the task's message, and perhaps as a problem; not with the chain of causes in each.
    assert said.count(words[0]) <= 3, said
    assert (site.touched() if reads else site.asked()) == []
    assert "127.0.0.1:9" not in said


def changed(output: str) -> int:
    return sum(map(int, re.findall(r"changed=(\d+)", output)))


@pytest.mark.long
def test_tar_and_sha256sum_accept_it(site: Site, path: Path, tmp_path: Path) -> None:
    place = tmp_path / "unpacked"
    place.mkdir()
    done = subprocess.run(["tar", "-xf", path, "-C", place], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=place, check=True)
    files = {str(one.relative_to(place)) for one in place.rglob("*") if one.is_file()}
    summed = {line.split()[1] for line in (place / "SHA256SUMS").read_text().splitlines()}
    assert files == summed | {"SHA256SUMS", "manifest.json"} and KUBELET in files
    assert os.access(place / KUBELET, os.X_OK)
    manifest = json.loads((place / "manifest.json").read_text())
    assert {entry["path"] for entry in manifest["files"]} == files - {"manifest.json"}
    assert manifest["verify_image"] == BUSYBOX
    packages = json.loads((place / "packages.json").read_text())
    assert packages["redhat"]["node"] == ["conntrack-tools", "iptables-nft"]
    assert packages["debian"]["systems"] == {"debian": 12, "ubuntu": 22}
    bom = json.loads((place / "sbom.cdx.json").read_text())
    named = {each["name"]: each["version"] for each in bom["components"]}
    assert (named["kubelet"], named["etcd"], named["registry.k8s.io/pause"]) == ("1.36.2", "3.6.14", "3.10.2")
    assert site.asked() == []


def test_a_second_run_changes_nothing_and_another_place_gives_the_same_bytes(site: Site, path: Path) -> None:
    before = path.stat()
    done = site.run(playbook=PLAYBOOK)
    assert done.returncode == 0 and changed(done.stdout) == 0, done.stdout
    assert path.stat().st_ino == before.st_ino
    for source in (*site.binaries.iterdir(), *map(Path, site.variables["cluster_image_archives"])):
        os.utime(source, (1, 1))
    site.variables["cluster_cache_dir"] = str(site.directory / "other")
    done = site.run("-e", f"bundle_file={site.directory}/again.tar", playbook=PLAYBOOK)
    assert changed(done.stdout) == 1
    assert (site.directory / "again.tar").read_bytes() == path.read_bytes()


@pytest.mark.long
def test_check_mode_shows_the_content_and_writes_nothing(site: Site) -> None:
    site.variables["cluster_image_archives"].pop(0)
    (site.binaries / "runc").unlink()
    done = site.run("--check", playbook=PLAYBOOK)
    said = re.sub(r"\s+", " ", done.stdout)
    assert done.returncode == 0 and changed(done.stdout) == 1, said
    for words in (KUBELET, "runc (not on the controller yet: from https://github.com/", f"{COREDNS}, {PAUSE}: in none"):
        assert words in said, said
    assert not Path(site.variables["bundle_file"]).exists() and site.asked() == []


@pytest.mark.long
def test_a_missing_image_is_named_or_left_out(site: Site) -> None:
    site.variables["cluster_image_archives"].pop(0)
    done = site.run(playbook=PLAYBOOK)
    said = re.sub(r"\s+", " ", done.stdout + done.stderr)
    assert done.returncode != 0 and f"docker save -o images.tar {COREDNS} {PAUSE}" in said
    assert [*site.directory.glob("*prod.tar*")] == []
    done = site.run("-e", "bundle_require_images=false", playbook=PLAYBOOK)
    assert done.returncode == 0 and f"nodes pull them: {COREDNS}, {PAUSE}" in re.sub(r"\s+", " ", done.stdout)
    use(site, Path(site.variables["bundle_file"]))
    site.run()
    assert len(site.touched()) == 3


@pytest.mark.long
def test_a_site_is_deployed_from_the_bundle_alone(site: Site, path: Path) -> None:
    use(site, path, cluster_bundle_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    done = site.run()
    # The hosts are reached after all checks.
    assert len(site.touched()) == 3, done.stdout + done.stderr
    assert [one.name for one in site.cache.glob("*")] != []
    assert len([*site.cache.glob(f"bundles/*/{KUBELET}")]) == 1
    # The archive is not needed to know that nothing of it has changed.
    record = next(site.cache.glob("bundles/*/.verified.json"))
    before = record.read_bytes()
    site.run("--check")
    assert record.read_bytes() == before


def test_a_tampered_file_is_named_before_any_host_is_contacted(site: Site, path: Path) -> None:
    data = path.read_bytes()
    offset = data.rindex(b'[{"RepoTags"')
    path.write_bytes(data[: offset + 20] + b"X" + data[offset + 21 :])
    use(site, path)
    refused(site, f"{path}: images/", "test.tar has sha256", "in its manifest", "copy it again")


def test_a_missing_file_is_named_before_any_host_is_contacted(site: Site, path: Path) -> None:
    subprocess.run(["tar", "--delete", "-f", path, KUBELET], check=True)
    use(site, path)
    refused(site, f"{path}: {KUBELET} is missing", "copy it again")


@pytest.mark.long
def test_a_truncated_bundle_is_refused_before_any_host_is_contacted(site: Site, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-16384])
    use(site, path)
    refused(site, f"{path}: ", "damaged or incomplete", "copy it again")


@pytest.mark.long
def test_another_archive_than_the_expected_one_is_refused(site: Site, path: Path) -> None:
    use(site, path, cluster_bundle_sha256="0" * 64)
    refused(site, f"{path}: has sha256 ", "cluster_bundle_sha256")


@pytest.mark.long
def test_other_versions_than_those_of_the_inventory_are_named(site: Site, path: Path) -> None:
    use(site, path, cluster_kubernetes_version="1.35.5", cluster_component_versions={"etcd": "3.6.13"})
    words = (
        "etcd 3.6.13 (amd64)",
        "which has etcd 3.6.14 (amd64)",
        "kubernetes 1.35.5 (amd64)",
        "playbooks/bundle.yml",
    )
    refused(site, *words, "nothing was installed", reads=True)


@pytest.mark.long
def test_an_image_that_the_bundle_lacks_is_named(site: Site, path: Path) -> None:
    use(site, path, containerd_pause_image="registry.example.org/pause:4")
    refused(site, f"{path}: has no registry.example.org/pause:4, only", PAUSE, reads=True)


@pytest.mark.long
def test_a_host_of_another_architecture_is_named(site: Site, path: Path) -> None:
    use(site, path)
    site.facts["192.0.2.13"]["ansible_architecture"] = "aarch64"
    refused(site, "etcd 3.6.14 (arm64)", "which has etcd 3.6.14 (amd64)", reads=True)


@pytest.mark.long
def test_hosts_cannot_download_from_a_bundle(site: Site, path: Path) -> None:
    use(site, path, cluster_download_from="hosts")
    refused(site, "cluster_download_from: hosts, but cluster_bundle is set", "set it to controller")
