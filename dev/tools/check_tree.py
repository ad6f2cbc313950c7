# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check limits that no linter knows: sizes, forbidden actions, file headers, the files of a role."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[2]
LIMITS = (("roles/*/tasks/*.yml", 100), ("plugins/**/*.py", 400))
FORBIDDEN = {"ignore_errors", "shell", "raw", "ansible.builtin.shell", "ansible.builtin.raw"}
NESTED = ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always")
ROLE_FILES = ("defaults/main.yml", "meta/main.yml", "meta/argument_specs.yml")
SUPPORT = "tests.support"
HEADER = "# SPDX-License-Identifier: GPL-3.0-or-later"


def tracked() -> list[Path]:
    """Return the files that git knows or would add, as paths relative to the top."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout.splitlines()
    return [Path(name) for name in names if (TOP / name).is_file()]


def file_problems(path: Path) -> list[str]:
    """Return what is wrong with one file."""
    if b"\0" in (TOP / path).read_bytes() and not path.is_relative_to("docs/images"):
        return [f"{path}: is binary; only docs/images has such files"]
    if path.suffix not in (".py", ".yml"):
        return []
    lines = (TOP / path).read_text(encoding="utf-8").splitlines()
    found = [
        f"{path}: {len(lines)} lines, at most {limit}"
        for pattern, limit in LIMITS
        if is_below(path, pattern) and len(lines) > limit
    ]
    if path.suffix == ".py" and lines and HEADER not in lines[:6]:
        found.append(f"{path}: begins without the licence header")
    if path.suffix == ".py" and path.is_relative_to("tests"):
        found += [f"{path}: imports {name}; move it to tests/support" for name in helpers("\n".join(lines))]
    if path.match("roles/*/tasks/*.yml") or is_below(path, "playbooks/**/*.yml"):
        found += [f"{path}: {task}: no {word}" for task, word in forbidden_words(yaml.safe_load("\n".join(lines)))]
    return found


def is_below(path: Path, pattern: str) -> bool:
    """Return whether a path matches a pattern in which ** stands for any number of directories, also none."""
    head, deep, tail = pattern.partition("**/")
    return path.match(pattern) if not deep else path.is_relative_to(head) and path.match(tail)


def helpers(text: str) -> Iterator[str]:
    """Yield what a file below tests imports of tests, except from tests.support."""
    inside = {path.stem for path in (TOP / "tests").iterdir()}
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "tests" else [module]
        for name in names:
            relative, first = name.startswith("."), name.partition(".")[0]
            if relative or ((first == "tests" or first in inside) and not f"{name}.".startswith(f"{SUPPORT}.")):
                yield name


def forbidden_words(tasks: Any) -> Iterator[tuple[str, str]]:
    """Yield the name of each task, also in plays and blocks, that uses a word it must not."""
    for task in tasks or []:
        for word in FORBIDDEN & task.keys():
            yield task.get("name", "a task"), word
        for key in NESTED:
            yield from forbidden_words(task.get(key))


def role_problems() -> list[str]:
    """Return the files that a role must have and does not have."""
    roles = [path.relative_to(TOP) for path in (TOP / "roles").iterdir() if path.is_dir()]
    return [f"{role}: no {name}" for role in roles for name in ROLE_FILES if not (TOP / role / name).is_file()]


def main() -> int:
    """Print every problem; return the exit status."""
    problems = role_problems()
    for path in tracked():
        problems += file_problems(path)
    for problem in sorted(problems):
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
