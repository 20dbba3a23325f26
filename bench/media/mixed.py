"""Two texts that belong together, and a table with a column of texts: which faults in one of them are caught at 1 % and 5 % clean alarms, and by whom?

`python -m bench.media.mixed`. Pairs are the halves of movie reviews, of which a model says whether the critic liked the film. The table is Adult, where
occupation, education, household and country are told in a note of one or two sentences. A fault is judged twice: by a firewall that was taught it as
one damage among many, and by one that was taught without its family. Beside them stand the model's own confidence and an isolation forest over the
numbers, the categories and the words of the training rows.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import RESULTS, state_of_code, where
from bench.media.data import HERE
from bench.media.intervals import around
from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.protocols import Model
from camelopard.core.schema import Schema
from camelopard.demo.data import adult
from camelopard.firewall.training import Prepared, prepare
from camelopard.firewall.unseen import concluded
from camelopard.models.wrap import wrap
from camelopard.stress.damages import named
from camelopard.stress.runner import compared
from camelopard.stress.truth import Truth

BUDGET, SEVERITY, WORDS = 40_000, 3, 50  # model rows for fitting; of each fault; dimensions of the words for the isolation forest
PARTS = (5_000, 3_500, 2_000)  # rows for the model, for the firewall, and to judge
DRAWS, ALARMS = 200, (0.01, 0.05)
ODD_TEXTS = ("other-language", "look-alike-letters", "keyboard-mash", "placeholder-text", "shuffled-words", "cut-text", "empty-text")
JUDGES = ("risk", "risk, never taught it", "1 − confidence", "oddity", "own confidence", "isolation forest")
TITLES = {"pairs": "Pairs of texts", "table": "A table with a column of texts"}

Fault = Callable[[Batch, Schema, np.random.Generator], Batch]


@dataclass(frozen=True)
class World:
    """A model, rows of clean data and labels for it, for the firewall and to judge; `vectors` makes numbers of rows; faults by name, with the family."""

    model: Model
    train: Any
    held: tuple[Any, Array]
    test: tuple[Any, Array]
    vectors: Callable[[Batch], Floats]
    faults: dict[str, tuple[str, Fault]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kept", type=Path, default=Path("build/mixed"), help="where figures are kept while the run lasts")
    arguments = parser.parse_args()
    place = arguments.kept / state_of_code()
    place.mkdir(parents=True, exist_ok=True)
    runs = []
    for seed in range(arguments.seeds):
        for name in TITLES:
            file = place / f"{name}-{seed}.json"
            if not file.exists():
                file.write_text(json.dumps(measured(name, seed)))
            runs.append(json.loads(file.read_text()))
            print(name, seed, file=sys.stderr, flush=True)
    print(markdown(runs))
    kept = [{key: value for key, value in run.items() if key != "draws"} for run in runs]
    (RESULTS / "media_mixed.json").write_text(json.dumps({"where": where(), "runs": kept}, indent=1, sort_keys=True) + "\n")
    return 0


def measured(name: str, seed: int) -> dict[str, Any]:
    """Return what is caught of each fault by each judge, as plain data."""
    world = {"pairs": pairs, "table": table}[name](seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready = prepare(world.model, *world.held, world.train, budget=BUDGET, seed=seed)
    session: Any = world.model.session(None, thrifty=True)
    clean = ready.schema.conform(Batch.of(world.test[0]))
    families = {family for family, _ in world.faults.values()}
    learned = {family: concluded(ready.panel, _without(ready, family), 0.01, np.random.default_rng([seed, 1])) for family in ("", *families)}
    forest = _forest(world.vectors(ready.schema.conform(Batch.of(world.train))), seed)

    def judged(batch: Batch, family: str) -> tuple[dict[str, Floats], Any]:
        answer = session.predict(batch)
        found = ready.panel.examine(batch, answer, session, ready.schema.form)
        said = learned[""].judge(answer, found.table)
        scores = (
            said.risk,
            learned[family].judge(answer, found.table).risk,
            1 - said.confidence,
            learned[""].oddity(found),
            1 - answer.shares.max(axis=1),
            forest(world.vectors(batch)),
        )
        return {who: np.where(answer.failed, np.inf, score) for who, score in zip(JUDGES, scores, strict=True)}, answer

    rng = np.random.default_rng([seed, 5])
    known = {family: judged(clean, family) for family in families}
    caught: dict[str, Any] = {}
    draws: dict[str, Any] = {}
    for fault, (family, change) in world.faults.items():
        struck = ready.schema.conform(change(clean, ready.schema, rng))
        rows = np.flatnonzero(compared(clean, struck, ready.schema)[0])
        scores, after = judged(struck.take(rows), family)
        before = known[family][1].take(rows)
        moved = Truth("classification", 0.0).fooled(before, after)
        hits = {who: {f"{alarm:g}": _beyond(known[family][0][who], score, alarm) for alarm in ALARMS} for who, score in scores.items()}
        caught[fault] = {
            "rows": len(rows),
            "moved": float(moved.mean()),
            "caught": {who: {alarm: float(hit.mean()) for alarm, hit in by.items()} for who, by in hits.items()},
            "harmful": {who: {alarm: float(hit[moved].mean()) for alarm, hit in by.items()} for who, by in hits.items()} if moved.any() else None,
        }
        drawn = rng.integers(len(rows), size=(DRAWS, len(rows)))
        draws[fault] = {who: {alarm: hit[drawn].mean(axis=1).tolist() for alarm, hit in by.items()} for who, by in hits.items()}
    right = float(np.mean([a == b for a, b in zip(session.predict(clean).value.tolist(), world.test[1].tolist(), strict=True)]))
    return {"world": name, "seed": seed, "accuracy": right, "clean": len(clean), "faults": caught, "draws": draws}


def _without(ready: Prepared, family: str) -> Any:
    material = ready.material
    return material.without([kind for kind, of in material.families.items() if of == family]) if family else material


def _beyond(clean: Floats, score: Floats, alarm: float) -> Bools:
    """Return which scores are worse than all but so many of the clean ones."""
    known = np.sort(clean)
    return np.asarray(1.0 - np.searchsorted(known, score, side="left") / len(known) < alarm)


def _forest(vectors: Floats, seed: int) -> Callable[[Floats], Floats]:
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=300, random_state=seed).fit(vectors)
    return lambda rows: np.asarray(-forest.score_samples(rows), dtype=np.float64)


def on(kind: str, target: str) -> tuple[str, Fault]:
    """Return a damage of the catalogue as a fault, with its family."""
    damage = named(kind)
    return damage.family, lambda batch, schema, rng: damage.apply(batch, target, SEVERITY, rng, schema)


def pairs(seed: int) -> World:
    """Return the halves of movie reviews."""
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    reviews = pd.read_parquet(HERE / "movie_reviews.parquet")
    words = [text.split() for text in reviews["text"]]
    long = [i for i, said in enumerate(words) if len(said) >= 8]
    X = [(" ".join(words[i][: len(words[i]) // 2]), " ".join(words[i][len(words[i]) // 2 :])) for i in long]
    y = np.where(reviews["sentiment"].to_numpy()[long] > 0, "positive", "negative").astype(object)
    train, held, test = _split(len(X), seed)
    first, second = (_tfidf([X[i][side] for i in train]) for side in (0, 1))

    def read(rows: list[tuple[str, str]]) -> Any:
        from scipy.sparse import hstack

        return hstack([first.transform([a or "" for a, _ in rows]), second.transform([b or "" for _, b in rows])]).tocsr()

    line = LogisticRegression(C=5.0, max_iter=1000).fit(read([X[i] for i in train]), y[train])
    model = wrap(lambda rows: line.predict_proba(read(rows)), "halves", "classification", list(line.classes_))
    reduced = _reduced(read([X[i] for i in train]), seed)
    faults = {
        "exchanged": on("exchanged-texts", "first|second"),
        "the first twice": on("text-with-itself", "first|second"),
        "one from another pair": on("text-of-another-pair", "first|second"),
        **{f"second: {kind}": on(kind, "second") for kind in ODD_TEXTS},
    }
    parts = (([X[i] for i in rows], y[rows]) for rows in (held, test))
    return World(
        model,
        [X[i] for i in train],
        *parts,
        lambda batch: reduced(read(list(zip(*(c.tolist() for c in batch.columns.values()), strict=True)))),
        faults,
    )


def table(seed: int) -> World:
    """Return Adult with four of its columns told in a note."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    data = adult()
    rows = pd.concat([data.train, data.held], ignore_index=True).astype(dict.fromkeys(data.train.select_dtypes("category").columns, object))
    labels = np.concatenate([data.train_labels, data.held_labels])
    numbers, categories = ["age", "hours_per_week", "capital_gain", "capital_loss"], ["workclass", "marital_status", "sex"]
    rng = np.random.default_rng([seed, 3])
    order = rng.permutation(len(rows))[: sum(PARTS)]
    some, y = rows.iloc[order].reset_index(drop=True), labels[order]
    X = some[numbers + categories].assign(note=[note(row, rng) for row in some.to_dict("records")])
    train, held, test = np.split(np.arange(len(X)), np.cumsum(PARTS[:2]))
    plain = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("categories", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), categories),
        ]
    ).fit(X.iloc[train])
    words = _tfidf(X["note"].iloc[train].tolist())

    def read(part: Any) -> Any:
        from scipy.sparse import csr_matrix, hstack

        told = words.transform([text if isinstance(text, str) else "" for text in part["note"]])
        return hstack([csr_matrix(plain.transform(part)), told]).tocsr()

    line = LogisticRegression(C=1.0, max_iter=2000).fit(read(X.iloc[train]), y[train])
    model = wrap(lambda part: line.predict_proba(read(part)), "income", "classification", list(line.classes_), reference=X.iloc[train])
    reduced = _reduced(read(X.iloc[train]), seed)

    def another(batch: Batch, schema: Schema, rng: np.random.Generator) -> Batch:
        notes = batch.columns["note"]
        return batch.with_columns({"note": notes[np.roll(rng.permutation(len(notes)), 1)]})

    def minutes(batch: Batch, schema: Schema, rng: np.random.Generator) -> Batch:
        return batch.with_columns({"hours_per_week": batch.columns["hours_per_week"] * 60})

    faults: dict[str, tuple[str, Fault]] = {
        "note of another row": ("pair", another),
        "hours in minutes": ("unit", minutes),
        **{f"note: {kind}": on(kind, "note") for kind in ODD_TEXTS},
    }
    parts = ((X.iloc[part].reset_index(drop=True), y[part]) for part in (held, test))
    return World(model, X.iloc[train].reset_index(drop=True), *parts, lambda batch: reduced(read(_frame(batch))), faults)


