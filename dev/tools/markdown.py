# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown out of option specifications, for dev/tools/gendocs.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ansible.parsing.plugin_docs import read_docstring
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import add_fragments

Option = dict[str, Any]

SEMANTIC = (
    (re.compile(r"\b[COVEIP]\(([^()]*(?:\([^()]*\)[^()]*)*)\)"), r"`\1`"),
    (re.compile(r"\bB\(([^()]+)\)"), r"**\1**"),
    (re.compile(r"\bM\(([^()]+)\)"), r"`\1`"),
    (re.compile(r"\bU\(([^()]+)\)"), r"<\1>"),
    (re.compile(r"\bL\(([^(),]+),\s*([^()]+)\)"), r"[\1](\2)"),
)


def prose(text: str | Iterable[str] | None) -> str:
    """Return a description as one paragraph of Markdown."""
    joined = " ".join([text] if isinstance(text, str) else text or [])
    for pattern, replacement in SEMANTIC:
        joined = pattern.sub(replacement, joined)
    return " ".join(joined.split())


def cell(text: str) -> str:
    """Return text that may stand in a table's cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def value(default: Any) -> str:
    """Return a default as code; nothing for none."""
    if default is None or default == "":
        return ""
    text = " ".join(default.split()) if isinstance(default, str) else json.dumps(default, ensure_ascii=False)
    return f"`{text}`"


def kind(option: Option) -> str:
    """Return the type of an option, with its elements."""
    name = str(option.get("type", "str"))
    return f"{name} of {option['elements']}" if option.get("elements") else name


def rows(options: dict[str, Option], parent: str = "", changes: dict[str, str] | None = None) -> Iterator[str]:
    """Yield a table row for each option, suboptions below their parent; with changes, a column has those."""
    for name, option in options.items():
        text = prose(option.get("description"))
        if option.get("choices"):
            text += " One of " + ", ".join(f"`{choice}`" for choice in option["choices"]) + "."
        default = "*required*" if option.get("required") else value(option.get("default"))
        change = "" if changes is None else f" {cell(changes.get(parent + name, ''))} |"
        yield f"| `{parent}{name}` | {kind(option)} | {cell(default)} | {cell(text)} |{change}"
        nested = option.get("suboptions") or option.get("options") or option.get("contains")
        if isinstance(nested, dict):
            yield from rows(nested, f"{parent}{name}.", changes)


def table(options: dict[str, Option], first: str, changes: dict[str, str] | None = None) -> list[str]:
    """Return the table of options, or a sentence when there are none."""
    if not options:
        return ["None."]
    heading, line = f"| {first} | type | default | meaning |", "|---|---|---|---|"
    if changes is not None:
        heading, line = f"{heading} a change on a running cluster |", f"{line}---|"
    return [heading, line, *rows(options, changes=changes)]


def plugin_docs(path: str) -> dict[str, Any]:
    """Return the documentation of a plugin file, its fragments merged in."""
    docs: dict[str, Any] = read_docstring(path, verbose=True)
    if not docs["doc"]:
        raise SystemExit(f"{path}: no DOCUMENTATION, or none that is valid YAML")
    add_fragments(docs["doc"], path, fragment_loader=fragment_loader, is_module=True)
    return docs


def module_page(name: str, docs: dict[str, Any]) -> str:
    """Return the reference page of one module."""
    doc = docs["doc"]
    lines = [f"# hardway.kubernetes.{name}", "", prose(doc["short_description"]) + ".", ""]
    lines += [f"{prose(text)}\n" for text in doc.get("description", [])]
    if doc.get("requirements"):
        lines += [f"Needs {'; '.join(prose(need) for need in doc['requirements'])}.", ""]
    attributes = doc.get("attributes") or {}
    support = {key: attributes.get(f"{key}_mode", {}).get("support", "none") for key in ("check", "diff")}
    lines += [f"Check mode: {support['check']}. Diff mode: {support['diff']}.", "", "## Options", ""]
    lines += table(doc.get("options") or {}, "option")
    if doc.get("notes"):
        lines += ["", "## Notes", "", *(f"- {prose(note)}" for note in doc["notes"])]
    lines += ["", "## Examples", "", "```yaml", docs["plainexamples"].strip(), "```", "", "## Returned", ""]
    lines += ["| value | type | returned | meaning |", "|---|---|---|---|", *returned(docs["returndocs"] or {})]
    return "\n".join(lines) + "\n"


def returned(values: dict[str, Option], parent: str = "") -> Iterator[str]:
    """Yield a table row for each returned value."""
    for name, item in values.items():
        when = cell(str(item.get("returned", "")))
        yield f"| `{parent}{name}` | {kind(item)} | {when} | {cell(prose(item.get('description')))} |"
        if isinstance(item.get("contains"), dict):
            yield from returned(item["contains"], f"{parent}{name}.")


def role_page(name: str, spec: dict[str, Any], requires: list[str]) -> str:
    """Return the reference page of one role."""
    lines = [f"# Role hardway.kubernetes.{name}", "", *role_summary(spec)]
    if requires:
        lines += ["Pulls in " + ", ".join(f"[{other}]({other}.md)" for other in requires) + ".", ""]
    lines += ["## Variables", "", *table(spec.get("options") or {}, "variable", spec["changes"])]
    return "\n".join(lines) + "\n"


def role_readme(name: str, spec: dict[str, Any], hosts: str, url: str) -> str:
    """Return the README of one role, which Galaxy shows by itself; url is where the reference pages are."""
    lines = [f"# hardway.kubernetes.{name}", "", *role_summary(spec)]
    lines += [f"What a change of each variable does on a running cluster: [reference]({url}/{name}.md).", ""]
    play = [f"- name: {spec['short_description'].rstrip('.')}", f"  hosts: {hosts}", "  roles:"]
    lines += ["## Example playbook", "", "```yaml", *play, f"    - role: hardway.kubernetes.{name}", "```", ""]
    lines += ["## Variables", "", *table(spec.get("options") or {}, "variable")]
    return "\n".join(lines) + "\n"


def role_summary(spec: dict[str, Any]) -> list[str]:
    """Return what a role does: a sentence, and its paragraphs."""
    first = prose(spec["short_description"]).rstrip(".") + "."
    return [first, "", *(f"{prose(text)}\n" for text in as_list(spec.get("description")))]


def as_list(text: str | list[str] | None) -> list[str]:
    """Return a description as its paragraphs."""
    return [text] if isinstance(text, str) else list(text or [])
