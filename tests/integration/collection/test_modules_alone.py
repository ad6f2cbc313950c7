# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module by itself, without roles.

It works here, or it needs what this machine lacks (an API server, etcd, systemd) and says so in one error.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.tools.lab import TOP, tool

MODULES = sorted(path.stem for path in (TOP / "plugins" / "modules").glob("*.py"))
HAS_SYSTEMD = Path("/run/systemd/system").is_dir()
SYSTEMD = "" if HAS_SYSTEMD else r"systemctl show: .*; systemd must be PID 1"

# No server is there.
URL = "https://127.0.0.1:9"
FILES = {"ca": "TOP/pki/ca.crt", "cert": "TOP/admin.crt", "key": "TOP/admin.key"}
API: dict[str, Any] = {"servers": [URL], **FILES}
ETCD: dict[str, Any] = {"endpoints": [URL], **FILES}
NO_SERVER = r"no response \(refused\): .*Connection refused; check that the process runs .* on this address"
NO_PROGRAM = r"TOP/none: cannot be run: No such file or directory; install etcdctl"
CA = {"ca_dir": "TOP/pki"}
ADMIN = {"path": "TOP/admin", "ca": "ca", "profile": "peer", "common_name": "admin", "sans": ["localhost"]}
TOOL = {"name": "tool", "version": "1.2.3", "binaries": ["tool"], "dest": "TOP/links"}
KUBECTL = {"kubectl": "TOP/none", "kubeconfig": "TOP/admin.conf"}
KUBECONFIG = {"path": "TOP/kc", "server": URL, "ca": "TOP/pki/ca.crt", "certificate": "TOP/admin", "user": "admin"}

