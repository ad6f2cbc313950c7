# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real kills, parallel runs, the issue log, and what a run with nothing to do costs."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.certificates import install
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.key_pair import Pair
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem

from tests.support.ca.playbook import APPLY, Outcome, cas, matches, openssl, play


def certificates(directory: Path, name: str, count: int) -> dict[str, Any]:
    """Return the task that manages so many certificates."""
    entry = {"ca": "ca", "profile": "server", "common_name": name, "sans": [f"{name}.example", "192.0.2.7"]}
    entries = [{**entry, "path": str(directory / name / f"{number:02}")} for number in range(count)]
    return {"hardway.kubernetes.pki_certificate": {"ca_dir": str(directory / "pki"), "certificates": entries}}


def renew_for_ever(directory: str, path: str) -> None:
    """Issue pair after pair, each with a new key, until killed."""
    params = {"path": path, "ca": "ca", "profile": "client", "common_name": "c"}
    spec = CertificateSpec.from_params(params)
    ca = Issuer.load(Store(directory), "ca")
    while True:
        pair = Pair(spec)
        pair.swap.recover()
        public_key = issue.request_key(pair.request(renew_key=True), spec)
        install([(pair, certificate_pem(ca.sign(spec, public_key)))])


def test_a_killed_run_leaves_a_pair_that_belongs_together(tmp_path: Path) -> None:
    """SIGKILL at random: key and certificate belong together, says openssl, before they are repaired."""
    play(tmp_path, [(APPLY, cas(tmp_path / "pki"))])
    path, serials = tmp_path / "pair", set()
    Path(f"{path}.crt").touch()
    chance = random.Random(1)
    for _ in range(30):
        process = multiprocessing.get_context("fork").Process(
            target=renew_for_ever, args=(str(tmp_path / "pki"), str(path)), daemon=True
        )
        before = Path(f"{path}.crt").stat().st_mtime_ns
        process.start()
        deadline = time.monotonic() + 60
        while Path(f"{path}.crt").stat().st_mtime_ns == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02))
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        assert matches(Path(f"{path}.crt"), Path(f"{path}.key"))
        openssl("verify", "-CAfile", tmp_path / "pki/ca.crt", f"{path}.crt")
        serials.add(openssl("x509", "-in", f"{path}.crt", "-noout", "-serial"))
    assert len(serials) == 30
    record = (tmp_path / "pki/issued.jsonl").read_text().splitlines()
    assert len({json.loads(line)["serial"] for line in record}) == len(record)


def test_parallel_runs_share_ca_and_issue_log(tmp_path: Path) -> None:
    """Two at once: each certificate has its own serial number, and the issue log has a complete line for each."""
    play(tmp_path, [(APPLY, cas(tmp_path / "pki"))])

    def run(name: str) -> Outcome:
        return play(tmp_path / f"play-{name}", [(APPLY, certificates(tmp_path, name, 25))])

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(run, ["a", "b"]))
    assert [outcome.changed for outcome in outcomes] == [[True], [True]]
    lines = (tmp_path / "pki/issued.jsonl").read_text().splitlines()
    record = {line["path"]: line for line in map(json.loads, lines)}
    assert len(lines) == len(record) == 3 + 2 * 25
    serials = [int(line["serial"], 16) for line in record.values()]
    assert len(set(serials)) == len(serials)
    # RFC 5280: positive, at most 20 octets. Of 159 random bits, 31 at the top are never all zero.
    assert all(128 < serial.bit_length() < 160 for serial in serials)
    for path in [*(tmp_path / "a").glob("*.crt"), *(tmp_path / "b").glob("*.crt")]:
        line = record[str(path.with_suffix(""))]
        said = openssl("x509", "-in", path, "-noout", "-serial", "-fingerprint", "-sha256").splitlines()
        assert int(said[0].partition("=")[2], 16) == int(line["serial"], 16)
        assert said[1].partition("=")[2].replace(":", "").lower() == line["fingerprint"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["time"])
        name = path.parent.name
        assert (line["subject"], line["host"]) == ([f"CN={name}"], "localhost")
        assert line["hosts"] == [f"dns:{name}.example", "ip:192.0.2.7"]


def test_twenty_unchanged_certificates_cost_one_round_trip(tmp_path: Path) -> None:
    """What Ansible executes on the host for the task, by its output; the first run needs a second one."""
    play(tmp_path, [(APPLY, cas(tmp_path / "pki"))])
    tasks = [(APPLY, certificates(tmp_path, "a", 20)), (APPLY, certificates(tmp_path, "a", 20))]
    outcome = play(tmp_path, tasks, "-vvv", ANSIBLE_PIPELINING="1")
    assert outcome.changed == [True, False]
    assert all(len(result["certificates"]) == 20 for result in outcome.results)
    parts = [part for part in outcome.output.split("TASK [") if part.startswith("hardway.kubernetes.pki_certificate")]
    assert [part.count(" EXEC ") for part in parts] == [2, 1]


def test_on_the_controller_itself_no_module_is_started(tmp_path: Path) -> None:
    play(tmp_path, [(APPLY, cas(tmp_path / "pki"))])
    tasks = [(check, certificates(tmp_path, "a", 2)) for check in (True, False, True, False)]
    outcome = play(tmp_path, tasks, "-vvv", HERE="1")
    assert outcome.changed == [True, True, False, False]
    parts = [part for part in outcome.output.split("TASK [") if part.startswith("hardway.kubernetes.pki_certificate")]
    assert [part.count(" EXEC ") for part in parts] == [0, 0, 0, 0]
    assert matches(tmp_path / "a" / "00.crt", tmp_path / "a" / "00.key")
