# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys stay on their hosts: everything that is sent over ssh during a deployment is recorded and searched."""

from __future__ import annotations

import base64
import filecmp
import json
import os
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, new_key
from cryptography.hazmat.primitives import serialization

from dev.standins.use import binary_directory
from dev.tools.lab import IMAGES, TOP, Lab, kubernetes_version
from tests.support.key_search import found, secrets_in
from tests.support.needs import need_cluster

WRAPPER = Path(__file__).with_name("capture_ssh.py")
# Not the host keys of ssh, which were there before.
LIST = "grep -rlIE --exclude-dir=ssh 'PRIVATE KEY-----|client-key-data'"
PLACES = "/etc /var/lib/kubelet /var/lib/kube-proxy /var/lib/etcd /root"


@pytest.mark.parametrize("kind", [KeySpec("ecdsa", 256), KeySpec("rsa", 2048), KeySpec("ed25519", 0)], ids=str)
def test_the_search_finds_keys_in_all_encodings(tmp_path: Path, kind: KeySpec) -> None:
    """Each encoding alone, among other bytes; compressed data cannot be searched, so nothing may be compressed."""
    key = new_key(kind)
    pem, form = key_pem(key), serialization.PrivateFormat.PKCS8
    der = key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())
    other = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (secret,) = secrets_in(pem)
    forms = {
        "pem": pem,
        "pkcs8": other,
        "json": json.dumps(pem.decode()).encode(),
        "der": der,
        "hex": der.hex().encode(),
        "kubeconfig": base64.b64encode(pem),
        "twice": base64.b64encode(b"x" + base64.b64encode(der)),
        "lines": base64.encodebytes(b"xy" + other),
    }
    for name, data in forms.items():
        (tmp_path / name).write_bytes(os.urandom(1001) + data + os.urandom(1001))
    (tmp_path / "none").write_bytes(key_pem(new_key(kind)) + zlib.compress(pem))
    assert {path.name for path in found([secret], tmp_path)[secret]} == set(forms)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    """Return a deployed single master with a node, and the directory of everything that was sent over ssh."""
    need_cluster()
    captured = tmp_path_factory.mktemp("captured")
    made = Lab("e2e-keys", "single-master")
    with made.standing(2):
        environment = {
            **made.playbook_environment(),
            "HARDWAY_CAPTURE": str(captured),
            "ANSIBLE_SSH_EXECUTABLE": str(WRAPPER),
            # Files are sent over ssh, too, and so through the wrapper.
            "ANSIBLE_SSH_TRANSFER_METHOD": "piped",
        }
        command = made.playbook_command("site.yml", "-e", json.dumps({"verify_workload": False}))
        done = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-6000:]
        forget_public(captured)
        yield made, captured


def forget_public(captured: Path) -> None:
    """Remove copies of programs and images: they existed before any key, and are nearly all of the data."""
    places = (binary_directory(kubernetes_version()), IMAGES)
    known = {path.stat().st_size: path for place in places for path in place.rglob("*") if path.is_file()}
    streams = [path for path in captured.glob("*/in") if path.stat().st_size in known]
    public = [path for path in streams if filecmp.cmp(path, known[path.stat().st_size], shallow=False)]
    assert len(public) > 10, streams
    for path in public:
        path.unlink()


@pytest.mark.needs_root
@pytest.mark.needs_kubernetes
@pytest.mark.slow
def test_no_private_key_is_sent_except_the_two_that_masters_need(lab: tuple[Lab, Path]) -> None:
    """The controller manager signs certificates of kubelets and tokens of service accounts, with these two."""
    cluster, captured = lab
    names = {secret: path.name for path in cluster.pki.rglob("*.key") for secret in secrets_in(path.read_bytes())}
    assert {"ca.key", "sa.key", "front-proxy-ca.key", "admin.key"} <= set(names.values())
    for host in cluster.hosts():
        listed = cluster.exec(host, f"{LIST} {PLACES} 2>/dev/null").stdout.split()
        keys = [cluster.exec(host, f"cat {path}").stdout.encode() for path in listed]
        made = {secret: path for path, text in zip(listed, keys) for secret in secrets_in(text)}
        assert len(made) >= {"n1": 10, "n2": 3}[host], listed
        names = {**{secret: f"{host}:{path}" for secret, path in made.items()}, **names}
    addresses = {str(values["ansible_host"]): host for host, values in cluster.described()["hosts"].items()}
    seen = {
        (names[secret], next(host for address, host in addresses.items() if address in line))
        for secret, places in found(names, captured).items()
        for line in ((path.parent / "arguments").read_text().splitlines() for path in places)
    }
    assert seen == {("ca.key", "n1"), ("sa.key", "n1")}
