# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization: the roles in the store, and what belongs to a node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..core.flags import table
from ..core.kinds import BY_NAME
from .identity import User
from .store import Store

NODE = "system:node:"
# Of these a node sees only what belongs to its pods, which a rehearsal does not start.
HIDDEN = ("configmaps", "persistentvolumeclaims", "persistentvolumes", "resourceclaims", "secrets", "serviceaccounts")


@dataclass(frozen=True)
class Deed:
    """What a user wants to do."""

    verb: str
    group: str = ""
    resource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""


def _has(listed: Any, wanted: str) -> bool:
    """Say whether a rule names something, or all."""
    return wanted in (listed or []) or "*" in (listed or [])


def covered(rule: dict[str, Any], path: str) -> bool:
    """Say whether a rule is about a path that is no object's."""
    urls = rule.get("nonResourceURLs") or []
    return any(path == url or (url.endswith("*") and path.startswith(url[:-1])) for url in urls)


def _allows(rule: dict[str, Any], deed: Deed) -> bool:
    """Say whether one rule of a role allows a deed."""
    if not _has(rule.get("verbs"), deed.verb):
        return False
    if deed.path:
        return covered(rule, deed.path)
    part = deed.resource.partition("/")[2]
    named = _has(rule.get("resources"), deed.resource) or (bool(part) and f"*/{part}" in (rule.get("resources") or []))
    names = rule.get("resourceNames") or []
    return _has(rule.get("apiGroups"), deed.group) and named and (not names or deed.name in names)


class Authorizer:
    """Decides by the roles that the watch of the store knows."""

    def __init__(self, store: Store, modes: list[str]) -> None:
        """Remember where the roles are, and which authorizers count."""
        self.store, self.modes = store, modes
        (role,) = (item for item in table("roles") if item["metadata"]["name"] == "system:node")
        self.node_rules = role["rules"]

    def allows(self, user: User, deed: Deed) -> bool:
        """Return whether a user may do something."""
        if "system:masters" in user.groups or "AlwaysAllow" in self.modes:
            return True
        node = user.name[len(NODE) :] if "system:nodes" in user.groups and user.name.startswith(NODE) else ""
        if node and "Node" in self.modes and self._node(node, deed):
            return True
        return "RBAC" in self.modes and any(_allows(rule, deed) for rule in self._rules(user, deed.namespace))

    def _node(self, name: str, deed: Deed) -> bool:
        """Return whether a node may do it because it is that node."""
        resource = deed.resource.partition("/")[0]
        if resource in HIDDEN or (resource == "nodes" and deed.name not in ("", name)):
            return False
        if resource == "leases" and (deed.namespace != "kube-node-lease" or deed.name not in ("", name)):
            return False
        return any(_allows(rule, deed) for rule in self.node_rules)

    def _rules(self, user: User, namespace: str) -> Iterable[dict[str, Any]]:
        """Yield the rules that bindings give to a user."""
        roles = {("ClusterRole", "", item["metadata"]["name"]): item for item in self._all("clusterroles")}
        bindings = [(item, "") for item in self._all("clusterrolebindings")]
        if namespace:
            bindings += [(item, namespace) for item in self._all("rolebindings", namespace)]
            roles |= {("Role", namespace, i["metadata"]["name"]): i for i in self._all("roles", namespace)}
        for binding, place in bindings:
            if any(_is(subject, user) for subject in binding.get("subjects") or []):
                kind = binding["roleRef"]["kind"]
                found = roles.get((kind, place if kind == "Role" else "", binding["roleRef"]["name"])) or {}
                yield from found.get("rules") or []

    def _all(self, resource: str, namespace: str = "") -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        return self.store.cached(BY_NAME[resource], namespace)


def _is(subject: dict[str, Any], user: User) -> bool:
    """Return whether a user is the subject of a binding."""
    if subject["kind"] == "ServiceAccount":
        return user.name == f"system:serviceaccount:{subject.get('namespace', '')}:{subject['name']}"
    return bool(subject["name"] == user.name if subject["kind"] == "User" else subject["name"] in user.groups)


def sentence(user: User, deed: Deed) -> str:
    """Return the refusal in the real API server's words."""
    if deed.path:
        return f'forbidden: User "{user.name}" cannot {deed.verb} path "{deed.path}"'
    scope = f'in the namespace "{deed.namespace}"' if deed.namespace else "at the cluster scope"
    what = f"{deed.resource.partition('/')[0]}.{deed.group}" if deed.group else deed.resource.partition("/")[0]
    return (
        f'{what} {f"{chr(34)}{deed.name}{chr(34)} " if deed.name else ""}is forbidden: User "{user.name}" cannot '
        f'{deed.verb} resource "{deed.resource}" in API group "{deed.group}" {scope}'
    )
