#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel
short_description: Kernel modules, sysctls and swap as Kubernetes wants them, now and at boot
version_added: 0.1.0
description:
  - Loads kernel modules, sets sysctls and turns swap off, now and at boot, and tells what the host can do.
  - Tests for the feature, never for a module file, so a kernel with everything built in is as good as any.
  - What a host refuses (a read-only setting in a container, a module that its kernel lacks) is reported
    in RV(ansible_facts.host_features.unsupported) and is a failure only for names in O(required).
author:
  - "hardway.kubernetes contributors (@hardway-kubernetes)"
attributes:
  check_mode:
    description: Predicts without loading, writing or switching anything, and still returns the facts.
    support: full
  diff_mode:
    description: Shows the files and the live values before and after.
    support: full
options:
  modules:
    description: Kernel modules to have, loaded in this order.
    type: list
    elements: str
    default: []
  sysctls:
    description: Settings and their exact values.
    type: dict
    default: {}
  required:
    description: Names out of O(modules) and O(sysctls) without which the task fails.
    type: list
    elements: str
    default: []
  swap:
    description:
      - V(false) turns swap off now, comments it out of F(/etc/fstab) and masks or disables swap units.
      - V(true) leaves it alone.
    type: bool
    default: true
  commands:
    description:
      - Commands to look for; those that are absent come back in RV(ansible_facts.host_features.missing_commands).
      - C(a|b) is there when either of the two is.
    type: list
    elements: str
    default: []
  python_packages:
    description: Python packages to look for, as O(commands).
    type: list
    elements: str
    default: []
  users:
    description: Users to look for; those that exist come back in RV(ansible_facts.host_features.users).
    type: list
    elements: str
    default: []
  modules_file:
    description: The file that lists O(modules) for the boot.
    type: path
    default: /etc/modules-load.d/hardway-kubernetes.conf
  sysctls_file:
    description: The file that lists O(sysctls) for the boot. Its name decides which other file may override it.
    type: path
    default: /etc/sysctl.d/99-zz-hardway-kubernetes.conf
"""

EXAMPLES = r"""
- name: Prepare the kernel for a node
  hardway.kubernetes.kernel:
    modules: [overlay, br_netfilter, nf_conntrack]
    sysctls:
      net.ipv4.ip_forward: 1
      net.bridge.bridge-nf-call-iptables: 1
    required: [net.ipv4.ip_forward]
    swap: false
"""

RETURN = r"""
changes:
  description: What was done, or would be done in check mode.
  returned: always
  type: list
  elements: str
  sample: ["load module br_netfilter", "set net.ipv4.ip_forward = 1 (was 0)"]
