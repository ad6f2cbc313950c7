# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces secrets in texts that leave a host: by the names of fields, by form, and every known value wherever it is.

In doubt a value is a secret: a text that lacks a harmless value can still be read.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any, Callable, Optional
from urllib.parse import quote

REDACTED = "(redacted)"

# A field is secret if its name has one of these words, or two of these in sequence...
_WORDS = frozenset(
    (
        *("pass", "passwd", "password", "passwords", "passphrase", "passcode", "pwd", "psk", "secret"),
        *("secrets", "token", "tokens", "credential", "credentials", "bearer", "cookie"),
        "apikey",
    )
)
_KEYS = ("private", "secret", "shared", "api", "access", "account", "encryption", "signing")
_PAIRS = frozenset((("key", "data"), *((word, "key") for word in _KEYS)))
# ... unless its last word says that the value describes a secret.
_HARMLESS = frozenset(
    (
        *("file", "files", "path", "paths", "dir", "directory", "ttl", "duration", "period", "timeout"),
        *("seconds", "type", "name", "names", "namespace", "ref", "count", "size", "url", "enabled"),
        "webhook",
    )
)
# Parts of names without a separator.
_ENDS = ("token", "password", "passphrase", "passwd", "pw", "secret", "secretkey", "accesskey", "authpass")
# Secret only as the whole name, and only a text: the kubelet's settings of authorization are below one.
_NAMES = frozenset(("auth", "authorization"))
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NO_SECRET = frozenset(("true", "false", "null", "none", "~", "{}", "[]", REDACTED))

# A line of YAML, TOML, JSON, or with flags or variables, that has one field.
_LINE = re.compile(r"""^(\s*(?:-\s+)*)(?:export\s+)?["']?(-{0,2}[A-Za-z_][\w.\-]*)["']?(\s*[:=]\s*)(.*)$""")
# The same with a space, as haproxy and keepalived have it.
_WORD = re.compile(r"(?<![\w.\-/])([A-Za-z_][\w\-]*)[ \t]+(?=[^\s=:{])")
_VALUE = re.compile(r"""\"[^"\n]*\"|'[^'\n]*'|\S+""")
# Words of sentences, in comments.
_PROSE = frozenset(("token", "tokens", "secret", "secrets"))
# Fields within a line, such as of a log.
_INLINE = re.compile(
    r"""(?<![\w.\-])(-{0,2}[A-Za-z_][\w.\-]{0,80})(\\?["']?\s*[:=]\s*)"""
    r"""(\\"(?:(?!\\").)*\\"|"(?:\\.|[^"\\\n])*"?|'[^'\n]*'?"""
    # Fields in brackets, or after an ampersand, are fields of their own.
    r"""|[{\[][^\s:=,;]*(?=[\s,;]|$)|[^\s,;}\]"'\\&{\[](?:[^\s,;}\]"'\\&]|&(?![A-Za-z_][\w.\-]*=))*)"""
)
_FLAG = re.compile(r"""(?<![\w.\-])(--[A-Za-z][\w\-]*)([ \t]+)("[^"\n]*"|'[^'\n]*'|[^\s-]\S*)""")
# As of Environment=.
_QUOTED = re.compile(r"""(\\?["'])([A-Za-z_][\w.\-]*=)(.*)\1""")
_DEEPEST = 20
_HINT = re.compile(r"(?i)pass|pwd|psk|secret|token|credential|authorization|bearer|cookie|auth|key")

_PEM = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----BEGIN ).){0,16384}?-----END [A-Z ]*PRIVATE KEY-----", re.S
)
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----BEGIN ).){0,16384}", re.S)
_PEM_END = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")
_PEM_LINE = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}(?=\s*$|\\n)")
# The base64 of "-----BEGIN".
_CODED_PEM = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]+={0,2}")
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    # JSON web tokens, and bootstrap tokens.
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), REDACTED),
    (re.compile(r"(?<![\w.\-/])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.\-/])"), REDACTED),
    # Headers.
    (re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{12,}"), rf"\1\2{REDACTED}"),
    # Of curl, and of database drivers.
    (re.compile(r"(?<!\S)(-u|--user)([ =]\s*)[^\s:]+:\S+"), rf"\1\2{REDACTED}"),
    (re.compile(r"[^\s:@/\"']+:[^\s@/]+@(?=\w+\()"), f"{REDACTED}@"),
    # Users and passwords in URLs.
    (re.compile(r"(?<=://)[^\s/@\"'<>]+@"), f"{REDACTED}@"),
    # Keys of 16 and 32 bytes.
    (re.compile(r"(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=)(?!=)"), REDACTED),
)
_SHORT = 8
_SHORTEST = 4


