# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The software bill of materials of a bundle, in CycloneDX 1.5."""

from __future__ import annotations

import json
import typing as t
import uuid
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.bundle import Part

PATH = "sbom.cdx.json"
ALGORITHMS = {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
# The serial number follows from the content, for the same inputs give the same bytes.
NAMESPACE = uuid.UUID("0f2b9c1e-6c0e-5d0a-9f35-6f1b8f0f6a51")


def cyclonedx(name: str, version: str, parts: Iterable[Part]) -> str:
    """Return the document; name and version are those of the bundle itself."""
    components = [component for part in sorted(parts, key=lambda part: part.path) for component in _components(part)]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"bom-ref": "bundle", "type": "application", "name": name, "version": version}},
        "components": components,
        "dependencies": [{"ref": "bundle", "dependsOn": [each["bom-ref"] for each in components]}],
    }
    number = uuid.uuid5(NAMESPACE, json.dumps(document, sort_keys=True))
    return json.dumps({**document, "serialNumber": f"urn:uuid:{number}"}, indent=1, sort_keys=True) + "\n"


def _components(part: Part) -> list[dict[str, t.Any]]:
    """Return the component of a binary, or one for each image of an archive; nothing for a document."""
    about = part.about
    if about["kind"] == "binary":
        purl = f"pkg:generic/{quote(about['name'])}@{quote(about['version'])}?arch={quote(about['architecture'])}"
        extra = {"type": "application", "name": about["name"], "version": about["version"], "group": about["component"]}
        if not about["url"]:
            return [_component(part, part.path, {**extra, "purl": purl}, origin=about["origin"])]
        reference = {"type": "distribution", "url": about["url"], "hashes": [_hash(about["download_digest"])]}
        purl += f"&download_url={quote(about['url'], safe='')}"
        return [_component(part, part.path, {**extra, "purl": purl, "externalReferences": [reference]})]
    return [_component(part, image, _image(image)) for image in about.get("images", ())]


def _image(image: str) -> dict[str, t.Any]:
    name, at, digest = image.partition("@")
    colon = name.rfind(":") if name.rfind(":") > name.rfind("/") else len(name)
    reference = {"type": "distribution", "url": f"docker://{image}"}
    version = name[colon + 1 :] or (digest if at else "")
    return {"type": "container", "name": name[:colon], "version": version, "externalReferences": [reference]}


def _component(part: Part, reference: str, extra: Mapping[str, t.Any], **properties: str) -> dict[str, t.Any]:
    """Return a component with the digest of its file in the bundle."""
    listed = [{"name": f"hardway:{key}", "value": value} for key, value in {"path": part.path, **properties}.items()]
    return {**extra, "bom-ref": reference, "hashes": [_hash(f"sha256:{part.sha256}")], "properties": listed}


def _hash(digest: str) -> dict[str, str]:
    algorithm, _colon, value = digest.partition(":")
    return {"alg": ALGORITHMS[algorithm], "content": value}
