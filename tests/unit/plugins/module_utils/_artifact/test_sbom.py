# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SBOM names each binary and each image, with digest and source, and is the same for the same parts."""

from __future__ import annotations

import json

from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import sbom
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.bundle import Part, text_part

URL = "https://dl.k8s.io/v1.36.2/kubernetes-server-linux-amd64.tar.gz"
KUBELET = Part(
    "binaries/amd64/1.36.2/kubelet",
    "a" * 64,
    1,
    {
        "kind": "binary",
        "component": "kubernetes",
        "name": "kubelet",
        "version": "1.36.2",
        "architecture": "amd64",
        "origin": "download",
        "url": URL,
        "download_digest": f"sha512:{'b' * 128}",
    },
)
OWN = Part(
    "binaries/amd64/1.4.3/runc",
    "c" * 64,
    1,
    {
        **KUBELET.about,
        "component": "runc",
        "name": "runc",
        "version": "1.4.3",
        "url": "",
        "origin": "cluster_binary_dir",
    },
)
IMAGES = Part(
    "images/all.tar", "d" * 64, 1, {"kind": "image", "images": ["localhost:5000/app@sha256:ee", "r.io/p:3.1"]}
)


def test_each_part_has_name_version_digest_and_source() -> None:
    parts = [IMAGES, KUBELET, OWN, text_part("packages.json", "{}")]
    text = sbom.cyclonedx("prod-bundle", "1.36.2", parts)
    assert text == sbom.cyclonedx("prod-bundle", "1.36.2", parts[::-1])
    document = json.loads(text)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    found = {each["bom-ref"]: each for each in document["components"]}
    assert document["dependencies"] == [{"ref": "bundle", "dependsOn": list(found)}]
    kubelet = found[KUBELET.path]
    assert (kubelet["name"], kubelet["version"]) == ("kubelet", "1.36.2")
    assert kubelet["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    reference = {"type": "distribution", "url": URL, "hashes": [{"alg": "SHA-512", "content": "b" * 128}]}
    assert kubelet["externalReferences"] == [reference]
    assert {"name": "hardway:origin", "value": "cluster_binary_dir"} in found[OWN.path]["properties"]
    named = {(each["name"], each["version"]) for each in found.values() if each["type"] == "container"}
    assert named == {("localhost:5000/app", "sha256:ee"), ("r.io/p", "3.1")}
    assert found["r.io/p:3.1"]["externalReferences"] == [{"type": "distribution", "url": "docker://r.io/p:3.1"}]
