# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the packages of module_utils import only those of the layers below their own, and in no circle.

With --show, print the layers with the imports between them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
ROOT = TOP / "plugins" / "module_utils"
PREFIX = "ansible_collections.hardway.kubernetes.plugins."
# From the bottom to the top. A package imports only those of the layers below its own.
LAYERS = (
    ("_common",),
    ("_http",),
    ("_pki.spec",),
    ("_pki.x509",),
    ("_pki.ca", "_pki.inspect", "_artifact", "_etcd", "_kubernetes"),
    ("_systemd", "_firewall"),
    ("_host",),
    ("_pki.host",),
    ("_cluster",),
    ("_preflight",),
)


def package_of(module: str) -> str:
    """Return the package of a module of module_utils, of the PKI's the inner one."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "_pki" else parts[0]


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return the files below module_utils by their dotted names."""
    return {".".join(path.relative_to(root).with_suffix("").parts): path for path in sorted(root.rglob("*.py"))}


def imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Yield what a file imports of module_utils and of other plugins, by dotted names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(PREFIX):
            continue
        name = str(node.module).removeprefix(PREFIX)
        if not name.startswith("module_utils"):
            yield name
            continue
        package = name.removeprefix("module_utils").removeprefix(".")
        for alias in node.names:
            whole = f"{package}.{alias.name}".removeprefix(".")
            yield whole if whole in known else package


def problems(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the imports that the layers do not allow, and the circles."""
    level = {package: number for number, layer in enumerate(LAYERS) for package in layer}
    found = []
    for module, targets in graph.items():
        here = package_of(module)
        if here not in level:
            found.append(f"module_utils/{module}: is of no layer; put its package into {Path(__file__).name}")
            continue
        for target in sorted(targets):
            there = package_of(target)
            if there not in level:
                found.append(f"{module}: imports {target}, which is no module of module_utils")
            elif there != here and level[there] >= level[here]:
                found.append(f"{module}: imports {target}, which is of a layer above or beside it")
    return [*found, *(f"circle: {' → '.join(circle)}" for circle in circles(graph))]


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return a way from a module to itself for each circle of imports."""
    found: list[list[str]] = []
    done: set[str] = set()

    def follow(module: str, way: list[str]) -> None:
        if module in way:
            found.append([*way[way.index(module) :], module])
        elif module not in done:
            for target in sorted(graph.get(module, ())):
                follow(target, [*way, module])
            done.add(module)

    for module in graph:
        follow(module, [])
    return found


def show(graph: Mapping[str, set[str]]) -> str:
    """Return the layers, from the top, each package with its number of modules and what it imports."""
    lines = []
    for layer in reversed(LAYERS):
        for package in layer:
            own = [module for module in graph if package_of(module) == package]
            uses = sorted({package_of(target) for module in own for target in graph[module]} - {package})
            lines.append(f"{package:<14} {len(own):>2} modules  imports {', '.join(uses) or 'nothing'}")
        lines.append("")
    return "\n".join(lines).rstrip()


def main() -> int:
    """Print every problem, or the layers; return the exit status."""
    known = modules()
    graph = {module: set(imported(path, known)) - {module} for module, path in known.items()}
    if "--show" in sys.argv[1:]:
        print(show(graph))
        return 0
    found = problems(graph)
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
