# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the tree to the limits that no linter knows: sizes, forbidden actions, file headers, the files of a role."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
LIMITS = (("roles/*/tasks/*.yml", 100), ("plugins/modules/*.py", 300), ("plugins/module_utils/*.py", 200))
FORBIDDEN = re.compile(r"^\s*(- )?(ignore_errors:|(ansible\.builtin\.)?(shell|raw):)")
ROLE_FILES = ("defaults/main.yml", "meta/main.yml", "meta/argument_specs.yml")
HEADER = "# SPDX-License-Identifier: GPL-3.0-or-later"


def tracked() -> list[Path]:
    """Return the files that git knows or would add, as paths relative to the top."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout.splitlines()
    return [Path(name) for name in names if (TOP / name).is_file()]


def file_problems(path: Path) -> list[str]:
    """Return what is wrong with one file."""
    if path.suffix not in (".py", ".yml"):
        return []
    lines = (TOP / path).read_text(encoding="utf-8").splitlines()
    found = [
        f"{path}: {len(lines)} lines, at most {limit}"
        for pattern, limit in LIMITS
        if path.match(pattern) and len(lines) > limit
    ]
    if path.suffix == ".py" and lines and HEADER not in lines[:6]:
        found.append(f"{path}: begins without the licence header")
    if path.parts[0] in ("roles", "playbooks"):
        found += [f"{path}:{n}: {line.strip()}" for n, line in enumerate(lines, 1) if FORBIDDEN.match(line)]
    return found


def role_problems() -> list[str]:
    """Return the files that a role must have and has not."""
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
