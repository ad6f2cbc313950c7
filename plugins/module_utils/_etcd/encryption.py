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
_FIRST, _MOST = 16, 500
# Of the encoded value, long enough for every prefix; the rest is not decoded.
_START = 1024
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
    used: Counter[str] = Counter()
    examples: list[str] = []
    plain = 0
    # A name may have a colon, so it does not follow from the value alone where it ends.
    sought = [(name, re.compile(rb"k8s:enc:[a-z]+:v\d+:" + re.escape(name.encode()) + b":")) for name in absent]
    for page in pages(run):
        for pair in page:
            value = base64.b64decode(pair.get("value", "")[:_START])
            prefix = _PREFIX.match(value)
            if not prefix:
                plain += 1
                continue
            provider, first = (part.decode("utf-8", "replace") for part in prefix.groups())
            encrypted[f"{provider}:{first}"] += 1
            for name, pattern in sought:
                if pattern.match(value):
                    used[name] += 1
                    examples += [_key(pair)] if len(examples) < _EXAMPLES else []
    if used:
        raise HardwayError(
            f"etcd: values are encrypted by keys that are to be removed: {dict(used)}, such as {', '.join(examples)};"
            " nothing else decrypts them: keep the keys in secrets/encryption.key of cluster_pki_dir, as NAME:SECRET"
            " on lines after the first, and add the resources to master_encryption_resources if they are not there"
        )
    return {"encrypted": dict(encrypted), "plain": plain}


def _key(pair: dict[str, Any]) -> str:
    """Return the key of a pair; as an argument it becomes the same bytes again."""
    return base64.b64decode(pair["key"]).decode("utf-8", "surrogateescape")
