# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server adds to objects and refuses in them, as far as our manifests need it."""

from __future__ import annotations

import base64
import ipaddress
import re
import secrets
from typing import Any, Optional

from ..core.client import ApiError
from ..core.kinds import Target
from ..core.values import GUARDED
from .identity import User
from .rights import NODE
from .store import Store

Object = dict[str, Any]
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


class Admission:
    """Plugins and defaults, in one place."""

    def __init__(self, store: Store, plugins: list[str], services: str, exempt: list[str], enforce: str) -> None:
        """Remember the settings."""
        self.store, self.plugins = store, plugins
        self.services = ipaddress.ip_network(services, strict=False)
        self.exempt, self.enforce = exempt, enforce

    def admit(self, target: Target, item: Object, old: Optional[Object], user: User) -> None:
        """Complete an object; raise ApiError where it may not be."""
        if old is None:
            self._new(target, item)
        if "NodeRestriction" in self.plugins and user.name.startswith(NODE) and target.resource.name == "nodes":
            _restrict(item, old, user.name[len(NODE) :])
        own = getattr(self, f"_{item['kind'].lower()}", None)
        if own is not None and not target.part:
            own(item, old, user)

    def _new(self, target: Target, item: Object) -> None:
        """Check name and namespace of a new object."""
        name, resource = item["metadata"]["name"], target.resource
        if not NAME.fullmatch(name) and resource.group != "rbac.authorization.k8s.io":
            raise _invalid(item, f'metadata.name: Invalid value: "{name}"')
        if resource.namespaced and self.store.get(f"namespaces/{target.namespace}") is None:
            raise ApiError(404, f'namespaces "{target.namespace}" not found')

    def _namespace(self, item: Object, _old: Optional[Object], _user: User) -> None:
        """Give a namespace its label, finalizer and phase."""
        item["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = item["metadata"]["name"]
        item.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
        item.setdefault("status", {"phase": "Active"})

    def _node(self, item: Object, _old: Optional[Object], _user: User) -> None:
        """Give a node the specification that it always has."""
        item.setdefault("spec", {})

    def _secret(self, item: Object, _old: Optional[Object], _user: User) -> None:
        """Encode stringData."""
        for name, value in (item.pop("stringData", None) or {}).items():
            item.setdefault("data", {})[name] = base64.b64encode(value.encode()).decode()
        item.setdefault("type", "Opaque")

    def _deployment(self, item: Object, _old: Optional[Object], _user: User) -> None:
        """Give a deployment the one replica that it has by default."""
        item.setdefault("spec", {}).setdefault("replicas", 1)

    def _certificatesigningrequest(self, item: Object, old: Optional[Object], user: User) -> None:
        """Record the requesting user; no user may claim to be another."""
        if old is not None:
            item["spec"] = old["spec"]
        else:
            item["spec"] = {**_required(item, "spec"), **user.info()}
            item["status"] = {}

    def _service(self, item: Object, old: Optional[Object], _user: User) -> None:
        """Give a service its address and node ports."""
        spec = _required(item, "spec")
        spec.setdefault("type", "ClusterIP")
        spec.setdefault("sessionAffinity", "None")
        before = (old or {}).get("spec") or {}
        taken = {i["spec"].get("clusterIP") for i in self.store.below("services/specs/")[0]} if old is None else set()
        given = spec.get("clusterIP") or before.get("clusterIP")
        if old is None and given in taken and given != "None":
            reason = f"failed to allocate IP {given}: provided IP is already allocated"
            raise _invalid(item, f'spec.clusterIPs: Invalid value: ["{given}"]: {reason}')
        if given and given != "None" and ipaddress.ip_address(given) not in self.services:
            reason = f"provided IP is not in the valid range {self.services}"
            raise _invalid(item, f'spec.clusterIPs: Invalid value: ["{given}"]: {reason}')
        while not given or (old is None and given in taken):
            given = str(self.services[256 + secrets.randbelow(max(1, min(self.services.num_addresses, 65536) - 512))])
        spec["clusterIP"], spec["clusterIPs"] = given, [given]
        ports = {port.get("port"): port.get("nodePort") for port in before.get("ports") or []}
        for port in spec.get("ports") or []:
            port.setdefault("protocol", "TCP")
            if "port" not in port:
                raise _invalid(item, "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive")
            port.setdefault("targetPort", port["port"])
            if spec["type"] != "ClusterIP" and "nodePort" not in port:
                port["nodePort"] = ports.get(port["port"]) or 30000 + secrets.randbelow(2768)

    def _pod(self, item: Object, old: Optional[Object], _user: User) -> None:
        """Apply the baseline level of Pod Security to new pods: no privileged containers, no host namespaces."""
        spec = _required(item, "spec")
        item.setdefault("status", {"phase": "Pending"})
        namespace = item["metadata"].get("namespace", "")
        if old is not None or self.enforce == "privileged" or namespace in self.exempt:
            return
        containers = spec.get("containers") or []
        bad = [c["name"] for c in containers if (c.get("securityContext") or {}).get("privileged")]
        shared = [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
        if bad or shared:
            reason = f"privileged (containers {bad})" if bad else f"host namespaces ({', '.join(shared)})"
            message = f'pods "{item["metadata"]["name"]}" is forbidden: violates PodSecurity "{self.enforce}:latest"'
            raise ApiError(403, f"{message}: {reason}")


def _invalid(item: Object, reason: str) -> ApiError:
    """Return the refusal of an object whose content is not as it must be."""
    return ApiError(422, f'{item["kind"]} "{item["metadata"]["name"]}" is invalid: {reason}')


def _required(item: Object, name: str) -> Object:
    """Return a part that an object of its kind must have."""
    if not isinstance(item.get(name), dict):
        raise _invalid(item, f"{name}: Required value")
    found: Object = item[name]
    return found


def _restrict(item: Object, old: Optional[Object], node: str) -> None:
    """Let a node change only itself, and give itself no protected labels."""
    name = item["metadata"]["name"]
    if name != node:
        raise ApiError(403, f'nodes "{name}" is forbidden: node "{node}" is not allowed to modify node "{name}"')
    before = ((old or {}).get("metadata") or {}).get("labels") or {}
    after = item["metadata"].get("labels") or {}
    changed = {label for label in {*before, *after} if before.get(label) != after.get(label)}
    bad = sorted(label for label in changed if GUARDED.fullmatch(label))
    if bad:
        message = f'nodes "{name}" is forbidden: is not allowed to modify labels: {", ".join(bad)}'
        raise ApiError(403, message)
    if old is not None and (old.get("spec") or {}).get("taints") != (item.get("spec") or {}).get("taints"):
        raise ApiError(403, f'nodes "{name}" is forbidden: node "{node}" is not allowed to modify taints')
