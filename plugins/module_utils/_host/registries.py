# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and credentials of containerd's registries."""

from __future__ import annotations

import hashlib
import typing as t
import urllib.parse

Registry = t.Mapping[str, t.Any]
# Images of Docker Hub are served by another host than the one in their names.
SERVERS = {"docker.io": "https://registry-1.docker.io"}


def registry_credentials(registries: t.Iterable[Registry]) -> dict[str, dict[str, t.Any]]:
    """Return the credentials by the host that containerd connects to, which may differ from the one in image names."""
    found = {}
    for registry in registries:
        if "username" in registry and registry.get("state", "present") == "present":
            auth = {"username": registry["username"], "password": registry["password"]}
            found[urllib.parse.urlsplit(server_url(registry)).netloc] = {"auth": auth}
    return found


def server_url(registry: Registry) -> str:
    """Return the URL of a registry."""
    host = str(registry["host"])
    return str(registry.get("server") or SERVERS.get(host, f"https://{host}"))


def registry_files(registries: t.Iterable[Registry], directory: str) -> list[dict[str, t.Any]]:
    """Return the entries of module files for the directory of each registry."""
    found: list[dict[str, t.Any]] = []
    for registry in registries:
        own = f"{directory}/{registry['host']}"
        if registry.get("state", "present") == "absent":
            found.append({"path": own, "state": "absent"})
            continue
        cas = [mirror["ca"] for mirror in (registry, *registry.get("mirrors", ())) if mirror.get("ca")]
        files = {ca: ca_path(own, ca) for ca in cas}
        # The entry _default stands for all other registries, which have no common URL.
        server = server_url(registry) if registry["host"] != "_default" or registry.get("server") else ""
        variables = {"registry": registry, "server": server, "ca_files": files}
        found.append({"path": f"{own}/hosts.toml", "template": "hosts.toml.j2", "mode": "0644", "vars": variables})
        found += [{"path": path, "content": ca, "mode": "0644"} for ca, path in files.items()]
    return found


def ca_path(directory: str, ca: str) -> str:
    """Return the path of a registry's CA, named after its content."""
    return f"{directory}/{hashlib.sha1(ca.encode(), usedforsecurity=False).hexdigest()[:12]}.crt"
