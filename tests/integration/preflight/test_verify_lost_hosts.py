# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify.yml where the first master is down, or not in the limit: one of the others checks the cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.hosts.site import GROUPS, Site


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a site whose first host is down."""
    made = Site(repository, tmp_path)
    made.facts["192.0.2.11"] = None
    return made


def inspected_hosts(site: Site) -> list[str]:
    """Return the hosts on which the inspecting module was run."""
    return sorted(line.split()[0][-2:] for line in site.asked() if line.endswith((".cluster_info", ".host_health")))


def test_a_dead_first_master_is_one_of_the_reported_problems(site: Site) -> None:
    result = site.run(playbook="playbooks/verify.yml")
    assert result.returncode != 0
    for words in ("host k1: not reached; fix the connection", "seen by 192.0.2.12", "seen by 192.0.2.13"):
        assert words in result.stdout, result.stdout
    # The first of them once for itself and once for the cluster; the dead one does not answer.
    assert inspected_hosts(site) == ["11", "12", "12", "13"]


def test_a_host_outside_the_limit_is_not_contacted(site: Site) -> None:
    result = site.run("--limit", "!k1", playbook="playbooks/verify.yml")
    assert "host k1" not in result.stdout
    assert not any(line.startswith("192.0.2.11") for line in site.asked())
    assert inspected_hosts(site) == ["12", "12", "13"]


def test_an_address_outside_of_the_inventory_comes_from_the_host(site: Site) -> None:
    hosts = {f"k{n}": {"ansible_host": f"k{n}.example.org"} for n in (1, 2, 3)}
    site.groups = dict.fromkeys(GROUPS, hosts)
    for n in (2, 3):
        found = {"ansible_default_ipv4": {"address": f"192.0.2.1{n}"}}
        site.facts[f"k{n}.example.org"] = {**site.facts[f"192.0.2.1{n}"], **found}
    result = site.run(playbook="playbooks/verify.yml")
    for words in ("host k1: not reached", "seen by k2.example.org", "seen by k3.example.org"):
        assert words in result.stdout, result.stdout
