# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags as systemd passes them to a program, whatever characters are in them."""

from __future__ import annotations

import pytest

from tests.support.hosts.sandbox import lab

UNIT = """[Service]
Type=oneshot
StandardOutput=file:/run/flags
ExecStart=/usr/bin/printf '%%s\\\\n'
{%- for flag in values | hardway.kubernetes.unit_flags %} \\
  {{ flag }}
{%- endfor %}

"""
VALUES = {
    "plain": "/etc/kubernetes/pki/ca.crt",
    "number": 2,
    "switch": True,
    "off": False,
    "left-out": None,
    "empty": "",
    "each": ["one", None, "two words"],
    "pairs": {"A": True, "B": "b b"},
    "specifier": "%n 100%",
    "variable": "$HOME ${HOME}",
    "quotes": 'it\'s "so" \\ and \\n',
    "separators": "a;b , c | d > e #f",
    "letters": "schön ☃",
}
SEEN = """--plain=/etc/kubernetes/pki/ca.crt
--number=2
--switch=true
--off=false
--empty=
--each=one
--each=two words
--pairs=A=true,B=b b
--specifier=%n 100%
--variable=$HOME ${HOME}
--quotes=it's "so" \\ and \\n
--separators=a;b , c | d > e #f
--letters=schön ☃"""


def test_systemd_reads_each_flag_as_it_was_given(tmp_path_factory: pytest.TempPathFactory) -> None:
    with lab(tmp_path_factory.mktemp("flags"), 1) as hosts:
        unit = {"path": "/etc/systemd/system/flags.service", "content": UNIT}
        hosts.play({"hardway.kubernetes.files": {"files": [unit]}}, values=VALUES)
        hosts.inside("n1", "systemctl daemon-reload && systemctl start flags")
        assert hosts.inside("n1", "cat /run/flags") == SEEN
