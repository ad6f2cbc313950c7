# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run on a sandbox host: an apt archive of packages that are installed there, to install them without a network.

Usage:  package_archive.py PACKAGE…
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ARCHIVE = Path("/opt/package-archive")
DPKG = Path("/var/lib/dpkg/info")
MAINTAINER_FILES = ("preinst", "postinst", "prerm", "postrm", "conffiles", "triggers")


def said(*command: str) -> str:
    """Return what a program prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def build(name: str) -> str:
    """Build one package from its installed files; return its entry in the list of packages."""
    tree = ARCHIVE / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "DEBIAN").mkdir(parents=True)
    for path in said("dpkg-query", "--listfiles", name).splitlines():
        target = tree / path.lstrip("/")
        if Path(path).is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif os.path.lexists(path):
            shutil.copy2(path, target, follow_symlinks=False)
    for path, digest in re.findall(r"^ (/\S+) (\w{32})$", said("dpkg-query", "--status", name), re.MULTILINE):
        # The original of a changed configuration is not known.
        if Path(path).exists() and hashlib.md5(Path(path).read_bytes()).hexdigest() != digest:
            (tree / path.lstrip("/")).write_text("# The package's own\n", encoding="utf-8")
    for kind in MAINTAINER_FILES:
        if (DPKG / f"{name}.{kind}").exists():
            shutil.copy2(DPKG / f"{name}.{kind}", tree / "DEBIAN" / kind)
    fields, keep = [], True
    for line in said("dpkg-query", "--status", name).splitlines():
        keep = not line.startswith(("Status:", "Conffiles:")) and (keep or not line.startswith(" "))
        fields += [line] if keep else []
    control = "\n".join(fields)
    (tree / "DEBIAN/control").write_text(control + "\n", encoding="utf-8")
    package = ARCHIVE / f"{name}.deb"
    said("dpkg-deb", "--build", "-Znone", str(tree), str(package))
    shutil.rmtree(tree)
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    return f"{control}\nFilename: ./{package.name}\nSize: {package.stat().st_size}\nSHA256: {digest}\n"


def main() -> None:
    """Build the archive, and make it the only one that apt knows."""
    ARCHIVE.mkdir(exist_ok=True)
    (ARCHIVE / "Packages").write_text("\n".join(map(build, sys.argv[1:])), encoding="utf-8")
    Path("/etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{ARCHIVE} ./\n", encoding="utf-8")
    said("apt-get", "-q", "update")


if __name__ == "__main__":
    main()
