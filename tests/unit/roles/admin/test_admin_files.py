# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role admin puts into root's shells, checked by the shells."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.roles.rendered import Rendered

FILES = {Path(item["path"]).name: item["content"] for item in Rendered("admin", "k1", {}, {}).value("_admin_files")}


@pytest.mark.parametrize(
    ("admin_conf", "own_config", "given", "expected"),
    [
        (True, False, None, "{admin}"),
        (True, False, "/elsewhere", "/elsewhere"),
        (True, True, None, "unset"),
        (False, False, None, "unset"),
    ],
)
def test_login_shell_uses_the_masters_kubeconfig(
    admin_conf: bool, own_config: bool, given: str | None, expected: str, tmp_path: Path
) -> None:
    """Only where it is readable, and only where the user has not chosen another one; also in a plain sh with -eu."""
    admin = tmp_path / "admin.conf"
    if admin_conf:
        admin.touch()
    if own_config:
        (tmp_path / ".kube").mkdir()
        (tmp_path / ".kube/config").touch()
    script = FILES["kubectl.sh"].replace("/etc/kubernetes/admin.conf", str(admin)) + 'echo "${KUBECONFIG:-unset}"\n'
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], **({"KUBECONFIG": given} if given else {})}
    done = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == expected.format(admin=admin)


def test_completion_comes_from_the_installed_kubectl(tmp_path: Path) -> None:
    """The file loads what the installed kubectl prints."""
    kubectl = tmp_path / "kubectl"
    kubectl.write_text('#!/bin/sh\n[ "$*" = "completion bash" ] && echo "complete -W probe kubectl"\n')
    kubectl.chmod(0o755)
    script = FILES["kubectl"] + "complete -p kubectl\n"
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "complete -W 'probe' kubectl"
