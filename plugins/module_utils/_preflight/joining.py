# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host needs that joins without Ansible: checks, downloads, files. Reads binaries of the controller only."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import catalog
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import digests
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.inventory import LONGEST_NODE, NODE_NAME

Asked = t.Mapping[str, t.Any]


def problems(asked: Asked) -> list[str]:
    """Return why a host cannot join by hand, with remedies.

    asked has node, address, lifetime, lifetime_max, architecture, hosts (as host_addresses() returns them), ranges
    (variable and network), kubelet_intermediate and flannel_store.
    """
    found = [*_name(asked), *_address(asked), *_lifetime(asked)]
    if asked["architecture"] not in catalog.MACHINES.values():
        found.append(f"join_architecture {asked['architecture']}: is unknown; set amd64 or arm64")
    if asked["kubelet_intermediate"]:
        found.append(
            "cluster_kubelet_intermediate: the masters sign certificates of kubelets only, and the host needs others,"
            " too; add it with add.yml"
        )
    if asked["flannel_store"] != "kubernetes":
        found.append(
            "flannel_store etcd: the host needs a certificate of etcd, which the API cannot sign; add it with add.yml"
        )
    return found


def _name(asked: Asked) -> t.Iterator[str]:
    name = asked["node"]
    if not name:
        yield "node: is missing; set the name of the new node with -e node=NAME"
        return
    if not NODE_NAME.fullmatch(name) or len(name) > LONGEST_NODE:
        yield (
            f"node {name!r}: is not a valid node name of at most {LONGEST_NODE} characters; use lower-case letters,"
            " digits, '-' and '.'"
        )
    if any(name in (host["host"], host["name"]) for host in asked["hosts"]):
        yield f"node {name}: is in the inventory; add it with add.yml, or take it out of the inventory"


def _address(asked: Asked) -> t.Iterator[str]:
    text = asked["address"]
    if not text:
        yield "address: is missing; set the address of the new host with -e address=ADDRESS"
        return
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        yield f"address {text!r}: is not an IP address; set that of the new host"
        return
    for host in asked["hosts"]:
        if host["address"] == text:
            yield f"address {text}: is that of host {host['host']}; set that of the new host"
    for variable, network in asked["ranges"].items():
        if address in ipaddress.ip_network(network, strict=False):
            yield f"address {text}: is in {variable} {network}; a node needs an address outside of it"


def _lifetime(asked: Asked) -> t.Iterator[str]:
    try:
        lifetime, longest = parse(asked["lifetime"], "lifetime"), parse(asked["lifetime_max"], "join_lifetime_max")
    except HardwayError as exc:
        yield str(exc)
        return
    if lifetime > longest:
        yield (
            f"lifetime {asked['lifetime']}: is longer than join_lifetime_max {asked['lifetime_max']}; set a shorter"
            " one, or raise that"
        )


def downloads(components: t.Iterable[Asked], given: Asked) -> list[dict[str, t.Any]]:
    """Return one entry for each download, and one for each component whose binaries the controller provides.

    An entry has component, version, dest, url, algorithm, digest, members (paths in the archive by binary; none if the
    download is the binary itself) and local (path and SHA-256 by binary on the controller).
    """
    source = catalog.source(given)
    wanted = catalog.binaries(components)
    found = []
    for component, version, dest in dict.fromkeys((one.component, one.version, one.dest) for one in wanted):
        group = [one for one in wanted if (one.component, one.version, one.dest) == (component, version, dest)]
        paths = {one.name: catalog.path_in_binary_dir(source, one) for one in group}
        entry = {"component": component, "version": version, "dest": dest}
        local = {name: {"path": path, "sha256": digests.of_file(path)} for name, path in paths.items() if path}
        rest = [name for name, path in paths.items() if not path]
        download = _download(source, component, version, rest) if rest else {}
        found.append({**entry, "url": "", "algorithm": "", "digest": "", "members": {}, **download, "local": local})
    return found


def _download(source: catalog.Source, component: str, version: str, names: list[str]) -> dict[str, t.Any]:
    """Return how a host downloads binaries; raise if they cannot be verified."""
    archive = catalog.archive(source, component, version)
    if archive is None or not archive.digest:
        reason = "its digest is unknown" if archive else "no download is known"
        raise HardwayError(catalog.missing_download(source, component, version, names, reason))
    algorithm, _colon, digest = archive.digest.partition(":")
    members = {name: archive.members.get(name, name) if archive.packed else "" for name in names}
    return {"url": archive.url, "algorithm": algorithm, "digest": digest, "members": members}


def files_below(entries: t.Iterable[Asked], directory: str) -> list[dict[str, t.Any]]:
    """Return the files of a host, as module files takes them, for a directory that has them below it.

    Directories and absent files are left out, and checks by programs of the host. No other user may read them there.
    """
    kept = ("template", "content", "source", "vars", "secret")
    return [
        {**{key: entry[key] for key in kept if key in entry}, "path": directory + entry["path"], "mode": "0600"}
        for entry in entries
        if entry.get("state", "file") == "file"
    ]
