#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: unit
short_description: Manage systemd units, their restarts and their health
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Starts units that do not run, restarts those whose files on disk have changed since they started, and reports why.
  - Each start writes a record with a fingerprint of every input to C(/var/lib/hardway/units). It is valid only for that
    process, so a restart is never missed, even if the run that changed the files was interrupted.
  - A process without a record, for example one that was started manually, is accepted without a restart if its inputs
    have not changed since it started.
  - Inputs of every unit are its unit file, drop-ins, environment files and program. O(units[].inputs) adds more. Files
    written by C(systemctl set-property) are not inputs, because they take effect immediately.
  - Units that do not run are started on all hosts in parallel. With O(rolling), running units are restarted on one host
    at a time, or on O(rolling_at_once) of them, each after the O(gate) and followed by the health check. When a restart
    fails, or its host is lost, the remaining hosts are left unchanged, unless O(rolling_may_fail) allows it.
  - A running unit that refuses connections, or answers with another status, for three seconds is restarted in its turn
    too, but without the gate, and even after another host has failed. A slow answer counts as healthy.
attributes:
  check_mode:
    description:
      - Predicts starts and restarts from the files on disk.
      - Health is not checked.
    support: full
  diff_mode:
    description: Shows the action for each unit and its reasons.
    support: full
