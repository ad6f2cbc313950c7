# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decisions of module host_settings, and what it reads from a host of files."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import kernel_rules
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.features import HostFiles, users
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.kernel_apply import Kernel, unchanged_result

FSTAB = "UUID=1 / ext4 defaults 0 1\n# UUID=9 none swap sw 0 0\nUUID=2 none swap sw 0 0\n/swap\tnone\tswap\tsw\t0\t0"


def test_only_swap_lines_of_fstab_are_commented_out() -> None:
    expected = FSTAB.replace("UUID=2", "#UUID=2").replace("/swap", "#/swap")
    assert kernel_rules.without_swap(FSTAB) == expected
    assert kernel_rules.without_swap(expected) == expected


def test_swap_devices_are_read_with_their_escapes() -> None:
    swaps = "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n/my\\040swap file 1 0 -2\n"
    assert kernel_rules.swap_devices(swaps) == ["/dev/zram0", "/my swap"]
    assert kernel_rules.swap_devices("") == []


@pytest.mark.parametrize(
    ("given", "expected"), [(True, "1"), (1, "1"), ("1024\t65000", "1024 65000"), (" a  b ", "a b")]
)
def test_values_are_normalized_as_the_kernel_prints_them(given: object, expected: str) -> None:
    assert kernel_rules.normal(given) == expected


def test_capability_comes_from_the_bounding_set() -> None:
    assert kernel_rules.has_capability("CapBnd:\t000001ffffffffff\n", kernel_rules.CAP_SYS_RESOURCE)
    assert not kernel_rules.has_capability(
        "CapEff:\t000001ffffffffff\nCapBnd:\t000001fffeffffff\n", kernel_rules.CAP_SYS_RESOURCE
    )


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("ID=debian\n", "debian"),
        ("ID=ubuntu\nID_LIKE=debian\n", "debian"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "redhat"),
        ("ID=opensuse-leap\nID_LIKE='suse opensuse'\n".replace("'", '"'), "suse"),
        ("ID=arch\n", "arch"),
    ],
)
def test_os_family(text: str, family: str) -> None:
    assert kernel_rules.os_family(text) == family


@pytest.mark.parametrize(
    ("text", "resolved", "expected"),
    [
        ("nameserver 127.0.0.53\n", True, "/run/systemd/resolve/resolv.conf"),
        ("nameserver 127.0.0.53\n", False, "/etc/resolv.conf"),
        ("nameserver 192.0.2.1\n", True, "/etc/resolv.conf"),
        ("", True, "/etc/resolv.conf"),
    ],
)
def test_pods_never_get_the_stub_resolver(text: str, resolved: bool, expected: str) -> None:
    assert kernel_rules.resolver_file(text, resolved) == expected


