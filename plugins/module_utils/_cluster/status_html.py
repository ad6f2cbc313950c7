# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the status of a cluster as one HTML page without outside resources. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.status_text import counted

WORDS = {"critical": "Critical", "warning": "Warning", "ok": "OK", "unknown": "Unknown"}
PROMISES = {"ok": "Safe", "warning": "Degraded", "critical": "Broken", "unknown": "Unknown"}
# Each severity has a shape of its own, so that colour is not needed.
SHAPES = {
    "critical": '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/><path class="mark" d="M5.5 5.5l5 5m0-5l-5 5"/>',
    "warning": '<path d="M8 1l7.5 14H.5z"/><path class="mark" d="M8 6v4m0 2v.6"/>',
    "ok": '<circle cx="8" cy="8" r="7.5"/><path class="mark" d="M4.5 8.3l2.4 2.4 4.6-5"/>',
    "unknown": '<rect x=".5" y=".5" width="15" height="15" rx="3"/>'
    '<path class="mark" d="M5.8 6a2.2 2.2 0 114 1.2c-.8.9-1.8 1.1-1.8 2.3m0 2v.6"/>',
}
STYLE = """
:root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--text:#1b2330;--soft:#566072;--line:#dfe3ea;
--ok:#17713a;--ok-bg:#e3f4e8;--warning:#8a5300;--warning-bg:#fff0d2;--critical:#b3191d;--critical-bg:#fde6e5;
--unknown:#566072;--unknown-bg:#e9ecf1}
@media (prefers-color-scheme:dark){:root{--page:#0f141b;--card:#181f29;--text:#e7ebf1;--soft:#a3adbd;--line:#2b3442;
--ok:#6fd08e;--ok-bg:#15301f;--warning:#f2b84b;--warning-bg:#37290c;--critical:#ff8b84;--critical-bg:#431a1c;
--unknown:#a3adbd;--unknown-bg:#27303d}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",
Roboto,sans-serif;-webkit-text-size-adjust:100%}
main,header,footer{max-width:1200px;margin:0 auto;padding:0 20px}
h1,h2,h3,p,ol,ul,dl{margin:0;padding:0}
ol,ul{list-style:none}
.object,.reason,.remedy,td.long{overflow-wrap:anywhere}
svg{width:1em;height:1em;flex:none;fill:currentColor}
svg .mark{fill:none;stroke:var(--card);stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}
.ok{--tone:var(--ok);--tint:var(--ok-bg)}
.warning{--tone:var(--warning);--tint:var(--warning-bg)}
.critical{--tone:var(--critical);--tint:var(--critical-bg)}
.unknown{--tone:var(--unknown);--tint:var(--unknown-bg)}
.pill{display:inline-flex;align-items:center;gap:.4em;padding:.1em .65em;border-radius:1em;font-size:13px;
font-weight:650;color:var(--tone);background:var(--tint);white-space:nowrap}
.pill .mark{stroke:var(--tint)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px}
header{padding-top:28px}
.verdict{display:flex;gap:18px;align-items:center;padding:20px 24px;border-left:8px solid var(--tone)}
.verdict>svg{width:52px;height:52px;color:var(--tone)}
.verdict div{flex:1;min-width:0}
.verdict h1{font-size:26px;line-height:1.25;overflow-wrap:anywhere}
.verdict .state{color:var(--tone)}
.verdict p{color:var(--soft)}
.verdict .sentence{color:var(--text);font-size:17px}
.promises{display:grid;grid-template-columns:repeat(3,1fr);gap:14px;margin-top:14px}
.promises li{padding:14px 18px}
.promises h2{display:flex;justify-content:space-between;align-items:center;font-size:15px}
.promises p{margin-top:4px;font-size:15px;color:var(--soft);overflow-wrap:anywhere}
h2.title{margin:30px 0 10px;font-size:19px}
.problems{display:grid;gap:10px}
.problems li{display:grid;grid-template-columns:104px 1fr;gap:2px 12px;padding:13px 18px;
border-left:5px solid var(--tone)}
.problems .pill{align-self:start;justify-self:start}
.problems h3{font-size:16px;font-weight:650}
.problems .reason{font-weight:400}
.problems .remedy{grid-column:2;color:var(--soft)}
.problems .remedy b{color:var(--text);font-weight:600}
.sections{display:grid;grid-template-columns:1fr 1fr;gap:14px;align-items:start;grid-auto-flow:dense}
.sections section{padding:15px 18px;min-width:0}
.sections .wide{grid-column:1/-1}
.small{grid-column:1/-1;display:grid;grid-template-columns:repeat(3,1fr);gap:14px;align-items:start}
.sections h3{display:flex;justify-content:space-between;gap:10px;font-size:16px}
.sections p{color:var(--soft);font-size:15px;overflow-wrap:anywhere}
table{width:100%;margin-top:10px;border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
th{padding:4px 12px 4px 0;text-align:left;font-weight:600;color:var(--soft);white-space:nowrap}
td{padding:6px 12px 6px 0;border-top:1px solid var(--line);vertical-align:top}
td:first-child{font-weight:600}
.cell{display:inline-flex;gap:.5em;align-items:baseline}
.cell svg{width:.8em;height:.8em;color:var(--tone)}
footer{margin-top:26px;padding-bottom:32px;color:var(--soft);font-size:14px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media (max-width:900px){.sections,.small,.promises{grid-template-columns:minmax(0,1fr)}}
@media (max-width:640px){main,header,footer{padding-left:12px;padding-right:12px}header{padding-top:12px}
.verdict{padding:16px;gap:14px;align-items:flex-start}.verdict>svg{width:36px;height:36px}.verdict h1{font-size:21px}
.promises{gap:8px}.promises li{padding:10px 14px}
.problems li{grid-template-columns:minmax(0,1fr);padding:12px 14px}.problems .remedy{grid-column:1}
.sections section{padding:13px 14px}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr,td{display:block}tr{padding:7px 0;border-top:1px solid var(--line)}
td{display:grid;grid-template-columns:92px minmax(0,1fr);padding:1px 0;border:0}
td::before{content:attr(data-label);color:var(--soft);font-weight:400}
td.first{font-size:15px}td.empty{display:none}}
@media print{body{background:#fff}.card{break-inside:avoid}}
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<div class="card verdict {severity}">
{icon}
<div>
<h1><span class="state">{word}</span> · cluster {cluster}</h1>
<p class="sentence">{sentence}</p>
<p>{counts} · Kubernetes {version} · <time datetime="{time}">{shown_time}</time></p>
</div>
</div>
<ul class="promises">
{promises}
</ul>
</header>
<main>
{problems}
<h2 class="title">Details</h2>
<div class="sections">
{sections}
</div>
</main>
<footer>State of <time datetime="{time}">{shown_time}</time>, gathered by hardway.kubernetes.
This page does not refresh itself.</footer>
</body>
</html>
"""
WIDE = ("etcd", "certificates")
# Words with more characters break anywhere.
LONG = 24


