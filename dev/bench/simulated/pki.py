# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated host answers to modules about keys and certificates. Its CSRs and certificates are real."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.inspect.describe import Thresholds, described
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.compare import is_named, moment_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.bench.simulated.state import ABSENT, Host, Stored, digest

Result = dict[str, Any]
MISSING = "certificate: does not exist yet"
DUE = "expiry: 30d left, less than 33% of its validity period"
KUBELET = "/var/lib/kubelet/pki/kubelet-client-current.pem"
# What module host_status reports of a certificate.
FIELDS = (
    *("where", "path", "kind", "endpoint", "used_by", "subject", "is_ca", "fingerprint", "not_after", "days_left"),
    *("state", "served_matches"),
)


def request(name: str) -> str:
    """Return a CSR for a new key. The controller takes only the public key from it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:60])])
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


@functools.lru_cache(maxsize=64)
def _described(pem: str) -> Result:
    """Return what reports say of a certificate, but for the days that are left."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return described(certificate, datetime.now(timezone.utc), Thresholds(0, 0))


def pki_certificate(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Compare trust and certificates with what is here; request what is due, install what was signed."""
    exchange = arguments["_exchange"]
    signed, cas = exchange.get("signed") or {}, exchange["cas"]
    certificates = list(arguments.get("certificates") or [])
    trust, needed = _trust(host, arguments, cas)
    for index, pem in signed.items():
        _install(host, certificates[int(index)], pem, cas)
    found, requests = [], {}
    for index, entry in enumerate(certificates):
        reasons = [] if str(index) in signed else _reasons(host, entry, cas) or _forced(entry["path"], arguments)
        if reasons:
            requests[str(index)] = request(entry.get("common_name") or entry["path"])
        found.append(_reported(host, entry["path"], reasons))
    observed = [
        {
            "path": entry["path"],
            "reasons": _forced(entry["path"], arguments) if host.at(entry["path"]) != ABSENT else [MISSING],
        }
        for entry in arguments.get("observe") or []
    ]
    result = {"trust": trust, "certificates": found, "observed": observed}
    if not (requests or needed or any(entry["reasons"] for entry in observed)):
        unchanged = {kind: [_unchanged(entry) for entry in entries] for kind, entries in result.items()}
        host.remember(arguments.get("_cached_result"), {**unchanged, "diff": []}, _evidence(arguments))
    changed = any(entry["changed"] for entry in [*trust, *found])
    return {"changed": changed, **result, "_requests": requests, "_needed_keys": needed}


def _unchanged(entry: Result) -> Result:
    return {**entry, "reasons": [], **({"changed": False} if "changed" in entry else {})}


def _evidence(arguments: Mapping[str, Any]) -> list[str]:
    trust = [entry[name] for entry in arguments.get("trust") or [] for name in ("path", "key_path") if entry.get(name)]
    own = [f"{entry['path']}.crt" for entry in arguments.get("certificates") or []]
    return [*trust, *own, *(entry["path"] for entry in arguments.get("observe") or [])]


def _trust(host: Host, arguments: Mapping[str, Any], cas: Mapping[str, str]) -> tuple[list[Result], list[str]]:
    """Write the CAs' certificates; return the result of each, and the CAs whose keys the host lacks."""
    found, needed = [], []
    for entry in arguments.get("trust") or []:
        path, key = entry["path"], entry.get("key_path")
        text = "".join(cas.get(name, "") for name in [entry["ca"], *(entry.get("also") or [])])
        wanted = digest(text, *(entry.get(name) or "" for name in ("owner", "group", "anchor", "signer")))
        reasons = [] if host.at(path) == wanted else ["does not exist yet" if host.at(path) == ABSENT else "changed"]
        if key and host.at(key) != digest(text):
            if entry["ca"] in (arguments.get("_ca_keys") or {}):
                host.paths[key] = digest(text)
            else:
                needed.append(entry["ca"])
                reasons.append("key: does not exist yet")
        if entry["ca"] not in needed and text:
            host.paths[path] = wanted
            host.trust[path] = {"pem": text, **_described(cas[entry["ca"]])}
        found.append({"path": path, "changed": bool(reasons), "reasons": reasons})
    return found, sorted(set(needed))


def _options(entry: Mapping[str, Any], cas: Mapping[str, str]) -> str:
    """Return a digest of all that a certificate must have."""
    own = {name: value for name, value in entry.items() if name not in ("owner", "group")}
    return digest(own, cas.get(entry.get("ca") or "", ""))


def _install(host: Host, entry: Mapping[str, Any], pem: str, cas: Mapping[str, str]) -> None:
    path = entry["path"]
    host.certificates[path] = {"options": _options(entry, cas), "due": False, **_described(pem)}
    now = host.certificates[path]["fingerprint"]
    host.paths.update({f"{path}.crt": now, f"{path}.key": now})


def _reasons(host: Host, entry: Mapping[str, Any], cas: Mapping[str, str]) -> list[str]:
    """Return why a certificate must be issued."""
    known = host.certificates.get(entry["path"])
    if known is None:
        return [MISSING]
    if known["options"] != _options(entry, cas):
        return ["sans: changed"]
    return [DUE] if known["due"] else []


def _forced(path: str, arguments: Mapping[str, Any]) -> list[str]:
    """Return the reason for a renewal that was asked for."""
    asked = arguments.get("force") or is_named(path, arguments.get("renew") or [])
    return ["force: reissue requested"] if asked else []


def make_due(host: Host, name: str) -> bool:
    """Let a certificate be due for renewal; return whether the host has it."""
    for path, known in host.certificates.items():
        if path.rpartition("/")[2] == name:
            known["due"] = True
            # So that no cached result is valid, as by its time on a real host.
            host.paths[f"{path}.crt"] = "due"
            for unit in host.units.values():
                unit.update({f"{path}.crt": "due"} if f"{path}.crt" in unit else {})
            return True
    return False


def _reported(host: Host, path: str, reasons: list[str]) -> Result:
    known = host.certificates.get(path, {})
    own = {name: known.get(name, "") for name in ("not_after", "serial", "fingerprint")}
    return {"path": path, "changed": bool(reasons), "reasons": reasons, **own}


def kubeconfig(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Compare each file with what was written before."""
    results, evidence = [], []
    for entry in arguments["kubeconfigs"]:
        path, pair = entry["path"], entry.get("certificate") or ""
        sources = [entry["ca"], *([f"{pair}.crt", f"{pair}.key"] if pair else [])]
        wanted = digest(entry, [host.at(source) for source in sources])
        results.append({"path": path, "changed": host.at(path) != wanted})
        host.paths[path] = wanted
        host.kubeconfigs[path] = {"ca": entry["ca"], "certificate": pair}
        evidence += [path, *sources]
    unchanged = {"kubeconfigs": [{"path": each["path"], "changed": False} for each in results]}
    host.remember(arguments.get("_cached_result"), unchanged, evidence)
    return {"changed": any(each["changed"] for each in results), "kubeconfigs": results}


def kubelet_certificate(host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Make a key and its CSR, or take the certificate."""
    if arguments["state"] == "requested":
        return {"changed": True, "request": request(f"system:node:{arguments['node']}")}
    if not arguments.get("certificate"):
        return {"failed": True, "msg": f"node {arguments['node']}: {arguments.get('problem') or 'no certificate'}"}
    host.paths[KUBELET] = digest(arguments["certificate"])
    host.certificates[KUBELET[:-4]] = {"options": "", "due": False, **_kubelet(arguments["node"])}
    stored.register(arguments["node"])
    return {"changed": True, "path": "/var/lib/kubelet/pki/kubelet-client-2026-01-01-12-00-00.pem"}


def _kubelet(node: str) -> Result:
    """Return what reports say of a kubelet's client certificate, which no real CA has signed here."""
    now = datetime.now(timezone.utc)
    return {
        "subject": [f"CN=system:node:{node}", "O=system:nodes"],
        "issuer": ["CN=kubernetes"],
        "sans": [],
        "usages": ["digital signature", "client auth"],
        "is_ca": False,
        "max_path_len": None,
        "key": "ecdsa 256",
        "signature": "ecdsa-with-SHA256",
        "serial": digest(node, "serial"),
        "fingerprint": digest(node, "fingerprint"),
        "subject_key_id": "",
        "authority_key_id": "",
        "not_before": stamp(now),
        "not_after": stamp(now + timedelta(days=365)),
        "days_left": 365.0,
        "state": "ok",
    }


def pki_info(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Answer with the certificates in files, kubeconfigs and at listeners."""
    days = arguments.get("warning_days", 30), arguments.get("critical_days", 7)
    paths = [(each["path"], each.get("used_by") or []) for each in arguments.get("files") or []]
    found = list(certificates(host, paths, arguments.get("endpoints") or [], days))
    return {"changed": False, "certificates": found, "requests": [], "problems": []}


def status_certificates(host: Host, arguments: Mapping[str, Any]) -> list[Result]:
    """Return the certificates as module host_status does."""
    days = arguments.get("warning_days", 30), arguments.get("critical_days", 7)
    paths: list[tuple[str, list[str]]] = [(path, []) for path in arguments.get("certificate_files") or []]
    found = certificates(host, paths, arguments.get("certificate_endpoints") or [], days)
    return [{name: each[name] for name in FIELDS} for each in found]


def certificates(
    host: Host, paths: list[tuple[str, list[str]]], endpoints: list[Result], days: tuple[float, float]
) -> Iterator[Result]:
    """Yield each certificate once, with its users."""
    seen: dict[tuple[str, str], Result] = {}
    for wanted, users in paths:
        for path, entry, known in _below(host, wanted):
            item = seen.setdefault((path, entry), _item(known, path, entry, days))
            item["used_by"] += [user for user in users if user not in item["used_by"]]
    for each in endpoints:
        path = each.get("path") or ""
        if own := host.certificates.get(path.rpartition(".")[0]):
            item = _item(own, path, "", days)
            place = {"where": each["endpoint"], "kind": "endpoint", "endpoint": each["endpoint"], "key_matches": None}
            users = list(each.get("used_by") or [])
            seen[each["endpoint"], ""] = {**item, **place, "served_matches": True, "used_by": users}
    yield from seen.values()


def _below(host: Host, wanted: str) -> Iterator[tuple[str, str, Result]]:
    """Yield path, entry and description of what is in a file, or in a directory."""

    def named(path: str) -> bool:
        return path == wanted or path.startswith(f"{wanted}/")

    for stem, known in host.certificates.items():
        path = KUBELET if KUBELET.startswith(stem) else f"{stem}.crt"
        if named(path):
            yield path, "", known
    for path, ca in host.trust.items():
        if named(path):
            yield path, "", ca
    for path, sources in host.kubeconfigs.items():
        if named(path):
            if trusted := host.trust.get(sources["ca"]):
                yield path, "certificate-authority-data", trusted
            if own := host.certificates.get(sources["certificate"]):
                yield path, "client-certificate-data", own


def _item(known: Mapping[str, Any], path: str, entry: str, days: tuple[float, float]) -> Result:
    left = (moment_of(known["not_after"]) - datetime.now(timezone.utc)) / timedelta(days=1)
    state = "expired" if left <= 0 else "critical" if left < days[1] else "warning" if left < days[0] else "ok"
    return {
        "where": f"{path} ({entry})" if entry else path,
        "kind": "kubeconfig" if entry else "file",
        "path": path,
        "entry": entry,
        "index": 0,
        "endpoint": "",
        "used_by": [],
        "key_matches": None if known["is_ca"] else True,
        "served_matches": None,
        **{name: value for name, value in known.items() if name not in ("options", "due", "pem")},
        "days_left": round(left, 2),
        "state": state,
    }