def is_secret(name: str) -> bool:
    """Return whether the name of a field says that its value is a secret."""
    words = [word.lower() for word in _PARTS.findall(name)]
    if name.lower().strip("-") in _NAMES:
        return True
    if not words or words[-1] in _HARMLESS:
        return False
    joined = any(word.endswith(_ENDS) for word in words)
    return joined or bool(_WORDS & set(words)) or any(pair in _PAIRS for pair in zip(words, words[1:]))


class Redactor:
    """Knows the secrets of one host, and replaces them."""

    def __init__(self) -> None:
        """Know none yet."""
        self.values: set[str] = set()
        self.replaced = 0

    def gather(self, text: str, whole: bool = False) -> None:
        """Remember the secrets of a file; all of it with ``whole``, as of a file with a passphrase."""
        for block in _PEM.findall(text):
            self._remember_key(block)
        for value in _fields(text):
            self._remember(value)
        if whole and "PRIVATE KEY" not in text:
            for line in text.splitlines():
                self._remember(line.strip())

    def config(self, text: str) -> str:
        """Return a configuration file without secrets."""
        return self.text(_redacted_config(text, lambda _value: None))

    def text(self, text: str) -> str:
        """Return any text without secrets."""
        for value in sorted(self.values, key=len, reverse=True):
            if value not in text:
                continue
            if len(value) < _SHORT:
                # Part of a word it may be by chance.
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", REDACTED, text)
            else:
                text = text.replace(value, REDACTED)
        text = _without_keys(text)
        for pattern, instead in _FORMS:
            text = pattern.sub(instead, text)
        text = "\n".join(_inline(line) if _HINT.search(line) else line for line in text.split("\n"))
        self.replaced += text.count(REDACTED)
        return text

    def _remember(self, value: str) -> None:
        """Remember a value in the encodings that texts have."""
        value = value.strip()
        if len(value) < _SHORTEST or value.lower() in _NO_SECRET or value.startswith(("/", "$", "%")):
            return
        decoded = _decoded(value)
        if "PRIVATE KEY" in decoded:
            self._remember_key(decoded)
        self.values |= {value, json.dumps(value)[1:-1], quote(value, safe="")}
        coded = base64.b64encode(value.encode()).decode()
        # The last characters depend on what follows.
        self.values |= {each for each in (coded, coded.rstrip("=")[:-1]) if len(each) >= _SHORT}
        user, _colon, password = decoded.partition(":")
        if user and len(password) >= _SHORTEST and password.isprintable():
            self._remember(password)

    def _remember_key(self, block: str) -> None:
        """Remember a private key by the lines of its PEM."""
        lines = [line.strip() for line in block.strip().splitlines() if line.strip() and "-----" not in line]
        self.values |= {line for line in lines if len(line) >= 16}
        self.values |= {"".join(lines), base64.b64encode(block.strip().encode()).decode()[:-4]}


def _decoded(value: str) -> str:
    """Return what a value is in base64; empty if it is not."""
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _without_keys(text: str) -> str:
    """Return a text without private keys, also those of which it has one end only."""
    if "LS0tLS1CRUdJTi" in text:
        text = _CODED_PEM.sub(lambda found: found[0] if "PRIVATE" not in _decoded_start(found[0]) else REDACTED, text)
    if "PRIVATE KEY-----" not in text:
        return text
    text = _PEM_BEGIN.sub(REDACTED, _PEM.sub(REDACTED, text))
    if not _PEM_END.search(text):
        return text
    lines = text.split("\n")
    for number in [number for number, line in enumerate(lines) if _PEM_END.search(line)]:
        lines[number] = REDACTED
        # Backwards over the lines of its base64.
        for above in range(number - 1, max(-1, number - 80), -1):
            without = _PEM_LINE.sub(REDACTED, lines[above])
            if without == lines[above]:
                break
            lines[above] = without
    return "\n".join(lines)


def _decoded_start(coded: str) -> str:
    return base64.b64decode(coded[:64] + "=" * (-len(coded[:64]) % 4)).decode("utf-8", "replace")


