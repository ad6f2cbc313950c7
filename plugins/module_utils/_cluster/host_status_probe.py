# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the state of one host for the status of the cluster. Read-only; a part that fails hides no other."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import running_probe
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.host_health_probe import (
    HostHealthProbe,
    is_local,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.running import UNITS
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import text_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import fingerprints
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import plan as systemd_plan
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

Run = Callable[[list[str]], "tuple[int, str, str]"]

BACKUP_UNIT = "hardway-backup.timer"
# What of a certificate is reported.
FIELDS = (
    "where",
    "path",
    "kind",
    "endpoint",
    "used_by",
    "subject",
    "is_ca",
    "fingerprint",
    "not_after",
    "days_left",
    "state",
    "served_matches",
)


def gather(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Return units, addresses, versions, certificates and the last backup; and the errors of parts that failed."""
    errors: list[str] = []
    found: dict[str, Any] = {"units": [], "versions": {}, "certificates": [], "backup": {}}
    parts: dict[str, Callable[[], Any]] = {
        "units": lambda: units(params["units"], run),
        "versions": lambda: versions(run),
        "certificates": lambda: certificates(params),
        "backup": lambda: backup(params["backup_file"], run),
    }
    for name, part in parts.items():
        try:
            found[name] = part()
        except (HardwayError, OSError, ValueError) as exc:
            errors.append(f"{name}: {exc}")
    found["addresses"] = [address for address in params["addresses"] if is_local(address)]
    return {**found, "errors": errors}


def units(items: Sequence[Mapping[str, Any]], run: Run) -> list[dict[str, Any]]:
    """Return state and error of each unit, and the inputs that have changed since it started."""
    services = [{"name": item["unit"], "check": [], "complaints": [], **item} for item in items]
    found = HostHealthProbe({}, run).services(services)
    shown = Systemd(run).show([item["unit"] for item in found]) if found else {}
    return [
        {
            "unit": item["unit"],
            "state": item["state"],
            "active": shown[item["unit"]].running,
            "error": item["error"],
            "changed_inputs": changed_inputs(item["unit"], shown[item["unit"]]),
        }
        for item in found
    ]


def changed_inputs(name: str, seen: systemd_plan.Seen, directory: str = fingerprints.STAMPS) -> list[str]:
    """Return what the next run would restart a running unit for, from the record of its last start.

    Without a record there is nothing to compare with.
    """
    stamp = fingerprints.read_stamp(name, directory)
    if stamp is None or not seen.running:
        return []
    # A program's digest begins with its path; its content is read by way of the unit alone, and only where it is new.
    files = [path for path, known in stamp.inputs.items() if not known.digest.startswith("/")]
    inputs = fingerprints.collect(name, seen, files, stamp.inputs)
    return list(systemd_plan.differences(systemd_plan.Want(name), seen, inputs, stamp).values())


def versions(run: Run) -> dict[str, str]:
    """Return the versions of the components on this host."""
    processes = {name: unit.main_pid for name, unit in Systemd(run).show(list(UNITS)).items()}
    found: dict[str, str] = running_probe.running(processes, ask=lambda _url: None)["versions"]
    return found


def certificates(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the certificates in files and at listeners."""
    from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.inspect.scan import Scan
    from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import require_cryptography

    require_cryptography("host_status")
    files = [{"path": path, "required": False, "used_by": []} for path in params["certificate_files"]]
    endpoints = [{"server_name": None, "shared": False, **item} for item in params["certificate_endpoints"]]
    options = {"files": files, "endpoints": endpoints, "timeout": 2.0, "pem": False}
    days = {name: params[name] for name in ("warning_days", "critical_days")}
    found = Scan({**options, **days}).run()["certificates"]
    return [{name: item[name] for name in FIELDS} for item in found]


def backup(path: str, run: Run) -> dict[str, Any]:
    """Return whether backups are deployed on this host, and the last proven one."""
    deployed = Systemd(run).show([BACKUP_UNIT])[BACKUP_UNIT].load not in ("not-found", "")
    found: dict[str, Any] = {"deployed": deployed, "last": {}}
    if path and os.path.exists(path):
        last = json.loads(text_of(path))
        if not isinstance(last, dict):
            raise ValueError(f"{path}: is no JSON object; create a backup again")
        found["last"] = {name: last[name] for name in ("time", "archive", "size", "revision") if name in last}
    return found
