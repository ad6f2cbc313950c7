# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates the variables of all hosts against the argument specifications of all roles, on the controller."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleTemplateSyntaxError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.vault import is_encrypted_file
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.options import converted
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import shortened
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import (
    agreement,
    master_pairs,
    names,
    option_pairs,
    option_rules,
    option_values,
)
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._controller_action import ControllerAction
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._preload import preload
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._role_options import OPTIONS, canonical

try:
    # No public interface has the file of a value.
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None

# The first of our action plugins that a run of site.yml loads.
preload()

IGNORED = "cluster_ignored_names"
UNDEFINED = re.compile(r"'(\w+)' is undefined$")
WORD = re.compile(r"[A-Za-z_]\w*")
# What is known only in a play or a role.
LATER = ("hostvars", "vars", "omit", "role_name", "role_names", "role_path", "play_hosts", "item")


class ActionModule(ControllerAction):
    """Runs on the controller and contacts no host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the problems of all hosts; fail if there are any."""
        result = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(
            {
                "hosts": {"type": "list", "elements": "str", "required": True},
                "groups": {"type": "dict", "default": {name: name for name in names.GROUPS}},
                "endpoints": {"type": "str"},
            }
        )
        variables = task_vars or {}
        inventory = {name: [str(host) for host in hosts] for name, hosts in variables["groups"].items()}
        own = {name: str(actual) for name, actual in args["groups"].items()}
        extra = load_extra_vars(self._loader).get("cluster_groups")
        if lines := names.renamed_problems(own, inventory, in_plays=extra is not None):
            return {**result, "failed": True, "problems": lines, "msg": "\n".join(lines)}
        groups = {name: inventory.get(own.get(name, name), []) for name in names.GROUPS}
        ours = [host for name in names.GROUPS for host in groups[name]]
        of_host = variables["hostvars"].raw_get(variables["inventory_hostname"])
        given = Given(variables["hostvars"], ours, variables.keys() - of_host.keys())
        lines = [*controller_problems(), *names.name_problems(given.names, OPTIONS, given.ignored)]
        lines += names.group_problems(inventory, own, given.ignored)
        lines += type_problems(given, set(args["hosts"]))
        lines += given.unresolved(set(args["hosts"]))
        lines += agreement.alike_problems({name: dict(compared(given, name)) for name in given.options()}, groups)
        if not lines:
            listeners = self._templar.resolve_variable_expression(args["endpoints"]) if args["endpoints"] else []
            lines += option_pairs.pair_problems(groups, given.typed, listeners)
        result.update(changed=False, problems=lines)
        if lines:
            result.update(failed=True, msg="\n".join(lines))
            return result
        for warning in master_pairs.identity_warnings(groups["master"], given.typed):
            Display().warning(warning)
        if idle := names.idle_hosts(inventory, own, given.ignored):
            Display().warning(
                f"in none of the groups {', '.join(names.GROUPS)}, and therefore skipped: {shortened(idle)}. "
                f"If that is intended, list one of their groups in {IGNORED}"
            )
        return result


def controller_problems() -> list[str]:
    """Return what is missing in Ansible's Python, so that later modules do not fail with a traceback."""
    if importlib.util.find_spec("cryptography") is not None:
        return []
    return [f"cryptography: {sys.executable}, which runs Ansible, has no such package; install it there with pip"]


