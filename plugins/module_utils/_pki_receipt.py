# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receipt of module pki_certificate: its files are the evidence, and it ends when the first certificate is due."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils import _receipt
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_pair import Pair
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki_spec import CertificateSpec


def remember(
    params: Mapping[str, Any],
    specs: Sequence[CertificateSpec],
    result: Mapping[str, list[dict[str, Any]]],
    due: Sequence[float],
) -> None:
    """Record that all is right; ``due`` are moments, in seconds since 1970, at which something will not be."""
    right = {kind: [_unchanged(entry) for entry in entries] for kind, entries in result.items()}
    paths = [entry[name] for entry in params["trust"] for name in ("path", "key_path") if entry[name]]
    paths += [path for spec in specs for path in Pair(spec).files()]
    observed = [entry["path"] for entry in params["observe"]]
    _receipt.leave(
        params["_receipt"],
        {**right, "diff": []},
        paths=[*paths, *observed],
        absent=[
            *(path for path in observed if not os.path.lexists(path)),
            *(path for spec in specs for path in Pair(spec).passing()),
        ],
        until=min(due, default=None),
    )


def _unchanged(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the next run says of an entry."""
    return {**entry, "reasons": [], **({"changed": False} if "changed" in entry else {})}
