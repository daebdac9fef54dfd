"""What several named queries have in common."""

from __future__ import annotations

from vpcflow_query.queries.expressions import (
    Aggregate,
    Among,
    Arithmetic,
    Constant,
    Expression,
    Field,
    InBlock,
    Not,
    Parameter,
    Rounded,
    equal,
)
from vpcflow_query.queries.named_query import Column

RECORDS = Column("records", Aggregate("count"))
PACKETS = Column("total_packets", Aggregate("sum", Field("packets")), optional=True)
BYTES = Column("total_bytes", Aggregate("sum", Field("bytes")))
BYTES_IF_THERE = Column("total_bytes", Aggregate("sum", Field("bytes")), optional=True)
FIRST_SEEN = Column("first_seen", Aggregate("min", Field("start")), optional=True)
LAST_SEEN = Column("last_seen", Aggregate("max", Field("end")), optional=True)

TCP = equal("protocol", 6)
ACCEPTED = equal("action", "ACCEPT")
REJECTED = equal("action", "REJECT")

BOTH_ENDS = (
    "Where both ends of a flow are logged, it is in two records, and its bytes count twice: keep "
    "to one direction (flow-direction egress) or to one interface."
)
NAT_LEGS = (
    "Traffic through a NAT gateway is in the records of the gateway's interface twice more, once "
    "for each side."
)

NOT_PUBLIC = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"),
    *("::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"),
)
"""IANA's special-purpose blocks that never come from the internet, as far as they occur here
(RFC 6890); the ranges for documentation are left out, since examples use them as public ones."""


def public(name: str) -> Expression:
    """The condition that an address is one of the internet's."""
    return Not(InBlock(Field(name), NOT_PUBLIC))


def port_among(choices: tuple[int, ...] | Parameter, name: str = "dstport") -> Expression:
    return Among(Field(name), choices)


def usd(size: Expression) -> Expression:
    """What bytes cost at the price per GB (2^30 bytes) that the parameter `price` gives."""
    gigabytes = Arithmetic("/", size, Constant(float(2**30)))
    return Rounded(Arithmetic("*", gigabytes, Parameter("price")), 4)
