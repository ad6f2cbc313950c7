# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the stand-ins of a version: one archive under each name, beside the real programs that go with it."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
# The programs of a component go together: stand-ins store objects in another form, and would not go with real ones.
STAND_INS = {"kubernetes": PROGRAMS, "flannel": ("flanneld",)}
# Any Python that is called python3: the system's on hosts, a virtual environment's in tests.
FIRST_LINE = b"#!/usr/bin/env -S python3 -sE\n"


def archive(version: str) -> bytes:
    """Return the executable archive of one Kubernetes version, with PyYAML inside: hosts need not have it."""
    import yaml

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as content:
        texts = members(version, Path(yaml.__file__).parent)
        sources = tuple(item for item in texts.items() if item[0].endswith(".py"))
        everything = {name: text.encode() for name, text in texts.items()} | compiled(sources)
        for name, data in everything.items():
            # A fixed time: the same sources make the same file, which is installed once.
            content.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return FIRST_LINE + packed.getvalue()


@functools.cache
def compiled(sources: tuple[tuple[str, str], ...]) -> dict[str, bytes]:
    """Return sources compiled by this Python, to put beside them: starts take half the time; others skip it."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in sources:
            path = Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        # In a process and with hashes that are always the same, so that the same sources make the same file here, too.
        line = [
            sys.executable,
            "-m",
            "compileall",
            "-q",
            "-b",
            "--invalidation-mode",
            "unchecked-hash",
            "-s",
            directory,
        ]
        subprocess.run([*line, directory], env={**os.environ, "PYTHONHASHSEED": "0"}, check=True)
        found = sorted(Path(directory).rglob("*.pyc"))
        return {str(path.relative_to(directory)): path.read_bytes() for path in found}


def members(version: str, yaml: Path) -> dict[str, str]:
    """Return the archive's files."""
    minor = version.rpartition(".")[0]
    found = {f"yaml/{path.name}": path for path in sorted(yaml.glob("*.py"))}
    found |= {str(path.relative_to(HERE)): path for path in sorted((HERE / "standin").rglob("*.py"))}
    for name in (minor, "flanneld", "limits", "objects", "protobuf_fields", "roles"):
        found[f"standin/data/{name}.json"] = HERE / "data" / f"{name}.json"
    texts = {name: path.read_text(encoding="utf-8") for name, path in found.items()}
    texts["__main__.py"] = texts.pop("standin/__main__.py")
    return {**texts, "standin/data/versions.json": json.dumps({"kubernetes": version})}


def place(path: Path, content: bytes) -> None:
    """Write a program that does not exist or differs; a running one is replaced, not overwritten."""
    if path.is_file() and path.read_bytes() == content:
        return
    with replacing(path) as fresh:
        fresh.write_bytes(content)
        fresh.chmod(0o755)


def build(directory: Path, versions: list[str], ready: Path, components: Collection[str] = tuple(STAND_INS)) -> Path:
    """Fill a directory of binaries: stand-ins of some components, and links to the real programs."""
    for version in versions:
        content = archive(version)
        for program in PROGRAMS if "kubernetes" in components else ():
            place(directory / version / program, content)
        if "flannel" in components:
            place(directory / "flanneld", content)
        link(directory / version / "kubectl", ready / "debian" / "kubectl")
    for real in sorted(ready.iterdir()) if ready.is_dir() else []:
        if real.name[:1].isdigit():
            for path in sorted(real.iterdir()):
                if "kubernetes" not in components or path.name not in PROGRAMS:
                    link(directory / real.name / path.name, path)
        elif not real.name.startswith(".") and not (real.name == "flanneld" and "flannel" in components):
            link(directory / real.name, real)
    return directory


def link(path: Path, target: Path) -> None:
    """Create a link to an existing file."""
    if not target.exists() or (path.is_symlink() and path.readlink() == target):
        return
    with replacing(path) as fresh:
        fresh.symlink_to(target)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path, which atomically replaces the path afterwards; several may do so at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as directory:
        fresh = Path(directory) / path.name
        yield fresh
        fresh.replace(path)


def main() -> None:
    """Build into a directory: python -m dev.standins.build DIRECTORY VERSION… (ready binaries beside it are linked)."""
    directory, versions = Path(sys.argv[1]), sys.argv[2:]
    shutil.rmtree(directory, ignore_errors=True)
    print(build(directory, versions, Path.home() / ".cache" / "hardway" / "bin"))


if __name__ == "__main__":
    main()
