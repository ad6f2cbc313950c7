# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that flanneld's unit runs: the CNI configuration of a lease, and the cleanup after a former lease."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository import ROLES

PROGRAM = ROLES / "flannel/files/flannel-cni-config"


@pytest.fixture
def program(tmp_path: Path) -> Any:
    """Return the program with all its paths below a directory, and a lease of 10.244.12.0/24."""
    loader = importlib.machinery.SourceFileLoader("flannel_cni_config", str(PROGRAM))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module: Any = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    for name in ("LEASE", "DRAFT", "RESERVED", "RUNNING"):
        setattr(module, name, str(tmp_path / name.lower()))
    module.TARGET = str(tmp_path / "net.d" / "10-flannel.conflist")
    module.TEMPORARY = str(tmp_path / "net.d" / ".10-flannel.new")
    Path(module.LEASE).write_text("FLANNEL_SUBNET=10.244.12.1/24\nFLANNEL_MTU=1450\n")
    draft = {"name": "flannel", "plugins": [{"type": "bridge", "ipam": {"type": "host-local"}}]}
    Path(module.DRAFT).write_text(json.dumps(draft))
    return module


def test_the_configuration_is_that_of_the_lease(program: Any) -> None:
    assert program.main() == 0
    (bridge,) = json.loads(Path(program.TARGET).read_text())["plugins"]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.12.0/24"}]] and bridge["mtu"] == 1450
    before = Path(program.TARGET).stat().st_ino
    assert program.main() == 0 and Path(program.TARGET).stat().st_ino == before


def test_only_sandboxes_of_a_former_lease_are_removed(program: Any) -> None:
    running = {}
    for address, sandbox in (("10.244.11.3", "former"), ("10.244.12.3", "present")):
        reserved, task = Path(program.RESERVED, "flannel"), Path(program.RUNNING, sandbox)
        reserved.mkdir(parents=True, exist_ok=True)
        task.mkdir(parents=True)
        (reserved / address).write_text(f"{sandbox}\r\neth0")
        running[sandbox] = subprocess.Popen(["sleep", "60"])
        (task / "init.pid").write_text(str(running[sandbox].pid))
    # A pod that the host's last power cut has ended, and host-local's own files.
    Path(program.RESERVED, "flannel", "10.244.11.9").write_text("gone\r\neth0")
    Path(program.RESERVED, "flannel", "last_reserved_ip.0").write_text("10.244.11.9")
    try:
        assert program.main() == 0
        assert running["former"].wait(10) != 0
        assert running["present"].poll() is None
    finally:
        for process in running.values():
            process.kill()
            process.wait()
