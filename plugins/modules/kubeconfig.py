#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module kubeconfig."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig
short_description: Write kubeconfig files with embedded credentials
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Writes each file from an API endpoint, the certificate of a CA and either a client certificate and key
    or a token. The same input produces the same bytes.
  - Certificates and keys are read on the host where the module runs.
attributes:
  check_mode:
    support: full
    description: Predicts a change where the certificates do not exist yet.
  diff_mode:
    support: full
    description: Shows names, endpoints and digests, never a key or token.
options:
  kubeconfigs:
    description: Kubeconfig files to write.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Path of the file. Missing directories are created.
        type: path
        required: true
      server:
        description: URL of the API server.
        type: str
        required: true
      ca:
        description: Path of the CA's certificate.
        type: path
        required: true
      certificate:
        description: Path of the client certificate and key, without C(.crt) and C(.key).
        type: path
      token:
        description: Bearer token instead of a certificate.
        type: str
      user:
        description: Name of the user in the file.
        type: str
        required: true
      cluster:
        description: Name of the cluster in the file.
        type: str
        default: kubernetes
      owner:
        description: Owner of the file. The default is the user that runs the task.
        type: str
      group:
        description: Group of the file.
        type: str
      mode:
        description: Mode of the file, octal.
        type: str
        default: "0600"
  _cached_result:
    description: Internal. Key of the cached result on the host; see M(hardway.kubernetes.cached_results).
    type: str
"""

EXAMPLES = r"""
- name: Write the kubeconfigs of the control plane
  hardway.kubernetes.kubeconfig:
    kubeconfigs:
      - path: /etc/kubernetes/scheduler.conf
        server: https://192.0.2.11:6443
        ca: /etc/kubernetes/pki/ca.crt
        certificate: /etc/kubernetes/pki/scheduler
        user: system:kube-scheduler
"""

RETURN = r"""
kubeconfigs:
  description: Result for each file.
  returned: success
  type: list
  elements: dict
  sample: [{path: /etc/kubernetes/scheduler.conf, changed: true}]
"""

import os
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.kubeconfig import Kubeconfig, shown

_ITEM = {
    "path": {"type": "path", "required": True},
    "server": {"type": "str", "required": True},
    "ca": {"type": "path", "required": True},
    "certificate": {"type": "path"},
    "token": {"type": "str", "no_log": True},
    "user": {"type": "str", "required": True},
    "cluster": {"type": "str", "default": "kubernetes"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str", "default": "0600"},
}
SPEC: dict[str, Any] = {
    "kubeconfigs": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": _ITEM,
        "mutually_exclusive": [["certificate", "token"]],
        "required_one_of": [["certificate", "token"]],
    },
    "_cached_result": {"type": "str"},
}


def read(path: str, check: bool) -> bytes | None:
    """Return the content of a file to embed; None in check mode if an earlier task has yet to create it."""
    try:
        data = atomic_files.read(path)
    except NotADirectoryError:
        data = None
    except OSError as exc:
        raise HardwayError(f"{path}: cannot be read: {exc.strerror}; fix its owner and mode") from exc
    if data is None and not check:
        raise HardwayError(f"{path}: does not exist; issue it with hardway.kubernetes.pki_certificate first")
    return data


def wanted(item: dict[str, Any], check: bool) -> Kubeconfig | None:
    """Return the wanted kubeconfig; None if it depends on files that earlier tasks have yet to create."""
    if not item["server"].startswith(("https://", "http://")):
        raise HardwayError(f"{item['path']}: server {item['server']!r} is not a URL; write https://host:port")
    ca = read(item["ca"], check)
    prefix = item["certificate"]
    certificate = read(f"{prefix}.crt", check) if prefix else None
    key = read(f"{prefix}.key", check) if prefix else None
    if ca is None or (prefix and (certificate is None or key is None)):
        return None
    return Kubeconfig(item["cluster"], item["server"], item["user"], ca, certificate, key, item["token"])


def mode_of(item: dict[str, Any]) -> int:
    """Return the mode as a number."""
    try:
        return int(item["mode"], 8)
    except ValueError as exc:
        raise HardwayError(f"{item['path']}: mode {item['mode']!r} is not octal; write it as 0600") from exc


def ensure(item: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return whether one file changed, and its diff."""
    path, mode, owner, group = item["path"], mode_of(item), item["owner"], item["group"]
    config = wanted(item, check)
    diff = {
        "before_header": path,
        "after_header": path,
        "before": "",
        "after": "(from certificates yet to be issued)\n",
    }
    before = atomic_files.read(path) if os.path.isfile(path) else None
    diff["before"] = shown(before.decode("utf-8", "replace")) if before is not None else ""
    if config is None:
        return {"path": path, "changed": True, "diff": diff}
    data = config.render().encode()
    diff["after"] = shown(data.decode())
    changed = not atomic_files.same(path, data, mode, owner, group)
    if changed and not check:
        safe_paths.make_directory(os.path.dirname(path))
        atomic_files.write(path, data, mode=mode, owner=owner, group=group)
    return {"path": path, "changed": changed, "diff": diff}


def written_and_sources(items: list[dict[str, Any]]) -> list[str]:
    """Return the written files and the files they were made from."""
    pairs = [f"{item['certificate']}.{kind}" for item in items if item["certificate"] for kind in ("crt", "key")]
    return [item[name] for item in items for name in ("path", "ca")] + pairs


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the result of one task."""
    try:
        results = [ensure(item, check) for item in params["kubeconfigs"]]
    except OSError as exc:
        raise HardwayError(str(exc)) from exc
    unchanged = {"kubeconfigs": [{"path": result["path"], "changed": False} for result in results]}
    cached_results.store(params["_cached_result"], unchanged, paths=written_and_sources(params["kubeconfigs"]))
    diffs = [result.pop("diff") for result in results]
    return {
        "changed": any(result["changed"] for result in results),
        "kubeconfigs": results,
        "diff": [diff for diff, result in zip(diffs, results) if result["changed"]],
    }


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
