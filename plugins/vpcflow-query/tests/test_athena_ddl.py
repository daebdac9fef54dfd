"""`vpcflow athena`: the printed table is the flow log's, in every layout, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from vpcflow_query.athena_command import athena
from vpcflow_query.athena_ddl import add_partitions, create_table
from vpcflow_query.athena_layout import Layout, parse_location, seen_in
from vpcflow_query.athena_queries import chosen, for_table
from vpcflow_query.athena_table import FlowTable, athena_type
from vpcflow_query.queries import named_queries

from vpcflow import FIELDS, FlowFormat, UsageError
from vpcflow.cli.app import Program

SAMPLES = Path(__file__).parents[3] / "tests" / "data" / "samples"
ACCOUNT, OTHER = "123456789010", "210987654321"
DAY = date(2026, 9, 14)

V5 = FlowFormat.parse("account-id action end start region srcaddr dstaddr bytes protocol az-id")
FORMATS = {
    "default": FlowFormat.default(),
    "transit-gateway": FlowFormat.transit_gateway(),
    "v5": V5,
    "every field": FlowFormat.parse(" ".join(f.aws_name for f in FIELDS.values())),
    "unknown fields": FlowFormat.from_header("version srcaddr day hour year brand-new end"),
}
LAYOUTS = [
    Layout("bucket", "logs/vpc", hive=hive, per_hour=per_hour, accounts=accounts, regions=regions)
    for hive, per_hour, accounts, regions in product(
        (False, True),
        (False, True),
        ((ACCOUNT,), (ACCOUNT, OTHER)),
        (("eu-west-1",), ("eu-west-1", "us-gov-east-1")),
    )
]


# as sqlglot names the types it has read
TYPES = {"int": "int", "integer": "int", "bigint": "bigint", "varchar": "string"}


def table(format: FlowFormat, layout: Layout, **more: Any) -> FlowTable:
    return FlowTable(format, layout, **{"since": DAY, "today": DAY, **more})


def parsed(ddl: str) -> exp.Create:
    tree = sqlglot.parse_one(ddl, read="athena")
    assert isinstance(tree, exp.Create), ddl
    return tree


def data_columns(tree: exp.Create) -> dict[str, str]:
    found = {}
    for column in tree.this.expressions:
        assert column.kind is not None
        found[column.name] = TYPES[column.kind.sql("athena").lower()]
    return found


def partition_columns(tree: exp.Create) -> list[str]:
    (partitioned,) = tree.find_all(exp.PartitionedByProperty)
    return [column.name for column in partitioned.find_all(exp.ColumnDef)]


def properties(tree: exp.Create) -> dict[str, str]:
    """TBLPROPERTIES, and the location as `LOCATION`."""
    found = {p.name: p.text("value") for p in tree.find_all(exp.Property) if p.name}
    (location,) = tree.find_all(exp.LocationProperty)
    return {**found, "LOCATION": location.this.name}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("parquet", "projection"), list(product((False, True), repeat=2)))
def test_every_statement_parses_and_holds_the_format(
    name: str, parquet: bool, projection: bool
) -> None:
    for layout in LAYOUTS:
        made = table(FORMATS[name], layout, parquet=parquet, projection=projection)
        tree = parsed(create_table(made))
        columns, partitions = data_columns(tree), partition_columns(tree)
        assert not set(columns) & set(partitions)
        assert partitions == [partition.name for partition in made.partitions]
        kept = [f for f in made.format.fields if f.name not in made.left_out]
        assert list(columns.values()) == [athena_type(f) for f in kept]
        if not parquet:  # bound by position: all fields, in order
            assert len(columns) == len(made.format)
            renamed = {c.name: c.renamed_from for c in made.columns if c.renamed_from}
            assert [renamed.get(c, c) for c in columns] == list(made.format.names)
            assert properties(tree)["skip.header.line.count"] == "1"
        for statement in add_partitions(made):
            assert isinstance(sqlglot.parse_one(statement.split("\n")[0], read="athena"), exp.Expr)


def test_types_are_those_of_aws_tables() -> None:
    types = data_columns(parsed(create_table(table(FORMATS["every field"], LAYOUTS[0]))))
    ints = {"version", "srcport", "dstport", "tcp_flags", "traffic_path", "encryption_status"}
    bigints = {"protocol", "packets", "bytes", "start", "end"}
    bigints |= {name for name in FIELDS if name.startswith("packets_lost")}
    assert {n for n, t in types.items() if t == "int"} == ints
    assert {n for n, t in types.items() if t == "bigint"} == bigints
    assert {n for n, t in types.items() if t == "string"} == set(FIELDS) - ints - bigints


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_projected_location_is_where_aws_puts_the_files(layout: Layout) -> None:
    """Filled with values that the projection yields, the template is a folder of AWS's layout."""
    tree = parsed(create_table(table(V5, layout)))
    told = properties(tree)
    for account, region in product(layout.accounts, layout.regions):
        values = {"aws_account": account, "aws_region": region, "hour": "07"}
        if layout.hive:
            values |= {"year": "2026", "month": "09", "day": "14"}
        else:
            values["day"] = "2026/09/14"
        template = told["storage.location.template"]
        place = filled(template, values)
        steps = [account, "vpcflowlogs", region, "2026", "09", "14"]
        keys = ["aws-account-id", "aws-service", "aws-region", "year", "month", "day"]
        if layout.per_hour:
            steps.append("07")
            keys.append("hour")
        if layout.hive:
            steps = [f"{key}={step}" for key, step in zip(keys, steps, strict=True)]
        assert place == f"s3://bucket/logs/vpc/AWSLogs/{'/'.join(steps)}/"
        assert place.startswith(told["LOCATION"])
        for name in partition_columns(tree):
            assert yields(told, name, values[name])


