# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PKI modules in this process: options validated as by Ansible, the action plugin included, no play."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible_collections.hardway.kubernetes.plugins.action.pki_certificate import ActionModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.certificates import HostCertificates
from ansible_collections.hardway.kubernetes.plugins.modules import (
    pki_bundle,
    pki_ca,
    pki_certificate,
    pki_crl,
    pki_rotation,
    pki_sign,
)

MODULES: dict[str, Any] = {
    "pki_bundle": pki_bundle,
    "pki_ca": pki_ca,
    "pki_crl": pki_crl,
    "pki_rotation": pki_rotation,
    "pki_sign": pki_sign,
}


def checked(spec: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Return the options with their defaults; what Ansible would refuse is the same error."""
    found = ArgumentSpecValidator(spec).validate(params)
    if found.error_messages:
        raise HardwayError("; ".join(found.error_messages))
    return dict(found.validated_parameters)


def call(module: str, check: bool = False, host: str = "host-1", **params: Any) -> dict[str, Any]:
    """Return a module's result; its error is raised."""
    if module == "pki_certificate":
        return _with_action(check, host, params)
    found = MODULES[module]
    result = found.run(checked(found.SPEC, params), check)
    assert isinstance(result, dict)
    return result


def act(module: str, **params: Any) -> dict[str, Any]:
    """Run check, apply, check, apply; return the first result that changes something; the next must not."""
    results = [call(module, check, **params) for check in (True, False, True, False)]
    assert [result["changed"] for result in results] == [True, True, False, False], (module, results)
    return results[1]


def _with_action(check: bool, host: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the result of the action plugin, whose host is this process."""
    action = ActionModule.__new__(ActionModule)
    action._task = Mock(args=params, check_mode=check)
    action._loader = DataLoader()
    action._connection = Mock(transport="ssh")

    def execute(module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        assert module_name.endswith("pki_certificate")
        assert task_vars
        return HostCertificates(checked(pki_certificate.SPEC, module_args), check, diff=True).run()

    action._execute_module = execute
    return action._run({"inventory_hostname": host})


def files(directory: Path) -> dict[str, bytes]:
    """Return all files below a directory with their content, to verify that none was touched."""
    found = (path for path in directory.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path): path.read_bytes() for path in found}
