# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how long keys and certificates take: pki_certificate, a shell loop with cfssl, and one with openssl.

Every available cfssl: that of a newer Debian suite, which `dev/sandbox/sandbox binaries` brings, and that on PATH.

pki_certificate twice: on the controller itself, where no module is started, and as on another host, where Ansible packs
the module, starts it, and starts it once more to install what was signed; by the host's own Python and its libraries.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dev.standins.binaries import CACHE
from dev.tools.lab import TOP, table, tool

KINDS: dict[str, dict[str, Any]] = {
    "RSA-2048": {"algo": "rsa", "size": 2048},
    "ECDSA P-256": {"algo": "ecdsa", "size": 256},
}
# The time of cfssl counts as 1.
GOALS = {"RSA-2048": 0.35, "ECDSA P-256": 0.5}
HOSTS = ["node.example.org", "192.0.2.7"]
CFSSL = """
for number in $(seq $COUNT); do
  cfssl gencert -loglevel=5 -ca=../ca.crt -ca-key=../ca.key -config=config.json -profile=server request.json |
    cfssljson -bare "$number" || exit 1
done
"""
OPENSSL = """
for number in $(seq $COUNT); do
  openssl req -new -nodes $NEWKEY -subj /CN=node -keyout "$number-key.pem" 2>/dev/null |
    openssl x509 -req -CA ../ca.crt -CAkey ../ca.key -days 365 -extfile extensions -out "$number.pem" 2>/dev/null ||
    exit 1
done
"""


PLACES = ("controller", "host")
PROBE = (
    "import cryptography; from cryptography.hazmat.backends.openssl.backend import backend;"
    "print('cryptography', cryptography.__version__ + ',', backend.openssl_version_text())"
)


