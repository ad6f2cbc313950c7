# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins report the machine that they run on."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from dev.standins.standin.apiserver.api import Api
from dev.standins.standin.core.client import Files
from dev.standins.standin.core.flags import Refusal
from dev.standins.standin.core.server import Request
from dev.standins.standin.kubelet import Kubelet


@pytest.mark.parametrize(("machine", "wanted"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "riscv64")])
def test_the_architecture_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch, machine: str, wanted: str) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=machine, release="6.1", nodename="n1"))
    parts: Any = SimpleNamespace(user=lambda _: SimpleNamespace(name="a"), allows=lambda *_: True, note=lambda *_: None)
    answer: Any = Api("1.36.2", parts, parts, parts, parts, Files("")).answer(
        Request("GET", "/version", {}, {}, b"", [], "192.0.2.1")
    )
    assert answer.content["platform"] == f"linux/{wanted}"
    kubelet: Any = Kubelet.__new__(Kubelet)
    kubelet.name, kubelet.config = "n1", {"containerRuntimeEndpoint": "unix:///nonexistent"}
    kubelet.program = SimpleNamespace(
        version="1.36.2", get=lambda name, default=None: {"node-ip": "192.0.2.1"}.get(name, default)
    )
    node = kubelet.node()
    assert node["metadata"]["labels"]["kubernetes.io/arch"] == node["status"]["nodeInfo"]["architecture"] == wanted


@pytest.mark.parametrize("value", [1, 0.5, True, {}])
def test_a_quantity_that_is_no_text_is_refused(value: Any) -> None:
    kubelet: Any = Kubelet.__new__(Kubelet)
    kubelet.config = {"kubeReserved": {"cpu": value}}
    kubelet.program = SimpleNamespace(hold=lambda _config, _kind: None)
    with pytest.raises(Refusal, match="cannot unmarshal"):
        kubelet._check()
