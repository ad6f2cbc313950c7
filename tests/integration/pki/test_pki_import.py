# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CAs of cfssl, of kubeadm and of others imported, with their keys or as offline CAs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import load_key

from tests.support.api.programs import Programs, free_ports
from tests.support.ca.cfssl import CFSSL
from tests.support.ca.in_process import act, call, files
from tests.support.ca.playbook import matches, openssl

# What `kubeadm init phase certs` writes: CAs of ten years by name and directory, keys in the older format.
KUBEADM = {"kubernetes": "ca", "etcd-ca": "etcd/ca", "front-proxy-ca": "front-proxy-ca"}
SERVER = {"ca": "ca", "profile": "server", "common_name": "a", "sans": ["a", "192.0.2.1"], "expiry": "30d"}


def keep(directory: Path, **entry: Any) -> dict[str, Any]:
    """Return the options that manage one certificate in the directory host beside the CAs."""
    one = {"path": str(directory.parent / "host/a"), **SERVER, **entry}
    return {"ca_dir": str(directory), "certificates": [one]}


@pytest.mark.skipif(CFSSL is None, reason="cfssl is not installed (Debian: golang-cfssl)")
@pytest.mark.parametrize("key", [{"algo": "rsa", "size": 2048}, {"algo": "ecdsa", "size": 384}, {"algo": "ed25519"}])
def test_ca_of_cfssl(tmp_path: Path, key: dict[str, Any]) -> None:
    """ca.pem and ca-key.pem are found by their names, and sign; with a passphrase the key is encrypted here."""
    source = tmp_path / "guide"
    source.mkdir()
    (source / "csr.json").write_text(json.dumps({"CN": "Kubernetes", "key": key}))
    command = [str(CFSSL), "gencert", "-initca", str(source / "csr.json")]
    made = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    (source / "ca.pem").write_text(made["cert"])
    (source / "ca-key.pem").write_text(made["key"])
    params = {"ca_dir": str(tmp_path / "pki"), "import_dir": str(source), "passphrase": "p"}
    done = act("pki_ca", **params, cas=[{"name": "ca"}, {"name": "front-proxy-ca"}])
    assert [item["state"] for item in done["cas"]] == ["imported", "created"]
    assert (tmp_path / "pki/ca.crt").read_text() == made["cert"]
    assert matches(source / "ca.pem", tmp_path / "pki/ca.key", "-passin", "pass:p")
    act("pki_certificate", **keep(tmp_path / "pki"), passphrase="p")
    openssl("verify", "-x509_strict", "-CAfile", source / "ca.pem", tmp_path / "host/a.crt")


def as_kubeadm(directory: Path) -> None:
    """Write a directory as kubeadm does."""
    (directory / "etcd").mkdir(parents=True)
    for common_name, name in KUBEADM.items():
        openssl("genrsa", "-traditional", "-out", directory / f"{name}.key", "2048")
        extensions = {
            "keyUsage": "critical,digitalSignature,keyEncipherment,keyCertSign",
            "basicConstraints": "critical,CA:TRUE",
            "subjectAltName": f"DNS:{common_name}",
        }
        more = [word for name, value in extensions.items() for word in ("-addext", f"{name}={value}")]
        files = ["-key", directory / f"{name}.key", "-out", directory / f"{name}.crt"]
        openssl("req", "-x509", "-new", "-days", "3650", "-subj", f"/CN={common_name}", *files, *more)
    openssl("genrsa", "-traditional", "-out", directory / "sa.key", "2048")
    openssl("pkey", "-in", directory / "sa.key", "-pubout", "-out", directory / "sa.pub")


def test_directory_of_kubeadm(tmp_path: Path) -> None:
    """All CAs and the key of the service accounts are imported, and stay the same after the source is gone."""
    source = tmp_path / "kubernetes/pki"
    as_kubeadm(source)
    names = ["ca", "etcd-ca", "front-proxy-ca"]
    params = {"ca_dir": str(tmp_path / "pki"), "cas": [{"name": name} for name in names]}
    done = act("pki_ca", **params, import_dir=str(source), key_pairs=[{"name": "sa"}])
    assert [item["state"] for kind in ("cas", "key_pairs") for item in done[kind]] == ["imported"] * 4
    for name in ("ca.crt", "etcd/ca.crt", "front-proxy-ca.crt", "sa.pub"):
        assert (tmp_path / "pki" / name).read_text() == (source / name).read_text()
    for name in ("ca.key", "etcd/ca.key", "sa.key"):
        assert openssl("pkey", "-in", tmp_path / "pki" / name) == openssl("pkey", "-in", source / name)
    shutil.rmtree(source)
    assert not call("pki_ca", **params, key_pairs=[{"name": "sa"}])["changed"]


