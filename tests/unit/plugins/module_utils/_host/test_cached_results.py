# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a cached result is valid, and which changes invalidate it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import Seen

RUNNING = Seen(load="loaded", active="active", sub="running", file_state="enabled", invocation="a1", main_pid=7)


@pytest.fixture(autouse=True)
def begins(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that starts a module now; at first after everything that a test prepares."""

    def begin(when: float | None = None) -> None:
        monkeypatch.setattr(atomic_files, "BEGAN", time.time() - 0.005 if when is None else when)
        monkeypatch.setattr(atomic_files, "_OURS", set())

    begin(float("inf"))
    return begin


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a file, a directory with one entry, a link, and a cached result about all of them."""
    (tmp_path / "file").write_text("one")
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "a.conf").write_text("a")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    paths = [str(tmp_path / name) for name in ("file", "link", "inputs", "absent")]
    names = [str(tmp_path / "inputs")]
    cached_results.store(
        "files-1",
        {"paths": {}},
        paths=paths,
        names=names,
        units={"x.service": RUNNING},
        health=[{"url": "http://127.0.0.1:1/healthz"}],
        output=[(["/bin/ls", str(tmp_path / "inputs")], "a.conf\n")],
        absent=[str(tmp_path / "absent")],
        directory=str(tmp_path / "cached_results"),
    )
    return tmp_path


def standing(
    place: Path, seen: Seen = RUNNING, clean: bool = False, health: str = "", kernel: dict[str, str] | None = None
) -> dict[str, object]:
    """Return the valid results for a unit in this state, with this answer of its health check, and this kernel."""

    def settled(options: Mapping[str, object]) -> dict[str, object] | None:
        return None if kernel is None else {**kernel, "asked": options}

    directory = str(place / "cached_results")
    return cached_results.valid_results(
        lambda names: dict.fromkeys(names, seen), lambda _asked: health, settled, directory, clean=clean
    )


def test_a_result_is_valid_while_nothing_changed(place: Path) -> None:
    assert standing(place) == {"files-1": {"paths": {}}}


def test_the_state_of_the_kernel_is_the_current_one(place: Path) -> None:
    """The recorded list says what to inspect, not the result; where there is something to do, no result is valid."""
    options = {"modules": ["overlay"]}
    cached_results.store("kernel-1", {}, kernel=options, directory=str(place / "cached_results"))
    assert standing(place, kernel={"swap": "no"})["kernel-1"] == {"swap": "no", "asked": options}
    assert sorted(standing(place, clean=True)) == ["files-1"]
    assert sorted(standing(place, kernel={"swap": "no"})) == ["files-1"]


