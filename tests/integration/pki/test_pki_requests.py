# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSRs of several hosts in one run, signed elsewhere by openssl or cfssl, and installed in one run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

from tests.support.ca.cfssl import CFSSL, run
from tests.support.ca.in_process import act, call, files
from tests.support.ca.playbook import matches, openssl

HOSTS = ("n1", "n2")
# A host's tasks, as those of roles: with two offline CAs, and one whose key is here.
SERVER = {"ca": "ca", "profile": "server", "common_name": "a", "sans": ["a", "192.0.2.1"], "expiry": "30d"}
CLIENT = {"ca": "ca", "profile": "client", "common_name": "c", "names": [{"O": "g"}], "expiry": "30d"}
PEER = {"ca": "etcd-ca", "profile": "peer", "common_name": "e", "sans": ["192.0.2.1"], "expiry": "30d"}
HERE = {"ca": "here", "profile": "client", "common_name": "h"}


class Cluster:
    """Two hosts, CAs of which some are offline, and the directory of those."""

    def __init__(self, directory: Path) -> None:
        """Create the offline CAs, and copy their certificates."""
        self.directory, self.pki, self.vault = directory, directory / "pki", directory / "vault"
        act("pki_ca", ca_dir=str(self.vault), cas=[{"name": "ca"}, {"name": "etcd-ca"}])
        (self.pki / "etcd").mkdir(parents=True)
        for name in ("ca.crt", "etcd/ca.crt"):
            shutil.copy(self.vault / name, self.pki / name)

    def cas(self, **options: Any) -> dict[str, Any]:
        """Run what role ca does."""
        wanted = [{"name": "ca"}, {"name": "etcd-ca"}, {"name": "here"}]
        below = {"name": "sub", "signed_by": "ca", "usages": ["client auth"], "path_length": 0}
        return call("pki_ca", ca_dir=str(self.pki), cas=[*wanted, below], **options)

    def run(self, check: bool = False, **options: Any) -> list[dict[str, Any]]:
        """Run the tasks of both hosts; return each result."""
        answers = []
        for host in HOSTS:
            place = self.directory / host
            trust = [{"ca": "sub", "path": str(place / "sub.crt"), "key_path": str(place / "sub.key")}]
            for kinds in ({"s": SERVER, "c": CLIENT, "h": HERE}, {"etcd/e": PEER}):
                wanted = [{**spec, "path": str(place / name)} for name, spec in kinds.items()]
                params = {"ca_dir": str(self.pki), "certificates": wanted, "trust": trust}
                answers.append(call("pki_certificate", check, host=host, **params, **options))
        return answers

    def requests(self) -> set[Path]:
        """Return all CSRs that were written."""
        return set((self.pki / "requests").rglob("*.csr"))


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Return clean hosts."""
    return Cluster(tmp_path)


def by_openssl(cluster: Cluster, request: Path, usages: list[str]) -> None:
    """Sign as in our guide, by the CA of its directory."""
    name = request.relative_to(cluster.pki / "requests").parts[0]
    stem = cluster.vault / {"etcd-ca": "etcd/ca"}.get(name, name)
    signer = ["-CA", f"{stem}.crt", "-CAkey", f"{stem}.key", "-copy_extensions", "copy", "-days", "30"]
    openssl("x509", "-req", "-in", request, *signer, "-out", request.with_suffix(".crt"))


def by_cfssl(cluster: Cluster, request: Path, usages: list[str]) -> None:
    """Sign as in a guide for cfssl; its profile has the reported usages."""
    if "cert sign" in usages:
        by_openssl(cluster, request, usages)
        return
    name = request.relative_to(cluster.pki / "requests").parts[0]
    stem = cluster.vault / {"etcd-ca": "etcd/ca"}.get(name, name)
    words = [{"digital signature": "signing"}.get(word, word) for word in usages]
    config = cluster.vault / "config.json"
    config.write_text(json.dumps({"signing": {"profiles": {"x": {"usages": words, "expiry": "720h"}}}}))
    signer = [f"-ca={stem}.crt", f"-ca-key={stem}.key", f"-config={config}", "-profile=x"]
    request.with_suffix(".crt").write_text(str(run("sign", *signer, request)["cert"]))


NEEDS_CFSSL = pytest.mark.skipif(CFSSL is None, reason="cfssl is not installed (Debian: golang-cfssl)")


@pytest.mark.parametrize("sign", [by_openssl, pytest.param(by_cfssl, marks=NEEDS_CFSSL)])
def test_all_csrs_of_all_hosts_are_written_in_one_run(
    cluster: Cluster, sign: Callable[[Cluster, Path, list[str]], None]
) -> None:
    """Only keys and CSRs are created; once these are signed, nothing stops any more."""
    made = cluster.cas(allow_pending_csrs=True)
    assert [item["state"] for item in made["cas"]] == ["kept", "kept", "created", "requested"]
    assert [answer["changed"] for answer in cluster.run(check=True, requests_only=True)] == [True] * 4
    assert len(cluster.requests()) == 1
    answers = cluster.run(requests_only=True)
    reported = {Path(item["path"]): item["usages"] for answer in [made, *answers] for item in answer["requests"]}
    assert set(reported) == cluster.requests()
    assert len(reported) == 7
    assert [answer["changed"] for answer in answers] == [True] * 4
    again = cluster.run(requests_only=True)
    assert [answer["changed"] for answer in again] == [False] * 4
    assert [answer["requests"] for answer in again] == [answer["requests"] for answer in answers]
    assert not list(cluster.directory.glob("n?/**/*.crt"))
    assert not list(cluster.directory.glob("n?/**/[!.]*.key"))

    for path, usages in reported.items():
        sign(cluster, path, usages)
    before = files(cluster.pki)
    assert [answer["requests"] for answer in cluster.run(requests_only=True)] == [[]] * 4
    assert files(cluster.pki) == before, "signed certificates are validated and stay where they are"
    assert cluster.cas()["cas"][-1]["state"] == "created"
    assert [answer["changed"] for answer in cluster.run()] == [True] * 4
    assert [answer["changed"] for answer in cluster.run()] == [False] * 4
    assert cluster.requests() == set()
    for place in (cluster.directory / host for host in HOSTS):
        openssl("verify", "-CAfile", cluster.vault / "ca.crt", "-purpose", "sslserver", place / "s.crt")
        openssl("verify", "-CAfile", cluster.vault / "etcd/ca.crt", "-purpose", "sslclient", place / "etcd/e.crt")
        assert all(matches(place / f"{name}.crt", place / f"{name}.key") for name in ("s", "c", "h", "etcd/e"))
    assert not list(cluster.pki.rglob("ca.key"))


def test_a_renewal_waits_for_its_signature_and_is_installed(cluster: Cluster) -> None:
    """Until then the old ones stay in use; then the new ones are installed without another CSR."""
    cluster.cas(allow_pending_csrs=True)
    serials = []
    for _ in range(2):
        for answer in cluster.run(requests_only=True, renew=["*"]):
            for item in answer["requests"]:
                by_openssl(cluster, Path(item["path"]), item["usages"])
        for path in (cluster.pki / "requests/ca/cas").glob("*.csr"):
            by_openssl(cluster, path, [])
        cluster.cas()
        done = cluster.run()
        assert [answer["changed"] for answer in cluster.run()] == [False] * 4
        serials.append({item["serial"] for answer in done for item in answer["certificates"]})
    assert [len(found) for found in serials] == [8, 8]
    assert len(serials[0] & serials[1]) == 2, "those whose CA is here are not reissued"


def test_wrong_certificates_are_reported_before_any_is_installed(cluster: Cluster) -> None:
    cluster.cas(allow_pending_csrs=True)
    first = cluster.run(requests_only=True)[0]["requests"][0]["path"]
    act("pki_ca", ca_dir=str(cluster.directory / "other"), cas=[{"name": "ca"}])
    signer = ["-CA", cluster.directory / "other/ca.crt", "-CAkey", cluster.directory / "other/ca.key"]
    openssl("x509", "-req", "-in", first, *signer, "-out", first.replace(".csr", ".crt"))
    with pytest.raises(HardwayError, match="not signed by the current CA ca"):
        cluster.run(requests_only=True)
