"""A picture with less in it: what a model sees in it should stay, what somebody wrote into single pixels and last digits goes.

The one idea: feature squeezing (Xu, Evans & Qi 2018). Of their ways two are done to the same copy, so that the model is asked only once more.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.modality.image_numbers import Plane, median

BITS = 5  # of a colour that stay, the most that Xu, Evans & Qi recommend for photographs: 32 shades between the darkest and the brightest


def squeezed(pixels: Array, low: float, high: float) -> Array:
    """Return the median of the 3 × 3 pixels around each, channel by channel, in 32 even shades between `low` and `high`. Transparency stays.

    The picture keeps its size and data type; at the border its edge is repeated. Values outside `low` to `high` are brought to their ends. Truth
    values have two shades as they are.

    >>> squeezed(np.array([[90, 90, 90], [90, 255, 90], [90, 90, 90]], dtype=np.uint8), 0, 255).tolist()
    [[90, 90, 90], [90, 90, 90], [90, 90, 90]]
    """
    flat = pixels[:, :, None] if pixels.ndim == 2 else pixels
    found = flat.copy()
    for k in range(flat.shape[2] - (flat.shape[2] in (2, 4))):
        middle = median(np.pad(flat[:, :, k].astype(np.float64), 1, mode="edge"))
        found[:, :, k] = middle if pixels.dtype.kind == "b" else _shaded(middle, low, high, pixels.dtype.kind in "iu")
    return found.reshape(pixels.shape)


def _shaded(plane: Plane, low: float, high: float, whole: bool) -> Plane:
    most = 2**BITS - 1
    found: Plane = low + np.rint((np.clip(plane, low, high) - low) / (high - low) * most) / most * (high - low)
    return np.rint(found) if whole else found
