# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose peers and clients share a CA gets a separate CA for peers, while a client writes all the time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.contents import forget
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Reconciler
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store

from tests.support.hosts.etcd_writer import Writer
from tests.support.hosts.single_role import Hosts, etcd_hosts

pytestmark = [pytest.mark.needs_root, pytest.mark.slow, pytest.mark.long]

MEMBERS = ["n1", "n2", "n3"]
PKI = "/etc/etcd/pki"
ROTATE = Path(__file__).with_name("rotate.yml")
OLD = '{"etcd_config": {"peer-trusted-ca-file": "/etc/etcd/pki/ca.crt"}}'


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """Return three members as they were before there was a separate CA for peers."""
    made = etcd_hosts("etcd-peers", MEMBERS)
    with made.standing(3):
        pki = made.inventory / ".pki"
        store = Store(str(pki))
        store.prepare(False)
        Reconciler(store, None, False, 0.3, False).ca({"name": "etcd-ca", "common_name": "etcd-ca"})
        # The directory is older than the list of its files, and never had what Kubernetes needs.
        made.apply("-e", OLD, "-e", '{"ca_regenerate": ["sa.key", "encryption.key", "keepalived.password"]}')
        for path in pki.glob("etcd-peer-ca.*"):
            forget(store, path.name)
            path.unlink()
        for member in MEMBERS:
            made.shell(member, f"rm {PKI}/peer-ca.crt")
        yield made


ASK = """
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile=sys.argv[1])
context.load_cert_chain(sys.argv[2] + ".crt", sys.argv[2] + ".key")
print(urllib.request.urlopen(sys.argv[3], context=context, timeout=5).status)
"""


def peers_answer(hosts: Hosts, client: str, cafile: str) -> bool:
    """Return whether the peer port of another member lists its members to a client."""
    url = f"https://{hosts.address('n2')}:2380/members"
    done = hosts.exec("n1", f"python3 -c '{ASK}' {PKI}/{cafile} {PKI}/{client} {url} 2>&1")
    print(client, done.stdout.strip()[-120:])
    return done.returncode == 0


def test_a_running_cluster_gets_a_separate_ca_without_losing_a_write(hosts: Hosts) -> None:
    """First a plain run, which changes no certificate and warns; then a rotation, after which no client is accepted."""
    assert peers_answer(hosts, "healthcheck-client", "ca.crt")
    serial = hosts.shell("n2", f"openssl x509 -noout -serial -in {PKI}/peer.crt")
    writer = Writer(hosts, [hosts.address(member) for member in MEMBERS])
    writer.start()
    status, output = hosts.attempt()
    assert status == 0 and "etcd-peer-ca: shares a key with etcd-ca" in " ".join(output.split()), output
    assert hosts.shell("n2", f"openssl x509 -noout -serial -in {PKI}/peer.crt") == serial
    assert peers_answer(hosts, "healthcheck-client", "peer-ca.crt")
    site, hosts.site = hosts.site, ROTATE
    hosts.apply("-e", '{"ca_rotated": ["etcd-peer-ca"]}')
    hosts.site = site
    lost = writer.end()
    assert lost == set() and len(writer.acknowledged) > 50
    # A member that stops closes its connections; etcdctl tries the next one within its own timeout.
    assert writer.refused <= len(writer.acknowledged) // 20
    assert not peers_answer(hosts, "healthcheck-client", "peer-ca.crt")
    assert not peers_answer(hosts, "server", "peer-ca.crt")
    assert peers_answer(hosts, "peer", "peer-ca.crt")


def test_afterwards_a_run_changes_nothing_and_warns_of_nothing(hosts: Hosts) -> None:
    """No change, and no warning any more."""
    status, output = hosts.attempt()
    assert status == 0 and "shares a key" not in " ".join(output.split())
    assert set(hosts.apply().values()) == {0}
