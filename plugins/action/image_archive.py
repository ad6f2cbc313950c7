# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the image archives that a host lacks."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import image_archive
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import CachedAction

MODULE = "hardway.kubernetes.image_archive"


class ActionModule(CachedAction):
    """Queries which images the host lacks, unless a cached result is valid; copies and imports only those."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        super().run(tmp, task_vars)
        archives, problems = [], []
        for path in self._task.args.get("archives") or []:
            try:
                archives.append(self._inspect(path))
            except HardwayError as exc:
                problems.append(str(exc))
        if problems:
            raise AnsibleActionFail("\n".join(problems))
        if boolean(self._task.args.get("inspect_only", False)):
            return {"changed": False, "imported": []}
        arguments = {**self._task.args, "archives": archives}
        return self.cached(MODULE, arguments, task_vars or {}, lambda option: self._rounds(archives, option, task_vars))

    def _rounds(
        self, archives: list[dict[str, Any]], option: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Return the result of one or two calls of the module."""
        self._option = option
        result = self._execute(archives, task_vars)
        missing = set(result.get("missing", []))
        if result.get("failed") or self._task.check_mode or not missing:
            return result
        directory = self._make_tmp_path()
        try:
            chosen = [archive for archive in archives if archive["identity"] in missing]
            for number, archive in enumerate(chosen):
                staged = self._connection._shell.join_path(directory, f"{number}.tar")
                archive["staged"] = self._transfer_file(archive["source"], staged)
            self._fixup_perms2([directory, *(archive["staged"] for archive in chosen)])
            return self._execute(chosen, task_vars)
        finally:
            self._remove_tmp_path(directory)

    def _inspect(self, path: str) -> dict[str, Any]:
        """Return the module's description of an archive."""
        try:
            source = self._find_needle("files", os.path.expanduser(path))
        except AnsibleError as exc:
            raise HardwayError(f"{path}: no such image archive; put it there, or set another path") from exc
        archive = image_archive.inspect(source)
        return {"source": source, "identity": archive.identity, "images": archive.images}

    def _execute(self, archives: list[dict[str, Any]], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Run the module."""
        arguments = {**self._task.args, "archives": archives, **self._option}
        return self._execute_module(MODULE, arguments, task_vars=task_vars)
