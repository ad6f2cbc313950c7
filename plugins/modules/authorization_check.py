#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module authorization_check."""

from __future__ import annotations

DOCUMENTATION = r"""
module: authorization_check
short_description: Validate an authorization configuration, and verify that an API server has loaded it
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - With O(state=valid), runs the binary of kube-apiserver on O(config), with its expressions in CEL. The binary gets no
    other settings, so it lists its errors and ends before it listens or connects to anything.
  - With O(state=loaded), waits until a running API server has loaded the file O(path), by the hash and the times in its
    metrics.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
  - hardway.kubernetes.api
attributes:
  check_mode:
    support: full
    details: Without the binary, nothing is validated. Waits for nothing.
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  state:
    description: What to check.
    type: str
    choices: [valid, loaded]
    default: valid
  config:
    description: The AuthorizationConfiguration, for O(state=valid).
    type: dict
  binary:
    description: Path of kube-apiserver on the host, for O(state=valid).
    type: path
    default: /usr/local/bin/kube-apiserver
  written:
    description: Kubeconfigs of webhooks that later tasks write, so that they may be missing now.
    type: list
    elements: path
    default: []
  path:
    description: The file of a running API server, for O(state=loaded).
    type: path
    default: /etc/kubernetes/authorization.yaml
  servers:
    description: URL of the API server on this host, for O(state=loaded).
    type: list
    elements: str
    required: false
    default: []
  timeout:
    description: Seconds to wait until the file is loaded. An API server that missed a notification takes a minute.
    type: int
    default: 90
"""

EXAMPLES = r"""
- name: Validate an authorization configuration
  hardway.kubernetes.authorization_check:
    config:
      apiVersion: apiserver.config.k8s.io/v1
      kind: AuthorizationConfiguration
      authorizers:
        - {type: Node, name: node}
        - {type: RBAC, name: rbac}

- name: Wait until the API server has loaded its authorization configuration
  hardway.kubernetes.authorization_check:
    state: loaded
    servers: [https://192.0.2.11:6443]
"""

RETURN = r"""
reloaded:
  description: When the API server last loaded a changed file, in seconds since 1970. 0 for none since it started.
  returned: with O(state=loaded), except in check mode
  type: float
  sample: 1796082772.6
"""

import json
import os
import subprocess
import time
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, digests, leftovers
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import Tls
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import authorization
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import ARGUMENTS, Api, retried

SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["valid", "loaded"], "default": "valid"},
    "config": {"type": "dict"},
    "binary": {"type": "path", "default": "/usr/local/bin/kube-apiserver"},
    "written": {"type": "list", "elements": "path", "default": []},
    "path": {"type": "path", "default": "/etc/kubernetes/authorization.yaml"},
    **ARGUMENTS,
    "servers": {"type": "list", "elements": "str", "default": []},
    "key": {**ARGUMENTS["key"], "no_log": False},
    "timeout": {"type": "int", "default": 90},
}


def output_of(binary: str, *arguments: str) -> str:
    """Return what a binary prints that does not start, because it lacks settings."""
    try:
        done = subprocess.run(
            [binary, *arguments], capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise HardwayError(
            f"{binary}: cannot be run: {getattr(exc, 'strerror', None) or exc}; install it for this host"
        ) from exc
    return done.stderr


def validate(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return an empty result for a valid configuration; raise with what the binary says of it."""
    if params["config"] is None:
        raise HardwayError("config: missing; set it to an AuthorizationConfiguration")
    if check and not os.path.exists(params["binary"]):
        return {"changed": False}
    with leftovers.scratch() as scratch:
        path, place = os.path.join(scratch, "authorization.json"), f"--cert-dir={scratch}"
        config = authorization.with_files(params["config"], params["written"], path)
        atomic_files.write(path, json.dumps(config).encode(), mode=0o600)
        without = output_of(params["binary"], place)
        output = output_of(params["binary"], place, f"--authorization-config={path}")
    if not authorization.is_complete(without) or not authorization.is_complete(output):
        raise HardwayError(f"{params['binary']}: has not validated the configuration: {output.strip()[-500:]}")
    if found := authorization.complaints(without, output):
        raise HardwayError(
            f"authorization configuration: kube-apiserver refuses it: {found.replace(path, 'the file')}; correct it. "
            "Nothing was changed"
        )
    return {"changed": False}


def await_loaded(params: dict[str, Any]) -> dict[str, Any]:
    """Return when the API server has loaded its file; raise if it could not."""
    path = params["path"]
    data = atomic_files.read(path)
    if data is None:
        raise HardwayError(f"{path}: does not exist; write it first")
    changed, digest = os.stat(path).st_mtime, f"sha256:{digests.of_bytes(data)}"
    api = Api(params["servers"], Tls(ca=params["ca"], cert=params["cert"], key=params["key"]))
    _ended, (state, when) = wait_until(
        lambda: authorization.loaded(retried(lambda: api.text("/metrics")), digest, changed, time.time()),
        lambda found: found[0] != "waiting",
        timeout=params["timeout"],
    )
    if state == "loaded":
        return {"changed": False, "reloaded": when}
    verb = "refused" if state == "failed" else "not loaded"
    raise HardwayError(
        f"{path}: kube-apiserver has {verb} it, and authorizes by the former one; correct what its journal names "
        "(journalctl -u kube-apiserver), and run again"
    )


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the module's result."""
    if params["state"] == "valid":
        return validate(params, check)
    return {"changed": False} if check else await_loaded(params)


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
