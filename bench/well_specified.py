"""The null twin of the whole stress run: a model that cannot be blamed. How often does a run find more than "low" in it?

Each seed draws a world (numbers with bounds, one with a heavy tail, categories, a truth value, columns that hang together) and a model that is the
world's own conditional probability, behind what any careful pipeline does: what is visibly impossible (outside the range of 20,000 rows, of the wrong
type, an unknown category) counts as unknown and becomes the typical value; spaces and case are made uniform. The run knows the same 20,000 rows as its
schema: a range read off fewer rows would call impossible what the model knows to be possible. A finding above "low" in it is a false one. A second
such model guesses instead: what is impossible becomes a random possible value, so that damage does move its answers, but no more than the floor does.
A plain logistic regression on the same data, with nothing in front of it, is shown for contrast.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import camelopard as cp
from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.intervals import share
from camelopard.core.records import LEVELS
from camelopard.core.schema import Schema

ROWS = 1500
SUPPORT_ROWS = 20_000  # rows that the model's idea of what is possible comes from
BUDGET = 60_000
BAR = 0.95
CLASSES = ["no", "yes"]
NULLS = ("careful", "guessing")
CITIES = ["Ankara", "Bergen", "Cadiz", "Dublin", "Espoo", "Faro"]
JOBS = ["clerk", "cook", "nurse", "pilot"]


@dataclass(frozen=True)
class World:
    """One world: the weights of its columns, and how it draws rows."""

    weights: Floats
    city: Floats
    city_share: Floats
    job: Floats
    tail: float

    @classmethod
    def of(cls, rng: np.random.Generator) -> World:
        return cls(
            rng.normal(0, 0.8, 6),
            rng.normal(0, 0.7, len(CITIES)),
            rng.dirichlet(np.full(len(CITIES), 3.0)),
            rng.normal(0, 0.7, len(JOBS)),
            rng.uniform(0.7, 1.2),
        )

    def rows(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        age = np.clip(np.round(rng.normal(45, 14, n)), 18, 90).astype(np.int64)
        score = rng.beta(2, 3, n)
        years = np.round((age - 18) * rng.beta(3, 2, n)).astype(np.int64)
        grade = (rng.random(n) * 0.6 + score * 0.4 > 0.5).astype(int) + (rng.random(n) < 0.5) * 2
        return pd.DataFrame(
            {
                "age": age,
                "years": years,
                "score": np.round(score, 4),
                "income": np.round(np.exp(rng.normal(10, self.tail, n) + 0.01 * (age - 45)), 2),
                "hours": np.clip(np.round(rng.normal(38, 7, n)), 1, 80),
                "city": rng.choice(CITIES, n, p=self.city_share),
                "job": np.array(JOBS)[grade],
                "member": rng.random(n) < 0.4,
                "unused": np.round(rng.normal(0, 1, n), 3),
            }
        ).astype({"city": object, "job": object})

    def probability(self, known: dict[str, Array]) -> Floats:
        """Return P(yes) of rows whose every cell is possible."""
        w = self.weights
        logit = (
            w[0] * (known["age"] - 45) / 14
            + w[1] * (known["score"] - 0.4) / 0.2
            + w[2] * (np.log(known["income"]) - 10) / self.tail
            + w[3] * (known["hours"] - 38) / 7
            + w[4] * (known["years"] - 16) / 12
            + w[5] * (known["member"] - 0.4) * 2
            + self.city[known["city"].astype(np.int64)]
            + self.job[known["job"].astype(np.int64)]
        )
        return np.asarray(1.0 / (1.0 + np.exp(-logit)))


class Careful:
    """The world's own probability behind input hygiene: every cell is possible, or counts as unknown and becomes typical."""

    def __init__(self, world: World, seen: pd.DataFrame) -> None:
        self.world = world
        self.numbers = {
            n: (float(seen[n].min()), float(seen[n].max()), float(seen[n].median())) for n in ("age", "years", "score", "income", "hours")
        }
        self.words = {"city": CITIES, "job": JOBS}
        self.common = {n: values.index(seen[n].mode()[0]) for n, values in self.words.items()}
        self.member = float(seen["member"].mode()[0])

    def __call__(self, table: pd.DataFrame) -> Floats:
        known: dict[str, Array] = {}
        n = len(table)
        for name, (low, high, _) in self.numbers.items():
            values = _numbers(table[name]) if name in table else np.full(n, np.nan)
            known[name] = np.where((values >= low) & (values <= high), values, np.nan)
        for name, values in self.words.items():
            place = {v.casefold(): i for i, v in enumerate(values)}
            cells = table[name].tolist() if name in table else [None] * n
            known[name] = np.array([place.get(_plain(v), np.nan) for v in cells], dtype=np.float64)
        cells = table["member"].tolist() if "member" in table else [None] * n
        known["member"] = np.array([float(v) if isinstance(v, bool) else np.nan for v in cells])
        p = self.world.probability(self.filled(known))
        return np.column_stack([1 - p, p])

    def filled(self, known: dict[str, Array]) -> dict[str, Array]:
        """Put the typical value wherever one is unknown."""
        typical = {**{n: v[2] for n, v in self.numbers.items()}, **self.common, "member": self.member}
        return {name: np.where(np.isnan(values), typical[name], values) for name, values in known.items()}


