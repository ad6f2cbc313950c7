# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test shares: the collection importable by its full name, and where the repository is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY

# Before ansible is imported: its configuration is read once.
os.environ["ANSIBLE_CONFIG"] = str(REPOSITORY / "ansible.cfg")
os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(REPOSITORY / ".collections")

from ansible.plugins.loader import init_plugin_loader

# Ansible's own importer: `ansible_collections.hardway.kubernetes.…` and FQCN filters resolve as in a real run.
init_plugin_loader([str(REPOSITORY / ".collections")])


def pytest_report_header() -> list[str]:
    """Report first when stand-ins replace the Kubernetes programs."""
    from dev.standins import use
    from dev.tools.lab import kubernetes_version

    return use.notice(kubernetes_version()).splitlines()[:1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the top of the clone."""
    return REPOSITORY
