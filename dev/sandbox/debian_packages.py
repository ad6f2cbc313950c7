# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages through apt with a configuration of our own, beside the machine's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .errors import SandboxError
from .process import have, run

_FORMAT = "$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)"
_KEYRINGS = {
    "Debian": Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    "Ubuntu": Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg"),
}


@dataclass(frozen=True)
class Archive:
    """A distribution's main archive as this machine is configured to reach it."""

    uri: str
    suite: str
    origin: str

    @property
    def keyring(self) -> Path:
        """Return the key file that signs this archive."""
        return _KEYRINGS[self.origin]

    @property
    def components(self) -> tuple[str, ...]:
        """Return the parts of the archive that hold what the hosts need."""
        return ("main", "universe") if self.origin == "Ubuntu" else ("main",)


def parse_targets(text: str) -> Optional[Archive]:
    """Find the distribution's main archive in the answer of `apt-get indextargets`."""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) != 4:
            continue
        uri, codename, component, origin = fields
        if component == "main" and origin in _KEYRINGS and "-" not in codename and "security" not in uri:
            return Archive(uri.rstrip("/"), codename, origin)
    return None


def machine_archive() -> Archive:
    """Return the archive the machine itself installs from."""
    if not have("apt-get"):
        raise SandboxError("this machine has no apt-get; the sandbox is built from Debian or Ubuntu packages")
    done = run(["apt-get", "indextargets", "--format", _FORMAT, "Identifier: Packages"])
    archive = parse_targets(done.stdout)
    if archive is None:
        raise SandboxError("apt knows no main archive of Debian or Ubuntu; run apt-get update, then try again")
    return archive


class Apt:
    """Downloads packages of one suite without touching the machine's package state."""

    def __init__(self, archive: Archive, suite: str, directory: Path) -> None:
        """Prepare the private configuration below `directory`."""
        self.directory = directory
        for name in ("lists/partial", "cache/archives/partial", "packages"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        (directory / "status").touch()
        source = f"deb [signed-by={archive.keyring}] {archive.uri} {suite} {' '.join(archive.components)}\n"
        (directory / "sources.list").write_text(source, encoding="utf-8")

    def _options(self) -> list[str]:
        settings = {
            "Dir::Etc::sourcelist": self.directory / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State::lists": self.directory / "lists",
            "Dir::State::status": self.directory / "status",
            "Dir::Cache": self.directory / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]

    def update(self) -> None:
        """Fetch the suite's package list."""
        run(["apt-get", "-q", *self._options(), "update"])

    def unpack(self, packages: Iterable[str]) -> Path:
        """Download packages, unpack them all into one directory and return it."""
        target = self.directory / "root"
        target.mkdir(exist_ok=True)
        wanted = sorted(packages)
        run(["apt-get", "-q", *self._options(), "download", *wanted], cwd=str(self.directory / "packages"))
        for package in sorted((self.directory / "packages").glob("*.deb")):
            run(["dpkg-deb", "-x", str(package), str(target)])
        return target
