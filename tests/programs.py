"""The C programs of tests/native, built when they are needed: a directory for each set of options.

What a machine lacks is an error that names the package to install: these tests never skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
NATIVE = ROOT / "tests" / "native"
FUZZ = ROOT / "tests" / "fuzz"
BUILD = ROOT / "build"

# tools that pip does not bring, and the Debian packages that do
PACKAGES = {
    "cc": "gcc",
    "clang-14": "clang-14 libclang-rt-14-dev",
    "valgrind": "valgrind",
    "qemu-aarch64": "qemu-user",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
}
VARIANTS = {
    "release": (),
    "sanitize": ("-DVF_SANITIZE=ON",),
    "sanitize-small": ("-DVF_SANITIZE=ON", "-DVF_SMALL=ON"),
    "sanitize-planted": ("-DVF_SANITIZE=ON", "-DVF_PLANTED_BUG=ON"),
    "fuzz": ("-DVF_FUZZ=ON", "-DCMAKE_C_COMPILER=clang-14"),
    "fuzz-small": ("-DVF_FUZZ=ON", "-DCMAKE_C_COMPILER=clang-14", "-DVF_SMALL=ON"),
    "fuzz-planted": ("-DVF_FUZZ=ON", "-DCMAKE_C_COMPILER=clang-14", "-DVF_PLANTED_BUG=ON"),
    "arm64": (f"-DCMAKE_TOOLCHAIN_FILE={NATIVE / 'arm64.cmake'}",),
    "arm64-small": (f"-DCMAKE_TOOLCHAIN_FILE={NATIVE / 'arm64.cmake'}", "-DVF_SMALL=ON"),
}
NEEDS = {"fuzz": "clang-14", "arm64": "aarch64-linux-gnu-gcc"}


class MissingToolError(Exception):
    """A program that these tests cannot do without."""


def tool(name: str) -> str:
    """The path of a program. Beside this Python first: there pip puts cmake and ninja."""
    beside = Path(sys.executable).with_name(name)
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None:
        install = f"apt-get install {PACKAGES[name]}" if name in PACKAGES else f"pip install {name}"
        raise MissingToolError(f"{name} is missing: {install}")
    return path


def run(
    command: Sequence[str | Path | int],
    *,
    check: bool = True,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program; with `check`, one that fails is an error that shows what it said."""
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        errors="backslashreplace",
        env={**os.environ, **(environment or {})},
    )
    if check and done.returncode:
        said = (done.stdout[-2000:] + done.stderr[-6000:]).strip()
        words = " ".join(done.args)[:500]
        raise AssertionError(f"{words}: exit status {done.returncode}\n{said}")
    return done


def build(variant: str) -> Path:
    """The directory of the built programs; building again takes only what changed."""
    if variant not in _built:
        try:
            _built[variant] = _build(variant)
        except (AssertionError, MissingToolError) as error:
            _built[variant] = error  # once is enough
    built = _built[variant]
    if isinstance(built, Exception):
        raise built
    return built


_built: dict[str, Path | Exception] = {}


def _build(variant: str) -> Path:
    directory = BUILD / "native" / variant
    tool(NEEDS.get(variant.split("-")[0], "cc"))
    cmake, ninja = tool("cmake"), tool("ninja")
    options = [*VARIANTS[variant], f"-DCMAKE_MAKE_PROGRAM={ninja}"]
    run([cmake, "-S", NATIVE, "-B", directory, "-G", "Ninja", *options])
    run([cmake, "--build", directory])
    return directory
