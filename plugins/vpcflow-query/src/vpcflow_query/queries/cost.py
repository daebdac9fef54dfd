"""Named queries on traffic that AWS charges for."""

from __future__ import annotations

from vpcflow_query.prices import BASE, built_in
from vpcflow_query.queries.expressions import (
    Aggregate,
    Among,
    AnyOf,
    Compare,
    Either,
    Expression,
    Field,
    Output,
    Parameter,
    equal,
)
from vpcflow_query.queries.named_query import Column, NamedQuery, Select, Variant, plain
from vpcflow_query.queries.parameters import Declared, interfaces, limit, number
from vpcflow_query.queries.pieces import BYTES, RECORDS, usd

_GATEWAYS = Declared(
    "interfaces", interfaces, "the NAT gateways' interfaces (eni-..., commas between)"
)


def _price(charge: str, meaning: str) -> tuple[Declared, str]:
    """The parameter `price` with what the price table has for it, and what to know of that."""
    found = built_in().network(charge)
    (tier,) = found.tiers
    doubt = "" if tier.confirmed else ", not confirmed"
    note = f"The price is that of {BASE} as {found.source}{doubt}: --param price=..."
    return Declared("price", number(0, 1000), meaning, tier.usd), note


def _nat_gateway_bill() -> NamedQuery:
    price, about_price = _price("nat-gateway", "USD per GB that the gateway processes")
    outward = Compare(Field("pkt_dstaddr"), "<>", Field("dstaddr"))
    homeward = Compare(Field("pkt_srcaddr"), "<>", Field("srcaddr"))
    source = Either(outward, Field("srcaddr"), Field("dstaddr"))
    size = Field("bytes")
    columns = (
        *plain("interface_id"),
        Column("source", source),
        BYTES,
        Column("bytes_out", Aggregate("sum", Either(outward, size))),
        Column("bytes_back", Aggregate("sum", Either(homeward, size))),
        Column("usd", usd(BYTES.value)),
    )

    def way(gateways: Expression, *parameters: Declared) -> Variant:
        select = Select(
            columns,
            where=(gateways, AnyOf((outward, homeward))),
            order=("-total_bytes",),
            limit="limit",
        )
        notes = (
            "Counted on the gateway's inner side only, where AWS's records name the host: its "
            "outer side has the same bytes once more. Regional NAT gateways are not in it.",
            about_price,
        )
        return Variant(select, (*parameters, price, limit(50)), notes)

    return NamedQuery(
        "nat-gateway-bill",
        "Whose traffic NAT gateways process, and what that costs.",
        (
            way(equal("interface_type", "nat_gateway")),
            way(Among(Field("interface_id"), Parameter("interfaces")), _GATEWAYS),
        ),
    )


def _cross_zone() -> NamedQuery:
    price, about_price = _price("between-zones", "USD per GB between zones, out and in together")
    return NamedQuery(
        "cross-az-traffic",
        "How many bytes go between Availability Zones, and what that costs.",
        (_by_next_hop(price, about_price), _by_both_ends(price, about_price)),
    )


_LEAVING = equal("flow_direction", "egress")
_COMING = equal("flow_direction", "ingress")


def _by_next_hop(price: Declared, about_price: str) -> Variant:
    select = Select(
        columns=(
            Column("from_zone", Field("az_id")),
            Column("to_zone", Field("next_hop_az_id")),
            BYTES,
            Column("usd", usd(BYTES.value)),
            RECORDS,
        ),
        where=(_LEAVING, Compare(Field("az_id"), "<>", Field("next_hop_az_id"))),
        order=("-total_bytes",),
        limit="limit",
    )
    notes = (
        "Counted where it leaves an interface, so once, by the next hop that AWS names.",
        about_price,
    )
    return Variant(select, (price, limit(100)), notes)


def _by_both_ends(price: Declared, about_price: str) -> Variant:
    """Without next hops: the zone of each end is that of the interface which logged it."""
    pairs = Select(
        columns=(
            *plain("srcaddr", "dstaddr"),
            Column("from_zone", Aggregate("max", Either(_LEAVING, Field("az_id")))),
            Column("to_zone", Aggregate("max", Either(_COMING, Field("az_id")))),
            Column("bytes_out", Aggregate("sum", Either(_LEAVING, Field("bytes")))),
        )
    )
    total = Aggregate("sum", Output("bytes_out"))
    select = Select(
        columns=(
            Column("from_zone", Output("from_zone")),
            Column("to_zone", Output("to_zone")),
            Column("total_bytes", total),
            Column("usd", usd(total)),
            Column("pairs", Aggregate("count")),
        ),
        inner=pairs,
        where=(Compare(Output("from_zone"), "<>", Output("to_zone")),),
        order=("-total_bytes",),
        limit="limit",
    )
    notes = (
        "Only pairs of which both ends are logged: without next-hop-az-id the zone of an end is "
        "that of its own records. Traffic to NAT gateways and load balancers' targets of other "
        "accounts is not in it.",
        about_price,
    )
    return Variant(select, (price, limit(100)), notes)


def queries() -> tuple[NamedQuery, ...]:
    return _nat_gateway_bill(), _cross_zone()
