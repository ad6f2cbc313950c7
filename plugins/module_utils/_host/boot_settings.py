# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other files on a host do to kernel settings at its next boot, as sysctl.d(5) and modprobe.d(5) say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from glob import glob

from ansible_collections.hardway.kubernetes.plugins.module_utils._host import kernel_rules
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.features import HostFiles

# In the order of precedence: a file hides those of its name in later directories.
PLACES = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
DOES_NOTHING = ("true", "false", ":")
_SETTING = re.compile(r"\s*-?\s*([^\s=#;][^=]*?)\s*=\s*(.*?)\s*")


def files(host: HostFiles, name: str) -> list[str]:
    """Return the files of the directories NAME.d, in the order in which they are read."""
    found: dict[str, str] = {}
    for place in PLACES:
        for path in glob(host.path(f"{place}/{name}.d") + "/*.conf"):
            found.setdefault(os.path.basename(path), path[len(host.root) :])
    return [found[basename] for basename in sorted(found)]


def overridden(host: HostFiles, settings: Mapping[str, str], own: str) -> list[str]:
    """Return one line for each sysctl to which a file that is read after ours gives another value."""
    last: dict[str, tuple[str, str]] = {}
    for path in files(host, "sysctl"):
        if os.path.basename(path) > os.path.basename(own):
            for number, line in enumerate((host.read(path) or "").splitlines(), 1):
                if found := _SETTING.fullmatch(line):
                    last[_plain(found[1])] = (kernel_rules.normal(found[2]), f"{path}:{number}")
    return [
        f"{key}: {last[_plain(key)][1]} sets {last[_plain(key)][0]} at the next boot, after {own} has set {wanted};"
        " remove that line"
        for key, wanted in settings.items()
        if _plain(key) in last and last[_plain(key)][0] != wanted
    ]


def blocked(host: HostFiles, modules: Iterable[str]) -> dict[str, str]:
    """Return by module which line keeps it from being loaded at boot; modprobe by hand ignores some of them."""
    wanted = {name.replace("-", "_"): name for name in modules if not host.is_built_in(name)}
    found: dict[str, str] = {}
    for path in files(host, "modprobe"):
        for number, words in _words(host.read(path) or ""):
            name = wanted.get(words[1].replace("-", "_")) if len(words) > 1 else None
            command = os.path.basename(words[2]) if len(words) > 2 else ""
            if name and (words[0] == "blacklist" or (words[0] == "install" and command in DOES_NOTHING)):
                found.setdefault(name, f"`{' '.join(words)}` in {path}:{number} keeps it from being loaded at boot")
    return found


def _words(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the words of each line; a backslash at its end joins the next one."""
    start, pending = 1, ""
    for number, line in enumerate(text.splitlines(), 1):
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        if not pending.lstrip().startswith("#"):
            yield start, pending.split()
        start, pending = number + 1, ""


def _plain(key: str) -> str:
    """Return a key with slashes: where a dot comes first, dots and slashes stand for each other."""
    first = re.search(r"[./]", key)
    return key.translate(str.maketrans("./", "/.")) if first and first[0] == "." else key
