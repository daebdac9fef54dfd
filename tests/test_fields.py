"""The table of fields: what AWS documents, and that the documentation page repeats it exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs.exceptions import FrozenInstanceError

from vpcflow.errors import REASON_MEANINGS
from vpcflow.fields import FIELDS, Field, text_field

# Written out from AWS's field tables, independently of vpcflow/fields.py.
NAMES_BY_VERSION = {
    2: "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
    "start end action log-status",
    3: "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr",
    4: "region az-id sublocation-type sublocation-id",
    5: "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path",
    7: "ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id "
    "ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn "
    "ecs-task-arn ecs-task-id",
    8: "reject-reason",
    9: "resource-id",
    10: "encryption-status",
    11: "instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 "
    "interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id "
    "next-hop-interface-type",
    6: "resource-type tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id "
    "tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni "
    "tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id packets-lost-no-route "
    "packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired",
}
NUMBERS = {
    "int32": "version srcport dstport protocol tcp-flags traffic-path encryption-status",
    "int64": "packets bytes packets-lost-no-route packets-lost-blackhole "
    "packets-lost-mtu-exceeded packets-lost-ttl-expired",
    "timestamp[ms, tz=UTC]": "start end",
}
PAGE = Path(__file__).parent.parent / "docs" / "formats.md"


def test_every_field_of_every_version_is_known_in_the_order_of_aws():
    in_order = [(f.aws_name, f.version) for f in FIELDS.values()]
    expected = [(n, version) for version, names in NAMES_BY_VERSION.items() for n in names.split()]
    assert in_order == expected


def test_column_names_are_those_of_aws_with_underscores():
    assert {name: f.name for name, f in FIELDS.items()} == {
        f.aws_name.replace("-", "_"): f.name for f in FIELDS.values()
    }


def test_types_are_those_of_the_parquet_files_of_aws_except_for_times():
    types = {name: type_ for type_, names in NUMBERS.items() for name in names.split()}
    assert {f.aws_name: f.type for f in FIELDS.values() if f.type != "utf8"} == types


def test_kinds_go_with_their_columns():
    def of_kind(kind: str) -> str:
        return " ".join(f.name for f in FIELDS.values() if f.kind == kind)

    assert of_kind("address") == "srcaddr dstaddr pkt_srcaddr pkt_dstaddr"
    assert of_kind("port") == "srcport dstport"
    assert of_kind("time") == "start end"
    assert of_kind("account") == "account_id tgw_src_vpc_account_id tgw_dst_vpc_account_id"
    assert of_kind("tag") == (
        "instance_tag instance_tag_2 interface_tag interface_tag_2 asg_tag asg_tag_2"
    )
    assert (of_kind("version"), of_kind("protocol")) == ("version", "protocol")
    assert (of_kind("action"), of_kind("status")) == ("action", "log_status")


@pytest.mark.parametrize(
    ("name", "maximum"),
    [
        ("srcport", 65535),
        ("dstport", 65535),
        ("protocol", 255),
        ("version", 2**31 - 1),
        ("tcp_flags", 2**31 - 1),
        ("packets", 2**63 - 1),
        ("packets_lost_no_route", 2**63 - 1),
        ("start", None),
        ("action", None),
    ],
)
def test_integers_have_the_range_of_their_column(name, maximum):
    assert FIELDS[name].maximum == maximum


def test_only_text_that_repeats_becomes_a_dictionary():
    plain = {f.name for f in FIELDS.values() if f.type == "utf8" and not f.dictionary}
    assert plain == {
        *("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr"),
        *("ecs_container_instance_arn", "ecs_container_instance_id", "ecs_container_id"),
        *("ecs_second_container_id", "ecs_task_arn", "ecs_task_id"),
    }
    assert not any(f.dictionary for f in FIELDS.values() if f.type != "utf8")


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        FIELDS["mine"] = FIELDS["start"]
    with pytest.raises(FrozenInstanceError):
        FIELDS["start"].type = "int64"


@pytest.mark.parametrize("name", ["new-thing", "new_thing"])
def test_an_unknown_name_becomes_a_plain_text_column(name):
    field = text_field(name)
    assert (field.name, field.aws_name) == ("new_thing", "new-thing")
    assert (field.type, field.dictionary, field.version, field.kind) == ("utf8", False, 0, "name")
    assert field.maximum is None


def table_row(field: Field) -> str:
    dictionary = "yes" if field.dictionary else ""
    cells = (f"`{field.name}`", str(field.version), field.type, dictionary, field.description)
    return f"| {' | '.join(cells)} |"


def rows_under(heading: str) -> list[str]:
    """The rows of the table in that section of the page, without the table's own head."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("|")][2:]


def test_the_page_on_formats_repeats_the_table_exactly():
    """To mend: put the rows of `table_row` for FIELDS, in order, into docs/formats.md."""
    assert rows_under("Every field") == [table_row(f) for f in FIELDS.values()]


def test_the_page_on_formats_repeats_the_reasons_exactly():
    expected = [f"| {reason} | {meaning} |" for reason, meaning in REASON_MEANINGS.items()]
    assert rows_under("Rejected lines") == expected
