# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The member on a host that is off can be removed, though the host is not declared lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hosts.etcd_members import CONFIRM, Etcd
from tests.support.hosts.single_role import etcd_hosts

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]
REMOVE = ("remove_member", "-e", "hosts=n3")


@pytest.fixture(scope="module")
def etcd() -> Iterator[Etcd]:
    """Return three members, of which the host of one is off."""
    made = etcd_hosts("etcd-off", ["n1", "n2", "n3"])
    with made.standing(3):
        found = Etcd(made)
        found.site()
        made.sandbox("poweroff", "n3")
        yield found


def test_its_member_is_removed(etcd: Etcd) -> None:
    for arguments in ((), ("--check",)):
        status, output = etcd.playbook(*REMOVE, *arguments)
        assert status == 0 and "the host is unreachable: it must stay off" in output, output
        assert etcd.members() == etcd.voters("n1", "n2", "n3")
    status, output = etcd.playbook(*REMOVE, *CONFIRM)
    assert status == 0 and etcd.members() == etcd.voters("n1", "n2"), output
    status, output = etcd.playbook(*REMOVE, *CONFIRM)
    assert status == 0 and "changed=1" not in output, output
