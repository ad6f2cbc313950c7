# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at every part of a cluster, at many at once; a part that does not answer is a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils import _cluster_state as state
from ansible_collections.hardway.kubernetes.plugins.module_utils import _leases
from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._etcd import Etcd, judged
from ansible_collections.hardway.kubernetes.plugins.module_utils._http import (
    HttpError,
    Tls,
    request,
    served_certificate,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._kube import Api
from ansible_collections.hardway.kubernetes.plugins.module_utils._leftovers import scratch
from ansible_collections.hardway.kubernetes.plugins.module_utils._unit import full_name
from ansible_collections.hardway.kubernetes.plugins.module_utils._unit_host import Systemd, ask

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"


def at_once(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Return the results in order; one slow host delays only itself."""
    with ThreadPoolExecutor(max_workers=max(1, min(16, len(items)))) as pool:
        return list(pool.map(work, items))


def look_at_masters(urls: Sequence[str], tls: Tls) -> list[dict[str, Any]]:
    """Return for each URL whether it is ready, and what it answers to an anonymous client."""

    def look(url: str) -> dict[str, Any]:
        seen: dict[str, Any] = {"url": url, "ready": False, "detail": "", "anonymous": 0, "error": ""}
        try:
            answer = request(url + "/readyz?verbose", tls=tls)
            seen["ready"] = answer.status == 200
            if not seen["ready"]:
                seen["detail"] = _failed_checks(answer.body.decode("utf-8", "replace")) or f"status {answer.status}"
            seen["anonymous"] = request(url + "/api", tls=Tls(ca=tls.ca)).status
        except HttpError as exc:
            seen["error"] = str(exc)
        return seen

    return at_once(look, urls)


def _failed_checks(text: str) -> str:
    """Return the names of the checks that the verbose page marks as failed."""
    return ", ".join(line[3:].split(" ")[0] for line in text.splitlines() if line.startswith("[-]"))


def look_at_leases(api: Api, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the state of the leader elections."""
    leases = {name: api.find(LEASES + name) for name in names}
    return state.lease_states(leases, _leases.server_time(api.date))


def look_at_nodes(api: Api) -> list[dict[str, Any]]:
    """Return the state of the nodes."""
    return state.node_states(api.get("/api/v1/nodes").get("items") or [])


class EtcdLook:
    """Looks at etcd again and again, comparing revisions with the look before."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Remember how to reach it."""
        self.endpoints = [endpoint.rstrip("/") for endpoint in params["endpoints"]]
        self.tls = Tls(ca=params["ca"], cert=params["cert"], key=params["key"])
        self.health = judged(Etcd(self.endpoints, self.tls), params["expected_members"])

    def refusals(self) -> list[dict[str, Any]]:
        """Return for each endpoint whether it answers plaintext, no certificate, or a foreign one."""
        with scratch() as directory:
            cert, key = throwaway_certificate(directory)
            return at_once(lambda endpoint: self._refusal(endpoint, cert, key), self.endpoints)

    def _refusal(self, endpoint: str, cert: str, key: str) -> dict[str, Any]:
        """Try three clients that must fail."""
        return {
            "endpoint": endpoint,
            # Go answers 400 in plaintext on a TLS listener: that is a refusal.
            "plaintext": _answers(endpoint.replace("https://", "http://", 1), Tls()),
            "without_certificate": _answers(endpoint, Tls(ca=self.tls.ca)),
            "foreign_certificate": _answers(endpoint, Tls(ca=self.tls.ca, cert=cert, key=key)),
        }


def _answers(endpoint: str, tls: Tls) -> bool:
    """Return whether the health page can be read, or any other answer than a refusal comes."""
    try:
        return request(endpoint + "/health", tls=tls, timeout=3).status not in (400, 401, 403)
    except HttpError:
        return False


def throwaway_certificate(directory: str) -> tuple[str, str]:
    """Write a client certificate that nobody signed; return the paths of certificate and key."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.backends import default_backend
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1(), default_backend())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "foreign")])
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256(), default_backend())
    )
    paths = (f"{directory}/foreign.crt", f"{directory}/foreign.key")
    pem = serialization.Encoding.PEM
    contents = (
        certificate.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    for path, content in zip(paths, contents):
        with open(path, "wb") as file:
            file.write(content)
    return paths


def look_at_services(systemd: Systemd, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the state of units of this host, and what speaks against each."""
    names = [full_name(item["unit"]) for item in items]
    shown = systemd.show(names) if names else {}

    def look(item: Mapping[str, Any]) -> dict[str, Any]:
        unit = full_name(item["unit"])
        seen = shown[unit]
        error = ""
        if seen.load == "not-found":
            error = "there is no such unit; run its role"
        elif not seen.running:
            error = f"it is {seen.active} ({seen.sub}); see journalctl -u {unit}"
        elif item["url"]:
            error = ask({**item, "status": 200}, verify=bool(item["ca"]))
        return {"name": item["name"] or unit, "unit": unit, "state": f"{seen.active} ({seen.sub})", "error": error}

    return at_once(look, items)


def look_at_served(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the fingerprints that listeners serve and that their files have, on this host."""

    def look(item: Mapping[str, Any]) -> dict[str, Any]:
        seen = {name: item[name] for name in ("name", "host", "port", "path")}
        seen.update(served="", on_disk="")
        host = f"[{item['host']}]" if ":" in item["host"] else item["host"]
        try:
            with open(item["path"], encoding="ascii", errors="replace") as file:
                seen["on_disk"] = state.fingerprint(state.pem_to_der(file.read()))
            der = served_certificate(f"https://{host}:{item['port']}", server_name=item["server_name"])
            return {**seen, "served": state.fingerprint(der), "error": ""}
        except HardwayError as exc:
            return {**seen, "error": str(exc)}
        except (OSError, ValueError) as exc:
            return {**seen, "error": f"{item['path']} cannot be read: {exc}; restore it, or run its role again"}

    return at_once(look, items)
