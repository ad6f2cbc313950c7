# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and credentials of containerd's registries."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.module_utils._host.registries import (
    registry_credentials,
    registry_files,
)


def test_credentials_are_found_by_the_host_that_containerd_connects_to() -> None:
    login = {"username": "u", "password": "p"}
    registries = [
        {"host": "docker.io", **login},
        {"host": "reg.example", "server": "https://backend.example:5000/v2", **login},
        {"host": "gone.example", "state": "absent", **login},
        {"host": "open.example"},
    ]
    assert registry_credentials(registries) == {
        "registry-1.docker.io": {"auth": login},
        "backend.example:5000": {"auth": login},
    }


def test_each_registry_has_a_directory_with_the_cas_of_its_mirrors() -> None:
    registries = [
        {"host": "docker.io", "mirrors": [{"url": "https://m1", "ca": "A"}, {"url": "https://m2", "ca": "A"}]},
        {"host": "_default", "ca": "B"},
        {"host": "old.example", "state": "absent"},
    ]
    hosts, ca, default, default_ca, old = registry_files(registries, "/certs.d")
    assert hosts["path"] == "/certs.d/docker.io/hosts.toml"
    assert hosts["vars"]["server"] == "https://registry-1.docker.io"
    assert ca == {"path": hosts["vars"]["ca_files"]["A"], "content": "A", "mode": "0644"}, "one file for both mirrors"
    assert default["vars"]["server"] == "", "it stands for all others"
    assert default_ca["path"] == default["vars"]["ca_files"]["B"]
    assert old == {"path": "/certs.d/old.example", "state": "absent"}
