#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin support_bundle."""

from __future__ import annotations

DOCUMENTATION = r"""
module: support_bundle
short_description: Make one archive of the data for support
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Makes one compressed archive of the results of M(hardway.kubernetes.support_info) of this run, with mode 0600.
  - Its C(index.txt) lists the hosts that were not reached, and what could not be gathered.
  - Runs on the controller and contacts no host.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: No archive is written.
  diff_mode:
    support: none
    details: Only the archive is changed; every run writes one.
options:
  path:
    description: Path of the archive on the controller, ending in C(.tar.gz).
    type: path
    required: true
  files:
    description:
      - Texts to add, by name. What has the form of a secret, or the name of one, is replaced.
    type: dict
    default: {}
  hosts:
    description: Results of M(hardway.kubernetes.support_info) by host, including failed ones.
    type: dict
    default: {}
seealso:
  - module: hardway.kubernetes.support_info
"""

EXAMPLES = r"""
- name: Make one archive
  hardway.kubernetes.support_bundle:
    path: ./support.tar.gz
    hosts: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'support'))) }}"
  run_once: true
"""

RETURN = r"""
path:
  description: Path of the archive.
  returned: success
  type: str
  sample: /home/alice/hardway-support-prod-20261129T031245Z.tar.gz
size:
  description: Size in bytes. V(0) in check mode.
  returned: success
  type: int
  sample: 812345
unreachable_hosts:
  description: Hosts of which nothing was gathered, with the reason.
  returned: success
  type: dict
  sample: {n3: "Failed to connect to the host via ssh: Connection timed out"}
"""