def filled(template: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], template)


def yields(told: dict[str, str], name: str, value: str) -> bool:
    """Whether the projection of a column comes to this value, by Athena's rules for its type."""
    kind = told[f"projection.{name}.type"]
    if kind == "enum":
        return value in told[f"projection.{name}.values"].split(",")
    low, high = told[f"projection.{name}.range"].split(",")
    if kind == "date":
        assert told[f"projection.{name}.format"] == "yyyy/MM/dd"
        return low <= value and high == "NOW"
    assert kind == "integer"
    return int(low) <= int(value) <= int(high) and len(value) == int(
        told[f"projection.{name}.digits"]
    )


@pytest.mark.parametrize("layout", [one for one in LAYOUTS if not one.hive])
def test_added_partitions_cover_every_account_region_and_day(layout: Layout) -> None:
    made = table(V5, layout, projection=False, since=date(2026, 9, 13))
    statements = add_partitions(made)
    places = [place for one in statements for place in re.findall(r"LOCATION '([^']+)'", one)]
    hours = 24 if layout.per_hour else 1
    assert len(places) == len(layout.accounts) * len(layout.regions) * 2 * hours
    assert len(set(places)) == len(places)
    for place in places:
        day_of = re.fullmatch(
            r"s3://bucket/logs/vpc/AWSLogs/(\d{12})/vpcflowlogs/([a-z0-9-]+)/2026/09/1[34]/(\d\d/)?",
            place,
        )
        assert day_of is not None
        assert bool(day_of[3]) == layout.per_hour
    specs = [spec for one in statements for spec in re.findall(r"PARTITION \((.+)\)", one)]
    assert len(set(specs)) == len(places)
    for spec in specs:
        names = re.findall(r"`([^`]+)` = ", spec)
        assert names == [partition.name for partition in made.partitions]


def test_hive_folders_without_projection_are_found_by_their_names() -> None:
    layout = Layout("bucket", hive=True, per_hour=True)  # whose they are need not be known
    made = table(V5, layout, projection=False)
    keys = ["aws-account-id", "aws-service", "aws-region", "year", "month", "day", "hour"]
    assert partition_columns(parsed(create_table(made))) == keys
    assert add_partitions(made) == ["MSCK REPAIR TABLE `vpc_flow_logs`"]


def test_a_data_column_that_a_partition_has_the_name_of() -> None:
    layout = Layout("bucket", hive=True)
    text = table(FORMATS["unknown fields"], layout, projection=False)
    assert list(data_columns(parsed(create_table(text)))) == [
        *("version", "srcaddr", "day_field", "hour", "year_field", "brand_new", "end"),
    ]
    parquet = table(FORMATS["unknown fields"], layout, projection=False, parquet=True)
    assert parquet.left_out == ("day", "year")
    assert "day_field" not in create_table(parquet)


