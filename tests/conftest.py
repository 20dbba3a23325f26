"""Settings of every test: property tests never fail for being slow, the same tree gives the same examples, and each test takes one core."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is imported: threads of several processes on few cores wait for each other

from hypothesis import HealthCheck, settings

settings.register_profile(
    "camelopard", deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("camelopard")
