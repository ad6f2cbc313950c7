# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSRs of all hosts that wait for a signature."""

from __future__ import annotations

from ansible_collections.hardway.kubernetes.plugins.filter.pending_csrs import pending_csrs


def test_the_csrs_of_all_hosts_are_listed_once_and_sorted() -> None:
    admin = {"path": "/pki/requests/ca/n1/admin.csr", "usages": ["client auth"]}
    peer = {"path": "/pki/requests/etcd-peer-ca/n1/peer.csr", "usages": ["client auth", "server auth"]}
    hostvars = {
        "n1": {"_etcd_pki": {"requests": [peer]}, "_admin_pki": {"requests": [admin]}},
        "n2": {"_admin_pki": {"requests": [admin]}, "_etcd_pki": {"skipped": True}},
        "localhost": {},
    }
    assert pending_csrs(list(hostvars), hostvars, ["_etcd_pki", "_admin_pki"]) == [
        (admin["path"], "client auth"),
        (peer["path"], "client auth, server auth"),
    ]
