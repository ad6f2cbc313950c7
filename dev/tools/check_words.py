# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that texts use the standard terms: report words of WORDS, which have a standard term to use instead."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dev.tools.check_tree import TOP, tracked

# Files and directories whose texts are checked. Add a tree once it is clean.
TREES = (
    *("plugins", "roles", "playbooks", "site.yml", "examples", "inventory.example", "molecule", "README.md", "docs"),
    *(
        "tests",
        "dev",
        "meta",
        ".github",
        "galaxy.yml",
        "Makefile",
        "pyproject.toml",
        "ansible.cfg",
        "bindep.txt",
        "requirements.txt",
    ),
    *("CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "MAINTAINERS.md", "SECURITY.md"),
)
# Never checked: history, the licence and data.
SKIPPED = (
    *("changelogs/*", "CHANGELOG.md", "LICENSE", "dev/standins/data/*"),
    # The list of words, and its test.
    *("dev/tools/check_words.py", "tests/unit/dev/tools/test_check_words.py"),
)
# Pattern of a word, without case, and the term to use instead; a hint if there are several.
WORDS = (
    (r"(\w*_)?authorit(y|ies)(_\w+)?", "CA"),
    (r"alternative[ _]names?", "SANs"),
    (r"(make|makes|made|making) (it |them )?(again|anew)", "reissue, recreate"),
    (r"(lay|lays|laid|laying) (\w+ )?down", "write"),
    (r"(take|takes|taken|took|taking) up", "install"),
    (r"kept elsewhere", "offline CA"),
    (r"(part|rest|end) of (its|their|a|the) li(fe|ves)", "fraction of the validity period"),
    (r"((?<!of its )life|lives of (a |the |new |leaf )*(ca|cas|certificates?))", "validity period"),
    (r"(\w*_)?receipts?(_\w+)?", "cached result"),
    (r"believ(e|es|ed|ing)", "use (a cached result), accept"),
    (r"fore(tell|tells|told|see|sees|seen|saw)", "predict"),
    (r"at hand", "available"),
    (r"worth", "priority"),
    (r"silent", "unresponsive"),
    (r"joining now", "nodes in this batch"),
    (r"promised", "predicted"),
    (r"mend(s|ed|ing)?", "fix"),
    (r"(tell|tells|telling|told)", "report, show, set"),
    (r"judg(e|es|ed|ing|ement)", "validate"),
    (r"(look|looks|looked|looking) (at|into|again)", "inspect"),
    (r"learn(s|ed|ing)?", "gather, read"),
    (r"anew", "again"),
    (r"hence", "so"),
    (r"thereby", "so"),
    (r"nobody", "no user, no client"),
    (r"somebody", "another user, you"),
    (r"whoever", "any user, any client"),
    (r"as (he|she|he or she|they|you) likes?", "(leave it out)"),
    (r"passe[sd]? over", "ignore, skip"),
    (r"come along", "is part of the run"),
    (r"asks? for all", "query"),
    # Names of tasks.
    (r"name: (have|let|settle|begin)", "a verb for what the task does"),
    # Names that misled.
    (r"(TrueToInventory|FalseClaim)", "MatchesInventory, DoesNotMatchInventory"),
    (r"(_master_missing|_cluster_strange_groups|_verify_nowhere|_verify_why_not)", "absent, other, a problem"),
    (r"(Keeper|class (Ensure|Look|Switch))", "a noun for what it is"),
    (r"(given_next|_here|_put_away|_see_well|_settle|_turn|_warm)", "a verb for what it does"),
    (r"def (act|adopt|beyond|outside|looks?)", "a verb for what it does"),
    (r"(deadly|telling|needles|asking)\.py", "a name of what it tests"),
    (r"integration/unit", "integration/systemd_units"),
)
# Where a word is right: pattern of the path, and pattern of the text around the word.
EXCEPTIONS = (
    # Names that Kubernetes and openssl give.
    ("*", r"certificate-authority(-data)?\b"),
    ("*", r"[Aa]uthority key identifier"),
    ("*", r"\bauthority_(key_id|identifier)\b"),
    ("tests/*", r"def (act|look)\b"),
    ("*", r"certificate signed by unknown authority"),
    ("dev/sandbox/image_archives.py", r"\\nnobody:x:65534:65534:nobody:"),
    ("plugins/*", r"[Ss]ubject alternative names?"),
    ("plugins/*", r"out\.tell\(\)"),
    ("*", r"\b(certificate_authority|CertificateAuthority)\b"),
)
# The names of tests are sentences.
TEST_NAME = re.compile(r"\btest_\w+")
CHECKS = tuple((re.compile(rf"(?<![\w-]){word}(?![\w-])", re.IGNORECASE), instead) for word, instead in WORDS)


def is_checked(path: Path, trees: Iterable[str] = TREES) -> bool:
    """Return whether the texts of a file are checked."""
    skipped = any(fnmatch(str(path), pattern) for pattern in SKIPPED)
    return not skipped and any(path.is_relative_to(tree) for tree in trees)


def without_exceptions(path: str, line: str) -> str:
    """Return a line without the parts in which words are right."""
    for where, text in EXCEPTIONS:
        if fnmatch(path, where):
            line = re.sub(text, " ", line)
    return line


def problems(path: str, text: str) -> Iterator[str]:
    """Yield each word of a text for which there is a standard term."""
    for number, line in enumerate(text.splitlines(), 1):
        rest = TEST_NAME.sub(lambda name: name.group().replace("_", " "), without_exceptions(path, line))
        for pattern, instead in CHECKS:
            for match in pattern.finditer(rest):
                yield f'{path}:{number}: {match.group()}; say "{instead}"'


def main() -> int:
    """Print every problem; return the exit status."""
    found: list[str] = []
    for path in filter(is_checked, tracked()):
        try:
            text = (TOP / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [*problems(str(path), str(path)), *problems(str(path), text)]
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
