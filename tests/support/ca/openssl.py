# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and servers of openssl."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ca.playbook import openssl


def make(directory: Path, name: str, options: list[str], usage: str = "digitalSignature", purpose: str = "") -> Path:
    """Return a certificate created by openssl, self-signed, its key beside it."""
    extensions = [f"keyUsage=critical,{usage}", "subjectAltName=DNS:a.example,IP:192.0.2.1,IP:2001:db8::1,URI:x://y/z"]
    extensions += [f"extendedKeyUsage={purpose}"] if purpose else []
    extensions += ["basicConstraints=critical,CA:TRUE,pathlen:1"]
    added = [part for extension in extensions for part in ("-addext", extension)]
    place = ["-keyout", directory / f"{name}.key", "-out", directory / f"{name}.crt"]
    openssl("req", "-x509", "-nodes", *options, "-subj", f"/C=DE/O=Bücher/CN={name}", "-days", "50", *added, *place)
    return directory / f"{name}.crt"


@contextmanager
def server(certificate: Path, *options: str) -> Iterator[str]:
    """Run openssl s_server with a certificate; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    files = ["-cert", str(certificate), "-key", str(certificate.with_suffix(".key"))]
    process = subprocess.Popen(
        ["openssl", "s_server", "-accept", address, *files, *options, "-quiet"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0:
                    break
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait()


def foreign_ca(path: Path) -> str:
    """Let openssl create a foreign CA; return its certificate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "3650", "-subj", "/CN=same-name", "-keyout", f"{path}.key", "-out", f"{path}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    return Path(f"{path}.crt").read_text()
