# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real programs of Kubernetes say which flags they do not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dev.standins import use as rehearsal
from dev.tools.lab import kubernetes_version
from tests.support.api.programs import BINARIES, binary

Run = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("name", ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"])
def test_unknown_flags_are_named_and_known_ones_are_not(run_module: Run, name: str) -> None:
    if rehearsal.lacking(kubernetes_version()):
        pytest.skip("stand-ins know no flags")
    given = ["--v=2", "--gone=a", "--feature-gates=Gone=true", "--gone-too"]
    found = run_module("flag_check", path=str(binary(name, BINARIES)), flags=given)
    assert found["unknown"] == ["--gone", "--gone-too"] and found["error"] == "" and found["changed"] is False
    # The kubelet reads its gates when it starts.
    assert found["gates"] == ([] if name == "kubelet" else ["Gone"])
    (wrong,) = [run_module("flag_check", path=str(binary(name, BINARIES)), flags=["--v=z"])["error"]]
    assert wrong.startswith('invalid argument "z" for "-v, --v" flag')
