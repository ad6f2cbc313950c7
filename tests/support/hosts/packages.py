# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of the hosts' release, installed on sandbox hosts that have no way out."""

from __future__ import annotations

import os
import subprocess
import warnings
from pathlib import Path

import pytest

from dev.sandbox.debian_packages import Apt, machine_archive
from dev.sandbox.errors import SandboxError
from tests.support.hosts.sandbox import Lab
from tests.support.repository import SANDBOX

CACHE = Path(os.environ.get("HARDWAY_CACHE_DIR", "~/.cache/hardway")).expanduser() / "test-packages"
# Packages do not start their services, as on a host whose operator has not decided yet.
INSTALL = (
    "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; cd /root/packages; "
    "DEBIAN_FRONTEND=noninteractive dpkg -i *.deb >/root/dpkg.log 2>&1 || { cat /root/dpkg.log; exit 1; }; "
    "rm /usr/sbin/policy-rc.d"
)


class _Installer(Apt):
    """apt, with the packages of a host."""

    def fetch(self, package: str, status: str) -> list[Path]:
        """Return a package and all that it needs and the host does not have."""
        (self.directory / "status").write_text(status, encoding="utf-8")
        archives = self.directory / "cache" / "archives"
        options = [*self._options(), "-o", "APT::Install-Recommends=false"]
        if not any((self.directory / "lists").glob("*_Packages")):
            self.update()
        command = ["apt-get", "-q", "-y", *options, "install", "--download-only", package]
        subprocess.run(command, check=True, capture_output=True)
        return sorted(archives.glob("*.deb"))


def install(lab: Lab, host: str, package: str) -> None:
    """Install a package on a host; skip with a reason where it cannot be downloaded."""
    status = lab.inside(host, "cat /var/lib/dpkg/status") + "\n"
    try:
        archive = machine_archive()
        found = _Installer(archive, archive.suite, CACHE / package).fetch(package, status)
    except (SandboxError, subprocess.CalledProcessError) as exc:
        reason = f"{package} cannot be downloaded: {exc}"
        warnings.warn(f"NOT TESTED with {package}: {reason}", stacklevel=2)
        pytest.skip(reason)
    command = [SANDBOX, "exec", "--name", lab.name, host, "--", "sh", "-c"]
    for path in found:
        words = [*command, f"mkdir -p /root/packages; cat >/root/packages/{path.name}"]
        subprocess.run(words, stdin=path.open("rb"), check=True)
    lab.inside(host, INSTALL)
