# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module and the arguments in what ansible-core sends to a host."""

from __future__ import annotations

import ast
import json
from typing import Any

# ansible-core writes the call of its wrapper last, with these lines in this order; the archive of code follows them.
CALL = b"\n    _ansiballz_main(\n"
NAME = b"\nmodule_fqn="
PARAMETERS = b"\nparams="
END = b",\nextensions="
PREFIXES = ("ansible_collections.", "ansible.legacy.", "ansible.modules.")


class UnknownPayload(Exception):
    """What was sent is no module of a form that is known."""


def module_call(payload: bytes) -> tuple[str, dict[str, Any]]:
    """Return the name of the module and its arguments; those that begin with _ansible_ are ansible-core's own."""
    start = payload.rfind(CALL)
    name = payload.find(NAME, start)
    parameters = payload.find(PARAMETERS, name)
    end = payload.rfind(END, parameters)
    if min(start, name, parameters, end) < 0:
        raise UnknownPayload("this version of ansible-core packs modules in another form; adapt dev/bench/simulated")
    written = ast.literal_eval(payload[name + len(NAME) : payload.index(b",\n", name + 1)].decode())
    arguments = json.loads(ast.literal_eval(payload[parameters + len(PARAMETERS) : end].decode()))
    return short_name(written), arguments["ANSIBLE_MODULE_ARGS"]


def short_name(name: str) -> str:
    """Return the last part of a module's name, which is unique among those that playbooks of this collection use."""
    return name.rpartition(".")[2]
