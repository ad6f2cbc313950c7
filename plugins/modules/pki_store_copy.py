#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module pki_store_copy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_store_copy
short_description: Read or write a host's copy of the PKI store
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Reads or replaces the encrypted copy of the PKI directory on a host. The host cannot decrypt it.
  - A copy is replaced only by one of a later generation, which is based on it.
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows generations.
options:
  path:
    description: Path of the copy.
    type: path
    default: /etc/hardway/pki-store
  known:
    description: SHA-256 of a content that is not returned, because the controller has it.
    type: str
    default: ""
  content:
    description: The copy to write, as M(hardway.kubernetes.pki_store) has encrypted it. In check mode it may be empty.
    type: str
  state:
    description: V(read) returns the copy, V(present) replaces it.
    type: str
    choices: [read, present]
    default: read
seealso:
  - module: hardway.kubernetes.pki_store
"""

EXAMPLES = r"""
- name: Read the copy of the PKI directory
  hardway.kubernetes.pki_store_copy:
  register: copy_of_m1
"""

RETURN = r"""
header:
  description: The first line of the copy, JSON without secrets, empty if there is none.
  returned: when O(state=read)
  type: str
  sample: '{"generation": 4, "time": "2026-01-02T03:04:05Z", "writer": "ops@ctrl1"}'
content:
  description: The copy, empty if its content is that of O(known).
  returned: when O(state=read)
  type: str
  sample: ""
problem:
  description: Why the copy cannot be used, empty if it can.
  returned: when O(state=read)
  type: str
  sample: its content is damaged
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.module import run_module
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.sealing import Header, copy_of

SPEC: dict[str, Any] = {
    "path": {"type": "path", "default": "/etc/hardway/pki-store"},
    "known": {"type": "str", "default": ""},
    # Encrypted, but long.
    "content": {"type": "str", "no_log": True},
    "state": {"type": "str", "choices": ["read", "present"], "default": "read"},
}


def run(params: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return the result of one task."""
    if params["state"] == "read":
        return read(params["path"], params["known"])
    return write(params["path"], params["content"] or "", check)


def read(path: str, known: str) -> dict[str, Any]:
    """Return the copy."""
    found: dict[str, Any] = {"changed": False, "header": "", "content": "", "problem": ""}
    try:
        text = (atomic_files.read(path) or b"").decode()
        if text:
            header = copy_of(text)
            found.update(header=text.partition("\n")[0], content="" if header.sha256 == known else text)
    except OSError as exc:
        found["problem"] = f"{path}: {exc.strerror}"
    except ValueError as exc:
        found["problem"] = f"{path}: {exc}"
    return found


def write(path: str, text: str, check: bool) -> dict[str, Any]:
    """Replace the copy."""
    try:
        wanted = copy_of(text)
    except ValueError as exc:
        if check and not text:
            return {"changed": True}
        raise HardwayError(f"content: {exc}; give what pki_store has encrypted") from exc
    with _locked(os.path.dirname(path), check):
        found = _present(path)
        if found and (found.generation, found.sha256) == (wanted.generation, wanted.sha256):
            return {"changed": False}
        if found and not wanted.follows(found.generation, found.sha256):
            raise HardwayError(
                f"{path}: lost update: {found.author}, is not part of generation {wanted.generation}, which this run"
                " writes; run again, so that it reads that first"
            )
        if not check:
            atomic_files.write(path, text.encode(), mode=0o600)
    before = f"generation {found.generation}\n" if found else ""
    return {"changed": True, "diff": {"before": before, "after": f"generation {wanted.generation}\n"}}


def _present(path: str) -> Optional[Header]:
    """Return the header of the present copy; a damaged one is replaced."""
    try:
        return copy_of((atomic_files.read(path) or b"").decode())
    except OSError as exc:
        raise HardwayError(f"{path}: cannot be read: {exc.strerror}; fix its owner and mode") from exc
    except ValueError:
        return None


@contextmanager
def _locked(directory: str, check: bool) -> Iterator[None]:
    """Exclude other writers; the lock is on the directory, so it leaves no file."""
    if check:
        yield
        return
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise HardwayError(f"{directory}: cannot be used: {exc.strerror}; let it be a directory of root") from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
