# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of service account tokens is rotated below a real API server: old tokens are valid until it is dropped."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.reconcile import Reconciler
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.rotation import Rotation
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store

from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import need_programs

ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


def token(cluster: RealKubernetes) -> str:
    """Return a new token; the controller-manager creates the account first."""
    body: dict[str, Any] = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return str(cluster.api().post(f"{ACCOUNT}/token", body)["status"]["token"])


def valid(cluster: RealKubernetes, bearer: str) -> bool:
    """Return whether the API server accepts the token; the permissions do not matter."""
    answer = request(f"{cluster.url}/api", token=bearer, tls=Tls(ca=str(cluster.ca.ca)))
    return answer.status != 401


def test_tokens_of_the_old_key_are_valid_until_it_is_dropped(tmp_path: Path) -> None:
    need_programs("etcd", "kube-apiserver", "kube-controller-manager")
    cluster = RealKubernetes(tmp_path)
    store = Store(str(tmp_path))

    def step(name: str) -> None:
        Rotation(Reconciler(store, None, False, 0.3, False), min_age=timedelta(0)).advance(name, [], [{"name": "sa"}])
        cluster.programs.stop("kube-apiserver")
        cluster.programs.start("kube-apiserver", cluster._apiserver())
        cluster.programs.wait_until("kube-apiserver", cluster.ready)

    for file in ("sa.key", "sa.pub"):
        (tmp_path / file).unlink()
    Reconciler(store, None, False, 0.3, False).key_pair({"name": "sa"})
    try:
        cluster.start()
        wait_until(lambda: cluster.api().find(ACCOUNT), bool, timeout=60)
        old = token(cluster)
        step("trust")
        between = token(cluster)
        step("issue")
        new = token(cluster)
        assert [valid(cluster, bearer) for bearer in (old, between, new, old[:-9] + "AAAAAAAAA")] == [True] * 3 + [
            False
        ]
        step("updated")
        step("drop")
        assert [valid(cluster, bearer) for bearer in (old, between, new)] == [False, False, True]
    finally:
        cluster.stop()