def _inline(line: str, keep: Callable[[str], None] = lambda _value: None, depth: int = 0) -> str:
    """Return a line without the values of its secret fields, each of which ``keep`` gets."""
    if depth > _DEEPEST:
        return REDACTED

    def replaced(found: re.Match[str]) -> str:
        if not is_secret(found[1]):
            quoted = _QUOTED.fullmatch(found[3]) if found.re is _INLINE else None
            if quoted and is_secret(quoted[2][:-1]):
                keep(quoted[3])
                return f"{found[1]}{found[2]}{quoted[1]}{quoted[2]}{REDACTED}{quoted[1]}"
            # The value may have fields itself.
            return f"{found[1]}{found[2]}{_inline(found[3], keep, depth + 1)}"
        if _bare(found[3]).lower() in _NO_SECRET:
            return found[0]
        keep(_bare(found[3]))
        return f"{found[1]}{found[2]}{REDACTED}"

    return _FLAG.sub(replaced, _INLINE.sub(replaced, line))


def _bare(value: str) -> str:
    """Return a value without quotes, comma and comment."""
    value = re.sub(r"\s+#.*", "", value.strip()).rstrip(",").strip()
    if value[:1] == value[-1:] == '"':
        try:
            return str(json.loads(value))
        except ValueError:
            pass
    return value.strip("\\").strip("\"'").rstrip("\\")


def _fields(text: str) -> list[str]:
    """Return the values of all secret fields of a configuration file."""
    found: list[str] = []
    _redacted_config(text, found.append)
    for line in text.splitlines():
        if _HINT.search(line):
            _inline(line, found.append)
        found += [part for each in re.findall(r"://([^\s/@\"'<>]+)@", line) for part in (each, each.partition(":")[2])]
    return found


def _redacted_config(text: str, keep: Callable[[str], None]) -> str:
    """Return a configuration file without the values of secret fields, each of which ``keep`` gets."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return "\n".join(_redacted_lines(text.split("\n"), keep))
    if not isinstance(parsed, (dict, list)):
        return text
    return json.dumps(_redacted_json(parsed, keep), indent=2, ensure_ascii=False) + "\n"


def _redacted_json(value: Any, keep: Callable[[str], None], secret: bool = False) -> Any:
    """Return parsed JSON without the values of secret fields, nor what is below them."""
    if isinstance(value, dict):
        named = is_secret(str(value.get("name") or ""))
        return {
            name: _redacted_json(each, keep, secret or _covers(name, each) or (named and name == "value"))
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_redacted_json(each, keep, secret) for each in value]
    if not secret or value is None or isinstance(value, bool):
        return value
    keep(str(value))
    return REDACTED


def _covers(name: str, value: Any) -> bool:
    """Return whether a value is a secret, with all that is below it, because of its name."""
    return is_secret(name) and (name.lower() not in _NAMES or not isinstance(value, (dict, list)))


def _redacted_lines(lines: list[str], keep: Callable[[str], None]) -> Iterator[str]:
    """Yield the lines of a file in YAML, TOML or similar; a secret value may go on in lines below, deeper indented."""
    column: Optional[int] = None
    closing = ""
    # Whether the last name was that of a secret, whose value follows, as of a variable of a container.
    named = False
    for line in lines:
        stripped = line.strip()
        if closing:
            keep(_bare(stripped.replace(closing, "")))
            if closing in stripped:
                closing = ""
            continue
        indent = len(line) - len(line.lstrip())
        if column is not None and (not stripped or indent > column or (indent == column and stripped[:2] == "- ")):
            keep(_bare(stripped[2:] if stripped[:2] == "- " else stripped.partition(": ")[2] or stripped))
            continue
        column = None
        found = _LINE.match(line)
        if found and found[2] == "name":
            named = is_secret(_bare(found[4]))
        if not found or not ((named and found[2] == "value") or _covers(found[2], found[4].strip() or {})):
            yield _redacted_words(line, keep)
            continue
        value = found[4].strip()
        if value.lower() not in _NO_SECRET:
            keep(_bare(value))
        quotes = next((each for each in ('"""', "'''", '"', "'") if value.startswith(each)), "")
        if quotes and value.count(quotes) == 1:
            closing = quotes
        column = len(found[1])
        shown = value if value.lower() in _NO_SECRET else REDACTED
        yield (
            f"{line[: found.end(3)].rstrip()} {shown}" if found[3].strip() == ":" else f"{line[: found.end(3)]}{shown}"
        )


def _redacted_words(line: str, keep: Callable[[str], None]) -> str:
    """Return a line without what follows a word that says that it is a secret."""
    position = 0
    while found := _WORD.search(line, position):
        position = found.end()
        value = _VALUE.match(line, position)
        if found[1].isupper() and value and is_secret(value[0]):
            # The value of another field, such as keepalived's auth_type, before the next name.
            continue
        if is_secret(found[1]) and found[1].lower() not in _PROSE and value:
            for part in (_bare(value[0]), _bare(value[0]).partition(":")[2]):
                keep(part)
            line = line[:position] + REDACTED + line[value.end() :]
    return line
