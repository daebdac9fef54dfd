"""The encoder under AddressSanitizer and UBSan, on random batches (native/drive.c)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[1] / "src" / "vpcflow_avro" / "_native"
DRIVER = Path(__file__).parent / "native" / "drive.c"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-std=c11"]
SANITIZERS = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def build(directory: Path, *options: str) -> Path:
    """The driver; the compiler is the one that built the extension."""
    program = directory / "drive"
    sources = [DRIVER, NATIVE / "encode.c", NATIVE / "columns.c"]
    command = [os.environ.get("CC", "cc"), *WARNINGS, *SANITIZERS, *options, f"-I{NATIVE}"]
    subprocess.run([*command, "-o", program, *sources], check=True)
    return program


def test_random_batches_are_read_and_written_within_bounds(tmp_path: Path) -> None:
    program = build(tmp_path)
    for seed in ("1", "2"):
        done = subprocess.run([program, seed, "1500"], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "1500 batches\n"), done.stderr


def test_a_planted_write_past_the_room_is_reported(tmp_path: Path) -> None:
    done = subprocess.run(
        [build(tmp_path, "-DVA_PLANTED_BUG"), "1", "1500"], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "AddressSanitizer: heap-buffer-overflow" in done.stderr


@pytest.mark.parametrize("source", sorted(path.name for path in NATIVE.glob("*.[ch]")))
def test_only_the_module_knows_python(source: str) -> None:
    assert ("Python.h" in (NATIVE / source).read_text()) == (source == "module.c")
