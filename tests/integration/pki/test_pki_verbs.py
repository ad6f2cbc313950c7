# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verbs of cfssl through the modules, with the files of a guide unchanged; verified by openssl."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from dev.tools.lab import TOP
from tests.support.ca.in_process import act
from tests.support.ca.playbook import matches, openssl, play, twice_each

ACTS_ONCE = [True, True, False, False]
CONFIG = {
    "signing": {
        "default": {"expiry": "8760h"},
        "profiles": {
            "kubernetes": {
                "usages": ["signing", "key encipherment", "server auth", "client auth"],
                "expiry": "8760h",
            },
            "intermediate": {
                "usages": ["cert sign", "crl sign", "server auth"],
                "expiry": "43800h",
                "ca_constraint": {"is_ca": True, "max_path_len": 0, "max_path_len_zero": True},
            },
        },
    }
}
NAME = {"C": "US", "L": "Portland", "O": "Kubernetes", "OU": "CA", "ST": "Oregon"}
CA = {"CN": "Kubernetes", "key": {"algo": "rsa", "size": 2048}, "names": [NAME], "ca": {"expiry": "87600h"}}
ADMIN = {"CN": "admin", "key": {"algo": "rsa", "size": 2048}, "names": [{**NAME, "O": "system:masters"}]}
SERVER = {"CN": "kubernetes", "hosts": ["10.32.0.1", "kubernetes.default"], "names": [NAME]}


def test_files_of_a_guide(tmp_path: Path) -> None:
    """ca-config.json and *-csr.json beside the playbook create CAs and certificates that openssl accepts."""
    for name, content in {"ca-config": CONFIG, "ca-csr": CA, "admin-csr": ADMIN, "kubernetes-csr": SERVER}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    directory, host = tmp_path / "pki", tmp_path / "host"
    cas = [
        {"name": "ca", "csr": f"{tmp_path}/ca-csr.json"},
        {"name": "servers-ca", "signed_by": "ca", "profile": "intermediate"},
    ]
    make = {"ca_dir": str(directory), "config": f"{tmp_path}/ca-config.json", "cas": cas}
    entries = [
        {"path": str(host / "admin"), "ca": "ca", "profile": "kubernetes", "csr": "admin-csr.json"},
        {"path": str(host / "kubernetes"), "ca": "ca", "profile": "kubernetes", "csr": "kubernetes-csr.json"},
        {"path": str(host / "server"), "ca": "servers-ca", "profile": "server", "csr": SERVER},
    ]
    keep = {"ca_dir": str(directory), "config": "ca-config.json", "certificates": entries}
    tasks = [
        *twice_each({"hardway.kubernetes.pki_ca": make}),
        *twice_each({"hardway.kubernetes.pki_certificate": keep}),
    ]
    outcome = play(tmp_path, tasks)
    assert outcome.changed == ACTS_ONCE * 2, outcome.output
    subject = openssl("x509", "-in", host / "admin.crt", "-noout", "-subject")
    assert subject == "subject=C = US, ST = Oregon, L = Portland, O = system:masters, OU = CA, CN = admin\n"
    text = openssl("x509", "-in", directory / "servers-ca.crt", "-noout", "-text")
    assert "CA:TRUE, pathlen:0" in text
    assert matches(directory / "servers-ca.crt", directory / "servers-ca.key")
    root = ["verify", "-x509_strict", "-CAfile", directory / "ca.crt"]
    openssl(*root, "-purpose", "sslclient", host / "admin.crt")
    openssl(*root, "-purpose", "sslserver", "-verify_ip", "10.32.0.1", host / "kubernetes.crt")
    openssl(*root, "-untrusted", directory / "servers-ca.crt", "-purpose", "sslserver", host / "server.crt")


def test_the_kubelet_ca_of_the_role_signs_only_client_certificates(tmp_path: Path) -> None:
    """Neither servers nor further CAs."""
    (kubelets,) = yaml.safe_load((TOP / "roles/ca/vars/main.yml").read_text())["_ca_intermediates"]
    make = {"ca_dir": str(tmp_path / "pki"), "cas": [{"name": "ca"}, kubelets]}
    below = {**make, "cas": [{"name": "sub", "signed_by": kubelets["name"], "expiry": "1h"}]}
    client = {"path": str(tmp_path / "n1"), "ca": kubelets["name"], "profile": "client", "common_name": "n1"}
    server = {**client, "profile": "server", "sans": ["a"]}
    issue = [{"ca_dir": str(tmp_path / "pki"), "certificates": [entry]} for entry in (server, client)]
    outcome = play(
        tmp_path,
        [
            (False, {"hardway.kubernetes.pki_ca": make}),
            (False, {"hardway.kubernetes.pki_ca": below}),
            *((False, {"hardway.kubernetes.pki_certificate": params}) for params in issue),
        ],
    )
    assert [result["failed"] for result in outcome.results] == [False, True, True, False], outcome.output
    assert "path length of 0 allows no CA" in outcome.results[1]["msg"]
    assert "it is not for server auth" in outcome.results[2]["msg"]
    chain = ["-CAfile", tmp_path / "pki/ca.crt", "-untrusted", tmp_path / f"pki/{kubelets['name']}.crt"]
    openssl("verify", "-x509_strict", *chain, "-purpose", "sslclient", tmp_path / "n1.crt")


def test_names_beyond_ascii_are_utf8(tmp_path: Path) -> None:
    """An underscore is not printable and an umlaut not ASCII: both are UTF-8, as cfssl has them, and stay so."""
    name = {"SerialNumber": "host_1", "E": "jürgen@example.org"}
    act("pki_ca", ca_dir=str(tmp_path), cas=[{"name": "a", "names": [name]}])
    act("pki_ca", ca_dir=str(tmp_path), cas=[{"name": "b", "names": [{"SerialNumber": "1", "E": "a@b.c"}]}])
    show = ["-noout", "-subject", "-nameopt", "multiline,show_type,utf8,-esc_msb"]
    unusual, usual = (openssl("x509", "-in", tmp_path / f"{each}.crt", *show) for each in ("a", "b"))
    assert "= UTF8STRING:host_1" in unusual
    assert "= UTF8STRING:jürgen@example.org" in unusual
    assert "= PRINTABLESTRING:1" in usual
    assert "= IA5STRING:a@b.c" in usual
    assert "/a.crt: OK" in openssl("verify", "-x509_strict", "-CAfile", tmp_path / "a.crt", tmp_path / "a.crt")
