"""Named queries: each rendering is valid, asks about columns that there are, and they agree.

Athena's SQL is judged by what `vpcflow athena` declares: parsed as Athena's dialect, its columns
resolved against the printed table, then translated and run over the lines as LazySimpleSerDe
splits them. The answer must be that of the DuckDB rendering over what vpcflow reads, and for the
queries that are easy to get wrong also that of a plain loop over the records.
"""

from __future__ import annotations

import gzip
import ipaddress
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import duckdb
import pyarrow as pa
import pytest
import sqlglot
from hypothesis import given as given_
from hypothesis import strategies as st
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from vpcflow_query import quoting
from vpcflow_query.athena_ddl import create_table
from vpcflow_query.athena_layout import Layout
from vpcflow_query.athena_table import FlowTable
from vpcflow_query.duck import connect
from vpcflow_query.public import NOT_PUBLIC
from vpcflow_query.queries import find, named_queries
from vpcflow_query.queries.athena_sql import AthenaRenderer
from vpcflow_query.queries.duckdb_sql import DuckdbRenderer
from vpcflow_query.queries.named_query import Variant
from vpcflow_query.queries.parameters import TIMES, values

import vpcflow
from vpcflow import UsageError

SAMPLES = Path(__file__).parents[3] / "tests" / "data" / "samples"
GATEWAY = "eni-0b000000000000003"  # the NAT gateway's interface in the samples

WIDE = (
    "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status tcp-flags type pkt-srcaddr pkt-dstaddr az-id flow-direction subnet-id instance-id "
    "interface-type next-hop-az-id reject-reason"
)
NARROW = "dstaddr srcaddr bytes action dstport protocol srcport interface-id end start"


# Logs


def generated(fields: str, seed: int, number: int = 5000) -> list[str]:
    """Lines of traffic between few hosts, so that groups meet; with NODATA, IPv6, and gaps."""
    rng = random.Random(seed)
    hosts = ["10.0.0.4", "10.0.1.5", "172.20.3.4", "203.0.113.9", "100.64.0.1", "2001:db8::7"]
    hosts += ["fd00::1", "198.51.100.66", "10.200.0.9", "2600:1f18::5", "192.168.1.1"]
    lines = [fields]
    for _ in range(number):
        start = 1_789_380_000 + rng.randrange(600)
        source, target = rng.sample(hosts, 2)
        through = rng.random() < 0.3
        values = {
            "version": 11,
            "interface-id": rng.choice([GATEWAY, "eni-0b000000000000005", "-"]),
            "srcaddr": source,
            "dstaddr": target,
            "srcport": rng.choice([443, 22, 1024, rng.randrange(65_536)]),
            "dstport": rng.choice([443, 22, 3389, 53, rng.randrange(65_536)]),
            "protocol": rng.choice([6, 6, 6, 17, 1]),
            "packets": rng.randrange(1, 50),
            "bytes": rng.randrange(40, 10**9),
            "start": start,
            "end": start + rng.randrange(60),
            "action": rng.choice(["ACCEPT", "ACCEPT", "REJECT"]),
            "log-status": "OK",
            "tcp-flags": rng.choice(["0", "2", "3", "18", "19", "-"]),
            "type": "IPv6" if ":" in source else "IPv4",
            "pkt-srcaddr": rng.choice([source, "203.0.113.77", "-"]) if through else source,
            "pkt-dstaddr": rng.choice([target, "203.0.113.78", "-"]) if through else target,
            "az-id": rng.choice(["euw1-az1", "euw1-az2", "-"]),
            "flow-direction": rng.choice(["ingress", "egress"]),
            "subnet-id": rng.choice(["subnet-0aa", "subnet-0bb", "-"]),
            "instance-id": rng.choice(["i-0c1", "i-0c2", "-"]),
            "interface-type": rng.choice(["nat_gateway", "-"]),
            "next-hop-az-id": rng.choice(["euw1-az1", "euw1-az2", "-"]),
            "reject-reason": rng.choice(["-", "-", "BPA"]),
        }
        if rng.random() < 0.05:
            kept = {"version", "interface-id", "start", "end", "log-status"}
            values = {n: v if n in kept else "-" for n, v in values.items()}
            values["log-status"] = rng.choice(["NODATA", "SKIPDATA"])
        lines.append(" ".join(str(values[name]) for name in fields.split()))
    return lines


