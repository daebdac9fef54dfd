"""`vpcflow sql`: the answer in every form, errors that say where, and what was read."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import duckdb
import lines
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import terminal
from click.testing import CliRunner, Result
from vpcflow_query import sql_command
from vpcflow_query.reading import Reading
from vpcflow_query.sql_command import result_of

import vpcflow
from vpcflow.cli.app import Program

SAMPLES = Path(__file__).parents[3] / "tests" / "data" / "samples"
LOGS = SAMPLES / "AWSLogs"
PROGRAM = Program(commands=[sql_command.sql])
HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\u009b31m"


def sql(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(PROGRAM, ["sql", *map(str, arguments)], input=stdin)


def rows(*arguments: object, stdin: bytes | None = None) -> list[dict[str, object]]:
    result = sql(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def refused(*arguments: object) -> str:
    result = sql(*arguments)
    assert result.exit_code == 2, result.output
    return result.stderr


def expected(statement: str) -> list[dict[str, object]]:
    """What DuckDB says over all records of the samples, read as a whole."""
    batches = map(pa.record_batch, vpcflow.scan(str(LOGS), text="utf8"))
    table = pa.Table.from_batches(list(batches))
    with duckdb.connect() as connection:
        connection.register("flows", table)
        found = connection.sql(statement).to_arrow_reader(1000).read_all().to_pylist()
    return [
        {k: int(v) if k == "bytes" and v is not None else v for k, v in row.items()}
        for row in found
    ]


# ---- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "select srcaddr, sum(bytes) as bytes from flows group by 1 order by 2 desc, 1 limit 5",
        "select dstport, count(*) as n from flows where action = 'REJECT' group by 1 order by 1",
        "with r as (select * from flows where action = 'REJECT') "
        "select count(*) as n from r a join r b on a.srcaddr = b.dstaddr",
        "select count(*) as n from flows where log_status = 'NODATA' union all "
        "select count(*) from flows",
        "select (select max(f.dstport) from flows f where f.srcaddr = o.srcaddr) as m "
        "from flows o order by 1 nulls last limit 4",
        "with recursive t as (select 1 as i union all select i + 1 from t, "
        "(select count(*) as n from flows) where i < 4 and n > 0) select count(*) as n from t",
        "pivot (select action, bytes from flows) on action in ('ACCEPT', 'REJECT') using count(*)",
    ],
)
def test_the_answer_is_that_of_a_table_with_all_records(statement: str) -> None:
    if statement.startswith("pivot"):
        statement = f"select * from ({statement}) order by 1"
    assert rows(statement, LOGS) == [
        {k: v for k, v in row.items() if v is not None} for row in expected(statement)
    ]


def test_only_what_a_statement_needs_is_decoded() -> None:
    statement = "select srcaddr, sum(bytes) as bytes from flows where action = 'REJECT' group by 1"
    with result_of(statement, Reading([str(LOGS)])) as (flows, result):
        assert list(result)
    assert [sorted(columns) for columns in flows.scans] == [["action", "bytes", "srcaddr"]]
    assert flows.summary.counts["filtered"] > 0  # the condition was looked at while scanning


def test_a_self_join_reads_each_side_with_its_own_columns() -> None:
    statement = "select count(*) from flows a, flows b where a.srcaddr = b.dstaddr"
    with result_of(statement, Reading([str(LOGS)])) as (flows, result):
        assert list(result)
    assert sorted(map(tuple, flows.scans)) == [("dstaddr",), ("srcaddr",)]


def test_times_are_utc() -> None:
    (row,) = rows('select min(start) as a, typeof(max("end")) as b from flows', LOGS)
    assert row == {"a": "2026-09-14T10:00:00Z", "b": "TIMESTAMP WITH TIME ZONE"}
    (row,) = rows("select strftime(min(start), '%H') as hour from flows", LOGS)
    assert row == {"hour": "10"}


@pytest.mark.parametrize("joined", [False, True])
def test_standard_input_is_read_once_and_kept_for_several_scans(joined: bool) -> None:
    data = b"".join(gzip.decompress(path.read_bytes()) for path in sorted(LOGS.rglob("*.gz")))
    statement = "select count(*) as n, sum(bytes) as bytes from flows"
    if joined:
        statement = f"select f.*, a.c from ({statement}) f, (select max(packets) c from flows) a"
    compressed = gzip.compress(data)
    assert rows(statement, "-", stdin=compressed) == rows(statement, LOGS)


def test_a_statement_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "count.sql"
    file.write_text("-- how many\nselect count(*) as n from flows;\n")
    assert rows(f"@{file}", LOGS) == [{"n": 555}]
    assert "cannot be read" in refused("@nowhere.sql", LOGS)


def test_a_statement_may_begin_with_a_comment() -> None:
    assert rows("-- how many\nselect count(*) as n from flows;", LOGS) == [{"n": 555}]
    assert "line 2, column 9: there is no column 'n'" in refused(
        "-- it\n select n from flows", LOGS
    )
    assert "No such option '--how-many'" in refused("--how-many", "select 1", LOGS)


def test_an_empty_source_has_the_default_columns_and_no_rows(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    assert rows("select count(bytes) as n from flows", tmp_path / "empty.log") == [{"n": 0}]
    assert rows("select count(bytes) as n from flows", "-", stdin=b"") == [{"n": 0}]


@pytest.mark.parametrize(
    "statement", ["describe flows", "summarize flows", "explain select 1 from flows", "from flows"]
)
def test_statements_that_only_look(statement: str) -> None:
    assert rows(statement, LOGS)


# ---- forms ---------------------------------------------------------------------------------------

EVERYTHING = """select 1::hugeint as whole, 1.25::decimal(9, 2) as part, 0.5 as half, true as yes,
 null as nothing, timestamptz '2024-05-01 12:00:00.123456+00' as fine, [1, 2] as list, {'a': 'b'} as
 struct, date '2024-05-01' as day, interval 90 minute as span, 'a,"b"' as text,
 '\\xAA'::blob as raw,
 170141183460469231731687303715884105727::hugeint as huge, 1 as whole, 'nan'::double as nan"""


def test_jsonl_has_every_type() -> None:
    (row,) = rows(EVERYTHING, LOGS)
    assert row == {
        "whole": 1,
        "part": 1.25,
        "half": 0.5,
        "yes": True,
        "fine": "2024-05-01T12:00:00.123456Z",
        "list": [1, 2],
        "struct": {"a": "b"},
        "day": "2024-05-01",
        "span": "1:30:00",
        "text": 'a,"b"',
        "raw": "\\xaa",
        "huge": 170141183460469231731687303715884105727,
        "whole_2": 1,
    }


def test_csv_has_every_type() -> None:
    text = sql(EVERYTHING, LOGS, "--output", "csv").stdout
    heading, row = csv.reader(io.StringIO(text))
    found = dict(zip(heading, row, strict=True))
    assert found["part"] == "1.25"
    assert found["text"] == 'a,"b"'
    assert found["nothing"] == ""
    assert found["fine"] == "2024-05-01T12:00:00.123456Z"
    assert found["huge"] == "170141183460469231731687303715884105727"


def test_csv_without_rows_has_its_heading() -> None:
    assert sql("select srcaddr, 1 as x from flows limit 0", LOGS, "--output", "csv").stdout == (
        "srcaddr,x\n"
    )


def test_parquet_holds_the_rows_and_takes_the_place_of_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "result.parquet"
    file.write_text("old")
    statement = "select srcaddr, start, bytes, action from flows order by all"
    assert sql(statement, LOGS, "-o", file).exit_code == 0
    found = pq.read_table(file)
    assert found.num_rows == 555
    assert str(found.schema.field("start").type).endswith("tz=UTC]")
    assert [path.name for path in tmp_path.iterdir()] == ["result.parquet"]


def test_a_result_that_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "result.csv"
    file.write_text("old")
    message = refused("select cast(srcaddr as int) from flows", LOGS, "-o", file)
    assert "Could not convert" in message
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["result.csv"]


def test_a_form_that_cannot_be_is_refused(tmp_path: Path) -> None:
    assert "in which form" in refused("from flows", LOGS, "-o", tmp_path / "result")
    assert "contradict" in refused("from flows", LOGS, "--json", "--output", "csv")
    assert "cannot be written" in refused("from flows", LOGS, "-o", "/nowhere/at/all.csv")


def test_limit_and_json_summary() -> None:
    result = sql("from flows", LOGS, "--limit", 7, "--json")
    assert len(result.stdout.splitlines()) == 7
    assert json.loads(result.stderr)["shown"] == 7


# ---- terminals -----------------------------------------------------------------------------------


def test_a_table_fits_the_terminal_and_says_what_is_left_out() -> None:
    statement = (
        "select srcaddr, dstaddr, dstport, action, sum(bytes) as bytes, count(*) as flows, "
        "min(start) as first_seen from flows group by all order by flows desc"
    )
    shown = terminal.show("sql", statement, str(LOGS), columns=80)
    assert shown.code == 0
    assert max(map(len, shown.lines)) <= 80
    assert "14 rows shown; there are more (--limit 0 shows all)" in shown.text
    assert "43,416" in shown.text
    assert "2026-09-14 10:01:07" in shown.text or "2026-09-14 UTC" in shown.text


def test_what_no_line_can_hold_is_stacked() -> None:
    shown = terminal.show("sql", "from flows limit 1", str(LOGS), columns=60)
    assert any(line.startswith("srcaddr  ") for line in shown.lines)


@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_no_value_speaks_to_the_terminal(tmp_path: Path, form: str) -> None:
    log = tmp_path / "hostile.log"
    evil = HOSTILE.replace(" ", "")
    log.write_text(f"srcaddr action new-field\n10.0.0.1 {evil} {evil}\n{evil} ACCEPT -\n")
    statement = f"select *, '{HOSTILE}' as \"{HOSTILE}\" from flows"
    shown = terminal.show("sql", statement, str(log), "--output", form)
    assert shown.code == 0, shown.text
    assert not any(c in shown.text for c in "\x1b\x07\u202e\u009b")
    assert ("\\u009b31m" if form == "jsonl" else "\\x9b31m") in shown.text


def test_no_error_speaks_to_the_terminal() -> None:
    shown = terminal.show("sql", f'select "{HOSTILE}" from flows', str(LOGS))
    assert shown.code == 2
    assert not any(c in shown.text for c in "\x1b\x07\u202e\u009b")


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("select srcadr from flows", ["line 1, column 8", "did you mean srcaddr?"]),
        ("select 'é',\n srcadr from flows", ["line 2, column 2", "did you mean srcaddr?"]),
        ("explain select srcadr from flows", ["did you mean srcaddr?"]),
        ("select f.srcadr from flows f", ["column 8", "did you mean srcaddr?"]),
        ("select tcp_flags from flows", ["do not have the field tcp_flags", "${tcp-flags}"]),
        ("select tcpflag from flows", ["do not have tcp_flags either", "(version 3)"]),
        ("select zzzzzz from flows", ["there is no column 'zzzzzz'", "describe flows"]),
        ("select end from flows", ['write "end", in double quotes']),
        ("selec 1", ["line 1, column 1", "syntax error"]),
        ("select * from flow", ["there is no table 'flow'", "the logs are the table flows"]),
        ("select sum(srcaddr) from flows", ["column 8", "sum(VARCHAR)"]),
        ("select srcaddr::int from flows", ["Could not convert string"]),
        ("select $1 from flows", ["parameters"]),
        ("", ["no statement"]),
        ("select 1; select 2", ["2 statements"]),
    ],
)
def test_errors_say_where_and_what_mends_it(statement: str, words: list[str]) -> None:
    message = refused(statement, LOGS)
    for word in words:
        assert word in message


def test_a_condition_on_a_column_that_no_log_has() -> None:
    message = refused("from flows", LOGS, "--where", "tcp_flags=2")
    assert "do not have the column tcp_flags" in message


def test_memory_is_an_amount() -> None:
    assert "is no amount" in refused("from flows", LOGS, "--memory", "much")
    assert "too little" in refused("from flows", LOGS, "--memory", "1MB")


# ---- what was read -------------------------------------------------------------------------------


def test_rejected_lines_are_told() -> None:
    result = sql("select count(bytes) as n from flows", SAMPLES / "bad-lines.log")
    assert result.exit_code == 0
    assert "rejected" in result.stderr
    assert "not-an-integer" in result.stderr


def test_a_damaged_file_is_read_up_to_the_damage() -> None:
    result = sql("select count(*) as n from flows", SAMPLES / "damaged.log.gz")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["n"] > 0
    assert "damaged.log.gz" in result.stderr


def test_a_file_that_is_not_there() -> None:
    result = sql("select 1 from flows", "nowhere.log")
    assert result.exit_code == 1
    assert "no such file" in result.stderr


def test_a_statement_that_needs_no_more_stops_reading(tmp_path: Path) -> None:
    log = tmp_path / "long.log"
    format_ = vpcflow.FlowFormat.default()
    block = lines.text(lines.records(1, format_, 2_000))
    log.write_bytes(lines.text([lines.header(format_)]) + block * 250)
    result = sql("from flows limit 1", log)
    assert len(result.stdout.splitlines()) == 1
    assert "not read to the end" in result.stderr
