#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module container_stop."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_stop
short_description: Stop the containers of a node
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Sends every running container of the kubelet the stop signal of its image,
    by default C(SIGTERM), waits until they have ended, kills what is left after
    O(grace_period), and then stops the sandboxes of the pods.
  - Nothing is removed. A kubelet that runs would start them again, so stop it
    before; when it is started, it does so. C(preStop) hooks are not run, as the
    kubelet runs them.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the containers that run.
options:
  grace_period:
    description: Time that the containers have to end, such as V(60s) or
      V(1m30s).
    type: str
    default: 60s
  ctr:
    description: Path of the C(ctr) command.
    type: path
    default: /usr/local/bin/ctr
  address:
    description: Socket of containerd.
    type: path
    default: /run/containerd/containerd.sock
  namespace:
    description: Namespace of containerd. The kubelet uses V(k8s.io).
    type: str
    default: k8s.io
"""

EXAMPLES = r"""
- name: Stop the containers of a node whose kubelet is stopped
  hardway.kubernetes.container_stop:
    grace_period: 30s
"""

RETURN = r"""
stopped:
  description: Containers that were stopped, or would be, without sandboxes.
  returned: always
  type: list
  elements: str
  sample: [3c1f4a5c0b2e]
killed:
  description: Those of them that had not ended in time.
  returned: always
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until

SPEC: dict[str, Any] = {
    "grace_period": {"type": "str", "default": "60s"},
    "ctr": {"type": "path", "default": "/usr/local/bin/ctr"},
    "address": {"type": "path", "default": "/run/containerd/containerd.sock"},
    "namespace": {"type": "str", "default": "k8s.io"},
}
# By kind, as containerd labels them.
CONTAINERS = "container"
SANDBOXES = "sandbox"
LOG = "see `journalctl -u containerd`"
# Seconds until a killed container is gone.
DEATH = 10.0


class Runtime:
    """The containers of containerd, through ctr."""

    def __init__(self, module: AnsibleModule) -> None:
        """Remember how to call ctr."""
        params = module.params
        self.module = module
        self.command = [params["ctr"], "--address", params["address"], "--namespace", params["namespace"]]

    def call(self, *arguments: str) -> str:
        """Return the output of ctr; raise its error when it fails."""
        try:
            code, out, err = self.module.run_command([*self.command, *arguments], handle_exceptions=False)
        except OSError as exc:
            raise HardwayError(f"{self.command[0]}: cannot be run: {exc.strerror}; run role containerd") from exc
        if code != 0:
            raise HardwayError(
                f"ctr {' '.join(arguments)}: {err.strip() or out.strip()}; see `journalctl -u containerd`"
            )
        return out

    def running(self, kind: str) -> list[str]:
        """Return the running containers of a kind."""
        known = self.call("containers", "ls", "-q", f'labels."io.cri-containerd.kind"=={kind}').split()
        tasks = [line.split() for line in self.call("tasks", "ls").splitlines()[1:]]
        return sorted({fields[0] for fields in tasks if fields[2:3] == ["RUNNING"]}.intersection(known))

    def stop(self, kind: str, seconds: float) -> tuple[list[str], list[str]]:
        """Stop all of a kind; return them, and those that had to be killed."""
        found = self.running(kind)
        # Without a signal, ctr sends the one of the image.
        self._signal(kind, found)
        _ended, left = wait_until(lambda: self.running(kind), lambda ids: not ids, timeout=seconds if found else 0)
        if left:
            self._signal(kind, left, "--signal", "SIGKILL")
            ended, rest = wait_until(lambda: self.running(kind), lambda ids: not ids, timeout=DEATH)
            if not ended:
                raise HardwayError(
                    f"containers {', '.join(rest)}: still run after SIGKILL; see `journalctl -u containerd`"
                )
        return found, left

    def _signal(self, kind: str, ids: list[str], *options: str) -> None:
        for one in ids:
            try:
                self.call("tasks", "kill", *options, one)
            except HardwayError:
                # It may have ended meanwhile.
                if one in self.running(kind):
                    raise


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    runtime = Runtime(module)
    try:
        seconds = parse(module.params["grace_period"], "grace_period", zero=True).total_seconds()
        before = runtime.running(CONTAINERS)
        pods = runtime.running(SANDBOXES)
        stopped, killed = (before, []) if module.check_mode else runtime.stop(CONTAINERS, seconds)
        if not module.check_mode:
            runtime.stop(SANDBOXES, DEATH)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    diff = {"before": "".join(f"{one}\n" for one in stopped), "after": ""}
    module.exit_json(changed=bool(stopped or pods), stopped=stopped, killed=killed, diff=diff)


if __name__ == "__main__":
    main()