def file_lines(name: str) -> list[str]:
    path = next(SAMPLES.glob(name))
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()


LOGS: Mapping[str, Callable[[], list[str]]] = {
    "default": lambda: file_lines("AWSLogs/*/*/*/*/*/*/*T1005Z*"),
    "custom-v5": lambda: file_lines("custom-v5.log"),
    "ecs-v8": lambda: file_lines("ecs-v8.log.gz"),
    "tags-v11": lambda: file_lines("tags-v11.log.gz"),
    "ipv6": lambda: file_lines("ipv6.log"),
    "transit-gateway": lambda: file_lines("transit-gateway.log.gz"),
    "wide": lambda: generated(WIDE, 1),
    "narrow": lambda: generated(NARROW, 2),
}


@attrs.frozen(eq=False)
class Log:
    """A log in DuckDB three ways: `flows` as vpcflow reads it, `text` as Athena reads the lines,
    `parquet` the same with null for `-`. schema: name and type of the table's columns as printed.
    """

    connection: duckdb.DuckDBPyConnection
    records: Sequence[Mapping[str, Any]]
    columns: Sequence[str]
    table: FlowTable
    schema: Mapping[str, str]


@cache
def log(name: str) -> Log:
    lines = LOGS[name]()
    data = "\n".join(lines).encode() + b"\n"
    batch = vpcflow.parse(data)
    assert batch.format is not None
    layout = Layout("bucket", accounts=("123456789010",), regions=("eu-west-1",))
    table = FlowTable(batch.format, layout, date(2026, 9, 14), date(2026, 9, 14))
    schema = declared(create_table(table))
    connection = _open.enter()
    connection.register("batch", pa.table(batch))
    connection.execute("CREATE TABLE flows AS SELECT * FROM batch")
    as_text, as_parquet = athena_rows(lines[1:], schema)
    connection.register("as_text", as_text)
    connection.register("as_parquet", as_parquet)
    connection.execute("CREATE TABLE text AS SELECT * FROM as_text")
    connection.execute("CREATE TABLE parquet AS SELECT * FROM as_parquet")
    records = [record.asdict() for record in batch]
    return Log(connection, records, batch.column_names, table, schema)


class _Open:
    """Connections that stay open until the module's tests are done."""

    def __init__(self) -> None:
        self.contexts: list[Any] = []

    def enter(self) -> duckdb.DuckDBPyConnection:
        context = connect(threads=1)
        self.contexts.append(context)
        return context.__enter__()

    def close(self) -> None:
        while self.contexts:
            self.contexts.pop().__exit__(None, None, None)


_open = _Open()


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    log.cache_clear()
    _open.close()


def declared(ddl: str) -> dict[str, str]:
    """The columns of a printed table, data and partitions, as a parser of Athena's reads them."""
    tree = sqlglot.parse_one(ddl, read="athena")
    assert isinstance(tree, exp.Create)
    found = {}
    for column in tree.find_all(exp.ColumnDef):
        assert column.kind is not None
        found[column.name] = column.kind.sql("athena").lower()
    return found


def athena_rows(lines: Sequence[str], schema: Mapping[str, str]) -> tuple[pa.Table, pa.Table]:
    """The lines as Athena reads them: split at single blanks, by position, null for a number that
    is none; and the same with null for `-`."""
    types = {"int": pa.int32(), "integer": pa.int32(), "bigint": pa.int64()}
    found: dict[str, list[Any]] = {name: [] for name in schema}
    for line in lines:
        day = "2026/09/14"
        for (name, type_), value in zip(schema.items(), [*line.split(" "), day], strict=True):
            number = type_ in types
            found[name].append((int(value) if value.isdigit() else None) if number else value)
    tables = []
    for null in ("", "-"):
        arrays = {
            name: pa.array([None if v == null else v for v in column], types.get(schema[name]))
            for name, column in found.items()
        }
        tables.append(pa.table(arrays))
    return tables[0], tables[1]


