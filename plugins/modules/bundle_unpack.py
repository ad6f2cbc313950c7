#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin bundle_unpack."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_unpack
short_description: Verify a bundle and unpack it on the controller
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Compares every file of a bundle of M(hardway.kubernetes.bundle) with the
    digest in its manifest, and unpacks it below the cache directory.
  - A bundle that is verified and unpacked is not read again while size and time
    of the archive and of the unpacked files stay the same.
  - A wrong digest, a missing or unknown file, and a truncated archive are
    errors, and nothing of such a bundle is used.
  - Unpacked bundles that were not used for 30 days are removed.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details:
      - Unpacks in check mode, too, because later predictions need the files.
      - Only the controller's cache is written; no change is reported.
  diff_mode:
    support: none
    details: No host is changed.
options:
  path:
    description: Path of the bundle on the controller.
    type: path
    required: true
  sha256:
    description: Expected SHA-256 of the whole archive. When empty, only the
      files in it are verified.
    type: str
    default: ""
  cache_dir:
    description: Directory on the controller. The bundle is unpacked below
      C(bundles) in it.
    type: path
    required: true
  required_images:
    description: Images that must be in the bundle, unless its manifest says
      that it was created without them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Verify and unpack the bundle
  hardway.kubernetes.bundle_unpack:
    path: /srv/prod-1.36.2.tar
    cache_dir: ~/.cache/hardway
"""

RETURN = r"""
directory:
  description: Directory of the unpacked bundle.
  returned: success
  type: str
  sample: /root/.cache/hardway/bundles/5f4dcc3b5aa765d61d8327deb882cf99
unpacked:
  description: Whether it was unpacked now.
  returned: success
  type: bool
  sample: true
files:
  description: Paths of all files of the bundle.
  returned: success
  type: list
  elements: str
  sample: [binaries/amd64/1.36.2/kubelet]
"""
