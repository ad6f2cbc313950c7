# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated hosts: what they find in ansible-core's payload, what they remember, and what they answer."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import module_loader
from ansible.template import Templar
from cryptography import x509

from dev.bench.simulated import answers
from dev.bench.simulated.payload import UnknownPayload, module_call
from dev.bench.simulated.pki import make_due
from dev.bench.simulated.state import Stored

ADDRESS = "10.100.0.1"
UNIT = "/etc/systemd/system/x.service"


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Return hosts with nothing on them."""
    return Stored(tmp_path)


def ask(stored: Stored, module: str, **arguments: Any) -> dict[str, Any]:
    """Return a host's answer."""
    return answers.answer(stored, ADDRESS, module, arguments)


def written(stored: Stored, text: str, path: str = UNIT, **more: Any) -> dict[str, Any]:
    """Write one file."""
    entry = {"path": path, "mode": "0644", "_payload": base64.b64encode(text.encode()).decode()}
    return ask(stored, "files", files=[entry], **more)


def test_the_call_is_found_in_what_ansible_core_sends(tmp_path: Path) -> None:
    given = {"path": 'it\'s "quoted" \\ ü\n', "params": ",\nextensions=", "_ansible_check_mode": False}
    place = module_loader.find_plugin("hardway.kubernetes.files")
    templar = Templar(DataLoader(), variables={"ansible_python_interpreter": "/usr/bin/python3"})
    made = modify_module(
        module_name="hardway.kubernetes.files",
        module_path=place,
        module_args=given,
        templar=templar,
        task_vars={"ansible_python_interpreter": "/usr/bin/python3"},
    )
    assert module_call(made.b_module_data) == ("files", given)


def test_another_payload_is_refused() -> None:
    with pytest.raises(UnknownPayload, match="adapt"):
        module_call(b"print('a module of another form')")


def test_a_file_changes_once_for_each_content(stored: Stored) -> None:
    assert written(stored, "one")["paths"] == {UNIT: ["created"]}
    assert not written(stored, "one")["changed"]
    assert written(stored, "two")["paths"] == {UNIT: ["content"]}
    assert ask(stored, "files", files=[{"path": UNIT, "state": "absent"}])["paths"] == {UNIT: ["removed"]}
    assert not ask(stored, "files", files=[{"path": UNIT, "state": "absent"}])["changed"]


def test_hosts_are_apart(stored: Stored) -> None:
    written(stored, "one")
    entry = {"path": UNIT, "mode": "0644", "_payload": base64.b64encode(b"one").decode()}
    assert answers.answer(stored, "10.100.0.2", "files", {"files": [entry]})["changed"]


def test_a_cached_result_is_valid_until_its_file_changes(stored: Stored) -> None:
    written(stored, "one", _cached_result="key")
    assert ask(stored, "cached_results")["valid"] == {"key": {"paths": {}}}
    written(stored, "two")
    assert ask(stored, "cached_results")["valid"] == {}


def test_a_unit_restarts_for_its_inputs_alone_and_holds_that_back(stored: Stored) -> None:
    wanted = {"units": [{"name": "x", "inputs": ["/etc/x"]}]}
    written(stored, "unit")
    assert ask(stored, "unit", **wanted)["units"]["x.service"]["action"] == "started"
    written(stored, "other", path="/etc/y")
    assert not ask(stored, "unit", **wanted)["changed"]
    written(stored, "input", path="/etc/x")
    assert ask(stored, "unit", _hold=True, **wanted)["_held"] == ["x.service"]
    assert ask(stored, "unit", **wanted)["units"]["x.service"]["action"] == "restarted"
    assert not ask(stored, "unit", **wanted)["changed"]


def test_a_binary_is_missing_until_it_was_copied(stored: Stored) -> None:
    placed = {"component": "etcd", "label": "3.6", "name": "etcd", "dest": "/usr/local/bin", "sha256": "5"}
    path = "/opt/hardway/etcd/3.6/etcd"
    assert ask(stored, "artifact", _placed=[placed], _uploads={})["_missing"] == [path]
    assert ask(stored, "artifact", _placed=[placed], _uploads={path: "/tmp/etcd"})["changed"]
    assert not ask(stored, "artifact", _placed=[placed], _uploads={})["changed"]


def test_a_certificate_is_requested_until_it_was_signed_and_when_it_is_due(stored: Stored) -> None:
    pem = _self_signed()
    wanted = {"certificates": [{"path": "/p/kubelet", "ca": "ca"}], "trust": [{"ca": "ca", "path": "/p/ca.crt"}]}
    first = ask(stored, "pki_certificate", **wanted, _exchange={"cas": {"ca": pem}})
    assert x509.load_pem_x509_csr(first["_requests"]["0"].encode()).is_signature_valid
    signed = {"cas": {"ca": pem}, "signed": {"0": pem}}
    assert ask(stored, "pki_certificate", **wanted, _exchange=signed)["_requests"] == {}
    again = ask(stored, "pki_certificate", **wanted, _exchange={"cas": {"ca": pem}}, _cached_result="key")
    assert not again["changed"] and "key" in ask(stored, "cached_results")["valid"]
    with stored.host(ADDRESS) as host:
        assert make_due(host, "kubelet") and not make_due(host, "unknown")
    assert "key" not in ask(stored, "cached_results")["valid"]
    assert (
        "less than"
        in ask(stored, "pki_certificate", **wanted, _exchange={"cas": {"ca": pem}})["certificates"][0]["reasons"][0]
    )


def test_users_of_packages_are_there_and_others_after_their_role(stored: Stored) -> None:
    def users() -> list[str]:
        wanted = ["etcd", "haproxy", "keepalived_script"]
        return ask(stored, "host_settings", users=wanted)["ansible_facts"]["host_features"]["service_users"]

    assert users() == ["haproxy"]
    ask(stored, "user", name="etcd")
    assert users() == ["etcd", "haproxy"]


def test_an_unknown_module_and_check_mode_fail(stored: Stored) -> None:
    assert ask(stored, "unheard_of")["failed"]
    assert "check mode" in ask(stored, "files", files=[], _ansible_check_mode=True)["msg"]


def test_only_the_shell_commands_of_ansible_core_are_answered() -> None:
    command = (
        '( umask 77 && mkdir -p "` echo /root/.ansible/tmp `"&& mkdir "` echo /root/.ansible/tmp/ansible-tmp-1-2-3 `" )'
    )
    assert answers.shell(command) == "ansible-tmp-1-2-3=/root/.ansible/tmp/ansible-tmp-1-2-3\n"
    with pytest.raises(answers.Unanswerable):
        answers.shell("systemctl restart etcd")


def _self_signed() -> str:
    """Return a certificate."""
    from datetime import datetime, timedelta, timezone

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=90))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
