# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that run etcdctl."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by the modules that use module_utils/_etcd/etcdctl.py."""

    DOCUMENTATION = r"""
requirements:
  - etcdctl, on the host where the module runs
options:
  endpoints:
    description: Client URLs of the members, for example V(https://192.0.2.11:2379). Any that responds is used.
    type: list
    elements: str
    required: true
  ca:
    description: CA of the members' serving certificates.
    type: path
    required: true
  cert:
    description: Client certificate. If authentication is enabled, that of the user C(root).
    type: path
    required: true
  key:
    description: Private key of O(cert).
    type: path
    required: true
  etcdctl:
    description: Path of the C(etcdctl) command.
    type: path
    default: /usr/local/bin/etcdctl
"""
