# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of certificates and of their files."""

from __future__ import annotations

import base64
import json
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.tls_peer import plain_chain
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.kubeconfig import Kubeconfig
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.inspect.describe import (
    Thresholds,
    described,
    is_kubeconfig,
    kubeconfig_entries,
    validity_problem,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.inspect.scan import Scan
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.subject import Subject
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509 import issue
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import certificate_pem
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, new_key

KEY, OTHER_KEY = new_key(KeySpec("ecdsa", 256)), new_key(KeySpec("ecdsa", 256))
NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def root(name: str = "ca", days: float = 100) -> t.Any:
    """Return a certificate that is valid for so many days."""
    return issue.root(Subject.from_params(name, [], name), KEY, days * DAY)


def look(files: list[t.Any], **params: t.Any) -> dict[str, t.Any]:
    """Return the result of the module."""
    sources = [{"used_by": [], **({"path": str(item)} if isinstance(item, Path) else item)} for item in files]
    defaults = {"endpoints": [], "warning_days": 30, "critical_days": 7, "timeout": 1, "pem": False}
    return Scan({**defaults, "files": sources, **params}).run()


@pytest.mark.parametrize(
    ("begins", "ends", "state"),
    [
        (-1, 31, "ok"),
        (-1, 29, "warning"),
        (-1, 6, "critical"),
        (-9, 0, "expired"),
        (-9, -1, "expired"),
        (1, 9, "future"),
    ],
)
def test_states(begins: float, ends: float, state: str) -> None:
    assert Thresholds(30, 7).state(NOW + begins * DAY, NOW + ends * DAY, NOW) == state


def test_only_states_that_must_be_fixed_are_problems() -> None:
    soon = described(root(days=20), datetime.now(timezone.utc), Thresholds(30, 7))
    assert soon["state"] == "warning"
    assert validity_problem("x", soon, NOW, 7) == []
    late = {"state": "expired", "not_before": "2026-11-01T00:00:00Z", "not_after": "2026-11-18T00:00:00Z"}
    assert validity_problem("/p/x.crt", late, NOW, 7) == ["/p/x.crt: expired 3d ago; renew it"]


def test_kubeconfigs_of_ours_and_of_json() -> None:
    pem = certificate_pem(root())
    ours = Kubeconfig("c", "https://x:6443", "u", pem, pem, b"key").render().encode()
    assert is_kubeconfig(ours)
    assert [name for name, _value in kubeconfig_entries(ours, "x")] == [
        "certificate-authority-data",
        "client-certificate-data",
        "client-key-data",
    ]
    user = {"client-key": "/k.pem", "client-certificate": "/c.pem"}
    text = json.dumps({"users": [{"name": "u", "user": user}]}, indent=1).encode()
    assert kubeconfig_entries(text, "x") == [("client-key", "/k.pem"), ("client-certificate", "/c.pem")]
    assert not is_kubeconfig(pem)
    assert not is_kubeconfig(b"apiVersion: v1\nkind: Config\n")


def test_a_directory_is_read_recursively_and_other_files_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd/ca.crt").write_bytes(certificate_pem(root("a")) + certificate_pem(root("b")))
    (tmp_path / "etcd/ca.key").write_bytes(key_pem(KEY))
    (tmp_path / ".ca.crt.new").write_bytes(certificate_pem(root("hidden")))
    (tmp_path / "issued.jsonl").write_text("{}\n")
    (tmp_path / "wrong.pem").write_bytes(certificate_pem(root("c")) + key_pem(OTHER_KEY))
    seen = look([tmp_path, {"path": str(tmp_path / "wrong.pem"), "used_by": ["x"]}])
    found = [(item["subject"], item["index"], item["key_matches"], item["used_by"]) for item in seen["certificates"]]
    assert found == [
        (["CN=c"], 0, False, ["x"]),
        (["CN=a"], 0, True, []),
        (["CN=b"], 1, None, []),
    ]
    assert seen["problems"] == [f"{tmp_path}/wrong.pem: the key next to it belongs to another certificate; reissue it"]


def test_files_in_kubeconfigs_are_reported_with_their_user(tmp_path: Path) -> None:
    (tmp_path / "client.pem").write_bytes(certificate_pem(root("client")) + key_pem(KEY))
    ca, pem, key = (base64.b64encode(data).decode() for data in (certificate_pem(root()), b"", key_pem(OTHER_KEY)))
    pem = base64.b64encode(certificate_pem(root("embedded"))).decode()
    (tmp_path / "a.conf").write_text(f"  certificate-authority-data: {ca}\n  client-certificate: client.pem\n")
    (tmp_path / "b.conf").write_text(f"  client-certificate-data: {pem}\n  client-key-data: {key}\n")
    seen = look([{"path": str(tmp_path / name), "used_by": [name]} for name in ("a.conf", "b.conf")])
    found = [(item["where"], item["key_matches"], item["used_by"]) for item in seen["certificates"]]
    assert found == [
        (f"{tmp_path}/a.conf (certificate-authority-data)", None, ["a.conf"]),
        (f"{tmp_path}/client.pem", True, ["a.conf"]),
        (f"{tmp_path}/b.conf (client-certificate-data)", False, ["b.conf"]),
    ]


def test_every_problem_is_reported_and_the_rest_is_still_read(tmp_path: Path) -> None:
    (tmp_path / "torn.crt").write_bytes(certificate_pem(root()).replace(b"M", b"A"))
    (tmp_path / "empty.crt").write_bytes(b"")
    (tmp_path / "torn.conf").write_text("client-certificate-data: A\n")
    (tmp_path / "good.crt").write_bytes(certificate_pem(root(days=2)))
    names = ["none.crt", "torn.crt", "empty.crt", "torn.conf", "good.crt"]
    endpoint = {"endpoint": "127.0.0.1:1", "path": None, "server_name": None, "shared": False, "used_by": []}
    seen = look([tmp_path / name for name in names], endpoints=[endpoint])
    assert [item["path"] for item in seen["certificates"]] == [f"{tmp_path}/good.crt"]
    reasons = ["cannot be read", "damaged", "no PEM certificate", "not base64", "refused", "left, less than 7 days"]
    assert len(seen["problems"]) == len(reasons)
    for reason, problem in zip(reasons, seen["problems"]):
        assert reason in problem


@pytest.mark.parametrize("cut", [0, 4, 60, 200])
def test_an_interrupted_handshake_shows_no_certificate(cut: int) -> None:
    message = b"\x0b" + (306).to_bytes(3, "big") + (303).to_bytes(3, "big") + (300).to_bytes(3, "big") + b"x" * 300
    record = b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message
    assert plain_chain(record) == [b"x" * 300]
    assert plain_chain(record[:cut]) == []
