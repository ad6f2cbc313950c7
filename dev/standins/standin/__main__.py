# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the stand-in that this file is called by."""

from __future__ import annotations

import json
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

from standin.core.program import run  # type: ignore[import-not-found]

MODULES = {"kube-apiserver": "apiserver.main", "kube-controller-manager": "controllers", "kube-scheduler": "scheduler"}
MODULES |= {"kubelet": "kubelet", "kube-proxy": "network", "flanneld": "network"}


def main() -> int:
    """Run the stand-in of this name; return the exit status."""
    name = Path(sys.argv[0]).name
    module = f"standin.{MODULES[name]}"
    versions = json.loads(pkgutil.get_data("standin", "data/versions.json") or b"{}")
    # Only what goes on to serve imports everything: a Python other than the builder's compiles it each time.
    return int(run(name, versions, sys.argv[1:], lambda given: import_module(module).main(given)))


if __name__ == "__main__":
    sys.exit(main())
