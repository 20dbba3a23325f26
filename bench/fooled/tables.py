"""From figures to a table and a plot. Nothing here is typed by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.fooled.data import MOST_ROWS, SEEDS
from bench.fooled.pair import FLOOR, OURS
from camelopard.firewall.material import LEAST_RISK

SETTINGS = ("seen", "kind left out", "family left out")
START, END = "<!-- fooled: written by `make bench-fooled` -->", "<!-- end of fooled -->"
FIGURES = ("auroc", "auroc_with_floor", "flips_caught_at_5", "flips_caught_at_1", "harmless_flagged_at_5", "attacks_caught_at_5")
Found = Sequence[dict[str, Any]]


WITHOUT_WORD = ("protein",)  # regressions: the model says nothing of how sure it is
OWN = "own confidence"


def _of(pair: dict[str, Any], setting: str, judge: str, figure: str) -> float | None:
    """Return a figure of a judge; None where it has nothing to judge by."""
    silent = judge == OWN and pair["pair"]["table"] in WITHOUT_WORD
    value: float | None = None if silent else pair["settings"][setting].get(judge, {}).get(figure)
    return value


def mean(values: list[float | None]) -> float:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else float("nan")


def summary(found: Found) -> dict[str, Any]:
    """Return means over all pairs."""
    judges = list(found[0]["settings"]["seen"])
    table = {s: {j: {f: mean([_of(p, s, j, f) for p in found]) for f in FIGURES} for j in judges} for s in SETTINGS}
    gaps, over_splits = [_gap(p) for p in found], _over_splits(found)
    behind = [p["pair"] for p, gap in zip(found, gaps, strict=True) if gap is not None and gap < 0]
    sure = [p for p in found if p["pair"]["table"] not in WITHOUT_WORD]
    wrong = {j: mean([p["wrong"][j] for p in sure]) for j in found[0]["wrong"]}
    apart = {
        name: {f: mean([p["settings"]["kind left out"][OURS][f] for p in found if (p in sure) == (name == "classifiers")]) for f in FIGURES}
        for name in ("classifiers", "regressions")
    }
    wrong["with regressions"] = mean([p["wrong"][OURS] for p in found])
    lost = [p["wrong"][OURS] - p["wrong"][OWN] for p in sure if p["wrong"][OWN] is not None]
    return {
        "pairs": len(found),
        "rows": {k: int(sum(p["rows"][k] for p in found)) for k in found[0]["rows"]},
        "judges": table,
        "behind_the_best_other": behind,
        "behind_over_splits": [list(kind) for kind, gap in over_splits.items() if gap < 0],
        "kinds_of_model": len(over_splits),
        "wrong": wrong,
        "kind_left_out": apart,
        "worst_wrong_gap": min(lost) if lost else None,
        "calibration": {k: mean([p["calibration"][k] for p in found]) for k in ("ece_risk", "ece_wrong", "ece_wrong_if_calibrated", "brier_wrong")},
        "clean_alarms": mean([p["clean_alarms"]["share"] for p in found if p["clean_alarms"]["possible"]]),
        "floor": {
            "auroc": mean([kind["auroc"][0] for p in found for name, kind in p["kinds"].items() if name in FLOOR]),
            "fooled": mean([kind["fooled"] for p in found for name, kind in p["kinds"].items() if name in FLOOR]),
        },
        "cannot_alarm": sum(not p["clean_alarms"]["possible"] for p in found),
        "cpu": float(np.median([p["cpu"] for p in found])),
    }


def _gap(pair: dict[str, Any]) -> float | None:
    """Return by how much we are ahead of the best judge that never saw the damage either."""
    judges = pair["settings"]["kind left out"]
    others = [j["auroc"] for name, j in judges.items() if name != OURS and j["auroc"] is not None]
    return None if judges[OURS]["auroc"] is None or not others else judges[OURS]["auroc"] - max(others)


def markdown(result: dict[str, Any], *, quick: bool) -> str:
    """Return the tables in Markdown."""
    s = result["summary"]
    rows, judges = s["rows"], s["judges"]
    seeds = len({p["pair"]["seed"] for p in result["pairs"]})
    command = "make bench-fooled-quick" if quick else "make bench-fooled" if seeds == SEEDS else f"python -m bench.fooled --seeds {seeds}"
    lines = [
        f"Measured by `{command}` ({result['where']}; {result['cpu_seconds'] / 60:.0f} CPU minutes): {s['pairs']} models of {len({p['pair']['table'] for p in result['pairs']})} data sets (LightGBM, logistic or linear regression, random "
        f"forest, MLP; each weak and strong; {seeds} split{'s' if seeds > 1 else ''} of every set, shared by its models), {rows['clean']:,} times a clean and {rows['damaged']:,} times a damaged or attacked test row was judged; {rows['fooled']:,} of these fool their model. Means over "
        f"models; the floor (legal values and rows in the wrong place) is left out of all but one column. Of large sets {MOST_ROWS:,} rows are drawn for each split. Rows on which a "
        "model raises fool it too, but nobody needs to judge them: they are left out. [What each judge catches at 1 % and 5 % clean alarms](bench/results/fooled.svg), drawn.",
        "",
        "| judge | AUROC fooled, all kinds seen | kind left out¹ | family left out | with the floor | harmful flips caught at 5 % / 1 % clean alarms² | harmless flagged² | attacks caught, seen / left out |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in sorted(judges["seen"], key=lambda judge: -judges["seen"][judge]["auroc"]):
        seen, kind, family = (judges[setting].get(name) for setting in SETTINGS)
        lines.append(
            f"| {name} | {_three(seen['auroc'])} | {_three(kind['auroc'])} | {_three(family['auroc'])} | {_three(seen['auroc_with_floor'])} | "
            f"{_share(kind['flips_caught_at_5'])} / {_share(kind['flips_caught_at_1'])} | {_share(kind['harmless_flagged_at_5'])} | {_share(seen['attacks_caught_at_5'])} / {_share(kind['attacks_caught_at_5'])} |"
        )
    c, w = s["calibration"], s["wrong"]
    lines += [
        "",
        f"¹ Every damaged row is judged by a firewall that was never taught its kind, or its family. The classifier of damage saw all kinds. ² Kind left out; at most so many clean rows: camelopard stops none whose risk is below {LEAST_RISK:.0%}, so where clean and fooled rows hardly overlap it "
        "stops fewer of both clean and harmless rows than a judge that is cut at the share; the others have no risk to go by. camelopard before "
        f"classifiers: {_both(s['kind_left_out']['classifiers'])}, before regressions: {_both(s['kind_left_out']['regressions'])}. Behind the best other judge on "
        f"{len(s['behind_the_best_other'])} of {s['pairs']} models, kind left out; with the mean over its splits, for {len(s['behind_over_splits'])} of {s['kinds_of_model']} kinds of model on a set. AUROC for wrong answers of classifiers: {w[OURS]:.3f} (own confidence {w[OWN]:.3f}, worst difference "
        f"{s['worst_wrong_gap']:+.3f}); with regressions {w['with regressions']:.3f}. All kinds seen: calibration error of risk {c['ece_risk']:.3f}, of P(wrong) {c['ece_wrong']:.3f} (a calibrated judge would show {c['ece_wrong_if_calibrated']:.3f} on so few rows; Brier {c['brier_wrong']:.3f}). Clean rows stopped at α = 0.01: {s['clean_alarms']:.4f} ({s['cannot_alarm']} firewalls had too few rows to stop any and are left out). A regression has no confidence of its own and is left out of that line. "
        f"The floor alone: {s['floor']['fooled']:.0%} of its rows fool their model, and where they are enough to tell, AUROC is {s['floor']['auroc']:.3f} on the mean of kinds and models.",
    ]
    return "\n".join(lines)


def _over_splits(found: list[dict[str, Any]]) -> dict[tuple[str, str, bool], float]:
    """Return how far ahead of the best other judge we are for each kind of model of a data set, every judge with its mean over the splits."""
    areas: dict[tuple[str, str, bool], dict[str, list[float]]] = {}
    for p in found:
        kind = areas.setdefault((p["pair"]["table"], p["pair"]["model"], p["pair"]["strong"]), {})
        for judge, its in p["settings"]["kind left out"].items():
            kind.setdefault(judge, []).extend([] if its["auroc"] is None else [its["auroc"]])
    means = {kind: {judge: mean(values) for judge, values in judges.items() if values} for kind, judges in areas.items()}
    return {kind: judges[OURS] - max(area for judge, area in judges.items() if judge != OURS) for kind, judges in means.items() if OURS in judges}


def _both(figures: dict[str, float]) -> str:
    return f"{_share(figures['flips_caught_at_5'])} / {_share(figures['flips_caught_at_1'])} of harmful flips, {_share(figures['harmless_flagged_at_5'])} of harmless damage"


def _three(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"


def _share(value: float) -> str:
    return "–" if value != value else f"{value:.0%}"


def plot(found: Found, place: Path) -> None:
    """Draw what share of harmful flips each judge catches against clean alarms, kind left out, as SVG."""
    import altair as alt
    import pandas as pd
    import vl_convert

    figure: Callable[[str, str], float] = lambda judge, name: mean([p["settings"]["kind left out"][judge][name] for p in found])
    points = [
        {"judge": judge, "clean alarms (%)": alarms, "harmful flips caught (%)": 100 * figure(judge, name)}
        for judge in found[0]["settings"]["kind left out"]
        for alarms, name in ((1, "flips_caught_at_1"), (5, "flips_caught_at_5"))
    ]
    chart = alt.Chart(pd.DataFrame(points)).mark_line(point=True).encode(x="clean alarms (%):Q", y="harmful flips caught (%):Q", color="judge:N")
    place.write_text(vl_convert.vegalite_to_svg(chart.properties(width=420, height=300).to_json()))
