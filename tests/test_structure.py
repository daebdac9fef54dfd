"""The house: imports go one way, the package stays light, and C files keep to their sides."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "vpcflow"

# What each part of the package may import from it, besides itself. Stages do not know each other.
MAY_IMPORT = {
    # what everything is made of
    "errors": set(),
    "fields": {"errors"},
    "shapes": {"errors", "fields"},
    "flow_format": {"errors", "fields", "shapes"},
    "where": {"errors", "fields"},
    "selection": {"errors"},
    "_native": {"errors"},
    "html_table": {"errors"},
    # reading
    "source_files": {"errors", "selection"},
    "sources": {"errors", "selection", "source_files"},
    "containers": {"errors", "flow_format", "source_files", "where"},
    "batch": {"errors", "flow_format", "html_table", "_native"},
    "columns": {"errors", "fields", "flow_format", "where", "batch", "_native"},
    "conform": {"fields", "columns", "_native"},
    "lookahead": set(),
    "stream": {"errors", "fields", "flow_format", "html_table", "batch", "columns", "_native"},
    "parser": {"errors", "flow_format", "where", "batch", "columns"},
    "reading": {
        *("errors", "fields", "flow_format", "source_files", "containers", "batch", "columns"),
        *("conform", "stream"),
    },
    "scan": {
        *("errors", "fields", "flow_format", "where", "sources", "containers", "batch", "columns"),
        *("stream", "lookahead", "_native", "plugins", "reading", "selection"),
    },
    # plugins
    "registry": {"errors"},
    "report": {"errors", "batch"},
    "hookspecs": {"registry", "report"},
    "options": {"errors"},
    "builtin_plugin": {"hookspecs", "registry", "jsonl"},
    "plugins": {"errors", "hookspecs", "registry", "report", "builtin_plugin"},
    "making": {"errors", "options", "registry", "plugins", "enrich", "sinks"},
    # enrichers
    "enrich": set(),
    "codes": {"_native"},
    "answers": {"codes", "_native"},
    "keyed": {"errors", "enrich", "codes", "answers"},
    "enriching": {"errors", "enrich", "codes", "keyed"},
    # sinks and places
    "sinks": {"report"},
    "places": {"errors"},
    "local_place": {"errors", "places"},
    "append_place": {"places", "local_place"},
    "targets": {"errors", "places", "local_place", "append_place", "plugins"},
    "partitions": {"errors"},
    "file_sink": {"errors", "options", "partitions", "places", "report", "sinks", "targets"},
    "jsonl": {"errors", "batch", "options", "places", "report", "sinks", "file_sink"},
    # all of it
    "state": {"errors"},
    "delivery": {"errors", "places", "report", "sinks", "state"},
    "pipeline": {
        *("errors", "fields", "flow_format", "where", "selection", "sources", "batch", "columns"),
        *("lookahead", "stream", "reading", "scan", "report", "plugins", "making", "enrich"),
        *("enriching", "sinks", "file_sink", "jsonl", "state", "delivery", "append_place"),
    },
    "testing": {
        *("errors", "fields", "flow_format", "where", "selection", "source_files", "containers"),
        *("parser", "report", "enrich", "enriching", "sinks", "places"),
    },
}


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    parts = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        parts |= {name.split(".")[1] for name in names if name.startswith("vpcflow.")}
    return parts


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(PACKAGE.rglob("*.py")) if part_of(p) in MAY_IMPORT],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_imports_go_one_way(path: Path) -> None:
    part = part_of(path)
    assert imported_parts(path) <= MAY_IMPORT[part] | {part}


def test_every_part_is_known_to_the_test_above() -> None:
    parts = {part_of(path) for path in PACKAGE.rglob("*.py")}
    assert parts == {*MAY_IMPORT, "__init__", "__main__", "cli", "bench"}


def test_importing_the_package_brings_nothing_heavy() -> None:
    code = "import sys, vpcflow; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in ran.stdout.split()}
    heavy = {"pyarrow", "click", "rich", "numpy", "polars", "duckdb", "isal", "boto3", "pluggy"}
    assert not loaded & heavy


def test_type_checkers_are_told_that_the_package_has_types() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_only_the_python_side_of_the_kernel_includes_python() -> None:
    sources = [*PACKAGE.glob("_native/*.c"), *PACKAGE.glob("_native/*.h")]
    includes = {path.name for path in sources if "<Python.h>" in path.read_text()}
    through = {path.name for path in sources if '"module.h"' in path.read_text()}
    assert includes == {"module.h"}
    assert through == {"module.c", "capsules.c", "record.c", "keys_module.c"}


def test_every_kernel_function_says_who_owns_what() -> None:
    """Headers are the manual: each exported function stands behind a comment."""
    for header in PACKAGE.glob("_native/*.h"):
        lines = header.read_text().splitlines()
        for number, line in enumerate(lines):
            declares = line.startswith("vf_") or line.split("(")[0].startswith(
                ("bool vf_", "void vf_")
            )
            if declares and "(" in line and not line.startswith("vf_store"):
                before = [text for text in lines[:number] if text.strip()][-3:]
                assert any("*/" in text or "vf_" in text for text in before), (header.name, line)
