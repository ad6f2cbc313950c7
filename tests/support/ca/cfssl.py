# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cfssl, and what its certificates contain."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from cryptography import x509

from dev.standins.binaries import READY

PLACES = [str(READY / "tools"), os.environ.get("PATH", "")]


CFSSL = shutil.which("cfssl", path=os.pathsep.join(PLACES))


def run(*arguments: str | Path) -> dict[str, Any]:
    """Return the output of cfssl."""
    answer = subprocess.run([str(CFSSL), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert isinstance(found, dict)
    return found


def extensions(certificate: x509.Certificate) -> list[tuple[str, bool, Any]]:
    """Return OID, criticality and value of each extension, in order."""
    return [(item.oid.dotted_string, item.critical, item.value) for item in certificate.extensions]
