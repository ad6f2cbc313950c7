# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main function of modules that do all their work in one call."""

from __future__ import annotations

from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError


def run_module(argument_spec: dict[str, Any], run: Callable[[dict[str, Any], bool], dict[str, Any]]) -> None:
    """Exit with what ``run`` returns for the parameters and check mode, or fail with the error that it raises."""
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode)
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)
