# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts by which keys the API servers have encrypted the values in etcd, from the prefix that they give to each.

All of etcd is read, in pages: where an object is stored does not follow from the name of its resource, and what is
stored of a resource that is not served any more counts, too. The pages need not be of one revision: an object keeps
its place, and is written under another key only by an API server that has that as its first key.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

# Of each page in bytes, as etcdctl prints it. A value has 1.5 MB at most, most have far less.
PAGE = 4 * 1024 * 1024
_FIRST, _MOST = 16, 2000
# Long enough for every prefix; the rest of a value is not decoded.
_START = 400
_PREFIX = re.compile(rb"k8s:enc:([a-z]+):v\d+:([^:]+):")
_EXAMPLES = 3


def pages(run: Callable[[Sequence[str]], str]) -> Iterator[list[dict[str, Any]]]:
    """Yield all keys and values of etcd, as etcdctl prints them; run returns its output."""
    limit, last = _FIRST, ""
    while True:
        text = run(["get", "--from-key", f"--limit={limit}", "--write-out=json", "--", last])
        answer = json.loads(text)
        found = answer.get("kvs") or []
        # A page starts with the last key of the one before, which may be gone.
        yield [pair for pair in found if not last or _key(pair) != last]
        if not answer.get("more"):
            return
        last = _key(found[-1])
        limit = max(2, min(_MOST, 4 * limit, limit * PAGE // len(text)))


def count(run: Callable[[Sequence[str]], str], absent: Sequence[str] = ()) -> dict[str, Any]:
    """Return the number of values by provider and key, and of others; raise when there are some under absent keys."""
    encrypted: Counter[str] = Counter()
    examples: list[str] = []
    plain = 0
    for page in pages(run):
        for pair in page:
            prefix = _PREFIX.match(base64.b64decode(pair.get("value", "")[:_START]))
            if not prefix:
                plain += 1
                continue
            provider, name = (part.decode("utf-8", "replace") for part in prefix.groups())
            encrypted[f"{provider}:{name}"] += 1
            if name in absent and len(examples) < _EXAMPLES:
                examples.append(_key(pair))
    if examples:
        under = [f"{number} values under {name}" for name, number in encrypted.items() if name.split(":")[1] in absent]
        raise HardwayError(
            f"etcd: has {', '.join(under)}, such as {', '.join(examples)}, and only that key decrypts them; keep it in"
            " secrets/encryption.key of cluster_pki_dir, as NAME:SECRET on a line after the first, and add their"
            " resources to master_encryption_resources if they are not there"
        )
    return {"encrypted": dict(encrypted), "plain": plain}


def _key(pair: dict[str, Any]) -> str:
    """Return the key of a pair; as an argument it becomes the same bytes again."""
    return base64.b64decode(pair["key"]).decode("utf-8", "surrogateescape")