def note(row: dict[str, Any], rng: np.random.Generator) -> str:
    """Return a row's occupation, education, household and country in words."""
    job, school, home, country = (
        str(row[name]).replace("-", " ").lower() if isinstance(row[name], str) and row[name] != "?" else "not known"
        for name in ("occupation", "education", "relationship", "native_country")
    )
    parts = [
        str(rng.choice([f"works in {job}", f"the occupation is {job}", f"has been in {job} for some years"])),
        str(rng.choice([f"left school with {school}", f"education: {school}", f"holds {school}"])),
        str(rng.choice([f"lives in the household as {home}", f"in the family the role is {home}"])),
        str(rng.choice([f"comes from {country}", f"was born in {country}"])),
    ]
    told = [parts[i] for i in rng.permutation(len(parts))]
    cut = int(rng.integers(1, len(parts)))
    return " ".join(f"{', '.join(said)[:1].upper()}{', '.join(said)[1:]}." for said in (told[:cut], told[cut:]))


def _frame(batch: Batch) -> Any:
    import pandas as pd

    return pd.DataFrame({name: values.tolist() for name, values in batch.columns.items()})


def _tfidf(texts: list[str]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), min_df=2).fit(texts)


def _reduced(matrix: Any, seed: int) -> Callable[[Any], Floats]:
    from sklearn.decomposition import TruncatedSVD

    reduction = TruncatedSVD(WORDS, random_state=seed).fit(matrix)
    return lambda rows: np.asarray(reduction.transform(rows), dtype=np.float64)


