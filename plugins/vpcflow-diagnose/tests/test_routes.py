"""Where route tables send an address: the rules of the VPC User Guide, one trap each."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_builder import (
    ANYWHERE,
    DB,
    LOCAL,
    PUBLIC,
    VPC,
    WEB,
    attachment,
    eni,
    network,
    route,
    table,
)
from vpcflow_diagnose.network import routes
from vpcflow_diagnose.network.packet import Hop

PROPAGATED = {"Origin": "EnableVgwRoutePropagation"}
IGW = route(ANYWHERE, "GatewayId", "igw-1")


def hop(listed: list[dict[str, Any]], address: str, **files: Any) -> Hop:
    """The next hop from the web subnet, whose table has these routes."""
    files.setdefault("route_tables", [table("rtb-1", listed, WEB)])
    return routes.next_hop(network(**files), WEB, address)


# name, routes, address, the destination and target that hold
TRAPS: list[tuple[str, list[dict[str, Any]], str, str | None, str | None]] = [
    ("local", [LOCAL, IGW], "10.0.2.9", "10.0.0.0/16", "local"),
    ("no route", [LOCAL], "8.8.8.8", None, None),
    (
        "longest prefix, whatever the order",
        [
            route("10.9.0.0/16", "TransitGatewayId", "tgw-1"),
            route("10.9.8.0/24", "VpcPeeringConnectionId", "pcx-1"),
            IGW,
        ],
        "10.9.8.7",
        "10.9.8.0/24",
        "peering",
    ),
    (
        "static before propagated",
        [
            route("172.31.0.0/24", "GatewayId", "vgw-1", **PROPAGATED),
            route("172.31.0.0/24", "GatewayId", "igw-1"),
        ],
        "172.31.0.5",
        "172.31.0.0/24",
        "internet-gateway",
    ),
    (
        "a longer propagated route before a static one",
        [
            route("172.31.0.0/24", "GatewayId", "igw-1"),
            route("172.31.0.0/28", "GatewayId", "vgw-1", **PROPAGATED),
        ],
        "172.31.0.5",
        "172.31.0.0/28",
        "vpn-gateway",
    ),
    (
        "local before a longer propagated route",
        [LOCAL, route("10.0.2.0/24", "GatewayId", "vgw-1", **PROPAGATED)],
        "10.0.2.9",
        "10.0.0.0/16",
        "local",
    ),
    (
        "a longer static route before local",
        [LOCAL, route("10.0.2.0/24", "NetworkInterfaceId", "eni-fw", InstanceId="i-fw")],
        "10.0.2.9",
        "10.0.2.0/24",
        "interface",
    ),
    (
        "a prefix list's longer block before a default route",
        [IGW, route("pl-s3", "GatewayId", "vpce-s3")],
        "52.218.0.9",
        "pl-s3",
        "endpoint",
    ),
    (
        "a CIDR before a prefix list of the same length",
        [
            route("pl-s3", "GatewayId", "vpce-s3"),
            route("52.218.0.0/17", "NatGatewayId", "nat-1"),
        ],
        "52.218.0.9",
        "52.218.0.0/17",
        "nat-gateway",
    ),
    (
        "a prefix list before a propagated route",
        [
            route("52.218.0.0/17", "GatewayId", "vgw-1", **PROPAGATED),
            route("pl-s3", "GatewayId", "vpce-s3"),
        ],
        "52.218.0.9",
        "pl-s3",
        "endpoint",
    ),
    ("IPv6 has no IPv4 route", [LOCAL, IGW], "2001:db8::1", None, None),
    (
        "IPv4 has no IPv6 route",
        [route("::/0", "EgressOnlyInternetGatewayId", "eigw-1")],
        "8.8.8.8",
        None,
        None,
    ),
    (
        "IPv6 in another spelling",
        [route("2001:DB8:0::/48", "GatewayId", "local"), route("::/0", "GatewayId", "igw-1")],
        "2001:db8:0:0::9",
        "2001:DB8:0::/48",
        "local",
    ),
]


@pytest.mark.parametrize(
    ("listed", "address", "destination", "target"),
    [t[1:] for t in TRAPS],
    ids=[t[0] for t in TRAPS],
)
def test_the_route_that_holds(
    listed: list[dict[str, Any]], address: str, destination: str | None, target: str | None
) -> None:
    found = hop(listed, address, prefix_lists={"pl-s3": ["52.218.0.0/17", "3.5.64.0/21"]})
    assert (found.table, found.destination, found.target) == ("rtb-1", destination, target)
    assert found.unknown == ""


TARGETS = [
    ("GatewayId", "local", "local"),
    ("GatewayId", "igw-1", "internet-gateway"),
    ("GatewayId", "vgw-1", "vpn-gateway"),
    ("GatewayId", "vpce-interface", "endpoint"),
    ("GatewayId", "vpce-firewall", "gateway-load-balancer"),
    ("VpcEndpointId", "vpce-firewall", "gateway-load-balancer"),
    ("NatGatewayId", "nat-unlisted", "nat-gateway"),
    ("NetworkInterfaceId", "eni-unlisted", "interface"),
    ("InstanceId", "i-1", "interface"),
    ("VpcPeeringConnectionId", "pcx-1", "peering"),
    ("TransitGatewayId", "tgw-1", "transit-gateway"),
    ("EgressOnlyInternetGatewayId", "eigw-1", "egress-only"),
    ("CarrierGatewayId", "cagw-1", "carrier-gateway"),
    ("LocalGatewayId", "lgw-1", "other"),
    ("CoreNetworkArn", "arn:aws:networkmanager::1:core-network/c", "core-network"),
    ("OdbNetworkArn", "arn:aws:odb:eu-west-1:1:odb-network/o", "other"),
]


@pytest.mark.parametrize(("field", "id_", "target"), TARGETS, ids=[t[1] for t in TARGETS])
def test_each_kind_of_target(field: str, id_: str, target: str) -> None:
    endpoints = [
        {"VpcEndpointId": "vpce-firewall", "VpcEndpointType": "GatewayLoadBalancer"},
        {"VpcEndpointId": "vpce-interface", "VpcEndpointType": "Interface"},
    ]
    found = hop([route("10.9.0.0/16", field, id_)], "10.9.0.1", vpc_endpoints=endpoints)
    assert (found.target, found.target_id) == (target, id_)


def test_an_instance_is_known_by_its_interface() -> None:
    listed = [route("10.9.0.0/16", "InstanceId", "i-1", NetworkInterfaceId="eni-1")]
    assert hop(listed, "10.9.0.1").target_id == "eni-1"


def test_a_blackhole_still_attracts() -> None:
    """It is chosen, and what it hides is told."""
    gone = route("10.9.0.0/16", "VpcPeeringConnectionId", "pcx-1", State="blackhole")
    found = hop([IGW, gone], "10.9.0.1")
    assert (found.state, found.destination, found.also) == ("blackhole", "10.9.0.0/16", (ANYWHERE,))


def test_a_filtered_route_is_not_used_and_leaves_doubt() -> None:
    filtered = route("10.9.0.0/16", "NetworkInterfaceId", "eni-1", State="filtered")
    found = hop([IGW, filtered], "10.9.0.1")
    assert found.destination == ANYWHERE
    assert "10.9.0.0/16" in found.unknown
    assert hop([IGW, filtered], "8.8.8.8").unknown == ""


def test_an_unknown_prefix_list_leaves_doubt() -> None:
    listed = [LOCAL, IGW, route("pl-unknown", "GatewayId", "vpce-s3")]
    assert "pl-unknown" in hop(listed, "52.218.0.9").unknown
    assert hop(listed, "10.0.2.9").unknown == ""  # local: nothing else is asked


@pytest.mark.parametrize("broken", [[{}], [7], [{"DestinationCidrBlock": "x/y"}], "none", None])
def test_what_cannot_be_read_leaves_doubt(broken: Any) -> None:
    files = {"route_tables": [table("rtb-1", broken, WEB)]}
    found = hop([], "8.8.8.8", **files)
    assert found.destination is None
    assert "cannot be read" in found.unknown


def test_the_table_of_a_subnet_is_the_associated_one_else_the_main_one() -> None:
    tables = [
        table("rtb-main", [LOCAL], main=True),
        table("rtb-public", [LOCAL, IGW], PUBLIC),
        table("rtb-other", [LOCAL], main=True, VpcId="vpc-b"),
    ]
    found = network(route_tables=tables)
    assert routes.next_hop(found, PUBLIC, "8.8.8.8").table == "rtb-public"
    assert routes.next_hop(found, DB, "8.8.8.8").table == "rtb-main"
    assert routes.next_hop(found, "subnet-unknown", "8.8.8.8") == Hop(None, None)


def test_a_disassociated_table_does_not_hold() -> None:
    left = table("rtb-left", [IGW])
    left["Associations"] = [{"SubnetId": WEB, "AssociationState": {"State": "disassociated"}}]
    found = network(route_tables=[left, table("rtb-main", [LOCAL], main=True)])
    assert routes.next_hop(found, WEB, "8.8.8.8").table == "rtb-main"


def test_a_subnet_that_only_an_interface_mentions_has_its_table() -> None:
    found = network(
        route_tables=[table("rtb-main", [IGW], main=True)],
        network_interfaces=[eni("eni-1", "10.0.7.1", subnet="subnet-unlisted")],
    )
    assert routes.next_hop(found, "subnet-unlisted", "8.8.8.8").table == "rtb-main"


def test_without_the_file_no_table_is_known() -> None:
    found = network(without=("route-tables.json",))
    assert routes.next_hop(found, WEB, "8.8.8.8") == Hop(None, None)
    assert "route-tables.json is not there: routes cannot be judged" in found.lacks


def test_edge_tables_and_those_of_regional_nat_gateways_are_asked_by_id() -> None:
    edge = table("rtb-edge", [route("10.0.0.0/24", "GatewayId", "vpce-firewall")])
    edge["Associations"] = [{"GatewayId": "igw-1"}]
    found = network(route_tables=[edge, table("rtb-nat", [IGW])])
    gateway = found.edge_table("igw-1")
    assert gateway is not None
    assert routes.table_hop(found, gateway.id, "10.0.0.5").target_id == "vpce-firewall"
    assert found.edge_table("igw-2") is None
    assert routes.table_hop(found, "rtb-nat", "8.8.8.8").target_id == "igw-1"
    assert routes.table_hop(found, "rtb-none", "8.8.8.8").table is None


def test_what_lies_behind_a_target_matters_only_if_a_route_leads_there() -> None:
    file = "transit-gateway-attachments.json"
    to_transit = [table("rtb-1", [route("10.9.0.0/16", "TransitGatewayId", "tgw-1")], WEB)]
    with_route = network(without=(file,), route_tables=to_transit)
    assert [lack.partition(" ")[0] for lack in with_route.lacks] == [file]
    assert network(without=(file,), route_tables=[table("rtb-1", [LOCAL], WEB)]).lacks == []
    known = network(transit_gateway_attachments=[attachment("tgw-attach-1", VPC)])
    assert [a.id for a in known.attachments_of(VPC)] == ["tgw-attach-1"]


BLOCKS = st.builds(
    lambda first, length: str(ipaddress.ip_network((first, length), strict=False)),
    st.integers(0, 2**32 - 1).map(lambda n: n & 0xC3030303),
    st.integers(0, 32),
)
ROUTES = st.lists(st.tuples(BLOCKS, st.booleans(), st.booleans()), max_size=12)


@given(ROUTES, st.lists(st.integers(0, 2**32 - 1).map(lambda n: n & 0xC3030303), max_size=4))
def test_the_longest_prefix_as_a_plain_search_finds_it(
    listed: list[tuple[str, bool, bool]], addresses: list[int]
) -> None:
    unique = {(cidr, propagated): local for cidr, propagated, local in listed}
    written = [
        route(
            cidr,
            "GatewayId",
            "local" if local and not propagated else f"vgw-{number}",
            Origin="EnableVgwRoutePropagation" if propagated else "CreateRoute",
        )
        for number, ((cidr, propagated), local) in enumerate(unique.items())
    ]
    found = network(route_tables=[table("rtb-1", written, WEB)])
    for address in map(ipaddress.IPv4Address, addresses):
        matching = [
            entry
            for entry in written
            if address in ipaddress.ip_network(entry["DestinationCidrBlock"])
        ]
        if any(entry["GatewayId"] == "local" for entry in matching):
            matching = [e for e in matching if e["Origin"] == "CreateRoute"]
        matching.sort(
            key=lambda e: (
                -ipaddress.ip_network(e["DestinationCidrBlock"]).prefixlen,
                e["Origin"] != "CreateRoute",
            )
        )
        expected = matching[0] if matching else {}
        hop_ = routes.next_hop(found, WEB, str(address))
        assert hop_.destination == expected.get("DestinationCidrBlock")
        assert hop_.target_id == expected.get("GatewayId")
        others = dict.fromkeys(entry["DestinationCidrBlock"] for entry in matching[1:])
        assert hop_.also == tuple(others)