# Options by module, and a file that the module writes, or the problem or the error that it reports.
WRITES: dict[str, tuple[dict[str, Any], str]] = {
    "artifact": (
        {"components": [TOOL], "source": {"binary_dir": "TOP/bin", "cache_dir": "TOP/cache"}, "root": "TOP/opt"},
        "TOP/links/tool",
    ),
    "bundle": (
        {
            "path": "TOP/bundle.tar",
            "version": "1.36.2",
            "components": [TOOL],
            "source": {"binary_dir": "TOP/bin", "cache_dir": "TOP/cache"},
        },
        "TOP/bundle.tar",
    ),
    "files": ({"files": [{"path": "TOP/file", "content": "text\n"}]}, "TOP/file"),
    "kubeconfig": ({"kubeconfigs": [KUBECONFIG]}, "TOP/kc"),
    "kubelet_certificate": (
        {"node": "n1", "state": "requested", "directory": "TOP/kubelet"},
        "TOP/kubelet/kubelet-client.key.tmp",
    ),
    "pki_ca": ({"ca_dir": "TOP/new", "cas": [{"name": "ca"}], "key_pairs": [{"name": "sa"}]}, "TOP/new/sa.key"),
    "pki_certificate": ({**CA, "certificates": [{**ADMIN, "path": "TOP/other"}]}, "TOP/other.crt"),
    "pki_crl": ({**CA, "ca": "ca"}, "TOP/pki/ca.crl"),
    "pki_rotation": ({**CA, "cas": [{"name": "ca"}], "step": "trust"}, "TOP/pki/rotation.json"),
    "pki_store": (
        {**CA, "passphrase": "secret", "copies": {"n1": {"header": ""}}, "state": "saved"},
        "TOP/pki/.store/copy",
    ),
    "pki_sign": (
        {**CA, "certificates": [{"request": "TOP/r.csr", "path": "TOP/r.crt", "ca": "ca", "profile": "client"}]},
        "TOP/r.crt",
    ),
}
REPORTS: dict[str, tuple[dict[str, Any], str]] = {
    "boot_info": ({"booted_before": "2001-01-01T00:00:00Z"}, r'"boot_id"'),
    "cached_results": ({"directory": "TOP/cached-results"}, r'"valid": \{\}'),
    "certificate_report": ({"inspections": {"n1": {}}}, r"n1: "),
    "cluster_info": ({**API, "nodes": ["n1"]}, NO_SERVER),
    "cluster_lock": (API, NO_SERVER),
    "cluster_status": ({**API, "etcd": ETCD}, r"refuses connections"),
    "etcd_data": ({"paths": ["TOP/etcd"]}, r'"moved": \{\}'),
    # Nothing is deployed here, so the part is not even inspected.
    "host_reset": ({"parts": [{"name": "none", "directories": ["TOP/none"]}]}, r'"changes": \[\]'),
    "host_firewall": ({}, r'"changes": \[\]'),
    "host_preflight": ({"groups": ["node"], "address": "192.0.2.77"}, r"192\.0\.2\.77"),
    "host_status": ({"units": [{"unit": "hardway-none"}]}, SYSTEMD or r"hardway-none"),
    "host_settings": ({"modules_file": "TOP/modules", "sysctls_file": "TOP/sysctls"}, r'"host_features"'),
    "pki_bundle": ({"certificate": "TOP/admin.crt", "roots": ["TOP/pki/ca.crt"]}, r"BEGIN CERTIFICATE"),
    "pki_info": ({"files": [{"path": "TOP/admin.crt"}]}, r'"CN=admin"'),
    "pki_store_copy": ({"path": "TOP/none"}, r'"header": ""'),
    "role_arguments": ({"hosts": ["localhost"]}, r'"problems": \[\]'),
    "running_info": ({"servers": [URL]}, r'"running"'),
    "status_report": ({"inventory": {"name": "prod"}, "hosts": {"n1": {}}}, r"host n1: not reached"),
    "support_bundle": ({"path": "TOP/support.tar.gz", "hosts": {"n1": {}}}, r'"n1": "not reached"'),
    "support_info": ({"directories": ["TOP/admin.crt"]}, r'"part": ".*hardway-support/localhost"'),
    "host_inputs": ({"hosts": ["localhost"], "groups": {}, "pki_dir": "TOP/pki"}, r'"up_to_date": \[\]'),
    "up_to_date": ({"inputs": "x", "path": "TOP/mark"}, r'"invalid": \[\]'),
    "workload_check": ({**API, **KUBECTL, "image": "busybox"}, NO_SERVER),
}
FAILS: dict[str, tuple[dict[str, Any], str]] = {
    "authorization_check": (
        {"config": {}, "binary": "TOP/none"},
        r"none: cannot be run: No such file or directory; install it",
    ),
    "bootstrap_token": (API, NO_SERVER),
    "bundle_unpack": ({"path": "TOP/r.csr", "cache_dir": "TOP/cache"}, r"r\.csr: is damaged or incomplete .*; copy it"),
    "bootstrap_token_info": (API, NO_SERVER),
    "container_stop": (
        {"socket": "TOP/none"},
        r"TOP/none: ListContainers: No such file .*; see journalctl",
    ),
    "cluster_record": ({**API, "name": "kubernetes"}, NO_SERVER),
    "csr_approval": ({**API, "nodes": [{"name": "n1"}], "timeout": 1}, NO_SERVER),
    "drain_info": ({**API, "nodes": ["n1"]}, NO_SERVER),
    "drill_client": (
        {**API, "endpoint": URL, "watch": "lease", "seconds": 1, "marker": "TOP/marker"},
        r"cluster: not healthy before the drill: .* refuses connections",
    ),
    "encryption_key": (CA, r"pki/secrets/encryption\.key: does not exist or has no key; create it with role ca"),
    "etcd_auth": ({**ETCD, "etcdctl": "TOP/none"}, NO_PROGRAM),
    "etcd_backup": ({"unit": "hardway-none"}, SYSTEMD or r"hardway-none.service: no such unit on this host; run site"),
    "etcd_encryption": ({**ETCD, "etcdctl": "TOP/none"}, NO_PROGRAM),
    "etcd_health": ({**ETCD, "timeout": 1}, NO_SERVER),
    "etcd_key": ({**ETCD, "etcdctl": "TOP/none", "path": "/key", "value": "text"}, NO_PROGRAM),
    "etcd_restore": (
        {"state": "prepared", "id": "x", "source": "TOP/none", "name": "m1", "members": {"m1": URL}, "data_dir": "TOP"},
        r"none: no such file on this host; copy it",
    ),
    "etcd_defragment": ({**ETCD, "etcdctl": "TOP/none"}, NO_PROGRAM),
    "etcd_member": ({**ETCD, "name": "m1", "state": "absent", "timeout": 1}, rf"no voter is healthy: .*{NO_SERVER}"),
    "etcd_snapshot": ({**ETCD, "etcdctl": "TOP/none", "timeout": 1}, r"no voter is healthy"),
    "flag_check": ({"path": "TOP/none", "flags": []}, r"none: cannot be run: No such file or directory; install it"),
    "image_archive": ({"archives": ["TOP/r.csr"], "inspect_only": True}, r"r\.csr: no readable archive.*; use"),
    "manifest": ({**KUBECTL, "content": "{kind: Namespace}"}, r"kubectl: TOP/none does not exist; install it"),
    "node_drain": ({**API, "node": "n1"}, NO_SERVER),
    "node_settings": ({**API, "nodes": [{"name": "n1", "labels": {"a": "b"}}], "timeout": 1}, NO_SERVER),
    "node_removal": ({**API, "node": "n1"}, NO_SERVER),
    "storage_migration": ({**API, "resources": ["secrets"]}, NO_SERVER),
    "upgrade_info": (API, NO_SERVER),
    "unit": ({"units": [{"name": "hardway-none"}]}, SYSTEMD or r"hardway-none"),
    "unit_outage": ({"units": ["hardway-none"]}, SYSTEMD or r"hardway-none: not active, so there is nothing to stop"),
}
(REPORTS if HAS_SYSTEMD else FAILS)["host_health"] = (
    {"services": [{"unit": "hardway-none"}]},
    SYSTEMD or r"hardway-none",
)
(REPORTS if HAS_SYSTEMD else FAILS)["etcd_restore_info"] = (
    {"unit": "hardway-none", "data_dir": "TOP", "backup_dir": "TOP"},
    SYSTEMD or r'"restores": \[\]',
)

