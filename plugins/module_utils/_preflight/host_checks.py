# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight checks of a host, evaluated from gathered facts. No I/O.

Each check yields obstacles. An error ends the run before the first change, a warning does not.
The checks of the network have a file of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import firewall_checks
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import host_network_checks as network
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.obstacle import (
    Obstacle,
    Seen,
    Want,
    error,
    warning,
)

OURS = "hardway.kubernetes"
CONFLIST = "10-flannel.conflist"
LOGIND = "zz-hardway-kubernetes.conf"
OLDEST_KERNEL, OLDEST_SYSTEMD, OLDEST_PYTHON, OLDEST_CRYPTOGRAPHY = (5, 4), 247, (3, 9), (3, 4)
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
# Mebibytes without which nothing starts, and those that soon will be missed.
ROOM = {"/var/lib/etcd": (300, 4096), "/var/lib/containerd": (1024, 10240), "/opt/hardway": (400, 1024)}
# Where kubeadm draws the line for a control plane.
MASTER_MEMORY, MASTER_CPUS = 1700, 2
# Other distributions of Kubernetes, by their units.
OTHERS = re.compile(r"^(k3s(-agent)?|k0s(controller|worker)|rke2-(server|agent)|snap\.(microk8s|k8s)\.\S+)\.service$")
# What ProtectHome and PrivateTmp hide, and what is needed by units that have them. Containerd and kubelet do not.
HIDDEN = ("/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/")  # noqa: S108 - compared, not used
NEEDED = ("/etc/etcd/pki", "/etc/kubernetes/pki", "/opt/hardway")
# Programs of the distribution, which an operator may have reasons to start in another way.
PACKAGED = ("haproxy", "keepalived")
REPLACING = ("ExecStart", "Type", "User", "RootDirectory")
FOREIGN_INTERFACES = re.compile(r"^(cilium_\w+|weave|vxlan\.calico|cali[0-9a-f]{6,})$")
NAMES = {
    "debian": "Debian",
    "ubuntu": "Ubuntu",
    "rhel": "RedHat",
    "rocky": "Rocky",
    "almalinux": "AlmaLinux",
    "centos": "CentOS",
    "fedora": "Fedora",
    "ol": "OracleLinux",
}
FAMILIES = {"Debian": {"debian", "ubuntu"}, "RedHat": {"rhel", "fedora", "centos"}, "Suse": {"suse", "opensuse"}}
PACKAGE_MANAGERS = {"Debian": "apt", "RedHat": "dnf", "Suse": "zypper"}


def obstacles(seen: Seen, want: Want) -> list[Obstacle]:
    """Return what all checks have found, without those that are to be skipped, errors first."""
    found = [entry for check in CHECKS for entry in check(seen, want) if entry["check"] not in want["skip"]]
    return sorted(found, key=lambda entry: entry["severity"])


