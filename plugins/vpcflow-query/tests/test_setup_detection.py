"""Metric filters and Contributor Insights rules are made for the format: on lines of that format
they pick the tokens that they name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vpcflow_query.setup.destination import LogGroup
from vpcflow_query.setup.detection import MOST_PATTERN, Detection, detection, pattern
from vpcflow_query.setup.fields import chosen
from vpcflow_query.setup.plan import Plan
from vpcflow_query.setup.resource import Resource

import vpcflow
from vpcflow import FIELDS, FlowFormat

SAMPLES = Path(__file__).parents[3] / "tests" / "data" / "samples"
ACCOUNT, REGION = "123456789012", "eu-west-1"


def plan(
    fields: str, resource: str = "vpc-0a1b2c3d", traffic: str | None = "ALL", **options: Any
) -> Plan:
    about = Resource.of(resource)
    group = LogGroup("flow-logs", ACCOUNT, "aws", REGION, "role", **options)
    format_ = chosen(fields, transit=about.is_transit)
    traffic = None if about.is_transit else traffic
    return Plan(about, ACCOUNT, REGION, group, format_, 60, traffic)


def found(*arguments: Any, **options: Any) -> Detection:
    seen = detection(plan(*arguments, **options))
    assert seen is not None
    return seen


def matches(pattern_: str, line: str) -> bool:
    """CloudWatch's rule for space-delimited patterns: as many tokens as names, conditions hold."""
    names = pattern_[1:-1].split(", ")
    tokens = line.split()
    if len(names) != len(tokens):
        return False
    for name, token in zip(names, tokens, strict=True):
        condition = re.fullmatch(r'\w+(?:="(\w+)"| > (\d+))?', name)
        assert condition, name
        equal, above = condition.groups()
        if equal is not None and token != equal:
            return False
        if above is not None and not (token.isdigit() and int(token) > int(above)):
            return False
    return True


@pytest.mark.parametrize("fields", ["diagnosis", "default", "all"])
def test_patterns_name_every_token(fields: str) -> None:
    (filter_,) = found(fields).filters
    assert filter_.pattern.count(",") + 1 == len(chosen(fields, transit=False))
    assert len(filter_.pattern) <= MOST_PATTERN


def test_the_default_format_has_the_pattern_that_aws_documents() -> None:
    (filter_,) = found("default").filters
    assert filter_.pattern == (
        "[version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, "
        'packets, bytes, start, end, action="REJECT", log_status]'
    )


def test_the_filter_counts_the_rejected_records_of_a_file() -> None:
    path = SAMPLES / "custom-v5.log"
    header, *lines = path.read_text().splitlines()
    (filter_,) = found(header).filters
    batch = vpcflow.parse(path.read_bytes())
    rejected = sum(record.action == "REJECT" for record in batch)
    assert rejected > 0
    assert sum(matches(filter_.pattern, line) for line in lines) == rejected
    assert not any(matches(found("default").filters[0].pattern, line) for line in lines)


def test_the_rule_numbers_the_tokens_of_a_file() -> None:
    header, *lines = (SAMPLES / "custom-v5.log").read_text().splitlines()
    rule = found(header).rule
    assert rule is not None
    assert set(rule["Contribution"]["Keys"]) <= set(rule["Fields"].values())
    assert {f["Match"] for f in rule["Contribution"]["Filters"]} <= set(rule["Fields"].values())
    batch = vpcflow.parse(("\n".join([header, *lines]) + "\n").encode())
    tokens = [line.split() for line in lines if line.strip()]
    first = next(iter(batch)).asdict()
    for number, name in rule["Fields"].items():
        assert tokens[0][int(number) - 1] == str(first[name])


def test_a_transit_gateway_counts_what_it_lost() -> None:
    seen = found("diagnosis", "tgw-0a1b2c3d")
    assert len(seen.filters) == 4
    values = dict.fromkeys(FlowFormat.transit_gateway().names, "-")
    values |= {"packets_lost_blackhole": "7", "packets_lost_no_route": "0"}
    line = " ".join(values.values())
    hits = [f.value for f in seen.filters if matches(f.pattern, line)]
    assert hits == ["$packets_lost_blackhole"]
    assert seen.rule is not None
    assert seen.rule["AggregateOn"] == "Sum"
    assert seen.rule["Contribution"]["ValueOf"] in seen.rule["Fields"].values()


def test_where_nothing_can_be_seen_nothing_is_made() -> None:
    assert detection(plan("diagnosis", traffic="ACCEPT")) is None
    assert detection(plan("${version} ${srcaddr} ${bytes}")) is None
    assert detection(plan("diagnosis", infrequent=True)) is None
    assert found("${action} ${bytes}").rule is None  # no contributor in the format


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_order_of_fields(data: st.DataObject) -> None:
    vpc = [f.aws_name for f in FIELDS.values() if f.version != 6]
    names = data.draw(st.lists(st.sampled_from(vpc), unique=True, min_size=1))
    names = list(dict.fromkeys([*names, "action"]))
    format_ = FlowFormat.parse(" ".join(data.draw(st.permutations(names))))
    made = pattern(format_, "action", '="REJECT"')
    values = {name: "REJECT" if name == "action" else "-" for name in format_.names}
    assert matches(made, " ".join(values.values()))
    assert not matches(made, " ".join({**values, "action": "ACCEPT"}.values()))
    assert len(made) <= MOST_PATTERN
