# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster record: what a cluster says of itself, in a ConfigMap. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import upgrade_state

NAME = "hardway-cluster"
PATH = "/api/v1/namespaces/kube-system/configmaps"
KEY = "record.json"
# Raised when the meaning of a field changes, so that an older collection leaves a newer record alone.
SCHEMA = 1


def parsed(config_map: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the record; empty if there is none, or none that can be read."""
    try:
        found = json.loads(((config_map or {}).get("data") or {}).get(KEY) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def problem(before: Mapping[str, Any], name: str) -> Optional[str]:
    """Return why the record must not be changed for the cluster C(name); None if it may."""
    if before.get("schema", SCHEMA) > SCHEMA:
        return (
            f"cluster record: written by a newer collection ({before.get('collection', 'of unknown version')}); "
            "use that one or a newer one"
        )
    if before.get("name", name) != name:
        return (
            f"cluster record: this is the cluster {before['name']}, but cluster_name is {name}; correct the inventory"
        )
    return None


def updated(
    before: Mapping[str, Any], wanted: Mapping[str, Any], members: Optional[Sequence[Mapping[str, Any]]], new_id: str
) -> dict[str, Any]:
    """Return the record of now.

    members: etcd members with C(name) and C(id), None where etcd did not answer. Fields that other operations add stay.
    The state of an upgrade ends where all run the former minor again.
    """
    etcd = before.get("etcd", []) if members is None else [{"name": one["name"], "id": one["id"]} for one in members]
    after = {
        **before,
        "schema": SCHEMA,
        "id": before.get("id") or new_id,
        **wanted,
        "etcd": sorted(etcd, key=lambda one: str(one["name"])),
    }
    if not after.get("left_out"):
        after.pop("left_out", None)
    state = upgrade_state.valid(after.pop("upgrade", {}))
    if "upgrade" not in wanted and "versions" in wanted:
        state = upgrade_state.settled(state, str(wanted["versions"].get("kubernetes", "")))
    return {**after, **({"upgrade": state} if state else {})}


def text(record: Mapping[str, Any]) -> str:
    """Return the record as text, the same for the same content."""
    return json.dumps(record, indent=2, sort_keys=True) + "\n"


def config_map(record: Mapping[str, Any], version: Optional[str]) -> dict[str, Any]:
    """Return the ConfigMap; with a resource version, the API refuses it if the former one was changed since."""
    metadata = {
        "name": NAME,
        "namespace": "kube-system",
        "labels": {"app.kubernetes.io/managed-by": "hardway.kubernetes"},
    }
    if version:
        metadata["resourceVersion"] = version
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {KEY: text(record)}}