ansible_facts:
  description: What the host can do.
  returned: always
  type: complex
  contains:
    host_features:
      description: The features, read after all changes.
      returned: always
      type: dict
      contains:
        cgroup_version: {description: 1 or 2., type: int, returned: always}
        cgroup_controllers: {description: Controllers there are., type: list, elements: str, returned: always}
        cap_sys_resource: {description: Whether services may raise their limits., type: bool, returned: always}
        conntrack_writable: {description: Whether the connection table's size can be set., type: bool, returned: always}
        bridge_nf: {description: Whether bridged packets pass iptables., type: bool, returned: always}
        overlay: {description: Whether overlayfs is there., type: bool, returned: always}
        ipvs: {description: Whether IPVS is there., type: bool, returned: always}
        nftables: {description: Whether nf_tables answers., type: bool, returned: always}
        swap: {description: Whether any swap is active., type: bool, returned: always}
        kernel_defaults_ok: {description: Whether protectKernelDefaults holds., type: bool, returned: always}
        time_synchronized: {description: Whether the kernel's clock is disciplined., type: bool, returned: always}
        resolv_conf: {description: The resolver file that names real servers., type: str, returned: always}
        os_family: {description: "debian, redhat, suse or the system's id.", type: str, returned: always}
        kernel_release: {description: The running kernel., type: str, returned: always}
        nonlocal_bind: {description: Whether foreign IPv4 addresses can be bound., type: bool, returned: always}
        users: {description: Those of O(users) that exist., type: list, elements: str, returned: always}
        commands: {description: Those of O(commands) that are there., type: list, elements: str, returned: always}
        missing_commands: {description: Out of O(commands)., type: list, elements: str, returned: always}
        missing_python: {description: Out of O(python_packages)., type: list, elements: str, returned: always}
        unsupported: {description: Refused names and why., type: dict, returned: always}
"""

import os
import subprocess
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils import _kernel, _kernel_host
from ansible_collections.hardway.kubernetes.plugins.module_utils._atomic import write
from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError


def run(*command: str) -> str:
    """Run a program and return why it failed, empty when it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as exc:
        return f"{command[0]}: {exc.strerror}"
    return "" if done.returncode == 0 else (done.stderr.strip() or f"{command[0]} exited {done.returncode}")


class Kernel:
    """One run over one host: applies, and remembers what changed and what was refused."""

    def __init__(self, host: _kernel_host.Host, check_mode: bool) -> None:
        """Begin with nothing changed."""
        self.host = host
        self.check_mode = check_mode
        self.changes: list[str] = []
        self.diff: list[dict[str, str]] = []
        self.unsupported: dict[str, str] = {}
        self.promised: dict[str, str] = {}
        self.to_load: set[str] = set()

    def file(self, path: str, wanted: str, mode: int = 0o644) -> None:
        """Have a file with this text."""
        found = self.host.read(path)
        if found == wanted:
            return
        self.changes.append(f"write {path}")
        self.diff.append({"before_header": path, "after_header": path, "before": found or "", "after": wanted})
        if not self.check_mode:
            os.makedirs(os.path.dirname(self.host.path(path)), mode=0o755, exist_ok=True)
            write(self.host.path(path), wanted.encode("utf-8", "surrogateescape"), mode=mode)

    def module(self, name: str) -> None:
        """Have a module's feature."""
        if self.host.has_module(name):
            return
        if self.check_mode:
            reason = "" if self.host.can_load(name) else "this kernel does not have it"
        else:
            reason = run("modprobe", name)
            reason = "" if not reason or self.host.has_module(name) else reason
        if reason:
            self.unsupported[name] = reason
        else:
            self.to_load.add(name)
            self.changes.append(f"load module {name}")

    def sysctl(self, key: str, wanted: str) -> None:
        """Have a live value."""
        found = self.host.sysctl(key)
        if found == wanted:
            return
        refusal = self._set(key, wanted, found)
        if refusal:
            self.unsupported[key] = refusal
            return
        self.promised[key] = wanted
        self.changes.append(f"set {key} = {wanted} (was {found or 'absent'})")
        self.diff.append({"before_header": key, "after_header": key, "before": f"{found}\n", "after": f"{wanted}\n"})

    def _set(self, key: str, wanted: str, found: Optional[str]) -> str:
        """Write a value, or find out whether that would work; return the refusal."""
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
            self.file("/etc/fstab", _kernel.without_swap(fstab))
        for unit, verb in self.host.swap_units().items():
            reason = "" if self.check_mode else run("systemctl", verb, unit)
            if reason:
                self.unsupported[unit] = reason
            else:
                self.changes.append(f"{verb} {unit}")
        for device in _kernel.swap_devices(self.host.read("/proc/swaps") or ""):
            reason = "" if self.check_mode else run("swapoff", device)
            if reason:
                self.unsupported["swap"] = reason
            else:
                self.changes.append(f"swapoff {device}")

    def features(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the facts, in check mode as they would be."""
        live: dict[str, Optional[str]] = {key: self.host.sysctl(key) for key in _kernel.KUBELET_DEFAULTS}
        found = self.host.features()
        found["bridge_nf"] = found["bridge_nf"] or "br_netfilter" in self.to_load
        found["ipvs"] = found["ipvs"] or "ip_vs" in self.to_load
        found["nonlocal_bind"] = found["nonlocal_bind"] or self.promised.get("net.ipv4.ip_nonlocal_bind") == "1"
        found["swap"] = found["swap"] and (params["swap"] or not self.check_mode)
        missing = self.host.missing_commands(params["commands"])
        return {
            **found,
            "kernel_defaults_ok": _kernel.kubelet_defaults_hold({**live, **self.promised}),
            "users": [name for name in params["users"] if name in _kernel_host.users()],
            "commands": [name for name in params["commands"] if name not in missing],
            "missing_commands": missing,
            "missing_python": _kernel_host.missing_python(params["python_packages"]),
            "unsupported": self.unsupported,
        }


def apply(kernel: Kernel, params: dict[str, Any]) -> None:
    """Do all that was asked for; modules first, because they bring settings with them."""
    settings = {key: _kernel.normal(value) for key, value in params["sysctls"].items()}
    if params["modules"]:
        kernel.file(params["modules_file"], _kernel.modules_text(params["modules"]))
    for name in params["modules"]:
        kernel.module(name)
    if settings:
        kernel.file(params["sysctls_file"], _kernel.sysctl_text(settings))
    for key, wanted in settings.items():
        kernel.sysctl(key, wanted)
    if not params["swap"]:
        kernel.swap_off()
    refused = {name: why for name, why in kernel.unsupported.items() if name in params["required"]}
    if refused:
        name, why = next(iter(refused.items()))
        raise HardwayError(
            f"{name}: {why}; give this host a kernel (or a container) that allows it, or do not require it"
        )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "modules": {"type": "list", "elements": "str", "default": []},
            "sysctls": {"type": "dict", "default": {}},
            "required": {"type": "list", "elements": "str", "default": []},
            "swap": {"type": "bool", "default": True},
            "commands": {"type": "list", "elements": "str", "default": []},
            "python_packages": {"type": "list", "elements": "str", "default": []},
            "users": {"type": "list", "elements": "str", "default": []},
            "modules_file": {"type": "path", "default": "/etc/modules-load.d/hardway-kubernetes.conf"},
            "sysctls_file": {"type": "path", "default": "/etc/sysctl.d/99-zz-hardway-kubernetes.conf"},
        },
        supports_check_mode=True,
    )
    kernel = Kernel(_kernel_host.Host(), module.check_mode)
    try:
        apply(kernel, module.params)
        features = kernel.features(module.params)
        module.exit_json(
            changed=bool(kernel.changes),
            changes=kernel.changes,
            diff=kernel.diff,
            ansible_facts={"host_features": features},
        )
    except (HardwayError, OSError) as exc:
        module.fail_json(msg=str(exc), changes=kernel.changes)


if __name__ == "__main__":
    main()
