# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces the data of an etcd member by a restored snapshot, and keeps what was there.

All of a restore lies in the directory restore-ID below the data directory, and below the directory of the write-ahead
log if that is another one: C(new), the restored data until they are in place; C(former), the data before;
C(state.json), the step. Files are only renamed within a file system, so a restore that was killed is continued, and
nothing is ever deleted.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.free_space import require_room

PREFIX = "restore-"
STATE = "state.json"
# In this order. From "leaving" on, the data of the member are no longer what they were.
STEPS = ("prepared", "leaving", "entering", "restored", "finished")
# etcd allocates files of its write-ahead log in full, 64 MB each: one by a restore, one more at its start.
LOG_BYTES = 130 * 1024 * 1024
# Not of etcd.
_FOREIGN = ("lost+found",)


class Member:
    """The data of one member, which must not run while they are exchanged."""

    def __init__(self, data_dir: str, wal_dir: str = "") -> None:
        """Remember the directories; without wal_dir, the log is in the data directory."""
        self.bases = [Path(data_dir), *([Path(wal_dir)] if wal_dir else [])]

    def restores(self) -> list[dict[str, Any]]:
        """Return the states of all restores of this host, the oldest first."""
        found = []
        for path in sorted(self.bases[0].glob(f"{PREFIX}*/{STATE}")):
            if not _is_ours(path.parent):
                continue
            state = json.loads(path.read_text(encoding="utf-8"))
            found.append({**state, "former": str(self._place(0, state["id"]) / "former/member/snap/db")})
        return found

    def state(self, restore_id: str) -> dict[str, Any]:
        """Return the state of a restore; empty if there is none."""
        return next((state for state in self.restores() if state["id"] == restore_id), {})

    def database(self) -> Path:
        """Return the database of the member."""
        return self.bases[0] / "member/snap/db"

    def prepare(self, state: Mapping[str, Any], command: Sequence[str], size: int, owner: str) -> None:
        """Write the restored data beside those of the member, which may run meanwhile.

        command: etcdutl with all but its directories; size: bytes of the snapshot.
        """
        self._remove_unused(state["id"])
        self._check_room(size)
        places = [self._place(number, state["id"]) for number in range(len(self.bases))]
        for place in places:
            if _is_ours(place):
                shutil.rmtree(place)
            try:
                place.mkdir(mode=0o700)
            except FileExistsError as exc:
                raise HardwayError(f"{place}: is not a directory of a restore; remove it and run again") from exc
        directories = [f"--data-dir={places[0] / 'new'}", *(f"--wal-dir={place / 'new'}" for place in places[1:])]
        _run([*command, *directories])
        for place in places:
            _give(place / "new", atomic_files.user_id(owner, str(place)), atomic_files.group_id(owner, str(place)))
        os.sync()
        self._write({**state, "step": "prepared"})

    def exchange(self, restore_id: str) -> None:
        """Put the restored data in the place of those of the member, and keep these."""
        state = self.state(restore_id)
        if state["step"] == "prepared":
            state = self._write({**state, "step": "leaving"})
        if state["step"] == "leaving":
            for number, base in enumerate(self.bases):
                former = self._place(number, restore_id) / "former"
                former.mkdir(mode=0o700, exist_ok=True)
                _move(base, former)
            state = self._write({**state, "step": "entering"})
        if state["step"] == "entering":
            for number, base in enumerate(self.bases):
                _move(self._place(number, restore_id) / "new", base)
            self._write({**state, "step": "restored"})

    def finish(self, restore_id: str) -> None:
        """Record that the cluster runs with the restored data."""
        self._write({**self.state(restore_id), "step": "finished"})

    def _check_room(self, size: int) -> None:
        """Raise unless there is room for the restored data: a member whose disk is full stops."""
        for base, need in zip(self.bases, (size, 0)):
            need += LOG_BYTES if base == self.bases[-1] else 0
            require_room(
                base,
                need,
                "the restored data beside those of the member",
                "make room there, for example by deleting what former restores have left",
            )

    def _place(self, number: int, restore_id: str) -> Path:
        return self.bases[number] / f"{PREFIX}{restore_id}"

    def _write(self, state: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in state.items() if name != "former"}
        path = self._place(0, state["id"]) / STATE
        atomic_files.write(str(path), json.dumps(kept, indent=2).encode() + b"\n", mode=0o600)
        return kept

    def _remove_unused(self, restore_id: str) -> None:
        """Remove restored data of other restores that were prepared only, and what a killed preparation has left."""
        steps = {state["id"]: state["step"] for state in self.restores()}
        for base in self.bases:
            for path in base.glob(f"{PREFIX}*/"):
                found = path.name[len(PREFIX) :]
                if (
                    _is_ours(path)
                    and found != restore_id
                    and steps.get(found, "prepared") == "prepared"
                    and not (path / "former").exists()
                ):
                    shutil.rmtree(path)


def restore_command(params: Mapping[str, Any]) -> list[str]:
    """Return etcdutl with the options of a module, without the directories."""
    members = ",".join(f"{name}={url}" for name, url in sorted(params["members"].items()))
    return [
        *(params["etcdutl"], "snapshot", "restore", params["snapshot"]),
        f"--name={params['name']}",
        f"--initial-cluster={members}",
        f"--initial-cluster-token={params['token']}",
        f"--initial-advertise-peer-urls={params['members'][params['name']]}",
        # Clients that watch have seen later revisions. So they notice that their history has ended.
        f"--bump-revision={params['bump']}",
        "--mark-compacted",
        *(["--skip-hash-check"] if params["database"] else []),
    ]


def revision_of(etcdutl: str, database: Path) -> Optional[int]:
    """Return the revision of a database that no etcd uses; None if there is none, or none that can be read."""
    if not database.is_file():
        return None
    try:
        return int(json.loads(_run([etcdutl, "snapshot", "status", str(database), "--write-out=json"]))["revision"])
    except (HardwayError, ValueError):
        return None


def _run(command: Sequence[str]) -> str:
    """Return the output of etcdutl; raise with its last line."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ETCD")}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    except OSError as exc:
        raise HardwayError(f"{command[0]}: cannot be run: {exc.strerror}; run site.yml with --tags etcd") from exc
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise HardwayError(f"etcdutl {' '.join(command[1:3])}: {lines[-1]}; nothing was changed, take another archive")
    return done.stdout


def _is_ours(place: Path) -> bool:
    """Return whether a directory was made by a restore: etcd owns the directory above, and could have put it there."""
    try:
        found = place.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _move(source: Path, target: Path) -> None:
    """Move what is in a directory to another one of the file system, except restores, and let that reach the disk."""
    for path in source.iterdir():
        if not path.name.startswith(PREFIX) and path.name not in _FOREIGN:
            os.rename(path, target / path.name)
    for directory in (target, source):
        atomic_files.sync_directory(str(directory))


def _give(top: Path, user: int, group: int) -> None:
    """Give a directory and everything in it to a user."""
    for directory, _directories, files in os.walk(top):
        for path in (directory, *(os.path.join(directory, name) for name in files)):
            os.chown(path, user, group, follow_symlinks=False)