def in_network(network: str, column: str, one: Log) -> exp.Expression:
    """contains(network, column), null for what is no address, by the addresses that there are."""
    names = [name for name in one.columns if name.endswith("addr")]
    there = {record[name] for record in one.records for name in names} - {None}
    block = ipaddress.ip_network(network)
    inside = {text for text in there if ipaddress.ip_address(text) in block}
    outside = there - inside
    cases = [
        f"WHEN {column} IN ({', '.join(map(quoting.literal, sorted(some)))}) THEN {answer}"
        for some, answer in ((inside, "TRUE"), (outside, "FALSE"))
        if some
    ]
    return sqlglot.parse_one(f"CASE {' '.join(cases)} END", read="duckdb")


# Asking


def texts(name: str, variant: Variant) -> dict[str, str]:
    """A value for each parameter that needs one."""
    examples = {"address": "10.0.0.0/12", "interfaces": GATEWAY}
    return {p.name: examples[p.name] for p in variant.parameters if p.default is None}


def ask_duckdb(one: Log, name: str, **more: str) -> list[tuple[Any, ...]]:
    variant = find(name).variant(one.columns)
    given = values(name, variant.parameters, {**texts(name, variant), **more})
    return rows_of(one, DuckdbRenderer("flows", given, one.columns).render(variant.select))


def rows_of(one: Log, sql: str) -> list[tuple[Any, ...]]:
    table = one.connection.sql(sql).to_arrow_table()
    return [tuple(row.values()) for row in table.to_pylist()]


def athena_sql(one: Log, name: str, **more: str) -> str:
    variant = find(name).variant(one.columns)
    given = values(name, variant.parameters, {**texts(name, variant), **more})
    partitions = one.table.for_queries
    return AthenaRenderer(one.table.sql_name, given, one.columns, partitions).render(variant.select)


def translated(sql: str, one: Log, table: str) -> str:
    """Athena's SQL as DuckDB's: parsed, every column resolved against the table, addresses given
    to a function of ours."""
    tree = sqlglot.parse_one(sql, read="athena")
    schema = {one.table.table: dict(one.schema)}
    tree = qualify(tree, schema=schema, dialect="athena", validate_qualify_columns=True)

    def replaced(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Cast) and node.to.this == exp.DType.IPADDRESS:
            return node.this
        if isinstance(node, exp.ArrayContains):
            column = node.expression.transform(replaced).sql("duckdb")
            return in_network(node.this.name, column, one)
        if isinstance(node, exp.Table) and node.name == one.table.table:
            node.set("this", exp.to_identifier(table))
        return node

    return tree.transform(replaced).sql("duckdb")


def ask_athena(one: Log, name: str, table: str, **more: str) -> list[tuple[Any, ...]]:
    return rows_of(one, translated(athena_sql(one, name, **more), one, table))


@pytest.mark.parametrize("name", named_queries())
@pytest.mark.parametrize("source", LOGS)
def test_athena_answers_as_duckdb_does(source: str, name: str) -> None:
    one = log(source)
    query = find(name)
    if not query.answerable(one.columns):
        with pytest.raises(UsageError, match="needs fields that this flow log does not have"):
            query.variant(one.columns)
        return
    wanted = ask_duckdb(one, name)
    assert ask_athena(one, name, "text") == wanted
    assert ask_athena(one, name, "parquet") == wanted


@pytest.mark.parametrize("name", named_queries())
def test_every_query_finds_something_in_some_log(name: str) -> None:
    found = 0
    for source in LOGS:
        one = log(source)
        if find(name).answerable(one.columns):
            found += sum(any(v is not None for v in row) for row in ask_duckdb(one, name))
    assert found > 0


