# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CA of a company, below a root whose key is not on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path


def openssl(directory: Path, *arguments: str) -> None:
    """Run openssl in a directory."""
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


def of_a_company(directory: Path) -> None:
    """Create a CA signed by a root whose key is removed; both certificates are in the file, as cfssl names it."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"]
    root = ["-subj", "/O=Company/CN=root", "-keyout", "root-key.pem", "-out", "root.pem"]
    openssl(directory, "req", "-x509", *key, *root)
    below = ["-subj", "/O=Company/CN=cluster", "-CA", "root.pem", "-CAkey", "root-key.pem"]
    below += [
        "-addext",
        "basicConstraints=critical,CA:true,pathlen:1",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    ]
    openssl(directory, "req", "-x509", *key, *below, "-keyout", "ca-key.pem", "-out", "ca.pem")
    (directory / "root-key.pem").unlink()
    with (directory / "ca.pem").open("a", encoding="utf-8") as bundle:
        bundle.write((directory / "root.pem").read_text(encoding="utf-8"))
