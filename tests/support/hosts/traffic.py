# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets between sandbox hosts, to see what a firewall lets in, and the rules of an operator."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from typing import Any

from tests.support.hosts.sandbox import Lab
from tests.support.repository import SANDBOX

# Rules of an operator that let in nothing but ssh.
NFTABLES = """
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    tcp dport 22 accept
    ip saddr 203.0.113.9 counter drop
  }
}
"""
RESET = {"hardway.kubernetes.host_reset": {"parts": [{"name": "host", "expected": True}]}}
ANSWER = "answered"
# Answers each connection, and each datagram, with one word.
SERVE = "socat {protocol}-LISTEN:{port},fork,reuseaddr EXEC:'echo {word}'"
CONNECT = """
import socket, sys
kind, address, port, source = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
with socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as found:
    # A lost packet is sent again after a second.
    found.settimeout(1.5)
    if source:
        found.bind((source, 0))
    try:
        found.connect((address, port))
        found.settimeout(10 if kind == "tcp" else 1.5)
        if kind == "udp":
            found.send(b"?")
        print(found.recv(99).decode().strip())
    except OSError as exc:
        print("closed:", exc)
"""
# VRRP has no ports: one host sends a packet, and the other says which it has received.
SEND = """
import socket, sys, time
with socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as found:
    for _packet in range(10):
        found.sendto(b"!", (sys.argv[1], 0))
        time.sleep(0.2)
"""
RECEIVE = """
import socket, sys, time
seen, end = set(), time.monotonic() + 4
with socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as found:
    found.settimeout(0.5)
    while time.monotonic() < end:
        try:
            seen.add(found.recvfrom(99)[1][0])
        except TimeoutError:
            pass
print(*sorted(seen))
"""


def serve(lab: Lab, host: str, ports: Iterable[int], protocol: str = "TCP") -> None:
    """Let a host answer at ports."""
    for port in ports:
        command = SERVE.format(protocol=protocol, port=port, word=ANSWER)
        unit = f"answer-{protocol}-{port}".lower()
        lab.inside(host, f"systemctl reset-failed {unit} 2>/dev/null; systemd-run -q --unit={unit} {command}")


def from_host(lab: Lab, host: str, address: str, port: int, kind: str = "tcp") -> bool:
    """Return whether a host gets an answer."""
    return lab.inside(host, f"python3 -c '{CONNECT}' {kind} {address} {port} ''") == ANSWER


def from_controller(lab: Lab, address: str, port: int, source: str = "", kind: str = "tcp") -> bool:
    """Return whether the controller gets an answer, from one of its addresses."""
    command = [SANDBOX, "run", "--name", lab.name, "--", "python3", "-c", CONNECT, kind, address, str(port), source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() == ANSWER


def in_controller(lab: Lab, command: str) -> str:
    """Return the output of a shell command in the network of the controller."""
    words = [SANDBOX, "run", "--name", lab.name, "--", "sh", "-c", command]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def vrrp_from(lab: Lab, sender: str, receiver: str) -> list[str]:
    """Return the addresses from which a host receives VRRP while another one, and the controller, send it."""
    words = [SANDBOX, "exec", "--name", lab.name, receiver, "--", "python3", "-c", RECEIVE]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as listening:
        address = lab.addresses[receiver]
        run = [SANDBOX, "run", "--name", lab.name, "--", "python3", "-c", SEND, address]
        with subprocess.Popen(run):
            lab.inside(sender, f"python3 -c '{SEND}' {address}")
        return (listening.communicate()[0] or "").split()


def opening(port: int | str, *sources: str, protocol: str = "tcp") -> dict[str, Any]:
    """Return one option of module host_firewall."""
    return {"port": str(port), "protocol": protocol, "sources": list(sources)}
