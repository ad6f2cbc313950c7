#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_archive
short_description: Import image archives from the controller into containerd
version_added: 0.1.0
description:
  - Imports the images of OCI or Docker archives on the controller into containerd.
  - An archive is copied to a host only when the host lacks one of its images or has it from another source.
  - Images that were removed later, for example by the kubelet's garbage collection, are imported again.
  - If M(hardway.kubernetes.cached_results) reports that the images have not changed since the last import, no host is
    queried.
requirements:
  - containerd 1.7 or newer with its C(ctr), running on the host
author:
  - "hardway.kubernetes contributors (@hardway-kubernetes)"
attributes:
  check_mode:
    description:
      - Predicts what would be imported.
      - Without containerd, that is everything.
    support: full
  diff_mode:
    description: Shows the images before and after.
    support: full
options:
  archives:
    description:
      - Paths of archives on the controller, plain or compressed by gzip.
      - Relative paths are searched for as in M(ansible.builtin.copy).
    type: list
    elements: raw
    required: true
  namespace:
    description: Namespace of containerd. The kubelet uses V(k8s.io).
    type: str
    default: k8s.io
  inspect_only:
    description: Only checks that all archives exist and are intact. No host is contacted.
    type: bool
    default: false
  ctr:
    description: Path of the C(ctr) command.
    type: path
    default: /usr/local/bin/ctr
  address:
    description: Socket of containerd.
    type: path
    default: /run/containerd/containerd.sock
  directory:
    description: Directory for records of imports.
    type: path
    default: /var/lib/hardway/images
  _cached_result:
    description: Internal. Key of the cached result on the host; see M(hardway.kubernetes.cached_results).
    type: str
"""

EXAMPLES = r"""
- name: Import the images of an offline cluster
  hardway.kubernetes.image_archive:
    archives:
      - files/pause.tar
      - files/coredns.tar
"""

RETURN = r"""
imported:
  description: Images that were imported, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: ["registry.k8s.io/pause:3.10.2"]
"""

import json
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.atomic_files import write
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.safe_paths import make_directory
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results, image_archive

LIST = ("images", "ls")
SPEC: dict[str, Any] = {
    # The action plugin replaces each path by a dict with source, identity, images and staged.
    "archives": {"type": "list", "elements": "raw", "required": True},
    "namespace": {"type": "str", "default": "k8s.io"},
    "inspect_only": {"type": "bool", "default": False},
    "ctr": {"type": "path", "default": "/usr/local/bin/ctr"},
    "address": {"type": "path", "default": "/run/containerd/containerd.sock"},
    "directory": {"type": "path", "default": "/var/lib/hardway/images"},
    "_cached_result": {"type": "str"},
}


class ImageStore:
    """containerd's images, accessed through ctr."""

    def __init__(self, module: AnsibleModule) -> None:
        """Remember how to call ctr."""
        self.module = module
        params = module.params
        self.command = [params["ctr"], "--address", params["address"], "--namespace", params["namespace"]]
        self.directory = params["directory"]

    def run(self, *arguments: str) -> str:
        """Return the output of ctr; raise its error when it fails."""
        try:
            code, out, err = self.module.run_command([*self.command, *arguments], handle_exceptions=False)
        except OSError as exc:
            raise HardwayError(f"{self.command[0]}: cannot be run ({exc}); install containerd first") from exc
        if code != 0:
            raise HardwayError(
                f"ctr {' '.join(arguments)}: {err.strip() or out.strip()}; see `journalctl -u containerd`"
            )
        return out

    def images(self) -> dict[str, str]:
        """Return the digests of all images by name; empty in check mode without containerd."""
        try:
            return image_archive.stored(self.run(*LIST))
        except HardwayError:
            if self.module.check_mode:
                return {}
            raise

    def record_path(self, identity: str) -> str:
        """Return the path of an import's record."""
        return os.path.join(self.directory, identity.replace(":", "-") + ".json")

    def recorded(self, identity: str) -> dict[str, str]:
        """Return the record of an import, empty if there is none."""
        try:
            with open(self.record_path(identity), encoding="utf-8") as stream:
                return dict(json.load(stream))
        except (OSError, ValueError):
            return {}

    def load(self, archive: dict[str, Any]) -> None:
        """Import one archive and record its images."""
        # Without --local, containerd receives the archive in pieces, which takes more than twice as long, but it can
        # decompress.
        way = [] if image_archive.is_compressed(archive["staged"]) else ["--local"]
        self.run("images", "import", *way, archive["staged"])
        now = self.images()
        lost = [name for name in archive["images"] if name not in now]
        if lost:
            raise HardwayError(
                f"{archive['source']}: the import did not create {', '.join(lost)}; save the images under these names"
            )
        make_directory(self.directory)
        text = json.dumps({name: now[name] for name in archive["images"]}, indent=2) + "\n"
        write(self.record_path(archive["identity"]), text.encode(), mode=0o644)

    def leave_cached_result(self, key: str | None) -> None:
        """Store a cached result that is valid as long as ctr lists the same images."""
        if key:
            listed = ([*self.command, *LIST], self.run(*LIST))
            cached_results.store(key, {"imported": [], "missing": []}, names=[self.directory], output=[listed])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    store = ImageStore(module)
    try:
        now = store.images()
        missing = [
            archive
            for archive in module.params["archives"]
            if not image_archive.is_imported(archive["images"], store.recorded(archive["identity"]), now)
        ]
        staged = [archive for archive in missing if archive.get("staged")]
        if not module.check_mode:
            for archive in staged:
                store.load(archive)
        imported = sorted(name for archive in (missing if module.check_mode else staged) for name in archive["images"])
        if not module.check_mode and len(staged) == len(missing):
            store.leave_cached_result(module.params["_cached_result"])
        module.exit_json(
            changed=bool(imported),
            imported=imported,
            missing=[archive["identity"] for archive in missing],
            diff={
                "before": "".join(f"{name}\n" for name in imported if name in now),
                "after": "".join(f"{name}\n" for name in imported),
            },
        )
    except HardwayError as exc:
        module.fail_json(msg=str(exc))


if __name__ == "__main__":
    main()