@pytest.mark.parametrize(
    ("name", "source", "more"),
    [
        ("accepted-traffic", "wide", {}),
        ("scan-detection", "wide", {"ports": "5", "hosts": "3"}),
        ("new-talkers", "default", {"part": "0.5"}),
    ],
)
def test_a_period_asks_about_its_records_alone(
    name: str, source: str, more: dict[str, str]
) -> None:
    one = log(source)
    period = {"since": "2026-09-14T10:06:00Z", "until": "2026-09-14T10:08:30Z"}
    wanted = ask_duckdb(one, name, **more, **period)
    assert wanted
    assert wanted != ask_duckdb(one, name, **more)
    assert ask_athena(one, name, "text", **more, **period) == wanted
    assert "\"day\" >= '2026/09/14'" in athena_sql(one, name, **more, **period)


# Against plain loops


def traffic(one: Log) -> list[Mapping[str, Any]]:
    return [r for r in one.records if r.get("log_status", "OK") == "OK" and r["srcaddr"]]


def total(amounts: Sequence[int | None]) -> int | None:
    there = [amount for amount in amounts if amount is not None]
    return sum(there) if there else None


@pytest.mark.parametrize("source", ["default", "wide", "narrow", "ecs-v8"])
def test_top_talkers_sum_both_directions(source: str) -> None:
    one = log(source)
    sent: dict[str, int] = defaultdict(int)
    received: dict[str, int] = defaultdict(int)
    for record in traffic(one):
        sent[record["srcaddr"]] += record["bytes"] or 0
        received[record["dstaddr"]] += record["bytes"] or 0
    rows = ask_duckdb(one, "top-talkers", limit="1000")
    assert {row[0]: (row[2] or 0, row[3] or 0) for row in rows} == {
        address: (sent[address], received[address]) for address in sent.keys() | received.keys()
    }
    totals = [row[1] for row in rows if row[1] is not None]
    assert totals == sorted(totals, reverse=True)


@pytest.mark.parametrize("source", ["default", "ipv6", "wide"])
def test_totals_leave_out_what_is_no_traffic(source: str) -> None:
    one = log(source)
    for name, version in (("ipv4-traffic", 4), ("ipv6-traffic", 6)):
        kept = [r for r in traffic(one) if ipaddress.ip_address(r["srcaddr"]).version == version]
        ((size, packets, records),) = ask_duckdb(one, name)
        assert (size, packets) == (
            total([r["bytes"] for r in kept]),
            total([r["packets"] for r in kept]),
        )
        assert records == len(kept)
    statuses = {r["log_status"] for r in one.records}
    assert source != "wide" or {"NODATA", "SKIPDATA"} < statuses


@pytest.mark.parametrize("source", ["default", "custom-v5", "wide"])
def test_scans_are_by_distinct_ports_and_hosts(source: str) -> None:
    one = log(source)
    ports: dict[str, set[int]] = defaultdict(set)
    hosts: dict[str, set[str]] = defaultdict(set)
    for record in traffic(one):
        if record["action"] == "REJECT":
            ports[record["srcaddr"]].add(record["dstport"])
            hosts[record["srcaddr"]].add(record["dstaddr"])
    rows = ask_duckdb(one, "scan-detection", ports="10", hosts="8")
    wanted = {s: (len(ports[s]), len(hosts[s])) for s in ports}
    wanted = {s: n for s, n in wanted.items() if n[0] >= 10 or n[1] >= 8}
    assert {row[0]: row[1:3] for row in rows} == wanted
    assert wanted


@pytest.mark.parametrize("source", ["tags-v11", "wide", "custom-v5"])
def test_the_nat_bill_counts_each_byte_once(source: str) -> None:
    one = log(source)
    counted: dict[tuple[Any, str], int] = defaultdict(int)
    for r in traffic(one):
        gateway = (
            r["interface_type"] == "nat_gateway"
            if "interface_type" in r
            else r["interface_id"] == GATEWAY
        )
        changed_target = r["pkt_dstaddr"] is not None and r["pkt_dstaddr"] != r["dstaddr"]
        changed_source = r["pkt_srcaddr"] is not None and r["pkt_srcaddr"] != r["srcaddr"]
        if gateway and (changed_target or changed_source):
            host = r["srcaddr"] if changed_target else r["dstaddr"]
            counted[r["interface_id"], host] += r["bytes"]
    rows = ask_duckdb(one, "nat-gateway-bill", price="0.5")
    assert {row[:2]: row[2] for row in rows} == counted
    assert counted
    for row in rows:
        assert row[-1] == pytest.approx(int(row[2]) / 2**30 * 0.5, abs=1e-4)


