# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster record in a real API: created once, updated where it differs, never taken from another cluster."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.api.kubernetes import RealKubernetes

Run = Callable[..., dict[str, Any]]
PATH = "/api/v1/namespaces/kube-system/configmaps/hardway-cluster"


@pytest.fixture
def record(kubernetes: RealKubernetes, run_module: Run) -> Iterator[Run]:
    """Return a function that runs the module."""

    def call(check: bool = False, **options: Any) -> dict[str, Any]:
        settings = {"name": "prod", "versions": {"kubernetes": "1.36.2"}, "masters": ["k2", "k1"], **options}
        return run_module("cluster_record", check=check, **kubernetes.arguments(), **settings)

    yield call
    kubernetes.api().delete(PATH)


def stored(kubernetes: RealKubernetes) -> dict[str, Any]:
    """Return the record in the API."""
    found: dict[str, Any] = json.loads(kubernetes.api().get(PATH)["data"]["record.json"])
    return found


def test_the_record_is_created_once_and_updated_where_it_differs(kubernetes: RealKubernetes, record: Run) -> None:
    assert record(check=True)["changed"] and kubernetes.api().find(PATH) is None
    first = record()
    assert first["changed"] and stored(kubernetes) == first["record"]
    assert str(uuid.UUID(first["record"]["id"])) == first["record"]["id"]
    assert first["record"]["masters"] == ["k1", "k2"]
    assert json.loads(first["text"]) == first["record"]
    assert not record()["changed"] and not record(check=True)["changed"]
    second = record(versions={"kubernetes": "1.36.3"})
    assert second["changed"] and second["record"]["id"] == first["record"]["id"]


def test_fields_of_other_operations_stay(kubernetes: RealKubernetes, record: Run) -> None:
    found = record()["record"]
    body = kubernetes.api().get(PATH)
    body["data"]["record.json"] = json.dumps({**found, "last_backup": {"revision": 7}})
    kubernetes.api().put(PATH, body)
    assert not record()["changed"]
    assert record(masters=["k1"])["record"]["last_backup"] == {"revision": 7}


def test_the_record_of_another_cluster_or_a_newer_collection_is_left_alone(
    kubernetes: RealKubernetes, record: Run
) -> None:
    found = record()["record"]
    refused = record(name="staging")
    assert refused["failed"] and "this is the cluster prod, but cluster_name is staging" in refused["msg"]
    body = kubernetes.api().get(PATH)
    body["data"]["record.json"] = json.dumps({**found, "schema": 99, "collection": "9.0.0"})
    kubernetes.api().put(PATH, body)
    refused = record()
    assert refused["failed"] and "written by a newer collection (9.0.0)" in refused["msg"]


def test_etcd_members_have_their_ids_and_stay_known_without_etcd(kubernetes: RealKubernetes, record: Run) -> None:
    etcd = kubernetes.etcd.arguments()
    (member,) = record(etcd=etcd)["record"]["etcd"]
    assert member["name"] and int(member["id"], 16) > 0
    again = record(etcd={**etcd, "endpoints": ["https://127.0.0.1:9"]})
    assert not again["changed"], again["diff"]
