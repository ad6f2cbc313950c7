#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_settings
short_description: Configure kernel modules, sysctls and swap for Kubernetes
version_added: 0.1.0
description:
  - Loads kernel modules, sets sysctls and turns swap off, now and at boot, and returns the features of the host.
  - Tests for features, not for module files, so a kernel with built-in features is supported.
  - Settings that a host refuses (a read-only sysctl in a container, a module its kernel lacks) are reported
    in RV(ansible_facts.host_features.unsupported) and fail the task only for names in O(required).
author:
  - "hardway.kubernetes contributors (@hardway-kubernetes)"
attributes:
  check_mode:
    description: Predicts changes, and still returns the facts.
    support: full
  diff_mode:
    description: Shows files and live values before and after.
    support: full
options:
  modules:
    description: Kernel modules to load, in this order.
    type: list
    elements: str
    default: []
  sysctls:
    description: Kernel settings and their values.
    type: dict
    default: {}
  required:
    description: Names from O(modules) and O(sysctls) without which the task fails.
    type: list
    elements: str
    default: []
  swap:
    description:
      - V(false) turns swap off, comments it out in C(/etc/fstab) and masks or disables swap units.
      - V(true) leaves it alone.
    type: bool
    default: true
  commands:
    description:
      - Commands to look for. Missing ones are in RV(ansible_facts.host_features.missing_commands).
      - C(a|b) means that one of the two must exist.
    type: list
    elements: str
    default: []
  python_packages:
    description: Python packages to look for. Missing ones are in RV(ansible_facts.host_features.missing_python).
    type: list
    elements: str
    default: []
  users:
    description: Users to look for. Existing ones are in RV(ansible_facts.host_features.users).
    type: list
    elements: str
    default: []
  modules_file:
    description: File that loads O(modules) at boot.
    type: path
    default: /etc/modules-load.d/hardway-kubernetes.conf
  sysctls_file:
    description:
      - File that sets O(sysctls) at boot. Where a file whose name sorts after it sets another value, the task fails
        before it changes anything. So it does for a line in C(modprobe.d) that keeps one of O(modules) from being
        loaded at boot, if that is O(required).
    type: path
    default: /etc/sysctl.d/99-zz-hardway-kubernetes.conf
  _cached_result:
    description: Internal. Key of the cached result on the host; see M(hardway.kubernetes.cached_results).
    type: str
"""

EXAMPLES = r"""
- name: Prepare the kernel for a node
  hardway.kubernetes.host_settings:
    modules: [overlay, br_netfilter, nf_conntrack]
    sysctls:
      net.ipv4.ip_forward: 1
      net.bridge.bridge-nf-call-iptables: 1
    required: [net.ipv4.ip_forward]
    swap: false
"""

RETURN = r"""
changes:
  description: Changes made, or predicted in check mode.
  returned: always
  type: list
  elements: str
  sample: ["load module br_netfilter", "set net.ipv4.ip_forward = 1 (was 0)"]
ansible_facts:
  description: Features of the host.
  returned: always
  type: complex
  contains:
    host_features:
      description: The features, read after all changes.
      returned: always
      type: dict
      contains:
        cgroup_version: {description: Cgroup version (1 or 2)., type: int, returned: always}
        cgroup_controllers: {description: Available controllers., type: list, elements: str, returned: always}
        cap_sys_resource: {description: Whether services may raise their limits., type: bool, returned: always}
        conntrack_writable: {description: Whether the conntrack table's size can be set., type: bool, returned: always}
        bridge_nf: {description: Whether bridged packets pass iptables., type: bool, returned: always}
        overlay: {description: Whether overlayfs is available., type: bool, returned: always}
        ipvs: {description: Whether IPVS is available., type: bool, returned: always}
        nftables: {description: Whether nf_tables is available., type: bool, returned: always}
        swap: {description: Whether any swap is active., type: bool, returned: always}
        kernel_defaults_ok: {description: Whether protectKernelDefaults is fulfilled., type: bool, returned: always}
        time_synchronized: {description: Whether the clock is synchronized., type: bool, returned: always}
        resolv_conf: {description: Resolver file with real DNS servers., type: str, returned: always}
        os_family: {description: "debian, redhat, suse or the system's id.", type: str, returned: always}
        kernel_release: {description: The running kernel., type: str, returned: always}
        nonlocal_bind: {description: Whether foreign IPv4 addresses can be bound., type: bool, returned: always}
        users: {description: Those of O(users) that exist., type: list, elements: str, returned: always}
        service_users:
          description: Those of O(users) that have a group of their own name, and no login shell.
          type: list
          elements: str
          returned: always
        commands: {description: Those of O(commands) that exist., type: list, elements: str, returned: always}
        missing_commands: {description: Missing ones of O(commands)., type: list, elements: str, returned: always}
        missing_python: {description: Missing ones of O(python_packages)., type: list, elements: str, returned: always}
        unsupported: {description: Names the host refuses and why., type: dict, returned: always}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import features as host_features
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.kernel_apply import Kernel


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
            "_cached_result": {"type": "str"},
        },
        supports_check_mode=True,
    )
    key = module.params.pop("_cached_result")
    kernel = Kernel(host_features.HostFiles(), module.check_mode)
    try:
        kernel.apply(module.params)
        features = kernel.features(module.params)
        # Store no result: the kernel's state is lost at every boot, so the next run inspects it again.
        cached_results.store(key, {}, kernel=module.params)
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
