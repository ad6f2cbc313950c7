# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests need of the machine; without it they are skipped with the reason."""

from __future__ import annotations

import os

import pytest

from dev.standins import use as rehearsal
from dev.tools.lab import require_binaries


def need_hosts() -> None:
    """Skip where sandbox hosts are not possible."""
    if os.geteuid() != 0:
        pytest.skip("sandbox hosts need root")


def need_cluster() -> None:
    """Skip where a cluster is not possible."""
    need_hosts()
    if reason := require_binaries():
        pytest.skip(f"no cluster without the Kubernetes binaries:\n{reason}")


def need_versions(*versions: str) -> None:
    """Skip where the real binaries of one of these versions of Kubernetes are missing."""
    if any(map(rehearsal.lacking, versions)):
        pytest.skip(f"needs the binaries of Kubernetes {', '.join(versions)}, since stand-ins evict no pods")
