# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIS Kubernetes benchmark 1.12 on the files of a node, as kube-bench's cfg/cis-1.12/node.yaml asks."""

from __future__ import annotations

from tests.support.roles.node import host

# kube-bench has ChaCha20 under these names here, and under the newer ones for the API server.
STRONG_CIPHERS = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
}


def test_files_of_the_kubelet_are_private() -> None:
    """4.1.1, 4.1.5, 4.1.9; owner root is the module's default."""
    of = host()
    modes = {item["path"]: item.get("mode") for item in of.value("_node_files") + of.value("_node_joined_files")}
    assert modes["/etc/systemd/system/kubelet.service"] == "0600"
    assert modes["/var/lib/kubelet/config.yaml"] == modes["/etc/kubernetes/kubelet.conf"] == "0600"


def test_kubelet_configuration_passes() -> None:
    """4.2.1 to 4.2.14, except 4.2.7: a node has the name of the inventory."""
    config = host().value("_node_kubelet_config")
    assert config["authentication"]["anonymous"]["enabled"] is False
    assert config["authorization"]["mode"] == "Webhook"
    assert config["authentication"]["x509"]["clientCAFile"]
    assert config["readOnlyPort"] == 0
    assert config["streamingConnectionIdleTimeout"] != 0
    assert config["makeIPTablesUtilChains"] is True
    assert config["eventRecordQPS"] >= 0
    assert config["tlsCertFile"] and config["tlsPrivateKeyFile"]
    assert config["rotateCertificates"] is True
    assert set(config["tlsCipherSuites"]) <= STRONG_CIPHERS
    assert config["podPidsLimit"] > 0
    assert config["seccompDefault"] is True


def test_kube_proxy_serves_its_metrics_only_on_loopback() -> None:
    """4.3.1."""
    assert host().value("_node_kube_proxy_config")["metricsBindAddress"].startswith("127.0.0.1:")
