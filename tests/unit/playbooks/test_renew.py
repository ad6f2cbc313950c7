# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that playbooks/renew.yml passes to site.yml: forced or by threshold, all or a named subset."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.support.repository import REPOSITORY

PLAYBOOK = REPOSITORY / "playbooks/renew.yml"


@pytest.mark.parametrize(
    ("given", "forced", "only"),
    [
        ({}, ["*"], []),
        ({"renew_certificates": ["apiserver"]}, ["apiserver"], []),
        ({"renew_force": "false"}, [], ["*"]),
        ({"renew_force": False, "renew_certificates": ["apiserver"]}, [], ["apiserver"]),
    ],
)
def test_forced_or_by_threshold(given: dict[str, Any], forced: list[str], only: list[str]) -> None:
    (entry,) = DataLoader().load_from_file(str(PLAYBOOK), trusted_as_template=True)
    found = Templar(loader=DataLoader(), variables=given).template(entry["vars"])
    assert found == {"cluster_certificate_renew": forced, "cluster_certificate_renew_only": only}
