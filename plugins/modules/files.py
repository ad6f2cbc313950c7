#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Writes many files in one round trip
version_added: 0.1.0
author:
  - hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Renders templates on the controller and brings files, directories and absences to the host in one go.
  - Each file is replaced atomically, with owner and mode set before it gets its name.
  - All checks by O(files[].validate) pass before the first file is written.
attributes:
  check_mode:
    description: Predicts every change; does not run O(files[].validate), whose other files may not exist yet.
    support: full
  diff_mode:
    description: Shows content, mode, owner and group; of a secret only that it differs.
    support: full
options:
  files:
    description: What to have on the host, done in this order.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path on the host. Missing parent directories are made with mode V(0755).
        type: path
        required: true
      state:
        description: A regular file, a directory, or nothing (a directory goes with all that is in it).
        type: str
        choices: [file, directory, absent]
        default: file
      template:
        description: Jinja template on the controller, searched as M(ansible.builtin.template) does.
        type: str
      content:
        description: The content itself.
        type: str
      source:
        description: File on the controller, taken as it is, searched as M(ansible.builtin.copy) does.
        type: str
      vars:
        description: Further variables for O(files[].template).
        type: dict
        default: {}
      mode:
        description:
          - Four octal digits.
          - The default is V(0644), for a directory V(0755), for a secret file V(0600).
        type: str
      owner:
        description: Name or number of the owner; without it the owner stays.
        type: str
      group:
        description: Name or number of the group; without it the group stays.
        type: str
      validate:
        description: Command, without a shell, that judges a file before it is put in place; V(%s) is its path.
        type: str
      secret:
        description: Keeps the content out of the diff and of the log.
        type: bool
        default: false
      _payload:
        description: Internal. What the action plugin made of template, content or source, as base64.
        type: str
  _cached_result:
    description: Internal. Under which name the host remembers that all is right; M(hardway.kubernetes.cached_results).
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
  description: Each path that changed (or would change) with what changed about it.
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
            "template": {"type": "str"},
            "content": {"type": "str"},
            "source": {"type": "str"},
            "vars": {"type": "dict", "default": {}},
            "mode": {"type": "str"},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "validate": {"type": "str"},
            "secret": {"type": "bool", "default": False},
            # What the action plugin made of template, content or source: base64, kept out of the log.
            "_payload": {"type": "str", "no_log": True},
        },
    },
    "_cached_result": {"type": "str"},
}


def main() -> None:
    """Compare everything, judge what is new, then write."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        steps = []
        for params in module.params["files"]:
            wanted = files_plan.item(params)
            found = look(wanted.path)
            words = files_plan.changes(wanted, found)
            if words:
                steps.append((wanted, found, words))
        if not module.check_mode:
            for wanted, _found, _words in steps:
                validate(module, wanted)
            for wanted, found, words in steps:
                put(wanted, found, words)
        result = {"changed": bool(steps), "paths": {wanted.path: words for wanted, _found, words in steps}}
        if module._diff:
            result["diff"] = [files_plan.diff(*step) for step in steps]
        entries = module.params["files"]
        cached_results.leave(
            module.params["_cached_result"],
            {"paths": {}},
            paths=[params["path"] for params in entries],
            absent=[params["path"] for params in entries if params["state"] == "absent"],
        )
        module.exit_json(**result)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))


def look(path: str) -> files_plan.Found:
    """Return what is at path; a link to a directory counts as that directory, any other link as 'other'."""
    try:
        if not os.path.islink(path) or os.path.isdir(path):
            with safe_paths.opened(path) as handle:
                return seen(handle)
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return files_plan.Found("absent")
    except OSError:
        # A socket cannot be opened.
        info = os.lstat(path)
    return files_plan.Found("other", b"", stat.S_IMODE(info.st_mode), *names(info))


def seen(handle: int) -> files_plan.Found:
    """Return what is open: its content is that of the very file whose kind and owner are told."""
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
    """Let the file's own checker judge the new content; raise with its words when it refuses."""
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
        raise HardwayError(f"{wanted.path}: cannot run '{wanted.validate}': {exc}; install the checker first") from exc
    if code != 0:
        said = "(its output is kept back, the file is secret)" if wanted.secret else (out + err).strip()[-2000:]
        raise HardwayError(f"{wanted.path}: '{wanted.validate}' refuses the new content, the old file stays:\n{said}")


def put(wanted: files_plan.Item, found: files_plan.Found, words: list[str]) -> None:
    """Bring one path to its wanted state."""
    if wanted.state == "absent":
        if found.kind == "directory" and not os.path.islink(wanted.path):
            shutil.rmtree(safe_paths.real(wanted.path))
        else:
            atomic_files.forget(wanted.path)
        return
    target = wanted.path if wanted.state == "directory" else os.path.dirname(wanted.path)
    safe_paths.make_directory(target)
    if wanted.state == "directory" or not {"content", "created", "replaced"} & set(words):
        atomic_files.set_attributes(wanted.path, wanted.mode, wanted.owner, wanted.group)
        return
    owner = wanted.owner if wanted.owner or found.kind == "absent" else str(found.owner[1])
    group = wanted.group if wanted.group or found.kind == "absent" else str(found.group[1])
    atomic_files.write(wanted.path, wanted.content, mode=wanted.mode, owner=owner, group=group)


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