def same_size_and_times(place: Path) -> None:
    """Write other content of the same size and restore the time of change, as someone who hides it would."""
    info = (place / "file").stat()
    (place / "file").write_text("two")
    os.utime(place / "file", ns=(info.st_atime_ns, info.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda place: (place / "file").write_text("three"),
    "content, hidden": same_size_and_times,
    "mode": lambda place: (place / "file").chmod(0o600),
    "replaced": lambda place: (place / "inputs" / "a.conf").replace(place / "file"),
    "removed": lambda place: (place / "file").unlink(),
    "appeared": lambda place: (place / "absent").write_text(""),
    "directory's mode": lambda place: (place / "inputs").chmod(0o700),
    "new input": lambda place: (place / "inputs" / "b.conf").write_text("b"),
    "link": lambda place: ((place / "link").unlink(), (place / "link").symlink_to(place / "inputs")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_invalidates_it(place: Path, change: str) -> None:
    time.sleep(0.01)  # coarser than the clock of file times
    CHANGES[change](place)
    assert standing(place) == {}


@pytest.mark.parametrize(
    "seen",
    [
        replace(RUNNING, invocation="a2"),
        replace(RUNNING, active="failed"),
        replace(RUNNING, file_state="disabled"),
        replace(RUNNING, need_reload=True),
    ],
)
def test_it_does_not_apply_to_another_process(place: Path, seen: Seen) -> None:
    assert standing(place, seen) == {}


def test_it_ends_at_its_time(tmp_path: Path) -> None:
    for key, until in (("past", time.time() - 1), ("future", time.time() + 60), ("ever", None)):
        cached_results.store(key, {}, until=until, directory=str(tmp_path))
    found = cached_results.valid_results(
        lambda names: {}, lambda health: "", lambda options: None, str(tmp_path), clean=False
    )
    assert set(found) == {"future", "ever"}


def test_invalid_ones_are_removed_only_when_cleaning(place: Path) -> None:
    (place / "file").unlink()
    for clean, left in ((False, 1), (True, 0)):
        standing(place, clean=clean)
        assert len(list((place / "cached_results").iterdir())) == left


def test_an_unhealthy_unit_is_inspected(place: Path) -> None:
    assert standing(place, health="status 500, not 200") == {}


@pytest.mark.parametrize("command", [["/bin/echo", "b"], ["/bin/false"], ["/nowhere/x"]])
def test_a_failing_health_command_leads_to_an_inspection(tmp_path: Path, command: list[str]) -> None:
    for key, said in (("right-1", ["/bin/echo", "a"]), ("wrong-1", command)):
        cached_results.store(key, {}, output=[(said, "a\n")], directory=str(tmp_path))
    assert set(
        cached_results.valid_results(
            lambda names: {}, lambda health: "", lambda options: None, str(tmp_path), clean=False
        )
    ) == {"right-1"}


def test_a_broken_or_old_one_is_ignored_and_removed(place: Path) -> None:
    (place / "cached_results" / "unit-1.json").write_text('{"result": ')
    old = place / "cached_results" / "unit-2.json"
    old.write_text((place / "cached_results" / "files-1.json").read_text())
    os.utime(old, (0, 0))
    assert set(standing(place, clean=True)) == {"files-1"}
    assert [path.name for path in (place / "cached_results").iterdir()] == ["files-1.json"]


def test_the_salt_is_made_once_and_not_in_check_mode(tmp_path: Path) -> None:
    directory = str(tmp_path / "cached_results")
    assert cached_results.salt(directory, make=False) == ""
    made = cached_results.salt(directory, make=True)
    assert made
    assert cached_results.salt(directory, make=True) == cached_results.salt(directory, make=False) == made


def left(directory: Path, *paths: Path, names: tuple[Path, ...] = (), absent: tuple[Path, ...] = ()) -> bool:
    """Return whether a module that has inspected these now leaves a cached result."""
    given = {"paths": map(str, paths), "names": map(str, names), "absent": map(str, absent)}
    cached_results.store("files-1", {}, **given, directory=str(directory / "cached_results"))  # type: ignore[arg-type]
    return (directory / "cached_results" / "files-1.json").exists()


@pytest.mark.parametrize("write", ["in place", "by rename", "in a directory", "removed", "appeared"])
def test_changes_of_another_program_during_the_inspection_prevent_a_cached_result(
    tmp_path: Path, begins: Callable[[], None], write: str
) -> None:
    file, inputs = tmp_path / "file", tmp_path / "inputs"
    inputs.mkdir()
    for path in (file, inputs / "a.conf"):
        path.write_text("one")
    time.sleep(0.02)
    begins()
    time.sleep(0.02)
    if write == "in place":
        same_size_and_times(tmp_path)
    elif write == "by rename":
        (tmp_path / "new").write_text("two")
        (tmp_path / "new").replace(file)
    elif write == "in a directory":
        (inputs / "b.conf").write_text("two")
    elif write == "removed":
        file.unlink()
    absent = (tmp_path / "absent",)
    if write == "appeared":
        absent[0].write_text("two")
    assert not left(tmp_path, file, *absent, names=(inputs,), absent=absent)


def test_changes_of_the_module_itself_do_not_prevent_it(tmp_path: Path, begins: Callable[[], None]) -> None:
    """It writes, renames, links, and sets modes; the same when nothing happens."""
    written, linked, touched = (tmp_path / name for name in ("written", "linked", "touched"))
    touched.write_text("one")
    time.sleep(0.02)
    begins()
    time.sleep(0.02)
    atomic_files.write(str(written), b"two", mode=0o600)
    os.link(written, linked)
    atomic_files.set_attributes(str(touched), 0o600, None, None)
    assert left(tmp_path, written, linked, touched)
    written.write_text("three")
    assert not left(tmp_path / "again", written)


def test_a_write_before_the_module_sets_a_mode_is_noticed(tmp_path: Path, begins: Callable[[], None]) -> None:
    file = tmp_path / "file"
    file.write_text("one")
    time.sleep(0.02)
    begins()
    time.sleep(0.02)
    file.write_text("two")
    atomic_files.set_attributes(str(file), 0o600, None, None)
    assert not left(tmp_path, file)
