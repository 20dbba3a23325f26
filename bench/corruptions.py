"""What do the 15 common corruptions cost? CPU seconds for each, at all five severities, on one picture of 427 × 640 RGB in uint8, one thread.

`OMP_NUM_THREADS=1 python -m bench.corruptions`: prints a line per corruption, the sum, which is to stay within 20 seconds, and all of it as JSON.
"""

from __future__ import annotations

import json
import time

import numpy as np

from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damages import named
from camelopard.stress.damages._image_resampling import clouds
from camelopard.stress.damages._images import Image

HEIGHT, WIDTH = 427, 640
MOST = 20.0  # CPU seconds
COMMON = (
    *("gaussian-noise", "shot-noise", "impulse-noise", "defocus-blur", "glass-blur", "motion-blur", "zoom-blur", "snow", "frost", "fog"),
    *("brightness", "contrast", "elastic-transform", "pixelate", "jpeg-compression"),
)


def picture() -> Image:
    """Return a landscape: a sky that grows lighter, a rough ground, a house with windows, a disc."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    sky = np.stack([0.35 + 0.4 * y / HEIGHT, 0.5 + 0.35 * y / HEIGHT, np.full(y.shape, 0.9)], axis=2)
    ground = (0.25 + 0.5 * clouds(HEIGHT, WIDTH, rng, 1.4)) * np.array([0.5, 0.75, 0.35])
    scene = np.where((y > 260 + 25 * np.sin(x / 60))[:, :, None], ground, sky)
    house = (np.abs(x - 220) < 90) & (np.abs(y - 230) < 80)
    windows = house & (x % 45 < 20) & (y % 50 < 25)
    disc = (x - 500) ** 2 + (y - 90) ** 2 < 45**2
    for where, colour in ((house, (0.7, 0.3, 0.25)), (windows, (0.95, 0.9, 0.6)), (disc, (1.0, 0.95, 0.7))):
        scene[where] = colour
    return np.rint(255 * np.clip(scene + rng.normal(0, 0.01, scene.shape), 0, 1)).astype(np.uint8)


def main() -> None:
    """Print what each corruption takes."""
    batch = Batch.of([picture()])
    schema = Schema.infer(batch)
    spent: dict[str, float] = {}
    for kind in COMMON:
        damage = named(kind)
        start = time.process_time()
        for severity in range(1, 6):
            damage.apply(batch, "image", severity, np.random.default_rng(0), schema)
        spent[kind] = time.process_time() - start
        print(f"{kind:20}{spent[kind]:8.2f} s")
    print(f"{'all 75':20}{sum(spent.values()):8.2f} s, of {MOST:.0f} at most")
    print(json.dumps(spent))


if __name__ == "__main__":
    main()
