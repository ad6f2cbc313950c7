# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems with directories and files that a unit cannot use because of its sandboxing, or must not own."""

from __future__ import annotations

import posixpath
import typing as t

# What the units say of themselves, and the places that this takes from them.
HIDDEN = {
    "/home": "ProtectHome hides it from the unit",
    "/root": "ProtectHome hides it from the unit",
    "/run/user": "ProtectHome hides it from the unit",
    "/tmp": "PrivateTmp gives the unit another one, which is emptied when it stops",  # noqa: S108 - compared, not used
    "/var/tmp": "PrivateTmp gives the unit another one, which is emptied when it stops",  # noqa: S108
    "/dev": "PrivateDevices gives the unit another one",
    "/proc": "it is no place for files",
    "/sys": "it is no place for files",
}
# More, for directories that are written to.
UNFIT = {
    "/run": "it is emptied at every boot",
    "/etc": "ProtectSystem lets the unit only read there",
    "/usr": "ProtectSystem lets the unit only read there",
    "/boot": "ProtectSystem lets the unit only read there",
}
# A component's directory gets its owner and mode, which would lock out everybody else.
SHARED = (
    *("/", "/bin", "/lib", "/lib64", "/media", "/mnt", "/opt", "/sbin", "/srv", "/var", "/var/cache", "/var/lib"),
    *("/var/lib/containerd", "/var/lib/hardway", "/var/lib/kubelet", "/var/log", "/var/spool"),
)


def directory_problems(cluster: t.Mapping[str, t.Any]) -> list[str]:
    """Return one line for each path that cannot work, with the hosts that have it.

    cluster holds the members etcd and masters, and in directories what each of them was given, in the same order:
    etcd_data_dir, etcd_config, master_audit_log_dir, and the arguments of the control plane's components.
    """
    given = cluster.get("directories") or {}
    found: dict[str, list[str]] = {}
    for member, data_dir, config in zip(cluster["etcd"], given.get("etcd_data_dir", ()), given.get("etcd_config", ())):
        for problem in etcd_problems(data_dir, config or {}):
            found.setdefault(problem, []).append(member["host"])
    for name in ("master_audit_log_dir", *(name for name in given if name.endswith("_args"))):
        for member, value in zip(cluster["masters"], given.get(name, ())):
            lines = argument_problems(name, value or {}) if name.endswith("_args") else written_problems(name, value)
            for problem in lines:
                found.setdefault(problem, []).append(member["host"])
    return [f"{problem} ({', '.join(hosts)})" for problem, hosts in found.items()]


def etcd_problems(data_dir: t.Any, config: t.Mapping[str, t.Any]) -> list[str]:
    """Return what is wrong with the directories of an etcd member, and with the files that it is reported to read."""
    name, place = "etcd_data_dir", data_dir
    if config.get("data-dir"):
        name, place = "etcd_config: data-dir", config["data-dir"]
    log = config.get("wal-dir")
    problems = written_problems(name, place)
    if log:
        problems += written_problems("etcd_config: wal-dir", log)
        one, other = posixpath.normpath(str(place)), posixpath.normpath(str(log))
        if below(one, other) or below(other, one):
            problems.append(
                f"etcd_config: wal-dir {log} and {name} {place} lie one inside the other, where etcd may put links in"
                " the way of what root does to the inner one; choose two beside each other, or leave wal-dir out"
            )
    others = {option: value for option, value in config.items() if option not in ("data-dir", "wal-dir")}
    return problems + argument_problems("etcd_config", others)


def argument_problems(name: str, arguments: t.Mapping[str, t.Any]) -> list[str]:
    """Return what is wrong with the paths among a component's arguments; the audit log is written, the others read."""
    problems = []
    for option, value in arguments.items():
        if not isinstance(value, str) or not value.startswith("/"):
            continue
        if option == "audit-log-path":
            problems += written_problems(f"{name}: {option}", posixpath.dirname(value))
        elif why := reason(posixpath.normpath(value), HIDDEN):
            problems.append(f"{name}: {option} {value}: {why}; put it elsewhere, for example below /etc/kubernetes")
    return problems


def written_problems(name: str, value: t.Any) -> list[str]:
    """Return what is wrong with a directory that a component writes to."""
    path = str(value)
    place = posixpath.normpath(path)
    if not path.startswith("/") or ".." in path.split("/"):
        return [f"{name}: {path} is no absolute path; write it from / on, without .."]
    if place in SHARED or place in HIDDEN or place in UNFIT:
        return [
            f"{name}: {path} belongs to the whole system, and would get this component's owner and mode; use one below"
        ]
    why = reason(place, {**HIDDEN, **UNFIT})
    return (
        [f"{name}: {path}: {why}; choose another one, for example below /var/lib or on a disk of its own"]
        if why
        else []
    )


def reason(path: str, places: t.Mapping[str, str]) -> str:
    """Return why a path cannot be used, by the longest of the places that it is in; empty when it is in none."""
    return next((places[place] for place in sorted(places, key=len, reverse=True) if below(path, place)), "")


def below(path: str, place: str) -> bool:
    """True when a path is a place or inside of it."""
    return path == place or path.startswith(f"{place.rstrip('/')}/")
