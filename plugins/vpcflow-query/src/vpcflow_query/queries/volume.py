"""Named queries on how much traffic there is, and whose."""

from __future__ import annotations

from vpcflow_query.queries.expressions import (
    Aggregate,
    Compare,
    Either,
    Expression,
    Field,
    IsIPv6,
    Not,
    Output,
    Present,
)
from vpcflow_query.queries.named_query import Column, Each, NamedQuery, Select, Variant, plain
from vpcflow_query.queries.parameters import limit
from vpcflow_query.queries.pieces import BOTH_ENDS, BYTES, NAT_LEGS, PACKETS, RECORDS


def _total(name: str, answers: str, aws_name: str, condition: Expression) -> NamedQuery:
    select = Select(columns=(BYTES, PACKETS, RECORDS), where=(condition,))
    return NamedQuery(name, answers, (Variant(select, notes=(BOTH_ENDS,)),), aws_name)


def _talkers(name: str, answers: str, aws_name: str, source: str, target: str) -> NamedQuery:
    size, address = Field("bytes"), Output("address")
    sent = Either(Compare(address, "=", Field(source)), size)
    received = Either(Compare(address, "=", Field(target)), size)
    select = Select(
        columns=(
            Column("address", address),
            BYTES,
            Column("bytes_sent", Aggregate("sum", sent)),
            Column("bytes_received", Aggregate("sum", received)),
            RECORDS,
        ),
        each=Each("address", (source, target)),
        where=(Present(address),),
        order=("-total_bytes",),
        limit="limit",
    )
    return NamedQuery(name, answers, (Variant(select, (limit(50),), (BOTH_ENDS,)),), aws_name)


def _by(name: str, answers: str, aws_name: str, *keys: str, also: tuple[str, ...]) -> NamedQuery:
    select = Select(
        columns=(*plain(*keys), *plain(*also, optional=True), BYTES, PACKETS, RECORDS),
        where=tuple(Present(Field(key)) for key in keys),
        order=("-total_bytes",),
        limit="limit",
    )
    notes = (BOTH_ENDS, NAT_LEGS) if "srcaddr" in keys else (BOTH_ENDS,)
    return NamedQuery(name, answers, (Variant(select, (limit(50),), notes),), aws_name)


QUERIES = (
    _talkers(
        "top-talkers",
        "The addresses with the most traffic, sent and received.",
        "VpcFlowLogsTopTalkers",
        "srcaddr",
        "dstaddr",
    ),
    _talkers(
        "top-talkers-packet-level",
        "The same by the packets' own addresses, behind NAT and gateways.",
        "VpcFlowLogsTopTalkersPacketLevel",
        "pkt_srcaddr",
        "pkt_dstaddr",
    ),
    _by(
        "top-talking-instances",
        "The instances with the most traffic.",
        "VpcFlowLogsTopTalkingInstances",
        "instance_id",
        also=(),
    ),
    _by(
        "top-talking-subnets",
        "The subnets with the most traffic.",
        "VpcFlowLogsTopTalkingSubnets",
        "subnet_id",
        also=("vpc_id", "az_id"),
    ),
    _by(
        "total-bytes-transferred",
        "The pairs of source and destination with the most bytes.",
        "VpcFlowLogsTotalBytesTransferred",
        "srcaddr",
        "dstaddr",
        also=(),
    ),
    _by(
        "total-bytes-transferred-packet-level",
        "The same by the packets' own addresses, behind NAT and gateways.",
        "VpcFlowLogsTotalBytesTransferredPacketLevel",
        "pkt_srcaddr",
        "pkt_dstaddr",
        also=(),
    ),
    _total(
        "ipv4-traffic",
        "How many bytes went over IPv4.",
        "VpcFlowLogsIPv4Traffic",
        Not(IsIPv6(Field("srcaddr"))),
    ),
    _total(
        "ipv6-traffic",
        "How many bytes went over IPv6.",
        "VpcFlowLogsIPv6Traffic",
        IsIPv6(Field("srcaddr")),
    ),
)