def test_import_is_refused(tmp_path: Path) -> None:
    """An import that is not possible is one error, and neither side is touched."""
    for name in ("one", "two"):
        act("pki_ca", ca_dir=str(tmp_path / name), cas=[{"name": "ca"}])
    one, two = tmp_path / "one", tmp_path / "two"
    before = files(tmp_path)
    pair = {"name": "ca", "import_certificate": str(one / "ca.crt")}
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("new", {"cas": [{**pair, "import_key": str(two / "ca.key")}]}, "does not belong to"),
        ("two", {"cas": [pair]}, "is another CA than"),
        ("two", {"cas": [{"name": "ca"}], "import_dir": str(one)}, "is another CA than .*; remove"),
        ("new", {"cas": [{"name": "ca", "import_certificate": "/none.crt"}]}, "does not exist"),
        ("new", {"cas": [{"name": "ca", "import_key": str(one / "ca.key")}]}, "import_key without"),
        ("new", {"cas": [{"name": "x"}], "import_dir": str(one)}, "contains none of the CAs"),
        ("new", {"cas": [{"name": "ca"}], "import_dir": "/none"}, "contains none of the CAs"),
    ]
    for directory, params, message in cases:
        with pytest.raises(HardwayError, match=message):
            call("pki_ca", ca_dir=str(tmp_path / directory), **params)
    assert files(tmp_path) == before


@pytest.mark.parametrize("single", [True, False], ids=["files", "directory"])
def test_an_imported_ca_may_be_replaced_and_its_source_removed(tmp_path: Path, single: bool) -> None:
    """The import stays set: a CA that is here is renewed and replaced, and its source may be removed."""
    source = tmp_path / "source"
    act("pki_ca", ca_dir=str(source), cas=[{"name": "ca"}])
    files_of = {"import_certificate": f"{source}/ca.crt", "import_key": f"{source}/ca.key"}
    one = {"name": "ca", **(files_of if single else {})}
    params = {"ca_dir": str(tmp_path / "pki"), "cas": [one]} | ({} if single else {"import_dir": str(source)})
    assert act("pki_ca", **params)["cas"][0]["state"] == "imported"
    call("pki_ca", **params, renew=True, renew_before=0.9999999)
    for step in ("trust", "issue", "updated", "drop", "done"):
        call("pki_rotation", ca_dir=str(tmp_path / "pki"), cas=[{"name": "ca"}], step=step)
        assert not call("pki_ca", **params)["changed"]
    # A user who needs no way back deletes the keys.
    for key in (tmp_path / "pki/retired").glob("*.key"):
        key.unlink()
    assert not call("pki_ca", **params)["changed"]
    for content in ("garbage", None):
        if content is None:
            shutil.rmtree(source)
        else:
            (source / "ca.crt").write_text(content)
        assert not call("pki_ca", **params)["changed"]
    if not single:
        with pytest.raises(HardwayError, match="contains none of the CAs"):
            call("pki_ca", **{**params, "cas": [one, {"name": "front-proxy-ca"}]})


def test_an_expired_original_does_not_matter(tmp_path: Path) -> None:
    """The imported one has been renewed here."""
    source, pki = tmp_path / "source", tmp_path / "pki"
    act("pki_ca", ca_dir=str(source), cas=[{"name": "ca"}])
    params = {"ca_dir": str(pki), "cas": [{"name": "ca"}], "import_dir": str(source)}
    act("pki_ca", **params)
    key = load_key((source / "ca.key").read_bytes(), "ca")
    expired = issue.root(Subject.from_params("ca", [], "ca"), key, timedelta(minutes=3))
    (source / "ca.crt").write_bytes(certificate_pem(expired))
    assert not call("pki_ca", **params)["changed"]


def record(pki: Path) -> list[dict[str, Any]]:
    """Return issued.jsonl line by line."""
    return [json.loads(line) for line in (pki / "issued.jsonl").read_text().splitlines()]


def offline_root(tmp_path: Path) -> tuple[Path, Path]:
    """Return the directory of a cluster that has only the certificate of a root, and the directory of its key."""
    vault, pki = tmp_path / "vault", tmp_path / "pki"
    act("pki_ca", ca_dir=str(vault), cas=[{"name": "ca"}])
    imported = [{"name": "ca", "import_certificate": str(vault / "ca.crt")}]
    assert act("pki_ca", ca_dir=str(pki), cas=imported)["cas"][0]["has_key"] is False
    return vault, pki


