# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-apiserver: flags and files in, a server out."""

from __future__ import annotations

import threading
import time

from ..core import x509
from ..core.client import ApiError, Files
from ..core.flags import Refusal, read_file, table
from ..core.program import Program
from ..core.schema import Schema
from ..core.server import Server, log, notify, stopping
from ..core.tls import Tls
from .admission import Admission
from .api import Api
from .audit import Audit
from .encryption import Encryption
from .founding import Founding, own_address
from .identity import Authenticator, Tokens
from .rest import Rest
from .rights import Authorizer
from .settings import settings
from .store import Store

# As long as the real server gives its requests by default.
PATIENCE = 60
CAS = ("client-ca-file", "requestheader-client-ca-file", "kubelet-certificate-authority")


def connect(program: Program) -> Store:
    """Return the store, once etcd answers."""
    get = program.get
    files = Files(get("etcd-cafile", ""), get("etcd-certfile", ""), get("etcd-keyfile", ""))
    for path in filter(None, (files.ca, files.cert, files.key)):
        read_file(path)
    if files.cert:
        x509.pair(files.cert, files.key)
    reload = bool(get("encryption-provider-config-automatic-reload"))
    encryption = Encryption(get("encryption-provider-config", ""), program.fields, reload=reload)
    store = Store(get("etcd-servers", []), files, get("etcd-prefix", "/registry"), encryption)
    end = time.monotonic() + 20
    while True:
        try:
            store.start()
            return store
        except ApiError as exc:
            if time.monotonic() > end:
                raise Refusal(f"Error: context deadline exceeded: {exc}") from None
            time.sleep(1)


def build(program: Program) -> Api:
    """Return the API, all files read and checked."""
    get = program.get
    config = settings(program)
    for cert, key in (("tls-cert-file", "tls-private-key-file"), ("proxy-client-cert-file", "proxy-client-key-file")):
        if get(cert):
            x509.pair(get(cert), get(key, ""))
    cas = {flag: x509.certificates(get(flag)) for flag in CAS if get(flag)}
    # Their content is read only when a kubelet is queried.
    kubelets = [get(flag, "") for flag in ("kubelet-client-certificate", "kubelet-client-key")]
    for path in filter(None, kubelets):
        read_file(path)
    audit = Audit(program)
    keys = get("service-account-signing-key-file"), get("service-account-key-file", [])
    tokens = Tokens(*keys, get("service-account-issuer")[0])
    store = connect(program)
    admission = Admission(store, config.plugins, services(program), config.exempt, config.enforce)
    joining = bool(get("enable-bootstrap-token-auth"))
    authenticator = Authenticator(cas.get("client-ca-file", []), tokens, store, config.anonymous, joining)
    rest = Rest(store, Schema(table("objects"), program.tables["objects"]), admission)
    authorizer = Authorizer(store, get("authorization-mode", ["AlwaysAllow"]))
    asking = Files(get("kubelet-certificate-authority", ""), *kubelets)
    return Api(program.version, rest, authenticator, authorizer, audit, asking)


def services(program: Program) -> str:
    """Return the range of the services' addresses."""
    return str(program.get("service-cluster-ip-range") or "10.0.0.0/24").split(",")[0]


def main(program: Program) -> int:
    """Serve until the stop signal."""
    get = program.get
    if program.get("oidc-issuer-url") and get("authentication-config"):
        raise Refusal("authentication-config file and oidc-* flags are mutually exclusive")
    stop = stopping()
    api = build(program)
    tls = Tls(get("tls-cert-file", ""), get("tls-private-key-file", ""), get("tls-min-version", "VersionTLS12"))
    address, port = get("bind-address", ""), get("secure-port", 6443)
    server = Server(address or "0.0.0.0", port, api.answer, tls)  # noqa: S104
    founding = Founding(api.rest, get("advertise-address") or own_address(address), port)
    founding.begin(services(program), table("roles"))
    threading.Thread(target=founding.stay, daemon=True).start()
    server.serve()
    log("I", f"REHEARSAL stand-in of kube-apiserver {program.version} serves on {server.server_address}")
    notify("READY=1")
    stop.wait()
    # Clients are still served while load balancers notice that this server stops.
    api.going = True
    founding.leave()
    time.sleep(float(get("shutdown-delay-duration", 0.0)))
    server.drain(PATIENCE)
    log("I", "ends in order")
    return 0
