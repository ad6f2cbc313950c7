# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has made on sandbox hosts: programs, files, certificates, and the order in which units were started."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography import x509

from tools.lab import Lab, table

# Ours; what else changed on a host is the system's own doing, or data.
ROOTS = ("etc", "usr/local", "opt", "var/lib/kube-proxy")
# Lies beside the host's own disk.
KUBELET = "bind-kubelet"
IGNORED = re.compile(
    r"etc/(machine-id|hostname|hosts|resolv\.conf|ssh/|\.updated|ld\.so|mtab|apt/|systemd/network)|.*\.wants/|var/lib/kubelet/pki/.*-\d"
)
PEM = re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", re.DOTALL)
SECRET = re.compile(r"((?:client-key-data|token|secret|auth_pass)[\"']?[ :]+)\S+")
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
    """Return a file's content fit to be read by others."""
    if path.is_symlink():
        return f"(a link to {path.readlink()})\n"
    content = path.read_bytes()
    if b"\0" in content[:4096] or len(content) > 65536 or content.startswith(b"#!/usr/bin/env -S python3 -sE\nPK"):
        return f"(a program or archive, {len(content)} bytes)\n"
    text = PEM.sub("(a private key, left out)", content.decode("utf-8", "replace"))
    return SECRET.sub(r"\1(left out)", text)


def names(certificate: x509.Certificate) -> str:
    """Return the alternative names of a certificate."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return ", ".join(str(name.value) for name in found)


def certificates(root: Path) -> Iterator[list[str]]:
    """Yield path, subject, names, issuer and end of every certificate on a host."""
    for name, path in files(root):
        if path.suffix not in (".crt", ".pem") or path.is_symlink() or "BEGIN CERT" not in path.read_text("utf-8"):
            continue
        found = x509.load_pem_x509_certificate(path.read_bytes())
        end = found.not_valid_after_utc.strftime("%Y-%m-%d")
        yield [name, found.subject.rfc4514_string(), names(found), found.issuer.rfc4514_string(), end]


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


def write(lab: Lab, places: dict[str, str], roots: dict[str, Path], phases: list[list[str]], target: Path) -> str:
    """Write the report and a copy of every file; return the part worth showing at once."""
    programs: list[list[str]] = []
    made: list[list[str]] = []
    proofs: list[list[str]] = []
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
        table(["host", "certificate", "subject", "names", "issuer", "until"], proofs),
        table(["second", "what", "unit", "host"], order(lab, places, units)),
        table(["phase", "seconds"], phases),
    ]
    listing = table(["host", "file", "begins with"], made)
    (target / "report.txt").write_text("\n\n".join([*brief, listing]) + "\n", encoding="utf-8")
    return "\n\n".join(brief)
