# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an API server's binary and metrics say of its authorization configuration."""

from __future__ import annotations

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.authorization import (
    complaints,
    is_complete,
    loaded,
    with_files,
)

WITHOUT = (
    'W1130 options.go:369] No CIDR\nE1130 run.go:72] "command failed" err="[--etcd-servers must be specified, '
    'service-account-issuer is a required flag]"\n'
)
QUOTED = WITHOUT.replace("flag]", 'flag, authorizers[3].file: Invalid value: \\"/x\\": error: a, b]')
LINES = (
    'E1130 run.go:72] "command failed" err=<\n\t[--etcd-servers must be specified, service-account-issuer is a '
    "required flag, expression: Syntax error\n\t | request.user ==\n\t | ......^]\n >\n"
)
PREFIX = "apiserver_authorization_config_controller_"
RELOAD = PREFIX + 'automatic_reload_last_timestamp_seconds{apiserver_id_hash="sha256:1",status="%s"} %s\n'
HASH = PREFIX + 'last_config_info{apiserver_id_hash="sha256:1",hash="sha256:2"} 1\n'


def test_errors_about_missing_flags_are_left_out() -> None:
    assert complaints(WITHOUT, WITHOUT) == ""
    assert complaints(WITHOUT, QUOTED) == 'authorizers[3].file: Invalid value: "/x": error: a, b'
    assert complaints(WITHOUT, LINES) == "expression: Syntax error request.user == ......^"


@pytest.mark.parametrize(("output", "whole"), [(WITHOUT, True), (LINES, True), ("", False), ("panic: x", False)])
def test_a_binary_that_ended_otherwise_has_validated_nothing(output: str, whole: bool) -> None:
    assert is_complete(output) is whole


def test_files_that_are_not_written_yet_are_replaced() -> None:
    config = {"authorizers": [{"webhook": {"connectionInfo": {"kubeConfigFile": path}}} for path in ("/a", "/b")]}
    found = with_files(config, ["/a"], "/tmp/x")
    assert [each["webhook"]["connectionInfo"]["kubeConfigFile"] for each in found["authorizers"]] == ["/tmp/x", "/b"]
    assert config["authorizers"][0]["webhook"]["connectionInfo"]["kubeConfigFile"] == "/a"


@pytest.mark.parametrize(
    ("metrics", "digest", "age", "state"),
    [
        (HASH, "sha256:2", 0.0, "loaded"),
        (HASH, "sha256:3", 0.0, "waiting"),
        # Only its form differs.
        (HASH, "sha256:3", 66.0, "loaded"),
        (HASH + RELOAD % ("failure", "1e+09"), "sha256:3", 66.0, "loaded"),
        (HASH + RELOAD % ("failure", "1.7960827726366148e+09"), "sha256:3", 66.0, "failed"),
        (HASH + RELOAD % ("failure", "1.7960827726366148e+09"), "sha256:2", 66.0, "loaded"),
        (
            HASH + RELOAD % ("failure", "1.7960827726e+09") + RELOAD % ("success", "1.7960827727e+09"),
            "sha256:3",
            0.0,
            "waiting",
        ),
    ],
)
def test_whether_a_file_is_loaded(metrics: str, digest: str, age: float, state: str) -> None:
    changed = 1796082772.0
    assert loaded(metrics, digest, changed, changed + age)[0] == state
