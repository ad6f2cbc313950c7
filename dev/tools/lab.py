# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sandbox hosts with an inventory for them, and playbooks run against it: what demo, bench and molecule share."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dev.sandbox import cgroups, state
from dev.sandbox.layout import make_layout
from dev.standins import binaries
from dev.standins import use as rehearsal

TOP = binaries.TOP
SANDBOX = TOP / "dev/sandbox/sandbox"
IMAGES = binaries.CACHE / "images"
# Which variable names the image that an archive holds.
IMAGE_VARIABLES = {"pause": "containerd_pause_image", "coredns": "addons_coredns_image", "busybox": "verify_image"}

# As in inventory.example: every host carries all that its topology knows.
GROUPS = {"ha": ["lb=n1,n2,n3"], "single-master": ["node=n1,n2"]}


class Lab:
    """A named set of sandbox hosts and the inventory that deploys a cluster on them."""

    def __init__(self, name: str, topology: str, groups: list[str] | None = None) -> None:
        """Name it, and the groups that differ from the topology's, as GROUP=HOST,HOST; nothing is made yet."""
        self.name = name
        self.topology = topology
        self.groups = GROUPS.get(topology, []) if groups is None else groups
        self.directory = TOP / "build" / name
        self.inventory = self.directory / "inventory"
        self.pki = self.inventory / ".pki"

    def sandbox(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run one sandbox command on these hosts."""
        verb, rest = arguments[0], arguments[1:]
        return subprocess.run([str(SANDBOX), verb, "--name", self.name, *rest], text=True, check=True, **options)

    def up(self, hosts: int) -> None:
        """Make the hosts and the inventory."""
        self.sandbox("up", "--hosts", str(hosts))
        self.write_inventory()

    def down(self) -> None:
        """Remove hosts and inventory."""
        self.sandbox("down")
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextmanager
    def standing(self, hosts: int) -> Iterator[None]:
        """Run that many hosts while the block runs, none of them left from before or afterwards.

        The names of hosts are those of the machine, so another checkout must not take them down meanwhile.
        """
        with _lock(self.name).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise RuntimeError(f"sandbox {self.name}: another run uses it; wait until it has ended") from exc
            self.down()
            try:
                self.up(hosts)
                yield
            finally:
                self.down()

    def write_inventory(self) -> None:
        """Write the sandbox's hosts and groups, and the variables of the cluster."""
        arguments = ["--topology", self.topology, *(part for group in self.groups for part in ("--group", group))]
        (self.inventory / "group_vars" / "all").mkdir(parents=True, exist_ok=True)
        hosts = self.sandbox("inventory", *arguments, capture_output=True).stdout
        (self.inventory / "hosts.yml").write_text(hosts, encoding="utf-8")
        # As in ansible.cfg, which the sandbox's own ssh_args replace: the quickest cipher for gigabytes of binaries.
        settings = {"ansible_ssh_common_args": "-o Ciphers=^aes128-gcm@openssh.com", **variables()}
        # The clone may be in a container.
        settings["cluster_pki_store"] = "none"
        content = "---\n" + yaml.safe_dump(settings, sort_keys=False)
        (self.inventory / "group_vars" / "all" / "cluster.yml").write_text(content, encoding="utf-8")

    @property
    def timing(self) -> Path:
        """Return where a run's timing report goes."""
        return self.directory / "timing.json"

    def described(self) -> dict[str, Any]:
        """Return the inventory's part about all hosts."""
        return dict(yaml.safe_load((self.inventory / "hosts.yml").read_text(encoding="utf-8"))["all"])

    def hosts(self) -> list[str]:
        """Return the hosts' names in order."""
        return list(self.described()["hosts"])

    def virtual_address(self) -> str:
        """Return the address that the load balancers share; empty when there is none."""
        return str(self.described()["vars"].get("cluster_api_vip", ""))

    def sent_bytes(self) -> int:
        """Return how many bytes this machine has sent to the hosts so far."""
        line = [str(SANDBOX), "run", "--name", self.name, "--", "ip", "-json", "-stats", "link", "show", "br0"]
        answer = subprocess.run(line, text=True, capture_output=True, check=True).stdout
        return int(json.loads(answer)[0]["stats64"]["tx"]["bytes"])

    def processor_seconds(self) -> float:
        """Return the processor seconds of all processes on the hosts so far."""
        groups = cgroups.find(make_layout(self.name, 0).tag)
        # With cgroup v1, a group of v2 beside it may count the same.
        if found := [file for group in groups if (file := group / "cpuacct.usage").is_file()]:
            return sum(int(file.read_text(encoding="utf-8")) for file in found) / 1e9
        stats = [(group / "cpu.stat").read_text(encoding="utf-8") for group in groups]
        return sum(int(dict(line.split() for line in stat.splitlines())["usage_usec"]) for stat in stats) / 1e6

    def exec(self, host: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command on a host; its output is returned, its failure too."""
        line = [str(SANDBOX), "exec", "--name", self.name, host, "--", "sh", "-c", command]
        return subprocess.run(line, text=True, capture_output=True, check=False)

    def playbook_command(self, *arguments: str) -> list[str]:
        """Return the command that runs ansible-playbook beside the hosts, in their network."""
        run = [str(SANDBOX), "run", "--name", self.name, "--", tool("ansible-playbook")]
        return [*run, "-i", str(self.inventory), *arguments]

    def playbook_environment(self) -> dict[str, str]:
        """Return the environment in which a playbook leaves its timing report."""
        timing = {"ANSIBLE_CALLBACKS_ENABLED": "hardway.kubernetes.timing", "HARDWAY_TIMING_REPORT": str(self.timing)}
        return {**os.environ, **timing}


def variables() -> dict[str, Any]:
    """Return the cluster's variables that follow from what this machine has."""
    version = kubernetes_version()
    found: dict[str, Any] = {"cluster_kubernetes_version": version, "cluster_cache_dir": str(binaries.CACHE)}
    directory = rehearsal.binary_directory(version)
    if directory.is_dir():
        found["cluster_binary_dir"] = str(directory)
        found["cluster_component_versions"] = binaries.ready_versions(directory)
    found |= rehearsal.settings(version)
    archives = {image_name(path): str(path) for path in sorted(IMAGES.glob("*.tar")) if is_tested_with(path, version)}
    if archives:
        found["cluster_image_archives"] = list(archives.values())
    for name in archives:
        for part, variable in IMAGE_VARIABLES.items():
            if f"/{part}:" in name:
                found[variable] = name
    return found


def is_tested_with(archive: Path, version: str) -> bool:
    """Return whether an image archive is for a version of Kubernetes; each minor has its own release of CoreDNS."""
    coredns = binaries.tested_with(version).get("coredns")
    return not coredns or not archive.stem.startswith("coredns") or archive.stem == f"coredns-v{coredns}"


def image_name(archive: Path) -> str:
    """Return the name that an OCI archive gives its image."""
    with tarfile.open(archive) as content:
        index = content.extractfile("index.json")
        manifest = json.load(index)["manifests"][0] if index else {}
    return str(manifest.get("annotations", {}).get("io.containerd.image.name", ""))


def kubernetes_version() -> str:
    """Return the version to deploy: KUBERNETES_VERSION, else the collection's default."""
    return os.environ.get("KUBERNETES_VERSION") or binaries.default_version()


def tool(name: str) -> str:
    """Return a program of the virtual environment that runs this."""
    return str(Path(sys.executable).parent / name)


def table(heading: list[str], rows: list[list[str]]) -> str:
    """Return rows as aligned columns below a heading."""
    widths = [max(len(row[column]) for row in [heading, *rows]) for column in range(len(heading))]
    lines = [heading, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines)


def collect() -> None:
    """Let the sandbox collect Debian's binaries, and write image archives. Failures show up later."""
    lost = binaries.missing(kubernetes_version())
    kubectl = any("kubectl" in item.binaries for item in lost) and not (binaries.READY / "debian/kubectl").is_file()
    if kubectl or any(item.component != "kubernetes" for item in lost):
        subprocess.run([str(SANDBOX), "binaries"], check=False)
    coredns = binaries.tested_with(kubernetes_version()).get("coredns")
    subprocess.run([str(SANDBOX), "images", *(["--coredns-tag", f"v{coredns}"] if coredns else [])], check=False)


def available_programs() -> Path:
    """Return where tests find programs: the real ones, or stand-ins with what Debian has."""
    version = kubernetes_version()
    if rehearsal.lacking(version):
        collect()
    return rehearsal.binary_directory(version)


def require_binaries() -> str | None:
    """Return nothing when every binary is available, was downloaded, or has a stand-in; else what is missing."""
    version = kubernetes_version()
    collect()
    lost = binaries.missing(version)
    if not lost or rehearsal.asked() == "1":
        return None
    wanted = [{"name": item.component, "version": item.version, "binaries": list(item.binaries)} for item in lost]
    command = [tool("ansible-playbook"), str(TOP / "playbooks" / "download.yml"), "--extra-vars"]
    settings = {"cluster_kubernetes_version": version, "cluster_cache_dir": str(binaries.CACHE)}
    command.append(json.dumps({**settings, "_cluster_components": wanted}))
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    if done.returncode == 0 or rehearsal.replaceable(version):
        return None
    # Ansible prints the message twice; each problem begins with its component.
    begins = tuple(f"{item.component} {item.version} (" for item in lost)
    reasons = dict.fromkeys(line.strip() for line in done.stdout.splitlines() if line.strip().startswith(begins))
    return "\n".join(
        [
            f"Programs for Kubernetes {version} are missing, and downloading them failed:",
            *(f"  {reason.partition(' Remedy:')[0]}" for reason in reasons),
            "Needed:",
            binaries.explain(lost),
            "A mirror serves too: cluster_mirror_url, see docs/offline.md.",
        ]
    )


if __name__ == "__main__":
    print(yaml.safe_dump(variables(), sort_keys=False), end="")


def take_down_abandoned() -> list[str]:
    """Take down the sandboxes of tests that were killed, which would slow the others down; return their names."""
    found = [name for name in state.names() if _is_abandoned(name)]
    for name in found:
        subprocess.run([str(SANDBOX), "down", "--name", name], check=False)
    return found


def _is_abandoned(name: str) -> bool:
    if number := re.search(r"[a-z_](\d{2,})(-other)?$", name):
        return not Path("/proc", number[1]).exists()
    if not _lock(name).exists():
        return False
    with _lock(name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _lock(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"hardway-lab-{name}.lock"
