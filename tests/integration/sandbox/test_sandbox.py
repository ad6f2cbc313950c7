# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real sandbox hosts boot, are reached, lose power, crash while starting, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository import SANDBOX

NAME = f"it{os.getpid()}"
TOP = Path(os.environ.get("HARDWAY_SANDBOX_DIR") or "/var/lib/hardway-sandbox")

_reason = ""
if not sys.platform.startswith("linux"):
    _reason = "needs Linux"
elif os.geteuid() != 0:
    _reason = "needs root"
elif not shutil.which("systemd-nspawn") or not shutil.which("debootstrap", path=os.environ["PATH"] + ":/usr/sbin"):
    _reason = "needs systemd-container and debootstrap"
pytestmark = [pytest.mark.needs_root, pytest.mark.skipif(bool(_reason), reason=f"SANDBOX NOT TESTED: {_reason}")]


def sandbox(verb: str, *arguments: str, name: str = NAME, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one sandbox command."""
    done = subprocess.run([SANDBOX, verb, "--name", name, *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def inside(host: str, command: str, name: str = NAME) -> str:
    """Return what a shell command inside a host prints."""
    return sandbox("exec", host, "--", "sh", "-c", command, name=name).stdout.strip()


def leftovers(name: str) -> dict[str, list[str]]:
    """Return everything on the machine that still belongs to a sandbox."""
    tag, directory = f"hws.{name}", f"{TOP}/{name}"
    processes = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{tag}." in line or f"{directory}/" in line:
            processes.append(line)
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    found = {
        "mounts": [
            line for line in Path("/proc/self/mountinfo").read_text().splitlines() if directory in line or tag in line
        ],
        "namespaces": [str(path) for path in Path("/run/netns").glob(f"{tag}*")],
        "groups": [str(path) for path in Path("/sys/fs/cgroup").rglob(f"{tag}.*")],
        "processes": processes,
        "files": [str(p) for p in (Path(directory), Path("/run", tag), TOP / ".locks" / name) if p.exists()],
        "nspawn": [str(path) for path in Path("/run/systemd/nspawn").glob(f"*/{tag}*")],
        "links": [line for line in links.splitlines() if line.startswith("hws")] if "uplink" in name else [],
    }
    return {kind: items for kind, items in found.items() if items}


@pytest.fixture(scope="module", autouse=True)
def base() -> None:
    """Build the shared root first, so that no test's time depends on it."""
    sandbox("up", "--hosts", "1", name=f"{NAME}-base")
    sandbox("down", name=f"{NAME}-base")


@pytest.fixture(scope="module")
def hosts() -> Iterator[None]:
    """Return three hosts for the tests that do not break them."""
    sandbox("up", "--hosts", "3")
    yield
    sandbox("down")
    assert leftovers(NAME) == {}


@pytest.fixture
def other() -> Iterator[str]:
    """Return the name of a sandbox to break."""
    name = f"{NAME}-other"
    yield name
    sandbox("down", name=name)
    assert leftovers(name) == {}


def test_hosts_are_real_systems(hosts: None) -> None:
    identities = {inside(f"n{number}", "cat /etc/machine-id /sys/class/net/eth0/address") for number in (1, 2, 3)}
    assert len(identities) == 3
    assert inside("n1", "hostname; systemctl is-system-running --wait").split() == ["n1", "running"]
    assert inside("n1", "systemctl is-enabled haproxy keepalived || true").split() == ["disabled", "disabled"]


def test_exec_gives_the_exit_code_and_passes_input(hosts: None) -> None:
    assert sandbox("exec", "n1", "--", "sh", "-c", "exit 7", check=False).returncode == 7
    command = [SANDBOX, "exec", "--name", NAME, "n1", "--", "cat"]
    assert subprocess.run(command, input="text", capture_output=True, text=True, check=True).stdout == "text"


def test_ssh_and_ansible_reach_every_host(hosts: None, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(sandbox("inventory", "--topology", "ha").stdout)
    ansible = Path(sys.executable).parent / "ansible"
    if not ansible.exists():
        pytest.skip("ansible is not installed beside this Python")
    packages = "name=haproxy,keepalived,conntrack,socat,nftables,ipset,wireguard-tools state=present"
    done = sandbox("run", "--", str(ansible), "-i", str(inventory), "all", "-m", "package", "-a", packages)
    assert done.stdout.count("SUCCESS") == 3  # present already: nothing was changed, nothing was fetched


def test_hosts_reach_each_other_and_nothing_else(hosts: None) -> None:
    assert "1 received" in inside("n1", "ping -c 1 -W 2 198.18.0.12")
    assert inside("n1", "ping -c 1 -W 1 192.0.2.1 >/dev/null 2>&1; echo $?") != "0"


def test_control_groups_are_the_hosts_own(hosts: None) -> None:
    script = "d=/sys/fs/cgroup; [ -d $d/memory ] && d=$d/memory; mkdir $d/probe && ls -d $d/probe && rmdir $d/probe"
    assert inside("n1", script).endswith("/probe")


def test_power_cut_keeps_the_disk_and_loses_the_rest(hosts: None) -> None:
    inside("n2", "echo kept > /root/kept; sync; touch /run/lost; ip link add made type bridge")
    boot = inside("n2", "stat -c %Z /proc/1")
    sandbox("poweroff", "n2")
    assert "is off" in sandbox("exec", "n2", "--", "true", check=False).stderr
    assert "n2 198.18.0.12 off" in sandbox_list()
    sandbox("poweron", "n2")
    assert inside("n2", "cat /root/kept; ls /run/lost /sys/class/net/made 2>/dev/null || true") == "kept"
    assert inside("n2", "stat -c %Z /proc/1") != boot


def test_clients_of_a_host_without_power_get_no_answer(hosts: None) -> None:
    program = (
        "import socket, time\n"
        "end, found = time.monotonic() + 3, set()\n"
        "while time.monotonic() < end:\n"
        "    try:\n"
        "        socket.create_connection(('198.18.0.12', 22), 0.2).close()\n"
        "    except OSError as exc:\n"
        "        found.add(type(exc).__name__)\n"
        "print(*sorted(found))\n"
    )
    line = [SANDBOX, "run", "--name", NAME, "--", sys.executable, "-c", program]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as client:
        sandbox("poweroff", "n2")
        found = client.communicate()[0].split()
    sandbox("poweron", "n2")
    assert found and "ConnectionRefusedError" not in found, found


def test_graceful_poweroff_stops_services(hosts: None) -> None:
    unit = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStop=/bin/touch /root/stopped\n"
    inside("n3", f"printf '{unit}' > /etc/systemd/system/probe.service; systemctl start probe")
    sandbox("poweroff", "--graceful", "n3")
    sandbox("poweron", "n3")
    assert inside("n3", "ls /root/stopped") == "/root/stopped"


def test_reboot_from_inside(hosts: None) -> None:
    inside("n1", "ip link add made type bridge; ip addr add 198.18.0.250/24 dev eth0")
    before = inside("n1", "stat -c %Z /proc/1")
    sandbox("exec", "n1", "--", "systemctl", "reboot", check=False)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        now = sandbox("exec", "n1", "--", "stat", "-c", "%Z", "/proc/1", check=False).stdout.strip()
        if now and now != before:
            break
        time.sleep(0.3)
    assert inside("n1", "ls -d /sys/class/net/made; ip -4 -o addr show eth0 | wc -l") == "1"


def test_up_completes_an_existing_sandbox(hosts: None) -> None:
    sandbox("poweroff", "n2")
    before = [line for line in sandbox_list().splitlines() if " n1 " in line]
    sandbox("up", "--hosts", "3")
    after = sandbox_list()
    assert before[0] in after
    assert "off" not in after


def sandbox_list() -> str:
    """Return the lines of `list` about the hosts of this test."""
    lines = subprocess.run([SANDBOX, "list"], capture_output=True, text=True, check=True).stdout.splitlines()
    return "\n".join(line for line in lines if line.startswith(f"{NAME} "))


def test_two_sandboxes_with_the_same_addresses_are_isolated(hosts: None, other: str) -> None:
    sandbox("up", "--hosts", "1", name=other)
    inside("n1", "echo mine > /root/whose", name=other)
    assert inside("n1", "ls /root/whose 2>/dev/null || true") == ""
    sandbox("down", name=other)
    assert inside("n1", "hostname") == "n1"


def test_five_hosts_start_within_their_time(other: str) -> None:
    begin = time.monotonic()
    sandbox("up", "--hosts", "5", name=other)
    seconds = time.monotonic() - begin
    # Others may load this machine: the time for five hosts then grows with the number of runners for a processor.
    share = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    anonymous = inside("n1", "awk '/^Rss/ {s += $2} END {print s}' /proc/[0-9]*/smaps_rollup", name=other)
    assert int(anonymous) < 128 * 1024  # KiB, most of it shared between the hosts
    assert seconds < 30 * share


@pytest.mark.parametrize("moment", [0.1, 0.3, 0.5, 0.7, 0.9, 1.1])
def test_a_kill_while_starting_leaves_nothing(moment: float, other: str) -> None:
    command = [SANDBOX, "up", "--name", other, "--hosts", "3"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait()
    sandbox("down", name=other)
    assert leftovers(other) == {}


def test_up_works_again_after_a_kill(other: str) -> None:
    process = subprocess.Popen([SANDBOX, "up", "--name", other, "--hosts", "2"], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    sandbox("up", "--hosts", "2", name=other)
    assert inside("n2", "hostname", name=other) == "n2"


def test_down_ends_what_runs_in_the_network(other: str) -> None:
    sandbox("up", "--hosts", "1", name=other)
    process = subprocess.Popen([SANDBOX, "run", "--name", other, "--", "sleep", "600"])
    time.sleep(0.5)
    sandbox("down", name=other)
    assert process.wait(timeout=5) == -signal.SIGKILL
    sandbox("down", name=other)


def test_uplink_is_removed(other: str) -> None:
    name = f"{other[:12]}-uplink"
    forward = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    sandbox("up", "--hosts", "1", "--uplink", name=name)
    rules = subprocess.run(["iptables", "-t", "nat", "-S"], capture_output=True, text=True, check=True).stdout
    assert f"hws.{name}" in rules
    sandbox("down", name=name)
    rules = subprocess.run(["iptables", "-t", "nat", "-S"], capture_output=True, text=True, check=True).stdout
    assert f"hws.{name}" not in rules
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == forward
    assert leftovers(name) == {}


def test_unknown_names_are_one_line(hosts: None) -> None:
    for verb, arguments, words in (
        ("inventory", ["--name", "nosuch"], "there is no sandbox 'nosuch'"),
        ("exec", ["--name", NAME, "n9", "--", "true"], "has no host 'n9'"),
        ("up", ["--name", "Bad Name"], "no sandbox name"),
    ):
        done = subprocess.run([SANDBOX, verb, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
