#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Write many files in one round trip
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Renders templates on the controller, then writes and removes all files and directories in one round trip.
  - Each file is replaced atomically, with owner and mode already set.
  - No file is written before all checks by O(files[].validate) have passed.
attributes:
  check_mode:
    description:
      - Predicts every change.
      - Does not run O(files[].validate), which may need missing files.
    support: full
  diff_mode:
    description: Shows content, mode, owner and group, but no secret.
    support: full
options:
  files:
    description: Files and directories to manage, in this order.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path on the host. Missing parent directories are created with mode V(0755).
        type: path
        required: true
      state:
        description: Wanted state. V(absent) removes a directory with all its content.
        type: str
        choices: [file, directory, absent]
        default: file
      purge:
        description: Whether to remove everything in this directory that is in no entry of the task.
        type: bool
        default: false
      template:
        description: Jinja template on the controller, searched for as in M(ansible.builtin.template).
        type: str
      content:
        description: Content of the file.
        type: str
      source:
        description: File on the controller to copy, searched for as in M(ansible.builtin.copy).
        type: str
      vars:
        description: Additional variables for O(files[].template).
        type: dict
        default: {}
      mode:
        description:
          - Four octal digits.
          - The default is V(0644) for a file, V(0755) for a directory and V(0600) for a secret.
        type: str
      owner:
        description: Name or number of the owner. When unset, root for tasks of root, else not changed.
        type: str
      group:
        description: Name or number of the group. When unset, root for tasks of root, else not changed.
        type: str
      validate:
        description: Command, run without a shell, that validates the file before it is put in place. V(%s) is its path.
        type: str
      secret:
        description: Hides the content in diffs and logs.
        type: bool
        default: false
      _payload:
        description: Internal. The content from the action plugin, as base64.
        type: str
  temporary:
    description:
      - Whether programs remove the files in the course of the run. The result is then not cached, and
        M(hardway.kubernetes.up_to_date) ignores the task.
    type: bool
    default: false
  _cached_result:
    description: Internal. Key of the cached result on the host; see M(hardway.kubernetes.cached_results).
    type: str
seealso:
  - module: hardway.kubernetes.unit
"""

EXAMPLES = r"""
- name: Write the configuration of haproxy
  hardway.kubernetes.files:
    files:
      - path: /etc/haproxy/haproxy.cfg
        template: haproxy.cfg.j2
        validate: haproxy -c -f %s
      - path: /etc/haproxy/errors
        state: directory
      - path: /etc/kubernetes/encryption.yaml
        template: encryption.yaml.j2
        secret: true
      - path: /etc/haproxy/old.cfg
        state: absent
"""

RETURN = r"""
paths:
  description: What changed (or would change), by path.
  returned: always
  type: dict
  sample:
    /etc/haproxy/haproxy.cfg: [content, mode]
    /etc/haproxy/old.cfg: [removed]
"""

import grp
import os
import pwd
import shlex
import shutil
import stat
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files, leftovers, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results, files_plan

SPEC = {
    "files": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "mutually_exclusive": [["template", "content", "source"]],
        "options": {
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
            "purge": {"type": "bool", "default": False},
            "template": {"type": "str"},
            "content": {"type": "str"},
            "source": {"type": "str"},
            "vars": {"type": "dict", "default": {}},
            "mode": {"type": "str"},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "validate": {"type": "str"},
            "secret": {"type": "bool", "default": False},
            # The content from the action plugin: base64, hidden in logs.
            "_payload": {"type": "str", "no_log": True},
        },
    },
    "temporary": {"type": "bool", "default": False},
    "_cached_result": {"type": "str"},
}


def main() -> None:
    """Compare everything, validate new content, then write."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        steps = []
        for params in with_purged(module.params["files"]):
            wanted = files_plan.item({**params, **owners(params)})
            found = inspect(wanted.path)
            changes = files_plan.changes(wanted, found)
            if changes:
                steps.append((wanted, found, changes))
        if not module.check_mode:
            for wanted, _found, _changes in steps:
                validate(module, wanted)
            for wanted, found, changes in steps:
                put(wanted, found, changes)
        result = {"changed": bool(steps), "paths": {wanted.path: changes for wanted, _found, changes in steps}}
        if module._diff:
            result["diff"] = [files_plan.diff(*step) for step in steps]
        entries = module.params["files"]
        cached_results.store(
            module.params["_cached_result"],
            {"paths": {}},
            paths=[params["path"] for params in entries],
            names=[params["path"] for params in entries if params["purge"]],
            absent=[params["path"] for params in entries if params["state"] == "absent"],
        )
        module.exit_json(**result)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))


