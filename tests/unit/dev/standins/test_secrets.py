# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the stand-ins are not left in directories."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from dev.standins.standin import kubelet
from dev.standins.standin.core import x509
from dev.standins.standin.core.server import Tls


def test_a_self_signed_key_is_in_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pair = x509.self_signed("kubelet")
    assert list(tmp_path.iterdir()) == []
    assert Tls(pair, pair).context() and x509.pair(pair, pair)


@pytest.mark.parametrize("entry", [{"certificate-authority-data": "QUJD"}, {"certificate-authority": "/etc/ca.crt"}])
def test_the_kubeconfig_of_a_kubelet_names_permanent_files(tmp_path: Path, entry: dict[str, str]) -> None:
    """The next start reads it, and so do other programs: files in the memory of this process are gone by then."""
    cluster = {"server": "https://192.0.2.1:6443", **entry}
    content = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    first = tmp_path / "bootstrap.conf"
    first.write_text(json.dumps(content))
    own = kubelet.own_kubeconfig(str(first), "/var/lib/kubelet/pki/kubelet-client-current.pem")
    assert own["clusters"][0]["cluster"] == cluster
    assert own["users"][0]["user"].keys() == {"client-certificate", "client-key"}
