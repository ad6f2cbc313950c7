# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes binaries, image archives and documents of the controller into one archive."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import bundle, catalog, sbom
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.bundle import Part
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.cache import ArtifactCache
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.catalog import Binary, Local, Source
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.download import shown
from ansible_collections.hardway.kubernetes.plugins.module_utils._common import digests
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import image_archive
from ansible_collections.hardway.kubernetes.plugins.modules.artifact import SPEC as ARTIFACT
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._controller_action import ControllerAction

PACKAGES = "packages.json"
TEST_IMAGE = re.compile(r"(^|/)busybox[:@]")
SPEC: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "name": {"type": "str", "default": "kubernetes"},
    "version": {"type": "str", "required": True},
    "components": ARTIFACT["components"],
    "source": {"type": "dict", "required": True},
    "architectures": {"type": "list", "elements": "str", "default": ["amd64"]},
    "image_archives": {"type": "list", "elements": "str", "default": []},
    "required_images": {"type": "list", "elements": "str", "default": []},
    "require_images": {"type": "bool", "default": True},
    "verify_image": {"type": "str", "default": ""},
    "packages": {"type": "dict", "default": {}},
}


class ActionModule(ControllerAction):
    """Runs on the controller and contacts no host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the bundle contains."""
        result = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(SPEC)
        try:
            result.update(self._bundle(args))
        except HardwayError as exc:
            raise AnsibleActionFail(str(exc)) from None
        except OSError as exc:
            raise AnsibleActionFail(f"{exc.filename}: cannot be read: {exc.strerror}; see its mode") from exc
        return result

    def _bundle(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Write the bundle, or show what it would contain."""
        path = bundle.absolute(args["path"])
        source = catalog.source(args["source"])
        wanted = catalog.binaries(args["components"])
        by_path, absent, problems = dict[str, Part](), list[str](), list[str]()
        for architecture in args["architectures"]:
            own = replace(source, architecture=architecture)
            found, lacking, failed = _binaries(own, wanted, check=self._task.check_mode)
            by_path |= {part.path: part for part in found}
            absent += lacking
            problems += failed
        parts = list(by_path.values())
        images, unreadable = self._images(args["image_archives"])
        names = sorted({name for part in images for name in part.about["images"]})
        missing = sorted({image_archive.full_name(name) for name in args["required_images"]} - set(names))
        problems += unreadable
        if missing and args["require_images"]:
            problems.append(_missing_images(missing))
        if problems and not self._task.check_mode:
            raise HardwayError("\n".join([f"{len(problems)} problems; no bundle was written:", *problems]))
        parts += [*images, bundle.text_part(PACKAGES, _json(args["packages"]))]
        parts.append(bundle.text_part(sbom.PATH, sbom.cyclonedx(f"{args['name']}-bundle", args["version"], parts)))
        about = {
            "cluster": args["name"],
            "version": args["version"],
            "missing_images": missing,
            "verify_image": args["verify_image"] or next((name for name in names if TEST_IMAGE.search(name)), ""),
        }
        result = {
            "path": path,
            "files": [*(f"{part.path} ({part.size / 1e6:.1f} MB)" for part in bundle.with_sums(parts)), *absent],
            "missing_images": missing,
            "problems": problems,
        }
        if self._task.check_mode:
            ordered = bundle.with_sums(parts)
            same = not absent and bundle.is_same(path, bundle.manifest_of(ordered, about))
            return {**result, "changed": not same}
        changed = bundle.create(path, parts, about)
        return {**result, "changed": changed, "sha256": digests.of_file(path), "size": os.path.getsize(path)}

    def _images(self, paths: Iterable[str]) -> tuple[list[Part], list[str]]:
        """Return the image archives, each once, and one line for each that cannot be read."""
        parts, problems = {}, []
        for path in paths:
            try:
                source = self._find_needle("files", os.path.expanduser(path))
                names = image_archive.inspect(source).images
            except AnsibleError:
                problems.append(f"{path}: no such image archive; put it there, or set another path")
                continue
            except HardwayError as exc:
                problems.append(str(exc))
                continue
            sha = digests.of_file(source)
            place = f"images/{sha[:12]}-{os.path.basename(source)}"
            about = {"kind": "image", "images": names}
            parts[sha] = Part(place, sha, os.path.getsize(source), about, source=source)
        return list(parts.values()), problems


def _binaries(source: Source, wanted: list[Binary], *, check: bool) -> tuple[list[Part], list[str], list[str]]:
    """Return the binaries of one architecture, what must be downloaded first, and one line for each failure."""
    store = ArtifactCache(source)
    if check:
        local = {binary: store.local(binary) for binary in wanted}
        absent = [_to_download(source, binary) for binary, found in local.items() if found is None]
        return [_part(source, binary, found) for binary, found in local.items() if found], absent, []
    had, problems = store.fetch(wanted)
    return [_part(source, binary, found) for binary, found in had.items()], [], problems


def _to_download(source: Source, binary: Binary) -> str:
    held = catalog.archive(source, binary.component, binary.version)
    origin = f"from {shown(held.url)}" if held and held.digest else "no verified download is known"
    return f"binaries/{source.architecture}/{binary.version}/{binary.name} (not on the controller yet: {origin})"


def _part(source: Source, binary: Binary, local: Local) -> Part:
    """Return a binary's part; its URL is that of the origin, also if it came from a mirror."""
    held = None
    if not catalog.path_in_binary_dir(source, binary):
        held = catalog.archive(replace(source, mirror_url=""), binary.component, binary.version)
    about = {
        "kind": "binary",
        "component": binary.component,
        "name": binary.name,
        "version": binary.version,
        "architecture": source.architecture,
        "origin": "download" if held else "cluster_binary_dir",
        "url": held.url if held else "",
        "download_digest": held.digest if held else "",
    }
    path = f"binaries/{source.architecture}/{binary.version}/{binary.name}"
    return Part(path, local.sha256, local.size, about, source=local.path)


def _missing_images(names: list[str]) -> str:
    """Return the line for images that no archive contains."""
    commands = " && ".join(f"docker pull {name}" for name in names)
    return (
        f"{', '.join(names)}: in none of cluster_image_archives. Remedy: where there is a network, {commands} &&"
        f" docker save -o images.tar {' '.join(names)} (or ctr images pull and export), and list the file in"
        " cluster_image_archives; or set bundle_require_images to false if the hosts reach a registry that has them"
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
