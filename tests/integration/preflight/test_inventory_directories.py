# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory in several directories: there is no default for the CA directory of its one cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.hosts.site import Site


@pytest.fixture
def second(tmp_path: Path) -> list[str]:
    """Return the arguments that add another host from a directory of its own."""
    place = tmp_path / "dc2" / "hosts.yml"
    place.parent.mkdir()
    hosts = {"hosts": {"k4": {"ansible_host": "192.0.2.14"}}}
    place.write_text(yaml.safe_dump({"all": {"children": {"node": hosts}}}))
    return ["-i", str(place)]


@pytest.mark.parametrize("limit", [[], ["--limit", "k4"]])
def test_the_default_ca_directory_is_refused(
    repository: Path, tmp_path: Path, second: list[str], limit: list[str]
) -> None:
    site = Site(repository, tmp_path)
    del site.variables["cluster_pki_dir"]
    said = " ".join(site.run(*second, *limit).stdout.split())
    assert f"in 2 directories: {tmp_path} (k1, k2, k3); {tmp_path}/dc2 (k4); set it to one directory" in said
    assert site.asked() == []
    assert not list(tmp_path.rglob(".pki"))


@pytest.mark.long
def test_one_ca_directory_for_all_is_accepted(repository: Path, tmp_path: Path, second: list[str]) -> None:
    site = Site(repository, tmp_path)
    del site.variables["cluster_pki_dir"]
    place = tmp_path / ".pki"
    assert "in 2 directories" not in site.run(*second, "-e", f"cluster_pki_dir={place}", "--check").stdout
    assert "in 2 directories" not in site.run("--check").stdout
