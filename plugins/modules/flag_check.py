#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module flag_check."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flag_check
short_description: Report flags that a binary does not know
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Runs a binary of Kubernetes with the flags and C(--version). It parses all
    flags before it prints the version, and starts nothing.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  path:
    description: Path of the binary on the host.
    type: path
    required: true
  flags:
    description: Flags with their leading dashes.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Report which flags the new API server refuses
  hardway.kubernetes.flag_check:
    path: /opt/hardway/kubernetes/1.36.2/kube-apiserver
    flags: [--profiling=false, --cloud-provider=aws]
"""

RETURN = r"""
unknown:
  description: Flags that the binary does not know.
  returned: success
  type: list
  elements: str
  sample: [--cloud-provider]
error:
  description: Another reason why it refuses the flags; empty if there is none.
  returned: success
  type: str
  sample: ""
gates:
  description: Feature gates that it does not know and so ignores.
  returned: success
  type: list
  elements: str
  sample: []
"""

import subprocess
from collections.abc import Sequence
from functools import partial
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import flags

SPEC: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "flags": {"type": "list", "elements": "str", "required": True},
}


def version_of(path: str, given: Sequence[str]) -> tuple[int, str]:
    """Return exit status and output of a binary that parses flags and prints its version."""
    try:
        done = subprocess.run(
            [path, *given, "--version"], capture_output=True, text=True, errors="replace", timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise HardwayError(
            f"{path}: cannot be run: {getattr(exc, 'strerror', None) or exc}; install it for this host"
        ) from exc
    return done.returncode, done.stdout + done.stderr


def run(params: dict[str, Any], _check: bool) -> dict[str, Any]:
    """Return the module's result."""
    return {"changed": False, **flags.check(params["flags"], partial(version_of, params["path"]))}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
