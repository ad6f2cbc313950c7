# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the templates of module files on the controller."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.template import trust_as_template
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import CachedAction

MODULE = "hardway.kubernetes.files"
MANAGED = "Managed by Ansible (hardway.kubernetes); changes made here are lost."


class ActionModule(CachedAction):
    """Renders the content of all entries, then runs the module once."""

    _VALID_ARGS = frozenset(("files", "temporary"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        super().run(tmp, task_vars)
        entries = self._task.args.get("files")
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise AnsibleActionFail("files must be a list of mappings")
        files = [self._with_payload(dict(entry), task_vars or {}) for entry in entries]
        lasting = not boolean(self._task.args.get("temporary", False))
        return self.cached(MODULE, {"files": files}, task_vars or {}, use=lasting, counts=lasting)

    def _with_payload(self, entry: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the entry with its content (template, content or source) as base64."""
        ways = [way for way in ("template", "content", "source") if entry.get(way) is not None]
        if len(ways) != 1:
            return entry
        given = entry.pop(ways[0])
        if ways[0] == "template":
            data = self._render(given, entry.get("path", ""), entry.get("vars") or {}, task_vars).encode()
        elif ways[0] == "source":
            data = Path(self._find_needle("files", given)).read_bytes()
        elif isinstance(given, str):
            data = given.encode()
        else:
            raise AnsibleActionFail(
                f"{entry.get('path')}: content is {type(given).__name__}, not text; add a filter like to_json"
            )
        entry.pop("vars", None)
        entry["_payload"] = base64.b64encode(data).decode()
        return entry

    def _render(self, name: str, path: str, extra: Mapping[str, Any], task_vars: dict[str, Any]) -> str:
        """Return the text of a template, searched for and rendered as in ansible.builtin.template."""
        source = self._find_needle("templates", name)
        places = [*task_vars.get("ansible_search_path", []), self._loader.get_basedir(), os.path.dirname(source)]
        searchpath = [place for base in places for place in (os.path.join(base, "templates"), base)]
        variables = {"ansible_managed": MANAGED, **task_vars, "template_path": name, **extra}
        templar = self._templar.copy_with_new_env(searchpath=searchpath, available_variables=variables)
        text = templar.template(
            trust_as_template(self._loader.get_text_file_contents(source)), escape_backslashes=False
        )
        if not isinstance(text, str):
            raise AnsibleActionFail(
                f"{path}: template {name} gives {type(text).__name__}, not text; add a filter like to_json"
            )
        return text
