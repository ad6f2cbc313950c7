# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines, read by the table of the version: names and types of the real program, and its words of refusal."""

from __future__ import annotations

import functools
import json
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import values


class Refusal(Exception):
    """The program ends with these words, as the real one would."""

    def __init__(self, message: str, status: int = 1) -> None:
        """Keep message and exit status."""
        super().__init__(message)
        self.status = status


def read_file(path: str) -> bytes:
    """Return the content of a file that a flag or another file names."""
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise Refusal(f"open {path}: {(exc.strerror or '').lower()}") from None


@functools.lru_cache
def table(name: str) -> Any:
    """Return one of the data tables of the archive."""
    data = pkgutil.get_data(__package__.rpartition(".")[0], f"data/{name}.json")
    return json.loads(data or b"null")


class Line:
    """A parsed command line."""

    def __init__(self, known: dict[str, str]) -> None:
        """Begin with nothing given."""
        self.known = known
        self.values: dict[str, Any] = {}
        self.rest: list[str] = []

    def read(self, words: list[str]) -> Line:
        """Take all words; raise Refusal at the first that is wrong."""
        words = list(words)
        while words:
            word = words.pop(0)
            if word == "--":
                self.rest += words
                break
            if not word.startswith("-") or word == "-":
                self.rest.append(word)
            # Go's own flags, which flanneld has, take one dash as well as two.
            elif word.startswith("--") or "net-config-path" in self.known:
                self._named(word, words)
            else:
                self._short(word, words)
        return self

    def _named(self, word: str, words: list[str]) -> None:
        """Take a flag by its whole name."""
        name, equals, value = word[1 + word.startswith("--") :].partition("=")
        if name[:1] in ("", "-"):
            raise Refusal(f"bad flag syntax: {word}")
        shown = word.partition("=")[0]
        name = name.replace("_", "-")
        if self.known.get(name, "=").startswith("="):
            raise Refusal(f"unknown flag: {shown}")
        if not equals and self.known[name] not in ("bool", "RuntimeDefault", "version"):
            if not words:
                raise Refusal(f"flag needs an argument: {shown}")
            value = words.pop(0)
        self._set(name, value if equals or value else "true")

    def _short(self, word: str, words: list[str]) -> None:
        """Take a flag of one letter, with its value behind it or in the next word."""
        letter, value = word[1], word[2:].removeprefix("=")
        name = {"v": "v", "h": "help"}.get(letter, "")
        if name not in self.known:
            raise Refusal(f"unknown shorthand flag: '{letter}' in {word}")
        if not word[2:] and self.known[name] != "bool":
            if not words:
                raise Refusal(f"flag needs an argument: '{letter}' in {word}")
            value = words.pop(0)
        self._set(name, value or "true")

    def _set(self, name: str, text: str) -> None:
        """Read and keep one value; lists and maps grow."""
        kind = self.known[name]
        try:
            value = (values.BY_NAME.get(name) or values.READERS.get(kind) or str)(text)
        except ValueError as exc:
            shown = f"-v, --{name}" if name == "v" else f"--{name}"
            raise Refusal(f'invalid argument "{text}" for "{shown}" flag: {exc}') from None
        before = self.values.get(name)
        if isinstance(value, list) and before:
            value = before + value
        elif isinstance(value, dict) and before:
            value = {**before, **value}
        self.values[name] = value

    def check_gates(self, known: list[str]) -> None:
        """Raise Refusal for a feature gate that the version does not have."""
        given = self.values.get("feature-gates") or {}
        if isinstance(given, str):
            given = _component_gates(given)
        unknown_gates(given, known)


def _component_gates(text: str) -> dict[str, bool]:
    """Return the gates of a program that takes them by component, as checked only after all flags are read."""
    found = {}
    for pair in filter(None, text.split(",")):
        name, equals, value = pair.strip().partition("=")
        component, colon, name = name.rpartition(":")
        if colon and component != "kube":
            raise Refusal(f"component not registered: {component}")
        if not equals:
            raise Refusal(f"missing bool value for {name}")
        try:
            found[name] = values.truth(value)
        except ValueError as exc:
            raise Refusal(f"invalid value of {name}={value}, err: {exc}") from None
    return found


def unknown_gates(given: Iterable[str], known: list[str]) -> None:
    """Raise Refusal for a gate that is not known."""
    for name in given:
        if name not in known:
            raise Refusal(f"unrecognized feature gate: {name}")


def usage(program: str, known: dict[str, str]) -> str:
    """Return what --help prints: the flags and their types."""
    lines = [f"Usage:\n  {program} [flags]\n\nA stand-in of hardway.kubernetes for rehearsals.\n"]
    named = sorted((name, kind) for name, kind in known.items() if not kind.startswith("="))
    return "\n".join([*lines, *(f"      --{name} {'' if kind == 'bool' else kind}".rstrip() for name, kind in named)])