def with_purged(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries, and one for each path to remove from a directory that is purged."""
    found = []
    for entry in entries:
        if entry["purge"] and entry["state"] == "directory" and os.path.isdir(entry["path"]):
            there = [os.path.join(entry["path"], name) for name in sorted(os.listdir(entry["path"]))]
            found += [
                {**entry, "path": path, "state": "absent", "purge": False}
                for path in files_plan.unlisted(there, [each["path"] for each in entries])
            ]
    return [*entries, *found]


def inspect(path: str) -> files_plan.Found:
    """Return the state of the path. A link to a directory counts as that directory, any other link as 'other'."""
    try:
        if not os.path.islink(path) or os.path.isdir(path):
            with safe_paths.opened(path) as handle:
                return found_at(handle)
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return files_plan.Found("absent")
    except OSError:
        # A socket cannot be opened.
        info = os.lstat(path)
    return files_plan.Found("other", b"", stat.S_IMODE(info.st_mode), *names(info))


def found_at(handle: int) -> files_plan.Found:
    """Return kind, content, mode and owner of an open file or directory, all from the same handle."""
    info = os.fstat(handle)
    kind = "directory" if stat.S_ISDIR(info.st_mode) else "file" if stat.S_ISREG(info.st_mode) else "other"
    content = b""
    if kind == "file":
        with os.fdopen(os.dup(handle), "rb") as stream:
            content = stream.read()
    return files_plan.Found(kind, content, stat.S_IMODE(info.st_mode), *names(info))


def names(info: os.stat_result) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return owner and group, each by name and number."""
    return (name_of_user(info.st_uid), info.st_uid), (name_of_group(info.st_gid), info.st_gid)


def validate(module: AnsibleModule, wanted: files_plan.Item) -> None:
    """Run the file's validation command on the new content; raise with its output when it fails."""
    if not wanted.validate or wanted.state != "file":
        return
    try:
        # Not beside the target: a daemon that watches the directory must not see it.
        with leftovers.scratch() as scratch:
            candidate = os.path.join(scratch, os.path.basename(wanted.path))
            atomic_files.write(candidate, wanted.content, mode=0o600)
            command = [word.replace("%s", candidate) for word in shlex.split(wanted.validate)]
            code, out, err = module.run_command(command, environ_update={"LC_ALL": "C.UTF-8"}, handle_exceptions=False)
    except OSError as exc:
        raise HardwayError(f"{wanted.path}: cannot run '{wanted.validate}': {exc}; install the command first") from exc
    if code != 0:
        output = "(output hidden, the file is secret)" if wanted.secret else (out + err).strip()[-2000:]
        raise HardwayError(f"{wanted.path}: '{wanted.validate}' rejects the new content, the old file stays:\n{output}")


def put(wanted: files_plan.Item, found: files_plan.Found, changes: list[str]) -> None:
    """Change one path to its wanted state."""
    if wanted.state == "absent":
        if found.kind == "directory" and not os.path.islink(wanted.path):
            shutil.rmtree(safe_paths.real(wanted.path))
        else:
            atomic_files.forget(wanted.path)
        return
    target = wanted.path if wanted.state == "directory" else os.path.dirname(wanted.path)
    safe_paths.make_directory(target)
    if wanted.state == "directory" or not {"content", "created", "replaced"} & set(changes):
        atomic_files.set_attributes(wanted.path, wanted.mode, wanted.owner, wanted.group)
        return
    owner = wanted.owner if wanted.owner or found.kind == "absent" else str(found.owner[1])
    group = wanted.group if wanted.group or found.kind == "absent" else str(found.group[1])
    atomic_files.write(wanted.path, wanted.content, mode=wanted.mode, owner=owner, group=group)


def owners(params: dict[str, Any]) -> dict[str, Any]:
    """Return owner and group. Another user can change a file that is not root's."""
    default = None if os.geteuid() else "root"
    return {name: params[name] or default for name in ("owner", "group")}


def name_of_user(number: int) -> str:
    """Return the user's name, or the number as text when it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def name_of_group(number: int) -> str:
    """Return the group's name, or the number as text when it has none."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


if __name__ == "__main__":
    main()
