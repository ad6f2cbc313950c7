#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module host_firewall."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_firewall
short_description: Open ports in the active firewall of a host
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Opens ports for certain hosts and networks in firewalld, ufw or nftables,
    now and for the next boot. Where none of them is active, nothing is changed.
  - Rules of others are neither changed nor removed. Those of this module are
    rules of ufw with the comment C(hardway.kubernetes); the policies
    C(hardway-kubernetes) and C(hardway-pods) of firewalld; and in nftables,
    chains of these names, to which the chains that drop packets jump, with
    C(hardway-firewall.service), which adds them again when the rules of
    C(nftables.service) are loaded.
  - A rule of this module that is no longer wanted is removed.
  - firewalld has to be reloaded for its first policy. The task fails if that
    would lose settings that are only in its runtime configuration.
  - M(hardway.kubernetes.host_reset) removes all rules of this module.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Reads the firewall, and returns the commands.
  diff_mode:
    support: full
    details: Shows the commands.
options:
  openings:
    description: What the host lets in.
    type: list
    elements: dict
    default: []
    suboptions:
      protocol:
        description: Protocol.
        type: str
        choices: [tcp, udp, vrrp]
        default: tcp
      port:
        description: A port, or a range such as V(30000-32767). Empty for
          V(vrrp).
        type: str
        default: ""
      sources:
        description: Addresses and networks that may connect.
        type: list
        elements: str
        required: true
      unit:
        description: What listens there.
        type: str
        default: ""
      clients:
        description: What O(openings[].sources) are, in words.
        type: str
        default: ""
  forwards:
    description: What the host forwards, for firewalls that filter that.
    type: list
    elements: dict
    default: []
    suboptions:
      source:
        description: Address or network. Empty means any.
        type: str
        default: ""
      destination:
        description: Address or network. Empty means any.
        type: str
        default: ""
  exclusive:
    description: Whether rules of this module that are not in the options are
      removed.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Open the kubelet for the control plane
  hardway.kubernetes.host_firewall:
    openings:
      - {port: "10250", sources: [192.0.2.11, 192.0.2.12, 192.0.2.13]}
      - {port: "8472", protocol: udp, sources: [192.0.2.21, 192.0.2.22]}
    forwards:
      - {source: 10.244.0.0/16}
"""

RETURN = r"""
firewall:
  description: The active firewall, V(firewalld), V(ufw) or V(nftables); empty without one.
  returned: always
  type: str
  sample: ufw
changes:
  description: Commands and files, done or predicted.
  returned: always
  type: list
  elements: str
  sample: ["ufw allow proto tcp from 192.0.2.11 to any port 10250 comment hardway.kubernetes"]
problems:
  description: What stays closed, and the remedy.
  returned: always
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.programs import call
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import host, options

SPEC: dict[str, Any] = {
    "openings": {"type": "list", "elements": "dict", "default": [], "options": options.OPENING},
    "forwards": {"type": "list", "elements": "dict", "default": [], "options": options.FORWARD},
    "exclusive": {"type": "bool", "default": True},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    firewall = host.active(call, params["openings"], params["forwards"], exclusive=params["exclusive"])
    changes = firewall.changes() if firewall else []
    problems = firewall.problems() if firewall else []
    if firewall and changes and not check:
        firewall.apply()
    return {
        "changed": bool(changes),
        "firewall": firewall.name if firewall else "",
        "changes": changes,
        "problems": problems,
        "diff": {"before": "", "after": "".join(f"{line}\n" for line in changes)},
    }


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
