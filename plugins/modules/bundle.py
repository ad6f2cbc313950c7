#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin bundle."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle
short_description: Write binaries and images into one archive for a deployment
  without network
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Writes a tar archive on the controller with binaries, image archives, a list
    of packages, an SBOM (CycloneDX 1.5), the file C(SHA256SUMS), and a manifest
    with the SHA-256 of every file. M(hardway.kubernetes.bundle_unpack) verifies
    it.
  - The same inputs give the same bytes.
  - Binaries come from a directory, from the cache, or are downloaded, as by
    M(hardway.kubernetes.artifact). Images are not downloaded.
  - The archive gets its name when it is complete.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details: Downloads nothing. Problems are returned, and are no failure.
  diff_mode:
    support: none
    details: The archive is large and binary; C(files) lists its content.
options:
  path:
    description: Path of the archive on the controller.
    type: path
    required: true
  name:
    description: Name of the cluster, for the manifest and the SBOM.
    type: str
    default: kubernetes
  version:
    description: Kubernetes version of the cluster, for the manifest and the
      SBOM.
    type: str
    required: true
  components:
    description: Components whose binaries the archive gets, as for
      M(hardway.kubernetes.artifact).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component, as in the catalog.
        type: str
        required: true
      version:
        description: Version of the component, without a leading C(v).
        type: str
        required: true
      binaries:
        description: Names of the binaries.
        type: list
        elements: str
        required: true
      dest:
        description: Directory of the links on hosts. It is not used here.
        type: path
        default: /usr/local/bin
  source:
    description: Where binaries come from, as for
      M(hardway.kubernetes.artifact).
    type: dict
    required: true
  architectures:
    description: Architectures of the hosts.
    type: list
    elements: str
    default: [amd64]
  image_archives:
    description: Paths of OCI or Docker archives on the controller. Relative
      paths are searched for as in M(ansible.builtin.copy).
    type: list
    elements: str
    default: []
  required_images:
    description: Images that the cluster needs.
    type: list
    elements: str
    default: []
  require_images:
    description: Whether it is an error if no archive has a required image.
      Otherwise the manifest says that it was left out.
    type: bool
    default: true
  verify_image:
    description: Image of the network test. When empty, an image named
      C(busybox), if one is there.
    type: str
    default: ""
  packages:
    description: Packages that hosts need, by system and group, for the file
      C(packages.json).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Write a bundle with etcd
  hardway.kubernetes.bundle:
    path: /srv/etcd.tar
    version: 1.36.2
    components:
      - name: etcd
        version: 3.6.14
        binaries: [etcd, etcdctl, etcdutl]
    source: "{{ cluster_artifacts }}"
"""

RETURN = r"""
path:
  description: Path of the archive.
  returned: success
  type: str
  sample: /srv/etcd.tar
sha256:
  description: SHA-256 of the archive.
  returned: success, not in check mode
  type: str
  sample: 5f4dcc3b5aa765d61d8327deb882cf99f00b2c4de5ab1e14d5ab92bf8d6b5d81
size:
  description: Size of the archive in bytes.
  returned: success, not in check mode
  type: int
  sample: 612000000
files:
  description: What it contains, with the size of each file.
  returned: success
  type: list
  elements: str
  sample: ["binaries/amd64/3.6.14/etcd (26.1 MB)"]
missing_images:
  description: Required images that no archive has.
  returned: success
  type: list
  elements: str
  sample: ["registry.k8s.io/pause:3.10.2"]
problems:
  description: In check mode, why the archive could not be written.
  returned: success
  type: list
  elements: str
  sample: []
"""
