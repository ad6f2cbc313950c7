# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests of operators from texts, files, directories and downloads."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.plugin_utils import _manifest_sources as sources

LABEL = "example.org/from=site"


def config_map(name: str) -> str:
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  labels: {{own: '1'}}\ndata: {{mode: '0644'}}\n"
    )


def names(entries: list[Any], cache: Path) -> list[str]:
    return [item["metadata"]["name"] for item in sources.objects_of(entries, str(cache), LABEL)]


def test_texts_files_directories_and_lists_are_read_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "b.yaml").write_text(config_map("b") + "---\n---\n" + config_map("b2"))
    (tmp_path / "d" / "a.yml").write_text("# only a comment\n")
    (tmp_path / "d" / "sub" / "c.json").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": []}))
    (tmp_path / "d" / "notes.txt").write_text("not: [read")
    (tmp_path / "one.conf").write_text(config_map("one"))
    several = json.dumps({"kind": "ConfigMapList", "apiVersion": "v1", "items": [{**object_of("l1")}]})
    entries = [config_map("t"), {"path": str(tmp_path / "d")}, {"path": str(tmp_path / "one.conf")}, several]
    assert names([*entries, {"content": config_map("c")}, object_of("o"), ""], tmp_path) == [
        "t",
        "b",
        "b2",
        "one",
        "l1",
        "c",
        "o",
    ]


def object_of(name: str, kind: str = "ConfigMap") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}


def test_objects_keep_their_labels_and_get_one_more(tmp_path: Path) -> None:
    (found,) = sources.objects_of([config_map("a")], str(tmp_path), LABEL)
    assert found["metadata"]["labels"] == {"own": "1", "example.org/from": "site"} and found["data"] == {"mode": "0644"}
    assert json.loads(sources.manifest_of([found])) == found


def test_what_others_need_comes_first(tmp_path: Path) -> None:
    entries = [
        object_of("a"),
        object_of("crd", "CustomResourceDefinition"),
        object_of("b"),
        object_of("n", "Namespace"),
    ]
    assert names(entries, tmp_path) == ["crd", "n", "a", "b"]


def test_a_download_is_verified_and_kept(tmp_path: Path) -> None:
    origin = tmp_path / "origin.yaml"
    origin.write_text(config_map("far"))
    digest = hashlib.sha256(origin.read_bytes()).hexdigest()
    entry = {"url": origin.as_uri(), "sha256": digest}
    assert names([entry], tmp_path) == ["far"]
    origin.unlink()
    assert names([entry], tmp_path) == ["far"]
    (tmp_path / "manifests" / f"{digest}.yaml").write_text(config_map("tampered"))
    with pytest.raises(HardwayError, match="addons_manifests, entry 1: "):
        names([entry], tmp_path)
    origin.write_text(config_map("another"))
    with pytest.raises(HardwayError, match=f"gave a file with sha256 [0-9a-f]{{64}}, not {digest}"):
        names([entry], tmp_path)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"path": "a.yaml"}, "entry 2: a.yaml: is no absolute path; write {{ inventory_dir }}/a.yaml"),
        ({"path": "/no/such"}, "/no/such: no such file or directory on the controller"),
        ({"url": "https://u:secret@example.org/a.yaml"}, "https://example.org/a.yaml: sha256 is not 64 hexadecimal"),
        ({"path": "/a", "url": "https://example.org"}, "has not exactly one of content, path and url"),
        (7, "has not exactly one of content, path and url"),
        ("kind: A\nmetadata: {name: a}", "its content: object 1 lacks apiVersion, kind or metadata.name"),
        ("- a", "object 1 lacks"),
        ("kind: Secret\nstringData: {password: [s3cret}", "its content, line 2: is no YAML ("),
    ],
)
def test_wrong_entries_are_named_without_their_content(entry: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(HardwayError) as caught:
        names([config_map("a"), entry], tmp_path)
    assert message in str(caught.value) and "s3cret" not in str(caught.value) and "u:secret" not in str(caught.value)


def test_a_directory_without_manifests_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("")
    with pytest.raises(HardwayError, match=r"has no \*\.yaml, \*\.yml, \*\.json; correct the path"):
        names([{"path": str(tmp_path)}], tmp_path)
