"""Where a subnet's route table sends a packet."""

from __future__ import annotations

from vpcflow_diagnose.network.addresses import number
from vpcflow_diagnose.network.network import Network
from vpcflow_diagnose.network.packet import Hop
from vpcflow_diagnose.network.route_tables import Route, RouteTable


def next_hop(network: Network, subnet_id: str, address: str) -> Hop:
    """Longest prefix, static before propagated, CIDR before prefix list."""
    subnet = network.subnets.get(subnet_id)
    if subnet is None or subnet.table_id is None:
        return Hop(None, None)
    return table_hop(network, subnet.table_id, address)


def table_hop(network: Network, table_id: str, address: str) -> Hop:
    """The same, asked of a table: a gateway's edge table, a regional NAT gateway's own."""
    table, value = network.tables.get(table_id), number(address)
    if table is None or value is None:
        return Hop(None, None)
    unknown = _unknown(table, value)
    found = table.matching(value)
    if not found:
        return Hop(table.id, None, unknown=unknown)
    route = found[0]
    return Hop(
        table=table.id,
        destination=route.destination,
        target=_target(network, route),
        target_id=route.target_id,
        state=route.state,
        also=tuple(dict.fromkeys(r.destination for r in found[1:] if r is not route)),
        unknown="" if route.local else unknown,
    )


def _target(network: Network, route: Route) -> str | None:
    """An endpoint's id does not say its kind: vpc-endpoints.json does."""
    if route.target != "endpoint" or route.target_id is None:
        return route.target
    known = network.endpoints.get(route.target_id)
    gateway = known is not None and known.type == "GatewayLoadBalancer"
    return "gateway-load-balancer" if gateway else "endpoint"


def _unknown(table: RouteTable, value: int) -> str:
    """What might send this address elsewhere: prefix lists that are not known, routes that cannot
    be read, and those that AWS calls filtered."""
    said = []
    if table.unknown_lists:
        names = ", ".join(table.unknown_lists)
        said.append(f"the entries of {names}, to which {table.id} has a route, are not known")
    if table.broken:
        said.append(f"{table.broken} of the routes of {table.id} cannot be read")
    filtered = table.filtered.longest(value)
    if filtered is not None:
        said.append(f"the route {filtered} of {table.id} is in the state filtered")
    return "; ".join(said)
