"""How clean feature vectors lie: around the means of their answers, near a subspace of few dimensions, at a usual length.

All is learned once, from floats; what is kept is rounded so that measuring is exact (see `space_rows`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.evidence.space_rows import on_grid

DIMENSIONS = 64  # of the space of the Mahalanobis distances
PRINCIPAL = 128  # most dimensions of the subspace outside which the residual lies
ROWS_PER_DIMENSION = 10  # clean rows that a dimension must have
SHRINK = 0.1  # share of the mean variance mixed into a covariance
DENSE = 1024  # columns up to which all eigenvectors are found, and the first ones only beyond
ROUNDS = 8  # of subspace iteration
FLAT = 1e-3  # of a vector's length, the smallest residual told from none


@dataclass(frozen=True)
class Gaussians:
    """Classes of one covariance and one Gaussian of all rows, in coordinates in which both covariances are diagonal, the first of them one.

    `centre`: mean of all rows, shape (d,). `basis`: shape (d, q). `means`: of each class, shape (k, q), zeros where `seen`, shape (k,), says that no
    clean row got this answer. `spread`: variances of all rows, shape (q,).
    """

    centre: Floats
    basis: Floats
    means: Floats
    spread: Floats
    seen: Bools


def gaussians(x: Floats, groups: Ints, k: int) -> Gaussians:
    """Learn from clean vectors, shape (n, d), and the numbers of their answers, shape (n,), below k.

    The covariance of a class is that of all rows about the means of their classes (Lee, Lee, Lee & Shin 2018), in the first principal components.
    """
    centre = on_grid(x.mean(axis=0))
    centred = x - centre
    components = principal(centred, min(DIMENSIONS, x.shape[1], max(1, len(x) // ROWS_PER_DIMENSION)))
    z = centred @ components
    counts = np.bincount(groups, minlength=k).astype(np.float64)
    sums = np.zeros((k, z.shape[1]))
    np.add.at(sums, groups, z)
    means = sums / np.maximum(counts, 1.0)[:, None]
    within, total = _shrunk(z - means[groups], x), _shrunk(z, x)
    # Whitening the one covariance and turning to the axes of the other makes both diagonal.
    whitening = np.linalg.inv(np.linalg.cholesky(within)).T
    spread, turned = np.linalg.eigh(whitening.T @ total @ whitening)
    axes = whitening @ turned
    return Gaussians(centre, on_grid(components @ axes), means @ axes, np.maximum(spread, 1e-9), counts > 0)


def _shrunk(z: Floats, x: Floats) -> Floats:
    """Return the covariance of centred rows, with a share of its mean variance on the diagonal; where nothing differs, a little of the length."""
    n, q = z.shape
    covariance = z.T @ z / n
    least = 1e-9 * float(np.einsum("ij,ij->", x, x)) / x.size
    share = max(SHRINK, min(0.5, q / n))
    found: Floats = (1 - share) * covariance + (share * float(np.trace(covariance)) / q + (least or 1.0)) * np.eye(q)
    return found


def principal(x: Floats, q: int) -> Floats:
    """Return the first q eigenvectors of xᵀx, shape (n, d) → (d, q): the directions that hold most of the vectors.

    >>> np.abs(principal(np.array([[3.0, 0.1], [-3.0, 0.0]]), 1)).round(2).tolist()
    [[1.0], [0.02]]
    """
    d = x.shape[1]
    if d <= DENSE:
        return np.linalg.eigh(x.T @ x)[1][:, ::-1][:, :q]
    # Subspace iteration from fixed random directions (Halko, Martinsson & Tropp 2011): seconds where all eigenvectors would take minutes.
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((d, min(d, q + 16))))[0]
    for _ in range(ROUNDS):
        basis = np.linalg.qr(x.T @ (x @ basis))[0]
    inside = x @ basis
    found: Floats = basis @ np.linalg.eigh(inside.T @ inside)[1][:, ::-1][:, :q]
    return found


@dataclass(frozen=True)
class Outside:
    """The subspace that clean vectors fill. `origin`: a point of it, shape (d,); `basis`: shape (d, p); `usual`: mean distance of clean rows."""

    origin: Floats
    basis: Floats
    usual: float


def outside(x: Floats, origin: Floats) -> Outside:
    """Learn the principal subspace of clean vectors about an origin, of half their dimensions (Wang, Li, Feng & Zhang 2022), at most PRINCIPAL."""
    origin = on_grid(origin)
    about = x - origin
    basis = on_grid(principal(about, max(1, min(x.shape[1] // 2, PRINCIPAL, len(x) // ROWS_PER_DIMENSION))))
    squares = np.einsum("ij,ij->i", about, about)
    within = about @ basis
    left = np.sqrt(np.maximum(squares - np.einsum("ij,ij->i", within, within), 0.0))
    least = FLAT * float(np.sqrt(squares.mean()))
    return Outside(origin, basis, max(float(left.mean()), least) or 1.0)


@dataclass(frozen=True)
class Lengths:
    """How long clean vectors are. `middle`: median logarithm for each answer, shape (k,); `spread`: of the logarithms about them."""

    middle: Floats
    spread: float


def lengths(logs: Floats, groups: Ints, k: int) -> Lengths:
    """Learn from the logarithms of the lengths of clean vectors, and their answers, shape (n,)."""
    middle = np.array([np.median(logs[groups == c]) if (groups == c).any() else 0.0 for c in range(k)])
    return Lengths(middle, max(1.4826 * float(np.median(np.abs(logs - middle[groups]))), 1e-3))
