# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How API servers reach an authorization webhook."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any


def webhook_kubeconfig(url: str, ca: Path, client: Path) -> dict[str, Any]:
    """Return the kubeconfig for a webhook at this address; client is the path of certificate and key without suffix."""

    def data(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode()

    user = {
        "client-certificate-data": data(client.with_suffix(".crt")),
        "client-key-data": data(client.with_suffix(".key")),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "hook", "cluster": {"server": url, "certificate-authority-data": data(ca)}}],
        "users": [{"name": "api", "user": user}],
        "contexts": [{"name": "hook", "context": {"cluster": "hook", "user": "api"}}],
        "current-context": "hook",
    }
