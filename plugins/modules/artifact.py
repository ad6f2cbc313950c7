#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: artifact
short_description: Install verified binaries from a cache, a mirror, their origin or a directory
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Looks up each binary on the controller, first in O(source.binary_dir), then in O(source.cache_dir).
  - A binary that is in neither is downloaded into the cache; with O(source.download_from=hosts) by the host itself.
  - A download with a wrong digest is deleted, never installed. A download without a known digest is refused.
  - A binary is copied to a host once, also if two links need it, into a directory per version. A symbolic link
    points to the version in use.
  - All missing binaries are reported at once, each with its download URL and the path where it is expected.
attributes:
  check_mode:
    description: Predicts what would be installed. Downloads nothing.
    support: full
  diff_mode:
    description: Shows the target of each link.
    support: full
options:
  components:
    description: Components to install.
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
        description: Directory on the host for the links.
        type: path
        default: /usr/local/bin
  source:
    description: Where binaries come from. The roles of this collection set it to C(cluster_artifacts).
    type: dict
    required: true
    suboptions:
      cache_dir:
        description: Directory on the controller for verified downloads. Its layout follows host and path of the URLs.
        type: str
        required: true
      catalog:
        description:
          - C(url), C(members) and C(digests) of each component.
          - C({version}) and C({arch}) are placeholders.
        type: dict
        default: {}
      digests:
        description: "Additional digests, such as C({etcd: {3.6.99: {amd64: 'sha256:…'}}})."
        type: dict
        default: {}
      mirror_url:
        description: URL of a mirror. It replaces the scheme of each download URL; host and path are appended.
        type: str
        default: ""
      binary_dir:
        description:
          - Directory on the controller with binaries to prefer over downloads.
          - Searched for C(VERSION/NAME), C(COMPONENT/NAME) and C(NAME), in this order.
        type: str
        default: ""
      architecture:
        description: Architecture of the hosts, as download URLs spell it.
        type: str
        default: amd64
      download_from:
        description:
          - Who downloads. With C(hosts), each host downloads what it lacks itself, from the mirror or the origin, and
            verifies the digest. It uses the proxy of its environment, and trusts the CAs of its system.
          - Binaries in O(source.binary_dir) travel from the controller in either case.
        type: str
        choices: [controller, hosts]
        default: controller
      bundle:
        description:
          - Bundle of M(hardway.kubernetes.bundle) on the controller. It replaces all other sources, and nothing is
            downloaded. It is verified, and unpacked into O(source.cache_dir).
        type: str
        default: ""
      bundle_sha256:
        description: Expected SHA-256 of the bundle.
        type: str
        default: ""
      compression:
        description:
          - Whether binaries travel compressed from the controller. C(auto) measures the connection with the first
            large one, and compresses the others if they arrive earlier so.
          - Compressed copies stay in O(source.cache_dir) for other hosts.
        type: str
        choices: [auto, always, never]
        default: auto
  root:
    description: Directory on the hosts for the binaries.
    type: path
    default: /opt/hardway
  keep:
    description: How many versions of each binary to keep, including the one in use.
    type: int
    default: 2
  stage:
    description:
      - Copies the binaries, but creates only links that do not exist yet.
      - A link to another version stays as it is, so that the version in use changes only when the host's turn comes.
    type: bool
    default: false
  download_only:
    description: Only fills the cache on the controller. No host is contacted.
    type: bool
    default: false
  architectures:
    description: Architectures to download with O(download_only). When empty, O(source.architecture).
    type: list
    elements: str
    default: []
  _placed:
    description: Internal. What the action plugin knows about each binary.
    type: list
    elements: dict
    default: []
  _uploads:
    description: Internal. Where the action plugin put the binaries that it copied.
    type: dict
    default: {}
  _downloads:
    description: Internal. What the host downloads itself if it lacks it.
    type: list
    elements: dict
    default: []
  _reread:
    description: Internal. Verifies every installed binary, because cached results are not used.
    type: bool
    default: false
  _cached_result:
    description: Internal. Key of the cached result on the host; see M(hardway.kubernetes.cached_results).
    type: str