def _split(n: int, seed: int) -> list[Array]:
    order = np.random.default_rng(seed).permutation(n)[: sum(PARTS)]
    return list(np.split(order, np.cumsum(PARTS[:2])))


def markdown(runs: list[dict[str, Any]]) -> str:
    """Return the tables in Markdown."""
    lines = [f"Measured by `python -m bench.media.mixed` ({where()}; {1 + max(run['seed'] for run in runs)} seeds)."]
    for name, title in TITLES.items():
        own = [run for run in runs if run["world"] == name]
        lines += [
            "",
            f"*{title}* (right on {np.mean([run['accuracy'] for run in own]):.0%} of clean rows; caught at 5 % clean alarms, with the 95 % interval, and at 1 %; in "
            "square brackets at 5 %, of those that move the answer):",
            "",
            f"| fault | moves the answer | {' | '.join(JUDGES)} |",
            f"|---|---|{'---|' * len(JUDGES)}",
        ]
        for fault in own[0]["faults"]:
            cells = [f"{np.mean([run['faults'][fault]['moved'] for run in own]):.0%}"]
            for who in JUDGES:
                five, one = (np.mean([run["faults"][fault]["caught"][who][f"{alarm:g}"] for run in own]) for alarm in (0.05, 0.01))
                low, high = around([run["draws"][fault][who]["0.05"] for run in own], np.random.default_rng(0))
                harmful = [run["faults"][fault]["harmful"][who]["0.05"] for run in own if run["faults"][fault]["harmful"] is not None]
                cells.append(f"{five:.0%} ({low:.0%}–{high:.0%}), {one:.0%}" + (f" [{np.mean(harmful):.0%}]" if harmful else ""))
            lines.append(f"| {fault} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
