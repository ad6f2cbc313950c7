# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings from the command line and the files that it names, validated as the real server does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core.configuration import check, load, read
from ..core.flags import Refusal
from ..core.program import Program

DEFAULT_PLUGINS = ["NamespaceLifecycle", "ServiceAccount", "PodSecurity", "Priority"]


@dataclass
class Settings:
    """What follows from the files."""

    plugins: list[str] = field(default_factory=list)
    anonymous: dict[str, Any] = field(default_factory=lambda: {"enabled": True})
    exempt: list[str] = field(default_factory=list)
    enforce: str = "privileged"


def _required(program: Program) -> None:
    """Raise Refusal where something is not said that has no default."""
    missing = [] if program.get("etcd-servers") else ["--etcd-servers must be specified"]
    if not (program.get("service-account-key-file") or program.get("service-account-signing-endpoint")):
        missing.append("either `--service-account-key-file` or `--service-account-signing-endpoint` must be set")
    if not all(program.get("service-account-issuer", [])):
        missing.append("service-account-issuer should not be an empty string")
    if not program.get("service-account-issuer") or not program.get("service-account-signing-key-file"):
        missing.append("--service-account-signing-key-file and --service-account-issuer are required flags")
    if missing:
        raise Refusal(f"[{', '.join(missing)}]")


def settings(program: Program) -> Settings:
    """Return the settings; raise Refusal where the real server would not start."""
    found = Settings()
    _required(program)
    for mode, flag, kind in (("Webhook", "webhook-config", "config"), ("ABAC", "policy", "policy")):
        if mode in program.get("authorization-mode", []) and not program.get(f"authorization-{flag}-file"):
            raise Refusal(f"authorization-mode {mode}'s authorization {kind} file not passed")
    off = program.get("disable-admission-plugins", [])
    found.plugins = [n for n in {*DEFAULT_PLUGINS, *program.get("enable-admission-plugins", [])} if n not in off]
    if path := program.get("authentication-config"):
        _authentication(program, path, found)
    elif program.get("anonymous-auth") is False:
        found.anonymous = {"enabled": False}
    if path := program.get("admission-control-config-file"):
        _admission(program, path, found)
    return found


def _authentication(program: Program, path: str, found: Settings) -> None:
    """Take the authentication configuration."""
    versions = ("apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1", "apiserver.config.k8s.io/v1alpha1")
    content = read(path, "AuthenticationConfiguration", program.fields, versions=versions)
    if content.get("anonymous") is not None:
        if program.get("anonymous-auth") is not None:
            reason = "anonymous field is configured in authentication-config"
            raise Refusal(f"anonymous-auth flag cannot be set when {reason}")
        found.anonymous = content["anonymous"]


def _admission(program: Program, path: str, found: Settings) -> None:
    """Take the configuration of the admission plugins."""
    content = read(path, "AdmissionConfiguration", program.fields)
    for plugin in content.get("plugins") or []:
        inner = plugin.get("configuration") or (load(plugin["path"]) if plugin.get("path") else {})
        if plugin["name"] == "PodSecurity":
            _known(inner, "PodSecurityConfiguration", program)
            program.hold(inner, "PodSecurityConfiguration")
            found.enforce = (inner.get("defaults") or {}).get("enforce", "privileged")
            found.exempt = (inner.get("exemptions") or {}).get("namespaces") or []
        elif plugin["name"] == "EventRateLimit":
            _known(inner, "Configuration", program)
            for limit in inner.get("limits") or []:
                program.hold({"type": "nothing", **limit}, "EventRateLimit")


def _known(content: dict[str, Any], kind: str, program: Program) -> None:
    """Hold an inner configuration to its fields."""
    for name in check(content, kind, program.fields):
        raise Refusal(f'strict decoding error: unknown field "{name}"')
