"""What the C file offers. Every array is checked; what does not fit raises ValueError. See camelopard.core.kernel for whether it is there."""

from camelopard.core.arrays import Array, Bools, Floats, Ints

version: int

def divide(columns: Floats, edges: Floats, starts: Ints, codes: Array, /) -> None: ...
def grow(
    codes: Array,
    edges: Ints,
    rising: Bools,
    columns: Ints,
    some: Ints,
    slope: Floats,
    curve: Floats,
    bins: int,
    ridge: float,
    least: float,
    leaf: Array,
    feature: Ints,
    place: Ints,
    sums: Floats,
    masses: Floats,
    /,
) -> int: ...
def score_trees(table: Floats, more: Floats, feature: Ints, threshold: Floats, leaves: Floats, base: float, total: Floats, /) -> None: ...
def line(table: Floats, low: Floats, high: Floats, weights: Floats, intercept: float, bound: float, total: Floats, /) -> None: ...
def nearest(
    scores: Floats,
    pairs: Array,
    sizes: Array,
    starts: Ints,
    groups: Ints,
    column: Ints,
    farthest: float,
    steps: float,
    nowhere: float,
    small: float,
    found: Floats,
    /,
) -> None: ...
def surprise(scores: Floats, precision: Floats, unit: Floats, sweeps: int, filled: Floats, residual: Floats, distance: Floats, /) -> None: ...
def fill(rows: Floats, unknown: Bools, precision: Floats, sweeps: int, /) -> None: ...
def interpolate(values: Floats, columns: Ints, bounds: Floats, starts: Ints, knots: Floats, lines: Floats, scores: Floats, far: Bools, /) -> int: ...
def look_up(values: Floats, columns: Ints, starts: Ints, table: Floats, found: Floats, into: Ints, /) -> None: ...
def grams(codes: Array, cut: int, symbols: Array, keys: Array, starts: Ints, shift: int, bits: Floats, found: Floats, /) -> None: ...
def hashed(codes: Array, words: Array, factors: Array, mix: int, found: Array, /) -> None: ...
def unit(hashes: Array, worth: Array, found: Floats, /) -> None: ...
def most_alike(vectors: Array, rows: Array, sizes: Floats, found: Floats, /) -> None: ...
def sum_up(
    suspicions: Floats,
    states: Array,
    filled: Floats,
    rarities: Floats,
    weights: Floats,
    category_weights: Floats,
    marks: Floats,
    most: float,
    summary: Floats,
    places: Floats,
    odd: Floats,
    /,
) -> None: ...
