# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a real etcd cluster, a real API, and modules run against them in this process."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from tests.support.api.joining import CSRS
from tests.support.api.kubernetes import RealKubernetes
from tests.support.api.programs import RealEtcd, need_programs

MODULES = "ansible_collections.hardway.kubernetes.plugins.modules."


@pytest.fixture
def run_module() -> Callable[..., dict[str, Any]]:
    """Return a function that runs a module and returns its result."""

    def run(name: str, /, *, check: bool = False, diff: bool = False, **arguments: Any) -> dict[str, Any]:
        module = importlib.import_module(MODULES + name)
        output = io.StringIO()
        settings = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
        with (
            patch_module_args({**arguments, **settings}),
            contextlib.redirect_stdout(output),
            pytest.raises(SystemExit),
        ):
            module.main()
        return json.loads(output.getvalue())

    return run


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEtcd]:
    """Start three members; a test that stops one starts it again."""
    need_programs("etcd")
    cluster = RealEtcd(tmp_path_factory.mktemp("etcd"))
    try:
        for name in cluster.names:
            cluster.start(name)
        yield cluster
    finally:
        cluster.programs.stop_all()


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKubernetes]:
    """Start an API with its own etcd member, and a controller-manager that signs."""
    need_programs("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
    directory: Path = tmp_path_factory.mktemp("kubernetes")
    cluster = RealKubernetes(directory)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def token(kubernetes: RealKubernetes, run_module: Callable[..., dict[str, Any]]) -> Iterator[str]:
    """Return a token whose bearers may create CSRs."""
    api = kubernetes.api()
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    binding = {
        "metadata": {"name": "bootstrap"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "system:node-bootstrapper",
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}
            for group in ("system:bootstrappers", "people")
        ],
    }
    if not api.find(path + "/bootstrap"):
        api.post(path, binding)
    yield run_module("bootstrap_token", **kubernetes.arguments())["token"]
    for item in api.get(CSRS)["items"]:
        api.delete(f"{CSRS}/{item['metadata']['name']}")
    run_module("bootstrap_token", **kubernetes.arguments(), state="absent")
