# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages the certificates of a host: compares them, installs issued ones, and returns CSRs for those that are due."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import atomic_files
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import cached_results
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.atomic_swap import PairSwap
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.ca_files import Trust
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.key_pair import Pair
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, specs_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import (
    Facts,
    describe,
    describe_wanted,
    differences,
    is_named,
    rejection_reasons,
    required_fraction,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import load_certificate
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.facts import facts_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.files import check_owners, read


def remember(
    params: Mapping[str, Any],
    specs: Sequence[CertificateSpec],
    result: Mapping[str, list[dict[str, Any]]],
    due: Sequence[float],
) -> None:
    """Store a cached result; ``due`` are the times (seconds since 1970) at which certificates must be renewed."""
    right = {kind: [_unchanged(entry) for entry in entries] for kind, entries in result.items()}
    paths = [entry[name] for entry in params["trust"] for name in ("path", "key_path") if entry[name]]
    paths += [path for spec in specs for path in Pair(spec).files()]
    observed = [entry["path"] for entry in params["observe"]]
    cached_results.store(
        params["_cached_result"],
        {**right, "diff": []},
        paths=[*paths, *observed],
        absent=[
            *(path for path in observed if not os.path.lexists(path)),
            *(path for spec in specs for path in Pair(spec).temporary_files()),
        ],
        until=min(due, default=None),
    )


def _unchanged(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry as an unchanged one."""
    return {**entry, "reasons": [], **({"changed": False} if "changed" in entry else {})}


# Number of parallel syncs.
_SYNCED_AT_ONCE = 8


def requests_of(pairs: Mapping[str, Pair], *, renew_key: bool) -> dict[str, str]:
    """Return the CSRs of these pairs; RSA keys are generated in parallel."""

    def request(pair: Pair) -> str:
        return pair.request(renew_key=renew_key).decode()

    if any(map(_is_slow, pairs.values())):
        made = map_concurrently(request, pairs.values(), os.cpu_count() or 1)
    else:
        made = list(map(request, pairs.values()))
    _sync(pair.waiting for pair in pairs.values() if os.path.lexists(pair.waiting))
    return dict(zip(pairs, made))


def install(signed: Sequence[tuple[Pair, bytes]]) -> None:
    """Install certificates with their keys, after the contents of all are synced to disk."""
    staged: list[str] = []
    try:
        for pair, pem in signed:
            staged.append(pair.stage(pem))
        _sync(staged)
        for (pair, pem), temporary in zip(signed, staged):
            pair.install(pem, temporary)
        for directory in sorted({os.path.dirname(pair.certificate) for pair, _pem in signed}):
            atomic_files.sync_directory(directory)
    finally:
        for temporary in staged:
            atomic_files.forget(temporary)


def _is_slow(pair: Pair) -> bool:
    """True when its key takes longer to make than a thread to start."""
    return pair.spec.key.algo == "rsa"


def _sync(paths: Iterable[str]) -> None:
    """Have the contents of files on the disk."""
    map_concurrently(atomic_files.sync, paths, _SYNCED_AT_ONCE)


class HostCertificates:
    """The work of one call of the module."""

    def __init__(self, params: dict[str, Any], check: bool, diff: bool, specs: Sequence[CertificateSpec] = ()) -> None:
        """Take the checked parameters with what the action plugin added; specs: what they ask for, where known."""
        self.params = params
        self.check = check
        self.specs = specs or specs_of(params)
        exchange = params["_exchange"]
        self.signed: dict[str, str] = exchange.get("signed") or {}
        self.pems = {name: pem.encode() for name, pem in exchange["cas"].items()}
        self.cas = {name: load_certificate(pem, f"certificate of {name}") for name, pem in self.pems.items()}
        self.chains = {name: pem.encode() for name, pem in (exchange.get("chains") or {}).items()}
        self.asking: dict[str, Pair] = {}
        self.needed_keys: list[str] = []
        self.diff: list[dict[str, str]] | None = [] if diff else None
        self.due: list[float] = []
        self.installed: dict[str, tuple[list[str], Facts]] = {}

    def run(self) -> dict[str, Any]:
        """Return the result of the module; keys starting with an underscore are for the action plugin."""
        if not self.check:
            check_owners([*self.params["trust"], *self.params["certificates"]])
        trust = [self._trust(entry) for entry in self.params["trust"]]
        self._install_signed()
        certificates = [self._certificate(str(index), spec) for index, spec in enumerate(self.specs)]
        observed = [{"path": entry["path"], "reasons": self._observe(entry)} for entry in self.params["observe"]]
        found = {"trust": trust, "certificates": certificates, "observed": observed}
        if not self.asking and not self.needed_keys and not any(entry["reasons"] for entry in observed):
            remember(self.params, self.specs, found, self.due)
        return {
            "changed": any(item["changed"] for item in [*trust, *certificates]),
            **found,
            **({} if self.diff is None else {"diff": self.diff}),
            "_requests": requests_of(self.asking, renew_key=self.params["renew_key"]),
            "_needed_keys": sorted(set(self.needed_keys)),
        }

    def _trust(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Ensure one entry of trust, and return its result."""
        trust = Trust(entry, self.pems.get(entry["ca"]), [self.pems.get(name, b"") for name in entry["also"]])
        repairs = self._recovered(trust.swap) if trust.swap else []
        reasons, key_reasons = trust.reasons(), trust.key_reasons()
        self._show(trust.path, reasons)
        self._show(trust.key_path or "", key_reasons)
        key = (self.params["_ca_keys"] or {}).get(trust.ca) if key_reasons else None
        if key_reasons and key is None and not self.check:
            # Until the key arrives, keep the certificate that matches the current key.
            self.needed_keys.append(trust.ca)
        elif (reasons or key_reasons) and not self.check:
            trust.write(None if key is None else base64.b64decode(key))
        reasons = repairs + reasons + [f"key: {reason}" for reason in key_reasons]
        return {"path": trust.path, "changed": bool(reasons), "reasons": reasons}

    def _certificate(self, index: str, spec: CertificateSpec) -> dict[str, Any]:
        """Ensure one certificate, and return its result."""
        pair = Pair(spec)
        if index in self.installed:
            repairs, made = self.installed[index]
            return self._report(spec, made, [], repairs + self._repairs(pair))
        repairs = self._recovered(pair.swap)
        found = pair.facts(self.cas.get(spec.ca))
        reasons = [found] if isinstance(found, str) else self._differences(spec, found)
        # Self-signed certificates were reissued in the first call.
        if not reasons and (spec.ca or not self.signed):
            reasons += self._forced(spec.path)
        if not reasons:
            repairs += self._repairs(pair)
        elif not self.check and spec.ca:
            self.asking[index] = pair
        elif not self.check:
            found = self._install([(pair, pair.self_signed(renew_key=self.params["renew_key"]))])[0]
        return self._report(spec, found, reasons, repairs)

    def _recovered(self, switch: PairSwap) -> list[str]:
        """Complete the swap of an interrupted run, and report it."""
        if not switch.interrupted():
            return []
        if not self.check:
            switch.recover()
        return ["an earlier run was interrupted while it replaced key and certificate"]

    def _forced(self, path: str) -> list[str]:
        """Return the reason for a forced renewal, if requested."""
        asked = self.params["force"] or is_named(path, self.params["renew"])
        return ["force: reissue requested"] if asked else []

    def _observe(self, entry: Mapping[str, Any]) -> list[str]:
        """Return why a certificate of another program is no longer valid."""
        data = read(entry["path"])
        if data is None:
            return ["certificate: does not exist yet"]
        try:
            found = facts_of(load_certificate(data, entry["path"]), None, self.cas.get(entry["ca"]))
        except HardwayError:
            return ["certificate: unreadable"]
        self.due.append(found.not_after.timestamp())
        left = required_fraction(entry["path"], self.params) if self.params["renew_only"] else 0.0
        return rejection_reasons(found, entry["ca"], datetime.now(timezone.utc), left) + self._forced(entry["path"])

    def _repairs(self, pair: Pair) -> list[str]:
        """Fix mode, owner and chain, which need no new certificate; return what was fixed."""
        repairs = pair.attributes()
        if not pair.has_chain(chain := self.chains.get(pair.spec.ca, b"") if pair.spec.chain else b""):
            repairs.append(f"chain: is not that of the current CA {pair.spec.ca}")
            if not self.check:
                pair.set_chain(chain)
        if repairs and not self.check:
            pair.fix_attributes()
        return repairs

    def _differences(self, spec: CertificateSpec, found: Facts) -> list[str]:
        left = required_fraction(spec.path, self.params)
        return differences(spec, found, now=datetime.now(timezone.utc), renew_before=left)

    def _install_signed(self) -> None:
        """Install the certificates from the controller, and note repairs and facts of each."""
        signed = [(Pair(self.specs[int(index)]), pem.encode()) for index, pem in self.signed.items()]
        repairs = [self._recovered(pair.swap) for pair, _pem in signed]
        self.installed = dict(zip(self.signed, zip(repairs, self._install(signed))))

    def _install(self, signed: list[tuple[Pair, bytes]]) -> list[Facts]:
        """Install certificates, unless they do not match the options; return their facts."""
        found = [pair.candidate(pem, self.cas.get(pair.spec.ca)) for pair, pem in signed]
        for (pair, _pem), facts in zip(signed, found):
            if reasons := self._differences(pair.spec, facts):
                raise HardwayError(
                    f"{pair.spec.path}: the issued certificate does not match the options ({'; '.join(reasons)})"
                )
        install(signed)
        return found

    def _report(
        self, spec: CertificateSpec, found: Facts | str, reasons: list[str], repairs: list[str]
    ) -> dict[str, Any]:
        """Return the result for a certificate, and add changes to the diff."""
        if facts := None if isinstance(found, str) else found:
            self.due.append((facts.not_after - facts.validity * self.params["renew_before"]).timestamp())
        if self.diff is not None and reasons:
            self._differs(spec.path, _text(describe(facts)), _text(describe_wanted(spec)))
        else:
            self._show(spec.path, repairs)
        return {
            "path": spec.path,
            "changed": bool(reasons or repairs),
            "reasons": reasons + repairs,
            "not_after": stamp(facts.not_after) if facts else "",
            "serial": facts.serial if facts else "",
            "fingerprint": facts.fingerprint if facts else "",
        }

    def _show(self, path: str, reasons: list[str]) -> None:
        """Add reasons for a change to the diff."""
        if reasons:
            self._differs(path, "".join(f"{reason}\n" for reason in reasons), "as asked\n")

    def _differs(self, path: str, before: str, after: str) -> None:
        """Add a change to the diff, if diff mode is on."""
        if self.diff is not None:
            self.diff.append({"before_header": path, "after_header": path, "before": before, "after": after})


def _text(description: Mapping[str, Any]) -> str:
    """Return a description as lines for a diff."""
    return json.dumps(description, indent=2) + "\n" if description else ""
