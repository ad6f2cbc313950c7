# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets a certificate be due on all simulated hosts that have it: due.py STATE NAME."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader


def main() -> None:
    """Change the state of each host."""
    init_plugin_loader()
    # They import the collection, which only ansible-core finds.
    from dev.bench.simulated.pki import make_due
    from dev.bench.simulated.state import Stored

    stored = Stored(Path(sys.argv[1]))
    for place in sorted(stored.directory.glob("host-*")):
        with stored.host(place.name.removeprefix("host-")) as host:
            make_due(host, sys.argv[2])


if __name__ == "__main__":
    main()
