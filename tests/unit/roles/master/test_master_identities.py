# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorizers, static tokens and extra files of operators: files, flags, and which change restarts an API server."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests.support.roles.master import Host, ha

ETC = "/etc/kubernetes"
AUTHORIZERS = [{"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}]
POLICY = {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": {"user": "a"}}
TOKEN = {"token": "s3cr3t", "user": "a", "uid": 7, "groups": ["g"]}
SETTINGS: dict[str, Any] = {
    "master_authorization_config": {"authorizers": AUTHORIZERS},
    "master_abac_policy": [POLICY, {**POLICY, "spec": {"group": "b", "readonly": True}}],
    "master_static_tokens": [TOKEN],
    "master_extra_files": [
        {"name": "hook.conf", "content": {"kind": "Config"}},
        {"name": "reloaded.conf", "content": "a", "restart": False},
    ],
}


def files(host: Host) -> dict[str, dict[str, Any]]:
    """Return the entries of files by path."""
    return {item["path"]: item for item in host.value("_master_files")}


def flags(host: Host) -> dict[str, str]:
    """Return the flags about authorization and tokens."""
    pairs = (flag.removeprefix("--").partition("=") for flag in host.arguments("kube-apiserver"))
    return {name: value for name, _equals, value in pairs if name.startswith(("authorization-", "token-"))}


def inputs(host: Host) -> list[str]:
    return list(host.value("_master_units")[0]["inputs"])


def test_by_default_there_is_nothing_but_a_flag() -> None:
    assert flags(ha()) == {"authorization-mode": "Node,RBAC"}
    found = files(ha())
    for name in ("authorization.yaml", "abac-policy.jsonl", "static-tokens.csv", "extra"):
        assert found[f"{ETC}/{name}"]["state"] == "absent"
        assert not [path for path in inputs(ha()) if path.startswith(f"{ETC}/{name}")]


def test_every_file_has_its_flag() -> None:
    assert flags(ha(**SETTINGS)) == {
        "authorization-config": f"{ETC}/authorization.yaml",
        "authorization-policy-file": f"{ETC}/abac-policy.jsonl",
        "token-auth-file": f"{ETC}/static-tokens.csv",
    }
    alone = flags(ha(master_abac_policy=[POLICY]))
    assert alone == {"authorization-mode": "Node,RBAC,ABAC", "authorization-policy-file": f"{ETC}/abac-policy.jsonl"}


def test_only_the_file_that_running_api_servers_load_is_no_input() -> None:
    new = set(inputs(ha(**SETTINGS))) - set(inputs(ha()))
    assert new == {f"{ETC}/abac-policy.jsonl", f"{ETC}/static-tokens.csv", f"{ETC}/extra/hook.conf"}


def test_the_configuration_is_completed() -> None:
    text = ha(master_authorization_config={"authorizers": AUTHORIZERS}).file("authorization.yaml")
    header = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration"}
    assert yaml.safe_load(text) == {**header, "authorizers": AUTHORIZERS}
    abac = {"type": "ABAC", "name": "abac"}
    assert yaml.safe_load(ha(**SETTINGS).file("authorization.yaml"))["authorizers"] == [*AUTHORIZERS, abac]
    own = {"authorizers": [{"type": "ABAC", "name": "own"}, *AUTHORIZERS]}
    given = {**SETTINGS, "master_authorization_config": own}
    assert yaml.safe_load(ha(**given).file("authorization.yaml"))["authorizers"] == own["authorizers"]


def test_the_content_of_files() -> None:
    found = files(ha(**SETTINGS))
    lines = found[f"{ETC}/abac-policy.jsonl"]["content"].splitlines()
    assert [json.loads(line) for line in lines] == SETTINGS["master_abac_policy"]
    tokens = found[f"{ETC}/static-tokens.csv"]
    assert (tokens["content"], tokens["mode"], tokens["secret"]) == ('"s3cr3t","a","7","g"\n', "0600", True)
    assert found[f"{ETC}/extra/hook.conf"]["secret"] is True


def test_extra_files_are_written_before_what_names_them_and_removed_after_it() -> None:
    paths = list(files(ha(**SETTINGS)))
    assert paths.index(f"{ETC}/extra/hook.conf") < paths.index(f"{ETC}/authorization.yaml")
    assert paths[-1] == f"{ETC}/extra"


def test_drop_ins_and_environment_files_of_operators_are_not_ours() -> None:
    """No entry is in, or is, a directory of drop-ins, so the role neither writes nor removes any there."""
    for host in (ha(), ha(**SETTINGS)):
        assert not [path for path in files(host) if ".service.d" in path or path.endswith(".env")]
        assert "EnvironmentFile" not in host.file("kube-apiserver.service")
