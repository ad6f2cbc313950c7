# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of words reports words with a standard term, with that term, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dev.tools import check_words
from dev.tools.check_words import is_checked, main, problems


@pytest.mark.parametrize(
    ("line", "reported"),
    [
        ("# The authorities of the cluster.", ['authorities; say "CA"']),
        ("- name: Mend what nobody owns", ['Mend; say "fix"', 'nobody; say "no user, no client"']),
        ("less than a part of its life", ['part of its life; say "fraction of the validity period"']),
        ("laid them down, made again", ['laid them down; say "write"', 'made again; say "reissue, recreate"']),
        ("  certificate-authority: /etc/kubernetes/pki/ca.crt", []),
        ("  kubelet-certificate-authority: x", []),
        ("a recommended, commented and amended line; the half-life of a lease", []),
        ("_told, told_by, whose-authority", []),
        ("pki_authority_dir: x", ['pki_authority_dir; say "CA"']),
        ("authority_key_id, a lifetime and the whole of it", []),
        ("- name: Have a bootstrap token", ['name: Have; say "a verb for what the task does"']),
        ("class Keeper:", ['Keeper; say "a noun for what it is"']),
        ("    def outside(self):", ['def outside; say "a verb for what it does"']),
        ("reason: FalseClaim", ['FalseClaim; say "MatchesInventory, DoesNotMatchInventory"']),
        (
            "def test_somebody_is_told() -> None:",
            ['somebody; say "another user, you"', 'told; say "report, show, set"'],
        ),
    ],
)
def test_words_with_a_standard_term_are_reported(line: str, reported: list[str]) -> None:
    assert sorted(problems("roles/x.yml", f"\n{line}\n")) == sorted(f"roles/x.yml:2: {text}" for text in reported)


@pytest.mark.parametrize(
    ("path", "checked"),
    [
        ("roles/etcd/tasks/main.yml", True),
        ("site.yml", True),
        ("changelogs/fragments/1.yml", False),
        ("dev/standins/data/x.json", False),
        ("LICENSE", False),
        ("rolesx/a.yml", False),
    ],
)
def test_only_texts_of_the_trees_are_checked(path: str, checked: bool) -> None:
    trees = ("roles", "site.yml", "changelogs", "dev", "LICENSE")
    assert is_checked(Path(path), trees) is checked


def test_problems_are_printed_and_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles/a.yml").write_text("# Learn it.\n", encoding="utf-8")
    (tmp_path / "roles/b.bin").write_bytes(b"\xff told\n")
    monkeypatch.setattr(check_words, "TOP", tmp_path)
    listed = [Path("roles/a.yml"), Path("roles/b.bin"), Path("changelogs/a.yml")]
    monkeypatch.setattr(check_words, "tracked", lambda: listed)
    assert main() == 1
    assert capsys.readouterr().err == 'roles/a.yml:1: Learn; say "gather, read"\n'
    (tmp_path / "roles/a.yml").write_text("# Gather it.\n", encoding="utf-8")
    assert main() == 0
    (tmp_path / "roles/needles.py").write_text("", encoding="utf-8")
    listed.append(Path("roles/needles.py"))
    assert main() == 1, "names of files are checked, too"


def test_the_tool_runs_as_a_program() -> None:
    """As ``make lint`` calls it."""
    tool = Path(check_words.__file__)
    result = subprocess.run(["python3", tool], cwd=tool.parents[2], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
