#!/usr/bin/env python3
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrap ssh and record everything: arguments, and both directions, in files below HARDWAY_CAPTURE."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO


def pump(source: int, sink: IO[bytes] | int, copy: Path) -> None:
    """Forward the data, and record it."""
    with copy.open("wb", buffering=0) as kept:
        while data := read(source):
            kept.write(data)
            target = sink if isinstance(sink, int) else sink.fileno()
            while data:
                data = data[os.write(target, data) :]
    if not isinstance(sink, int):
        sink.close()


def read(source: int) -> bytes:
    """Return the next part, nothing at the end; a terminal ends with an error."""
    try:
        return os.read(source, 1 << 20)
    except OSError:
        return b""


def main() -> int:
    """Run ssh; return its status."""
    place = Path(tempfile.mkdtemp(dir=os.environ["HARDWAY_CAPTURE"]))
    (place / "arguments").write_text("\n".join(sys.argv[1:]))
    pipe = subprocess.PIPE
    process = subprocess.Popen(["ssh", *sys.argv[1:]], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
    assert process.stdin and process.stdout and process.stderr
    pumps = [(0, process.stdin, "in"), (process.stdout.fileno(), 1, "out"), (process.stderr.fileno(), 2, "err")]
    threads = [
        threading.Thread(target=pump, args=(source, sink, place / name), daemon=True) for source, sink, name in pumps
    ]
    for thread in threads:
        thread.start()
    status = process.wait()
    threads[1].join()
    # The connection that stays for later calls keeps this end open.
    threads[2].join(0.2)
    return status


if __name__ == "__main__":
    os._exit(main())
