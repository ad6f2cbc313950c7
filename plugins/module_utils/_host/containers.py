# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends the pods of a containerd, and finds out whether it has containers of others, too."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Sequence
from glob import glob
from typing import Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import mounts
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.cri import Runtime

Run = Callable[[Sequence[str]], "tuple[int, str, str]"]
# The namespace of the pods.
PODS = "k8s.io"
METADATA = "io.containerd.metadata.v1.bolt"
TASKS = "io.containerd.runtime.v2.task"
NETWORKS = ("/run/netns/cni-", "/var/run/netns/cni-")


class Containers:
    """What a containerd runs, by its socket, or by its files while it is stopped."""

    def __init__(self, run: Run, address: str, root: str, state: str, programs: Sequence[str]) -> None:
        """Take its socket, its two directories, and where ctr may be."""
        self.run, self.address, self.root, self.state, self.programs = run, address, root, state, programs
        self.problems: list[str] = []

    @property
    def has_metadata(self) -> bool:
        """Return whether it has ever kept a container or an image, and still knows of it."""
        return os.path.exists(f"{self.root}/{METADATA}/meta.db")

    @property
    def answers(self) -> bool:
        """Return whether it runs."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(5)
            try:
                link.connect(self.address)
            except OSError:
                return False
        return True

    def ctr(self, namespace: str, *words: str) -> tuple[int, str, str]:
        """Run ctr."""
        program = next((path for place in self.programs for path in sorted(glob(place))), "") or shutil.which("ctr")
        if not program:
            raise HardwayError("ctr: not on this host, and only it can end containers; run site.yml again, then this")
        return self.run([program, "--address", self.address, "--namespace", namespace, *words])

    def _names(self, namespace: str, *words: str) -> list[str]:
        code, out, err = self.ctr(namespace, *words)
        if code != 0:
            raise HardwayError(f"ctr {' '.join(words)}: {err.strip()}; see journalctl -u containerd")
        return out.split()

    def running(self) -> dict[str, list[str]]:
        """Return running containers by namespace, as the files say."""
        found: dict[str, list[str]] = {}
        for path in sorted(glob(f"{self.state}/{TASKS}/*/*")):
            found.setdefault(path.split("/")[-2], []).append(path.split("/")[-1])
        return found

    def foreign(self) -> dict[str, list[str]]:
        """Return containers and images of other namespaces, which are not ours."""
        if not self.answers:
            return {name: found for name, found in self.running().items() if name != PODS}
        owned = {}
        for name in self._names("default", "namespaces", "list", "-q"):
            if name != PODS:
                owned[name] = self._names(name, "containers", "list", "-q") + self._names(name, "images", "list", "-q")
        return {name: found for name, found in owned.items() if found}

    def pods(self) -> list[str]:
        """Return the pods, by name; while containerd is stopped, their running containers by ID."""
        if not self.answers:
            return self.running().get(PODS, [])
        pods = sorted(Runtime(self.address).pods().values())
        return pods or self._names(PODS, "containers", "list", "-q")

    def end(self, images: bool) -> None:
        """End the pods through the runtime, then whatever it could not end; with ``images``, remove these, too."""
        runtime = Runtime(self.address)
        pods = runtime.pods()

        def ended(pod: str) -> None:
            try:
                runtime.end(pod)
            except HardwayError as exc:
                self.problems.append(f"pod {pods[pod]}: {exc}")

        map_concurrently(ended, list(pods))
        for container in self._names(PODS, "containers", "list", "-q"):
            network = self._network_of(container)
            self.ctr(PODS, "tasks", "kill", "--signal", "SIGKILL", "--all", container)
            self.ctr(PODS, "tasks", "delete", "--force", container)
            self.ctr(PODS, "containers", "delete", container)
            if network.startswith(NETWORKS) and os.path.lexists(network):
                mounts.unmount(network)
                os.unlink(network)
        if left := self._names(PODS, "containers", "list", "-q"):
            raise HardwayError(
                f"containerd: does not end {', '.join(left)}; see journalctl -u containerd, end them with "
                f"ctr --namespace {PODS}, and run the same command again"
            )
        if images and (names := self._names(PODS, "images", "list", "-q")):
            self._names(PODS, "images", "delete", "--sync", *names)

    def _network_of(self, container: str) -> str:
        """Return the network namespace of a container."""
        code, out, _err = self.ctr(PODS, "containers", "info", container)
        try:
            spaces = (json.loads(out).get("Spec") or {})["linux"]["namespaces"] if code == 0 else []
        except (ValueError, KeyError):
            return ""
        return next((str(space.get("path", "")) for space in spaces if space.get("type") == "network"), "")
