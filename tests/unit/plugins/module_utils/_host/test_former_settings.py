# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of former settings, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._host import former_settings
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.features import HostFiles
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.kernel_apply import Kernel
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.settings_reset import Settings

FSTAB = "UUID=1 / ext4 defaults 0 1\n#UUID=9 none swap sw 0 0\nUUID=2 none swap sw 0 0\n"
PARAMS: dict[str, Any] = {
    "modules": [],
    "modules_file": "/etc/modules-load.d/h.conf",
    "sysctls_file": "/etc/sysctl.d/h.conf",
    "required": [],
    "swap": False,
    "users": ["no-such-user"],
}


def host(place: Path) -> HostFiles:
    """Return a host with two sysctls and a swap line."""
    for path, text in {"proc/sys/net/a": "0\n", "proc/sys/net/b": "1\n", "etc/fstab": FSTAB}.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
    return HostFiles(str(place))


def no_program(command: Any, text: Any = None) -> tuple[int, str, str]:
    """Refuse to run anything."""
    return 1, "", f"{command[0]} was run"


def test_what_differed_is_recorded_before_the_first_change_and_never_again(tmp_path: Path) -> None:
    one = host(tmp_path)
    Kernel(one, check_mode=True).apply({**PARAMS, "sysctls": {"net.a": 1, "net.b": 1}})
    assert not (tmp_path / "var").exists()
    Kernel(one, check_mode=False).apply({**PARAMS, "sysctls": {"net.a": 1, "net.b": 1}})
    first = former_settings.recorded(one)
    assert first["sysctls"] == {"net.a": "0"} and first["users"] == {"no-such-user": "absent"}
    assert first["fstab"] == {"UUID=2 none swap sw 0 0": "swap"}
    Kernel(one, check_mode=False).apply({**PARAMS, "sysctls": {"net.a": 2, "net.b": 3}})
    assert former_settings.recorded(one) == {**first, "sysctls": {"net.a": "0", "net.b": "1"}}


def test_the_record_sets_back_what_it_has_and_nothing_else(tmp_path: Path) -> None:
    one = host(tmp_path)
    Kernel(one, check_mode=False).apply({**PARAMS, "sysctls": {"net.a": 1, "net.b": 1}})
    settings = Settings(no_program, one, [], [])
    assert settings.changes() == ["set net.a = 0", "uncomment the swap lines of /etc/fstab"]
    settings.restore()
    assert (one.sysctl("net.a"), one.sysctl("net.b"), one.read("/etc/fstab")) == ("0", "1", FSTAB)
    assert Settings(no_program, one, [], []).changes() == []


def test_without_a_record_nothing_is_set_back(tmp_path: Path) -> None:
    assert Settings(no_program, host(tmp_path), ["root"], []).changes() == []


def test_a_module_is_unloaded_only_if_nothing_of_others_needs_it(tmp_path: Path) -> None:
    one = host(tmp_path)
    former_settings.remember(one, {"modules": {"vxlan": "absent", "overlay": "absent", "built_in": "absent"}})
    for name in ("vxlan", "overlay"):
        (tmp_path / f"sys/module/{name}").mkdir(parents=True)
        (tmp_path / f"sys/module/{name}/refcnt").write_text("0\n")
    (tmp_path / "sys/class/net/vxlan9").mkdir(parents=True)
    (tmp_path / "sys/class/net/vxlan9/uevent").write_text("DEVTYPE=vxlan\n")
    settings = Settings(no_program, one, [], [])
    settings.restore()
    assert sorted(settings.kept) == [
        "module overlay stays loaded until the next boot: rmmod was run",
        "module vxlan stays loaded until the next boot: others use it",
    ]
