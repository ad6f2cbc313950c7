# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connects to hosts that do not exist."""

from __future__ import annotations

DOCUMENTATION = r"""
name: simulated
short_description: Answer modules as hosts of a cluster would
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - For benchmarks of the controller. Modules are packed and sent as to any other host, but not started.
options:
  host:
    description: Address of the host.
    type: str
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: delegated_vars['ansible_host']
  state:
    description: Directory with the states of the hosts.
    type: path
    env: [{name: HARDWAY_SIMULATED_STATE}]
    required: true
  calls:
    description: File that gets one line for each call.
    type: path
    env: [{name: HARDWAY_SIMULATED_CALLS}]
extends_documentation_fragment: [connection_pipelining]
"""

import json
import time
from pathlib import Path

from ansible.plugins.connection import ConnectionBase

from dev.bench.simulated.answers import answer, shell
from dev.bench.simulated.payload import module_call
from dev.bench.simulated.state import Stored


class Connection(ConnectionBase):
    """Answers in the worker's own process, so that a host costs next to nothing."""

    transport = "simulated"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Answer a module that comes by standard input, or a shell command."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        begin = time.process_time()
        if in_data is None:
            name, output = "shell", shell(cmd)
        else:
            name, arguments = module_call(in_data)
            output = json.dumps(answer(Stored(Path(self.get_option("state"))), self._host(), name, arguments))
        self._note(name, len(in_data or b""), time.process_time() - begin)
        return 0, output.encode(), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        """Take a file."""
        super().put_file(in_path, out_path)
        self._note("put_file", Path(in_path).stat().st_size, 0.0)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Refuse: no playbook that is measured fetches files."""
        raise NotImplementedError(f"{in_path}: simulated hosts have no files")

    def close(self) -> None:
        """End the connection."""
        self._connected = False

    def _host(self) -> str:
        return str(self.get_option("host"))

    def _note(self, name: str, size: int, seconds: float) -> None:
        """Note a call. Appended lines of different workers do not mix."""
        if calls := self.get_option("calls"):
            with Path(calls).open("a", encoding="utf-8") as file:
                file.write(f"{self._host()} {name} {size} {seconds:.6f}\n")
