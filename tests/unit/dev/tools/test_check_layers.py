# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the layers of module_utils, and of the size of files, find violations."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.tools.check_layers import imported, modules, problems
from dev.tools.check_tree import is_below

ABOVE = "which is of a layer above or beside it"


@pytest.mark.parametrize(
    ("module", "target", "said"),
    [
        ("_pki.ca.store", "_pki.spec.subject", ""),
        ("_pki.ca.store", "_pki.ca.contents", ""),
        (
            "_pki.spec.ca",
            "_pki.x509.issue",
            f"_pki.spec.ca: imports _pki.x509.issue, {ABOVE}",
        ),
        (
            "_etcd.auth",
            "_kubernetes.client",
            f"_etcd.auth: imports _kubernetes.client, {ABOVE}",
        ),
        (
            "_host.cached_results",
            "modules.unit",
            "_host.cached_results: imports modules.unit, which is no module of module_utils",
        ),
        ("flat", "_common.errors", "module_utils/flat: is of no layer"),
    ],
)
def test_imports_go_downwards(module: str, target: str, said: str) -> None:
    found = problems({module: {target}})
    assert found == [] if not said else len(found) == 1 and found[0].startswith(said)


def test_circles_are_found_also_within_one_package() -> None:
    graph = {"_etcd.a": {"_etcd.b"}, "_etcd.b": {"_etcd.c"}, "_etcd.c": {"_etcd.a"}, "_etcd.d": {"_etcd.a"}}
    assert problems(graph) == ["circle: _etcd.a → _etcd.b → _etcd.c → _etcd.a"]


def test_imports_are_seen_in_every_form(tmp_path: Path) -> None:
    prefix = "from ansible_collections.hardway.kubernetes.plugins.module_utils"
    (tmp_path / "_etcd").mkdir()
    (tmp_path / "_etcd/auth.py").write_text(
        f"{prefix}._common import wait\n{prefix}._common.errors import HardwayError\n"
        f"def late():\n    {prefix}._etcd import (\n        health,\n    )\nimport json\n"
    )
    for name in ("_common/wait.py", "_common/errors.py", "_etcd/health.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    known = modules(tmp_path)
    assert set(imported(known["_etcd.auth"], known)) == {"_common.wait", "_common.errors", "_etcd.health"}


@pytest.mark.parametrize(
    ("path", "inside"),
    [("plugins/modules/unit.py", True), ("plugins/module_utils/_pki/ca/store.py", True), ("tools/test.py", False)],
)
def test_limits_hold_at_any_depth(path: str, inside: bool) -> None:
    assert is_below(Path(path), "plugins/**/*.py") is inside
