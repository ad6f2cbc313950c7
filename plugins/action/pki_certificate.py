# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of pki_certificate: reads the CAs and issues certificates."""

from __future__ import annotations

import base64
import glob
import json
import os
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import offline_csrs
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import Issuer
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.offline import Offline
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.host.certificates import HostCertificates
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import CertificateSpec, specs_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.cfssl import document
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.options import ADDED, PUBLIC_SPEC
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._cached_results import CachedAction
from ansible_collections.hardway.kubernetes.plugins.plugin_utils._local import checked_arguments, is_local

_MODULE = "hardway.kubernetes.pki_certificate"


class ActionModule(CachedAction):
    """Compares on the host; if a certificate is due, issues it here and installs it with a second call."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = True
    # The key of the host's cached result; without one the host stores none.
    _option: dict[str, str] = {}
    # The options with their defaults, and the specification of each certificate, for both calls.
    _checked: tuple[dict[str, Any], list[CertificateSpec]] | None = None

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            result.update(self._run(variables))
        except HardwayError as exc:
            result.update(failed=True, msg=str(exc))
        return result

    def _run(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Return the cached result if it is valid, else the result from the host."""
        # Remove Ansible's data tags, which slow down every copy of the options; a host gets them without tags too.
        args = json.loads(json.dumps(self._task.args))
        for name in [name for name in args if name.startswith("_")]:
            raise HardwayError(f"pki_certificate: unknown option {name}; remove it")
        passphrase = args.pop("passphrase", "") or None
        args = self._with_files(args)
        directory = self._loader.path_dwim(os.path.expanduser(str(args.get("ca_dir") or "")))
        if boolean(args.get("requests_only", False), strict=False):
            return self._requests_only(directory, args, variables)
        args = _with_signed(directory, args, variables["inventory_hostname"])
        exchange = self._exchange(directory, args)
        forced = args.get("force") or args.get("renew") or args.get("renew_only")

        def rounds(option: dict[str, Any]) -> dict[str, Any]:
            self._option = option
            return self._rounds(directory, passphrase, exchange, args, variables)

        return self.cached(_MODULE, {**args, **exchange}, variables, rounds, use=not forced)

    def _requests_only(self, directory: str, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Return the CSRs that wait for an offline CA; on the host only keys are generated."""
        store, host = Store(directory), variables["inventory_hostname"]
        wanted = offline_csrs.offline_certificates(store, args.get("certificates") or [])
        if not wanted:
            return {"changed": False, "requests": []}
        args = {**args, "certificates": wanted, "trust": [], "observe": []}
        found = self._call({**args, "_exchange": {"cas": self._cas(directory, args)}}, variables)
        requests = found.pop("_requests", {})
        found.pop("_needed_keys", None)
        if found.get("failed"):
            return found
        checked, specs = self._wanted(args, requests, host)
        if self._task.check_mode:
            due = [spec for spec, item in zip(specs.values(), found["certificates"]) if item["changed"]]
            return {**found, "requests": offline_csrs.predicted(store, due, host)}
        waiting, new = offline_csrs.write_csrs(store, specs, requests, host, checked["renew_before"])
        return {**found, "changed": new, "requests": waiting}

    def _rounds(
        self,
        directory: str,
        passphrase: str | None,
        exchange: dict[str, Any],
        args: dict[str, Any],
        variables: dict[str, Any],
    ) -> dict[str, Any]:
        """Return the merged result of one or two calls of the module."""
        first = self._call({**args, "_exchange": exchange}, variables)
        requests, needed = first.pop("_requests", {}), first.pop("_needed_keys", [])
        if first.get("failed") or not (requests or needed):
            return first
        offline = Offline(Store(directory))
        second_arguments = self._sign(offline, passphrase, args, requests, needed, variables["inventory_hostname"])
        if any(second_arguments["_exchange"][part] != value for part, value in exchange.items()):
            self._option = {}  # the cached result would be for the arguments of the first call
        second = self._call({**args, **second_arguments, "force": False}, variables)
        unfinished = [*second.pop("_requests", {}), *second.pop("_needed_keys", [])]
        if second.get("failed"):
            return second
        if unfinished:
            raise HardwayError(
                "pki_certificate: files were changed during the run, on the host or on the controller; run again"
            )
        offline.done()
        return _merge(first, second)

    def _with_files(self, args: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments with the paths of cfssl's files replaced by their contents."""

        def content(item: dict[str, Any], option: str, what: str) -> dict[str, Any]:
            value = item.get(option)
            if value in (None, ""):
                return item
            if isinstance(value, str) and not value.lstrip().startswith("{"):
                value = self._loader.path_dwim(os.path.expanduser(value))
            return {**item, option: document(value, f"{what}{option}")}

        certificates = args.get("certificates") or []
        if isinstance(certificates, list) and all(isinstance(item, dict) for item in certificates):
            found = [content(item, "csr", f"{item.get('path')}: ") for item in certificates]
            args = {**args, "certificates": found}
        return content(args, "config", "")

    def _call(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run the module; return its result without its arguments, which contain certificates and keys."""
        if is_local(self, variables):
            return self._call_locally(args)
        result = self._execute_module(module_name=_MODULE, module_args={**args, **self._option}, task_vars=variables)
        result.pop("invocation", None)
        return result

    def _call_locally(self, args: dict[str, Any]) -> dict[str, Any]:
        """Do the module's work in this process; a module process takes longer than a hundred certificates."""
        options, specs = self._options(args)
        force = options["force"] and args["force"] is not False
        params = {**options, "force": force, **{name: args.get(name) for name in ADDED}}
        return HostCertificates(params, self._task.check_mode, self._task.diff, specs).run()

    def _options(self, args: dict[str, Any]) -> tuple[dict[str, Any], list[CertificateSpec]]:
        """Return the validated options with their defaults, and the specification of each certificate."""
        if self._checked is None:
            given = {name: value for name, value in args.items() if name not in ADDED}
            checked = checked_arguments(self, PUBLIC_SPEC, given)
            self._checked = checked, specs_of(checked)
        return self._checked

    def _wanted(
        self, args: dict[str, Any], requests: dict[str, str], host: str
    ) -> tuple[dict[str, Any], dict[str, CertificateSpec]]:
        """Return the options with their defaults, and the specification of each certificate by index.

        The controller issues what the task specifies; from the host's CSR it takes only the public key.
        """
        checked, found = self._options(args)
        specs = {str(index): spec for index, spec in enumerate(found)}
        if set(requests) - set(specs):
            raise HardwayError(f"{host}: requested a certificate that is not in the task; inspect that host")
        return checked, specs

    def _exchange(self, directory: str, args: dict[str, Any]) -> dict[str, Any]:
        """Return the certificates and chains of the CAs for the host."""
        cas = self._cas(directory, args)
        return {"cas": cas, "chains": _chains(directory, args, cas)}

    def _cas(self, directory: str, args: dict[str, Any]) -> dict[str, str]:
        """Return the certificates of the CAs in the task; in check mode some may not exist yet."""
        store, found = Store(directory), {}
        items = [entry for kind in ("trust", "certificates", "observe") for entry in args.get(kind) or []]
        named = {str(item["ca"]) for item in items if item.get("ca")}
        for name in sorted(named.union(*(map(str, item.get("also") or []) for item in items))):
            data = store.read(store.certificate(name))
            if data is not None:
                found[name] = data.decode("utf-8", "replace")
            elif not self._task.check_mode:
                raise HardwayError(f"CA {name}: {store.certificate(name)} does not exist; create it with role ca")
        return found

    def _sign(
        self,
        offline: Any,
        passphrase: str | None,
        args: dict[str, Any],
        requests: dict[str, str],
        needed: list[str],
        host: str,
    ) -> dict[str, Any]:
        """Return the arguments of the second call: certificates by index, and keys of CAs for the host."""
        checked, specs = self._wanted(args, requests, host)
        trusted = {entry["ca"] for entry in checked["trust"] if entry["key_path"]}
        store, renew_before = offline.store, checked["renew_before"]
        cas: dict[str, Issuer] = {}
        with store.locked():
            # Read the CAs again: another run may have changed them before this one got the lock.
            exchange = self._exchange(store.directory, args)
            for name in sorted({*(specs[index].ca for index in requests), *(trusted & set(needed))}):
                cas[name] = Issuer.load(store, name, passphrase)
            certificates = offline.sign_all(cas, specs, requests, host, renew_before)
        signed = {
            index: pem.decode() + (exchange["chains"][specs[index].ca] if specs[index].chain else "")
            for index, pem in certificates.items()
        }
        keys = {name: base64.b64encode(cas[name].plain_key()).decode() for name in trusted & set(needed)}
        return {"_exchange": {**exchange, "signed": signed}, "_ca_keys": keys}


def _with_signed(directory: str, args: dict[str, Any], host: str) -> dict[str, Any]:
    """Return the arguments with renew extended by certificates that an offline CA has signed."""
    found = offline_csrs.signed(Store(directory), args.get("certificates") or [], host)
    return {**args, "renew": [*(args.get("renew") or []), *map(glob.escape, found)]} if found else args


def _chains(directory: str, args: dict[str, Any], cas: dict[str, str]) -> dict[str, str]:
    """Return the chains for certificates with option chain, by CA."""
    names = {str(item["ca"]) for item in args.get("certificates") or [] if item.get("chain")}
    return {name: Store(directory).chain(name).decode() for name in sorted(names & set(cas))}


def _merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the merged result: reasons of the first call, state of the second."""
    certificates = [
        {**installed, "changed": found["changed"], "reasons": found["reasons"]}
        for found, installed in zip(first["certificates"], second["certificates"])
    ]
    return {**first, "certificates": certificates}
