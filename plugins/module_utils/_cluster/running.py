# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses command lines, unit files and paths of binaries of running components. No I/O."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

# Where module artifact puts binaries: <root>/<component>/<version>[-<digest>]/<name>.
ROOT = "/opt/hardway"
PLACE = re.compile(re.escape(ROOT) + r"/(?P<component>[^/]+)/(?P<label>[^/]+)/(?P<name>[^/]+?)(?: \(deleted\))?")
DIGEST = re.compile(r"-[0-9a-f]{12}$")
IMAGE_TAG = re.compile(r":v?(\d+\.\d+(?:\.\d+)?(?:-[0-9A-Za-z.]+)?)$")

# The unit of each program, by the name of its binary, and the component that it belongs to.
UNITS = {
    "etcd": "etcd",
    "kube-apiserver": "kubernetes",
    "kube-controller-manager": "kubernetes",
    "kube-scheduler": "kubernetes",
    "containerd": "containerd",
    "kubelet": "kubernetes",
    "kube-proxy": "kubernetes",
    "flanneld": "flannel",
}
# The flags with settings that a running cluster cannot change. Nothing else of a command line leaves the host.
FLAGS = {
    "etcd": (
        "name",
        "data-dir",
        "wal-dir",
        "initial-advertise-peer-urls",
        "initial-cluster-token",
        "listen-client-urls",
    ),
    "kube-apiserver": (
        "service-cluster-ip-range",
        "service-account-issuer",
        "secure-port",
        "bind-address",
    ),
    "kube-controller-manager": ("cluster-cidr", "cluster-name", "node-cidr-mask-size"),
    "kubelet": ("hostname-override", "config", "node-ip"),
    "flanneld": ("kube-subnet-mgr", "etcd-endpoints", "etcd-prefix"),
}


def placed(path: str) -> tuple[str, str]:
    """Return component and version of an installed binary, by its path; nothing for one that is not ours."""
    found = PLACE.fullmatch(path)
    return (found["component"], DIGEST.sub("", found["label"])) if found else ("", "")


def flags_of(command: Iterable[str]) -> dict[str, str]:
    """Return the flags of a command line whose flags are all written --name=value; the first of several counts."""
    found: dict[str, str] = {}
    for word in command:
        if word.startswith("--") and "=" in word:
            name, _equals, value = word[2:].partition("=")
            found.setdefault(name, value)
    return found


def exec_start(unit: str) -> list[str]:
    """Return the command line of a unit file's text, as systemd would start it."""
    joined = re.sub(r"\\\n\s*", " ", unit)
    found = re.search(r"^ExecStart=(.+)$", joined, re.MULTILINE)
    if not found:
        return []
    try:
        words = shlex.split(found[1])
    except ValueError:
        return []
    return [word.replace("%%", "%").replace("$$", "$") for word in words]


def known_flags(program: str, command: Iterable[str]) -> dict[str, str]:
    """Return the flags of a program that are compared with the inventory."""
    flags = flags_of(command)
    return {name: flags[name] for name in FLAGS.get(program, ()) if name in flags}


def kubelet_settings(config: str) -> dict[str, str]:
    """Return the DNS settings of a kubelet's configuration as role node writes it: hosts may lack a YAML parser."""
    domain = re.search(r"^clusterDomain:[ \t]*(\S+)[ \t]*$", config, re.MULTILINE)
    address = re.search(r"^clusterDNS:\s*\n[ \t]*-[ \t]+(\S+)[ \t]*$", config, re.MULTILINE)
    found = {"domain": domain, "dns_address": address}
    return {name: match[1].strip("'\"") for name, match in found.items() if match}


def image_version(image: str) -> str:
    """Return the version in an image's tag; nothing where the tag is none."""
    found = IMAGE_TAG.search(image.partition("@")[0])
    return found[1] if found else ""


def pause_version(config: str) -> str:
    """Return the version of the pause image in a configuration of containerd."""
    found = re.search(r"^\s*sandbox\s*=\s*[\"']([^\"']+)[\"']", config, re.MULTILINE)
    return image_version(found[1]) if found else ""


def coredns_version(deployment: Mapping[str, Any]) -> str:
    """Return the version of the image that CoreDNS' Deployment runs."""
    containers = ((deployment.get("spec") or {}).get("template") or {}).get("spec", {}).get("containers") or []
    return next((image_version(str(one.get("image", ""))) for one in containers if one.get("name") == "coredns"), "")
