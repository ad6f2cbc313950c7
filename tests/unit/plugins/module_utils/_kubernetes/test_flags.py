# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which flags a program does not know, from what it prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import flags

KUBELET = (
    'E1130 02:46:50.943280   26068 run.go:72] "command failed" err="failed to parse kubelet flag: unknown flag: {}"'
)


def program(*known: str, error: str = "Error: unknown flag: {}") -> Callable[[Sequence[str]], tuple[int, str]]:
    """Return a program that names one unknown flag at a time."""

    def run(given: Sequence[str]) -> tuple[int, str]:
        for flag in given:
            name = flag.partition("=")[0]
            if name not in known:
                return 1, f"{error.format(name)}\n"
        return 0, "Kubernetes v1.36.2\n"

    return run


def test_all_unknown_flags_are_found_though_the_program_names_one_at_a_time() -> None:
    given = ["--v=2", "--gone=a", "--v=3", "--gone=b", "--gone-too"]
    assert flags.check(given, program("--v")) == {"unknown": ["--gone", "--gone-too"], "error": "", "gates": []}
    assert flags.check(given, program("--v", error=KUBELET))["unknown"] == ["--gone", "--gone-too"]
    assert flags.check(given, program("--v", "--gone", "--gone-too"))["unknown"] == []


def test_a_flag_whose_name_begins_as_that_of_an_unknown_one_is_kept() -> None:
    assert flags.check(["--gone=1", "--gone-too=1"], program("--gone-too"))["unknown"] == ["--gone"]


def test_another_reason_is_reported_without_the_noise() -> None:
    def refuses(given: Sequence[str]) -> tuple[int, str]:
        text = KUBELET.replace("unknown flag: {}", 'invalid argument \\"z\\" for \\"-v, --v\\" flag: not a number')
        return 1, f"{text}\n"

    expected = 'invalid argument "z" for "-v, --v" flag: not a number'
    assert flags.check(["--v=z"], refuses) == {"unknown": [], "error": expected, "gates": []}
    assert flags.check([], lambda _given: (2, ""))["error"] == "no output"


def test_a_program_that_names_what_was_not_given_is_not_asked_for_ever() -> None:
    assert flags.check(["--v=2"], lambda _given: (1, "Error: unknown flag: --other\n"))["error"]


def test_unknown_feature_gates_are_found() -> None:
    output = (
        "W1130 feature_gate.go:420] unrecognized feature gate: B\nW1130 unrecognized feature gate: A\nKubernetes v1\n"
    )
    assert flags.check([], lambda _given: (0, output))["gates"] == ["A", "B"]