def privileges(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Everything is root's."""
    if seen["euid"] != 0:
        yield error("privileges", f"user id {seen['euid']}", "is not root", "set ansible_become to true")


def system(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Init system, kernel, its features."""
    if seen["pid1"] != "systemd":
        yield error("systemd", "process 1", f"is {seen['pid1'] or 'unknown'}", "use a host that systemd manages")
    elif 0 < seen["systemd"] < OLDEST_SYSTEMD:
        yield error("systemd", "systemd", f"is {seen['systemd']}", f"upgrade to {OLDEST_SYSTEMD} or newer")
    kernel = seen["kernel_release"]
    if (0,) < _numbers(kernel) < OLDEST_KERNEL:
        yield error("kernel", f"kernel {kernel}", "is older than 5.4", "upgrade the system")
    for name, state in seen["modules"].items():
        if state == "missing":
            where = {
                "Debian": "linux-modules-extra-$(uname -r) on Ubuntu, linux-image without -cloud on Debian",
                "RedHat": "kernel-modules-extra",
            }.get(_family(_release(seen)), "the package that has it")
            remedy = f"install {where}, or reboot if the running kernel has been replaced"
            yield error("kernel", f"kernel {kernel}", f"has no {name}", remedy)


def cgroups(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Version and controllers as the kubelet needs them."""
    version, controllers = seen["cgroups"]
    unified = "boot with systemd.unified_cgroup_hierarchy=1"
    missing = [name for name in CONTROLLERS if name not in controllers]
    if "node" not in want["groups"]:
        return
    if missing:
        remedy = "boot with cgroup_enable=memory" if missing == ["memory"] else unified
        yield error("cgroups", f"cgroups v{version}", f"no controller {', '.join(missing)}", remedy)
    elif version == 1:
        yield warning("cgroups", "cgroups v1", "Kubernetes is about to drop them", unified)


def python(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """The interpreter of the modules, and that of our scripts."""
    its = seen["python"]
    name = f"Python {its['executable']}"
    system_python = "set ansible_python_interpreter to /usr/bin/python3"
    if _numbers(its["version"]) < OLDEST_PYTHON:
        yield error("python", name, f"is {its['version']}", "set ansible_python_interpreter to 3.9 or newer")
    if its["cryptography"] and _numbers(its["cryptography"]) < OLDEST_CRYPTOGRAPHY:
        reason = f"its cryptography is {its['cryptography']}"
        yield error("python", name, reason, f"upgrade that to 3.4 or newer, or {system_python}")
    elif not its["cryptography"] and not its["system"]:
        there = "which has it" if its["system_cryptography"] else "for which it will be installed"
        yield error("python", name, "has no cryptography, whatever the system has", f"{system_python}, {there}")
    if not its["usr_bin_python3"]:
        yield error("python", "/usr/bin/python3", "is missing, and scripts of the units need it", "install python3")


def size(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Memory and processors as kubeadm wants them for a control plane."""
    if "master" not in want["groups"]:
        return
    if 0 < seen["memory_mib"] < MASTER_MEMORY:
        reason = f"{seen['memory_mib']} MiB, a control plane needs {MASTER_MEMORY}"
        yield warning("memory", "memory", reason, "give the host more")
    if seen["cpus"] < MASTER_CPUS:
        reason = f"{seen['cpus']}, a control plane needs {MASTER_CPUS}"
        yield warning("cpus", "processors", reason, "give the host more")


def clock(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Something keeps the clock right; the controller compares it with its own."""
    if not seen["synchronized"] and (want["time_sync_required"] or not seen["container"]):
        report = error if want["time_sync_required"] else warning
        yield report("clock_sync", "clock", "is not synchronized", "start chrony or systemd-timesyncd")


def mounts(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Directories can be written, programs in them executed, and data seen by their unit."""
    for path, its in seen["places"].items():
        if its["readonly"]:
            yield error("mounts", path, "is on a read-only file system", "mount it writable")
        if its["noexec"] and path.startswith(("/opt", "/usr")):
            yield error("mounts", path, "is mounted noexec and is for programs", "mount it without noexec")
        if its["refused"]:
            yield error("mounts", path, *its["refused"].split("; ", 1))
        elif path in (*NEEDED, want["etcd_data_dir"]) and f"{its['real']}/".startswith(HIDDEN):
            reason = f"is {its['real']}, which ProtectHome or PrivateTmp hides from units"
            choice = "choose another etcd_data_dir" if path == want["etcd_data_dir"] else "link it to another directory"
            yield error("mounts", path, reason, choice)


def disk(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Room on the disks."""
    # A cluster that runs may need this very run to recover.
    runs = any(unit["ours"] for unit in seen["units"].values())
    for path, its in seen["places"].items():
        least, enough = ROOM.get("/var/lib/etcd" if path == want["etcd_data_dir"] else path, (0, 0))
        reason = f"{its['free_mib']} MiB free"
        if its["free_mib"] < least and not runs:
            yield error(
                "disk", path, f"{reason}, {least} are needed to start", f"free {enough} MiB or mount a disk there"
            )
        elif its["free_mib"] < enough:
            yield warning("disk", path, f"{reason} will not last", f"give it {enough} MiB")
        if its["inodes"] < 5 and enough:
            yield warning("disk", path, f"{its['inodes']:g} % of its inodes are free", "free some, 5 % evict pods")


def units(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Units of the same names that are not ours, and drop-ins that would replace what ours start."""
    for name, its in seen["units"].items():
        yield from _packaged(name, seen) if name in PACKAGED else _own(name, seen)
        for path, text in its["dropins"].items():
            keys = [key for key in REPLACING if re.search(rf"^\s*{key}\s*=", text, re.MULTILINE)]
            if keys and OURS not in text:
                report = warning if name in PACKAGED else error
                yield report("dropins", f"unit {name}", f"{path} replaces its {', '.join(keys)}", "remove that file")
    for service in seen["active"]:
        if OTHERS.match(service):
            remedy = "uninstall it or use another host"
            yield error("units", f"unit {service[:-8]}", "is another Kubernetes on this host", remedy)


def _own(name: str, seen: Seen) -> Iterator[Obstacle]:
    """A unit that this collection writes."""
    its, own = seen["units"][name], f"/etc/systemd/system/{name}.service"
    if its["ours"]:
        return
    if own in its["files"] and not its["masked"]:
        yield error("units", f"unit {name}", f"{own} is not ours and would be replaced", "stop and remove it")
    elif f"{name}.service" in seen["active"]:
        path = next(iter(its["files"]), "an unknown file")
        reason = f"runs from {path}, which is not ours"
        if name == "containerd" and "docker.service" in seen["active"]:
            reason += " and which docker needs"
        yield error("units", f"unit {name}", reason, "remove its package or take the host out of the group")


def _packaged(name: str, seen: Seen) -> Iterator[Obstacle]:
    """A unit of the distribution: as packaged it serves no client; anything else was configured by a user."""
    if seen["units"][name]["masked"]:
        yield error("units", f"unit {name}", "is masked", f"run systemctl unmask {name}")
    if f"{name}.service" not in seen["active"] or seen["units"][name]["ours"]:
        return
    own = [found for found in seen["sockets"] if found["unit"] == f"{name}.service" and found["protocol"] == "tcp"]
    ports = ", ".join(str(port) for port in sorted({found["port"] for found in own}))
    if ports or name == "keepalived":
        reason = (
            f"runs{f' on port {ports}' if ports else ''} with a configuration that is not ours and would be replaced"
        )
        yield error("units", f"unit {name}", reason, "move what it does to another host, or stop and disable it")


def leftovers(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """What another cluster has left."""
    ours = {name for name, unit in seen["units"].items() if unit["ours"]}
    if "etcd" in want["groups"] and seen["etcd_data"] and "etcd" not in ours and not seen["etcd_formed"]:
        data = f"{want['etcd_data_dir']}/member"
        yield error("leftovers", data, "is data of an etcd that is not ours", "move it away")
    if "node" not in want["groups"]:
        return
    manifests = [path for path in seen["manifests"] if path.endswith((".yaml", ".yml", ".json"))]
    reset = "run kubeadm reset, or remove them and stop their containers"
    if manifests and "kubelet" not in ours:
        yield error("leftovers", ", ".join(manifests), "static pods of another cluster", reset)
    for path, text in seen["leftovers"].items():
        if text is not None and OURS not in text:
            yield error("leftovers", path, "is of another cluster", "take the node out of that one and remove the file")
    if want["cni"] == "none" and "kubelet" in ours:
        return
    # One that the operator installs comes after the kubelet.
    report = error if want["cni"] == "flannel" else warning
    for name in seen["links"]:
        if FOREIGN_INTERFACES.match(name):
            remedy = f"remove that network and run ip link delete {name}"
            yield report("leftovers", f"interface {name}", "is of another pod network", remedy)


def cni(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """The container runtime takes the first configuration of all."""
    own = CONFLIST if want["cni"] == "flannel" else ""
    if "node" not in want["groups"] or (not own and seen["units"].get("kubelet", {}).get("ours")):
        return
    for path in seen["cni"]:
        name = path.rpartition("/")[2]
        if name == own or name.startswith(".") or not name.endswith((".conf", ".conflist", ".json")):
            continue
        if not own:
            yield warning(
                "cni", path, "was there before the cluster, and pods get that network", "remove it if unwanted"
            )
        elif name < CONFLIST:
            yield error("cni", path, f"sorts before our {CONFLIST}, so pods get that network", "remove it")
        else:
            yield warning("cni", path, f"is used wherever {CONFLIST} is missing", "remove it")


def logind(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """A shutdown waits for the pods as long as the last of logind's files says; that is to be role node's."""
    names = [path.rpartition("/")[2] for path in seen["logind"]]
    for path, value in seen["logind"].items():
        if LOGIND in names and path.rpartition("/")[2] > LOGIND:
            reason = f"InhibitDelayMaxSec={value} is read after {LOGIND}, so pods may not end in time"
            yield warning("logind", path, reason, "remove that setting")


def selinux(seen: Seen, want: Want) -> Iterator[Obstacle]:
    """Containers need a policy where SELinux enforces one."""
    if "node" in want["groups"] and seen["selinux"] and not seen["selinux_containers"]:
        yield warning("selinux", "SELinux", "is enforcing without a policy for containers", "install container-selinux")


CHECKS = (
    privileges,
    system,
    cgroups,
    python,
    size,
    clock,
    mounts,
    disk,
    units,
    leftovers,
    cni,
    logind,
    selinux,
    *network.CHECKS,
    *firewall_checks.CHECKS,
)


def identity(seen: Seen, want: Want) -> dict[str, str]:
    """Return what must differ from every other host; containers of one machine share its product_uuid."""
    if "identity" in want["skip"]:
        return {}
    return {
        "machine_id": seen["machine_id"],
        "product_uuid": "" if seen["container"] else seen["product_uuid"],
        "macaddress": seen["links"].get(_interface(seen, want), ""),
    }


def mtu(seen: Seen, want: Want) -> int:
    """Return the MTU of the interface with the node address, 0 if it is unknown or the check is to be skipped."""
    return 0 if "mtu" in want["skip"] else int(seen["mtus"].get(_interface(seen, want), 0))


def _interface(seen: Seen, want: Want) -> str:
    """Return the interface with the node address."""
    return next((entry["interface"] for entry in seen["addresses"] if entry["address"] == want["address"]), "")


def facts(seen: Seen) -> dict[str, Any]:
    """Return, in the form of Ansible's facts, what roles, inventories and the action C(package) ask for."""
    release = _release(seen)
    name = NAMES.get(release.get("ID", ""), release.get("ID", "unknown").capitalize())
    version = release.get("VERSION_ID", "0")
    family = _family(release) or name
    return {
        "ansible_distribution": name,
        "ansible_distribution_version": version,
        "ansible_distribution_major_version": version.partition(".")[0],
        "ansible_distribution_release": release.get("VERSION_CODENAME", ""),
        "ansible_os_family": family,
        "ansible_service_mgr": seen["pid1"],
        "ansible_kernel": seen["kernel_release"],
        "ansible_memtotal_mb": seen["memory_mib"],
        "ansible_processor_vcpus": seen["cpus"],
        "ansible_machine_id": seen["machine_id"],
        **({"ansible_pkg_mgr": PACKAGE_MANAGERS[family]} if family in PACKAGE_MANAGERS else {}),
    }


def _release(seen: Seen) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=\"?([^\"\n]*)\"?$", seen["os_release"], re.MULTILINE))


def _family(release: dict[str, str]) -> str:
    ids = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    return next((family for family, known in FAMILIES.items() if ids & known), "")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
