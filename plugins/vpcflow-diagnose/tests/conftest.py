"""Makes the helpers beside the tests importable by name; settings of hypothesis as in `tests/`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
settings.register_profile(
    "diagnose",
    max_examples=2000 if _LONG else 50,
    derandomize=not _LONG,
    deadline=None,  # the first example reads the modules
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("diagnose")
