# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds or downloads binaries on the controller and copies to a host those that it lacks, or lets it download them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact import bundle, catalog
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.cache import ArtifactCache, compression_pays
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.catalog import Binary, Local, Source
from ansible_collections.hardway.kubernetes.plugins.module_utils._artifact.install import PACKED, Placed
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.modules.artifact import SPEC
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import CachedResult

MODULE = "hardway.kubernetes.artifact"
# What an earlier task of this run has installed (or would have, in check mode), so that no task inspects it again.
FACT = "hardway_installed"
# The time of a smaller file says more about the start of sftp than about the connection.
MEASURABLE = 8 << 20
NOTHING: dict[str, Any] = {"installed": [], "opened": [], "linked": [], "bytes_sent": 0, "bytes_downloaded": 0}


class ActionModule(ActionBase):
    """Needs one round trip without changes, else the copies and a second one."""

    _VALID_ARGS = frozenset(SPEC)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module, or with download_only that of the download."""
        super().run(tmp, task_vars)
        _checked, arguments = self.validate_argument_spec(argument_spec=SPEC)
        try:
            source = catalog.source(arguments["source"])
            if source.bundle:
                bundle.unpack(source.bundle, source.cache_dir, arguments["source"]["bundle_sha256"])
            wanted = catalog.binaries(arguments["components"])
            if arguments["download_only"]:
                return self._download(source, wanted, arguments["architectures"])
            return self._install(ArtifactCache(source), wanted, arguments, task_vars or {})
        except HardwayError as exc:
            raise AnsibleActionFail(str(exc)) from None

    def _download(self, source: Source, wanted: list[Binary], architectures: list[str]) -> dict[str, Any]:
        """Download everything to the controller; report all failures at once."""
        stores = [ArtifactCache(replace(source, architecture=name)) for name in architectures or [source.architecture]]
        if self._task.check_mode:
            return {"changed": False, "downloaded": [], "bytes_downloaded": 0}
        # Also where hosts download: what they cannot verify is refused before anything changes.
        problems = [line for store in stores for line in store.fetch(catalog.for_controller(store.source, wanted))[1]]
        downloaded = [path for store in stores for path in store.downloaded]
        result: dict[str, Any] = {"changed": bool(downloaded), "downloaded": downloaded}
        result["bytes_downloaded"] = sum(store.bytes_downloaded for store in stores)
        if problems:
            result.update(failed=True, msg=_report(problems, source))
        return result

    def _install(
        self, store: ArtifactCache, wanted: list[Binary], arguments: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """Copy missing binaries to the host, and install them there."""
        root, known = arguments["root"], {binary: store.local(binary) for binary in wanted}
        placed = [_placed(binary, local) for binary, local in known.items()]
        options = {name: arguments[name] for name in ("root", "keep", "stage")}
        cache = CachedResult(self, MODULE, {"placed": [vars(each) for each in placed], **options}, task_vars)
        brought = (task_vars.get("ansible_facts") or {}).get(FACT) or {}
        links = brought["links"] if brought.get("nonce") == cache.nonce != "" else {}
        if placed and all(links.get(each.link) == f"{each.path(root)} {each.sha256}" for each in placed):
            paths = {each.name: each.path(root) for each in placed}
            links = {each.link: each.path(root) for each in placed}
            return {"changed": False, "paths": paths, "links": links, **NOTHING}
        result = cache.valid
        if result is None:
            reread = {"_reread": True} if cache.distrusted else {}
            arguments = {**arguments, **cache.option, **reread}
            result = cache.processed(self._rounds(store, known, arguments, task_vars))
        if cache.nonce and not result.get("failed"):
            right = {e.link: f"{e.path(root)} {e.sha256}" for e in placed if result["links"][e.link] == e.path(root)}
            fact = {FACT: {"nonce": cache.nonce, "links": {**links, **right}}}
            result["ansible_facts"] = {**result.get("ansible_facts", {}), **fact}
        return result

    def _rounds(
        self,
        store: ArtifactCache,
        known: dict[Binary, Local | None],
        arguments: dict[str, Any],
        task_vars: dict[str, Any],
    ) -> dict[str, Any]:
        """Return the result of one round trip, or of two if files must be copied."""
        root = arguments["root"]
        downloads = catalog.host_downloads(store.source, known)
        result = {**self._execute(known, {}, downloads, arguments, task_vars), "bytes_sent": 0}
        missing = set(result.pop("_missing", []))
        if result.get("failed") or not missing:
            return _with_bytes(result)
        had, problems = store.fetch(b for b, local in known.items() if _placed(b, local).path(root) in missing)
        if problems:
            return {"failed": True, "msg": _report(problems, store.source)}
        known.update(had)
        places, sent = self._send(store, had.values(), store.source.compression)
        uploads = {_placed(b, local).path(root): places[local.sha256] for b, local in had.items()}
        return _with_bytes({**self._execute(known, uploads, downloads, arguments, task_vars), "bytes_sent": sent})

    def _execute(
        self,
        known: dict[Binary, Local | None],
        uploads: dict[str, str],
        downloads: list[dict[str, Any]],
        arguments: dict[str, Any],
        task_vars: dict[str, Any],
    ) -> dict[str, Any]:
        """Run the module, without the catalog in its arguments."""
        given = {
            **arguments,
            "source": {"cache_dir": arguments["source"]["cache_dir"]},
            "_placed": [vars(_placed(binary, local)) for binary, local in known.items()],
            "_uploads": uploads,
            "_downloads": downloads,
        }
        return self._execute_module(MODULE, given, task_vars=task_vars)

    def _send(self, store: ArtifactCache, files: Iterable[Local], compression: str) -> tuple[dict[str, str], int]:
        """Copy each content once, the smallest first, to the task's temporary directory, which Ansible removes.

        Return the paths on the host by digest, and how many bytes were sent.
        """
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        places, sent, rate = {}, 0, 0.0
        for local in sorted({each.sha256: each for each in files}.values(), key=lambda each: each.size):
            prepared = os.path.isfile(store.compressed_path(local))
            packed = compression == "always" or (compression == "auto" and compression_pays(rate, prepared=prepared))
            packed = packed and self._connection.transport != "local"
            path = store.compressed(local) if packed else local.path
            size = os.path.getsize(path)
            places[local.sha256] = shell.join_path(shell.tmpdir, f"{local.sha256}{PACKED if packed else ''}")
            begin = time.monotonic()
            self._connection.put_file(path, places[local.sha256])
            if size >= MEASURABLE:
                rate = size / max(time.monotonic() - begin, 1e-3)
            sent += size
        return places, sent


def _with_bytes(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result with what was brought, as message and in the diff."""
    sent, downloaded = result["bytes_sent"], result.get("bytes_downloaded", 0)
    said = [f"{sent / 1e6:.1f} MB sent by the controller"] if sent else []
    said += [f"{downloaded / 1e6:.1f} MB downloaded by the host"] if downloaded else []
    if said and not result.get("failed"):
        result["msg"] = ", ".join(said)
        if "diff" in result:
            result["diff"] = [*result["diff"], {"prepared": f"{result['msg']}\n"}]
    return result


def _placed(binary: Binary, local: Local | None) -> Placed:
    """Return the place of a binary on a host; without a local file it is that of the download."""
    label, sha = (local.label, local.sha256) if local else (binary.version, "")
    return Placed(binary.component, label, binary.name, binary.dest, sha)


def _report(problems: list[str], source: Source) -> str:
    """Return one message for all failed downloads, or for all that a bundle lacks."""
    what = "components are not in the bundle" if source.bundle else "downloads failed"
    return "\n".join([f"{len(problems)} {what}; nothing was installed:", *problems])
