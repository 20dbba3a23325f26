"""Is the promise about clean rows kept? Twenty firewalls, each fitted to other rows of Adult, and judged on thousands of clean rows they never saw."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd

from camelopard.core.intervals import at_least
from camelopard.demo.data import adult, income_model
from camelopard.firewall.firewall import Firewall
from camelopard.models.wrap import wrap

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
    # How likely is it that so many firewalls break a promise that each keeps with the stated confidence?
    chance = at_least(broken, refits, 1 - min(stated))
    print(
        json.dumps(
            {
                "refits": refits,
                "alpha": ALPHA,
                "mean": float(np.mean(shares)),
                "largest": max(shares),
                "broken": broken,
                "confidence": min(stated),
                "chance": chance,
            }
        )
    )


if __name__ == "__main__":
    main()
