# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a user has it: built, installed, run from elsewhere, with this ansible-core and with the newest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.ansible_cores import programs
from tests.support.hosts.site import Site

SHIPPED = {"changelogs", "docs", "examples", "inventory.example", "meta", "playbooks", "plugins", "roles"}
FILES = {"CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "bindep.txt", "requirements.txt"}
FILES |= {f"{name}.md" for name in ("CODE_OF_CONDUCT", "CONTRIBUTING", "MAINTAINERS", "SECURITY")}
# What a clone in use has beside the files in git: secrets first of all.
LEFT_BEHIND = (
    ".pki/ca.key",
    "pki/ca.key",
    "inventory/.pki/ca.key",
    "inventory.example/ha/.pki/ca.key",
    "inventory.example/ha/pki/etcd/ca.key",
    ".venv/bin/python",
    ".cache/newest-core/bin/python",
    "build/demo/inventory/hosts.yml",
    "tests/output/junit.xml",
)


@pytest.fixture(scope="module")
def archive(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the archive, built in a clone that is in use."""
    clone = tmp_path_factory.mktemp("clone")
    # What is not committed yet counts where it would be shipped; a user's notes at the top are not part of this.
    others = ["--others", "--exclude-standard", "--", *sorted(SHIPPED)]
    for more in ["--cached"], others:
        listed = ["git", "ls-files", "-z", *more]
        names = subprocess.run(listed, cwd=repository, check=True, capture_output=True, text=True).stdout
        for name in (name for name in names.split("\0") if name and (repository / name).is_file()):
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, clone / name)
    for name in LEFT_BEHIND:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    galaxy("own", repository, clone, "build", "--output-path", str(clone / "build"))
    (built,) = (clone / "build").glob("hardway-kubernetes-*.tar.gz")
    return built


def galaxy(core: str, repository: Path, place: Path, *arguments: str) -> None:
    """Run ansible-galaxy as a user, without the settings of the clone."""
    command = [str(programs(core, repository) / "ansible-galaxy"), "collection", *arguments]
    done = subprocess.run(command, cwd=place, env=user_environment(place), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def user_environment(collections: Path) -> dict[str, str]:
    """Return an environment without the settings of the clone, but with what the tests' ssh needs."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    settings = {"ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3", "ANSIBLE_PIPELINING": "1"}
    return {**others, "ANSIBLE_COLLECTIONS_PATH": str(collections), **settings}


def test_the_archive_holds_what_is_shipped_and_nothing_else(archive: Path) -> None:
    with tarfile.open(archive) as packed:
        names = [name for name in packed.getnames() if name != "."]
    assert {name.partition("/")[0] for name in names} == SHIPPED | FILES
    assert [name for name in names if {"pki", ".pki"} & set(name.split("/")) or name.endswith((".key", ".pyc"))] == []
    assert {"playbooks/site.yml", "plugins/modules/unit.py", "roles/etcd/tasks/main.yml"} <= set(names)


@pytest.fixture(scope="module", params=["own", "newest"])
def core(request: pytest.FixtureRequest) -> str:
    """Return the version of ansible-core."""
    return str(request.param)


@pytest.fixture(scope="module")
def installed(core: str, archive: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory where the collection is installed."""
    place = tmp_path_factory.mktemp(core)
    galaxy(core, repository, place, "install", "--offline", "-p", str(place), str(archive))
    return place


@pytest.fixture
def site(core: str, installed: Path, repository: Path, tmp_path: Path) -> Site:
    """Return a site, deployed from a directory with nothing of ours."""
    made = Site(repository, tmp_path)
    made.ansible_playbook = str(programs(core, repository) / "ansible-playbook")
    made.place, made.environment = Path("/"), user_environment(installed)
    return made


def test_the_playbook_refuses_a_bad_inventory(site: Site) -> None:
    site.groups["etcd"] = {"k1": {}, "k2": {}}
    result = site.run("--check", "--diff", playbook="hardway.kubernetes.site")
    assert result.returncode != 0
    assert [line for line in result.stdout.splitlines() if "group etcd" in line and "2 members" in line]
    assert site.asked() == []
    assert "WARNING" not in result.stdout + result.stderr


def test_the_playbook_gets_as_far_as_the_hosts(site: Site) -> None:
    """Every role is found, all checks and filters run, the CAs are created, and each host is contacted."""
    result = site.run(playbook="hardway.kubernetes.site")
    assert len(site.touched()) == 3, result.stdout + result.stderr
    assert (site.pki / "etcd" / "ca.crt").is_file()
    assert "WARNING" not in result.stdout + result.stderr


def test_modules_run_by_the_newest(repository: Path, archive: Path, tmp_path: Path) -> None:
    """A role, modules with and without an action plugin, a callback: each works; the second run is idle."""
    galaxy("newest", repository, tmp_path, "install", "--offline", "-p", str(tmp_path), str(archive))
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps(play(tmp_path)))
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    command = [str(programs("newest", repository) / "ansible-playbook"), str(playbook), "-i", "localhost,", "--diff"]
    settings = {"ANSIBLE_CALLBACKS_ENABLED": "hardway.kubernetes.timing"}
    for arguments, changed in (["--check"], True), ([], True), ([], False):
        done = subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            env={**user_environment(tmp_path), **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("changed=0" not in done.stdout) == changed, done.stdout
        assert "TIMING" in done.stdout and "WARNING" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert (tmp_path / "out" / "admin.conf").stat().st_mode & 0o777 == 0o600


def play(place: Path) -> list[dict[str, object]]:
    """Return a play that creates CAs, a certificate, a kubeconfig and files here, as on any host."""
    pki, out = f"{place}/cas", f"{place}/out"
    admin = {"path": f"{out}/admin", "ca": "ca", "common_name": "admin", "profile": "client"}
    conf = {"path": f"{out}/admin.conf", "server": "https://192.0.2.1:6443", "ca": f"{out}/ca.crt"}
    tool = {"name": "tool", "version": "1", "binaries": ["tool"], "dest": f"{out}/bin"}
    source = {"cache_dir": f"{place}/cache", "binary_dir": str(place)}
    modules: dict[str, dict[str, object]] = {
        "artifact": {"components": [tool], "source": source, "root": f"{out}/opt"},
        "pki_certificate": {
            "ca_dir": pki,
            "trust": [{"ca": "ca", "path": f"{out}/ca.crt"}],
            "certificates": [admin],
        },
        "kubeconfig": {"kubeconfigs": [{**conf, "user": "admin", "certificate": f"{out}/admin"}]},
        "files": {"files": [{"path": f"{out}/motd", "content": "{{ inventory_hostname }}\n", "mode": "0644"}]},
        "host_settings": {"commands": ["sh"]},
        "pki_info": {"files": [{"path": out, "required": False}]},
    }
    tasks = [{f"hardway.kubernetes.{name}": arguments} for name, arguments in modules.items()]
    roles = [{"role": "hardway.kubernetes.ca", "vars": {"cluster_pki_dir": pki}}]
    host = {"ansible_connection": "local"}
    return [{"hosts": "localhost", "gather_facts": False, "vars": host, "roles": roles, "tasks": tasks}]
