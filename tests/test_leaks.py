"""What is read and dropped is gone: buffers, exports, memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("over_and_over.py")
MEBIBYTE = 1 << 20


def test_nothing_stays_behind_and_memory_does_not_grow() -> None:
    """Some 170 MB are decoded after the warm-up, so that anything that stays shows at once."""
    if os.name != "posix":  # nothing tells the peak of memory there
        return
    done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    buffers, exports, growth = map(int, done.stdout.split())
    assert (buffers, exports) == (0, 0)
    assert growth < 8 * MEBIBYTE, f"{growth / MEBIBYTE:.1f} MiB more"
