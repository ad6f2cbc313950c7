# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redacts files with secrets: replaces each secret by a keyed digest for comparison."""

from __future__ import annotations

import hashlib
import hmac
import re

MARK = "hmac:"
_SECRET = re.compile(r"""(\bsecret["']?\s*:\s*)(?:[|>][-+]?\s*)?("[^"\n]*"|'[^'\n]*'|[^\s,}"']+)""")
# Keys of 16 and 32 bytes wherever they are, also in a file of an unknown format.
_KEY = re.compile(r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=)(?!=)")


def digest(secret: str, salt: str) -> str:
    """Return what stands for a secret; a salt of its own for every call keeps it from being found elsewhere."""
    return MARK + hmac.new(salt.encode(), secret.strip().encode(), hashlib.sha256).hexdigest()[:32]


def redacted(text: str, salt: str) -> str:
    """Return the text of a private key as a digest, that of an EncryptionConfiguration with digests for its keys."""
    if "PRIVATE KEY" in text:
        return digest(text, salt)
    text = _SECRET.sub(lambda found: f'{found[1]}"{digest(found[2].strip(chr(34) + chr(39)), salt)}"', text)
    return _KEY.sub(lambda found: f'"{digest(found[0], salt)}"', text)
