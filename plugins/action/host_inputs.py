# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests everything that decides the tasks of each host, and finds the hosts on which nothing is to be done."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.nodes import node_address
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import digests
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificates_in
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.extensions import extension_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.option_values import Seen, Values
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._controller_action import ControllerAction
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._role_options import OPTIONS, canonical

COLLECTION = Path(__file__).resolve().parents[2]
# What roles read of the facts that module host_preflight gathers. Others, such as interfaces, change with each pod.
FACTS = (
    "architecture",
    "default_ipv4",
    "distribution",
    "distribution_major_version",
    "distribution_version",
    "hostname",
    "kernel",
    "machine_id",
    "memtotal_mb",
    "nodename",
    "os_family",
    "pkg_mgr",
    "processor_vcpus",
    "service_mgr",
)
ADDRESS = "cluster_node_ip"
# Of the PKI directory: CAs, the service account key, and secrets. Leaf certificates stay on the controller.
PKI_PLACES = (".", "etcd", "secrets")
ROTATION = "rotation.json"
# Lists of files, each of which may be copied from a src.
OF_OPERATORS = ("keepalived_notify_scripts", "master_extra_files")
# The groups whose hosts are visited together or not at all.
TOGETHER = ("etcd", "master", "lb")
_SPEC = {
    "hosts": {"type": "list", "elements": "str", "required": True},
    "groups": {"type": "dict", "required": True},
    "shared": {"type": "dict", "default": {}},
    "pki_dir": {"type": "path", "required": True},
    "preflight": {"type": "str", "default": "_cluster_preflight"},
}


def of_code(collection: Path) -> str:
    """Return the digest of all files that a run may execute, render or copy."""
    found = hashlib.sha256()
    for part in ("playbooks", "plugins", "roles"):
        for path in sorted((collection / part).rglob("*")):
            if path.is_file() and path.suffix not in (".pyc", ".md"):
                found.update(str(path.relative_to(collection)).encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


# Once per run: the main process loads this file before it forks workers.
CODE = of_code(COLLECTION)


class ActionModule(ControllerAction):
    """Runs on the controller and contacts no host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return a digest by host, and the hosts whose mark has the same one."""
        result = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(_SPEC)
        variables = task_vars or {}
        found = inputs_of(variables["hostvars"], args, str(variables.get("ansible_version", {}).get("full")))
        result.update(changed=False, **found)
        return result


def inputs_of(hostvars: Any, args: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return the digests by host, and the hosts whose marks have the same ones; version is that of ansible-core."""
    key, pki = of_pki(Path(args["pki_dir"]).expanduser())
    common = [CODE, version, args["shared"], pki]
    given, inputs, same = Given(hostvars), dict[str, str](), []
    for host in args["hosts"] if key else ():
        raw = hostvars.raw_get(host)
        options = given.options(host, raw)
        if options is None:
            continue
        found = raw.get(args["preflight"]) or {}
        facts = [found.get("sources"), *((raw.get("ansible_facts") or {}).get(name) for name in FACTS)]
        parts = [*common, host, sorted(raw.get("group_names") or []), options, facts, files_of(options)]
        text = json.dumps(parts, sort_keys=True, default=str)
        inputs[host] = hmac.new(key, text.encode(), "sha256").hexdigest()
        if (found.get("up_to_date") or {}).get("inputs") == inputs[host]:
            same.append(host)
    return {"inputs": inputs, "up_to_date": left_alone(args["hosts"], args["groups"], same)}


class Given:
    """The options of hosts, as roles see them."""

    def __init__(self, hostvars: Any) -> None:
        self._hostvars = hostvars
        self._values, self._seen = Values(), Seen()

    def options(self, host: str, raw: Mapping[str, Any]) -> dict[str, str] | None:
        """Return the options that are set for a host, as text; None if one of them cannot be known."""
        # Also where a former part of the run has set it.
        found, view = {ADDRESS: node_address(host, raw)}, None
        for name in OPTIONS:
            if name not in raw:
                continue
            value = raw[name]
            if not self._values.is_plain(value):
                view = self._hostvars[host] if view is None else view
                try:
                    value = view[name]
                except AnsibleError:
                    return None
                found[name] = canonical(name, value)[0]
            else:
                found[name] = self._seen.once(name, value, canonical)[0]
        return found


def of_pki(directory: Path) -> tuple[bytes, str]:
    """Return a key for digests, that only who has the service account key knows, and the digest of the directory."""
    found = [path for place in PKI_PLACES for path in sorted((directory / place).glob("[!.]*")) if path.is_file()]
    read = [path for path in found if path.parent.name == "secrets" or path.name == ROTATION or _decides(path)]
    files = {str(path.relative_to(directory)): digests.of_file(str(path)) for path in read}
    return files.get("sa.key", "").encode(), json.dumps(files)


def _decides(path: Path) -> bool:
    """Return whether a file is of a CA or of the service account key."""
    if path.suffix == ".crt":
        return is_ca(path)
    return path.suffix in (".key", ".pub") and (is_ca(path.with_suffix(".crt")) or path.stem == "sa")


def is_ca(path: Path) -> bool:
    """Return whether a file has the certificate of a CA; one that cannot be read counts as such."""
    try:
        found = certificates_in(path.read_bytes(), str(path))
    except FileNotFoundError:
        return False
    except (OSError, HardwayError):
        return True
    constraints = [extension_of(certificate, "BasicConstraints") for certificate in found]
    return any(one and one.ca for one in constraints)


def files_of(options: Mapping[str, str]) -> list[list[str | int]]:
    """Return the files on the controller that are copied to a host with these options."""
    own = [json.loads(options[name]) for name in OF_OPERATORS if name in options]
    copied = [entry["src"] for entries in own for entry in entries if isinstance(entry, dict) and entry.get("src")]
    archives = json.loads(options.get("cluster_image_archives", "[]"))
    bundle = options.get("cluster_bundle", "")
    return _files(
        options.get("cluster_binary_dir", ""), json.dumps([*archives, *([bundle] if bundle else []), *copied])
    )


# Most hosts have the same ones.
@cache
def _files(directory: str, others: str) -> list[list[str | int]]:
    """Return path, size and time of the files in a directory, and of others, a list in JSON."""
    found = [os.path.expanduser(str(one)) for one in json.loads(others)]
    for place, _directories, names in os.walk(os.path.expanduser(directory)) if directory else ():
        found += [os.path.join(place, name) for name in names]
    return [[path, *_state(path)] for path in sorted(found)]


def _state(path: str) -> tuple[int, int]:
    try:
        info = os.stat(path)
    except OSError:
        return (-1, 0)
    return (info.st_size, info.st_mtime_ns)


def left_alone(hosts: Sequence[str], groups: Mapping[str, Iterable[str]], same: Iterable[str]) -> list[str]:
    """Return the hosts on which nothing is to be done; those of the control plane only if that is true for all."""
    same = set(same)
    together = {host for group in TOGETHER for host in groups.get(group) or ()}
    if not together <= same:
        same -= together
    return [host for host in hosts if host in same]
