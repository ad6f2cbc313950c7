# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The former contents of a directory without a list of its contents."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.contents import Asked, Contents
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store


def test_an_imported_ca_that_signed_something_counts_as_lost(tmp_path: Path) -> None:
    """The issue log names it."""
    (tmp_path / "other.crt").write_text("present")
    line = {"ca": "ca", "host": "n1", "path": "/etc/kubernetes/pki/apiserver.crt"}
    (tmp_path / "issued.jsonl").write_text(json.dumps(line) + "\n")
    asked = Asked({"ca": "ca", "other": "other"}, (), ())
    contents = Contents.load(Store(str(tmp_path)))
    assert contents.inferred(asked) == {"ca.crt", "issued.jsonl"}
    assert contents.lost(asked) == ["ca.crt"]
