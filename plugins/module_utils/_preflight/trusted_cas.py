# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects hosts of another cluster by comparing their CAs with those on the controller."""

from __future__ import annotations

import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import hosts_in_words
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.issuer import known_certificates
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.certificates import (
    certificates_in,
    fingerprint,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import same_public_key


def foreign_cas(
    reported: t.Mapping[str, t.Mapping[str, str]],
    names: t.Mapping[str, str],
    ca_dir: str,
    etcd_data: t.Collection[str] = (),
) -> list[str]:
    """Return one line for each CA that hosts trust and the directory does not know, not even from earlier.

    reported is what each host has, by path; names are the CAs that belong there. One with the same key is the same.
    etcd_data are the hosts with data of etcd: an API server with other keys than that cluster's never becomes ready.
    """
    store = Store(ca_dir)
    culprits: dict[tuple[str, str, str], list[str]] = {}
    ours = {name: known_certificates(store, name) for name in set(names.values())}
    for host, files in reported.items():
        for path, text in files.items():
            found = _certificates(text.encode(), path)
            known = ours[names[path]]
            if found and not any(
                same_public_key(one.public_key(), other.public_key()) for one in found for other in known
            ):
                culprits.setdefault((names[path], path, fingerprint(found[0])), []).append(host)
    return [
        f"{hosts_in_words(hosts)}: {path} ({_short(digest)}) is another CA than {store.certificate(name)}"
        f"{f' ({_short(fingerprint(ours[name][0]))})' if ours[name] else ', which does not exist'}; set cluster_pki_dir"
        f" to the directory that the cluster was made with, or {_other_way(etcd_data)}"
        for (name, path, digest), hosts in sorted(culprits.items())
    ]


def _other_way(etcd_data: t.Collection[str]) -> str:
    """Return what else there is to do, where nothing is to survive."""
    if not etcd_data:
        return "host_replace_cas if nothing there must be kept"
    return (
        f"start over, if nothing must be kept: on {hosts_in_words(etcd_data)} etcd has data of the cluster with "
        "these CAs, and host_replace_cas works only when etcd is stopped there, and its data directory "
        "and /etc/etcd/formed are removed"
    )


def _short(digest: str) -> str:
    """Return as much of a digest as one can compare by eye."""
    return f"SHA-256 {digest[:16]}…"


def _certificates(text: bytes, path: str) -> list[t.Any]:
    """Return the certificates of a text; what is damaged is no CA at all, and is repaired later."""
    try:
        return certificates_in(text, path)
    except HardwayError:
        return []
