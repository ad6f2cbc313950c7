# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that the playbook kubeconfig writes, as a real API server sees it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.support.api.kubernetes import RealKubernetes, expire
from tests.support.api.requests import until
from tests.support.hosts.site import Site

BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


def kubectl(kubernetes: RealKubernetes, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run kubectl with a kubeconfig."""
    line = [kubernetes.binary("kubectl"), *arguments, "--kubeconfig", path]
    settings = {**os.environ, "HOME": str(path.parent)}
    return subprocess.run(line, env=settings, capture_output=True, text=True, check=False)


def test_the_api_knows_user_and_groups_until_the_certificate_has_expired(
    kubernetes: RealKubernetes, repository: Path, tmp_path: Path
) -> None:
    site = Site(repository, tmp_path)
    site.pki.mkdir()
    shutil.copy(kubernetes.ca.ca, site.pki / "ca.crt")
    shutil.copy(kubernetes.ca.ca_key, site.pki / "ca.key")
    site.variables |= {"cluster_api_endpoint": f"127.0.0.1:{kubernetes.port}", "cluster_name": "real"}
    path = tmp_path / "alice.kubeconfig"
    to = ("-e", "user=alice", "-e", "user_groups=dev,ops", "-e", f"kubeconfig={path}")

    def written() -> str:
        done = site.run(*to, playbook="playbooks/kubeconfig.yml")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    written()
    said = kubectl(kubernetes, path, "auth", "whoami", "--output=json")
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)["status"]["userInfo"]
    assert (found["username"], set(found["groups"])) == ("alice", {"dev", "ops", "system:authenticated"})

    may = ("auth", "can-i", "list", "pods")
    assert kubectl(kubernetes, path, *may).stdout == "no\n"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "dev"}
    kubernetes.api().post(BINDINGS, {"metadata": {"name": "dev-view"}, "roleRef": role, "subjects": [group]})
    # The API server's authorizer sees a new binding a moment later.
    assert until(lambda: kubectl(kubernetes, path, *may).stdout == "yes\n", 30)

    expire(kubernetes, site.pki / ".persons/alice")
    old = kubernetes.write_kubeconfig("alice", site.pki / ".persons/alice")
    refused = kubectl(kubernetes, old, "auth", "whoami")
    assert refused.returncode == 1 and "Unauthorized" in refused.stderr + refused.stdout, refused
    assert "changed=2" in written()
    assert kubectl(kubernetes, path, *may).stdout == "yes\n"
    kubernetes.api().delete(f"{BINDINGS}/dev-view")
    assert until(lambda: kubectl(kubernetes, path, *may).stdout == "no\n", 30), "of no use without the binding"