"""

EXAMPLES = r"""
- name: Install etcd
  hardway.kubernetes.artifact:
    components:
      - name: etcd
        version: 3.6.14
        binaries: [etcd, etcdctl]
    source: "{{ cluster_artifacts }}"
"""

RETURN = r"""
paths:
  description: Path of each binary, by name.
  returned: always
  type: dict
  sample:
    etcd: /opt/hardway/etcd/3.6.14/etcd
links:
  description: Target of each link after the task (or after a real run, in check mode).
  returned: always
  type: dict
  sample:
    /usr/local/bin/etcd: /opt/hardway/etcd/3.6.14/etcd
installed:
  description: Paths of the binaries that were installed (or would be).
  returned: always
  type: list
  elements: str
  sample: [/opt/hardway/etcd/3.6.14/etcd]
opened:
  description: Directories whose owner or mode was (or would be) changed, so that service users
      can enter and only root changes binaries.
  returned: always
  type: list
  elements: str
  sample: [/opt/hardway/etcd]
linked:
  description: Links that now point (or would point) to another version.
  returned: always
  type: list
  elements: str
  sample: [/usr/local/bin/etcd]
bytes_sent:
  description: Bytes that the controller sent to the host.
  returned: always, except with download_only
  type: int
  sample: 34100000
bytes_downloaded:
  description: Bytes that the host downloaded; with O(download_only), the controller.
  returned: always
  type: int
  sample: 0
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import host_downloads, install
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.host_downloads import HostDownload
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.install import Placed
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results

SPEC: dict[str, Any] = {
    "components": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "version": {"type": "str", "required": True},
            "binaries": {"type": "list", "elements": "str", "required": True},
            "dest": {"type": "path", "default": "/usr/local/bin"},
        },
    },
    "source": {
        "type": "dict",
        "required": True,
        "options": {
            "cache_dir": {"type": "str", "required": True},
            "catalog": {"type": "dict", "default": {}},
            "digests": {"type": "dict", "default": {}},
            "mirror_url": {"type": "str", "default": ""},
            "binary_dir": {"type": "str", "default": ""},
            "architecture": {"type": "str", "default": "amd64"},
            "download_from": {"type": "str", "default": "controller", "choices": ["controller", "hosts"]},
            "bundle": {"type": "str", "default": ""},
            "bundle_sha256": {"type": "str", "default": ""},
            "compression": {"type": "str", "default": "auto", "choices": ["auto", "always", "never"]},
        },
    },
    "root": {"type": "path", "default": "/opt/hardway"},
    "keep": {"type": "int", "default": 2},
    "download_only": {"type": "bool", "default": False},
    "stage": {"type": "bool", "default": False},
    "architectures": {"type": "list", "elements": "str", "default": []},
}
# From the action plugin: what the controller knows about each binary, and where it put those it copied.
INTERNAL: dict[str, Any] = {
    "_placed": {"type": "list", "elements": "dict", "default": []},
    "_uploads": {"type": "dict", "default": {}},
    "_downloads": {"type": "list", "elements": "dict", "default": []},
    "_reread": {"type": "bool", "default": False},
    "_cached_result": {"type": "str"},
}


