"""How strange is each row of a stream among all that came before it? Ranks that are exactly uniform and independent while nothing changes.

The one idea: against clean scores that stay fixed, p-values are not independent: clean rows that happened to come out mild make every later row look
strange, and a long stream always finds that out. Ranked among the clean rows and all rows before it, each row is a fair draw (Vovk, Nouretdinov &
Gammerman 2003). Which gap between two clean scores it falls into is just as fair, and needs no more memory however long the stream: the gaps are an
urn from which one is drawn with chance (clean rows it stands for + rows that fell into it) / all rows (Blackwell & MacQueen 1973).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats, Ints

MOST_EDGES = 1000  # clean scores that part the line: with more of them, each gap between two of those kept counts for several
BLOCK = 256  # rows that are compared with each other at once


class Ranks:
    """The p-value of each score of a stream, large scores being strange.

    Parameters
    ----------
    clean
        Scores of clean rows, shape (n,).
    ties
        One number between 0 and 1 for each, drawn at random: equal scores are told apart by them, shape (n,).

    >>> rng = np.random.default_rng(0)
    >>> ranks = Ranks(rng.normal(size=99), rng.random(99))
    >>> ranks.p_values(np.array([9.0, 9.0, 9.0]), np.full(3, 0.5), np.full(3, 0.5))  # the first is one of 100, the next two of 101, three of 102
    array([0.005    , 0.00990099, 0.01470588])
    """

    def __init__(self, clean: Floats, ties: Floats) -> None:
        n = len(clean)
        order = np.lexsort((ties, clean))
        kept = np.unique(np.linspace(1, n, min(n, MOST_EDGES)).round().astype(np.int64))  # ranks among the clean scores
        self._edges: Floats = clean[order][kept - 1]
        self._ties: Floats = ties[order][kept - 1]
        self._counts: Ints = np.diff(kept, prepend=0, append=n + 1)

    def p_values(self, scores: Floats, ties: Floats, smoothing: Floats) -> Floats:
        """Return the p-value of each score in order of arrival, and remember it, shape (m,).

        The share of the gaps above the row's own, and a random part of its own: on exchangeable rows exactly uniform, and independent of all before.

        Parameters
        ----------
        scores, ties, smoothing
            The scores, and for each two numbers between 0 and 1 drawn at random, each of shape (m,).
        """
        gaps = self._gaps(scores, ties)
        return np.concatenate([np.zeros(0), *(self._block(gaps[i : i + BLOCK], smoothing[i : i + BLOCK]) for i in range(0, len(gaps), BLOCK))])

    def _block(self, gaps: Ints, smoothing: Floats) -> Floats:
        """Return the p-values of few rows at once: the urn as it was, and whichever of these rows came before each."""
        total = self._counts.sum() + np.arange(len(gaps))
        above = np.append(self._counts[::-1].cumsum()[::-1], 0)[gaps + 1]
        before = np.tri(len(gaps), k=-1, dtype=bool)
        above = above + (before & (gaps[None, :] > gaps[:, None])).sum(axis=1)
        own = self._counts[gaps] + (before & (gaps[None, :] == gaps[:, None])).sum(axis=1)
        self._counts = self._counts + np.bincount(gaps, minlength=len(self._counts))
        p: Floats = (above + smoothing * own) / total
        return p

    def _gaps(self, scores: Floats, ties: Floats) -> Ints:
        """Return how many edges lie below each score, shape (m,)."""
        first, last = np.searchsorted(self._edges, scores, side="left"), np.searchsorted(self._edges, scores, side="right")
        for i in np.flatnonzero(last > first).tolist():
            first[i] += np.searchsorted(self._ties[first[i] : last[i]], ties[i], side="right")
        return first.astype(np.int64)

    def state(self) -> dict[str, Any]:
        """Return what was learned and what was seen, as plain data: at most 1,001 numbers thrice, however long the stream."""
        return {"edges": self._edges, "ties": self._ties, "counts": self._counts}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Ranks:
        """Rebuild from `state()`; a ValueError, where that is none."""
        ranks = cls.__new__(cls)
        edges, ties = (np.asarray(state[name], dtype=np.float64) for name in ("edges", "ties"))
        counts = np.asarray(state["counts"])
        if not (edges.ndim == 1 and len(edges) and edges.shape == ties.shape and counts.shape == (len(edges) + 1,)):
            raise ValueError(f"ranks of shapes {edges.shape}, {ties.shape} and {counts.shape}")
        if counts.dtype.kind != "i" or (counts < 1).any() or np.isnan(ties).any() or not (edges[1:] >= edges[:-1]).all() or np.isnan(edges).any():
            raise ValueError("ranks that are not in order")
        ranks._edges, ranks._ties, ranks._counts = edges, ties, counts.astype(np.int64)
        return ranks
