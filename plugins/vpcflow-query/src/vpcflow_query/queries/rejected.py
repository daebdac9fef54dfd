"""Named queries on what is open to the internet, and on what is turned away."""

from __future__ import annotations

from vpcflow_query.queries.expressions import (
    Aggregate,
    All,
    Among,
    AnyOf,
    Compare,
    Constant,
    Expression,
    Field,
    Parameter,
    equal,
)
from vpcflow_query.queries.named_query import Column, NamedQuery, Select, Variant, plain
from vpcflow_query.queries.parameters import Declared, integer, limit
from vpcflow_query.queries.pieces import (
    ACCEPTED,
    FIRST_SEEN,
    LAST_SEEN,
    RECORDS,
    REJECTED,
    TCP,
    public,
)

_SOURCES = Column("sources", Aggregate("distinct", Field("srcaddr")))
_PORTS = Column("ports", Aggregate("distinct", Field("dstport")))
_HOSTS = Column("hosts", Aggregate("distinct", Field("dstaddr")))
_CLIENT_PORTS = 1024
_SYN_WITHOUT_ACK = (2, 3, 6, 7)
"""tcp-flags of the side that opens a connection; the other bits are later packets' of the window
(AWS: "Flow log record examples", TCP flag sequence)."""

_LATE = "AWS also writes REJECT for a packet that comes after its connection was closed."


def _rejected_by_resource() -> NamedQuery:
    select = Select(
        columns=(
            *plain("interface_id"),
            *plain("instance_id", "reject_reason", optional=True),
            RECORDS,
            _SOURCES,
            _PORTS,
            LAST_SEEN,
        ),
        where=(REJECTED,),
        order=("-records",),
        limit="limit",
    )
    answers = "At which interfaces traffic is rejected, from how many sources."
    return NamedQuery("rejected-by-resource", answers, (Variant(select, (limit(50),), (_LATE,)),))


def _exposed_ports() -> NamedQuery:
    columns = (
        *plain("interface_id", "dstaddr", "protocol", "dstport"),
        _SOURCES,
        RECORDS,
        LAST_SEEN,
    )
    protocols: Expression = Among(Field("protocol"), (6, 17))
    incoming = equal("flow_direction", "ingress")
    served = Compare(Field("dstport"), "<", Constant(_CLIENT_PORTS))
    asked = Compare(Field("srcport"), ">=", Constant(_CLIENT_PORTS))
    opened = Among(Field("tcp_flags"), _SYN_WITHOUT_ACK)
    lower = Compare(Field("dstport"), "<", Field("srcport"))
    requests = AnyOf((All((TCP, opened)), All((equal("protocol", 17), lower))))
    common = (ACCEPTED, protocols, public("srcaddr"))
    order = ("-sources", "-records")

    def way(note: str, *conditions: Expression) -> Variant:
        where = (*common, *conditions)
        select = Select(columns, where, order=order, limit="limit")
        return Variant(select, (limit(100),), (note,))

    return NamedQuery(
        "exposed-ports",
        "Which ports take traffic from public addresses.",
        (
            way(
                "TCP by connections that the far end opened (SYN without ACK); UDP by what comes "
                "in to a port below that of the sender.",
                incoming,
                requests,
            ),
            way(
                "This log has no flow-direction or no tcp-flags: what comes from port 1024 or "
                "above to a port below 1024 is taken for a request. Services on higher ports are "
                "not in it.",
                served,
                asked,
            ),
        ),
    )


def _scans() -> NamedQuery:
    select = Select(
        columns=(
            *plain("srcaddr"),
            _PORTS,
            _HOSTS,
            RECORDS,
            FIRST_SEEN,
            LAST_SEEN,
        ),
        where=(REJECTED,),
        having=(
            AnyOf(
                (
                    Compare(_PORTS.value, ">=", Parameter("ports")),
                    Compare(_HOSTS.value, ">=", Parameter("hosts")),
                )
            ),
        ),
        order=("-ports", "-hosts"),
        limit="limit",
    )
    declared = (
        Declared("ports", integer(1, 65_536), "rejected at so many ports or more", 20),
        Declared("hosts", integer(1, 2**31 - 1), "or at so many addresses", 20),
        limit(100),
    )
    answers = "Sources that are rejected at many ports or many addresses."
    note = "A slow scan is below these numbers; a busy client of a closed service may be above."
    return NamedQuery("scan-detection", answers, (Variant(select, declared, (note, _LATE)),))


QUERIES = (_rejected_by_resource(), _exposed_ports(), _scans())
