# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's inventory on other addresses, and a report without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from dev.standins import inventory_overlay
from dev.tools import rehearsal_report as report
from tests.support.api.programs import Issuer

HOSTS = ["k1", "k11"]
GIVEN = {"k1": "198.18.0.11", "k11": "198.18.0.12"}
VIRTUAL = "198.18.0.250"
VARIABLES: dict[str, Any] = {
    "k1": {
        "ansible_host": "10.0.0.1",
        "ansible_user": "ops",
        "cluster_api_vip": "10.0.0.100",
        "cluster_api_endpoint": "10.0.0.100:6443",
        "cluster_api_extra_sans": ["10.0.0.1", "10.0.0.11", "10.0.0.1.example.org", "api.example.org"],
        "keepalived_interface": "ens18",
        "cluster_name": "shop",
    },
    "k11": {"ansible_host": "10.0.0.11", "cluster_api_vip": "10.0.0.100"},
}


def test_only_whole_addresses_change() -> None:
    found = inventory_overlay.overlay(HOSTS, VARIABLES, GIVEN, VIRTUAL, {})
    first = found["k1"]
    assert first["ansible_host"] == "198.18.0.11" and first["ansible_user"] == "root"
    assert first["cluster_api_endpoint"] == "198.18.0.250:6443"
    sans = ["198.18.0.11", "198.18.0.12", "198.18.0.11.example.org", "api.example.org"]
    assert first["cluster_api_extra_sans"][:2] == sans[:2] and first["cluster_api_extra_sans"][3] == sans[3]
    assert first["keepalived_interface"] == ""
    assert "cluster_name" not in first, "what does not differ is left to the operator's inventory"
    assert found["k11"]["cluster_api_vip"] == VIRTUAL


def test_hosts_come_from_our_groups_and_their_children() -> None:
    listed = {
        "etcd": {"hosts": ["b"]},
        "master": {"children": ["rack"]},
        "rack": {"hosts": ["a", "b"]},
        "other": {"hosts": ["x"]},
    }
    assert inventory_overlay.members(listed) == ["b", "a"]


def test_a_name_of_the_endpoint_is_found() -> None:
    assert inventory_overlay.endpoint_name({"a": {"cluster_api_endpoint": "api.example.org:6443"}}) == "api.example.org"
    assert inventory_overlay.endpoint_name(VARIABLES) == ""


@pytest.mark.parametrize(
    "line",
    [
        "    client-key-data: c2VjcmV0",
        "    token: c2VjcmV0",
        '  "token": "c2VjcmV0",',
        "  auth_pass c2VjcmV0",
        'password = "c2VjcmV0 and more"',
        "  stats auth admin:c2VjcmV0",
        "  user admin insecure-password c2VjcmV0",
        "Environment=APP_TOKEN=c2VjcmV0",
        "  - secret: c2VjcmV0",
        "proxy: http://me:c2VjcmV0@proxy:3128/",
        "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----",
    ],
)
def test_the_report_contains_no_secrets(tmp_path: Path, line: str) -> None:
    path = tmp_path / "file"
    path.write_text(f"before: shown\n{line}\nafter: shown\n")
    text = report.shown(path)
    assert "c2VjcmV0" not in text and "and more" not in text
    assert text.startswith("before: shown\n") and text.endswith("\nafter: shown\n")


@pytest.mark.parametrize(
    "line",
    [
        "# a token that no user has, a secret between two",
        "ExecStart=/usr/bin/x --token-auth-file=/etc/tokens --service-account-key-file=/etc/sa.pub",
        "resources: [secrets, tokenreviews]",
        "server: https://192.0.2.1:6443",
        "client-certificate-data: QUJD",
    ],
)
def test_the_report_shows_lines_without_secrets(tmp_path: Path, line: str) -> None:
    path = tmp_path / "file"
    path.write_text(line + "\n")
    assert report.shown(path) == line + "\n"


def test_every_certificate_is_reported(tmp_path: Path) -> None:
    root, kubelet = tmp_path / "upper", tmp_path / "bind-kubelet/pki"
    (root / "etc/pki").mkdir(parents=True)
    kubelet.mkdir(parents=True)
    cas = [Issuer(tmp_path / name, name) for name in ("one", "two")]
    (root / "etc/pki/bundle.crt").write_bytes(b"".join(a.ca.read_bytes() for a in cas))
    der = cas[0].certificate.public_bytes(serialization.Encoding.DER)
    (root / "etc/pki/der.crt").write_bytes(der)
    (root / "etc/pki/nonsense.crt").write_bytes(b"\0nonsense")
    made = cas[0].issue("client", "system:node:n1", groups=["system:nodes"])
    dated = kubelet / "kubelet-client-2026-01-01-00-00-00.pem"
    dated.write_bytes(made.with_suffix(".crt").read_bytes() + made.with_suffix(".key").read_bytes())
    (kubelet / "kubelet-client-current.pem").symlink_to(dated)
    found = {(name, subject) for name, subject, *_rest in report.certificates(root)}
    assert found == {
        ("/etc/pki/bundle.crt", "CN=one"),
        ("/etc/pki/bundle.crt", "CN=two"),
        ("/etc/pki/der.crt", "CN=one"),
        (f"/var/lib/kubelet/pki/{dated.name}", "CN=system:node:n1,O=system:nodes"),
    }


def test_packages_that_roles_installed_are_reported(tmp_path: Path) -> None:
    def status(name: str, *packages: str) -> Path:
        path = tmp_path / name
        texts = [f"Package: {p}\nStatus: install ok installed\nVersion: 1-{p}\n" for p in packages]
        gone = "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
        path.write_text("\n".join([*texts, gone]))
        return path

    before, after = status("before", "base"), status("after", "base", "haproxy")
    assert report.packages(before, after) == [["haproxy", "1-haproxy"]]
    assert report.packages(before, tmp_path / "unchanged") == []
