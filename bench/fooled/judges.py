"""What people use today, and the simple ideas nearest to ours, on the same rows. Each judge gives one number per row, higher for worse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bench.baselines import Outliers, own_doubt, schema_rules
from bench.fooled.data import Table
from bench.fooled.traffic import Traffic
from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.firewall.head import Head
from camelopard.firewall.material import Material
from camelopard.stress.visibility import visible

NEIGHBOURS, MOST_NEIGHBOURS = 10, 4000


def blind(schema: Schema, reference: Batch, table: Table, traffic: Traffic, weights: Floats, seed: int) -> dict[str, Floats]:
    """Return the scores of judges that learn nothing from damage, by name."""
    outliers = Outliers(schema, reference, seed)
    found = {
        "own confidence": own_doubt(traffic.answer),
        "isolation forest": outliers.isolation_forest(traffic.batch),
        "nearest neighbours": neighbours(outliers, reference, traffic.batch, seed),
        "Mahalanobis": outliers.mahalanobis(traffic.batch),
        "ECOD, frozen tables": ecod(outliers, reference, traffic.batch),
        "pandera, inferred schema": pandera_failures(table.train.X, traffic.batch),
        "schema rules × impact": (visible(schema, traffic.batch) * weights).sum(axis=1),
        "schema rules": schema_rules(schema, traffic.batch),
    }
    return {name: np.asarray(score, dtype=np.float64) for name, score in found.items()}


def neighbours(outliers: Outliers, reference: Batch, batch: Batch, seed: int) -> Floats:
    """Return the mean distance to the ten nearest of 4,000 training rows."""
    from sklearn.neighbors import NearestNeighbors

    rows = np.random.default_rng(seed).permutation(len(reference))[:MOST_NEIGHBOURS]
    known = np.clip(outliers.scaled(outliers.encode(reference.take(rows))), -10, 10)
    near = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(rows))).fit(known)
    return np.asarray(near.kneighbors(np.clip(outliers.scaled(outliers.encode(batch)), -10, 10))[0].mean(axis=1))


def ecod(outliers: Outliers, reference: Batch, batch: Batch) -> Floats:
    """Return ECOD's score (Li et al. 2022) from tail tables of the training rows alone, so that a row's score does not hang on its batch."""
    known, new = outliers.scaled(outliers.encode(reference)), outliers.scaled(outliers.encode(batch))
    n = len(known)
    left, right, skewed = (np.zeros(len(new)) for _ in range(3))
    for j in range(known.shape[1]):
        column = np.sort(known[:, j])
        below = -np.log((np.searchsorted(column, new[:, j], side="right") + 1.0) / (n + 1.0))
        above = -np.log((n - np.searchsorted(column, new[:, j], side="left") + 1.0) / (n + 1.0))
        skew = float(((column - column.mean()) ** 3).mean())
        left, right, skewed = left + below, right + above, skewed + (below if skew < 0 else above)
    return np.maximum(np.maximum(left, right), skewed)


def inferred_schema(train: pd.DataFrame) -> Any:
    """Return the schema that pandera infers from the training rows, with sets of values added to it."""
    import pandera.pandas as pa

    schema = pa.infer_schema(train)
    for name in train.columns:
        if not pd.api.types.is_numeric_dtype(train[name]):
            schema = schema.update_column(name, checks=pa.Check.isin(train[name].dropna().unique().tolist()))
    return schema


def pandera_failures(train: pd.DataFrame, batch: Batch) -> Floats:
    """Return how many checks of the inferred schema each row fails."""
    import pandera.pandas as pa

    schema = inferred_schema(train)
    frame = pd.DataFrame({name: _typed(batch.columns[name], train[name].dtype) for name in batch.names})
    count = np.zeros(len(frame))
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        at = cases["index"].dropna().astype(int)
        np.add.at(count, at.to_numpy(), 1)
    for name in batch.names:  # a column of mixed types fails as a whole; its rows are told apart here
        if batch.columns[name].dtype == object and pd.api.types.is_numeric_dtype(train[name]):
            count += [isinstance(v, str) for v in batch.columns[name].tolist()]
    return count


def _typed(values: np.ndarray, dtype: object) -> pd.Series:
    """Return a column in the type of the training rows as far as its cells allow it; the type as such is not what is judged."""
    if pd.api.types.is_numeric_dtype(dtype):
        return pd.to_numeric(pd.Series(values), errors="coerce")
    return pd.Series(values, dtype=object)


def damage_classifier(material: Material, table: Floats, seed: int) -> Floats:
    """Return the scores of the same learner on the same evidence, taught to see damage instead of what fools the model."""
    lesson = material.lesson
    return Head.of_risk(lesson.table, np.asarray(lesson.damaged, dtype=bool), lesson.weight, np.random.default_rng(seed)).score(table)