class Given:
    """The variables of hosts from inventory and command line, without the defaults of roles."""

    def __init__(self, hostvars: Any, hosts: Sequence[str], in_play: Container[str] = ()) -> None:
        self._hostvars = hostvars
        self._in_play = in_play
        # By host and name.
        self._failed: dict[tuple[str, str], str] = {}
        self._values = option_values.Values()
        self._views: dict[str, Mapping[str, Any]] = {}
        self._of_vault: dict[str, bool] = {}
        self._raw: dict[str, dict[str, Any]] = {}
        self.names: dict[str, list[str]] = {}
        self.ignored: list[str] = []
        for host in dict.fromkeys(hosts):
            raw = hostvars.raw_get(host)
            self._raw[host] = {name: raw[name] for name in OPTIONS.keys() & raw.keys()}
            for name in raw:
                self.names.setdefault(name, []).append(host)
            if not self.ignored and IGNORED in raw and (value := self.value(host, IGNORED)) is not Undefined:
                self.ignored = converted(value, "list")

    def options(self) -> list[str]:
        """Return the options that are set for any host, in the order of the roles."""
        return [name for name in OPTIONS if name in self.names]

    def hosts(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield the hosts for which an option is set, each with its value, if it is known."""
        for host, raw in self._raw.items():
            if name in raw and (value := self.value(host, name)) is not Undefined:
                yield host, value

    def is_plain(self, host: str, name: str) -> bool:
        """Return whether the value is neither a template nor secret, so that it may be shown."""
        raw = self._raw[host][name]
        return not agreement.is_secret(name) and self._values.is_plain(raw) and not self._is_of_vault(raw)

    def typed(self, host: str, name: str) -> Any:
        """Return a value converted to its type, or the default; None if neither is known."""
        option = OPTIONS[name][1]
        value = self.value(host, name) if name in self._raw[host] else option.get("default", Undefined)
        if value is Undefined or "{{" in str(value):
            return None
        return converted(value, option.get("type", "str"))

    def value(self, host: str, name: str) -> Any:
        """Return a value as roles see it; Undefined if it cannot be resolved, or depends on, for example, a fact."""
        raw = self._raw[host][name]
        if self._values.is_plain(raw):
            return raw
        if host not in self._views:
            self._views[host] = self._hostvars[host]
        try:
            return self._views[host][name]
        except AnsibleError as exc:
            raw, message = self._hostvars.raw_get(host), str(exc)
            if isinstance(exc, AnsibleTemplateSyntaxError) or not self._is_known_later(raw, name, message):
                hidden = any(self._is_secret(raw, word) for word in closure(raw, {name}))
                self._failed[host, name] = "its value may be secret, and is not shown" if hidden else message
            return Undefined

    def unresolved(self, hosts: Container[str]) -> list[str]:
        """Return the values that no role could resolve either."""
        found: dict[str, list[str]] = {}
        for (host, name), message in self._failed.items():
            if host in hosts:
                found.setdefault(f"{name}: cannot be resolved: {message}", []).append(host)
        return [
            f"{problem}; correct the expression, or set what it names, for {shortened(affected, 20)}"
            for problem, affected in found.items()
        ]

    def _is_of_vault(self, raw: Any) -> bool:
        """Return whether a value is of a file that is encrypted as a whole."""
        if Origin is None:
            # Unknown, so rather hidden than shown.
            return True
        origin = Origin.get_tag(raw)
        if origin is None or origin.path is None:
            return False
        if origin.path not in self._of_vault:
            self._of_vault[origin.path] = is_vault(Path(origin.path))
        return self._of_vault[origin.path]

    def _is_secret(self, raw: Mapping[str, Any], name: str) -> bool:
        """Return whether a variable is secret by its name, or of a vault."""
        if agreement.is_secret(name) or name not in raw:
            return agreement.is_secret(name)
        return self._is_of_vault(raw[name]) or not isinstance(raw[name], (*option_values.PLAIN, dict, list))

    def _is_known_later(self, raw: Mapping[str, Any], name: str, message: str) -> bool:
        """Return whether a failed expression needs facts, the default of a role, or a variable of a play or role."""
        missing = UNDEFINED.search(message)
        return any(
            word.startswith(("ansible_", "_"))
            or (word not in raw and (word in LATER or word in OPTIONS or word in self._in_play))
            for word in ({missing[1]} if missing else closure(raw, {name}))
        )


def is_vault(path: Path) -> bool:
    """Return whether a file is encrypted by ansible-vault."""
    try:
        with path.open("rb") as file:
            return is_encrypted_file(file)
    except OSError:
        return False


def type_problems(given: Given, hosts: Container[str]) -> list[str]:
    """Return values that roles would reject; each value is validated once, even if many hosts share it."""
    seen = option_values.Seen()
    found: dict[str, list[str]] = {}
    for name in given.options():
        for host, value in given.hosts(name):
            if host in hosts:
                for problem in seen.once(name, value, option_problems):
                    shown = problem if given.is_plain(host, name) else hidden(name, value)
                    found.setdefault(shown, []).append(host)
    return [f"{problem}; set it right for {shortened(affected, 20)}" for problem, affected in found.items()]


def hidden(name: str, value: Any) -> str:
    """Return a problem text without the value, which may be secret."""
    role, option = OPTIONS[name]
    kind = option.get("type", "str")
    try:
        remedy = option_rules.remedy(name, converted(value, kind))
    except HardwayError:
        remedy = ""
    shown = f"; {remedy}" if remedy else ""
    return f"{name}: not a valid {kind} (role {role}){shown}; the value may be secret, and is not shown"


def option_problems(name: str, value: Any) -> list[str]:
    """Return the problems of one value of an option."""
    role, option = OPTIONS[name]
    kind = option.get("type", "str")
    if value is None and kind in ("bool", "int", "float"):
        return [f"{name}: has no value; give one, or leave the line out for the default (role {role})"]
    if isinstance(value, bool) and kind in ("str", "path"):
        # The original spelling (yes, on or true) is lost.
        return [f"{name}: {str(value).lower()} is not a text; put the value in quotes (role {role})"]
    try:
        typed = converted(value, kind)
    except HardwayError as exc:
        return [f"{name}: {exc} (role {role})"]
    spec = {key: setting for key, setting in option.items() if key not in ("required", "default")}
    messages = ArgumentSpecValidator({name: spec}).validate({name: typed}).error_messages
    found = list(messages) or [option_rules.problem(name, typed)]
    return [f"{name}: {message} (role {role})" for message in found if message]


def compared(given: Given, name: str) -> Iterator[tuple[str, agreement.Given]]:
    """Yield the hosts of an option, each with its value in comparable form."""
    if not agreement.groups_of(name):
        return
    option, seen = OPTIONS[name][1], option_values.Seen()
    default = canonical(name, option["default"]) if "{{" not in str(option.get("default", "{{")) else [""]
    for host, value in given.hosts(name):
        (key,) = seen.once(name, value, canonical)
        shown = key if given.is_plain(host, name) and len(key) <= 40 else ""
        yield host, agreement.Given(agreement.UNSET if [key] == default else key, shown)


def closure(raw: Mapping[str, Any], words: set[str]) -> set[str]:
    """Return these words, and all in the templates of variables that they name."""
    seen: set[str] = set()
    while words:
        seen |= words
        words = {inner for word in words if word in raw for inner in words_in(raw[word])} - seen
    return seen


def words_in(value: Any) -> set[str]:
    """Return the identifiers in the templates of a value."""
    if isinstance(value, Mapping):
        return {word for item in value.values() for word in words_in(item)}
    if isinstance(value, (list, tuple)):
        return {word for item in value for word in words_in(item)}
    is_template = isinstance(value, str) and any(mark in value for mark in option_values.TEMPLATE)
    return set(WORD.findall(value)) if is_template else set()


class Undefined:
    """Stands for a value that cannot be known before hosts were asked."""
