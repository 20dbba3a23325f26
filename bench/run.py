"""Measures the tables of the README that stand first (with --quick on less data and fewer seeds, written nowhere without --write), keeps the figures in bench/results, and writes the tables of the README from them: no figure is typed."""

from __future__ import annotations

import json
import sys
from typing import Any

from bench.machine import RESULTS, in_process, into_readme, where

START, END = "<!-- figures: written by `make bench` -->", "<!-- end of figures -->"


def main() -> None:
    quick = "--quick" in sys.argv
    figures: dict[str, Any] = {"where": where(), "command": "make bench-quick" if quick else "make bench"}
    for name, arguments in {"imports": [], "adult": [], "large_csv": ["200000"] if quick else []}.items():
        print(f"bench: {name} …", flush=True)
        figures[name] = in_process(f"bench.{name}", *arguments)
    print("bench: well_specified …", flush=True)
    figures["well_specified"] = in_process("bench.well_specified", *(["--seeds", "10"] if quick else []), "--json")
    text = tables(figures)
    print(text)
    if not quick or "--write" in sys.argv:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "spine.json").write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
        into_readme(START, END, text)


def tables(f: dict[str, Any]) -> str:
    """Return the tables in Markdown."""
    a, judges = f["adult"], f["adult"]["judges"]
    rows = a["judged_rows"]
    lines = [
        f"Measured by `{f['command']}` ({f['where']}).",
        "",
        f"**Who can tell that a row fools the model?** Adult + LightGBM, {rows['clean']:,} clean and {rows['damaged']:,} damaged test rows ({a['kinds_count']} kinds, each alike); "
        f"{rows['fooled']:,} of those that the model answers fool it. Same rows for everyone; rows on which the model raises ({rows['raised']:,}) are left out.",
        "",
        "| judge | AUROC fooled (95 % interval) | without the floor¹ | fooled rows caught at 5 % clean alarms² | harmless damage flagged there | clean rows flagged there |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {j['auroc']:.3f} ({j['low']:.3f}–{j['high']:.3f}) | {j['auroc_without_floor']:.3f} | {j['caught_at_5_percent']:.0%} | {j['harmless_flagged_at_5_percent']:.0%} | {j['clean_flagged_there']:.1%} |"
        for name, j in judges.items()
    ]
    w, c = f["well_specified"], f["large_csv"]
    lines += [
        "",
        "¹ Without legal values in the wrong place (in-range resample, another legal category), which no gate can see. "
        "² At most: a judge that gives many rows the same number flags fewer.",
        "",
        "Intervals resample clean rows with all their damaged twins. All these kinds of damage were seen in training.",
        "",
        "| what | bar | measured |",
        "|---|---|---|",
        f"| `import camelopard` | ≤ 0.3 CPU-s | {f['imports']['cpu_seconds']:.3f} CPU-s, heavy packages loaded: {f['imports']['heavy']} |",
        f"| stress + fit, 16,280 × 14, with reference | ≤ 60 s wall, ≤ 1.5 GB | {a['fit_wall']:.1f} s ({a['fit_cpu']:.1f} CPU-s, {a['asked']:,} model rows), {a['peak_mb'] / 1024:.2f} GB |",
        f"| screen {a['screen_rows']:,} rows, model calls excluded | ≤ 0.5 s | {a['screen_seconds']:.2f} CPU-s |",
        f"| screen one row (dict), model calls excluded | p50 ≤ 1 ms | p50 {a['one_row_ms']:.2f} ms, p99 {a['one_row_p99_ms']:.2f} ms |",
        f"| AUROC fooled, all kinds, held-out rows | ≥ 0.93 | {judges['camelopard']['auroc']:.3f} |",
        f"| clean test rows stopped, α = 0.01 | ≤ 0.015 | {a['clean_alarms']:.4f} |",
        f"| well-specified model: seeds without a finding above low | ≥ 95 of 100 | {w['passed']} of {w['seeds']}; {w['guessing_passed']} for one that guesses what it cannot know (a plain logistic regression, on some seeds: {w['careless_passed']} of {w['careless_seeds']}) |",
        f"| screen a {c['rows']:,}-row CSV ({c['file_mb']:.0f} MB) in chunks | < 1 GB | {c['peak_mb'] / 1024:.2f} GB, {c['rows'] / c['wall']:,.0f} rows/s with model |",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
