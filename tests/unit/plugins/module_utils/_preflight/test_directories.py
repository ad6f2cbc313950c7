# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories are validated against the sandboxing of the units that use them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.directories import directory_problems

from tests.support.repository import ROLES


def problems_of(**given: list[Any]) -> list[str]:
    """Return the problems of two etcd members and two masters."""
    members = [{"host": "n1"}, {"host": "n2"}]
    defaults = {
        "etcd_data_dir": ["/var/lib/etcd"] * 2,
        "etcd_config": [{}, {}],
        "master_audit_log_dir": ["/var/log/kubernetes"] * 2,
        "master_apiserver_args": [{}, {}],
    }
    return directory_problems({"etcd": members, "masters": members, "directories": {**defaults, **given}})


def test_defaults_are_valid() -> None:
    """And so is an inventory without these variables."""
    assert problems_of() == []
    assert directory_problems({"etcd": [{"host": "n1"}], "masters": []}) == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/home/etcd", "ProtectHome"),
        ("/root/etcd/", "ProtectHome"),
        ("/run/user/0/etcd", "ProtectHome"),
        ("/run/etcd", "emptied at every boot"),
        ("/tmp/etcd", "PrivateTmp"),
        ("/var/tmp/x", "PrivateTmp"),
        ("/dev/shm/etcd", "PrivateDevices"),
        ("/etc/etcd/data", "ProtectSystem"),
        ("/var/lib", "belongs to the whole system"),
        ("/", "belongs to the whole system"),
        ("/home", "belongs to the whole system"),
        ("var/lib/etcd", "no absolute path"),
        ("/var/lib/etcd/../x", "no absolute path"),
    ],
)
def test_a_directory_that_the_unit_cannot_use_is_refused(path: str, words: str) -> None:
    """The variable, the reason and the hosts are named, whichever of the variables it is."""
    for name, problems in {
        "etcd_data_dir": problems_of(etcd_data_dir=[path, "/data/etcd"]),
        "etcd_config: data-dir": problems_of(etcd_config=[{"data-dir": path}, {}]),
        "etcd_config: wal-dir": problems_of(etcd_data_dir=["/data/etcd"] * 2, etcd_config=[{"wal-dir": path}, {}]),
        "master_audit_log_dir": problems_of(master_audit_log_dir=[path, "/data/audit"]),
    }.items():
        assert problems[0].startswith(f"{name}: {path}") and words in problems[0] and "(n1)" in problems[0], problems


@pytest.mark.parametrize("path", ["/data", "/homes/etcd", "/srv/etcd", "/var/lib/etcd2", "/mnt/disk1/etcd", "/rooted"])
def test_other_directories_are_accepted(path: str) -> None:
    """A disk of its own, or a name with a common prefix."""
    assert problems_of(etcd_data_dir=[path] * 2, master_audit_log_dir=[path] * 2) == []


@pytest.mark.parametrize("wal", ["/var/lib/etcd/wal", "/var/lib/etcd", "/var/lib/etcd/./x/"])
def test_a_log_inside_the_data_directory_is_refused(wal: str) -> None:
    """Root would act in a directory in which etcd can create any file."""
    (problem,) = problems_of(etcd_config=[{"wal-dir": wal}] * 2)
    assert "one inside the other" in problem and problem.endswith("(n1, n2)")
    (problem,) = problems_of(etcd_config=[{"wal-dir": "/data/etcd", "data-dir": "/data/etcd/x"}] * 2)
    assert "one inside the other" in problem


def test_files_that_a_component_cannot_read_are_refused() -> None:
    """They are hidden from it as well; where it only reads, /etc is fine."""
    args = {"audit-log-path": "/root/audit.log", "oidc-ca-file": "/home/me/ca.crt", "tls-cert-file": "/etc/x.crt"}
    first, second = problems_of(master_apiserver_args=[args, {}])
    assert "master_apiserver_args: audit-log-path: /root" in first
    assert "master_apiserver_args: oidc-ca-file /home/me/ca.crt: ProtectHome" in second
    assert problems_of(master_apiserver_args=[{"audit-log-path": "-", "v": 2}, {}]) == []


def test_the_units_have_the_expected_sandboxing() -> None:
    """A change of a unit's sandboxing must be made here, too."""
    for template in ("etcd/templates/etcd.service.j2", "master/templates/component.service.j2"):
        unit = (ROLES / template).read_text()
        assert all(re.search(rf"^{word}=true$", unit, re.M) for word in ("ProtectHome", "PrivateTmp", "PrivateDevices"))
