# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that talk to the Kubernetes API."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by the modules that use module_utils/_kubernetes/client.py."""

    DOCUMENTATION = r"""
options:
  servers:
    description:
      - URLs of API servers, for example V(https://192.0.2.11:6443). The first that is ready is used, and
        another one if it fails.
    type: list
    elements: str
    required: true
  ca:
    description: CA of the API servers.
    type: path
    default: /etc/kubernetes/pki/ca.crt
  cert:
    description: Client certificate of an administrator.
    type: path
    default: /etc/kubernetes/pki/admin.crt
  key:
    description: Private key of O(cert).
    type: path
    default: /etc/kubernetes/pki/admin.key
"""
