# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configures a host's kernel, or predicts the changes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.atomic_files import write
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.safe_paths import make_directory
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import (
    boot_settings,
    former_settings,
    kernel_rules,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import features as host_features


class Kernel:
    """Applies settings to one host, and records changes and refused ones."""

    def __init__(self, host: host_features.HostFiles, check_mode: bool) -> None:
        """Start without changes."""
        self.host = host
        self.check_mode = check_mode
        self.changes: list[str] = []
        self.diff: list[dict[str, str]] = []
        self.unsupported: dict[str, str] = {}
        self.predicted: dict[str, str] = {}
        self.to_load: set[str] = set()
        self.blocked: dict[str, str] = {}

    def apply(self, params: Mapping[str, Any]) -> None:
        """Apply all options; modules first, because they provide further settings."""
        settings = {key: kernel_rules.normal(value) for key, value in params["sysctls"].items()}
        self.check_next_boot(params, settings)
        if not self.check_mode:
            former_settings.remember(self.host, self.former(params, settings))
        if params["modules"]:
            self.file(params["modules_file"], kernel_rules.modules_text(params["modules"]))
        for name in params["modules"]:
            self.module(name)
        if settings:
            self.file(params["sysctls_file"], kernel_rules.sysctl_text(settings))
        for key, wanted in settings.items():
            self.sysctl(key, wanted)
        if not params["swap"]:
            self.swap_off()
        refused = {name: why for name, why in self.unsupported.items() if name in params["required"]}
        if refused:
            name, why = next(iter(refused.items()))
            raise HardwayError(
                f"{name}: {why}; give this host a kernel (or a container) that allows it, or do not require it"
            )

    def check_next_boot(self, params: Mapping[str, Any], settings: Mapping[str, str]) -> None:
        """Refuse what would hold only until the next boot, before anything is changed."""
        self.blocked = boot_settings.blocked(self.host, params["modules"])
        problems = [
            f"module {name}: {why}; remove that line"
            for name, why in self.blocked.items()
            if name in params["required"]
        ]
        problems += boot_settings.overridden(self.host, settings, params["sysctls_file"])
        if problems:
            raise HardwayError("; ".join(problems))

    def former(self, params: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Return what a reset of the host sets back: values as they are before the first change."""
        live = {key: self.host.sysctl(key) for key in settings}
        found = {
            "sysctls": {key: value for key, value in live.items() if value not in (None, settings[key])},
            "modules": {name: "absent" for name in params["modules"] if not self.host.has_module(name)},
            "users": {name: "absent" for name in params["users"] if name not in host_features.users()},
        }
        if not params["swap"]:
            fstab = self.host.read("/etc/fstab") or ""
            kept = kernel_rules.without_swap(fstab).splitlines()
            found["fstab"] = {line: "swap" for line, new in zip(fstab.splitlines(), kept) if line != new}
            found["swap_units"] = self.host.swap_units()
            found["swap_devices"] = dict.fromkeys(kernel_rules.swap_devices(self.host.read("/proc/swaps") or ""), "on")
        return {section: {key: str(value) for key, value in values.items()} for section, values in found.items()}

    def file(self, path: str, wanted: str, mode: int = 0o644) -> None:
        """Ensure a file with this text."""
        found = self.host.read(path)
        if found == wanted:
            return
        self.changes.append(f"write {path}")
        self.diff.append({"before_header": path, "after_header": path, "before": found or "", "after": wanted})
        if not self.check_mode:
            make_directory(os.path.dirname(self.host.path(path)))
            write(self.host.path(path), wanted.encode("utf-8", "surrogateescape"), mode=mode)

    def module(self, name: str) -> None:
        """Ensure a kernel module."""
        if name in self.blocked:
            self.unsupported[name] = self.blocked[name]
            return
        if self.host.has_module(name):
            return
        if self.check_mode:
            reason = "" if self.host.can_load(name) else "this kernel does not have it"
        else:
            reason = _run("modprobe", name)
            reason = "" if not reason or self.host.has_module(name) else reason
        if reason:
            self.unsupported[name] = reason
        else:
            self.to_load.add(name)
            self.changes.append(f"load module {name}")

    def sysctl(self, key: str, wanted: str) -> None:
        """Ensure a live value."""
        found = self.host.sysctl(key)
        if found == wanted:
            return
        refusal = self._set(key, wanted, found)
        if refusal:
            self.unsupported[key] = refusal
            return
        self.predicted[key] = wanted
        self.changes.append(f"set {key} = {wanted} (was {found or 'absent'})")
        self.diff.append({"before_header": key, "after_header": key, "before": f"{found}\n", "after": f"{wanted}\n"})

    def _set(self, key: str, wanted: str, found: Optional[str]) -> str:
        """Write a value, or test whether that would work; return the error."""
        path = self.host.sysctl_path(key)
        if self.check_mode:
            if found is None and self.to_load:
                return ""
            return "" if self.host.writable(path) else f"is {found or 'absent'} and cannot be set on this host"
        try:
            with open(self.host.path(path), "w", encoding="ascii") as stream:
                stream.write(wanted)
        except OSError as exc:
            return f"is {found or 'absent'} and cannot be set on this host: {exc.strerror}"
        now = self.host.sysctl(key)
        return "" if now == wanted else f"was set to {wanted} but reads {now}"

    def swap_off(self) -> None:
        """Turn swap off now and at boot."""
        fstab = self.host.read("/etc/fstab")
        if fstab is not None:
            self.file("/etc/fstab", kernel_rules.without_swap(fstab))
        for unit, verb in self.host.swap_units().items():
            reason = "" if self.check_mode else _run("systemctl", verb, unit)
            if reason:
                self.unsupported[unit] = reason
            else:
                self.changes.append(f"{verb} {unit}")
        for device in kernel_rules.swap_devices(self.host.read("/proc/swaps") or ""):
            reason = "" if self.check_mode else _run("swapoff", device)
            if reason:
                self.unsupported["swap"] = reason
            else:
                self.changes.append(f"swapoff {device}")

    def features(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the facts, in check mode as they would be."""
        live: dict[str, Optional[str]] = {key: self.host.sysctl(key) for key in kernel_rules.KUBELET_DEFAULTS}
        found = self.host.features()
        found["bridge_nf"] = found["bridge_nf"] or "br_netfilter" in self.to_load
        found["ipvs"] = found["ipvs"] or "ip_vs" in self.to_load
        found["nonlocal_bind"] = found["nonlocal_bind"] or self.predicted.get("net.ipv4.ip_nonlocal_bind") == "1"
        found["swap"] = found["swap"] and (params["swap"] or not self.check_mode)
        missing = self.host.missing_commands(params["commands"])
        users = host_features.users()
        return {
            **found,
            "kernel_defaults_ok": kernel_rules.kubelet_defaults_hold({**live, **self.predicted}),
            "users": [name for name in params["users"] if name in users],
            "service_users": [name for name in params["users"] if users.get(name)],
            "commands": [name for name in params["commands"] if name not in missing],
            "missing_commands": missing,
            "missing_python": host_features.missing_python(params["python_packages"]),
            "unsupported": self.unsupported,
        }


def unchanged_result(params: Mapping[str, Any], root: str = "/") -> Optional[dict[str, Any]]:
    """Return the result of module host_settings if there is nothing to change, else None."""
    kernel = Kernel(host_features.HostFiles(root), check_mode=True)
    try:
        kernel.apply(params)
        features = kernel.features(params)
    except (HardwayError, OSError):
        return None
    return None if kernel.changes else {"changes": [], "ansible_facts": {"host_features": features}}


def _run(*command: str) -> str:
    """Run a program and return why it failed, empty when it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as exc:
        return f"{command[0]}: {exc.strerror}"
    return "" if done.returncode == 0 else (done.stderr.strip() or f"{command[0]} exited {done.returncode}")
