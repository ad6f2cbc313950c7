# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three masters ask a webhook that their operator has: what restarts, what is reloaded, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.api.programs import Issuer
from tests.support.api.webhook import webhook_kubeconfig
from tests.support.hosts.cluster import Cluster, unharmed, wait_for
from tests.support.needs import need_cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.long]

TOKEN = "token-of-alice"
RUN = "Run the control plane"
WRITE = "Write the control plane units and configuration"


def authorizers(*conditions: str) -> dict[str, Any]:
    """Return a configuration whose webhook is asked where the conditions hold."""
    webhook = {
        "timeout": "3s",
        "authorizedTTL": "1s",
        "unauthorizedTTL": "1s",
        "subjectAccessReviewVersion": "v1",
        "matchConditionSubjectAccessReviewVersion": "v1",
        "failurePolicy": "NoOpinion",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": "/etc/kubernetes/extra/hook.conf"},
        "matchConditions": [{"expression": condition} for condition in conditions],
    }
    kinds: list[dict[str, Any]] = [{"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}]
    return {"authorizers": [*kinds, {"type": "Webhook", "name": "hook", "webhook": webhook}]}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a cluster, and a webhook beside it."""
    need_cluster()
    made = Cluster("e2e-authorization")
    directory = tmp_path_factory.mktemp("webhook")
    with made.standing(3):
        made.deploy()
        issuer = Issuer(directory, "webhook-ca")
        server = issuer.issue("webhook", "webhook", hosts=[made.controller])
        client = issuer.issue("client", "kube-apiserver")
        content = webhook_kubeconfig(f"https://{made.controller}:8443/", issuer.ca, client)
        made.settings = {
            "master_authorization_config": authorizers("request.user == 'alice'"),
            "master_static_tokens": [{"token": TOKEN, "user": "alice", "uid": "7"}],
            "master_extra_files": [{"name": "hook.conf", "content": content}],
        }
        with made.beside("webhook_server.py", made.controller, str(server), str(issuer.ca)):
            yield made


def status(cluster: Cluster, host: str, resource: str) -> str:
    """Return how the API server of a host answers alice."""
    address = cluster.described()["hosts"][host]["ansible_host"]
    url = f"https://{address}:6443/api/v1/namespaces/default/{resource}"
    curl = f"curl -s -o /dev/null -w '%{{http_code}}' --cacert /etc/kubernetes/pki/ca.crt -H @/dev/stdin {url}"
    return cluster.exec(host, f"echo 'Authorization: Bearer {TOKEN}' | {curl}").stdout


def test_masters_ask_the_webhook(cluster: Cluster) -> None:
    checked = cluster.run("--check", "--diff")
    assert checked.status == 0 and TOKEN not in checked.output, checked.failure
    with cluster.polling() as poll:
        done = cluster.deploy("--diff")
    unharmed(poll, "API servers get other authorizers")
    assert done.changed[RUN] == 3 and TOKEN not in done.output
    for host in cluster.hosts():
        assert [status(cluster, host, name) for name in ("pods", "secrets")] == ["200", "403"]
    assert "alice pods" in (cluster.directory / "webhook_server.py.log").read_text(encoding="utf-8")
    assert cluster.deploy().changed == {}


def test_a_changed_condition_is_in_force_without_a_restart(cluster: Cluster) -> None:
    before = cluster.starts()
    cluster.settings["master_authorization_config"] = authorizers("request.user == 'bob'")
    done = cluster.deploy()
    assert done.changed == {WRITE: 3} and cluster.starts() == before
    wait_for(lambda: {status(cluster, host, "pods") for host in cluster.hosts()} == {"403"}, 10)
    assert cluster.deploy().changed == {}


def test_a_wrong_condition_is_refused_before_anything_is_written(cluster: Cluster) -> None:
    before = cluster.starts()
    right = cluster.settings["master_authorization_config"]
    cluster.settings["master_authorization_config"] = authorizers("request.missing == 'bob'")
    done = cluster.run()
    cluster.settings["master_authorization_config"] = right
    assert done.status != 0 and done.changed == {} and "missing" in done.output, done.output[-3000:]
    assert cluster.starts() == before and cluster.deploy().changed == {}


def test_without_the_options_their_files_are_gone(cluster: Cluster) -> None:
    cluster.settings = {}
    with cluster.polling() as poll:
        done = cluster.deploy()
    unharmed(poll, "API servers lose other authorizers")
    assert done.changed[RUN] == 3
    left = "ls -d /etc/kubernetes/extra /etc/kubernetes/authorization.yaml /etc/kubernetes/static-tokens.csv"
    for host in cluster.hosts():
        assert cluster.exec(host, left).stdout == ""
        assert status(cluster, host, "pods") == "401"
    assert cluster.deploy().changed == {}
