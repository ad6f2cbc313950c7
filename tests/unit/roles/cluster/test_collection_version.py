# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the collection in the cluster record."""

from __future__ import annotations

import yaml

from tests.support.repository import REPOSITORY, ROLES


def test_the_recorded_version_is_that_of_the_collection() -> None:
    versions = yaml.safe_load((ROLES / "cluster/vars/main/versions.yml").read_text())
    galaxy = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text())
    assert versions["_cluster_collection_version"] == galaxy["version"]
