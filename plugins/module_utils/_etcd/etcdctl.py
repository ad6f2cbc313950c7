# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs etcdctl, whose certificates etcd accepts also where authentication closes its HTTPS gateway to them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

ARGUMENTS: dict[str, dict[str, Any]] = {
    "endpoints": {"type": "list", "elements": "str", "required": True},
    "ca": {"type": "path", "required": True},
    "cert": {"type": "path", "required": True},
    "key": {"type": "path", "required": True},
    "etcdctl": {"type": "path", "default": "/usr/local/bin/etcdctl"},
}


class Etcdctl:
    """One etcdctl with its endpoints and credentials."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take a module's parameters: see ARGUMENTS."""
        self.program = params["etcdctl"]
        self.files = {"cacert": params["ca"], "cert": params["cert"], "key": params["key"]}
        self.flags = [f"--endpoints={','.join(params['endpoints'])}"]
        self.flags += [f"--{name}={path}" for name, path in self.files.items()]

    def absent(self) -> bool:
        """Return whether etcdctl or its certificate is not installed yet."""
        return not all(os.path.exists(path) for path in (self.program, *self.files.values()))

    def json(self, *arguments: str) -> dict[str, Any]:
        """Return the parsed output of a query."""
        import json

        return dict(json.loads(self.run([*arguments, "--write-out=json"])))

    def run(self, arguments: Sequence[str], stdin: str = "", limit: int = 60) -> str:
        """Return the output; raise with its last error line on failure, or after ``limit`` seconds."""
        environment = {**os.environ, "ETCDCTL_API": "3"}
        try:
            done = subprocess.run(
                [self.program, *self.flags, *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                timeout=limit,
                env=environment,
            )
        except OSError as exc:
            raise HardwayError(
                f"{self.program}: cannot be run: {exc.strerror}; install etcdctl, as role etcd does, or set etcdctl"
            ) from exc
        except subprocess.TimeoutExpired as exc:
            raise HardwayError(
                f"etcdctl {' '.join(arguments[:2])}: no answer in {limit} s; check that etcd is healthy"
            ) from exc
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["no message"]
            raise HardwayError(
                f"etcdctl {' '.join(arguments[:2])}: {said[-1]}; see that {self.files['cert']} is the certificate of "
                "etcd's user root and that etcd is healthy"
            )
        return done.stdout
