# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the stand-ins stay where they belong."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from rehearsal.standin import x509
from rehearsal.standin.server import Tls


def test_a_key_nobody_vouches_for_lies_in_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pair = x509.self_signed("kubelet")
    assert list(tmp_path.iterdir()) == []
    assert Tls(pair, pair).context() and x509.pair(pair, pair)
