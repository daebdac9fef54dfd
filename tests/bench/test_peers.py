"""The readers that are compared: those that read the same table are found equal, others not."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

import vpcflow
from vpcflow.bench import answers
from vpcflow.bench.digest import Digest, of_columns, of_texts
from vpcflow.bench.generate import KINDS
from vpcflow.bench.inputs import Logs
from vpcflow.bench.peers import PEERS, Vpcflow, installed, reading
from vpcflow.bench.tasks import RECORD_FIELDS
from vpcflow.bench.text import Text

LINES = 2_000


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    return Logs(tmp_path_factory.mktemp("logs"))


def _by_records(text: Text) -> Digest:
    """The table that vpcflow's records show, read without Arrow."""
    records = list(vpcflow.parse(text.content, columns=text.columns))
    columns = {f.name: [getattr(record, f.name) for record in records] for f in text.fields}
    return of_columns(text.fields, columns)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:flowlogs_reader")
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "bad"])
def test_every_reader_reads_the_same_table(logs: Logs, kind: str) -> None:
    text = Text.load(logs.plain(kind, LINES).path)
    expected = _by_records(text)
    assert expected.rows == LINES
    assert {"polars", "pyarrow", "duckdb", "split"} <= set(installed())
    for reader in (Vpcflow(), *(PEERS[name]() for name in reading(kind))):
        assert reader.digest(text, reader.run(text)) == expected, reader.name


@pytest.mark.parametrize("name", ["polars", "pyarrow", "duckdb"])
def test_a_fast_reader_reads_two_columns_and_a_gzipped_file(logs: Logs, name: str) -> None:
    log = logs.gzipped("custom-v5", LINES)
    assert log.packed is not None
    reader, text = PEERS[name](), Text.load(log.path)
    some = evolve(text, columns=("srcaddr", "bytes"))
    assert reader.digest(some, reader.run(some)) == _by_records(some)
    packed = evolve(text, path=log.packed, data=None)
    assert reader.digest(packed, reader.run(packed)) == _by_records(text)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:flowlogs_reader")
def test_every_way_to_bytes_by_action_gives_the_answer(logs: Logs) -> None:
    text = Text.load(logs.plain("nodata", LINES).path)
    expected = answers.reference(text)
    assert set(expected) == {"ACCEPT", "REJECT", None}
    for way in answers.WAYS:
        if way.available():
            assert way.answer(text) == expected, way.name


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (b" 6 ", b" 7 ", "protocol"),
        (b" ACCEPT ", b" REJECT ", "action"),
        (b" OK\n", b" -\n", "log_status"),
        (b"17893800", b"17893801", "start, end"),
    ],
)
def test_one_other_value_is_a_difference_in_its_column(
    logs: Logs, before: bytes, after: bytes, found: str
) -> None:
    text = Text.load(logs.plain("default", LINES).path)
    lines = text.content.splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if n and before in line)
    lines[number] = lines[number].replace(before, after)
    other = evolve(text, data=b"".join(lines))
    ours = Vpcflow()
    difference = ours.digest(other, ours.run(other)).difference(ours.digest(text, ours.run(text)))
    assert difference.startswith(f"differs in {found}")


def test_one_line_less_is_a_difference_in_rows(logs: Logs) -> None:
    text = Text.load(logs.plain("default", LINES).path)
    shorter = evolve(text, data=text.content[: text.content.rindex(b"\n", 0, -1) + 1])
    assert _by_records(shorter).difference(_by_records(text)) == "1,999 rows, expected 2,000"


def test_values_that_changed_rows_are_a_difference_in_bytes_by_action() -> None:
    fields = [vpcflow.FIELDS[name] for name in ("bytes", "action")]
    one = of_columns(fields, {"bytes": [1, 2, None], "action": ["ACCEPT", "REJECT", None]})
    two = of_columns(fields, {"bytes": [2, 1, None], "action": ["ACCEPT", "REJECT", None]})
    assert two.difference(one) == "differs in bytes by action"


def test_tags_are_the_same_decoded_or_not_but_other_text_is_not() -> None:
    tag, name = vpcflow.FIELDS["instance_tag"], vpcflow.FIELDS["ecs_cluster_name"]
    assert of_texts(tag, [("caf%C3%A9", 2)]) == of_texts(tag, [("café", 2)])
    assert of_texts(name, [("caf%C3%A9", 2)]) != of_texts(name, [("café", 2)])


def test_slow_readers_get_whole_lines_from_the_start() -> None:
    text = Text(Path("x"), vpcflow.FlowFormat.default(), b"0123456 89\n" * 1_000_000)
    head = text.head()
    assert text.content.startswith(head.content)
    assert head.content.endswith(b"\n")
    assert 8_000_000 <= len(head.content) < 8_000_020
    assert head.head() == head


def test_records_have_the_five_attributes_that_are_read() -> None:
    assert set(RECORD_FIELDS) <= set(vpcflow.FlowFormat.default().names)
