# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the authorizers of API servers: AuthorizationConfiguration and ABAC policies.

An API server with a wrong file does not start, or keeps its former configuration. Expressions in CEL are only compiled
by the API server; see module authorization_check.
"""

from __future__ import annotations

import posixpath
import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.directories import HIDDEN, reason

Fields = t.Mapping[str, t.Any]
CONFIG_VERSION = "apiserver.config.k8s.io/v1"
CONFIG_KIND = "AuthorizationConfiguration"
# Kubelets and the components of this collection need these two.
NEEDED = ("Node", "RBAC")
TYPES = (*NEEDED, "Webhook", "ABAC")
WEBHOOK = (
    *("authorizedTTL", "unauthorizedTTL", "cacheAuthorizedRequests", "cacheUnauthorizedRequests", "timeout"),
    *("subjectAccessReviewVersion", "matchConditionSubjectAccessReviewVersion", "failurePolicy", "connectionInfo"),
    "matchConditions",
)
LONGEST_TIMEOUT = 30
MOST_CONDITIONS = 64
POLICY_VERSION = "abac.authorization.kubernetes.io/v1beta1"
POLICY_TEXTS = ("user", "group", "namespace", "resource", "apiGroup", "nonResourcePath")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_BREAK = re.compile(r"[\r\n\0]")


def configuration(value: Fields) -> str:
    """Return what is wrong with an AuthorizationConfiguration; an empty one is not used."""
    if not value:
        return ""
    for name, wanted in (("apiVersion", CONFIG_VERSION), ("kind", CONFIG_KIND)):
        if value.get(name, wanted) != wanted:
            return f"{name} is {value[name]!r}; set it to {wanted}, or leave it out"
    if unknown := _unknown(value, ("apiVersion", "kind", "authorizers")):
        return unknown
    given = value.get("authorizers")
    if not isinstance(given, list) or not all(isinstance(entry, t.Mapping) for entry in given):
        return "authorizers is not a list of mappings; list each authorizer with its type and name"
    return _order(given) or next(
        (f"authorizers[{number}]: {found}" for number, entry in enumerate(given) if (found := _authorizer(entry))), ""
    )


def _order(given: t.Sequence[Fields]) -> str:
    """Return whether authorizers are missing or repeated."""
    types = [entry.get("type") for entry in given]
    names = [entry.get("name") for entry in given]
    if missing := [kind for kind in NEEDED if kind not in types]:
        lost = " and ".join(missing)
        listed = " and ".join(f"{{type: {kind}, name: {kind.lower()}}}" for kind in missing)
        return f"authorizers lack {lost}, without which kubelets and components lose their permissions; add {listed}"
    for kind in TYPES:
        if kind != "Webhook" and types.count(kind) > 1:
            return f"authorizers have {kind} twice; list it once"
    repeated = [name for name in names if names.count(name) > 1 and isinstance(name, str)]
    return f"authorizers have the name {repeated[0]!r} twice; choose another one" if repeated else ""


def _authorizer(entry: Fields) -> str:
    kind, name = entry.get("type"), entry.get("name")
    if kind not in TYPES:
        return f"type is {kind!r}; use one of {', '.join(TYPES)}"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"name is {name!r}; set it to lower-case letters, digits, '-' and '.', as {str(kind).lower()}"
    if kind != "Webhook":
        return _unknown(entry, ("type", "name"))
    webhook = entry.get("webhook")
    if not isinstance(webhook, t.Mapping):
        return "webhook is missing; describe the webhook there: timeout, connectionInfo and so on"
    found = _unknown(entry, ("type", "name", "webhook")) or _unknown(webhook, WEBHOOK)
    found = found or _webhook_choices(webhook) or _webhook_times(webhook)
    found = found or _connection(webhook.get("connectionInfo")) or _conditions(webhook)
    return f"webhook: {found}" if found else ""


def _webhook_choices(webhook: Fields) -> str:
    choices: dict[str, tuple[str, ...]] = {
        "subjectAccessReviewVersion": ("v1", "v1beta1"),
        "failurePolicy": ("NoOpinion", "Deny"),
    }
    if webhook.get("matchConditions"):
        choices["matchConditionSubjectAccessReviewVersion"] = ("v1",)
    for name, allowed in choices.items():
        if webhook.get(name) not in allowed:
            return f"{name} is {webhook.get(name)!r}; set it to {' or '.join(allowed)}"
    for name in ("cacheAuthorizedRequests", "cacheUnauthorizedRequests"):
        if not isinstance(webhook.get(name, True), bool):
            return f"{name} is {webhook[name]!r}; set it to true or false"
    return ""


def _webhook_times(webhook: Fields) -> str:
    for name in ("timeout", "authorizedTTL", "unauthorizedTTL"):
        if name not in webhook and name != "timeout":
            continue
        given = webhook.get(name)
        try:
            seconds = parse(given if isinstance(given, str) and "d" not in given else "").total_seconds()
        except HardwayError:
            return f"{name} is {given!r}, not a duration; write a number with a unit, as 3s or 5m"
        if name == "timeout" and seconds > LONGEST_TIMEOUT:
            return f"timeout is {given!r}; set it to {LONGEST_TIMEOUT}s or less"
    return ""


def _connection(given: t.Any) -> str:
    if not isinstance(given, t.Mapping) or given.get("type") != "KubeConfigFile":
        return "connectionInfo has another type than KubeConfigFile; set type: KubeConfigFile and kubeConfigFile"
    path = given.get("kubeConfigFile")
    if not isinstance(path, str) or not path.startswith("/") or posixpath.normpath(path) != path:
        return f"kubeConfigFile is {path!r}, not an absolute path; write that of a file in master_extra_files"
    if why := reason(path, HIDDEN):
        return f"kubeConfigFile {path}: {why}; put it below /etc/kubernetes, by master_extra_files"
    return _unknown(given, ("type", "kubeConfigFile"))


def _conditions(webhook: Fields) -> str:
    given = webhook.get("matchConditions") or []
    if not isinstance(given, list):
        return "matchConditions is not a list; list each condition as {expression: TEXT}"
    if len(given) > MOST_CONDITIONS:
        return f"matchConditions are {len(given)}; use {MOST_CONDITIONS} or fewer, joined by &&"
    seen: list[str] = []
    for number, entry in enumerate(given):
        text = entry.get("expression") if isinstance(entry, t.Mapping) and len(entry) == 1 else None
        if not isinstance(text, str) or not text.strip():
            return f"matchConditions[{number}] has no expression; write it as {{expression: TEXT}}, TEXT in CEL"
        if text in seen:
            return f"matchConditions[{number}] repeats an expression; remove it"
        seen.append(text)
    return ""


def webhook_files(value: t.Any) -> list[str]:
    """Return the kubeconfigs that the webhooks of a configuration read."""
    authorizers = value.get("authorizers") if isinstance(value, t.Mapping) else None
    found = []
    for entry in authorizers if isinstance(authorizers, list) else ():
        webhook = entry.get("webhook") if isinstance(entry, t.Mapping) else None
        connection = webhook.get("connectionInfo") if isinstance(webhook, t.Mapping) else None
        if isinstance(connection, t.Mapping) and connection.get("kubeConfigFile"):
            found.append(str(connection["kubeConfigFile"]))
    return found


def has_abac(value: t.Any) -> bool:
    """Return whether a configuration has the authorizer ABAC."""
    authorizers = value.get("authorizers") if isinstance(value, t.Mapping) else None
    return any(isinstance(entry, t.Mapping) and entry.get("type") == "ABAC" for entry in authorizers or ())


def policies(value: t.Sequence[t.Any]) -> str:
    """Return what is wrong with the policies of ABAC."""
    return next((f"policy {number}: {found}" for number, entry in enumerate(value, 1) if (found := _policy(entry))), "")


def _policy(entry: t.Any) -> str:
    if not isinstance(entry, t.Mapping):
        return "is not a mapping; write it with apiVersion, kind and spec"
    for name, wanted in (("apiVersion", POLICY_VERSION), ("kind", "Policy")):
        if entry.get(name) != wanted:
            return f"{name} is {entry.get(name)!r}; set it to {wanted}"
    spec = entry.get("spec")
    if not isinstance(spec, t.Mapping):
        return "has no spec; describe there whom it allows what"
    if unknown := _unknown(entry, ("apiVersion", "kind", "spec")) or _unknown(spec, (*POLICY_TEXTS, "readonly")):
        return unknown
    for name in POLICY_TEXTS:
        if not isinstance(spec.get(name, ""), str) or _BREAK.search(spec.get(name, "")):
            return f"{name} is {spec[name]!r}, not a text of one line; put it in quotes"
    if not isinstance(spec.get("readonly", False), bool):
        return f"readonly is {spec['readonly']!r}; set it to true or false"
    return "" if spec.get("user") or spec.get("group") else "has neither user nor group; name whom it allows this"


def _unknown(value: Fields, known: t.Sequence[str]) -> str:
    found = [str(name) for name in value if name not in known]
    return f"{found[0]!r} is no field here; known are {', '.join(known)}" if found else ""
