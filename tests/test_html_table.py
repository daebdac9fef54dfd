"""What a notebook shows of batches and schemas."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vpcflow
from vpcflow.html_table import ROWS, TEXT, table_html

LINE = "2 123456789010 eni-0a 10.0.0.1 10.0.0.2 443 50000 6 10 840 1789380000 1789380060 ACCEPT OK"


class Cells(HTMLParser):
    """The texts of a table's cells, and every tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def test_a_batch_shows_its_first_rows_and_counts_all() -> None:
    batch = vpcflow.parse(f"{LINE}\n".encode() * 25 + LINE.replace("443", "x").encode())
    shown = batch._repr_html_()
    cells = Cells(shown)
    assert cells.tags.count("tr") == 1 + ROWS
    assert cells.cells[: len(batch.column_names)] == list(batch.column_names)
    assert "2026-09-14T10:00:00+00:00" in cells.cells
    assert "25 records, the first 10 shown; 1 line rejected" in shown


def test_an_empty_batch_is_an_empty_table() -> None:
    batch = vpcflow.parse(b"", format="default")
    assert "0 records" in batch._repr_html_()


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\"'><img/src=x>", "\u202egnp"])
def test_values_stay_text(text: str) -> None:
    line = LINE.replace("eni-0a", text)
    shown = vpcflow.parse(line.encode(), format="default")._repr_html_()
    assert set(Cells(shown).tags) == {"div", "table", "thead", "tbody", "tr", "th", "td", "p"}
    assert "\u202e" not in shown


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=3))
def test_any_text_is_one_bounded_cell(rows: list[list[str]]) -> None:
    cells = Cells(table_html(("a", "b"), rows))
    assert cells.tags.count("td") == 2 * len(rows)
    assert all(len(cell) <= 12 * TEXT for cell in cells.cells)


def test_the_schema_of_a_stream_has_a_row_for_each_column() -> None:
    with vpcflow.scan(f"{LINE}\n".encode(), columns=["srcaddr", "bytes"], format="default") as s:
        cells = Cells(s.schema._repr_html_())
    assert cells.tags.count("tr") == 3
    assert {"srcaddr", "bytes", "int64"} <= set(cells.cells)