def main() -> None:
    """Report what is missing, or install what was copied and update the links."""
    module = AnsibleModule(argument_spec={**SPEC, **INTERNAL}, supports_check_mode=True)
    root, uploads = module.params["root"], module.params["_uploads"]
    placed = [Placed(**entry) for entry in module.params["_placed"]]
    reread = module.params["_reread"]
    absent = [want for want in placed if not install.present(want, root, reread=reread)]
    closed = sorted({path for want in placed for path in install.closed(want, root)})
    links = {want.link: (install.linked(want, root), want.path(root)) for want in placed}
    if module.params["stage"]:
        links = {link: (old, new if old in ("", new) else old) for link, (old, new) in links.items()}
    result = {
        "changed": bool(absent or closed) or any(old != new for old, new in links.values()),
        "paths": {want.name: want.path(root) for want in placed},
        "installed": [want.path(root) for want in absent],
        "opened": closed,
        "linked": [link for link, (old, new) in links.items() if old != new],
        "links": {link: new for link, (_old, new) in links.items()},
        "bytes_sent": 0,
        "bytes_downloaded": 0,
    }
    if module._diff:
        result["diff"] = [difference(link, old, new) for link, (old, new) in links.items() if old != new]
    downloads = [HostDownload(**each) for each in module.params["_downloads"]]
    brought = [w for w in absent if w.path(root) in uploads or any(each.has(w) for each in downloads)]
    missing = [want.path(root) for want in absent if want not in brought]
    if missing and not module.check_mode:
        module.exit_json(**{**result, "changed": False, "_missing": missing})
    try:
        refuse_closed_directories(placed, root)
        if not module.check_mode:
            for path in closed:
                safe_paths.set_attributes(path, safe_paths.DIRECTORY_MODE, 0, 0)
            result["bytes_downloaded"] = install_all(placed, absent, uploads, links, module.params)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"{exc.filename or root}: cannot install: {exc.strerror}; is the disk full or read-only?")
    files = [path for want in placed for path in (want.link, want.path(root))]
    directories = {path for want in placed for path in install.own_directories(want, root)}
    directories |= {os.path.dirname(path) for path in files}
    evidence = sorted({*files, *directories, host_downloads.directory(root)})
    unchanged = {"changed": False, "installed": [], "opened": [], "linked": [], "diff": [], "bytes_downloaded": 0}
    cached_results.store(
        module.params["_cached_result"],
        {**result, **unchanged},
        paths=evidence,
        absent=[host_downloads.directory(root)],
    )
    module.exit_json(**result)


def refuse_closed_directories(placed: list[Placed], root: str) -> None:
    """Raise when service users could not run the installed binaries."""
    found = sorted({path for want in placed for path in install.closed_directories(want, root)})
    if found:
        raise HardwayError(
            f"{', '.join(found)}: service users cannot enter, so they could not run the binaries below; allow"
            f" it: chmod o+x {' '.join(found)}"
        )


def install_all(
    placed: list[Placed],
    absent: list[Placed],
    uploads: dict[str, str],
    links: dict[str, tuple[str, str]],
    params: dict[str, Any],
) -> int:
    """Install all binaries before changing the first link, so that versions do not mix when the disk is full.

    Return how many bytes the host has downloaded.
    """
    root = params["root"]
    for want in placed:
        if want not in absent:
            install.refresh(want, root)
    uploaded = {want.path(root): want for want in absent if want.path(root) in uploads}
    downloads = [HostDownload(**each) for each in params["_downloads"]]
    lacking = [want for want in absent if want.path(root) not in uploads]
    came, problems = host_downloads.fetch(downloads, lacking, root, reread=params["_reread"])
    if problems:
        raise HardwayError("\n".join([f"{len(problems)} downloads failed on this host; no link changed:", *problems]))
    needed = [uploads[path] for path in uploaded]
    for path, want in uploaded.items():
        needed.remove(uploads[path])
        install.install(want, root, uploads[path], keep_upload=uploads[path] in needed)
    for want in placed:
        old, new = links[want.link]
        if old != new:
            install.link(want, root)
    for want in absent:
        install.prune(want, root, params["keep"])
    host_downloads.clean(root)
    return came


def difference(link: str, old: str, new: str) -> dict[str, str]:
    """Return Ansible's diff of one link."""
    before = f"{old}\n" if old else ""
    return {"before_header": link, "after_header": link, "before": before, "after": f"{new}\n"}


if __name__ == "__main__":
    main()
