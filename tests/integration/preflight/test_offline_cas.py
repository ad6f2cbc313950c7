# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml with an offline CA: masters sign for kubelets, and need a key for that."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.ca.openssl import foreign_ca
from tests.support.hosts.site import Site


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a site whose ca is here without its key."""
    made = Site(repository, tmp_path)
    foreign_ca(made.pki / "ca")
    (made.pki / "ca.key").rename(tmp_path / "ca.key")
    return made


def refusal(site: Site) -> str:
    """Run; return the sentence about a missing key, empty where there is none."""
    said = " ".join(site.run().stdout.split())
    return next(iter(re.findall(rf"{site.pki}/\S+ its key is missing.*?restore the key", said)), "")


def test_masters_are_not_left_without_a_key_to_sign_with(site: Site) -> None:
    assert all(word in refusal(site) for word in ("pki/ca.crt", "masters", "cluster_kubelet_intermediate"))
    assert site.asked() == []


@pytest.mark.long
def test_with_a_ca_for_kubelets_the_key_of_the_root_is_not_needed(site: Site) -> None:
    site.variables["cluster_kubelet_intermediate"] = True
    waiting = site.pki / "requests/ca/cas/kubelet-ca.csr"
    assert str(waiting) in site.run().stdout, "it must be signed first"
    assert site.asked() == []
    signer = ["-CA", site.pki / "ca.crt", "-CAkey", site.directory / "ca.key", "-copy_extensions", "copy"]
    line = ["openssl", "x509", "-req", "-in", waiting, *signer, "-days", "1825", "-out", waiting.with_suffix(".crt")]
    subprocess.run(line, check=True, capture_output=True)
    assert refusal(site) == ""
    assert len(site.touched()) == 3
    (site.pki / "kubelet-ca.key").unlink()
    assert "kubelet-ca.key (nothing can be signed" in " ".join(site.run().stdout.split())
    site.variables["ca_offline"] = ["kubelet-ca"]
    assert "pki/kubelet-ca.crt" in refusal(site)
