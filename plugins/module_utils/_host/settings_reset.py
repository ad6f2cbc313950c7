# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets a host's kernel, swap and users back to what the record says they were."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from typing import Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.atomic_files import write
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import former_settings, kernel_rules
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.features import HostFiles

Run = Callable[..., "tuple[int, str, str]"]
# The kernel deletes all interfaces of these kinds with their module, also those of others.
OWN_INTERFACES = {"vxlan": "vxlan", "wireguard": "wireguard"}


class Settings:
    """The settings of one host."""

    def __init__(self, run: Run, host: HostFiles, users: Sequence[str], places: Sequence[str]) -> None:
        """Take the users that may be removed, and where files of theirs could be."""
        self.run, self.host, self.users, self.places = run, host, users, places
        self.former = former_settings.recorded(host)
        self.kept: list[str] = []

    def changes(self) -> list[str]:
        """Return what differs from the record."""
        found = [f"set {key} = {value}" for key, value in self._sysctls()]
        found += ["uncomment the swap lines of /etc/fstab"] if self._fstab()[0] != self._fstab()[1] else []
        found += [f"{verb} {unit}" for verb, unit in self._swap_units()]
        found += [f"swapon {device}" for device in self._swap_devices()]
        return found + [f"remove user {name}" for name in self._known_users() if not self._file_of(name)]

    def restore(self) -> None:
        """Set everything back; what the kernel refuses is reported, because the next boot does it."""
        self._restore_swap()
        for name in reversed(self.former["modules"]):
            self._unload(name)
        for key, value in self._sysctls():
            try:
                with open(self.host.path(self.host.sysctl_path(key)), "w", encoding="ascii") as stream:
                    stream.write(value)
            except OSError as exc:
                self.kept.append(f"{key} cannot be set to {value}: {exc.strerror}")

    def _sysctls(self) -> list[tuple[str, str]]:
        live = {key: self.host.sysctl(key) for key in self.former["sysctls"]}
        return [(key, value) for key, value in self.former["sysctls"].items() if live[key] not in (None, value)]

    def _fstab(self) -> tuple[str, str]:
        """Return the fstab as it is and as it was."""
        text = self.host.read("/etc/fstab") or ""
        return text, former_settings.fstab_with_swap(text, self.former["fstab"])

    def _swap_units(self) -> list[tuple[str, str]]:
        """Return the commands that let swap units start at boot again."""
        back = {"mask": "unmask", "disable": "enable"}
        blocked = self.host.swap_units()
        return [(back[verb], unit) for unit, verb in self.former["swap_units"].items() if unit not in blocked]

    def _swap_devices(self) -> list[str]:
        active = kernel_rules.swap_devices(self.host.read("/proc/swaps") or "")
        return [device for device in self.former["swap_devices"] if device not in active and os.path.exists(device)]

    def _restore_swap(self) -> None:
        before, after = self._fstab()
        if before != after:
            path = self.host.path("/etc/fstab")
            write(path, after.encode("utf-8", "surrogateescape"), mode=os.stat(path).st_mode & 0o7777)
        commands = [["systemctl", verb, unit] for verb, unit in self._swap_units()]
        commands += [["swapon", device] for device in self._swap_devices()]
        for command in commands:
            code, out, err = self.run(command)
            if code != 0:
                self.kept.append(f"{' '.join(command)}: {(err or out).strip()}")

    def _unload(self, name: str) -> None:
        """Unload a module that was not loaded before, alone: those below it may be in use by others."""
        plain = name.replace("-", "_")
        if not os.path.exists(self.host.path(f"/sys/module/{plain}/refcnt")):
            return
        if self._carries(plain):
            self.kept.append(f"module {name} stays loaded until the next boot: others use it")
            return
        code, out, err = self.run(["rmmod", name])
        if code != 0:
            self.kept.append(f"module {name} stays loaded until the next boot: {(err or out).strip()}")

    def _carries(self, module: str) -> bool:
        """Return whether something exists that unloading would end, and that the module does not count as its use."""
        if module.startswith("ip_vs"):
            return len((self.host.read("/proc/net/ip_vs") or "").splitlines()) > 3
        kind = OWN_INTERFACES.get(module)
        links = self.host.path("/sys/class/net")
        names = os.listdir(links) if kind and os.path.isdir(links) else []
        return any(f"DEVTYPE={kind}" in (self.host.read(f"/sys/class/net/{name}/uevent") or "") for name in names)

    def _known_users(self) -> list[str]:
        """Return the users that were not there before, and are now."""
        known = {entry.pw_name for entry in pwd.getpwall()}
        return [name for name in self.users if name in self.former["users"] and name in known]

    def remove_users(self) -> None:
        """Remove users of whom nothing is left."""
        for name in self._known_users():
            if left := self._process_of(name) or self._file_of(name):
                self.kept.append(f"user {name} stays, because of {left}")
                continue
            for command in (["userdel", name], ["groupdel", name]):
                code, out, err = self.run(command)
                if code != 0 and command[0] == "userdel":
                    self.kept.append(f"user {name} stays: {(err or out).strip()}")
                    break

    @staticmethod
    def _process_of(user: str) -> str:
        """Return one process of a user, empty without."""
        uid = pwd.getpwnam(user).pw_uid
        found = (name for name in os.listdir("/proc") if name.isdigit() and _owner(f"/proc/{name}") == uid)
        return next((f"process {name}" for name in found), "")

    def _file_of(self, user: str) -> str:
        """Return one file of a user that is kept, empty without."""
        uid = pwd.getpwnam(user).pw_uid
        for place in self.places:
            for directory, names, files in os.walk(place):
                for path in (directory, *(os.path.join(directory, name) for name in names + files)):
                    if _owner(path) == uid:
                        return path
        return ""


def _owner(path: str) -> int:
    try:
        return os.lstat(path).st_uid
    except OSError:
        return -1