def test_leaf_of_an_offline_ca(tmp_path: Path) -> None:
    """The first run writes the CSR and names it, the next installs what openssl signed; renewal is the same."""
    vault, pki = offline_root(tmp_path)
    request = pki / "requests/ca/host-1" / (str(tmp_path / "host/a").strip("/").replace("/", "-") + ".csr")
    signed = request.with_suffix(".crt")
    sign = [
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        vault / "ca.crt",
        "-CAkey",
        vault / "ca.key",
        "-copy_extensions",
        "copy",
    ]
    for number, options in enumerate(({}, {"force": True})):
        for _ in range(2):
            with pytest.raises(HardwayError, match=f"offline: sign there, for ca: {request}; put each"):
                call("pki_certificate", **keep(pki), **options)
        assert not number or (tmp_path / "host/a.crt").is_file()
        openssl(*sign, "-days", "30", "-out", signed)
        done = call("pki_certificate", **keep(pki), **options)
        assert done["changed"]
        assert not list((pki / "requests").rglob("*.c*"))
        assert not call("pki_certificate", **keep(pki))["changed"]
    openssl("verify", "-CAfile", vault / "ca.crt", "-purpose", "sslserver", tmp_path / "host/a.crt")
    assert matches(tmp_path / "host/a.crt", tmp_path / "host/a.key")
    assert [(line["host"], line["path"]) for line in record(pki)] == [("host-1", str(tmp_path / "host/a"))] * 2


def test_no_certificate_is_signed_when_one_of_the_task_cannot_be(tmp_path: Path) -> None:
    """While one certificate of a task waits, or cannot be issued, no other one is signed."""
    vault, pki = offline_root(tmp_path)
    act("pki_ca", ca_dir=str(pki), cas=[{"name": "own", "expiry": "100d"}])
    of_own = {**SERVER, "ca": "own", "path": str(tmp_path / "host/own")}
    of_root = {**SERVER, "path": str(tmp_path / "host/a")}
    before = record(pki)
    for entry, message in ((of_root, "is offline"), ({**of_root, "ca": "own", "expiry": "101d"}, "longer")):
        with pytest.raises(HardwayError, match=message):
            call("pki_certificate", ca_dir=str(pki), certificates=[of_own, entry])
        assert record(pki) == before
    request = next((pki / "requests").rglob("*.csr"))
    answer = {"request": str(request), "path": str(request.with_suffix(".crt")), "ca": "ca", "profile": "server"}
    call("pki_sign", ca_dir=str(vault), certificates=[{**answer, "expiry": "30d"}])
    assert call("pki_certificate", ca_dir=str(pki), certificates=[of_own, of_root])["changed"]
    lines = record(pki)[len(before) :]
    assert sorted((line["ca"], line["path"]) for line in lines) == [
        ("ca", of_root["path"]),
        ("own", of_own["path"]),
    ]


def test_wrong_answers_of_an_offline_ca(tmp_path: Path) -> None:
    """A certificate for another key, by another CA, with other names or too long is refused."""
    vault, pki = offline_root(tmp_path)
    with pytest.raises(HardwayError, match="is offline"):
        call("pki_certificate", **keep(pki))
    request = next((pki / "requests").rglob("*.csr"))
    signed = request.with_suffix(".crt")
    act("pki_ca", ca_dir=str(tmp_path / "other"), cas=[{"name": "ca"}])
    act("pki_certificate", **{**keep(vault), "certificates": [{**SERVER, "path": str(tmp_path / "x")}]})
    right = {"request": str(request), "path": str(signed), "ca": "ca", "profile": "server", "expiry": "30d"}

    def sign(directory: Path, **changes: Any) -> None:
        call("pki_sign", ca_dir=str(directory), certificates=[{**right, **changes}], force=True)

    cases: list[tuple[Any, str]] = [
        (lambda: shutil.copy(tmp_path / "x.crt", signed), "has another key"),
        (lambda: sign(tmp_path / "other"), "not signed by the current CA"),
        (lambda: sign(vault, sans=["a", "b"]), "sans: without ip:192.0.2.1; has dns:b too much"),
        (lambda: sign(vault, profile="client"), "usages: without server auth"),
        (lambda: sign(vault, expiry="60d"), "issued for 60d instead of 30d"),
        (lambda: signed.write_text("x"), "no PEM certificate"),
    ]
    for prepare, message in cases:
        prepare()
        with pytest.raises(HardwayError, match=message):
            call("pki_certificate", **keep(pki))
        assert not (tmp_path / "host/a.crt").exists()
    signed.unlink()
    sign(vault)
    assert call("pki_certificate", **keep(pki))["changed"]


