# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorization configuration of an API server: what its binary says of it, and whether it was loaded. No I/O."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

# An API server is notified of a change, and reads the file every minute in any case.
NOTICED = 65.0
_METRIC = "apiserver_authorization_config_controller_"
_HASH = re.compile(rf'^{_METRIC}last_config_info\{{[^}}]*\bhash="([^"]+)"[^}}]*\}} 1$', re.M)
_RELOAD = re.compile(
    rf'^{_METRIC}automatic_reload_last_timestamp_seconds\{{[^}}]*\bstatus="(\w+)"[^}}]*\}} ([0-9.e+]+)$', re.M
)
# The last line of a binary of Kubernetes that does not start.
_FAILED = re.compile(r'"command failed" err=(<\n.*?\n >|"(?:[^"\\]|\\.)*")', re.S)


def with_files(config: Mapping[str, Any], written: Collection[str], instead: str) -> dict[str, Any]:
    """Return the configuration with another file in place of those that are not written yet."""

    def replaced(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {
                name: instead if name == "kubeConfigFile" and item in written else replaced(item)
                for name, item in value.items()
            }
        return [replaced(item) for item in value] if isinstance(value, list) else value

    return {name: replaced(item) for name, item in config.items()}


def complaints(without: str, output: str) -> str:
    """Return what a binary says of a file, by its output without and with the file; empty if that is nothing.

    It lists all errors, and those about flags that it was not given are in both.
    """
    common, found = _errors(without), _errors(output)
    for error in common:
        if error in found:
            found.remove(error)
    return re.sub(r"\s*\n[\s|]*", " ", ", ".join(found)).strip()


def is_complete(output: str) -> bool:
    """Return whether a binary has ended by listing its errors."""
    return bool(_FAILED.search(output))


def _errors(output: str) -> list[str]:
    found = _FAILED.search(output)
    if not found:
        return []
    text = found[1]
    text = text[2:-2].strip() if text.startswith("<") else re.sub(r"\\(.)", r"\1", text[1:-1])
    return text[1:-1].split(", ") if text.startswith("[") else [text]


def loaded(metrics: str, digest: str, changed: float, now: float) -> tuple[str, float]:
    """Return loaded, failed or waiting, and when that was, by an API server's metrics and its file.

    A file that differs in its form only is not loaded again, and gets no new hash.
    """
    times = {status: float(seconds) for status, seconds in _RELOAD.findall(metrics)}
    success, failure = times.get("success", 0.0), times.get("failure", 0.0)
    if digest in _HASH.findall(metrics):
        return "loaded", success
    if failure >= changed and failure > success:
        return "failed", failure
    return ("loaded", success) if now - changed > NOTICED else ("waiting", 0.0)
