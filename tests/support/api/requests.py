# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to an API, as any user."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Response, Tls, request

from tests.support.api.kubernetes import RealKubernetes

MAPS = "/api/v1/namespaces/default/configmaps"
# A pattern that matches no cause, where no fault is expected.
NEVER = "(?!)"
APPLY = "application/apply-patch+yaml"


def ask(
    cluster: RealKubernetes,
    path: str,
    method: str = "GET",
    body: Any = None,
    *,
    cert: Path | None = None,
    token: str | None = None,
    kind: str = "application/json",
) -> Response:
    """Send a request, without credentials where none are given."""
    tls = Tls(ca=str(cluster.ca.ca), cert=f"{cert}.crt" if cert else None, key=f"{cert}.key" if cert else None)
    data = None if body is None else json.dumps(body).encode()
    return request(cluster.url + path, method=method, body=data, headers={"Content-Type": kind}, tls=tls, token=token)


def admin(cluster: RealKubernetes, path: str, method: str = "GET", body: Any = None, **more: Any) -> Response:
    """Send a request as the administrator."""
    return ask(cluster, path, method, body, cert=cluster.admin, **more)


def until(truth: Callable[[], bool], seconds: float = 90) -> bool:
    """Return whether something becomes true; while there is no answer it is not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(HttpError):
            if truth():
                return True
        time.sleep(0.5)
    return False


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def plural(kind: str) -> str:
    """Return the name of a kind in URLs."""
    name = kind.lower()
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
