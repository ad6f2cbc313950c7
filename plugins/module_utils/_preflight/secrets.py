# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects secrets on masters that the PKI directory lacks, and that a run would destroy."""

from __future__ import annotations

import glob
import os
import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.redaction import MARK, digest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import hosts_in_words
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.encryption_keys import available
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca.store import Store
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.bundle import split

ENCRYPTION = "/etc/kubernetes/encryption.yaml"
KEY, PUBLIC = "/etc/kubernetes/pki/sa.key", "/etc/kubernetes/pki/sa.pub"
_NAMED = re.compile(rf"""name["']?\s*:\s*["']?([^\s"',]+)["']?\s*,?\s*secret["']?\s*:\s*"({MARK}\w+)""")
_REMEDY = (
    "or set cluster_pki_dir to the directory that the cluster was made with, or host_replace_cas if nothing"
    " there is to survive"
)


def foreign_secrets(reported: t.Mapping[str, t.Mapping[str, t.Any]], ca_dir: str) -> list[str]:
    """Return one line for each secret that masters have and the directory does not.

    reported is what module cached results has returned of each host: files in ``secrets``, digests by ``nonce``. A key
    that only decrypts may be gone: role master removes it from the masters if nothing in etcd is stored under it.
    """
    store = Store(ca_dir)
    keys, tokens = [], []
    for host, result in sorted(reported.items()):
        files, nonce = result.get("secrets") or {}, str(result.get("nonce", ""))
        if ENCRYPTION in files and _has_other_keys(store, files[ENCRYPTION], nonce):
            keys.append(host)
        if _signs_by_another(store, files, nonce):
            tokens.append(host)
    lines = []
    if keys:
        lines.append(
            f"{hosts_in_words(keys)}: {ENCRYPTION} has a key that {store.secret('encryption.key')} has not, and nothing"
            " else decrypts what it encrypted in etcd; put that key there, as NAME:SECRET on a separate line, after the"
            f" one that shall encrypt, {_REMEDY}"
        )
    if tokens:
        lines.append(
            f"{hosts_in_words(tokens)}: {KEY} is another key than {store.key('sa')}, and all tokens that it signed"
            f" would be refused; copy {KEY} and {PUBLIC} from there, or append that {PUBLIC} to {store.stem('sa')}.pub,"
            f" {_REMEDY}"
        )
    return lines


def _has_other_keys(store: Store, text: str, nonce: str) -> bool:
    """True when a redacted EncryptionConfiguration has a key that is not here and encrypts, or has another's name."""
    keys = available(store)
    here, names = {(key.name, digest(key.secret, nonce)) for key in keys}, {key.name for key in keys}
    # The first key of each list encrypts.
    lists = [_NAMED.findall(part) for part in re.split(r"""\bkeys["']?\s*:""", text)]
    for found in lists:
        if any(key not in here and (number == 0 or key[0] in names) for number, key in enumerate(found)):
            return True
    unnamed = set(re.findall(rf"{MARK}\w+", text)) - {secret for found in lists for _name, secret in found}
    return bool(unnamed - {secret for _name, secret in here})


def _signs_by_another(store: Store, files: t.Mapping[str, str], nonce: str) -> bool:
    """True when tokens that a master has signed would be refused. The next key and former ones count as known."""
    if not files.get(KEY):
        return False
    retired = os.path.join(glob.escape(os.path.join(store.directory, "retired")), "sa-*.key")
    paths = [store.key("sa"), store.key("sa.next"), *sorted(glob.glob(retired))]
    texts = [(store.read(path) or b"").decode("utf-8", "replace") for path in paths]
    if files[KEY] in {digest(text, nonce) for text in texts if text}:
        return False
    theirs = _blocks(files.get(PUBLIC, "").encode())
    return not theirs or not theirs <= _blocks(store.read(f"{store.stem('sa')}.pub") or b"")


def _blocks(pem: bytes) -> set[bytes]:
    """Return the public keys of a file; what is damaged is none."""
    try:
        return {b"".join(block.split()) for block in split(pem)}
    except HardwayError:
        return set()
