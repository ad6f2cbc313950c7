# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""support_info against a real API: tables and states, and no Secret."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

from tests.support.api.kubernetes import RealKubernetes

Run = Callable[..., dict[str, Any]]
SECRETS = "/api/v1/namespaces/kube-system/secrets"


def test_objects_of_the_cluster_without_secrets(kubernetes: RealKubernetes, run_module: Run) -> None:
    api, arguments = kubernetes.api(), kubernetes.arguments()
    value = "value of a Secret 4711"
    api.post(SECRETS, {"metadata": {"name": "sesame"}, "stringData": {"password": value}})
    event = {
        "metadata": {"name": "login"},
        "involvedObject": {"kind": "Pod", "namespace": "kube-system", "name": "p"},
        "message": "cannot log in with password=xyzzy at http://bob:xyzzy@h/",
    }
    api.post("/api/v1/namespaces/kube-system/events", event)
    api.post("/api/v1/nodes", {"metadata": {"name": "k9", "annotations": {"kubectl.kubernetes.io/x": "y"}}})
    url = {"name": "kube-apiserver", "url": f"{arguments['servers'][0]}/metrics"}
    tls = {name: arguments[name] for name in ("ca", "cert", "key")}
    directories = [str(kubernetes.directory)]
    try:
        result = run_module(
            "support_info", api={**arguments, "nodes": ["k9"]}, urls=[{**url, **tls}], directories=directories
        )
    finally:
        api.delete("/api/v1/nodes/k9")
        api.delete("/api/v1/namespaces/kube-system/events/login")
        api.delete(f"{SECRETS}/sesame")
    assert result["changed"] is False
    text = gzip.decompress(base64.b64decode(result["content"])).decode()
    files = json.loads(text)
    assert value not in text and base64.b64encode(value.encode()).decode() not in text and "xyzzy" not in text
    assert "PRIVATE KEY" not in text
    assert files["cluster/nodes.txt"].startswith("NAME") and "k9" in files["cluster/nodes.txt"]
    assert "cannot log in" in files["cluster/events-kube-system.txt"]
    assert json.loads(files["cluster/nodes.json"])[0]["metadata"]["name"] == "k9"
    assert "apiserver-" in files["cluster/leases-kube-system.txt"]
    assert "apiserver_request_total" in files["metrics/kube-apiserver.txt"]
    assert "[+]ping ok" in files["cluster/readyz.txt"]
    # No kubelet answers there.
    assert any(error.startswith("cluster/kubelet-metrics/k9.txt: ") for error in result["errors"])
    assert not [error for error in result["errors"] if error.startswith("cluster/") and "kubelet-metrics" not in error]