def test_ca_below_an_offline_one(tmp_path: Path) -> None:
    """No root key on any machine of the cluster: its CAs are signed in two steps, too."""
    vault, pki = offline_root(tmp_path)
    params = {"ca_dir": str(pki), "cas": [{"name": "sub", "signed_by": "ca", "path_length": 0}]}
    requests = pki / "requests/ca/cas"
    with pytest.raises(HardwayError, match=f"for ca: {requests}/sub.csr; put each"):
        call("pki_ca", **params)
    profiles = {
        "sub": {"usages": ["cert sign", "crl sign"], "ca_constraint": {"is_ca": True, "max_path_len_zero": True}}
    }
    one = {"request": str(requests / "sub.csr"), "path": str(requests / "sub.crt"), "ca": "ca", "profile": "sub"}
    call("pki_sign", ca_dir=str(vault), profiles=profiles, certificates=[one])
    assert call("pki_ca", **params)["cas"][0]["state"] == "created"
    assert [(line["host"], line["path"]) for line in record(pki)] == [("localhost", str(pki / "sub.crt"))]
    assert not call("pki_ca", **params)["changed"]
    act("pki_certificate", **keep(pki, ca="sub", chain=True))
    chained = tmp_path / "host/a.crt"
    openssl("verify", "-x509_strict", "-CAfile", vault / "ca.crt", "-untrusted", chained, chained)


def test_ca_of_a_company(tmp_path: Path) -> None:
    """Of a bundle only the CA itself is trusted, also where it is no root; the rest is the chain."""
    company, pki = tmp_path / "company", tmp_path / "pki"
    chain = [{"name": "root"}, {"name": "ca", "signed_by": "root"}]
    act("pki_ca", ca_dir=str(company), cas=chain)
    (company / "bundle.pem").write_bytes((company / "ca.crt").read_bytes() + (company / "root.crt").read_bytes())
    one = {"name": "ca", "import_certificate": f"{company}/bundle.pem", "import_key": f"{company}/ca.key"}
    act("pki_ca", ca_dir=str(pki), cas=[one])
    assert (pki / "ca.crt").read_bytes() == (company / "ca.crt").read_bytes()
    act("pki_certificate", **keep(pki, sans=["127.0.0.1"], chain=True))
    chained = tmp_path / "host/a.crt"
    openssl("verify", "-x509_strict", "-CAfile", company / "root.crt", "-untrusted", chained, chained)
    (port,) = free_ports(1)
    programs = Programs(tmp_path)
    key = ["-cert", chained, "-key", tmp_path / "host/a.key"]
    programs.start("openssl", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", *key])

    def trusted(ca: Path) -> bool:
        try:
            return request(f"https://127.0.0.1:{port}/", tls=Tls(ca=str(ca))).status == 200
        except HttpError:
            return False

    try:
        programs.wait_until("openssl", lambda: trusted(pki / "ca.crt"))
        act("pki_ca", ca_dir=str(tmp_path / "other"), cas=[{"name": "ca"}])
        assert not trusted(tmp_path / "other/ca.crt")
    finally:
        programs.stop_all()


def test_a_run_installs_the_ca_that_replaced_its_own_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that waits for a renewal or a rotation installs the certificate that is current afterwards."""
    pki, locked = tmp_path / "pki", Store.locked
    for directory in (pki, tmp_path / "next"):
        act("pki_ca", ca_dir=str(directory), cas=[{"name": "ca"}])

    @contextmanager
    def after_the_other(store: Store) -> Iterator[None]:
        for name in ("ca.crt", "ca.key"):
            shutil.copy(tmp_path / "next" / name, pki / name)
        with locked(store):
            yield

    monkeypatch.setattr(Store, "locked", after_the_other)
    trust = [{"ca": "ca", "path": str(tmp_path / "host/ca.crt")}]
    assert call("pki_certificate", **keep(pki), trust=trust)["changed"]
    assert not call("pki_certificate", **keep(pki), trust=trust)["changed"]
    openssl("verify", "-CAfile", tmp_path / "host/ca.crt", tmp_path / "host/a.crt")
    assert (tmp_path / "host/ca.crt").read_bytes() == (tmp_path / "next/ca.crt").read_bytes()
