# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resets a host: ends what the collection runs there, and removes what it has written. Repeatable at any point."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import leftovers, safe_paths
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import name_stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import data_directories
from ansible_collections.hardway.kubernetes.plugins.module_utils._firewall import host as firewalls
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import deletion, mounts
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.containers import METADATA, TASKS, Containers
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.features import HostFiles
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.network_reset import Network
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.settings_reset import Settings
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.fingerprints import OURS, STAMPS
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import Seen
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

RECORDS = "/var/lib/hardway"
# Without one of them, nothing was deployed, and whatever the host has belongs to others.
BINARIES = "/opt/hardway"
TRACES = (RECORDS, BINARIES, "/etc/hardway/pki-store")
# Directories of links to binaries, and the components that a containerd needs that stays.
LINKS = ("/usr/local/bin", "/opt/cni/bin")
RUNTIME = ("containerd", "runc", "cni")
RUNTIME_UNIT = "containerd.service"
MARK = "hardway.kubernetes"

# Directories that belong to the operating system, besides those at the root.
SHARED = frozenset(
    (
        *("/etc/default", "/etc/systemd", "/etc/systemd/system", "/usr/bin", "/usr/lib"),
        *("/usr/libexec", "/usr/local", "/usr/local/bin", "/usr/sbin", "/usr/share", "/var/backups", "/var/cache"),
        *("/var/lib", "/var/log", "/var/run", "/var/spool"),
        "/var/tmp",  # noqa: S108
    )
)


def is_ours(unit: str) -> bool:
    """Return whether a unit is one that the collection has written, changed or started."""
    places = [f"{OURS}/{unit}.d/hardway.conf", f"{STAMPS}/{unit}.json"]
    return any(map(os.path.exists, places)) or MARK in (HostFiles().read(f"{OURS}/{unit}") or "")


def _is_of(part: Mapping[str, Any], unit: str) -> bool:
    """Return whether a unit is ours; the preflight checks have refused others of its name on hosts of its group."""
    return is_ours(unit) or (part["expected"] and os.path.exists(f"{OURS}/{unit}"))


def _has_data(path: str) -> bool:
    return os.path.isfile(path) or (os.path.isdir(path) and bool(data_directories.content(Path(path))))


def _check_narrow(path: str) -> None:
    """Raise for a directory that is never ours alone, such as a data directory of the inventory."""
    real = os.path.realpath(path)
    if real.count("/") < 2 or real in SHARED:
        raise HardwayError(
            f"{path}: a directory of the whole host, and never deleted; delete what the cluster left there yourself, "
            "and set the default in the inventory"
        )


def _sweep(path: str) -> None:
    """Remove what a killed run has left beside a file."""
    with suppress(OSError), safe_paths.parent(path) as (above, name):
        leftovers.sweep(name, above)


