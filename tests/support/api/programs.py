# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real etcd, kube-apiserver and kube-controller-manager on loopback, with their own certificates."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import random
import re
import socket
import subprocess
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dev.tools.lab import available_programs

BINARIES = Path(os.environ.get("HARDWAY_BINARY_DIR") or available_programs())
DAY = datetime.timedelta(days=1)
GIVEN: set[int] = set()


def binary(name: str, place: Path = BINARIES) -> Path | None:
    """Return the program's path, newest Kubernetes first, or None where it is not available."""
    versions = [path for path in place.glob("[0-9]*") if (path / name).is_file()]
    newest = sorted(versions, key=lambda path: [int(part) for part in re.findall(r"\d+", path.name)], reverse=True)
    candidates = [path / name for path in newest] + [place / name]
    return next((path for path in candidates if path.is_file()), None)


# Ports come in slices, one for each worker.
SLICES = 8


def free_ports(number: int) -> list[int]:
    """Return free ports of the loopback interface, each only once.

    They are below the range for outgoing connections: one of these could take a port meanwhile.
    So could another worker of pytest, whose ports are in another slice.
    """
    found: list[int] = []
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % SLICES
    first = 11000 + worker * (19000 // SLICES)
    while len(found) < number:
        port = random.randrange(first, first + 19000 // SLICES)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            if port not in GIVEN:
                GIVEN.add(port)
                found.append(port)
    return found


class Issuer:
    """A CA in a directory."""

    def __init__(self, directory: Path, name: str) -> None:
        """Create the key and the self-signed certificate."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (
            self._builder(self.name, self.key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.ca = directory / "ca.crt"
        self.ca_key = directory / "ca.key"
        self.ca.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        self.ca_key.write_bytes(pem_key(self.key))

    def issue(self, prefix: str, common_name: str, *, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> Path:
        """Write prefix.crt and prefix.key, valid for server and client; return the path without suffix."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
        builder = self._builder(x509.Name(subject), key.public_key()).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(sans(hosts)), critical=False)
        path = self.directory / prefix
        certificate = builder.sign(self.key, hashes.SHA256())
        path.with_suffix(".crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        path.with_suffix(".key").write_bytes(pem_key(key))
        return path

    def _builder(self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        """Return a certificate builder valid from yesterday until tomorrow."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
        )


def sans(hosts: Sequence[str]) -> list[x509.GeneralName]:
    """Return the hosts as SANs."""
    found: list[x509.GeneralName] = []
    for host in hosts:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            found.append(x509.DNSName(host))
    return found


def pem_key(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """Return the private key as unencrypted PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass
class Programs:
    """Processes that are started and stopped here."""

    directory: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, arguments: Sequence[str | Path]) -> None:
        """Start a program, its output in a file named after it."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen([str(a) for a in arguments], stdout=log, stderr=log)

    def stop(self, name: str) -> None:
        """End one program and wait for it."""
        process = self.running.pop(name)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def stop_all(self) -> None:
        """Stop everything that was started, the last first."""
        for name in reversed(list(self.running)):
            self.stop(name)

    def wait_until(self, name: str, truth: Callable[[], bool], seconds: float = 90) -> None:
        """Wait until the condition is true; show the end of the program's log when it does not become so."""
        deadline = time.monotonic() + seconds
        while not truth():
            dead = self.running[name].poll() is not None
            if dead or time.monotonic() > deadline:
                tail = (self.directory / f"{name}.log").read_text(errors="replace")[-2000:]
                raise AssertionError(f"{name} {'ended' if dead else 'is not ready'}:\n{tail}")
            time.sleep(0.2)


class RealEtcd:
    """Members on loopback, with mutual TLS."""

    def __init__(
        self, directory: Path, size: int = 3, binaries: Path = BINARIES, last_bytes: Sequence[int] = ()
    ) -> None:
        """Prepare certificates and ports; last bytes give each member an address, and a name after it."""
        self.directory, self.binaries = directory, binaries
        self.programs = Programs(directory)
        self.ca = Issuer(directory / "etcd-pki", "etcd-ca")
        addresses = [f"127.0.0.{byte}" for byte in last_bytes] or ["127.0.0.1"] * size
        self.server = self.ca.issue("server", "etcd", hosts=[*sorted({*addresses, "127.0.0.1"}), "localhost"])
        self.client = self.ca.issue("client", "etcd-client")
        self.names = [f"m{byte}" for byte in last_bytes] or [f"m{number + 1}" for number in range(size)]
        # With addresses of their own, they have the same ports, as on hosts.
        ports = free_ports(2) if last_bytes else free_ports(2 * size)
        clients, peers = (ports[:1] * size, ports[1:] * size) if last_bytes else (ports[:size], ports[size:])
        self.endpoints = [f"https://{address}:{port}" for address, port in zip(addresses, clients)]
        self.peers = [f"https://{address}:{port}" for address, port in zip(addresses, peers)]

    def arguments(self) -> dict[str, object]:
        """Return the module arguments for this etcd."""
        return {
            "endpoints": self.endpoints,
            "ca": str(self.ca.ca),
            "cert": f"{self.client}.crt",
            "key": f"{self.client}.key",
        }

    def start(self, name: str, *flags: str, members: Sequence[str] = (), state: str = "new") -> None:
        """Start one member, of a cluster of these members, or of all."""
        number = self.names.index(name)
        cluster = ",".join(f"{n}={p}" for n, p in zip(self.names, self.peers) if n in (members or self.names))
        tls = [
            f"--{prefix}{flag}={value}"
            for prefix in ("", "peer-")
            for flag, value in (
                ("cert-file", f"{self.server}.crt"),
                ("key-file", f"{self.server}.key"),
                ("trusted-ca-file", self.ca.ca),
                ("client-cert-auth", "true"),
            )
        ]
        self.programs.start(
            name,
            [
                binary("etcd", self.binaries) or "etcd",
                f"--name={name}",
                f"--data-dir={self.directory / name}",
                f"--listen-client-urls={self.endpoints[number]}",
                f"--advertise-client-urls={self.endpoints[number]}",
                f"--listen-peer-urls={self.peers[number]}",
                f"--initial-advertise-peer-urls={self.peers[number]}",
                f"--initial-cluster={cluster}",
                f"--initial-cluster-state={state}",
                "--unsafe-no-fsync",
                *tls,
                *flags,
            ],
        )


def need_programs(*programs: str) -> None:
    """Skip the test with a reason when a program is not available."""
    missing = [program for program in programs if binary(program) is None]
    if missing:
        reason = f"{', '.join(missing)} not found below HARDWAY_BINARY_DIR or ~/.cache/hardway/bin"
        warnings.warn(f"NOT TESTED against the real thing: {reason}", stacklevel=2)
        pytest.skip(reason)
