"""Named queries that list connections: a row for each, summed over its aggregation windows."""

from __future__ import annotations

from vpcflow_query.queries.expressions import (
    Aggregate,
    Among,
    AnyOf,
    Arithmetic,
    Compare,
    Expression,
    Field,
    InBlock,
    Output,
    Overall,
    Parameter,
)
from vpcflow_query.queries.named_query import Column, NamedQuery, Select, Variant, plain
from vpcflow_query.queries.parameters import Declared, block, limit, number, ports
from vpcflow_query.queries.pieces import (
    ACCEPTED,
    BOTH_ENDS,
    BYTES,
    BYTES_IF_THERE,
    RECORDS,
    REJECTED,
    TCP,
    port_among,
)

_ENDS = plain("srcaddr", "dstaddr", "srcport", "dstport")
_WHERE_SEEN = plain("interface_id", optional=True)

_ADDRESS = Declared("address", block, "an address, or a block such as 10.0.0.0/16")
_ADMINISTRATION = (20, 21, 22, 23, 135, 139, 445, 3389, 5900, 5985, 5986)

_ONE_SIDE = (
    "A row is one direction of a connection at one interface, summed over the log's windows; where "
    "both ends are logged, each has its row."
)


def _connections(
    name: str,
    answers: str,
    aws_name: str,
    *where: Expression,
    also: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    with_bytes: bool = True,
    parameters: tuple[Declared, ...] = (),
) -> NamedQuery:
    """also, optional: columns besides those of all (few, so that a line of 80 characters holds
    them); with_bytes: whether they matter."""
    select = Select(
        columns=(
            *_WHERE_SEEN,
            *_ENDS,
            *plain(*also),
            *plain(*optional, optional=True),
            *((BYTES_IF_THERE,) if with_bytes else ()),
            RECORDS,
        ),
        where=where,
        order=("-total_bytes", "-records"),
        limit="limit",
    )
    variant = Variant(select, (*parameters, limit(100)), (_ONE_SIDE,))
    return NamedQuery(name, answers, (variant,), aws_name)


def _admin_ports() -> NamedQuery:
    select = Select(
        columns=(
            *plain("dstaddr", "dstport"),
            Column("sources", Aggregate("distinct", Field("srcaddr"))),
            BYTES,
            RECORDS,
        ),
        where=(port_among(Parameter("ports")),),
        order=("-total_bytes",),
        limit="limit",
    )
    declared = Declared("ports", ports, "the ports of administration", _ADMINISTRATION)
    variant = Variant(select, (declared, limit(10)), (BOTH_ENDS,))
    return NamedQuery(
        "admin-port-traffic",
        "The addresses with the most traffic to ports of administration.",
        (variant,),
        "VpcFlowLogsAdminPortTraffic",
    )


def _new_talkers() -> NamedQuery:
    pairs = Select(
        columns=(
            *plain("srcaddr", "dstaddr"),
            Column("first_seen", _FIRST),
            BYTES_IF_THERE,
            RECORDS,
            Column("first_start", _FIRST),
            Column("oldest", Overall("min", _FIRST)),
            Column("newest", Overall("max", Aggregate("max", Field("start")))),
        )
    )
    part = Arithmetic("*", Parameter("part"), Arithmetic("-", Output("newest"), Output("oldest")))
    select = Select(
        columns=(
            *(Column(n, Output(n)) for n in ("srcaddr", "dstaddr", "first_seen")),
            Column("total_bytes", Output("total_bytes"), optional=True),
            Column("records", Output("records")),
        ),
        inner=pairs,
        where=(
            Compare(Output("first_start"), ">=", Arithmetic("-", Output("newest"), part)),
            Compare(Output("first_start"), ">", Output("oldest")),
        ),
        order=("-total_bytes", "-records"),
        limit="limit",
    )
    declared = Declared("part", number(0.01, 0.99), "the last part of the period", 0.25)
    note = (
        "New means: not in the earlier part of the records that are read. A longer log knows more."
    )
    variant = Variant(select, (declared, limit(100)), (note,))
    answers = "Pairs of addresses that talk in the last part of the period and did not before."
    return NamedQuery("new-talkers", answers, (variant,))


_FIRST = Aggregate("min", Field("start"))

_SSH_RDP = AnyOf((port_among((22, 3389)), port_among((22, 3389), "srcport")))

QUERIES = (
    _connections(
        "accepted-traffic",
        "The TCP connections that security groups and network ACLs allowed.",
        "VpcFlowLogsAcceptedTraffic",
        TCP,
        ACCEPTED,
    ),
    _connections(
        "rejected-tcp-traffic",
        "The TCP connections that were rejected.",
        "VpcFlowLogsRejectedTCPTraffic",
        TCP,
        REJECTED,
        optional=("reject_reason",),
        with_bytes=False,
    ),
    _connections(
        "rejected-traffic",
        "All traffic that was rejected.",
        "VpcFlowLogsRejectedTraffic",
        REJECTED,
        also=("protocol",),
        optional=("reject_reason",),
        with_bytes=False,
    ),
    _admin_ports(),
    _connections(
        "ssh-rdp-traffic",
        "SSH and RDP traffic (ports 22 and 3389 at either end).",
        "VpcFlowLogsSshRdpTraffic",
        Among(Field("protocol"), (6, 17)),
        _SSH_RDP,
        also=("protocol",),
        optional=("action",),
        with_bytes=False,
    ),
    _connections(
        "top-tcp-traffic",
        "All TCP traffic of one source address.",
        "VpcFlowLogsTopTCPTraffic",
        TCP,
        InBlock(Field("srcaddr"), Parameter("address")),
        optional=("action",),
        parameters=(_ADDRESS,),
    ),
    _connections(
        "traffic-from-src-addr",
        "The traffic of one source address.",
        "VpcFlowLogsTrafficFrmSrcAddr",
        InBlock(Field("srcaddr"), Parameter("address")),
        also=("protocol",),
        optional=("action",),
        parameters=(_ADDRESS,),
    ),
    _connections(
        "traffic-to-dst-addr",
        "The traffic to one destination address.",
        "VpcFlowLogsTrafficToDstAddr",
        InBlock(Field("dstaddr"), Parameter("address")),
        also=("protocol",),
        optional=("action",),
        parameters=(_ADDRESS,),
    ),
    _new_talkers(),
)