def playbook(directory: Path, place: str, key: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Return a play: create the CA, run the module without certificates, issue the certificates, run again."""
    wanted = {"ca": "ca", "profile": "server", "common_name": "node", "sans": HOSTS, "key": key}
    entries = [{**wanted, "path": f"{directory}/{place}-{number}"} for number in range(count)]
    task = {"hardway.kubernetes.pki_certificate": {"ca_dir": str(directory), "certificates": entries}}
    ca = {"hardway.kubernetes.pki_ca": {"ca_dir": str(directory), "cas": [{"name": "ca", "key": key}]}}
    nothing: dict[str, Any] = {"hardway.kubernetes.files": {"files": []}}
    steps: dict[str, dict[str, Any]] = {"ca": ca, "start": nothing, "make": task, "again": task}
    tasks = [{"name": name, **step} for name, step in steps.items()]
    return [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]


def host_python() -> str:
    """Return the Python of a host like this one, which must have cryptography; else the one that runs this."""
    python = "/usr/bin/python3"
    found = Path(python).is_file() and subprocess.run([python, "-c", PROBE], capture_output=True, check=False)
    return python if found and found.returncode == 0 else sys.executable


def ours(directory: Path, place: str, key: dict[str, Any], count: int) -> dict[str, float]:
    """Return the seconds of each task, from its start on the controller to its result."""
    book, report = directory / "play.json", directory / "timing.json"
    book.write_text(json.dumps(playbook(directory, place, key, count)))
    timing = {"ANSIBLE_CALLBACKS_ENABLED": "hardway.kubernetes.timing", "HARDWAY_TIMING_REPORT": str(report)}
    quiet = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}
    line = [tool("ansible-playbook"), str(book)]
    if place == "host":
        # A name other than that of the controller's own Python: Ansible then starts modules as on any other host.
        python = directory / "python"
        python.write_text(f'#!/bin/sh\nexec {host_python()} "$@"\n')
        python.chmod(0o755)
        line += ["-e", f"ansible_python_interpreter={python}"]
        # The same as in ansible.cfg for ssh.
        quiet["ANSIBLE_PIPELINING"] = "true"
    subprocess.run(line, cwd=TOP, env={**os.environ, **timing, **quiet}, check=True, stdout=subprocess.DEVNULL)
    return {task["name"]: task["seconds"] for task in json.loads(report.read_text())["tasks"]}


@dataclass(frozen=True, eq=False)
class Loop:
    """A shell loop that issues the same certificates; a goal is a fraction of its time, by key type."""

    name: str
    script: str
    directory: Path
    goals: dict[str, float] = field(default_factory=dict)

    def aim(self, key: str) -> str:
        """Return the goal for a type of key as text."""
        return f" (goal {self.goals[key]})" if key in self.goals else ""

    def seconds(self, directory: Path, key: dict[str, Any], count: int) -> float:
        """Return how long it takes with the CA that is in the directory."""
        work = Path(tempfile.mkdtemp(dir=directory))
        usages = ["signing", "server auth"] + (["key encipherment"] if key["algo"] == "rsa" else [])
        profiles = {"server": {"usages": usages, "expiry": "8760h"}}
        (work / "config.json").write_text(json.dumps({"signing": {"profiles": profiles}}))
        (work / "request.json").write_text(json.dumps({"CN": "node", "hosts": HOSTS, "key": key}))
        (work / "extensions").write_text(
            "subjectAltName=DNS:node.example.org,IP:192.0.2.7\nextendedKeyUsage=serverAuth\n"
        )
        new = {"rsa": "-newkey rsa:2048", "ecdsa": "-newkey ec -pkeyopt ec_paramgen_curve:P-256"}[key["algo"]]
        path = f"{self.directory}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "COUNT": str(count), "NEWKEY": new}
        begin = time.monotonic()
        subprocess.run(["sh", "-c", self.script], cwd=work, env=environment, check=True)
        taken = time.monotonic() - begin
        insist(work.glob("*-key.pem"), count)
        return taken


def loops() -> list[Loop]:
    """Return the loops to compare with, each cfssl by its Go version: with the older one RSA took twice as long."""
    found = {}
    for path in (os.environ["PATH"], str(CACHE / "bin" / "tools")):
        programs = [shutil.which(name, path=path) for name in ("cfssl", "cfssljson")]
        if programs[0] and programs[1]:
            version = subprocess.run([programs[0], "version"], capture_output=True, text=True, check=True).stdout
            name = f"cfssl {version.split()[-1]}"
            found[name] = Loop(name, CFSSL, Path(programs[0]).parent, GOALS)
    openssl = shutil.which("openssl")
    if not found or not openssl:
        raise SystemExit("make bench-pki: cfssl or openssl missing; run dev/sandbox/sandbox binaries, or install them")
    return [*found.values(), Loop("openssl", OPENSSL, Path(openssl).parent)]


def insist(files: Iterable[Path], count: int) -> None:
    """Stop when fewer certificates were issued than requested."""
    if (found := len(list(files))) != count:
        raise SystemExit(f"make bench-pki: {found} files instead of {count}")


def measure(name: str, count: int, parent: str | None, others: list[Loop]) -> list[list[str]]:
    """Return the rows of the table for one type of key: seconds of each way, and our fraction of each loop's."""
    key = KINDS[name]
    with tempfile.TemporaryDirectory(prefix="bench-pki-", dir=parent) as made:
        directory = Path(made)
        tasks = {place: ours(directory, place, key, count) for place in PLACES}
        insist(directory.glob("*-*.crt"), len(PLACES) * count)
        taken = {other: other.seconds(directory, key, count) for other in others}
    rows = []
    for place in PLACES:
        made_in = tasks[place]["make"]
        parts = [f"{made_in / taken[other]:.2f}{other.aim(name)}" for other in others]
        seconds = [made_in, *taken.values(), 2 * tasks[place]["start"], tasks[place]["again"]]
        rows.append([name, place, *(f"{each:.2f}" for each in seconds), *parts])
    return rows


def main() -> int:
    """Measure and print; return the exit status: failures count, time does not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="certificates per call of the module")
    parser.add_argument("--directory", help="where to make them; the disk counts, for ours are synchronised to it")
    options = parser.parse_args()
    others = loops()
    rows = [line for name in KINDS for line in measure(name, options.count, options.directory, others)]
    print(f"\nseconds for {options.count} keys and certificates, {os.cpu_count()} processors")
    for place, python in zip(PLACES, (sys.executable, host_python())):
        output = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, check=True).stdout
        print(f"{place}: {output}", end="")
    print("two starts: of a module that does nothing, as another host needs; again: with nothing to do\n")
    names = [other.name for other in others]
    print(table(["", "ours on", "ours", *names, "two starts", "again", *(f"ours/{name}" for name in names)], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
