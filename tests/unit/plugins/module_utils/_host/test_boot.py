# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a host has booted, and what waits for its next boot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import boot

RHEL = """Core libraries or services have been updated since boot-up:
  * kernel
  * systemd

Reboot is required to fully utilize these updates.
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root of a host that has booted 100 s after 2001-09-09T01:46:40Z, and asks for nothing."""
    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/stat").write_text("cpu 1 2\nbtime 1000000000\nprocesses 3\n")
    ticks = 100 * os.sysconf("SC_CLK_TCK")
    fields = ["S", *(str(number) for number in range(18)), str(ticks), "0", "0"]
    (tmp_path / "proc/1/stat").write_text(f"1 (a name) {' '.join(fields)}\n")
    return tmp_path


def reasons(root: Path, code: int = 0, out: str = "", program: Optional[str] = None) -> list[str]:
    """Return the reasons, with the answer of needs-restarting."""
    return boot.reasons(root, "6.1.0-27-amd64", lambda _line: (code, out, "broken"), lambda _name: program)


def test_the_time_of_the_boot_is_that_of_the_first_process(root: Path) -> None:
    assert stamp(boot.booted(root)) == "2001-09-09T01:48:20Z"
    assert boot.parse_time("2001-09-09T01:48:20Z") == boot.booted(root)
    with pytest.raises(HardwayError, match="booted_before: 'yesterday' is not a time"):
        boot.parse_time("yesterday")


def test_packages_of_debian_ask_for_a_reboot(root: Path) -> None:
    assert reasons(root) == []
    (root / "run").mkdir()
    (root / boot.MARK).touch()
    assert reasons(root) == ["/run/reboot-required"]
    (root / f"{boot.MARK}.pkgs").write_text("linux-image-amd64\nlibc6\nlibc6\n")
    assert reasons(root) == ["/run/reboot-required (libc6, linux-image-amd64)"]


def test_needs_restarting_asks_for_a_reboot(root: Path) -> None:
    assert reasons(root, 1, RHEL, "/usr/bin/needs-restarting") == ["needs-restarting (kernel, systemd)"]
    assert reasons(root, 0, "No core libraries", "/usr/bin/needs-restarting") == []
    assert reasons(root, 1, RHEL) == []
    with pytest.raises(HardwayError, match="needs-restarting -r: broken; repair it"):
        reasons(root, 1, "", "/usr/bin/needs-restarting")


def test_a_newer_kernel_asks_for_a_reboot(root: Path) -> None:
    (root / "boot").mkdir()
    (root / "boot/vmlinuz-6.1.0-28-amd64").touch()
    assert reasons(root) == ["kernel 6.1.0-28-amd64 is installed, 6.1.0-27-amd64 runs"]


@pytest.mark.parametrize(
    ("running", "installed", "newer"),
    [
        ("6.1.0-9-amd64", ["6.1.0-10-amd64", "6.1.0-9-amd64"], "6.1.0-10-amd64"),
        ("6.1.0-10-amd64", ["6.1.0-9-amd64", "6.1.0-10-amd64"], ""),
        ("6.1.0-8-amd64", ["6.1.0-10-amd64", "6.1.0-9-amd64"], "6.1.0-10-amd64"),
        # Another flavour is not what the host boots.
        ("6.1.0-27-cloud-amd64", ["6.1.0-28-amd64"], ""),
        ("5.14.0-427.13.1.el9_4.x86_64", ["5.14.0-503.11.1.el9_5.x86_64"], "5.14.0-503.11.1.el9_5.x86_64"),
        ("5.14.0-427.13.1.el9_4.x86_64", ["5.14.0-503.11.1.el9_5.x86_64+debug", "0-rescue-8f2c"], ""),
        ("6.18.5", [], ""),
    ],
)
def test_kernels_are_compared_by_number(running: str, installed: list[str], newer: str) -> None:
    assert boot.newer_kernel(running, dict.fromkeys(installed, 200.0), 100.0) == newer
    # Installed before the boot, which has chosen another one.
    assert boot.newer_kernel(running, dict.fromkeys(installed, 50.0), 100.0) == ""
