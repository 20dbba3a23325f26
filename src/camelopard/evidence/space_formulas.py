"""The formulas of feature-space evidence, each as its paper writes it, turned so that higher is worse.

Every function takes arrays of which a row is one data point, and treats each row alone: sums run column after column (`core.arrays.summed`), so that
a row gets the same bytes alone and in any batch.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Floats, Ints, summed

TOP = 100  # classes that count in the generalised entropy
GAMMA = 0.1  # its exponent; both from Liu, Lochman & Zach (2023)
PIECE = 2**21  # numbers held at once while distances to many classes are summed
TINY = 1e-30


def squared_distances(z: Floats, means: Floats) -> Floats:
    """Return the squared distance of each row to each mean, shape (n, q), (k, q) → (n, k).

    In coordinates in which the covariance is one, these are the Mahalanobis distances of Lee, Lee, Lee & Shin (2018).

    >>> squared_distances(np.array([[0.0, 1.0]]), np.array([[0.0, 0.0], [3.0, 5.0]])).tolist()
    [[1.0, 25.0]]
    """
    (n, q), k = z.shape, len(means)
    found = np.empty((n, k))
    step = max(1, PIECE // max(k * q, 1))
    for start in range(0, n, step):
        apart = (z[start : start + step, None, :] - means).reshape(-1, q)
        found[start : start + step] = summed(apart * apart).reshape(-1, k)
    return found


def relative_mahalanobis(to_classes: Floats, to_all: Floats) -> Floats:
    """Return min over the classes of MD_k − MD_0, shape (n,): how much farther from every class than from clean rows in general (Ren et al. 2021).

    `to_classes`: squared Mahalanobis distances to the classes, shape (n, k); `to_all`: to one Gaussian of all rows, shape (n,).

    >>> relative_mahalanobis(np.array([[9.0, 4.0]]), np.array([3.0])).tolist()
    [1.0]
    """
    found: Floats = to_classes.min(axis=1) - to_all
    return found


def generalised_entropy(shares: Floats) -> Floats:
    """Return Σ p^γ (1 − p)^γ over the highest probabilities, shape (n, k) → (n,): GEN (Liu, Lochman & Zach 2023).

    >>> generalised_entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).round(4).tolist()
    [1.7411, 0.0]
    """
    p = np.minimum(np.maximum(shares, 0.0), 1.0)
    if p.shape[1] > TOP:
        p = np.sort(p, axis=1)[:, -TOP:]
    product = p * (1.0 - p)
    return summed(np.where(product > 0.0, np.exp(GAMMA * np.log(np.maximum(product, 1e-300))), 0.0))


def energy(logits: Floats) -> Floats:
    """Return −log Σ exp(logit), shape (n, k) → (n,) (Liu, Wang, Owens & Li 2020).

    >>> energy(np.log([[1.0, 3.0]])).round(4).tolist()
    [-1.3863]
    """
    top = logits.max(axis=1)
    found: Floats = -(top + np.log(summed(np.exp(logits - top[:, None]))))
    return found


def virtual_logit(residual: Floats, free_energy: Floats) -> Floats:
    """Return the log-odds of ViM's virtual class, shape (n,) (Wang, Li, Feng & Zhang 2022).

    That class has the scaled residual as its logit, beside the classes of the model. ViM's score is its probability, 1 / (1 + exp(−this)): the same
    order, but this does not saturate.

    >>> virtual_logit(np.array([2.0]), energy(np.log([[1.0, 3.0]]))).round(4).tolist()
    [0.6137]
    """
    return residual + free_energy


def decision_distance(logits: Floats, answer: Ints, gaps: Floats, from_mean: Floats) -> Floats:
    """Return minus the mean distance to the decision boundaries over the distance to the mean, shape (n,): fDBD (Liu & Qin 2024a).

    The distance of z to the boundary between the answer f and a class c is |(w_f − w_c)·z + b_f − b_c| / ‖w_f − w_c‖, taken here with its sign: where
    the last layer itself prefers c, z lies beyond. `gaps`: ‖w_f − w_c‖, not 0, shape (n, k); `from_mean`: ‖z − mean‖, shape (n,).

    >>> decision_distance(np.array([[3.0, 1.0, -1.0]]), np.array([0]), np.full((1, 3), 2.0), np.array([0.5])).tolist()
    [-3.0]
    """
    rows = np.arange(len(logits))
    apart = (logits[rows, answer][:, None] - logits) / gaps
    apart[rows, answer] = 0.0
    found: Floats = -summed(apart) / max(logits.shape[1] - 1, 1) / np.maximum(from_mean, TINY)
    return found


def collapse_proximity(along: Floats, from_mean: Floats, size: Floats, alpha: float) -> Floats:
    """Return minus how far the answer's weights reach along the centred feature, less α times the feature's size, shape (n,): NCI (Liu & Qin 2024b).

    The paper's score, higher for clean rows, is w_c·(h − μ) / ‖h − μ‖ + α‖h‖₁. `along`: w_c·(h − μ); `from_mean`: ‖h − μ‖; `size`: ‖h‖₁; shape (n,).

    >>> collapse_proximity(np.array([6.0]), np.array([2.0]), np.array([10.0]), 0.1).tolist()
    [-4.0]
    """
    found: Floats = -(along / np.maximum(from_mean, TINY) + alpha * size)
    return found
