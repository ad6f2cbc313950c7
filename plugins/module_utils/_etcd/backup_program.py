# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the program of role backup, which reads archives. Secrets reach it through pipes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError


class BackupProgram:
    """The program hardway-backup on this host."""

    def __init__(self, path: str) -> None:
        """Remember its path."""
        self.path = path

    def run(self, arguments: Sequence[str], passphrase: str = "", keys: str = "") -> str:
        """Return the output; raise with the error of the program."""
        secrets = {"--passphrase-file": passphrase, "--keys-file": keys}
        pipes = {option: _pipe(text) for option, text in secrets.items() if text}
        options = [word for option, number in pipes.items() for word in (option, f"/dev/fd/{number}")]
        try:
            done = subprocess.run(
                [self.path, *arguments, *options],
                capture_output=True,
                text=True,
                check=False,
                pass_fds=list(pipes.values()),
            )
        except OSError as exc:
            raise HardwayError(f"{self.path}: {exc.strerror}; run site.yml with --tags backup") from exc
        finally:
            for number in pipes.values():
                os.close(number)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise HardwayError(lines[-1].replace("hardway-backup: ", "", 1))
        return done.stdout


def _pipe(text: str) -> int:
    """Return the reading end of a pipe that has a short text."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as stream:
        stream.write(text.encode())
    return reading
