"""Is the promise about clean rows kept? Twenty firewalls, each fitted to other rows of Adult, and judged on thousands of clean rows they never saw.

`python -m bench.fooled.refits` takes some ten minutes and writes its line into the README.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pandas as pd

from bench.machine import RESULTS, into_readme, where
from camelopard.core.intervals import at_least
from camelopard.demo.data import adult, income_model
from camelopard.firewall.firewall import Firewall
from camelopard.models.wrap import wrap

START, END = "<!-- refits: written by `python -m bench.fooled.refits` -->", "<!-- end of refits -->"
REFITS, ALPHA, ROWS, BUDGET = 20, 0.01, 4000, 60_000


def main() -> None:
    refits = int(sys.argv[1]) if len(sys.argv) > 1 else REFITS
    data = adult()
    model = wrap(income_model(data), name="income")
    X = pd.concat([data.held, data.test], ignore_index=True)
    y = np.concatenate([data.held_labels, data.test_labels])
    shares, broken, stated = [], 0, []
    for seed in range(refits):
        order = np.random.default_rng(seed).permutation(len(X))
        fit, judge = order[:ROWS], order[ROWS:]
        firewall = Firewall(alpha=ALPHA, seed=seed, budget=BUDGET).fit(model, X.iloc[fit], y[fit], reference=data.train)
        shares.append(float(np.mean(firewall.screen(X.iloc[judge]).route != "pass")))
        stated.append(firewall.learned_.threshold.confidence)
        broken += shares[-1] > ALPHA
    found = {
        "refits": refits,
        "alpha": ALPHA,
        "mean": float(np.mean(shares)),
        "largest": max(shares),
        "broken": broken,
        "confidence": min(stated),
        # How likely is it that so many firewalls break a promise that each keeps with the stated confidence?
        "chance": at_least(broken, refits, 1 - min(stated)),
    }
    text = markdown(found)
    print(text)
    if refits == REFITS:
        (RESULTS / "refits.json").write_text(json.dumps({"where": where(), **found}, indent=1, sort_keys=True) + "\n")
        into_readme(START, END, text)


def markdown(found: dict[str, Any]) -> str:
    return (
        f"**Is the promise kept?** {found['refits']} firewalls fitted to {ROWS:,} other rows of Adult each ({where()}), α = {found['alpha']:.0%}: of clean rows never seen they stop "
        f"{found['mean']:.2%} on average, {found['largest']:.2%} at most. {found['broken']} stop more than α; each may with probability {1 - found['confidence']:.1%}, "
        f"so that many or more would do so by chance with probability {found['chance']:.2f}."
    )


if __name__ == "__main__":
    main()
