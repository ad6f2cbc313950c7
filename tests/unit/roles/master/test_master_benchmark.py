# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIS Kubernetes benchmark 1.12 on the control plane's process list, as kube-bench's cfg/cis-1.12/master.yaml asks."""

from __future__ import annotations

import pytest

from tests.support.roles.master import ha

STRONG_CIPHERS = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}
API, MANAGER, SCHEDULER = "kube-apiserver", "kube-controller-manager", "kube-scheduler"
PROCESSES = {process: ha().arguments(process) for process in (API, MANAGER, SCHEDULER)}
# Check, process, flag, comparison, value: those marked automated, and the manual ones that hold by default.
CHECKS = [
    ("1.2.1 (not true)", API, "anonymous-auth", "unset", None),
    ("1.2.2", API, "token-auth-file", "unset", None),
    ("1.2.4", API, "kubelet-client-certificate", "set", None),
    ("1.2.4", API, "kubelet-client-key", "set", None),
    ("1.2.5", API, "kubelet-certificate-authority", "set", None),
    ("1.2.6", API, "authorization-mode", "lacks", "AlwaysAllow"),
    ("1.2.7", API, "authorization-mode", "has", "Node"),
    ("1.2.8", API, "authorization-mode", "has", "RBAC"),
    ("1.2.9", API, "enable-admission-plugins", "has", "EventRateLimit"),
    ("1.2.10", API, "enable-admission-plugins", "lacks", "AlwaysAdmit"),
    ("1.2.12, 1.2.13", API, "disable-admission-plugins", "unset", None),
    ("1.2.14", API, "enable-admission-plugins", "has", "NodeRestriction"),
    ("1.2.15", API, "profiling", "is", "false"),
    ("1.2.16", API, "audit-log-path", "set", None),
    ("1.2.17", API, "audit-log-maxage", "at least", 30),
    ("1.2.18", API, "audit-log-maxbackup", "at least", 10),
    ("1.2.19", API, "audit-log-maxsize", "at least", 100),
    ("1.2.21", API, "service-account-lookup", "is", "true"),
    ("1.2.22", API, "service-account-key-file", "set", None),
    ("1.2.23", API, "etcd-certfile", "set", None),
    ("1.2.23", API, "etcd-keyfile", "set", None),
    ("1.2.24", API, "tls-cert-file", "set", None),
    ("1.2.24", API, "tls-private-key-file", "set", None),
    ("1.2.25", API, "client-ca-file", "set", None),
    ("1.2.26", API, "etcd-cafile", "set", None),
    ("1.2.27", API, "encryption-provider-config", "set", None),
    ("1.2.29", API, "tls-cipher-suites", "only", STRONG_CIPHERS),
    ("1.2.30", API, "service-account-extend-token-expiration", "is", "false"),
    ("1.3.1", MANAGER, "terminated-pod-gc-threshold", "set", None),
    ("1.3.2", MANAGER, "profiling", "is", "false"),
    ("1.3.3", MANAGER, "use-service-account-credentials", "is", "true"),
    ("1.3.4", MANAGER, "service-account-private-key-file", "set", None),
    ("1.3.5", MANAGER, "root-ca-file", "set", None),
    ("1.3.6", MANAGER, "feature-gates", "unset", None),
    ("1.3.7", MANAGER, "bind-address", "is", "127.0.0.1"),
    ("1.4.1", SCHEDULER, "profiling", "is", "false"),
    ("1.4.2", SCHEDULER, "bind-address", "is", "127.0.0.1"),
    ("3.2.1", API, "audit-policy-file", "set", None),
]


def holds(found: list[str], comparison: str, value: object) -> bool:
    """Return whether the values of a flag satisfy the comparison."""
    words = set(found[0].split(",")) if found else set()
    return {
        "unset": lambda: not found,
        "set": lambda: bool(found),
        "is": lambda: found == [value],
        "has": lambda: value in words,
        "lacks": lambda: bool(found) and value not in words,
        "only": lambda: bool(words) and words <= set(value if isinstance(value, set) else ()),
        "at least": lambda: len(found) == 1 and int(found[0]) >= int(str(value)),
    }[comparison]()


@pytest.mark.parametrize(("check", "process", "flag", "comparison", "value"), CHECKS)
def test_flag(check: str, process: str, flag: str, comparison: str, value: object) -> None:
    """The process list shows what the check looks for."""
    found = [a.split("=", 1)[1] for a in PROCESSES[process] if a.startswith(f"--{flag}=")]
    assert holds(found, comparison, value), f"{check}: {flag} is {found}"


def test_first_encryption_provider_is_where_kube_bench_looks() -> None:
    """1.2.28: the line after C(providers:) names a provider that encrypts."""
    lines = ha().file("encryption.yaml").splitlines()
    assert lines[lines.index("    providers:") + 1].strip(" -:") == "secretbox"


def test_files_with_credentials_are_private() -> None:
    """1.1.1 to 1.1.6, of units for want of pods, 1.1.13 to 1.1.21: 0600, and owner root as the module has it."""
    host = ha()
    files = [item for item in host.value("_master_files") if item.get("state") != "absent"]
    modes = {item["path"]: item["mode"] for item in files}
    assert {modes[f"/etc/systemd/system/{process}.service"] for process in PROCESSES} == {"0600"}
    assert modes["/etc/kubernetes/pki/sa.key"] == modes["/etc/kubernetes/encryption.yaml"] == "0600"
    assert all(item.get("secret") for item in files if item["path"].endswith((".key", "encryption.yaml")))