def test_too_many_partitions_are_refused() -> None:
    made = table(V5, LAYOUTS[0], projection=False, since=date(2020, 1, 1))
    with pytest.raises(UsageError, match=r"2,449 partitions.*\n.*--projection"):
        add_partitions(made)


@pytest.mark.parametrize("name", FORMATS)
def test_named_queries_resolve_against_the_printed_table(name: str) -> None:
    for layout, projection in product((LAYOUTS[0], LAYOUTS[-1]), (True, False)):
        made = table(FORMATS[name], layout, projection=projection, database="logs")
        tree = parsed(create_table(made))
        columns = {**data_columns(tree), **dict.fromkeys(partition_columns(tree), "string")}
        schema = {"logs": {made.table: columns}}
        timed = "start" in made.format.names
        given_ = {"since": "2026-09-14", "until": "2026-09-15"} if timed else {}
        given_["address"] = "10.0.0.0/8"
        given_["interfaces"] = "eni-0123456789abcdef0"
        printed = for_table(made, chosen("all"), given_)
        assert len(printed) == len(named_queries())
        for one in printed:
            if one.sql is None:
                assert "lacks" in one.notes[0]
                continue
            query = sqlglot.parse_one(one.sql, read="athena")
            qualify(query, schema=schema, dialect="athena")
            used = {column.name for column in query.find_all(exp.Column)}
            assert not timed or used & set(made.for_queries.days)
        assert name == "unknown fields" or any(one.sql for one in printed)


def test_the_judge_refuses_columns_that_are_not_in_the_table() -> None:
    made = table(FlowFormat.default(), LAYOUTS[0])
    schema = {made.table: data_columns(parsed(create_table(made)))}
    query = sqlglot.parse_one("SELECT vpc_id FROM vpc_flow_logs", read="athena")
    with pytest.raises(sqlglot.errors.OptimizeError, match="vpc_id"):
        qualify(query, schema=schema, dialect="athena")


# Locations


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_location_within_the_layout_says_what_it_is(layout: Layout) -> None:
    steps = (
        layout.account_step(ACCOUNT),
        layout.service_step,
        layout.region_step("eu-west-1"),
        *layout.date_steps("2026", "09", "14", "07"),
    )
    told = parse_location(layout.root + "/".join(steps) + "/")
    assert (told.bucket, told.prefix) == ("bucket", "logs/vpc")
    assert (told.hive, told.per_hour) == (layout.hive, layout.per_hour)
    assert (told.accounts, told.regions) == ((ACCOUNT,), ("eu-west-1",))
    file = f"{ACCOUNT}_vpcflowlogs_eu-west-1_fl-0e1_20260914T0705Z_ab12.log.gz"
    seen = seen_in([f"{layout.root}{'/'.join(steps)}/{file}"])
    assert seen is not None
    assert (seen.bucket, seen.prefix, seen.first_day) == ("bucket", "logs/vpc", DAY)
    assert (seen.hive, seen.per_hour) == (layout.hive, layout.per_hour)


HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["'", "a'b", "s3://a'b/", "`", "x`y", "${day}", "a/../b", "AWSLogs", "\n", '"']
    ),
    st.sampled_from(["1234567890123", "eu-west-1'", "eu_west_1", "\uff11" * 12, "A.b"]),
).map(lambda text: text.replace("\x00", ""))
SAFE = re.compile(r"[A-Za-z0-9_.=/ ${}:'`(),\n-]*")


