# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image archives for clusters without a registry, made of static programs; the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .debian_programs import SOURCES, collect
from .errors import SandboxError

PAUSE = "registry.k8s.io/pause:3.10.1"
BUSYBOX = "docker.io/library/busybox:1.36"
COREDNS = "registry.k8s.io/coredns/coredns"
COREDNS_TAG = "v1.12.4"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}
_APPLETS = """
    awk basename cat chmod chown cp cut date dd df dirname du echo env expr false find free grep
    gunzip gzip head hostname httpd id ifconfig ip kill ln ls md5sum mkdir mktemp more mount mv nc
    netstat nproc nslookup ping ping6 pgrep pidof printf ps pwd readlink realpath rm rmdir route sed
    seq sh sha256sum sleep sort stat tail tar tee telnet test time timeout top touch tr traceroute
    true umount uname uniq vi watch wc wget which whoami xargs yes
"""
_DIRECTORIES: tuple[tuple[str, int], ...] = (
    ("bin", 0o755), ("dev", 0o755), ("etc", 0o755), ("proc", 0o755), ("root", 0o700), ("sys", 0o755), ("tmp", 0o1777),
    ("var", 0o755), ("var/www", 0o755),
)  # fmt: skip
_TEXTS: dict[str, str] = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnobody:x:65534:\n",
}


@dataclass(frozen=True)
class Image:
    """What an image consists of: programs by path, links by path, and how it starts."""

    name: str
    programs: dict[str, bytes]
    links: dict[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...] = ()
    user: str = ""


def _entry(archive: tarfile.TarFile, name: str, mode: int, content: bytes = b"") -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.size = mode, len(content)
    archive.addfile(info, io.BytesIO(content))


def layer(image: Image) -> bytes:
    """Return the image's only layer: no times, no owners but root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, mode in _DIRECTORIES:
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, mode
            archive.addfile(info)
        for name, text in sorted(_TEXTS.items()):
            _entry(archive, name, 0o644, text.encode())
        for name, content in sorted(image.programs.items()):
            _entry(archive, name, 0o755, content)
        for name, target in sorted(image.links.items()):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
            archive.addfile(info)
    return buffer.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _descriptor(kind: str, content: bytes) -> dict[str, object]:
    media = f"application/vnd.oci.image.{kind}"
    return {"mediaType": media, "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}


def archive(image: Image, architecture: str) -> bytes:
    """Return an OCI archive that `ctr images import` and `podman load` take."""
    content = layer(image)
    settings: dict[str, object] = {"Entrypoint": list(image.entrypoint), "Env": ["PATH=/bin"], "WorkingDir": "/"}
    if image.command:
        settings["Cmd"] = list(image.command)
    if image.user:
        settings["User"] = image.user
    layers = [_descriptor("layer.v1.tar", content)]
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [layers[0]["digest"]]},
        }
    )
    manifest = _json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                      "config": _descriptor("config.v1+json", config), "layers": layers})  # fmt: skip
    top = _descriptor("manifest.v1+json", manifest)
    top["annotations"] = {"io.containerd.image.name": image.name, "org.opencontainers.image.ref.name": image.name}
    top["platform"] = {"architecture": architecture, "os": "linux"}
    index = _json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [top]})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as whole:
        _entry(whole, "oci-layout", 0o644, _json({"imageLayoutVersion": "1.0.0"}))
        _entry(whole, "index.json", 0o644, index)
        for blob in sorted({content, config, manifest}, key=lambda part: hashlib.sha256(part).hexdigest()):
            _entry(whole, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", 0o644, blob)
    return buffer.getvalue()


def is_static(program: bytes) -> bool:
    """Say whether a 64-bit ELF program needs no interpreter."""
    if program[:5] != b"\x7fELF\x02":
        return False
    offset = int.from_bytes(program[32:40], "little")
    size, count = int.from_bytes(program[54:56], "little"), int.from_bytes(program[56:58], "little")
    kinds = [int.from_bytes(program[offset + n * size : offset + n * size + 4], "little") for n in range(count)]
    return 3 not in kinds  # PT_INTERP


def _read_static(path: Path) -> bytes:
    program = path.read_bytes()
    if not is_static(program):
        raise SandboxError(
            f"{path} is not a static program and would not start in an empty image; build it without cgo"
        )
    return program


def wanted(bin_directory: Path, coredns_tag: str, say: Callable[[str], None]) -> dict[str, Image]:
    """Return the images that can be made, by the name of their file."""
    busybox = _read_static(bin_directory / "tools" / "busybox")
    applets = {f"bin/{name}": "busybox" for name in _APPLETS.split()}
    result = {
        # It only has to hold the pod's namespaces; the runtime ends it by SIGKILL.
        "pause": Image(
            PAUSE, {"bin/busybox": busybox}, {}, ("/bin/busybox", "tail", "-f", "/dev/null"), user="65535:65535"
        ),
        "busybox": Image(BUSYBOX, {"bin/busybox": busybox}, applets, (), ("sh",)),
    }
    coredns = bin_directory / "coredns"
    if coredns.exists():
        # Clusters of two minors can be tested at the same time.
        result[f"coredns-{coredns_tag}"] = Image(
            f"{COREDNS}:{coredns_tag}", {"coredns": _read_static(coredns)}, {}, ("/coredns",)
        )
    else:
        say(f"no {coredns}: the coredns image is left out")
    return result


def write_all(cache: Path, coredns_tag: str, say: Callable[[str], None]) -> list[Path]:
    """Write every archive that is missing or different, in one step each; returns all of them."""
    bin_directory = cache / "bin"
    collect(bin_directory, say, tuple(source for source in SOURCES if source.package == "busybox-static"))
    target = cache / "images"
    target.mkdir(parents=True, exist_ok=True)
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    written = []
    for name, image in wanted(bin_directory, coredns_tag, say).items():
        content = archive(image, architecture)
        path = target / f"{name}.tar"
        if not path.exists() or path.read_bytes() != content:
            fresh = path.with_suffix(".new")
            fresh.write_bytes(content)
            fresh.replace(path)
        written.append(path)
    return written
