# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of the documentation lead to files and headings that exist, and no page is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.support.repository import REPOSITORY

URL = str(yaml.safe_load((REPOSITORY / "galaxy.yml").read_text(encoding="utf-8"))["repository"])
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("**/*.md")])
ROLE_READMES = sorted((REPOSITORY / "roles").glob("*/README.md"))
FENCE = re.compile(r"^ *(`{3,}).*?^ *\1 *$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")
README_LINES = 140


def name_of(page: Path) -> str:
    """Return the path of a page in the repository."""
    return page.relative_to(REPOSITORY).as_posix()


def links(text: str) -> Iterator[str]:
    """Yield the targets of the links in a page; what is code is no link."""
    yield from LINK.findall(CODE.sub("", FENCE.sub("", text)))


def slugs(text: str) -> set[str]:
    """Return the anchors of a page as GitHub names them: after its headings, and those it sets itself."""
    found: dict[str, int] = {}
    for title in HEADING.findall(FENCE.sub("", text)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
        if found[slug]:
            found[f"{slug}-{found[slug]}"] = 0
    return {*found, *ANCHOR.findall(text)}


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of a page of the repository."""
    return slugs(page.read_text(encoding="utf-8"))


def problem(link: str, page: Path) -> str:
    """Return why a link of a page leads nowhere; nothing where it leads to something, or to another site."""
    path, _, anchor = link.partition("#")
    base = page.parent
    if path.startswith(URL):
        kind, _, path = path.removeprefix(URL).strip("/").partition("/")
        if kind not in ("blob", "tree"):
            return ""
        branch, _, path = path.partition("/")
        if branch != "main":
            return f"{link}: is of branch {branch}"
        base = REPOSITORY
    elif "://" in path or path.startswith("mailto:"):
        return ""
    target = (base / path).resolve() if path else page
    if not target.exists():
        return f"{link}: {path} does not exist"
    if anchor and anchor not in anchors(target):
        return f"{link}: {name_of(target)} has no heading for #{anchor}"
    return ""


@pytest.mark.parametrize("page", [*PAGES, *ROLE_READMES], ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    found = [problem(link, page) for link in links(page.read_text(encoding="utf-8"))]
    assert [one for one in found if one] == []


def test_a_broken_link_is_found() -> None:
    page = REPOSITORY / "docs" / "index.md"
    assert problem("nowhere.md", page) == "nowhere.md: nowhere.md does not exist"
    assert "has no heading for #nothing" in problem("ports.md#nothing", page)
    assert "has no heading for #nothing" in problem("#nothing", page)
    assert problem(f"{URL}/blob/main/docs/nowhere.md", page).endswith("docs/nowhere.md does not exist")
    assert problem(f"{URL}/blob/main/docs/ports.md#ports-between-hosts", page) == ""
    assert problem(f"{URL}/issues", page) == problem("https://example.org/x#y", page) == ""


def test_links_in_code_are_ignored() -> None:
    assert list(links("`[a](b)` [c](d)\n\n```\n[e](f)\n```\n")) == ["d"]


def test_anchors_are_those_of_github() -> None:
    text = "# A `b_c`: d, e\n\n```\n# no heading\n```\n\n## Same\n\n## Same\n\n## [x](y.md) & z\n"
    assert slugs(text) == {"a-b_c-d-e", "same", "same-1", "x--z"}


def test_readme_is_short_and_complete_on_galaxy() -> None:
    """Galaxy shows READMEs alone, so a link that is relative leads nowhere there."""
    readme = REPOSITORY / "README.md"
    assert len(readme.read_text(encoding="utf-8").splitlines()) <= README_LINES
    for page in (readme, *ROLE_READMES):
        assert [link for link in links(page.read_text(encoding="utf-8")) if "://" not in link] == [], page


def test_every_playbook_has_a_page() -> None:
    playbooks = {path.stem for path in (REPOSITORY / "playbooks").glob("*.yml")}
    assert playbooks == {path.stem for path in (REPOSITORY / "docs" / "operations").glob("*.md")}


def test_every_page_is_in_the_index() -> None:
    """Those of single roles and modules are in the index of the reference."""
    found: set[Path] = set()
    for index in (REPOSITORY / "docs" / "index.md", REPOSITORY / "docs" / "reference" / "index.md"):
        found |= {
            (index.parent / link.partition("#")[0]).resolve() for link in links(index.read_text(encoding="utf-8"))
        }
    missing = {page for page in PAGES if page.parent != REPOSITORY} - found - {REPOSITORY / "docs" / "index.md"}
    assert sorted(map(name_of, missing)) == []
