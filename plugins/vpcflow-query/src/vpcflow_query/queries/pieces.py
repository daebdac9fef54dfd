"""What several named queries have in common."""

from __future__ import annotations

from vpcflow_query.public import NOT_PUBLIC
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


def public(name: str) -> Expression:
    """The condition that an address is one of the internet's."""
    return Not(InBlock(Field(name), NOT_PUBLIC))


def port_among(choices: tuple[int, ...] | Parameter, name: str = "dstport") -> Expression:
    return Among(Field(name), choices)


def usd(size: Expression) -> Expression:
    """What bytes cost at the price per GB (2^30 bytes) that the parameter `price` gives."""
    gigabytes = Arithmetic("/", size, Constant(float(2**30)))
    return Rounded(Arithmetic("*", gigabytes, Parameter("price")), 4)
