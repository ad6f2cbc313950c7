# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the facts for the preflight checks of a host. Read-only; runs programs only if no file has the answer."""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from functools import partial
from glob import glob
from importlib.util import find_spec
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.programs import call
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import text_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import host as firewalls
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import features, kernel_rules
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import network as host_network

UNIT_DIRECTORIES = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
)
LOGIND = ("/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd")
# Each group's units, and where its programs and data are written.
UNITS = {
    "etcd": ("etcd",),
    "master": ("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    "node": ("containerd", "kubelet", "kube-proxy", "flanneld"),
    "lb": ("haproxy", "keepalived"),
}
PLACES = {
    "": ("/etc", "/opt/hardway", "/usr/local/bin", "/var/lib/hardway", "/etc/systemd/system"),
    "etcd": ("/etc/etcd/pki", "/usr/local/libexec"),
    "master": ("/etc/kubernetes/pki",),
    "node": ("/etc/kubernetes/pki", "/opt/cni/bin", "/usr/local/libexec", "/var/lib/containerd", "/var/lib/kubelet"),
    "lb": ("/usr/libexec/keepalived",),
}
LEFTOVERS = ("/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/config.yaml")
# Whose rules come from a configuration that says more than they do.
UFW = ("/etc/ufw/ufw.conf", "/etc/default/ufw", "/etc/ufw/user.rules", "/etc/ufw/user6.rules", "/etc/ufw/before.rules")


class Gather:
    """A host below a root, which is `/` but in tests."""

    def __init__(self, root: str = "/") -> None:
        """Remember the root."""
        self.kernel = features.HostFiles(root)
        self.root = root.rstrip("/")

    def facts(self, want: Mapping[str, Any]) -> dict[str, Any]:
        """Return everything at once, as plain data."""
        resolved = _Resolution(want["endpoint"])
        units = self.units(want["groups"])
        seen = {
            "euid": os.geteuid(),
            "units": units,
            "active": self.active(),
            "pid1": (self.kernel.read("/proc/1/comm") or "").strip(),
            "systemd": self.systemd(),
            "os_release": self.kernel.read("/etc/os-release") or "",
            "kernel_release": os.uname().release,
            "python": python(),
            "cgroups": self.kernel.cgroups(),
            "modules": self.modules(want["modules"]),
            "memory_mib": _meminfo(self.kernel.read("/proc/meminfo") or ""),
            "cpus": os.cpu_count() or 1,
            "time": time.time(),
            "synchronized": features.clock_is_synchronized(),
            "places": {path: self.place(path) for path in self.places(want)},
            "cni": self.names("/etc/cni/net.d/*"),
            "logind": self.logind(),
            "manifests": self.names("/etc/kubernetes/manifests/*"),
            "leftovers": {path: self.kernel.read(path) for path in LEFTOVERS},
            "etcd_data": self.exists(f"{want['etcd_data_dir']}/member"),
            "etcd_formed": self.exists("/etc/etcd/formed"),
            "container": self.exists("/run/systemd/container"),
            "machine_id": (self.kernel.read("/etc/machine-id") or "").strip(),
            "product_uuid": (self.kernel.read("/sys/class/dmi/id/product_uuid") or "").strip().lower(),
            "selinux": (self.kernel.read("/sys/fs/selinux/enforce") or "").strip() == "1",
            "selinux_containers": bool(
                self.names("/usr/share/selinux/packages/container.pp*")
                + self.names("/var/lib/selinux/*/active/modules/*/container")
            ),
            "port_range": (self.kernel.sysctl("net.ipv4.ip_local_port_range") or "0 0").split(),
            "environment": proxies(os.environ, self.kernel.read("/etc/environment") or ""),
            "ufw": {path: self.kernel.read(path) or "" for path in UFW},
            "firewalld": self.firewalld(),
            **self.firewall(want),
            **self.resolver(),
            **self.network(want, units),
        }
        return {**seen, "resolved": resolved.result()}

    def exists(self, path: str) -> bool:
        """Return whether there is something by this name."""
        return os.path.lexists(self.root + path)

    def names(self, pattern: str) -> list[str]:
        """Return the paths that match, as the host knows them."""
        return sorted(path[len(self.root) :] for path in glob(self.root + pattern))

    def active(self) -> list[str]:
        """Return the names of all units that have been started and not ended."""
        return sorted(
            name.partition(":")[2] for name in self._listdir("/run/systemd/units") if name.startswith("invocation:")
        )

    def _listdir(self, path: str) -> list[str]:
        try:
            return os.listdir(self.root + path)
        except OSError:
            return []

    def systemd(self) -> int:
        """Return systemd's version, 0 if its library does not report it."""
        names = glob(self.root + "/usr/lib/systemd/libsystemd-shared-*.so")
        names += glob(self.root + "/usr/lib/*/systemd/libsystemd-shared-*.so")
        found = [re.search(r"libsystemd-shared-(\d+)", name) for name in names]
        return max((int(match[1]) for match in found if match), default=0)

    def units(self, groups: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return files and drop-ins of the units of these groups, and whether they are those of this collection."""
        found = {}
        for name in sorted({unit for group in groups for unit in UNITS.get(group, ())}):
            files, dropins = {}, {}
            for directory in UNIT_DIRECTORIES:
                path = f"{directory}/{name}.service"
                if self.exists(path):
                    files[path] = self.kernel.read(path) or ""
                for dropin in self.names(f"{directory}/{name}.service.d/*.conf"):
                    dropins[dropin] = self.kernel.read(dropin) or ""
            found[name] = {
                "files": files,
                "dropins": dropins,
                "masked": any(os.path.realpath(self.root + path) == "/dev/null" for path in files),
                "ours": "hardway.kubernetes" in files.get(f"/etc/systemd/system/{name}.service", "")
                or f"/etc/systemd/system/{name}.service.d/hardway.conf" in dropins
                # Files that a user has removed or edited do not make a unit that module unit has started another's.
                or self.exists(f"/var/lib/hardway/units/{name}.service.json"),
            }
        return found

    def logind(self) -> dict[str, str]:
        """Return how long each drop-in of logind lets a shutdown be delayed, in the order in which they are read."""
        paths = [path for directory in LOGIND for path in self.names(f"{directory}/logind.conf.d/*.conf")]
        # Of two with one name the directory that comes last is the one that counts.
        named = {os.path.basename(path): path for path in paths}
        found = {}
        for name in sorted(named):
            texts = re.findall(
                r"^\s*InhibitDelayMaxSec\s*=\s*(.*?)\s*$", self.kernel.read(named[name]) or "", re.MULTILINE
            )
            found.update({named[name]: texts[-1]} if texts else {})
        return found

    def modules(self, names: Iterable[str]) -> dict[str, str]:
        """Return for each kernel module: there, loadable, missing, or unknown without a list of modules."""
        known = {}
        for name in names:
            if self.kernel.has_module(name):
                known[name] = "there"
            elif self.kernel.can_load(name):
                known[name] = "loadable"
            elif self.exists(f"/lib/modules/{os.uname().release}/modules.dep") or name in features.EVIDENCE:
                known[name] = "missing"
            else:
                known[name] = "unknown"
        return known

    def places(self, want: Mapping[str, Any]) -> list[str]:
        """Return the directories that matter to the host's groups."""
        paths = {path for group in ("", *want["groups"]) for path in PLACES.get(group, ())}
        return sorted(paths | ({want["etcd_data_dir"]} if "etcd" in want["groups"] else set()))

    def place(self, path: str) -> dict[str, Any]:
        """Return what the file system of a directory allows and has room for; of one to come, that of its parent."""
        real = os.path.realpath(self.root + path)
        while not os.path.isdir(real) and real != "/":
            real = os.path.dirname(real)
        info = os.statvfs(real)
        return {
            "real": os.path.realpath(self.root + path)[len(self.root) :],
            "noexec": bool(info.f_flag & os.ST_NOEXEC),
            "readonly": bool(info.f_flag & os.ST_RDONLY),
            "free_mib": info.f_bavail * info.f_frsize >> 20,
            "inodes": 100 if info.f_files == 0 else round(100 * info.f_favail / info.f_files, 1),
            "refused": self._refused(path),
        }

    def _refused(self, path: str) -> str:
        """Return why modules would not enter a directory, as with a link of another user; empty if they would."""
        try:
            with safe_paths.directory(self.root + path):
                return ""
        except FileNotFoundError:
            real = os.path.realpath(self.root + path)[len(self.root) :]
            return f"is a link to {real}, which does not exist; make that directory" if self.exists(path) else ""
        except HardwayError as exc:
            return str(exc).partition(": ")[2]
        except OSError as exc:
            return f"cannot be entered: {exc.strerror}; move away what is in its place"

    def resolver(self) -> dict[str, Any]:
        """Return the file that pods with the node's resolver get, and its servers."""
        stub = self.kernel.read("/etc/resolv.conf") or ""
        path = kernel_rules.resolver_file(stub, self.exists("/run/systemd/resolve/resolv.conf"))
        text = stub if path == "/etc/resolv.conf" else self.kernel.read(path) or ""
        return {"resolv_conf": path, "nameservers": re.findall(r"^\s*nameserver\s+(\S+)", text, re.MULTILINE)}

    def network(self, want: Mapping[str, Any], units: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return interfaces, addresses, routes, and who listens at the ports that are asked for.

        Where a haproxy runs that is not ours, all that listens: it may serve others.
        """
        ours = {f"{name}.service" for name, unit in units.items() if unit["ours"]}
        everything = "haproxy.service" in set(self.active()) - ours and "haproxy" in units
        sockets = []
        for protocol in ("tcp", "udp"):
            for version in ("", "6"):
                sockets += host_network.parse_sockets(
                    self.kernel.read(f"/proc/net/{protocol}{version}") or "", protocol
                )
        wanted = {(port["protocol"], port["port"]) for port in want["ports"]}
        sockets = [found for found in sockets if everything or (found["protocol"], found["port"]) in wanted]
        held = host_network.holders({found["inode"] for found in sockets} - {"0"}, ours, self.root)
        return {
            "links": host_network.links(),
            "mtus": host_network.mtus(),
            "addresses": host_network.addresses(),
            "routes": host_network.parse_routes(
                self.kernel.read("/proc/net/route") or "", self.kernel.read("/proc/net/ipv6_route") or ""
            ),
            "sockets": [
                {**found, **held.get(found["inode"], {"pid": 0, "program": "", "unit": ""})} for found in sockets
            ],
        }

    def firewalld(self) -> Optional[dict[str, str]]:
        """Return firewalld's configuration by file, None where it does not run."""
        if not self.exists("/run/systemd/units/invocation:firewalld.service"):
            return None
        config = self.kernel.read("/etc/firewalld/firewalld.conf") or ""
        chosen = re.search(r"^DefaultZone=(\S+)", config, re.MULTILINE)
        paths = {name: f"/usr/lib/firewalld/zones/{name}.xml" for name in [chosen[1] if chosen else "public"]}
        paths.update({os.path.basename(path)[:-4]: path for path in self.names("/etc/firewalld/zones/*.xml")})
        paths.update({os.path.basename(path): path for path in self.names("/etc/firewalld/policies/*.xml")})
        return {name: self.kernel.read(path) or "" for name, path in paths.items()}

    def firewall(self, want: Mapping[str, Any]) -> dict[str, Any]:
        """Return the rules of closed chains, and what module host_firewall would do, where it is to open ports."""
        found: dict[str, Any] = {
            "rules": {},
            "forward_rules": {},
            "firewall": {"name": "", "problems": [], "pending": False},
        }
        if want["firewall"] == "ignore":
            return found
        # A firewall that does not answer must not hold up the checks.
        run = partial(call, seconds=10.0)
        found["rules"], found["forward_rules"] = firewalls.closed_chains(run)
        if want["firewall"] == "open":
            found["firewall"] = firewalls.prediction(run, want["openings"], want["forwards"])
        return found


def python() -> dict[str, Any]:
    """Return this interpreter, its release of cryptography, and whether the system has that package for its own."""
    found = find_spec("cryptography")
    about = text_of(f"{os.path.dirname(found.origin)}/__about__.py") if found and found.origin else ""
    release = re.search(r"^__version__ = \"([^\"]+)\"", about, re.MULTILINE)
    places = glob("/usr/lib/python3/dist-packages/cryptography")
    places += glob("/usr/lib*/python3.*/site-packages/cryptography")
    return {
        "executable": sys.executable,
        "version": ".".join(str(part) for part in sys.version_info[:3]),
        # A package that does not say which release it is counts as new enough.
        "cryptography": release[1] if release else "999" if found else "",
        "system": os.path.realpath(sys.executable).startswith(("/usr/bin/", "/usr/libexec/")) and sys.prefix == "/usr",
        "system_cryptography": bool(places),
        "usr_bin_python3": os.path.exists("/usr/bin/python3"),
    }


def proxies(environment: Mapping[str, str], file: str) -> dict[str, str]:
    """Return https_proxy and no_proxy of this session, or of every session by /etc/environment."""
    listed = dict(re.findall(r"^\s*(?:export\s+)?(\w+)=[\"']?([^\"'\n]*)[\"']?\s*$", file, re.MULTILINE))
    known = {key.lower(): value for source in (listed, environment) for key, value in source.items()}
    return {name: known.get(name, "") for name in ("https_proxy", "no_proxy")}


class _Resolution:
    """A name resolved in the background, so that an unresponsive resolver does not delay the run."""

    def __init__(self, name: str) -> None:
        self.name, self.answer = name, "not within 5 seconds"
        self.addresses: list[str] = []
        self.thread = threading.Thread(target=self._ask, daemon=True)
        self.thread.start()

    def _ask(self) -> None:
        try:
            found = socket.getaddrinfo(self.name, None, type=socket.SOCK_STREAM) if self.name else []
            self.addresses, self.answer = sorted({str(entry[4][0]) for entry in found}), ""
        except (OSError, UnicodeError) as exc:
            self.answer = getattr(exc, "strerror", None) or str(exc)

    def result(self) -> dict[str, Any]:
        """Return the addresses, or why there are none."""
        self.thread.join(5)
        return {"addresses": self.addresses, "reason": self.answer}


def _meminfo(text: str) -> int:
    found = re.search(r"^MemTotal:\s*(\d+) kB", text, re.MULTILINE)
    return int(found[1]) >> 10 if found else 0