options:
  units:
    description: The units, in the order in which they are restarted.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the unit. The default type is C(.service).
        type: str
        required: true
      inputs:
        description: Additional files, directories or globs that the unit reads when it starts.
        type: list
        elements: path
        default: []
      outputs:
        description:
          - Files that the unit writes when it starts. It is restarted when one is missing or was changed since.
          - Interfaces that it adds, as C(/proc/sys/net/ipv4/conf/NAME). It is restarted when one is missing.
        type: list
        elements: path
        default: []
      reloads:
        description: Those of O(units[].inputs) for which a reload suffices. If only they changed, the unit is reloaded.
        type: list
        elements: path
        default: []
      reload_check:
        description: How to verify a reload. If it failed, the task fails and the next run tries again.
        type: dict
        suboptions:
          new_process:
            description: Whether the main process starts a new process to take over on a reload.
            type: bool
            default: false
          done:
            description: Regular expression of a log line that means a successful reload.
            type: str
          failed:
            description: Regular expression of log lines that mean a failed reload.
            type: str
      enabled:
        description: Whether the unit starts at boot.
        type: bool
        default: true
      state:
        description:
          - Wanted state of the unit.
          - V(absent) removes the unit file and the drop-ins in C(/etc/systemd/system).
        type: str
        choices: [started, stopped, absent]
        default: started
      wait_on_start:
        description:
          - Whether to wait until the unit is healthy after it was started.
          - V(false) is for etcd members that form a cluster together.
        type: bool
        default: true
      health:
        description:
          - Health check, done on every run.
          - When unset, it is enough that the process stays alive.
        type: dict
        suboptions:
          url:
            description: URL to query, or C(unix:///path) of a gRPC server, which must accept the connection.
            type: str
            required: true
          ca:
            description: CA of the server.
            type: path
          cert:
            description: Client certificate.
            type: path
          key:
            description: Key of the client certificate.
            type: path
          server_name:
            description: Name to verify in the server's certificate instead of the address.
            type: str
          status:
            description: HTTP status of a healthy unit.
            type: int
            default: 200
          timeout:
            description: Seconds to wait until the unit is healthy.
            type: int
            default: 60
  rolling:
    description:
      - Name of a lock. Hosts with the same lock restart their units one at a time.
      - Shared by all runs of this user with the same C(cluster_pki_dir), or the same inventory sources.
    type: str
  rolling_at_once:
    description: How many hosts with the same O(rolling) restart their units together.
    type: int
    default: 1
  rolling_may_fail:
    description: How many hosts with the same O(rolling) may fail before no further one restarts its units.
    type: int
    default: 0
  gate:
    description: Condition for restarting a running unit.
    type: dict
    suboptions:
      urls:
        description: Health check URLs of the other hosts, or of all.
        type: list
        elements: str
        required: true
      minimum:
        description: How many of them must answer with status 200.
        type: int
        required: true
      ca:
        description: CA of the servers.
        type: path
      cert:
        description: Client certificate.
        type: path
      key:
        description: Key of the client certificate.
        type: path
      timeout:
        description: Seconds to wait for them.
        type: int
        default: 60
      hold:
        description: Seconds to hold the lock after this host is healthy again, so that load balancers can notice.
        type: int
        default: 0
  _hold: {description: "Internal. The action plugin's first round.", type: bool, default: false}
  _stopped_by: {description: Internal. Host whose restart failed before., type: str, default: ""}
  _predicted: {description: Internal. Files that check mode did not write., type: list, elements: str, default: []}
  _cached_result:
    description: Internal. Key of the cached result on the host; see M(hardway.kubernetes.cached_results).
    type: str
seealso:
  - module: hardway.kubernetes.files
"""

EXAMPLES = r"""
- name: Run etcd
  hardway.kubernetes.unit:
    units:
      - name: etcd
        inputs: [/etc/etcd/pki]
        health:
          url: https://127.0.0.1:2379/health
          ca: /etc/etcd/pki/ca.crt
          cert: /etc/etcd/pki/healthcheck-client.crt
          key: /etc/etcd/pki/healthcheck-client.key
    rolling: etcd
    gate:
      urls: [https://192.0.2.11:2379/health, https://192.0.2.12:2379/health, https://192.0.2.13:2379/health]
      minimum: 3
      ca: /etc/etcd/pki/ca.crt
      cert: /etc/etcd/pki/healthcheck-client.crt
      key: /etc/etcd/pki/healthcheck-client.key
"""

RETURN = r"""
units:
  description: Action for each unit, and its reasons.
  returned: always
  type: dict
  sample:
    etcd.service:
      action: restarted
      reasons: ["/etc/etcd/pki/server.crt changed"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import outputs as systemd_outputs
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import plan as systemd_plan
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.apply import Units
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.fingerprints import drop_in_places, overrides
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd, once_started

TLS = {"ca": {"type": "path"}, "cert": {"type": "path"}, "key": {"type": "path", "no_log": False}}
HEALTH = {
    "url": {"type": "str", "required": True},
    **TLS,
    "server_name": {"type": "str"},
    "status": {"type": "int", "default": 200},
    "timeout": {"type": "int", "default": 60},
}
RELOAD_CHECK = {
    "new_process": {"type": "bool", "default": False},
    "done": {"type": "str"},
    "failed": {"type": "str"},
}
SPEC = {
    "units": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "inputs": {"type": "list", "elements": "path", "default": []},
            "outputs": {"type": "list", "elements": "path", "default": []},
            "reloads": {"type": "list", "elements": "path", "default": []},
            "reload_check": {"type": "dict", "options": RELOAD_CHECK},
            "enabled": {"type": "bool", "default": True},
            "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
            "wait_on_start": {"type": "bool", "default": True},
            "health": {"type": "dict", "options": HEALTH},
        },
    },
    "rolling": {"type": "str"},
    "rolling_at_once": {"type": "int", "default": 1},
    "rolling_may_fail": {"type": "int", "default": 0},
    "gate": {
        "type": "dict",
        "options": {
            "urls": {"type": "list", "elements": "str", "required": True},
            "minimum": {"type": "int", "required": True},
            **TLS,
            "timeout": {"type": "int", "default": 60},
            "hold": {"type": "int", "default": 0},
        },
    },
    "_hold": {"type": "bool", "default": False},
    "_stopped_by": {"type": "str", "default": ""},
    "_predicted": {"type": "list", "elements": "str", "default": []},
    "_cached_result": {"type": "str"},
}
DONE = {"start": "started", "restart": "restarted", "reload": "reloaded", "stop": "stopped", "remove": "removed"}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        units = Units(
            Systemd(lambda command: module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"})),
            [want(params) for params in module.params["units"]],
            module.params["gate"],
        )
        units.predicted = module.params["_predicted"] if module.check_mode else []
        units.decide(module.check_mode)
        held = [] if module.check_mode else units.carry_out(module.params["_hold"], module.params["_stopped_by"])
        if module.params["_cached_result"] and not held:
            remember(module.params["_cached_result"], units)
        module.exit_json(**report(units, held, module._diff))
    except HardwayError as exc:
        module.fail_json(msg=str(exc))


def want(params: dict[str, Any]) -> systemd_plan.Want:
    """Return one entry of the option ``units`` as the input of the plan."""
    return systemd_plan.Want(
        name=systemd_plan.full_name(params["name"]),
        state=params["state"],
        enabled=params["enabled"],
        inputs=tuple(params["inputs"]),
        outputs=tuple(params["outputs"]),
        reloads=tuple(params["reloads"]),
        reload_check=params["reload_check"],
        health=params["health"],
        wait_on_start=params["wait_on_start"],
    )


def report(units: Units, held: list[str], with_diff: bool) -> dict[str, Any]:
    """Return the module's result."""
    plans = [plan for plan in units.plans.values() if plan.name not in held]
    result: dict[str, Any] = {
        "changed": any(plan.changed for plan in plans),
        "units": {
            plan.name: {
                "action": DONE.get(plan.action, "none"),
                "reasons": list(plan.reasons),
                "enabled": units.seen[plan.name].enabled if plan.enable is None else plan.enable,
            }
            for plan in plans
        },
        "_held": held,
    }
    if with_diff:
        result["diff"] = [difference(units, plan) for plan in plans if plan.changed]
    return result


def remember(key: str, units: Units) -> None:
    """Store a cached result if every unit is as wanted. For a starting unit it is valid once the unit runs."""
    seen = {name: once_started(found) for name, found in units.systemd.show(list(units.wants)).items()}
    if not all(is_settled(want, seen[name]) for name, want in units.wants.items()):
        return
    actions = {name: {"action": "none", "reasons": [], "enabled": seen[name].enabled} for name in units.wants}
    inputs = {path: now for name in units.wants for path, now in units.inputs[name].items() if not path.endswith("/")}
    outputs = {path for want in units.wants.values() for path in want.outputs}
    if any(
        systemd_outputs.problems(systemd_outputs.touched(want.outputs), units.systemd.active_since(name))
        for name, want in units.wants.items()
        if want.outputs
    ):
        return
    names = {path for want in units.wants.values() for path in (*want.inputs, *drop_in_places(want.name, control=True))}
    # As patterns, which stand for nothing as long as there is no such file.
    names |= {f"{path}*" for name in units.wants for path in overrides(name)}
    health = [want.health for want in units.wants.values() if want.health]
    absent = [path for path, now in inputs.items() if now.digest == "absent"]
    cached_results.store(
        key,
        {"units": actions},
        paths=sorted({*inputs, *outputs}),
        names=sorted(names),
        units=seen,
        health=health,
        absent=absent,
        accepted=outputs,
    )


def is_settled(want: systemd_plan.Want, seen: systemd_plan.Seen) -> bool:
    """Return whether a unit is as wanted, and stays so until another program changes it."""
    return seen.running if want.state == "started" else want.state == "stopped" and seen.active == "inactive"


def difference(units: Units, plan: systemd_plan.Plan) -> dict[str, str]:
    """Return Ansible's diff of one unit."""
    seen = units.seen[plan.name]
    enable = "" if plan.enable is None else "enabled\n" if plan.enable else "disabled\n"
    action = "" if plan.action == "none" else f"{DONE.get(plan.action, 'none')}: {'; '.join(plan.reasons)}\n"
    return {
        "before_header": plan.name,
        "after_header": plan.name,
        "before": f"{seen.active} ({seen.sub})\n",
        "after": f"{seen.active} ({seen.sub})\n{enable}{action}",
    }


if __name__ == "__main__":
    main()
