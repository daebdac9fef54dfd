"""Conditions that are looked at while scanning change no answer."""

from __future__ import annotations

from typing import Any

import duckdb
import lines
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vpcflow_query import duck
from vpcflow_query.pushdown import conditions
from vpcflow_query.reading import Reading
from vpcflow_query.sql_command import result_of
from vpcflow_query.statement import parsed

import vpcflow
from vpcflow.flow_format import FlowFormat

FORMAT = FlowFormat.parse(
    "interface-id srcaddr dstport protocol bytes start action log-status new-field", unknown="text"
)
LOG = lines.text([lines.header(FORMAT), *lines.records(3, FORMAT, 400)])
TABLE = pa.table(vpcflow.parse(LOG, text="utf8"))
VALUES = {name: sorted(set(TABLE.column(name).drop_null().to_pylist())) for name in FORMAT.names}
NUMBERS = ("dstport", "protocol", "bytes")
TEXTS = ("interface_id", "srcaddr", "action", "log_status", "new_field")
ODD_NUMBERS = (
    "0",
    "1",
    "-1",
    "65536",
    "9223372036854775807",
    "99999999999999999999",
    "1.5",
    "null",
)
ODD_TEXTS = ("-", "", "10.0.0.0/8", "::FFFF:10.1.2.3", "010.1.2.3", "accept", "0", "é")
COMPARISONS = ("=", "=", "=", "<", "<=", ">", ">=", "<>", "is distinct from")


def text_literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@st.composite
def simple(draw: st.DrawFn) -> str:
    """A condition on one column."""
    if draw(st.booleans()):
        name = draw(st.sampled_from(NUMBERS))
        known = [str(value) for value in VALUES[name]]
        literals = st.sampled_from(known) | st.sampled_from(ODD_NUMBERS)
    else:
        name = draw(st.sampled_from(TEXTS))
        literals = (st.sampled_from(VALUES[name] or ["-"]) | st.sampled_from(ODD_TEXTS)).map(
            text_literal
        )
    column = draw(st.sampled_from([name, name.upper(), f'"{name}"', f"flows.{name}"]))
    first, second = draw(literals), draw(literals)
    shape = draw(st.sampled_from(["compare", "compare", "mirrored", "in", "between", "null"]))
    operator = draw(st.sampled_from(COMPARISONS))
    if shape == "compare":
        return f"{column} {operator} {first}"
    if shape == "mirrored":
        return f"{first} {operator} {column}"
    if shape == "in":
        return f"{column} {draw(st.sampled_from(['', '', 'not ']))}in ({first}, {second})"
    if shape == "between":
        return f"{column} between {first} and {second}"
    return f"{column} is {draw(st.sampled_from(['', 'not ']))}null"


NESTED = st.recursive(
    simple(),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} and {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} or {pair[1]})"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=4,
)
CONDITIONS = st.lists(st.one_of(simple(), simple(), NESTED), min_size=1, max_size=3).map(
    " and ".join
)
SELECTS = (
    "select count(*) as n, sum(bytes)::bigint as b, min(srcaddr) as s from flows where {}",
    "select count(*) as n from (select * from flows where {}) f where f.bytes > 1000",
    "with f as (from flows where {}) select count(*) as n from f a, f b where a.bytes = b.bytes",
    "select (select count(*) from flows where {}) as n",
    "select r.range, count(f.bytes) as n from range(3) r left join (from flows where {}) f "
    "on r.range = f.protocol - 5 group by 1 order by 1",
    "select count(*) as n from flows where {} union all select count(*) from flows",
    "select count(*) as n from flows where {} union all select count(*) from query_table('flows')",
    "select action, count(*) as n from flows where {} group by 1 having count(*) > 1 order by 1",
    "select 'x' as action, count(*) as n from flows where {}",
)


def answer(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in rows]


@given(condition=CONDITIONS, select=st.sampled_from(SELECTS))
@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_condition_changes_the_answer(condition: str, select: str) -> None:
    statement = select.format(condition)
    with duckdb.connect() as connection:
        connection.register("flows", TABLE)
        try:
            wanted = answer(connection.sql(statement).to_arrow_reader(100).read_all().to_pylist())
        except duckdb.Error:
            return  # text compared with a number that cannot be one
    with result_of(statement, Reading([LOG])) as (_, result):
        found = answer([row for batch in result for row in batch.to_pylist()])
    assert found == wanted


PRESENT = ("srcaddr", "dstport", "bytes", "action", "start", "instance_tag")


@pytest.mark.parametrize(
    ("statement", "pushed"),
    [
        ("from flows where action = 'REJECT'", {"action": ["REJECT"]}),
        ("from flows f where f.action = 'REJECT' and 22 = dstport",
         {"action": ["REJECT"], "dstport": [22]}),
        ("from flows where dstport in (22, 3389)", {"dstport": [22, 3389]}),
        ("from flows where bytes > 10 and bytes <= 99", {"bytes": (11, 100)}),
        ("from flows where dstport between 1 and 9", {"dstport": (1, 10)}),
        ("from flows where srcaddr = '10.0.0.1'", {"srcaddr": ["10.0.0.1"]}),
        ("select count(*) from flows where action = 'REJECT' order by 1", {"action": ["REJECT"]}),
        ("with f as (from flows where dstport = 22) from f, f g", {"dstport": [22]}),
        # what would not be the same, or is not certain to be
        ("from flows where action = 'REJECT' or dstport = 22", {}),
        ("from flows where not action = 'REJECT'", {}),
        ("from flows a, flows b where a.action = 'REJECT'", {}),
        ("from flows where dstport = 22 union all from flows", {}),
        ("from flows left join range(3) r on dstport = 22", {}),
        ("from flows, range(3) r where dstport = 22", {}),
        ("from flows where srcaddr = '10.0.0.0/8'", {}),
        ("from flows where srcaddr = '010.0.0.1'", {}),
        ("from flows where action = '-'", {}),
        ("from flows where instance_tag = 'a'", {}),
        ("from flows where dstport = '22'", {}),
        ("from flows where dstport in (22, null)", {}),
        ("from flows where start = '2024-05-01'", {}),
        ("from flows tablesample 10% where dstport = 22", {}),
        ("from flows action where action = 'REJECT'", {}),
        ("from flows where x.action = 'REJECT'", {}),
        ("from flows where action = 'R' collate nocase", {}),
        ("from flows where action = 'R' union all from query_table('flows')", {}),
        ("select 1", {}),
    ],
)  # fmt: skip
def test_what_is_pushed(statement: str, pushed: dict[str, object]) -> None:
    with duck.connect() as connection:
        assert conditions(parsed(connection, statement), PRESENT) == pushed


def test_own_conditions_of_the_command_line_stay() -> None:
    reading = Reading([LOG], where={"action": "REJECT"})
    statement = "select count(*) as n from flows where action = 'ACCEPT'"
    with result_of(statement, reading) as (_, result):
        assert [row for batch in result for row in batch.to_pylist()] == [{"n": 0}]