class Reset:
    """One host, and what is to be removed there."""

    def __init__(self, params: Mapping[str, Any], run: Callable[..., tuple[int, str, str]]) -> None:
        """Find out which parts of a cluster the host has."""
        self.params = params
        self.systemd = Systemd(run)
        self.stamp = name_stamp()
        self.deployed = any(map(os.path.lexists, TRACES))
        self.parts = [
            part for part in params["parts"] if self.deployed and (part["expected"] or any(map(is_ours, part["units"])))
        ]
        for path in (path for part in self.parts for path in part["directories"]):
            _check_narrow(path)
        runtime = next((part for part in self.parts if RUNTIME_UNIT in part["units"]), None)
        # Of its directories, the first two are its root and its state.
        root, state = (runtime or {"directories": ["", ""]})["directories"][:2]
        ctr = (f"{LINKS[0]}/ctr", f"{BINARIES}/containerd/*/ctr")
        self.containers = Containers(run, params["socket"], root, state, ctr)
        # Another host may have pods and chains of a Kubernetes of others.
        self.has_pods = runtime is not None
        pods = params["pods"]
        self.network = Network(
            run, pods.get("interfaces") or [], pods.get("networks") or [], pods.get("cni") or "flannel"
        )
        self.firewall = firewalls.Former(run)
        self.settings = Settings(run, HostFiles(), params["users"], self._places_of_users())
        self.has_runtime = runtime is not None and self.containers.has_metadata
        self.foreign: dict[str, list[str]] = {}
        self.left: list[str] = []
        self.moved: dict[str, str] = {}

    def plan(self) -> list[str]:
        """Return what would be done now, in this order."""
        if not self.deployed:
            return []
        self.foreign = self.containers.foreign() if self.has_runtime else {}
        found = [f"stop {name}" for name, seen in self._seen().items() if seen.running or seen.starting]
        if self.has_runtime and (pods := self.containers.pods()):
            found.append(f"end {len(pods)} pods: {', '.join(pods)}")
        found += [f"unmount {mount.point}" for mount in self._mounts()]
        found += self.network.changes() if self.has_pods else []
        for path in filter(_has_data, self._data()):
            beside = data_directories.beside(Path(path), self.stamp)
            found.append(f"delete {path}" if self.params["delete_data"] else f"move {path} to {beside}")
        found += [f"delete {path}" for path in self._directories() if deletion.delete(path, dry=True)[0]]
        found += [f"delete {path}" for path in self._files() if os.path.lexists(path)]
        found += self.firewall.changes() + self.settings.changes()
        return found + ([f"delete {RECORDS}"] if os.path.isdir(RECORDS) else [])

    def run(self) -> None:
        """Do all of it; what is already done is not done again."""
        if not self.deployed:
            return
        self._stop([name for name in self._seen() if name != RUNTIME_UNIT])
        if self.has_runtime:
            self._end_containers()
        if RUNTIME_UNIT in self._seen() and not self.foreign:
            self._stop([RUNTIME_UNIT])
        mounts.unmount_below(self._resolved(), self._kept_mounts())
        if self.has_pods:
            self.network.remove()
        # While the units of the cluster no longer listen.
        self.firewall.remove()
        self._remove_data()
        for path in self._directories():
            self.left += deletion.delete(path)[1]
        for path in self._files():
            _sweep(path)
            deletion.delete_file(path)
        self._remove_empty()
        self.systemd.do("daemon-reload")
        if self.has_pods:
            self._remove_cgroups()
        self.settings.places = self._places_of_users()
        self.settings.remove_users()
        self.settings.restore()
        # The last step: without it, the same command begins again.
        self.left += deletion.delete(RECORDS)[1]

    def notes(self) -> list[str]:
        """Return what stays, and why."""
        kept = self._kept_mounts()
        found = [
            f"containerd stays, with its files: namespace {name} has {', '.join(owned)}"
            for name, owned in self.foreign.items()
        ]
        found += [f"{path} is mounted by /etc/fstab, and stays with its content" for path in kept]
        found += [f"{path} is mounted, and stays" for path in self.left if path not in kept]
        problems = [*self.containers.problems, *self.network.problems, *self.firewall.notes, *self.settings.kept]
        return list(dict.fromkeys([*found, *problems]))

    def _seen(self) -> dict[str, Seen]:
        """Return the state of our units that systemd knows, in the order in which they stop."""
        names = [unit for part in self.parts for unit in part["units"] if _is_of(part, unit)]
        found = self.systemd.show(names) if names else {}
        return {name: seen for name, seen in found.items() if not (self.foreign and name == RUNTIME_UNIT)}

    def _stop(self, names: Sequence[str]) -> None:
        """Stop and disable units."""
        seen = self._seen()
        known = [name for name in names if name in seen and seen[name].load != "not-found"]
        # One after the other, as they depend on each other.
        for name in known:
            self.systemd.do("stop", name)
        if enabled := [name for name in known if seen[name].file_state == "enabled"]:
            self.systemd.do("disable", "--quiet", *enabled)
        if failed := [name for name in known if seen[name].active == "failed"]:
            self.systemd.do("reset-failed", *failed)

    def _end_containers(self) -> None:
        """End the pods, for which containerd must run."""
        if not self.containers.answers:
            try:
                self.systemd.do("start", RUNTIME_UNIT)
            except HardwayError as exc:
                raise HardwayError(
                    f"containerd: it must run to end its pods, and does not start: {exc}; see journalctl -u containerd"
                ) from exc
        self.foreign = self.containers.foreign()
        self.containers.end(images=bool(self.foreign))

    def _directories(self) -> list[str]:
        """Return the directories to delete, but that of the records."""
        kept = set(self._runtime_directories()) if self.foreign else set()
        found = [path for part in self.parts for path in part["directories"] if path not in kept]
        found = list(dict.fromkeys(found))
        if not self.foreign:
            return [*self._metadata_first(found), BINARIES]
        places = [entry.path for entry in os.scandir(BINARIES)] if os.path.isdir(BINARIES) else []
        return found + sorted(path for path in places if os.path.basename(path) not in RUNTIME)

    def _runtime_directories(self) -> list[str]:
        return [path for part in self.parts if RUNTIME_UNIT in part["units"] for path in part["directories"]]

    def _metadata_first(self, paths: list[str]) -> list[str]:
        """Return the paths behind what containerd knows: an interrupted run must not start it without its files."""
        first = [f"{self.containers.state}/{TASKS}", f"{self.containers.root}/{METADATA}"] if self.has_runtime else []
        return [path for path in first if os.path.isdir(path)] + paths

    def _files(self) -> list[str]:
        """Return the files and links to delete: those of the parts, links to our binaries, and unit files last."""
        return list(dict.fromkeys([*self._part_files(), *self._links(), *self._unit_files()]))

    def _part_files(self) -> Iterator[str]:
        for part in self.parts:
            if not (self.foreign and RUNTIME_UNIT in part["units"]):
                for pattern in part["files"]:
                    yield from sorted(glob.glob(pattern)) if "*" in pattern else [pattern]
                yield from (path for path in part["marked_files"] if MARK in (HostFiles().read(path) or ""))

    def _links(self) -> Iterator[str]:
        """Yield the links to our binaries."""
        for place in LINKS:
            for entry in sorted(glob.glob(f"{place}/*")):
                target = os.readlink(entry) if os.path.islink(entry) else ""
                if target.startswith(f"{BINARIES}/") and not (
                    self.foreign and target[len(BINARIES) :].split("/")[1] in RUNTIME
                ):
                    yield entry

    def _unit_files(self) -> Iterator[str]:
        for name in self._seen():
            yield from sorted(glob.glob(f"{OURS}/{name}.d/hardway*.conf"))
            if os.path.isfile(f"{OURS}/{name}"):
                yield from [f"{OURS}/{name}.d/proxy.conf"] if name == RUNTIME_UNIT else []
                yield f"{OURS}/{name}"

    def _remove_empty(self) -> None:
        """Remove directories that have become empty, and that only we may have made."""
        units = [f"{OURS}/{unit}.d" for part in self.parts for unit in part["units"]]
        for path in [*units, *(path for part in self.parts for path in part["if_empty"])]:
            with suppress(OSError):
                os.rmdir(path)

    def _remove_cgroups(self) -> None:
        """Remove the cgroups of the pods, which are empty now."""
        with suppress(HardwayError):
            self.systemd.do("stop", "kubepods.slice")
        for top in glob.glob("/sys/fs/cgroup/kubepods") + glob.glob("/sys/fs/cgroup/*/kubepods"):
            for path, _names, _files in os.walk(top, topdown=False):
                with suppress(OSError):
                    os.rmdir(path)

    def _data(self) -> list[str]:
        """Return the directories and files that cannot be regenerated."""
        return [path for part in self.parts for path in part["data"]]

    def _remove_data(self) -> None:
        """Move data aside, or delete them; an empty directory goes in any case."""
        for path in self._data():
            data_directories.check_unused(Path(path))
            if _has_data(path) and not self.params["delete_data"]:
                self.moved[path] = data_directories.set_aside(Path(path), self.stamp)
            elif self.params["delete_data"] or not glob.glob(f"{path}/{data_directories.REMOVED}*"):
                deletion.delete(path)

    def _places_of_users(self) -> list[str]:
        """Return where files of users may be that a reset keeps."""
        data = [path for part in self.params["parts"] for path in part["data"]]
        kept = [place for path in data for place in glob.glob(f"{path}.{data_directories.REMOVED}*")]
        return kept + ([] if self.params["delete_data"] else data)

    def _resolved(self) -> list[str]:
        return [os.path.realpath(path) for path in self._directories() if os.path.isdir(path)]

    def _kept_mounts(self) -> list[str]:
        # As the kernel names them.
        points = map(os.path.realpath, mounts.fstab_points(HostFiles().read("/etc/fstab") or ""))
        return [path for path in sorted(points) if mounts.is_below(path, self._resolved())]

    def _mounts(self) -> list[mounts.Mount]:
        return mounts.to_unmount(mounts.read(), self._resolved(), self._kept_mounts())
