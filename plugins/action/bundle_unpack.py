# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies and unpacks a bundle on the controller."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import bundle
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import image_archive
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._controller_action import ControllerAction

_SPEC = {
    "path": {"type": "str", "required": True},
    "sha256": {"type": "str", "default": ""},
    "cache_dir": {"type": "str", "required": True},
    "required_images": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ControllerAction):
    """Runs on the controller and contacts no host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return where the bundle is unpacked."""
        result = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(_SPEC)
        path, cache = (bundle.absolute(args[key]) for key in ("path", "cache_dir"))
        wanted = sorted({image_archive.full_name(name) for name in args["required_images"]})
        try:
            manifest, unpacked = bundle.unpack(path, cache, args["sha256"])
            if lacking := manifest.lacking(wanted):
                raise HardwayError(
                    f"{path}: has no {', '.join(lacking)}, only {', '.join(manifest.images()) or 'no image'}; create a"
                    " bundle with this inventory by playbooks/bundle.yml, or set the images of the bundle in it"
                )
        except HardwayError as exc:
            raise AnsibleActionFail(str(exc)) from None
        # The cache of the controller is no state of a host, so that check mode and the run after it report the same.
        directory = bundle.directory_of(manifest, cache)
        result.update(changed=False, unpacked=unpacked, directory=directory, files=sorted(manifest.files))
        return result