def page(report: Mapping[str, Any]) -> str:
    """Return the page."""
    severity = report["severity"]
    values = {name: escape(str(report[name])) for name in ("cluster", "version", "time", "shown_time")}
    return PAGE.format(
        **values,
        style=STYLE,
        severity=severity,
        icon=_icon(severity),
        word=WORDS[severity],
        title=f"{WORDS[severity]}: cluster {values['cluster']}",
        sentence=escape(report["sentence"]),
        counts=counted(report),
        promises="\n".join(map(_promise, report["promises"])),
        problems=_problems(report["findings"]),
        sections=_sections(report["sections"]),
    )


def _icon(severity: str) -> str:
    """Return the shape of a severity; the word is always beside it."""
    return f'<svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">{SHAPES[severity]}</svg>'


def _pill(severity: str, words: Optional[Mapping[str, str]] = None) -> str:
    return f'<span class="pill {severity}">{_icon(severity)}{(words or WORDS)[severity]}</span>'


def _promise(promise: Mapping[str, str]) -> str:
    pill = _pill(promise["state"], PROMISES)
    return f'<li class="card"><h2>{escape(promise["name"])}{pill}</h2><p>{escape(promise["text"])}</p></li>'


def _problems(findings: Sequence[Mapping[str, str]]) -> str:
    """Return the list of problems, the worst first."""
    if not findings:
        return ""
    items = [
        f'<li class="card {finding["severity"]}">{_pill(finding["severity"])}'
        f'<h3><span class="object">{escape(finding["object"])}:</span> '
        f'<span class="reason">{escape(finding["reason"])}</span></h3>'
        f'<p class="remedy"><b>Remedy:</b> {escape(finding["remedy"])}</p></li>'
        for finding in findings
    ]
    return '<h2 class="title">Problems, the worst first</h2>\n<ol class="problems">\n' + "\n".join(items) + "\n</ol>"


def _sections(sections: Sequence[Mapping[str, Any]]) -> str:
    """Return the details: those with tables, then the others in a row."""
    large = [_section(section) for section in sections if section["columns"]]
    small = [_section(section) for section in sections if not section["columns"]]
    return "\n".join([*large, *(['<div class="small">', *small, "</div>"] if small else [])])


def _section(section: Mapping[str, Any]) -> str:
    wide = " wide" if section["name"] in WIDE else ""
    head = f"<h3>{escape(section['title'])}{_pill(section['severity'])}</h3><p>{escape(section['summary'])}</p>"
    return f'<section class="card{wide}">{head}{_table(section) if section["rows"] else ""}</section>'


def _table(section: Mapping[str, Any]) -> str:
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in section["columns"])
    rows = "".join(_row(row, section["columns"]) for row in section["rows"])
    caption = f'<caption class="hidden">{escape(section["title"])}</caption>'
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _row(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    """Return a row; on a phone each cell has the name of its column before it."""
    first, *others = row["cells"]
    severity, word = row["severity"], f'<span class="hidden">{WORDS[row["severity"]]}: </span>'
    name = f'<span class="cell {severity}">{_icon(severity)}<span>{word}{escape(first)}</span></span>'
    cells = [_cell(columns[0], name, f"first{_long(first)}")]
    for column, text in zip(columns[1:], others):
        cells.append(_cell(column, escape(text), "empty" if text in ("", "–") else _long(text)))
    return f"<tr>{''.join(cells)}</tr>"


def _cell(column: str, content: str, kind: str) -> str:
    return f'<td class="{kind.strip()}" data-label="{escape(column)}">{content}</td>'


def _long(text: str) -> str:
    """Return the class of a cell whose words must break."""
    return " long" if any(len(word) > LONG for word in text.split()) else ""