def test_a_hosts_bytes_through_nat_are_those_at_its_own_interface() -> None:
    """The samples' story: what app-3 sends out and gets back is the same at both interfaces."""
    one = log("tags-v11")
    rows = {row[1]: row for row in ask_duckdb(one, "nat-gateway-bill")}
    public = ipaddress.ip_network("203.0.113.0/24")
    for host, row in rows.items():
        at_home = [
            r["bytes"]
            for r in traffic(one)
            if r["interface_id"] != GATEWAY
            and host in (r["srcaddr"], r["dstaddr"])
            and any(ipaddress.ip_address(r[end]) in public for end in ("srcaddr", "dstaddr"))
        ]
        assert row[2] == sum(at_home)


def test_traffic_between_zones() -> None:
    one = log("wide")
    counted: dict[tuple[str, str], int] = defaultdict(int)
    for r in traffic(one):
        zones = (r["az_id"], r["next_hop_az_id"])
        if r["flow_direction"] == "egress" and None not in zones and zones[0] != zones[1]:
            counted[zones] += r["bytes"]
    assert {row[:2]: row[2] for row in ask_duckdb(one, "cross-az-traffic")} == counted
    assert len(counted) == 2


def test_traffic_between_zones_without_next_hops() -> None:
    one = log("custom-v5")
    zones: dict[tuple[str, str, str], str] = {}
    for r in traffic(one):
        zones[r["srcaddr"], r["dstaddr"], r["flow_direction"]] = r["az_id"]
    counted: dict[tuple[str | None, str | None], int] = defaultdict(int)
    for r in traffic(one):
        pair = (r["srcaddr"], r["dstaddr"])
        ends = (zones.get((*pair, "egress")), zones.get((*pair, "ingress")))
        if r["flow_direction"] == "egress" and None not in ends and ends[0] != ends[1]:
            counted[ends] += r["bytes"]
    rows = ask_duckdb(one, "cross-az-traffic")
    assert {row[:2]: row[2] for row in rows} == counted
    assert counted


@pytest.mark.parametrize("source", ["wide", "custom-v5", "default", "ipv6"])
def test_exposed_ports_are_those_that_public_addresses_reach(source: str) -> None:
    one = log(source)
    blocks = [ipaddress.ip_network(block) for block in NOT_PUBLIC]
    found: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for r in traffic(one):
        address = ipaddress.ip_address(r["srcaddr"])
        if r["action"] != "ACCEPT" or any(address in block for block in blocks):
            continue
        if "tcp_flags" in r and "flow_direction" in r:
            tcp = r["protocol"] == 6 and (r["tcp_flags"] or 0) & 18 == 2
            udp = r["protocol"] == 17 and r["dstport"] < r["srcport"]
            asks = r["flow_direction"] == "ingress" and (tcp or udp)
        else:
            asks = r["protocol"] in (6, 17) and r["dstport"] < 1024 <= r["srcport"]
        if asks:
            key = (r["interface_id"], r["dstaddr"], r["protocol"], r["dstport"])
            found[key].add(r["srcaddr"])
    rows = ask_duckdb(one, "exposed-ports", limit="100000")
    assert {row[:4]: row[4] for row in rows} == {key: len(who) for key, who in found.items()}
    assert found


def test_new_talkers_were_not_there_before() -> None:
    one = log("default")
    starts: dict[tuple[str, str], list[float]] = defaultdict(list)
    for r in traffic(one):
        starts[r["srcaddr"], r["dstaddr"]].append(r["start"].timestamp())
    oldest = min(map(min, starts.values()))
    newest = max(map(max, starts.values()))
    border = newest - 0.5 * (newest - oldest)
    rows = ask_duckdb(one, "new-talkers", part="0.5")
    wanted = {pair for pair, times in starts.items() if min(times) >= border}
    assert {row[:2] for row in rows} == wanted
    assert 0 < len(wanted) < len(starts)