pytestmark = pytest.mark.slow


def play(place: Path, tasks: dict[str, dict[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Run tasks on this machine, those after a failure too; return how each ended and its result, by its name."""
    named = [{"name": name, "ignore_errors": True, **task} for name, task in tasks.items()]
    content = json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": named}]).replace("TOP", str(place))
    (place / "play.yml").write_text(content, encoding="utf-8")
    command = [tool("ansible-playbook"), str(place / "play.yml"), "-i", "localhost,", "-c", "local", "-v"]
    settings = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")}
    done = subprocess.run(command, cwd=TOP, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert "Traceback" not in said and "[WARNING]" not in said, said
    ends = re.findall(
        r"^TASK \[(.+?)\] \*+$.*?^(ok|changed|fatal): \[localhost\](?:: FAILED!)? => (\{.*?\})$",
        done.stdout,
        re.DOTALL | re.MULTILINE,
    )
    assert [name for name, _, _ in ends] == list(tasks), said
    return {name: (end, dict(json.loads(result))) for name, end, result in ends}


def module_task(module: str, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a task."""
    return {f"hardway.kubernetes.{module}": options, **more}


def writing_tasks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield, of each module that writes, the tasks with and without check mode, each with whether the file exists."""
    for module, (options, path) in WRITES.items():
        for moment in ("predicted", "done", "repeated"):
            yield f"{module} {moment}", module_task(module, options, check_mode=moment == "predicted")
            yield f"{module} {moment}: file", {"ansible.builtin.stat": {"path": path}}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return how each task ended, in a directory with a CA, a certificate of it, a CSR, and a binary."""
    top = tmp_path_factory.mktemp("alone")
    openssl = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout r.key -out r.csr -subj /CN=r"
    subprocess.run(openssl.split(), cwd=top, check=True, capture_output=True)
    (top / "bin").mkdir()
    (top / "bin" / "tool").write_text("#!/bin/sh\n", encoding="utf-8")
    (top / "bin" / "tool").chmod(0o755)
    return play(
        top,
        {
            "a CA": module_task("pki_ca", {**CA, "cas": [{"name": "ca"}]}),
            "a certificate": module_task("pki_certificate", {**CA, "certificates": [ADMIN]}),
            **dict(writing_tasks()),
            **{module: module_task(module, options) for module, (options, _) in {**REPORTS, **FAILS}.items()},
            "the directory": {"ansible.builtin.stat": {"path": "TOP"}},
        },
    )


def test_each_module_has_a_case() -> None:
    assert sorted([*WRITES, *REPORTS, *FAILS]) == MODULES


@pytest.mark.parametrize("module", WRITES)
def test_it_writes_and_then_changes_nothing(module: str, results: dict[str, tuple[str, dict[str, Any]]]) -> None:
    ends = [results[f"{module} {moment}"][0] for moment in ("predicted", "done", "repeated")]
    # It is called once for each node that joins, and documents that it always generates a key.
    assert ends == ["changed", "changed", "changed" if module == "kubelet_certificate" else "ok"]
    found = [results[f"{module} {moment}: file"][1]["stat"]["exists"] for moment in ("predicted", "done", "repeated")]
    assert found == [False, True, True]


@pytest.mark.parametrize("module", REPORTS)
def test_it_reports(module: str, results: dict[str, tuple[str, dict[str, Any]]]) -> None:
    end, result = results[module]
    assert end == "ok" and re.search(REPORTS[module][1], json.dumps(result, ensure_ascii=False)), result


@pytest.mark.parametrize("module", FAILS)
def test_it_fails_with_one_error(module: str, results: dict[str, tuple[str, dict[str, Any]]]) -> None:
    end, result = results[module]
    place = results["the directory"][1]["stat"]["path"]
    assert end == "fatal" and re.search(FAILS[module][1].replace("TOP", place), result["msg"]), result
    assert "\n" not in result["msg"], result["msg"]
