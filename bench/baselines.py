"""What people use today, on the same rows: the model's own confidence, an isolation forest, Mahalanobis distance, schema rules."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import IsolationForest

from camelopard.core.arrays import Floats, is_missing
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.stress.visibility import visible

FAR = 6.0  # spreads from the middle: where a cell without a number is put


def own_doubt(answer: Prediction) -> Floats:
    """1 − the highest class probability; 1 where the model raised; 0 for numbers, which come without a probability."""
    if answer.proba is None:
        return answer.failed.astype(np.float64)
    top = np.nanmax(np.where(np.isnan(answer.proba), -1.0, answer.proba), axis=1)
    return np.where(answer.failed, 1.0, 1.0 - top)


def schema_rules(schema: Schema, batch: Batch) -> Floats:
    """The number of cells that break what an inferred schema says: type, range, value set, never missing."""
    return visible(schema, batch).sum(axis=1).astype(np.float64)


class Outliers:
    """Isolation forest and Mahalanobis distance on ordinal codes by frequency; what is missing, unknown or unreadable gets a far-off code of its own."""

    def __init__(self, schema: Schema, clean: Batch, seed: int) -> None:
        self.schema = schema
        table = self.encode(clean)
        self.middle, self.spread = np.nanmedian(table, axis=0), np.maximum(np.nanstd(table, axis=0), 1e-9)
        table = self.scaled(table)
        self.forest = IsolationForest(n_estimators=200, random_state=seed, n_jobs=1).fit(table)
        self.precision = np.linalg.pinv(np.cov(table, rowvar=False) + 1e-6 * np.eye(table.shape[1]))

    def encode(self, batch: Batch) -> Floats:
        columns = []
        for name, column in self.schema.columns.items():
            values = batch.columns[name]
            if column.kind in ("category", "boolean"):
                place = {v: float(i) for i, v in enumerate(column.values)}
                unknown = float(len(place))
                columns.append(
                    np.array(
                        [
                            np.nan if gone else place.get(v, unknown) if isinstance(v, (str, bool)) else unknown
                            for v, gone in zip(values.tolist(), is_missing(values), strict=True)
                        ]
                    )
                )
            elif values.dtype == object:
                columns.append(np.array([float(v) if isinstance(v, (int, float)) else np.nan for v in values.tolist()]))
            else:
                columns.append(values.astype(np.float64))
        return np.column_stack(columns)

    def scaled(self, table: Floats) -> Floats:
        scaled = np.clip((table - self.middle) / self.spread, -1e6, 1e6)
        return np.where(np.isnan(table), FAR, scaled)

    def isolation_forest(self, batch: Batch) -> Floats:
        return -np.asarray(self.forest.score_samples(self.scaled(self.encode(batch))), dtype=np.float64)

    def mahalanobis(self, batch: Batch) -> Floats:
        table = self.scaled(self.encode(batch))
        return np.einsum("ij,jk,ik->i", table, self.precision, table)