# Names and parameters


def test_aws_sixteen_are_there_by_both_names() -> None:
    names = {query.aws_name for query in named_queries().values()} - {None}
    assert len(names) == 16
    for query in named_queries().values():
        for name in (query.name, query.name.upper(), query.aws_name or query.name):
            assert find(name) is query
    assert find("AcceptedTraffic").name == "accepted-traffic"


def test_a_name_that_is_none_gives_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean top-talkers"):
        find("top-talker")


def test_the_missing_fields_are_named_as_aws_does() -> None:
    with pytest.raises(UsageError, match=r"needs fields .*: instance-id"):
        find("top-talking-instances").variant(vpcflow.FlowFormat.default().names)
    with pytest.raises(UsageError, match="pkt-srcaddr, pkt-dstaddr, interface-type; or pkt-src"):
        find("nat-gateway-bill").variant(vpcflow.FlowFormat.default().names)


HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "'; DROP TABLE flows; --",
            "10.0.0.0/8' OR '1'='1",
            "eni-0b000000000000003') OR (1=1",
            "22) OR (1=1",
            "0x10",
            "1e400",
            "nan",
            "-1",
            "١٢",
            "2024-05-01'--",
            "10.0.0.1/8",
            "fe80::1%'",
            "",
        ]
    ),
)


@given_(st.sampled_from(list(named_queries().values())), st.data())
def test_whatever_is_given_is_refused_or_stays_one_statement(query: Any, data: Any) -> None:
    """No text can leave its literal: the statement keeps the shape that plain values give it."""
    variant = query.variants[-1]
    name = data.draw(st.sampled_from([one.name for one in (*variant.parameters, *TIMES)]))
    hostile = data.draw(HOSTILE)
    base = texts(query.name, variant)
    try:
        given = values(query.name, variant.parameters, {**base, name: hostile})
    except UsageError:
        return
    for dialect, renderer in (("duckdb", DuckdbRenderer), ("athena", AthenaRenderer)):
        sql = renderer("flows", given).render(variant.select)
        statements = sqlglot.parse(sql, read=dialect)
        assert len(statements) == 1
        assert isinstance(statements[0], exp.Select)


@given_(st.text(max_size=60))
def test_a_literal_is_read_as_the_text_it_is(text: str) -> None:
    try:
        sql = f"SELECT {quoting.literal(text)}"
    except UsageError:
        assert any(ord(character) < 32 or ord(character) == 127 for character in text)
        return
    tree = sqlglot.parse_one(sql, read="athena")
    assert tree.selects[0].this == text
    assert plain_duckdb().execute(sql).fetchone() == (text,)


@cache
def plain_duckdb() -> duckdb.DuckDBPyConnection:
    return _open.enter()


@given_(st.data())
def test_duckdb_compares_addresses_as_blocks_do(data: Any) -> None:
    six = st.one_of(
        st.ip_addresses(v=6),
        st.lists(st.sampled_from([0, 0, 1, 0xDB8, 0xFE80, 0x2001, 0xFD00]), min_size=8, max_size=8)
        .map(lambda groups: ":".join(f"{g:x}" for g in groups))
        .map(ipaddress.IPv6Address),
    )
    addresses = data.draw(st.lists(st.one_of(st.ip_addresses(v=4), six), min_size=1, max_size=12))
    base = data.draw(st.sampled_from(addresses))
    prefix = data.draw(st.integers(0, base.max_prefixlen))
    block = ipaddress.ip_network(f"{base}/{prefix}", strict=False)
    test = DuckdbRenderer("t", {}).in_block("a", block)
    rows = plain_duckdb().execute(
        f"SELECT a FROM (SELECT unnest($1) AS a) WHERE {test}", [[str(a) for a in addresses]]
    )
    wanted = [str(a) for a in addresses if a.version == block.version and a in block]
    assert sorted(row[0] for row in rows.fetchall()) == sorted(wanted)
