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
  - Has the runtime send every running container of the kubelet the stop signal
    of its image, by default C(SIGTERM), and kill what is left after
    O(grace_period). Then stops the sandboxes of the pods, which frees their
    addresses.
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
  socket:
    description: Socket of containerd.
    type: path
    default: /run/containerd/containerd.sock
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
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.cri import Runtime

SPEC: dict[str, Any] = {
    "grace_period": {"type": "str", "default": "60s"},
    "socket": {"type": "path", "default": "/run/containerd/containerd.sock"},
}


def stop(runtime: Runtime, containers: list[str], pods: list[str], seconds: int) -> list[str]:
    """Stop the containers, all at once, then the sandboxes; return the containers that had to be killed."""
    # Each may take all its time, so none waits for another.
    killed = map_concurrently(lambda one: runtime.stop_container(one, seconds), containers, limit=len(containers))
    map_concurrently(runtime.stop_pod, pods)
    return [container for container, was_killed in zip(containers, killed) if was_killed]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    runtime = Runtime(module.params["socket"])
    try:
        seconds = int(parse(module.params["grace_period"], "grace_period", zero=True).total_seconds())
        containers, pods = runtime.running(), sorted(runtime.pods(ready=True))
        killed = [] if module.check_mode else stop(runtime, containers, pods, seconds)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    diff = {"before": "".join(f"{one}\n" for one in containers), "after": ""}
    module.exit_json(changed=bool(containers or pods), stopped=containers, killed=killed, diff=diff)


if __name__ == "__main__":
    main()
