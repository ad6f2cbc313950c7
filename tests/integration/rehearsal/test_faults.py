# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliberate faults in the result of role master: each is found in the rehearsal as by the real programs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dev.tools.lab import kubernetes_version
from tests.support.api.control_plane import ControlPlane
from tests.support.api.inspection import inspect
from tests.support.api.kinds import directory, kinds
from tests.support.api.programs import Issuer, binary

pytestmark = [pytest.mark.needs_kubernetes, pytest.mark.slow, pytest.mark.long]


@pytest.fixture(params=kinds())
def kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of programs for control planes."""
    if binary("etcd", directory(request.param)) is None:
        pytest.skip("no etcd available, not even from Debian")
    return str(request.param)


def replace(name: str, other: str) -> Callable[[ControlPlane], None]:
    """Return a fault that puts one file in another's place."""
    return lambda plane: shutil.copy(plane.config / "pki" / other, plane.config / "pki" / name) and None


def wrong_names(plane: ControlPlane) -> None:
    """Give the API server a certificate for another host."""
    made = plane.cas["ca"].issue("elsewhere", "kube-apiserver", hosts=["192.0.2.99"])
    for suffix in (".crt", ".key"):
        shutil.copy(f"{made}{suffix}", plane.config / f"pki/apiserver{suffix}")


def foreign_ca(plane: ControlPlane) -> None:
    """Publish a CA that did not sign the API server's certificate."""
    made = Issuer(plane.directory / "foreign", "kubernetes-ca")
    path = plane.config / "pki/foreign.crt"
    shutil.copy(made.ca, path)
    arguments = plane.host.arguments

    def changed(component: str) -> list[str]:
        """Return the arguments with the other CA."""
        return [f"--root-ca-file={path}" if a.startswith("--root-ca-file=") else a for a in arguments(component)]

    plane.host.arguments = changed  # type: ignore[method-assign]


Fault = tuple[dict[str, Any], Callable[[ControlPlane], Any] | None, str]
# The finding, and the words that name the cause: another failure must not be mistaken for it.
FAULTS: dict[str, Fault] = {
    "a misspelt flag": ({"apiserver": {"authorisation-mode": "RBAC"}}, None,
                        "kube-apiserver ends.*unknown flag: --authorisation-mode"),
    "no such version of TLS": ({"apiserver": {"tls-min-version": "VersionTLS99"}}, None,
                               "kube-apiserver ends.*unknown tls version .*VersionTLS99"),
    "no service account issuer": ({"apiserver": {"service-account-issuer": None}}, None,
                                  "kube-apiserver ends.*service-account-issuer"),
    "no client CA": ({"apiserver": {"client-ca-file": None}}, None, "the administrator is refused.*401"),
    "no encryption": ({"apiserver": {"encryption-provider-config": None,
                                     "encryption-provider-config-automatic-reload": None}}, None, "unencrypted"),
    "no bootstrap tokens": ({"apiserver": {"enable-bootstrap-token-auth": None}}, None,
                            'tokens are not accepted.*Unable to authenticate the request" err="invalid bearer token'),
    "nodes unrestricted": ({"apiserver": {"authorization-mode": "AlwaysAllow", "enable-admission-plugins": None}},
                           None, "a node changes another"),
    "another host's names": ({}, wrong_names, "kube-apiserver is not trusted.*IP address mismatch"),
    "another CA for etcd": ({}, replace("etcd/ca.crt", "ca.crt"),
                                   "kube-apiserver ends.*x509: certificate signed by unknown authority"),
    "another's key": ({}, replace("apiserver.key", "admin.key"),
                      "kube-apiserver ends.*private key does not match public key"),
    "a signing key that does not fit": ({}, replace("ca.key", "sa.key"),
                                        "kube-controller-manager.*does not match public key|not signed.*public key"),
    "a foreign CA for pods": ({}, foreign_ca, "pods would trust -----BEGIN CERTIFICATE"),
    "no room for the ranges of nodes": ({"master_node_cidr_mask_size": 8}, None,
                                        "kube-controller-manager.*mask size of cluster CIDR must be less than"),
    "an unknown field": ({"master_scheduler_config": {"noSuchField": 1}}, None,
                         'kube-scheduler does not lead.*unknown field ."noSuchField'),
}  # fmt: skip


def test_without_a_fault_there_is_no_finding(kind: str, tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path, kubernetes_version(), directory(kind))
    try:
        assert inspect(plane) == "", kind
    finally:
        plane.stop()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(kind: str, name: str, tmp_path: Path) -> None:
    settings, change, finding = FAULTS[name]
    plane = ControlPlane(tmp_path, kubernetes_version(), directory(kind), **settings)
    try:
        if change:
            change(plane)
        found = inspect(plane)
        assert re.search(finding, found or "nothing", re.DOTALL), (kind, found)
    finally:
        plane.stop()
