# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a cluster as text, JSON, metrics and as a page: every problem is in each of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import status_html, status_text
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_report import report
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_state import SEVERITIES, State

from tests.support.api import status

HOSTILE = '<script>alert("1")</script>'
VOID = {"meta", "path", "rect", "circle"}
SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\} (-?[0-9.e+]+)')
STATES = pytest.mark.parametrize("state", [build() for build in status.STATES.values()], ids=list(status.STATES))


class Page(HTMLParser):
    """What a page consists of; refuses what is not closed, and what is not plain HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """Return the visible text."""
        return " ".join("".join(self.words).split())


def page(state: State) -> Page:
    """Return the parsed page."""
    return Page(status_html.page(report(state)))


def hostile() -> State:
    """Return a cluster with a node that has a hostile name."""
    state = status.changed(status.expiring())
    state.cluster["nodes"].append(status.node(HOSTILE))
    state.cluster["pending_csrs"].append({"name": "a", "user": HOSTILE, "signer": 'x"\nhardway 1', "age": 1.0})
    return status.changed(state, inventory={**state.inventory, "name": f"prod{HOSTILE}"})


@STATES
def test_every_rendering_names_every_problem(state: State) -> None:
    result = report(state)
    text = "\n".join(line for _severity, line in status_text.lines(result))
    seen, metrics = page(state).text, status_text.metrics(result, state)
    for finding in json.loads(json.dumps(result))["findings"]:
        assert finding["severity"] in SEVERITIES
        assert f"{finding['object']}: {finding['reason']}" in text and finding["remedy"] in text
        assert f"{finding['object']}: {finding['reason']}" in seen and finding["remedy"] in seen
        assert f'object="{finding["object"]}"' in metrics
    assert (
        f'hardway_status_severity{{cluster="prod"}} {("ok", "warning", "critical").index(result["severity"])}\n'
        in metrics
    )


@STATES
def test_the_worst_is_first_and_the_verdict_is_above_it(state: State) -> None:
    result = report(state)
    lines = status_text.lines(result)
    order = [SEVERITIES.index(finding["severity"]) for finding in result["findings"]]
    assert order == sorted(order)
    head = lines[0][1]
    assert head.split()[0].lower() == result["severity"]
    assert "cluster prod · Kubernetes 1.36.2 · 2026-11-29 03:12:45 UTC" in head
    assert len(lines) <= 31, "it fits on a screen"


@STATES
def test_the_page_needs_nothing_from_outside(state: State) -> None:
    text = status_html.page(report(state))
    seen = Page(text)
    for tag, attributes in seen.tags:
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "base", "form"), tag
        assert not {"src", "href", "srcset", "style", "action"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert not re.search(r"url\(|@import|https?:", style)
    policy = next(attributes["content"] for _tag, attributes in seen.tags if attributes.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


@STATES
def test_the_page_is_semantic_and_does_not_rely_on_colour(state: State) -> None:
    seen, result = page(state), report(state)
    tags = [tag for tag, _attributes in seen.tags]
    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    assert ("html", {"lang": "en"}) in seen.tags
    assert tags.count("th") == sum(attributes.get("scope") == "col" for tag, attributes in seen.tags if tag == "th")
    assert all(attributes.get("aria-hidden") == "true" for tag, attributes in seen.tags if tag == "svg")
    times = {attributes["datetime"] for tag, attributes in seen.tags if tag == "time"}
    assert times == {"2026-11-29T03:12:45Z"} and "2026-11-29 03:12:45 UTC" in seen.text
    for severity in ("critical", "warning"):
        count = sum(finding["severity"] == severity for finding in result["findings"])
        assert seen.text.count(status_html.WORDS[severity]) >= count
    assert tags.count("table") == sum(bool(section["rows"]) for section in result["sections"])


def test_a_hostile_name_is_text() -> None:
    text = status_html.page(report(hostile()))
    assert "<script" not in text
    assert HOSTILE in Page(text).text
    assert "&lt;script&gt;" in text


def test_contrast_is_accessible() -> None:
    light, dark = re.findall(r":root\{([^}]*)\}", status_html.STYLE)
    for theme in (light, dark):
        colours = dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})", theme))
        pairs = [(name, f"{name}-bg") for name in ("ok", "warning", "critical", "unknown")]
        pairs += [(name, place) for name in ("text", "soft") for place in ("card", "page")]
        for front, back in pairs:
            assert contrast(colours[front], colours[back]) >= 4.5, (front, back)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, as WCAG defines it."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    "state", [*(build() for build in status.STATES.values()), hostile()], ids=[*status.STATES, "hostile"]
)
def test_metrics_are_in_the_format_of_prometheus(state: State) -> None:
    text = status_text.metrics(report(state), state)
    assert text.endswith("\n")
    described: set[str] = set()
    seen: set[tuple[str, str]] = set()
    for line in text.splitlines():
        if line.startswith("#"):
            kind, name = line.split()[1:3]
            assert (kind, name) not in described
            described.add(f"{kind} {name}")
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        name, labels, value = found.groups()
        assert {f"HELP {name}", f"TYPE {name}"} <= described and name.startswith("hardway_status_")
        assert (name, labels) not in seen, "a sample occurs once"
        seen.add((name, labels))
        float(value)
    if promtool := shutil.which("promtool"):
        subprocess.run([promtool, "check", "metrics"], input=text, text=True, check=True)


def test_a_large_cluster_stays_short() -> None:
    state = status.changed(status.healthy())
    names = [f"w{number}" for number in range(500)]
    nodes = [*state.cluster["nodes"], *(status.node(name, ready=name != "w321") for name in names)]
    every = [*state.inventory["nodes"], *({"host": name, "name": name, "address": ""} for name in names)]
    large = status.changed(
        state, cluster={**state.cluster, "nodes": nodes}, inventory={**state.inventory, "nodes": every}
    )
    (section,) = (section for section in report(large)["sections"] if section["name"] == "nodes")
    assert section["summary"] == "502 of 503 ready"
    assert section["rows"][0]["cells"][0] == "w321"
    assert section["rows"][-1]["cells"][0] == "and 491 more ready nodes"
    assert len(section["rows"]) == 13
