# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs kubectl: manifests go in by standard input, never by arguments that others can read."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.manifest import objects_of

# What kubectl says when the server is away for a moment, as opposed to having refused.
ABSENT = re.compile(
    r"connection refused|was refused|i/o timeout|connection reset|unexpected EOF|: EOF|no route to host|"
    r"TLS handshake timeout|Client\.Timeout|etcdserver: |apiserver is shutting down|context deadline exceeded|"
    r"the server is currently unable|network is unreachable",
    re.IGNORECASE,
)
# What it says about an object that only an earlier part of the same manifest makes possible.
NOT_YET = re.compile(r'namespaces "[^"]*" not found|no matches for kind|doesn\'t have a resource type')


class KubectlError(HardwayError):
    """kubectl failed.

    ``absent``: no API there; ``not_yet``: a namespace or kind is not there; ``invalid``: the API refuses an object.
    """

    absent = False
    not_yet = False
    invalid = False


class Kubectl:
    """One kubectl with its kubeconfig; counts its calls."""

    def __init__(
        self,
        program: str,
        kubeconfig: str,
        *,
        patience: float = 30,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Remember what to run; ``patience`` is how long an absent API is tried again."""
        self.program, self.kubeconfig = program, kubeconfig
        self.patience, self.clock, self.sleep = patience, clock, sleep
        self.calls = 0

    def run(self, arguments: Sequence[str], stdin: str = "") -> str:
        """Return the output; an API that is away for a moment is awaited."""
        deadline = self.clock() + self.patience
        while True:
            try:
                return self._once(arguments, stdin)
            except KubectlError as exc:
                if not exc.absent or self.clock() >= deadline:
                    raise
            self.sleep(1)

    def objects(self, arguments: Sequence[str], stdin: str = "") -> list[dict[str, Any]]:
        """Return the objects that kubectl prints."""
        return objects_of(self.run([*arguments, "-o", "json"], stdin))

    def _once(self, arguments: Sequence[str], stdin: str) -> str:
        """Run kubectl one time."""
        self.calls += 1
        command = [self.program, f"--kubeconfig={self.kubeconfig}", "--request-timeout=20s", *arguments]
        environment = {**os.environ, "KUBECTL_KUBERC": "false"}
        try:
            done = subprocess.run(
                command, input=stdin.encode(), capture_output=True, check=False, timeout=120, env=environment
            )
        except FileNotFoundError as exc:
            raise _error(f"kubectl: {self.program} does not exist; install it, role master does", absent=True) from exc
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise _error(f"kubectl {arguments[0]}: {type(exc).__name__}; check that {self.program} works") from exc
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace")
        text = done.stderr.decode("utf-8", "replace").strip()
        remedy = "fix the manifest, or what the message names"
        if " is invalid: " in text:
            remedy += "; an object that was changed manually is created again after kubectl delete"
        raise _error(
            f"kubectl {arguments[0]}: {text or 'no message'}; {remedy}",
            absent=bool(ABSENT.search(text)) or not os.path.exists(self.kubeconfig),
            not_yet=bool(NOT_YET.search(text)),
            invalid=" is invalid: " in text,
        )


def _error(message: str, *, absent: bool = False, not_yet: bool = False, invalid: bool = False) -> KubectlError:
    """Return the exception with its flags."""
    error = KubectlError(message)
    error.absent, error.not_yet, error.invalid = absent, not_yet, invalid
    return error
