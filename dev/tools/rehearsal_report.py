# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has changed on sandbox hosts: programs, files, certificates, and the order in which units were started."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography import x509

from dev.tools.lab import Lab, table

# Paths of the collection; other changes on a host are made by the system itself, or are data.
ROOTS = ("etc", "usr/local", "opt", "var/lib/kube-proxy")
# Is beside the host's own disk.
KUBELET = "bind-kubelet"
IGNORED = re.compile(
    r"etc/(machine-id|hostname|hosts|resolv\.conf|ssh/|\.updated|ld\.so|mtab|apt/|systemd/network)|.*\.wants/"
)
PEM = re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", re.DOTALL)
# Names with a sign behind them, two forms of haproxy, one of keepalived, and what stands before the @ of a URL.
SECRET = re.compile(
    r"""((?:\b[\w-]*(?:password|passphrase|token|secret|key-data)["']?[ \t]*[:=][ \t]*)"""
    r"""|\bauth_pass\s+|\bstats\s+auth\s+[^\s:]+:|\buser\s+\S+\s+(?:insecure-)?password\s+|://[^\s/:@]+:(?=\S+@))"""
    r"""("[^"\n]*"|'[^'\n]*'|[^\s@]+)""",
    re.IGNORECASE,
)
STARTS = re.compile(r"^(Started|Stopped|Reloaded) (\S+?)(?:\.service)?(?: - .*|\.)?$")


def files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and place of every file that a run has made on a host."""
    places = [(root / top, top) for top in ROOTS] + [(root.parent / KUBELET, "var/lib/kubelet")]
    for place, top in places:
        for path in sorted(place.rglob("*")):
            name = f"{top}/{path.relative_to(place)}"
            if not IGNORED.match(name) and (path.is_symlink() or path.is_file()):
                yield f"/{name}", path


def shown(path: Path) -> str:
    """Return a file's content without secrets."""
    if path.is_symlink():
        return f"(a link to {path.readlink()})\n"
    content = path.read_bytes()
    if b"\0" in content[:4096] or len(content) > 65536 or content.startswith(b"#!/usr/bin/env -S python3 -sE\nPK"):
        return f"(a program or archive, {len(content)} bytes)\n"
    text = PEM.sub("(a private key, left out)", content.decode("utf-8", "replace"))
    return SECRET.sub(r"\1(left out)", text)


def names(certificate: x509.Certificate) -> str:
    """Return the SANs of a certificate."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return ", ".join(str(name.value) for name in found)


def certificates(root: Path) -> Iterator[list[str]]:
    """Yield path, subject, names, issuer and end of every certificate on a host."""
    for name, path in files(root):
        if path.suffix in (".crt", ".pem") and not path.is_symlink():
            for found in read(path.read_bytes()):
                end = found.not_valid_after_utc.strftime("%Y-%m-%d")
                yield [name, found.subject.rfc4514_string(), names(found), found.issuer.rfc4514_string(), end]


def read(content: bytes) -> list[x509.Certificate]:
    """Return all certificates in a file, PEM or DER; none where it is something else."""
    try:
        if b"-----BEGIN CERTIFICATE-----" in content:
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except ValueError:
        return []


def packages(before: Path, after: Path) -> list[list[str]]:
    """Return name and version of what was installed, by dpkg's lists; a list that is not there has not changed."""
    had = installed(before)
    return [[name, version] for name, version in sorted(installed(after).items()) if had.get(name) != version]


def installed(status: Path) -> dict[str, str]:
    """Return the packages that a list of dpkg has as installed."""
    entries = status.read_text(encoding="utf-8").split("\n\n") if status.is_file() else []
    fields = [dict(re.findall(r"^(\w+): (.*)$", entry, re.MULTILINE)) for entry in entries]
    return {entry["Package"]: entry["Version"] for entry in fields if entry.get("Status", "").endswith(" installed")}


def starts(lab: Lab, host: str) -> Iterator[tuple[float, str, str]]:
    """Yield when systemd started, stopped and reloaded units on a host."""
    asked = lab.exec(host, "journalctl --no-pager -o json _PID=1 --output-fields=MESSAGE,UNIT,__REALTIME_TIMESTAMP")
    for line in asked.stdout.splitlines():
        entry: dict[str, Any] = json.loads(line)
        if match := STARTS.match(str(entry.get("MESSAGE", ""))):
            unit = str(entry.get("UNIT") or match.group(2)).removesuffix(".service")
            yield int(entry["__REALTIME_TIMESTAMP"]) / 1e6, match.group(1).lower(), unit


def order(lab: Lab, places: dict[str, str], units: set[str]) -> list[list[str]]:
    """Return what happened to our units, on all hosts, in order."""
    events = [(*event, host) for host, place in places.items() for event in starts(lab, place)]
    ours = sorted(event for event in events if event[2] in units)
    return [[f"{event[0] - ours[0][0]:8.1f}", event[1], event[2], event[3]] for event in ours]


DPKG = "var/lib/dpkg/status"


def write(
    lab: Lab,
    places: dict[str, str],
    roots: dict[str, Path],
    base: Path,
    results: list[list[str]],
    phases: list[list[str]],
    target: Path,
) -> str:
    """Write the report and a copy of every file; return the part to show immediately.

    ``roots`` are what the hosts have beyond ``base``, the root that they share.
    """
    programs: list[list[str]] = []
    made: list[list[str]] = []
    proofs: list[list[str]] = []
    from_debian = [[host, *row] for host in places for row in packages(base / DPKG, roots[host] / DPKG)]
    units = {"haproxy", "keepalived"}
    for host in places:
        for name, path in files(roots[host]):
            text = shown(path)
            copy = target / "files" / host / name.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text, encoding="utf-8")
            row = [host, name, text.partition("\n")[0][:70]]
            (programs if name.startswith("/usr/local/bin/") else made).append(row)
            if name.startswith("/etc/systemd/system/") and name.endswith(".service"):
                units.add(path.stem)
        proofs += [[host, *row] for row in certificates(roots[host])]
    brief = [
        table(["host", "program", "what"], programs),
        table(["host", "package", "version"], from_debian),
        table(["host", "certificate", "subject", "names", "issuer", "until"], proofs),
        table(["second", "what", "unit", "host"], order(lab, places, units)),
        table(["phase", "seconds"], phases),
        table(["playbook", "seconds", "changed", "changed by a second run"], results),
    ]
    listing = table(["host", "file", "begins with"], made)
    (target / "report.txt").write_text("\n\n".join([*brief, listing]) + "\n", encoding="utf-8")
    return "\n\n".join(brief)
