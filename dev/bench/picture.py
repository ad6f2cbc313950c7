# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the figures that bench-scale wrote: what each scenario costs, by the number of hosts."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot, ticker

PANELS = {"processor": "processor seconds of the controller", "memory": "MB of the controller, all processes"}
# The same figures give the same file.
mpl.rcParams["svg.hashsalt"] = "hardway"


def draw(figures: list[dict[str, Any]], path: Path) -> None:
    """Write one picture with a panel for each kind of figure; axes are logarithmic but that of memory."""
    figure, panels = pyplot.subplots(1, len(PANELS), figsize=(11, 4.5), layout="constrained")
    for (kind, title), panel in zip(PANELS.items(), panels):
        found: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for each in figures:
            found[each["scenario"]].append((each["hosts"], each[kind]))
        for scenario, points in found.items():
            panel.plot(*zip(*sorted(points)), marker="o", label=scenario)
        sizes = sorted({each["hosts"] for each in figures})
        panel.set(xscale="log", xlabel="hosts", title=title)
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
        if kind == "memory":
            panel.set_ylim(bottom=0)
        else:
            panel.set_yscale("log")
            panel.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            panel.yaxis.set_major_formatter("{x:g}")
        panel.minorticks_off()
        panel.grid(visible=True, alpha=0.3)
    panels[0].legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None}, facecolor="white")


def main() -> None:
    """Read figures and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="+", type=Path, help="files that bench-scale has written with --json")
    parser.add_argument("--picture", type=Path, required=True, help="the SVG file to write")
    options = parser.parse_args()
    figures = [each for path in options.figures for each in json.loads(path.read_text(encoding="utf-8"))]
    draw(figures, options.picture)


if __name__ == "__main__":
    main()
