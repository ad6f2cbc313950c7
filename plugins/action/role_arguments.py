# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the variables of all hosts against the argument specifications of all roles, in one go on the controller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._warm import warm

# The first of our action plugins that a run of site.yml loads.
warm()

ROLES = Path(__file__).resolve().parents[2] / "roles"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ActionModule(ActionBase):
    """Works on the controller alone; no host is contacted."""

    _supports_check_mode = True
    _supports_diff = False
    _requires_connection = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return all problems of all hosts, and fail where there are some."""
        result = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec({"hosts": {"type": "list", "elements": "str", "required": True}})
        hostvars = (task_vars or {})["hostvars"]
        found: dict[str, list[str]] = {}
        for host in args["hosts"]:
            for problem in dict.fromkeys(problems(hostvars[host])):
                found.setdefault(problem, []).append(host)
        lines = [f"{problem}; set it right for {', '.join(hosts)}" for problem, hosts in found.items()]
        result.update(changed=False, problems=lines)
        if lines:
            result.update(failed=True, msg="\n".join(lines))
        return result


def problems(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what no role would take; what is not given has a default, and is no problem."""
    for role, options in specifications():
        given = {name: value for name in options if name in variables and known(value := read(variables, name))}
        for name, value in given.items():
            option = {key: setting for key, setting in options[name].items() if key not in ("required", "default")}
            for message in ArgumentSpecValidator({name: option}).validate({name: value}).error_messages:
                yield f"{name}: {message} (role {role})"


def specifications() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every role of the collection with the options of its entry point main."""
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
        yield path.parent.parent.name, content["argument_specs"].get("main", {}).get("options") or {}


def read(variables: Mapping[str, Any], name: str) -> Any:
    """Return a variable's value; Undefined where it needs what is not known yet, such as a fact."""
    try:
        return variables[name]
    except AnsibleError:
        return Undefined


class Undefined:
    """Stands for a value that cannot be known before hosts were asked."""


def known(value: Any) -> bool:
    """True when a value is what the role will see; older Ansible returns templates that it cannot resolve."""
    return value is not Undefined and not (isinstance(value, str) and "{{" in value)