def test_settings_that_the_kubelet_requires_must_match_exactly() -> None:
    values: dict[str, str | None] = dict(kernel_rules.KUBELET_DEFAULTS)
    assert kernel_rules.kubelet_defaults_hold(values)
    assert not kernel_rules.kubelet_defaults_hold({**values, "kernel.panic": "11"})
    assert not kernel_rules.kubelet_defaults_hold({})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a host with ip_forward off, bridge filtering built in, and a swap line."""
    for path, text in {
        "proc/sys/net/ipv4/ip_forward": "0\n",
        "proc/sys/net/bridge/bridge-nf-call-iptables": "1\n",
        "proc/filesystems": "nodev\toverlay\n\text4\n",
        "proc/swaps": "Filename Type Size Used Priority\n",
        "etc/fstab": FSTAB,
        "run/systemd/generator/dev-zram0.swap": "[Swap]\n",
        "run/systemd/generator/dev-sda2.swap": "[Unit]\nSourcePath=/etc/fstab\n",
        f"lib/modules/{os.uname().release}/modules.builtin": "kernel/net/nf-tables/nf_tables.ko\n",
        f"lib/modules/{os.uname().release}/modules.dep": "kernel/drivers/net/vxlan/vxlan.ko.xz: kernel/net/udp.ko.xz\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_features_are_found_without_module_files(root: Path) -> None:
    host = HostFiles(str(root))
    assert host.has_module("br_netfilter") and host.has_module("overlay") and host.has_module("nf-tables")
    assert not host.has_module("vxlan")
    assert host.can_load("vxlan") and not host.can_load("ip_vs")


def test_swap_units_that_fstab_makes_or_a_mask_hides_are_left_alone(root: Path) -> None:
    host = HostFiles(str(root))
    assert host.swap_units() == {"dev-zram0.swap": "mask"}
    units = root / "etc/systemd/system"
    (units / "swap.target.wants").mkdir(parents=True)
    (units / "dev-zram0.swap").symlink_to("/dev/null")
    assert host.swap_units() == {}
    (units / "own.swap").write_text("[Swap]\n")
    assert host.swap_units() == {}
    (units / "swap.target.wants/own.swap").symlink_to("../own.swap")
    assert host.swap_units() == {"own.swap": "disable"}


@pytest.mark.parametrize(
    ("group", "shell", "fit"),
    [("etcd", "/usr/sbin/nologin", True), ("etcd", "/bin/bash", False), ("nogroup", "/usr/sbin/nologin", False)],
)
def test_a_user_of_a_service_has_its_own_group_and_no_login_shell(
    monkeypatch: pytest.MonkeyPatch, group: str, shell: str, fit: bool
) -> None:
    user = pwd.struct_passwd(("etcd", "x", 999, 997, "", "/var/lib/etcd", shell))
    monkeypatch.setattr(pwd, "getpwall", lambda: [user])
    monkeypatch.setattr(grp, "getgrall", lambda: [grp.struct_group((group, "x", 997, []))])
    assert users() == {"etcd": fit}


def params(**more: object) -> dict[str, object]:
    """Return the module's parameters."""
    return {
        "modules": [],
        "sysctls": {},
        "required": [],
        "swap": True,
        "commands": [],
        "python_packages": [],
        "users": [],
        "modules_file": "/etc/modules-load.d/x.conf",
        "sysctls_file": "/etc/sysctl.d/x.conf",
        **more,
    }


def test_first_run_changes_and_second_does_not(root: Path) -> None:
    wanted = params(modules=["overlay"], sysctls={"net.ipv4.ip_forward": 1})
    first = Kernel(HostFiles(str(root)), check_mode=False)
    first.apply(wanted)
    assert first.changes == [
        "write /etc/modules-load.d/x.conf",
        "write /etc/sysctl.d/x.conf",
        "set net.ipv4.ip_forward = 1 (was 0)",
    ]
    assert (root / "etc/sysctl.d/x.conf").read_text().endswith("\nnet.ipv4.ip_forward = 1\n")
    second = Kernel(HostFiles(str(root)), check_mode=False)
    second.apply(wanted)
    assert second.changes == []


def test_the_result_is_valid_when_there_is_nothing_to_do(root: Path) -> None:
    """In that case its features are reported as they are now."""
    wanted = params(modules=["overlay"], sysctls={"net.ipv4.ip_forward": 1})
    assert unchanged_result(wanted, str(root)) is None
    Kernel(HostFiles(str(root)), check_mode=False).apply(wanted)
    result = unchanged_result(wanted, str(root))
    assert result and result["ansible_facts"]["host_features"]["overlay"] is True and result["changes"] == []
    (root / "proc/sys/net/ipv4/ip_forward").write_text("0\n")
    assert unchanged_result(wanted, str(root)) is None
    assert unchanged_result(params(modules=["ip_vs"], required=["ip_vs"]), str(root)) is None


def test_check_mode_predicts_and_changes_nothing(root: Path) -> None:
    wanted = params(modules=["vxlan"], sysctls={"net.ipv4.ip_forward": 1}, swap=False)
    run = Kernel(HostFiles(str(root)), check_mode=True)
    run.apply(wanted)
    assert "load module vxlan" in run.changes and "mask dev-zram0.swap" in run.changes
    assert (root / "proc/sys/net/ipv4/ip_forward").read_text() == "0\n"
    assert (root / "etc/fstab").read_text() == FSTAB
    assert not (root / "etc/sysctl.d").exists()


def test_a_refused_setting_is_reported_and_fails_only_where_required(root: Path) -> None:
    wanted = params(modules=["ip_vs"], sysctls={"net.none": 1})
    run = Kernel(HostFiles(str(root)), check_mode=True)
    run.apply(wanted)
    assert sorted(run.unsupported) == ["ip_vs", "net.none"]
    with pytest.raises(HardwayError, match=r"ip_vs: this kernel does not have it; give this host a kernel"):
        run.apply({**wanted, "required": ["ip_vs"]})


