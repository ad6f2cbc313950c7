# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host: its disk, its start, commands inside it, its end."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path
from typing import Optional

from . import cgroups, namespaces, network
from .errors import SandboxError
from .layout import Host, Layout
from .process import last_line, run

# Directories that cannot be on an overlay: they come from the machine's own disk.
_BOUND = ("containerd", "kubelet")  # below /var/lib
_DEVICES = ("/dev/kmsg", "/dev/net/tun", "/dev/fuse")
_READ_ONLY = ("/lib/modules", "/proc/config.gz")

# Descriptor $1 is the sandbox's lock, kept until here so that `down` cannot miss a host that is just starting.
# Everything is mounted in a mount namespace of the host's own and so ends with its last process, also what nspawn keeps
# in /run and does not tidy up when it is killed.
# Exit code 133 is how nspawn asks to be started again: the host was rebooted.
_LAUNCHER = """
lock=$1 overlay=$2 root=$3 net=$4 card=$5; shift 5
exec {lock}>&-
mkdir -p /run/systemd/nspawn && mount -t tmpfs -o mode=755 nspawn /run/systemd/nspawn || exit 1
mount -t overlay overlay -o "$overlay" "$root" || exit 1
while "$@"; [ $? = 133 ]; do
    # It finds its network as a real machine does: the card, and nothing of what it had made.
    ip -n "$net" -o link | while IFS=': @' read -r _ link _; do
        case $link in lo | eth0) ;; *) ip -n "$net" link del "$link" 2>/dev/null ;; esac
    done
    ip -n "$net" addr flush dev eth0
    ip -n "$net" -batch - <<<"$card"
    nsenter --net="/run/netns/$net" chroot "$root" nft flush ruleset
done
"""


def write_disk(layout: Layout, host: Host, resolver: str) -> None:
    """Give a host its disk and its identity; what is there already stays."""
    upper = host.directory / "upper"
    for name in ("upper", "work", "root", *(f"bind-{name}" for name in _BOUND)):
        (host.directory / name).mkdir(parents=True, exist_ok=True)
    (host.directory / "upper").chmod(0o755)
    public = layout.key.with_suffix(".pub").read_text(encoding="utf-8")
    fresh = not (upper / "etc" / "machine-id").exists()
    files: dict[str, str] = {"etc/resolv.conf": resolver}
    if fresh:
        files["etc/machine-id"] = uuid.uuid4().hex + "\n"
        files["etc/hostname"] = host.name + "\n"
        files["etc/hosts"] = f"127.0.0.1 localhost\n127.0.1.1 {host.name}\n::1 localhost ip6-localhost\n"
        files["root/.ssh/authorized_keys"] = public
    for name, content in files.items():
        _write(upper / name, content)
    key = upper / "etc" / "ssh" / "ssh_host_ed25519_key"
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host.name, "-f", str(key)])


def _write(path: Path, content: str) -> None:
    for parent in reversed(path.parents):
        if not parent.exists():
            parent.mkdir(mode=0o700 if parent.name in ("root", ".ssh") else 0o755)
    path.write_text(content, encoding="utf-8")


def nspawn_command(host: Host) -> list[str]:
    """Return the command that boots a host from its mounted root."""
    command = [
        "systemd-nspawn", "--quiet", "--settings=no", "--boot", f"--directory={host.root}", f"--machine={host.tag}",
        f"--hostname={host.name}", f"--network-namespace-path={namespaces.path(host.tag)}",
        "--register=no", "--keep-unit", "--private-users=no", "--resolv-conf=off", "--timezone=off",
        "--link-journal=no", "--console=read-only", "--capability=all",
        "--system-call-filter=add_key keyctl bpf perf_event_open",
    ]  # fmt: skip
    bound = sorted(host.directory.glob("bind-*"))
    command += [f"--bind={path}:/var/lib/{path.name.partition('-')[2]}" for path in bound]
    command += [f"--bind={device}" for device in _DEVICES if Path(device).exists()]
    command += [f"--bind-ro={path}" for path in _READ_ONLY if Path(path).exists()]
    return command


def start(layout: Layout, host: Host, base: Path, lock: int) -> subprocess.Popen[bytes]:
    """Boot a host and return its process at once; it outlives this command."""
    overlay = f"lowerdir={base},upperdir={host.directory / 'upper'},workdir={host.directory / 'work'}"
    command = ["unshare", "--mount", "--propagation", "slave", "bash", "-c", _LAUNCHER, "hws"]
    command += [
        str(lock),
        overlay,
        str(host.root),
        host.tag,
        "\n".join(network.card(layout, host)),
        *nspawn_command(host),
    ]
    unified = cgroups.is_unified(cgroups.hierarchies())
    scope = cgroups.scope_command(host.tag) if unified else []
    groups = [] if scope else cgroups.make(host.tag)
    environment = {
        **os.environ,
        "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1" if unified else "0",
        "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1",
    }
    with host.console.open("ab") as console:
        return subprocess.Popen(
            [*scope, *command],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env=environment,
            start_new_session=True,
            pass_fds=(lock,),
            preexec_fn=lambda: cgroups.join(groups),
        )


def leader(host: Host) -> Optional[int]:
    """Return the process that is number one inside a host, or nothing when the host is off."""
    for pid in sorted(cgroups.processes(cgroups.find(host.tag))):
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        inner = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
        if len(inner) == 2 and inner[1] == "1":
            return pid
    return None


def enter(host: Host, argv: list[str]) -> None:
    """Replace this process by a command that runs inside a host."""
    pid = leader(host)
    if pid is None:
        raise SandboxError(f"host {host.name} is off; start it with: sandbox poweron {host.name}")
    for group in cgroups.find(host.tag):
        supervisor = group / "supervisor"  # with cgroup v2 a group with children takes no process
        cgroups.join([supervisor if supervisor.exists() else group])
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "USER": "root",
        "LANG": "C.UTF-8",
        "TERM": os.environ.get("TERM", "dumb"),
    }
    namespace_options = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root"]
    os.execvpe("nsenter", ["nsenter", f"--target={pid}", *namespace_options, "--", *argv], environment)  # noqa: S606


def stop(host: Host) -> None:
    """Cut a host's power and remove its groups."""
    groups = cgroups.find(host.tag)
    cgroups.kill(groups)
    cgroups.remove(groups)


def last_words(host: Host) -> str:
    """Return the last line of a host's console."""
    return last_line(host.console.read_text(encoding="utf-8", errors="replace"))


def answers(layout: Layout, host: Host, timeout: float) -> bool:
    """Return whether a host's ssh server answers."""
    return namespaces.greeting(layout.tag, host.address, 22, timeout).startswith(b"SSH-")
