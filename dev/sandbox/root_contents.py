# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts' root file system is made of. Its digest is the key of the cache: a change builds a new one."""

from __future__ import annotations

import hashlib
import json

PACKAGES: tuple[str, ...] = (
    # a host as administrators expect it
    "systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "bash-completion", "procps", "psmisc", "kmod", "curl",
    "ca-certificates", "openssl", "iproute2", "iputils-ping", "netcat-openbsd",
    # Ansible and the collection's modules
    "python3", "python3-apt", "python3-cryptography", "python3-cffi-backend",
    # what a rehearsal's API server encrypts objects and signs tokens with
    "python3-nacl", "python3-jwt",
    # what the roles install by `package`, so that they find it without a network
    "iptables", "nftables", "ipset", "conntrack", "socat", "ethtool", "wireguard-tools", "haproxy", "keepalived",
    "libseccomp2",
)  # fmt: skip

# What keepalived needs by a name that no package has: debootstrap knows no virtual packages.
PACKAGES_BY_SUITE: dict[str, tuple[str, ...]] = {"noble": ("libperl5.38t64",)}

# Not needed on a host that lives for minutes; each costs boot time or memory.
MASKED: tuple[str, ...] = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "man-db.timer", "systemd-tmpfiles-clean.timer", "console-getty.service", "getty.target",
    "getty@tty1.service", "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount",
    "systemd-journald-audit.socket", "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
    "systemd-pstore.service", "systemd-random-seed.service", "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path", "systemd-binfmt.service", "systemd-hwdb-update.service",
    "systemd-modules-load.service",
)  # fmt: skip

# A host starts with these installed and off; switching them on is the roles' work.
DISABLED: tuple[str, ...] = ("haproxy.service", "keepalived.service", "nftables.service", "ipset.service")

FILES: dict[str, str] = {
    # All hosts share the machine's kernel log; reading it in each of them would be noise.
    "etc/systemd/journald.conf.d/sandbox.conf": "[Journal]\nReadKMsg=no\nAudit=no\nRuntimeMaxUse=48M\n",
    "etc/systemd/system.conf.d/sandbox.conf": "[Manager]\nDefaultTimeoutStopSec=10s\n",
    "etc/ssh/sshd_config.d/sandbox.conf": (
        "HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\nPrintMotd no\nPrintLastLog no\n"
        "MaxStartups 100\nMaxSessions 100\n"
    ),
    # nspawn mounts cgroup v1 controllers read-only; the kubelet makes its groups there.
    "etc/systemd/system/sandbox-cgroups.service": (
        "[Unit]\nDescription=Make the cgroup v1 controllers writable\nDefaultDependencies=no\nBefore=sysinit.target\n"
        "ConditionPathIsMountPoint=/sys/fs/cgroup/memory\n"
        "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
        "ExecStart=/bin/sh -c 'for m in /sys/fs/cgroup/*/; do mount -o remount,bind,rw \"$$m\" || true; done'\n"
        "[Install]\nWantedBy=sysinit.target\n"
    ),
    "etc/apt/apt.conf.d/90sandbox": 'APT::Install-Recommends "false";\nAcquire::Languages "none";\n',
    "etc/default/locale": "LANG=C.UTF-8\n",
}

ENABLED: tuple[str, ...] = ("sandbox-cgroups.service", "ssh.service")

# Created again for each host, or not used by any.
REMOVED: tuple[str, ...] = (
    "etc/machine-id", "var/lib/dbus/machine-id", "etc/ssh/ssh_host_*", "etc/hostname", "etc/resolv.conf",
    "var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/log/*.log", "var/log/apt",
)  # fmt: skip


def packages(suite: str) -> tuple[str, ...]:
    """Return what debootstrap is to install."""
    return (*PACKAGES, *PACKAGES_BY_SUITE.get(suite, ()))


def digest(origin: str, suite: str, architecture: str) -> str:
    """Return the key under which a root of these contents is cached."""
    content = [origin, suite, architecture, packages(suite), MASKED, DISABLED, ENABLED, REMOVED, sorted(FILES.items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