@given(
    location=st.one_of(HOSTILE, HOSTILE.map(lambda text: f"s3://bucket/{text}")),
    accounts=st.one_of(st.just(ACCOUNT), HOSTILE),
    regions=st.one_of(st.just("eu-west-1"), HOSTILE),
    name=st.one_of(st.just("logs"), HOSTILE),
    projection=st.booleans(),
    hive=st.booleans(),
)
def test_whatever_is_given_is_refused_or_harmless(
    location: str, accounts: str, regions: str, name: str, projection: bool, hive: bool
) -> None:
    arguments = [
        *("--location", location, "--accounts", accounts, "--regions", regions),
        *("--table", name, "--projection" if projection else "--no-projection", "--json"),
        "--hive" if hive else "--no-hive",
    ]
    result = CliRunner().invoke(athena, arguments)
    if result.exit_code:
        assert isinstance(result.exception, UsageError | SystemExit), result.exception
        return
    for statement in json.loads(result.stdout)["statements"]:
        assert SAFE.fullmatch(statement.replace("='", ""))
        assert statement.count("'") % 2 == 0
        first = sqlglot.parse(statement, read="athena")
        assert len(first) == 1


# The command


def run(*arguments: str) -> Any:
    program = Program(commands=[athena])
    return CliRunner().invoke(program, ["athena", *arguments])


def statements_of(text: str) -> list[exp.Expr | None]:
    """One by one, as Athena takes them (what holds no statement is a comment)."""
    return [one for part in text.split(";\n") for one in sqlglot.parse(part, read="athena")]


def test_what_the_files_say_need_not_be_given() -> None:
    result = run(str(SAMPLES / "AWSLogs"), "--location", "s3://my-bucket/vpc")
    assert result.exit_code == 0, result.output
    tree = parsed(result.stdout)
    assert list(data_columns(tree)) == list(FlowFormat.default().names)
    told = properties(tree)
    assert told["LOCATION"] == f"s3://my-bucket/vpc/AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/"
    assert told["projection.day.range"] == "2026/09/14,NOW"


def test_the_format_is_that_of_the_header() -> None:
    path = SAMPLES / "custom-v5.log"
    result = run(
        str(path), "--location", "s3://b-1/", "--accounts", ACCOUNT, "--regions", "eu-west-1"
    )
    header = path.read_text().split("\n")[0]
    names = [name.replace("-", "_") for name in header.split()]
    assert list(data_columns(parsed(result.stdout))) == names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--accounts", ACCOUNT], "--location"),
        (["--location", "https://bucket/x"], "no s3:// location"),
        (["--location", "s3://UPPER/"], "bucket"),
        (["--location", "s3://bucket/"], "--accounts"),
        (["--location", "s3://bucket/", "--accounts", "12"], "12 digits"),
        (["--location", "s3://bucket/AWSLogs/12/x/"], "not in AWS's layout"),
        (["--location", "s3://bucket/", "--table", "a-b"], "--table"),
        (["--location", "s3://bucket/", "--since", "yesterday"], "--since"),
        (["--location", "s3://bucket/", "--since", "2001-01-01"], "no flow logs before"),
        (["--location", "s3://bucket/", "--param", "limit=2"], "--queries"),
        (["--format", "strict", "--location", "s3://bucket/"], "strict"),
    ],
)
def test_wrong_use_says_what_would_mend_it(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_files_of_two_formats_have_no_table() -> None:
    paths = [str(SAMPLES / name) for name in ("custom-v5.log", "ipv6.log")]
    result = run(*paths, "--location", "s3://bucket/")
    assert result.exit_code == 2
    assert "several flow logs" in result.output


def test_queries_are_printed_with_the_table() -> None:
    where = ["--location", f"s3://bucket/AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/"]
    result = run(*where, "--queries", "all", "--param", "since=2026-09-14")
    assert result.exit_code == 0
    statements = statements_of(result.stdout)
    selects = [one for one in statements if isinstance(one, exp.Select)]
    answerable = [q for q in named_queries().values() if q.answerable(FlowFormat.default().names)]
    needy = ["top-tcp-traffic", "traffic-from-src-addr", "traffic-to-dst-addr"]
    assert len(selects) == len(answerable) - len(needy)
    for name in needy:
        assert f"-- {name}: " in result.stdout
    assert "it needs --param address=..." in result.stdout
    assert "this flow log lacks instance-id" in result.stdout
    one = run(*where, "--queries", needy[0], "--param", "address=10.0.1.5")
    assert "srcaddr = '10.0.1.5'" in one.stdout
    assert run(*where, "--queries", needy[0]).exit_code == 2
    assert run(*where, "--queries", needy[0], "--param", "adress=1").exit_code == 2
