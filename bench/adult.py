"""Adult and LightGBM: cost of stress and fit, cost of screening, and who tells fooled rows from the others, on held-out rows."""

from __future__ import annotations

import json
import time

import numpy as np

from bench.baselines import Outliers, own_doubt, schema_rules
from bench.machine import median, peak_mb, timed
from camelopard.confidence.quality import Resampled, auroc
from camelopard.core.batch import Batch, concat
from camelopard.core.protocols import Model
from camelopard.core.records import Prediction
from camelopard.demo.data import adult, income_model
from camelopard.firewall.firewall import Firewall
from camelopard.firewall.stressed import gather
from camelopard.models.wrap import wrap
from camelopard.stress.damages import catalogue
from camelopard.stress.runner import run
from camelopard.stress.truth import Truth

FLOOR = [kind for kind, damage in catalogue().items() if damage.family == "floor"]


class Clocked:
    """A model that adds up the CPU time spent in it by this thread (the firewall has no other), so that it can be left out."""

    def __init__(self, model: Model) -> None:
        self.model, self.seconds = model, 0.0
        self.name, self.task, self.classes = model.name, model.task, model.classes

    def predict(self, X: object) -> Prediction:
        return self.model.predict(X)

    def session(self, budget: int | None = None, *, thrifty: bool = False) -> ClockedSession:
        return ClockedSession(self, self.model.session(budget, thrifty=thrifty))


class ClockedSession:
    def __init__(self, clocked: Clocked, session: object) -> None:
        self.clocked, self.inner = clocked, session

    @property
    def asked(self) -> int:
        return int(self.inner.asked)  # type: ignore[attr-defined]

    def predict(self, batch: Batch) -> Prediction:
        start = time.thread_time()
        answer: Prediction = self.inner.predict(batch)  # type: ignore[attr-defined]
        self.clocked.seconds += time.thread_time() - start
        return answer


def main() -> None:
    data = adult()
    model = Clocked(wrap(income_model(data), name="income"))
    firewall, wall, used = timed(lambda: Firewall(alpha=0.01, seed=0).fit(model, data.held, data.held_labels, reference=data.train))
    found = {"fit_wall": wall, "fit_cpu": used, "fit_model": model.seconds, "peak_mb": peak_mb(), "asked": firewall.about_["asked"]}
    found |= screening(firewall, model, data)
    found |= judgement(firewall, model, data)
    print(json.dumps(found))


def screening(firewall: Firewall, model: Clocked, data: object) -> dict[str, object]:
    test = data.test  # type: ignore[attr-defined]
    times, alarms = [], 0.0
    for _ in range(5):
        model.seconds, start = 0.0, time.thread_time()
        verdicts = firewall.screen(test)
        times.append(time.thread_time() - start - model.seconds)
        alarms = float(np.mean(verdicts.route != "pass"))
    rows, single = test.head(400).to_dict("records"), []
    rows = [{k: (None if v != v else v) for k, v in row.items()} for row in rows]
    for row in rows:
        model.seconds, start = 0.0, time.thread_time()
        firewall.screen(row)
        single.append((time.thread_time() - start - model.seconds) * 1e3)
    return {
        "screen_seconds": median(times),
        "screen_rows": len(test),
        "one_row_ms": median(single),
        "one_row_p99_ms": sorted(single)[int(0.99 * len(single))],
        "clean_alarms": alarms,
    }


def judgement(firewall: Firewall, model: Clocked, data: object) -> dict[str, object]:
    """Every kind of damage on test rows, each alike, and as many clean rows; the same rows for every judge."""
    schema, rng = firewall.schema, np.random.default_rng(1)
    truth = Truth("classification", 0.0)
    test = schema.conform(Batch.of(data.test))  # type: ignore[attr-defined]
    reference = schema.conform(Batch.of(data.train))  # type: ignore[attr-defined]
    cases = run(
        model.session(None, thrifty=True),
        test,
        schema,
        truth,
        list(catalogue().values()),
        rows_per_case=12,
        pool=len(test),
        rng=rng,
    )
    stressed = gather(cases, schema, len(test), rng)
    assert stressed is not None
    batch = concat([test, stressed.batch]).renumbered()
    answer = model.session().predict(batch)
    fooled = np.r_[np.zeros(len(test), dtype=bool), truth.fooled(stressed.before, answer.take(np.arange(len(test), len(batch))))]
    kind = np.r_[np.full(len(test), ""), stressed.kind]
    verdicts = firewall.screen(batch)
    outliers = Outliers(schema, reference, seed=0)
    judges = {
        "camelopard": verdicts.risk,
        "own confidence": own_doubt(answer),
        "isolation forest": outliers.isolation_forest(batch),
        "Mahalanobis": outliers.mahalanobis(batch),
        "schema rules": schema_rules(schema, batch),
    }
    answered, clean = ~answer.failed, kind == ""
    rows = Resampled(np.r_[np.arange(len(test)), stressed.origin][answered], np.ones(int(answered.sum())), np.random.default_rng(2))
    harmless = ~clean & ~fooled
    table = {}
    for name, score in judges.items():
        area = auroc(score[answered], fooled[answered])
        interval = rows.auroc(score[answered], fooled[answered])
        limit = np.quantile(score[clean], 0.95)
        visible = answered & ~np.isin(kind, FLOOR)
        table[name] = {
            "auroc": area,
            "low": interval.low,
            "high": interval.high,
            "auroc_with_raising": auroc(score, fooled),
            "auroc_without_floor": auroc(score[visible], fooled[visible]),
            "caught_at_5_percent": float(np.mean(score[answered & fooled] > limit)),
            "harmless_flagged_at_5_percent": float(np.mean(score[harmless & answered] > limit)),
            "clean_flagged_there": float(np.mean(score[clean & answered] > limit)),
        }
    kinds = {
        k: {
            "n": int((kind == k).sum()),
            "fooled": float(fooled[kind == k].mean()),
            "auroc": auroc(verdicts.risk[clean | (kind == k)], fooled[clean | (kind == k)]),
        }
        for k in sorted(set(kind[~clean]))
    }
    counted = {"clean": int(clean.sum()), "damaged": int((~clean).sum()), "fooled": int(fooled[answered].sum()), "raised": int((~answered).sum())}
    return {"judges": table, "kinds": kinds, "judged_rows": counted, "kinds_count": len(kinds)}


if __name__ == "__main__":
    main()
