"""What tests of the compiled programs share. They run by `make test-system`: they need a compiler,
clang, valgrind, qemu and an arm64 cross compiler, and fail without them."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-instructions",
        action="store_true",
        help="count instructions anew and write tests/system/instructions.json",
    )
