# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how long keys and certificates take: pki_certificate, a shell loop over cfssl, and one over openssl.

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
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.binaries import CACHE
from tools.lab import TOP, table, tool

KINDS: dict[str, dict[str, Any]] = {
    "RSA-2048": {"algo": "rsa", "size": 2048},
    "ECDSA P-256": {"algo": "ecdsa", "size": 256},
}
# What cfssl may take as 1.
GOALS = {"RSA-2048": 0.35, "ECDSA P-256": 0.5}
HOSTS = ["node.example.org", "192.0.2.7"]
CFSSL = """
for number in $(seq $COUNT); do
  cfssl gencert -loglevel=5 -ca=ca.crt -ca-key=ca.key -config=config.json -profile=server request.json |
    cfssljson -bare "cfssl-$number" || exit 1
done
"""
OPENSSL = """
for number in $(seq $COUNT); do
  openssl req -new -nodes $NEWKEY -subj /CN=node -keyout "openssl-$number.key" 2>/dev/null |
    openssl x509 -req -CA ca.crt -CAkey ca.key -days 365 -extfile extensions -out "openssl-$number.crt" 2>/dev/null ||
    exit 1
done
"""


PLACES = ("controller", "host")
PROBE = (
    "import cryptography; from cryptography.hazmat.backends.openssl.backend import backend;"
    "print('cryptography', cryptography.__version__ + ',', backend.openssl_version_text())"
)


def playbook(directory: Path, place: str, key: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Return a play that makes the authority, starts the module for nothing, makes the certificates, looks again."""
    wanted = {"authority": "ca", "profile": "server", "common_name": "node", "hosts": HOSTS, "key": key}
    entries = [{**wanted, "path": f"{directory}/{place}-{number}"} for number in range(count)]
    task = {"hardway.kubernetes.pki_certificate": {"authority_dir": str(directory), "certificates": entries}}
    authority = {
        "hardway.kubernetes.pki_ca": {"directory": str(directory), "authorities": [{"name": "ca", "key": key}]}
    }
    nothing: dict[str, Any] = {"hardway.kubernetes.files": {"files": []}}
    steps: dict[str, dict[str, Any]] = {"authority": authority, "start": nothing, "make": task, "again": task}
    tasks = [{"name": name, **step} for name, step in steps.items()]
    return [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]


def host_python() -> str:
    """Return the Python that a host like this one has, which has to know cryptography; else the one that runs this."""
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
        # Any other name than that of the controller's own Python, and Ansible starts modules as everywhere else.
        python = directory / "python"
        python.write_text(f'#!/bin/sh\nexec {host_python()} "$@"\n')
        python.chmod(0o755)
        line += ["-e", f"ansible_python_interpreter={python}"]
        # As ansible.cfg has it for ssh.
        quiet["ANSIBLE_PIPELINING"] = "true"
    subprocess.run(line, cwd=TOP, env={**os.environ, **timing, **quiet}, check=True, stdout=subprocess.DEVNULL)
    return {task["name"]: task["seconds"] for task in json.loads(report.read_text())["tasks"]}


def loop(directory: Path, script: str, key: dict[str, Any], count: int) -> float:
    """Return the seconds of a shell loop that makes the same with the same authority."""
    usages = ["signing", "server auth"] + (["key encipherment"] if key["algo"] == "rsa" else [])
    profiles = {"server": {"usages": usages, "expiry": "8760h"}}
    (directory / "config.json").write_text(json.dumps({"signing": {"profiles": profiles}}))
    (directory / "request.json").write_text(json.dumps({"CN": "node", "hosts": HOSTS, "key": key}))
    (directory / "extensions").write_text(
        "subjectAltName=DNS:node.example.org,IP:192.0.2.7\nextendedKeyUsage=serverAuth\n"
    )
    new = {"rsa": "-newkey rsa:2048", "ecdsa": "-newkey ec -pkeyopt ec_paramgen_curve:P-256"}[key["algo"]]
    tools = f"{CACHE / 'bin' / 'tools'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": tools, "COUNT": str(count), "NEWKEY": new}
    begin = time.monotonic()
    subprocess.run(["sh", "-c", script], cwd=directory, env=environment, check=True)
    return time.monotonic() - begin


def measure(name: str, count: int, parent: str | None) -> list[list[str]]:
    """Return the rows of the table about one kind of key: seconds of each way, and their ratios."""
    key = KINDS[name]
    with tempfile.TemporaryDirectory(prefix="bench-pki-", dir=parent) as made:
        directory = Path(made)
        tasks = {place: ours(directory, place, key, count) for place in PLACES}
        other = {program: loop(directory, script, key, count) for program, script in SCRIPTS.items()}
        files = len(list(directory.glob("*-*.crt"))) + len(list(directory.glob("cfssl-*-key.pem")))
        if files != 4 * count:
            raise SystemExit(f"make bench-pki: {files} certificates instead of {4 * count} in {directory}")
    return [[name, place, *row(tasks[place], list(other.values()), GOALS[name])] for place in PLACES]


def row(tasks: dict[str, float], other: list[float], goal: float) -> list[str]:
    """Return seconds and ratios of one way of ours beside the loops."""
    ratios = [tasks["make"] / taken for taken in other]
    seconds = [tasks["make"], *other, 2 * tasks["start"], tasks["again"]]
    texts = [f"{taken:.2f}" for taken in seconds]
    return [*texts[:3], f"{ratios[0]:.2f} (goal {goal})", f"{ratios[1]:.2f}", *texts[3:]]


SCRIPTS = {"cfssl": CFSSL, "openssl": OPENSSL}


def main() -> int:
    """Measure and print; return the exit status, which speaks of failures only, never of time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="certificates per call of the module")
    parser.add_argument("--directory", help="where to make them; the disk counts, for ours are synchronised to it")
    options = parser.parse_args()
    path = f"{CACHE / 'bin' / 'tools'}:{os.environ['PATH']}"
    lost = [program for program in ("cfssl", "cfssljson", "openssl") if shutil.which(program, path=path) is None]
    if lost:
        print(
            f"make bench-pki: {', '.join(lost)} missing; run sandbox/sandbox binaries, or install them", file=sys.stderr
        )
        return 1
    heading = ["", "ours on", "ours", "cfssl", "openssl", "ours/cfssl", "ours/openssl", "two starts", "ours again"]
    rows = [line for name in KINDS for line in measure(name, options.count, options.directory)]
    print(f"\nseconds for {options.count} keys and certificates, {os.cpu_count()} processors")
    for place, python in zip(PLACES, (sys.executable, host_python())):
        print(
            f"{place}: {subprocess.run([python, '-c', PROBE], capture_output=True, text=True, check=True).stdout}",
            end="",
        )
    told = subprocess.run(
        ["cfssl", "version"], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    # That of newer Debian suites makes RSA keys in half the time, and takes half as long again for ECDSA.
    print(f"cfssl: {', '.join(told.stdout.splitlines())}")
    print("two starts: of a module that does nothing, as another host needs; again: with nothing to do\n")
    print(table(heading, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