class Guessing(Careful):
    """The same, but an unknown cell gets the value of some other row, always the same one for the same row."""

    def __init__(self, world: World, seen: pd.DataFrame) -> None:
        super().__init__(world, seen)
        words = {n: np.array([values.index(v) for v in seen[n]], dtype=np.float64) for n, values in self.words.items()}
        self.donors = {**{n: seen[n].to_numpy(dtype=np.float64) for n in self.numbers}, **words, "member": seen["member"].to_numpy(dtype=np.float64)}

    def filled(self, known: dict[str, Array]) -> dict[str, Array]:
        cells = np.nan_to_num(np.column_stack(list(known.values())), nan=-1.0)
        donor = np.array([zlib.crc32(row.tobytes()) % SUPPORT_ROWS for row in cells])
        return {name: np.where(np.isnan(values), self.donors[name][donor], values) for name, values in known.items()}


class Careless:
    """A logistic regression with nothing in front of it but what it needs to run at all."""

    def __init__(self, rows: pd.DataFrame, y: Array) -> None:
        from sklearn.compose import make_column_transformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        encode = make_column_transformer((OneHotEncoder(), ["city", "job"]), remainder=StandardScaler())
        self.pipeline = make_pipeline(encode, LogisticRegression(max_iter=1000)).fit(rows, y)


def _numbers(values: Any) -> Floats:
    if values.dtype.kind in "if":
        return np.asarray(values, dtype=np.float64)
    return np.array([float(v) if type(v) in (int, float) else np.nan for v in values.tolist()])


def _plain(value: object) -> str:
    return " ".join(value.replace("_", " ").split()).casefold() if isinstance(value, str) else ""


def trial(seed: int, budget: int, contrast: bool) -> dict[str, Any]:
    """Return what a run finds above "low" in the careful model of one world, and, for contrast, in the careless one."""
    rng = np.random.default_rng([20_240, seed])
    world = World.of(rng)
    seen, rows = world.rows(SUPPORT_ROWS, rng), world.rows(ROWS, rng)
    careful, legal = Careful(world, seen), Schema.infer(Batch.of(seen))
    y = np.array(CLASSES, dtype=object)[(rng.random(ROWS) < careful(rows)[:, 1]).astype(int)]
    nulls = {"careful": careful, "guessing": Guessing(world, seen)}
    models = {name: cp.wrap(null, name=name, task="classification", classes=CLASSES) for name, null in nulls.items()}
    if contrast:
        train = world.rows(ROWS, rng)
        train_y = np.array(CLASSES, dtype=object)[(rng.random(ROWS) < careful(train)[:, 1]).astype(int)]
        models["careless"] = cp.wrap(Careless(train, train_y).pipeline, name="careless")
    found: dict[str, Any] = {"seed": seed}
    for name, model in models.items():
        report = cp.stress(model, rows, y, budget=budget, seed=seed, schema=legal)
        above = [f for f in report.findings if LEVELS.index(f.level) > LEVELS.index("low")]
        found[name] = [f"{f.level}: {f.message}" for f in above]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--contrast", type=int, default=10, help="seeds on which the careless model is stressed too")
    parser.add_argument("--budget", type=int, default=BUDGET)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = []
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        found = trial(seed, arguments.budget, len(results) < arguments.contrast)
        results.append(found)
        if not arguments.json:
            for name in NULLS:
                print(*(f"seed {seed}, {name}: {message}" for message in found[name]), sep="\n", end="\n" if found[name] else "", flush=True)
    passed, guessed = (np.array([not r[name] for r in results]) for name in NULLS)
    contrast: Bools = np.array([not r["careless"] for r in results if "careless" in r])
    n, k, g = len(results), int(passed.sum()), int(guessed.sum())
    interval, other = share(k, n), share(int(contrast.sum()), len(contrast))
    if arguments.json:
        found = {"seeds": n, "passed": k, "guessing_passed": g, "low": interval.low, "high": interval.high}
        print(json.dumps({**found, "careless_seeds": len(contrast), "careless_passed": int(contrast.sum())}))
    else:
        print(f"well-specified model: {k} of {n} seeds without a finding above low ({interval.low:.1%} to {interval.high:.1%}); needed: {BAR:.0%}")
        print(f"one that guesses what it cannot know: {g} of {n}")
        print(f"plain logistic regression, for contrast: {int(contrast.sum())} of {len(contrast)} ({other.low:.1%} to {other.high:.1%})")
    return 0 if min(k, g) >= BAR * n else 1


if __name__ == "__main__":
    sys.exit(main())