WANTED = {
    "modules": ["overlay", "br_netfilter", "vxlan"],
    "required": ["overlay", "br_netfilter"],
    "sysctls": {"net.ipv4.ip_forward": 1, "kernel.panic": "10"},
    "swap": True,
    "modules_file": "/etc/modules-load.d/own.conf",
    "sysctls_file": "/etc/sysctl.d/99-own.conf",
}
RIGHT = {
    "proc/sys/net/ipv4/ip_forward": "1\n",
    "proc/sys/kernel/panic": "10\n",
    "proc/sys/net/bridge/bridge-nf-call-iptables": "1",
    "sys/module/overlay/a": "",
    "sys/module/vxlan/a": "",
}
OVERRIDES = [
    ({"etc/sysctl.d/99-z.conf": "\nnet.ipv4.ip_forward=0\n"}, "net.ipv4.ip_forward: /etc/sysctl.d/99-z.conf:2 sets 0"),
    ({"usr/lib/sysctl.d/99-z.conf": "- net/ipv4/ip_forward = 0"}, "ip_forward: /usr/lib/sysctl.d/99-z.conf:1 sets 0"),
    (
        {"run/sysctl.d/99-z.conf": "kernel.panic = 5", "etc/sysctl.d/99-y.conf": "kernel.panic=10"},
        "panic: /run/sysctl.d/99-z.conf:1",
    ),
    (
        {"etc/modprobe.d/a.conf": "# c\nblacklist br-netfilter"},
        "module br_netfilter: `blacklist br-netfilter` in /etc/modprobe.d/a.conf:2",
    ),
    (
        {"usr/lib/modprobe.d/a.conf": "install \\\noverlay /bin/false\n"},
        "`install overlay /bin/false` in /usr/lib/modprobe.d/a.conf:1",
    ),
]
HARMLESS: list[dict[str, str]] = [
    {"etc/sysctl.d/10-a.conf": "net.ipv4.ip_forward=0"},
    {"etc/sysctl.d/99-z.conf": "net.ipv4.ip_forward = 1\n# kernel.panic=0\n;kernel.panic=0\nnet.ipv4.*=0\n"},
    # The first hides the second.
    {"etc/sysctl.d/99-z.conf": "", "usr/lib/sysctl.d/99-z.conf": "net.ipv4.ip_forward=0"},
    {"etc/sysctl.d/99-y.conf": "kernel.panic=0", "etc/sysctl.d/99-z.conf": "kernel.panic=10"},
    {"etc/sysctl.d/99-z.save": "kernel.panic=0"},
    {"etc/modprobe.d/a.conf": "#blacklist overlay\nblacklist over\noptions overlay metacopy=1"},
    {"etc/modprobe.d/a.conf": "install overlay /sbin/modprobe -i overlay"},
]


def kernel_with(root: Path, texts: dict[str, str], check: bool = True) -> Kernel:
    """Return a host with these files; its sysctls are right, and its modules loaded."""
    for name, text in {**RIGHT, **texts}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Kernel(HostFiles(str(root)), check_mode=check)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("texts", "words"), OVERRIDES)
def test_what_the_next_boot_would_undo_is_refused(
    tmp_path: Path, texts: dict[str, str], words: str, check: bool
) -> None:
    with pytest.raises(HardwayError) as error:
        kernel_with(tmp_path, texts, check).apply(WANTED)
    assert words in str(error.value) and "remove that line" in str(error.value)
    assert not (tmp_path / "etc/sysctl.d/99-own.conf").exists() and not (tmp_path / "etc/modules-load.d").exists()


@pytest.mark.parametrize("texts", HARMLESS)
def test_other_files_are_no_obstacle(tmp_path: Path, texts: dict[str, str]) -> None:
    kernel = kernel_with(tmp_path, texts)
    kernel.apply(WANTED)
    assert kernel.unsupported == {}


def test_a_module_that_is_not_required_counts_as_missing(tmp_path: Path) -> None:
    kernel = kernel_with(tmp_path, {"etc/modprobe.d/a.conf": "blacklist vxlan"})
    kernel.apply(WANTED)
    assert "keeps it from being loaded at boot" in kernel.unsupported["vxlan"]


def test_a_module_of_the_kernel_itself_cannot_be_blocked(tmp_path: Path) -> None:
    builtin = {f"lib/modules/{os.uname().release}/modules.builtin": "kernel/fs/overlayfs/overlay.ko\n"}
    kernel_with(tmp_path, {"etc/modprobe.d/a.conf": "blacklist overlay", **builtin}).apply(WANTED)
