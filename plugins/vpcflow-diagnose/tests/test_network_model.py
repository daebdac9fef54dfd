"""The network of a snapshot: whose an address is, where it lies, what a name means, what lacks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_builder import (
    ANYWHERE,
    DB,
    FAR_VPC,
    LOCAL,
    PEER_VPC,
    PEERING,
    PUBLIC,
    SUBNETS,
    VPC,
    VPCS,
    WEB,
    acl,
    attachment,
    eni,
    entry,
    group,
    network,
    permission,
    route,
    snapshot,
    subnet,
    table,
    vpc,
)
from vpcflow_aws.inventory import FILES, Inventory
from vpcflow_diagnose.network import network_acls, routes, security_groups
from vpcflow_diagnose.network.network import Network
from vpcflow_diagnose.network.packet import Packet

SAMPLES = Path(__file__).parents[3] / "tests" / "data" / "samples-inventory"
Json = dict[str, Any]
WEB_ENI = eni(
    "eni-web",
    "10.0.1.5",
    "sg-web",
    PrivateIpAddresses=[
        {"PrivateIpAddress": "10.0.1.6", "Primary": False},
        {
            "PrivateIpAddress": "10.0.1.5",
            "Primary": True,
            "Association": {"PublicIp": "203.0.113.5"},
        },
    ],
    Ipv6Addresses=[{"Ipv6Address": "2001:db8:0:0:0:0:0:5"}],
    Ipv4Prefixes=[{"Ipv4Prefix": "10.0.1.64/28"}],
    Ipv6Prefixes=[{"Ipv6Prefix": "2001:db8:0:0:1::/80"}],
    SourceDestCheck=False,
)


def same(*vpcs: str) -> list[Json]:
    """An interface in each of these VPCs, all with the same address."""
    return [eni(f"eni-{id_}", "10.5.0.5", VpcId=id_, subnet=f"s-{id_}") for id_ in vpcs]


def owner_id(found: Network, address: str, vpc_id: str | None = None) -> str | None:
    owner = found.owner(address, vpc_id)
    return None if owner is None else owner.id


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.1.5", "10.0.1.6", "10.0.1.64", "10.0.1.79", "203.0.113.5"),
        *("2001:db8::5", "2001:DB8:0::5", "2001:db8:0:0:1::77"),
    ],
)
def test_every_kind_of_address_has_its_owner(address: str) -> None:
    found = network(network_interfaces=[WEB_ENI])
    for vpc_id in (None, VPC, PEER_VPC):
        assert owner_id(found, address, vpc_id) == "eni-web"
        assert found.place(address, vpc_id) == "interface"


@pytest.mark.parametrize("address", ["10.0.1.7", "10.0.1.80", "203.0.113.6", "x", "", "10.0.1.5\0"])
def test_other_addresses_have_none(address: str) -> None:
    assert network(network_interfaces=[WEB_ENI]).owner(address, VPC) is None


def test_what_an_interface_says() -> None:
    found = network(network_interfaces=[WEB_ENI]).interfaces["eni-web"]
    assert found.addresses == ("10.0.1.5", "10.0.1.6", "2001:db8:0:0:0:0:0:5")
    assert found.public == {"10.0.1.5": "203.0.113.5"}
    assert not found.source_dest_check
    assert (found.status, found.groups, found.zone) == ("in-use", ("sg-web",), "eu-west-1a")
    assert not found.groupless


def test_the_vpc_decides_between_equal_addresses() -> None:
    blocks = [vpc(id_, "10.5.0.0/16") for id_ in ("vpc-1", "vpc-2", "vpc-3")]
    found = network(network_interfaces=same("vpc-1", "vpc-2"), vpcs=[*blocks, *VPCS])
    assert owner_id(found, "10.5.0.5", "vpc-1") == "eni-vpc-1"
    assert owner_id(found, "10.5.0.5", "vpc-2") == "eni-vpc-2"
    assert owner_id(found, "10.5.0.5") is None  # two have it
    assert found.place("10.5.0.5") == "interface"
    assert owner_id(found, "10.5.0.5", "vpc-3") is None  # it is vpc-3's own block
    assert found.place("10.5.0.5", "vpc-3") == "vpc"
    assert found.vpcs_of("10.5.0.5") == ("vpc-1", "vpc-2", "vpc-3")
    assert found.vpc_of("10.5.0.5") is None


def test_an_address_in_the_own_blocks_is_never_another_vpc_s() -> None:
    found = network(network_interfaces=same("vpc-1"), vpcs=[vpc("vpc-3", "10.5.0.0/16"), *VPCS])
    assert owner_id(found, "10.5.0.5", "vpc-3") is None
    assert owner_id(found, "10.5.0.5", VPC) == "eni-vpc-1"  # it can be no other


def test_a_linked_vpc_comes_before_others() -> None:
    interfaces = same(PEER_VPC, FAR_VPC, "vpc-d")
    peered = network(network_interfaces=interfaces, vpc_peering_connections=[PEERING])
    assert owner_id(peered, "10.5.0.5", VPC) == f"eni-{PEER_VPC}"
    attachments = [attachment("a-1", VPC), attachment("a-2", FAR_VPC)]
    transit = network(network_interfaces=interfaces, transit_gateway_attachments=attachments)
    assert owner_id(transit, "10.5.0.5", VPC) == f"eni-{FAR_VPC}"
    assert transit.shared_transit_gateways(VPC, FAR_VPC) == {"tgw-1"}
    assert owner_id(network(network_interfaces=interfaces), "10.5.0.5", VPC) is None


def test_a_public_address_of_two_interfaces_is_nobody_s() -> None:
    moving = [
        eni(f"eni-{n}", f"10.0.1.{n}", Association={"PublicIp": "203.0.113.9"}) for n in (5, 6)
    ]
    for one in moving:
        one["PrivateIpAddresses"][0]["Association"] = one["Association"]
    found = network(network_interfaces=moving)
    assert owner_id(found, "203.0.113.9") is None
    assert owner_id(found, "10.0.1.5") == "eni-5"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.0.1.7", "vpc"),
        ("10.1.3.3", "vpc"),  # another VPC of ours
        ("2001:db8:aa::9", "vpc"),
        ("10.200.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.3.4", "private"),
        ("fd12::1", "private"),
        ("fe80::1", "private"),
        ("169.254.7.7", "private"),
        ("224.0.0.251", "private"),
        ("8.8.8.8", "internet"),
        ("203.0.113.77", "internet"),
        ("2606:4700::1111", "internet"),
        ("172.32.0.1", "internet"),
        ("169.254.169.253", "aws"),
        ("169.254.169.254", "aws"),
        ("169.254.169.123", "aws"),
        ("169.254.170.2", "aws"),
        ("fd00:ec2::254", "aws"),
        ("10.0.0.2", "aws"),  # the VPC's resolver
        ("10.0.1.1", "aws"),  # a subnet's router
        ("10.0.2.3", "aws"),
        ("10.0.1.4", "vpc"),
        ("not an address", "private"),
    ],
)
def test_where_an_address_lies(address: str, place: str) -> None:
    vpcs = [vpc(VPC, "10.0.0.0/16", "2001:db8:aa::/56"), *VPCS[1:]]
    found = network(network_interfaces=[WEB_ENI], vpcs=vpcs)
    assert found.place(address, VPC) == place
    assert found.place(address) == place


def test_an_address_that_aws_keeps_in_one_vpc_may_be_somebody_s_in_another() -> None:
    vpcs = [*VPCS, vpc("vpc-d", "10.0.0.0/8")]
    subnets = [*SUBNETS, subnet("subnet-d", "10.0.0.0/16", "vpc-d")]
    found = network(vpcs=vpcs, subnets=subnets)
    assert found.place("10.0.1.1", VPC) == "aws"
    assert found.place("10.0.1.1", "vpc-d") == "vpc"


def test_blocks_come_from_local_routes_or_subnets_without_the_file() -> None:
    tables = [table("rtb-1", [LOCAL], main=True)]
    by_routes = network(without=("vpcs.json",), route_tables=tables)
    assert by_routes.vpcs[VPC].blocks == ("10.0.0.0/16",)
    assert by_routes.place("10.0.77.1", VPC) == "vpc"
    by_subnets = network(without=("vpcs.json",))
    assert set(by_subnets.vpcs[VPC].blocks) == {"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"}
    assert by_subnets.place("10.0.77.1", VPC) == "private"


def test_gateways_and_their_states() -> None:
    nat: Json = {
        "NatGatewayId": "nat-1",
        "State": "failed",
        "FailureCode": "InsufficientFreeAddressesInSubnet",
        "FailureMessage": "no addresses",
        "SubnetId": PUBLIC,
        "ConnectivityType": "private",
        "NatGatewayAddresses": [{"PrivateIp": "10.0.0.4", "NetworkInterfaceId": "eni-nat"}],
    }
    regional: Json = {
        "NatGatewayId": "nat-2",
        "State": "available",
        "AvailabilityMode": "regional",
        "RouteTableId": "rtb-nat",
        "NatGatewayAddresses": [{"PublicIp": "203.0.113.40"}],
    }
    igws = [
        {"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": VPC, "State": "available"}]},
        {"InternetGatewayId": "igw-2", "Attachments": []},
        {"InternetGatewayId": "igw-3", "Attachments": [{"VpcId": VPC, "State": "detaching"}]},
    ]
    egress_only = [
        {
            "EgressOnlyInternetGatewayId": "eigw",
            "Attachments": [{"VpcId": VPC, "State": "attached"}],
        }
    ]
    nat_eni = eni("eni-nat", "10.0.0.4", subnet=PUBLIC, InterfaceType="nat_gateway")
    found = network(
        nat_gateways=[nat, regional],
        internet_gateways=igws,
        egress_only_internet_gateways=egress_only,
        network_interfaces=[nat_eni],
    )
    failed, other = found.nat_gateways["nat-1"], found.nat_gateways["nat-2"]
    assert (failed.state, failed.public, failed.subnet_id) == ("failed", False, PUBLIC)
    assert failed.failure == "InsufficientFreeAddressesInSubnet: no addresses"
    assert (other.regional, other.table_id, other.public) == (True, "rtb-nat", True)
    attached = {id_: one.attached for id_, one in found.internet_gateways.items()}
    assert attached == {"igw-1": True, "igw-2": False, "igw-3": False, "eigw": True}
    assert found.nat_gateway_of("203.0.113.40") == other
    assert found.nat_gateway_of("10.0.0.4", VPC) == failed
    assert found.nat_gateway_of("10.0.1.5", VPC) is None


def test_what_a_peering_and_a_transit_gateway_lead_to() -> None:
    tgw_table = {
        "TransitGatewayRouteTableId": "tgw-rtb-1",
        "TransitGatewayId": "tgw-1",
        "State": "available",
        "DefaultAssociationRouteTable": True,
    }
    found = network(
        vpc_peering_connections=[PEERING],
        transit_gateway_attachments=[attachment("a-1", VPC), attachment("a-2", FAR_VPC)],
        transit_gateway_route_tables=[tgw_table],
    )
    assert found.other_side("pcx-1", VPC) == (PEER_VPC, ("10.1.0.0/16",))
    assert found.other_side("pcx-1", PEER_VPC) == (VPC, ("10.0.0.0/16",))
    assert found.other_side("pcx-9", VPC) == (None, ())
    assert [one.id for one in found.attachments_of(FAR_VPC)] == ["a-2"]
    known = found.transit_tables["tgw-rtb-1"]
    assert (known.tgw_id, known.associated, known.propagated) == ("tgw-1", True, False)


def test_targets_of_load_balancers() -> None:
    balancer = {"LoadBalancerArn": "arn:lb", "LoadBalancerName": "shop", "Type": "application"}
    target = {
        "TargetGroupName": "web",
        "LoadBalancerArns": ["arn:lb"],
        "Protocol": "HTTP",
        "Port": 8080,
        "HealthCheckPort": "traffic-port",
    }
    health = [
        {
            "Target": {"Id": "i-1", "Port": 8081},
            "TargetHealth": {"State": "unhealthy", "Reason": "Target.Timeout"},
            "HealthCheckPort": "9000",
        },
        {"Target": {"Id": "i-2"}},
    ]
    found = network(load_balancers=[balancer], target_groups=[target], health={"web": health})
    first, second = found.targets
    assert (first.id, first.port, first.health_port) == ("i-1", 8081, 9000)
    assert (first.state, first.reason) == ("unhealthy", "Target.Timeout")
    assert (first.load_balancers, first.preserve_client_ip) == (("arn:lb",), False)
    assert (second.port, second.health_port) == (8080, None)


# Names


@pytest.fixture(scope="module")
def sample() -> Network:
    return Network.of(Inventory.read(SAMPLES).snapshots[-1])


@pytest.mark.parametrize(
    ("name", "last_digits"),
    [
        ("eni-0b000000000000008", "8"),
        ("i-0c000000000000004", "4"),
        ("nat-0a700000000000001", "3"),
        ("vpce-0a900000000000002", "c"),
        ("com.amazonaws.eu-west-1.logs", "c"),
        ("web-1", "4"),
        ("WEB-1", "4"),
        ("db-1", "8"),
        ("nat-a", "3"),
        ("app/shop/50dc6c495c0c9188", "1 2"),
        ("orders", "5 6 7"),
        ("nightly-report", "d"),
        ("spare-1", "b"),
        ("nobody", ""),
        ("", ""),
    ],
)
def test_what_a_name_means(sample: Network, name: str, last_digits: str) -> None:
    found = [one.id.removeprefix("eni-0b0000000000000").lstrip("0") for one in sample.find(name)]
    assert found == last_digits.split()


def test_dns_names_arns_and_clusters_are_names_too(sample: Network) -> None:
    balancer = next(iter(sample.load_balancers.values()))
    assert sample.find(balancer.arn) == sample.find("app/shop/50dc6c495c0c9188")
    assert sample.find(balancer.host or "") == sample.find(balancer.arn)


def test_as_written_comes_before_any_case() -> None:
    named = [
        eni(f"eni-{n}", f"10.0.1.{n}", TagSet=[{"Key": "Name", "Value": name}])
        for n, name in ((5, "Web"), (6, "web"), (7, "WEB"))
    ]
    found = network(network_interfaces=named)
    assert [one.id for one in found.find("web")] == ["eni-6"]
    assert [one.id for one in found.find("wEb")] == ["eni-5", "eni-6", "eni-7"]


def test_labels(sample: Network) -> None:
    labels = {one.id[-2:]: one.label for one in sample.interfaces.values()}
    assert labels["04"] == "i-0c000000000000004 (web-1)"
    assert labels["01"] == "load balancer shop"
    assert labels["03"] == "NAT gateway nat-0a700000000000001 (nat-a)"
    assert labels["08"] == "database db-1"
    assert labels["0b"] == "eni-0b00000000000000b (spare-1)"
    bare = network(network_interfaces=[eni("eni-1", "10.0.1.5")]).interfaces["eni-1"]
    assert bare.label == "eni-1"


# What lacks


def test_a_whole_inventory_lacks_nothing(sample: Network) -> None:
    assert sample.lacks == []
    assert sample.time is not None


def test_an_empty_file_is_not_a_missing_one() -> None:
    assert network().lacks == []


def test_each_missing_file_is_said_with_what_follows() -> None:
    found = network(without=tuple(name for name in FILES if name != "flow-logs.json"))
    files = [lack.partition(" is not there: ")[0] for lack in found.lacks]
    assert files == [
        *("network-interfaces.json", "security-groups.json", "network-acls.json"),
        *("route-tables.json", "subnets.json", "nat-gateways.json", "internet-gateways.json"),
    ]


def test_a_prefix_list_lacks_only_if_something_names_it() -> None:
    rules = [permission("tcp", 443, 443, "pl-1", "pl-2")]
    tables = [table("rtb-1", [route("pl-3", "GatewayId", "vpce-1")], WEB)]
    found = network(
        security_groups=[group("sg-1", rules)],
        route_tables=tables,
        prefix_lists={"pl-2": ["10.0.0.0/8"], "pl-9": ["nonsense"]},
    )
    said = [lack.partition(":")[0] for lack in found.lacks]
    assert said == [
        f"managed-prefix-list-entries/{id_}.json is not there" for id_ in ("pl-1", "pl-3")
    ]


def test_broken_entries_are_left_out_and_said() -> None:
    found = network(network_interfaces=[WEB_ENI, 7, {}], security_groups=[{}], subnets=[None])
    assert list(found.interfaces) == ["eni-web"]
    assert found.lacks == [
        "network-interfaces.json: 1 of 3 entries are no objects: left out",
        "network-interfaces.json: 1 of 2 entries are without an id: left out",
        "security-groups.json: 1 of 1 entries are without an id: left out",
        "subnets.json: 1 of 1 entries are no objects: left out",
    ]


# Anything at all

PLAIN: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 70000),
    st.sampled_from(
        ["", "-1", "tcp", "10.0.0.0/16", "10.0.1.5", "::/0", "eni-1", "sg-1", "\ud800"]
    ),
)
ODD: st.SearchStrategy[Any] = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3), max_leaves=4
)
WHOLE: Json = {
    "network-interfaces.json": [WEB_ENI],
    "security-groups.json": [
        group("sg-web", [permission("tcp", 5432, 5432, "10.0.0.0/8", "sg-1")])
    ],
    "network-acls.json": [acl("acl-1", [entry(100, "allow", "6", ANYWHERE, (1, 2))], WEB)],
    "route-tables.json": [table("rtb-1", [LOCAL, route(ANYWHERE, "NatGatewayId", "nat-1")], WEB)],
    "subnets.json": SUBNETS,
    "vpcs.json": VPCS,
    "vpc-peering-connections.json": [PEERING],
    "nat-gateways.json": [
        {"NatGatewayId": "nat-1", "State": "available", "NatGatewayAddresses": [{}]}
    ],
    "load-balancers.json": [{"LoadBalancerArn": "arn:x:loadbalancer/net/a/1", "Type": "network"}],
    "target-groups.json": [{"TargetGroupName": "t", "LoadBalancerArns": ["arn:x"]}],
}


def spoilt(value: Any, draw: Any) -> Any:
    """The same JSON with some values replaced by others."""
    if draw(st.integers(0, 9)) == 0:
        return draw(ODD)
    if isinstance(value, dict):
        return {key: spoilt(inner, draw) for key, inner in value.items()}
    if isinstance(value, list):
        return [spoilt(inner, draw) for inner in value]
    return value


@given(st.data())
def test_no_inventory_raises(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    directory = tmp_path_factory.mktemp("odd")
    for name, items in WHOLE.items():
        content = spoilt({FILES[name]: items}, data.draw)
        (directory / name).write_text(json.dumps(content))
    found = Network.of(Inventory.read(directory).snapshots[0])
    packet = Packet("10.0.1.5", "10.0.2.9", 6, 40000, 5432)
    for direction in ("ingress", "egress"):
        for subnet_id in (WEB, DB, *found.subnets):
            network_acls.by_port(found, subnet_id, packet, direction, 0, 65535)
            routes.next_hop(found, subnet_id, "8.8.8.8")
        for interface in found.interfaces.values():
            security_groups.evaluate(found, interface, packet, direction)
            security_groups.tracked(found, interface, packet, direction)
            assert interface.label
    for address in ("10.0.1.5", "10.1.0.1", "::1", "\ud800"):
        found.owner(address, VPC)
        found.place(address)
        found.vpc_of(address)
        found.nat_gateway_of(address)
    found.find("web")
    assert found.other_side("pcx-1", VPC)
    assert isinstance(found.balanced, dict)


@given(st.text(max_size=45), st.one_of(st.none(), st.text(max_size=5)))
def test_any_text_can_be_asked_for(address: str, vpc_id: str | None) -> None:
    found = network(network_interfaces=[WEB_ENI])
    assert found.owner(address, vpc_id) is None or found.place(address, vpc_id) == "interface"
    assert found.find(address) == () or address.casefold() == "eni-web"


# A large account


def test_a_hundred_thousand_interfaces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Loading takes seconds, and a look-up does not go through them all."""
    count = 100_000
    taken = snapshot(
        tmp_path,
        network_interfaces=[
            eni(
                f"eni-{n}",
                f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}",
                "sg-web",
                VpcId=f"vpc-{n % 10}",
                Attachment={"InstanceId": f"i-{n}"},
            )
            for n in range(count)
        ],
        security_groups=[group("sg-web", [permission("tcp", 443, 443, "sg-web")])],
    )
    started = time.perf_counter()
    found = Network.of(taken)
    loaded = time.perf_counter() - started
    assert len(found.interfaces) == count

    started = time.perf_counter()
    for n in range(0, count, 10):
        assert owner_id(found, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", "vpc-0") == f"eni-{n}"
    asked = (time.perf_counter() - started) / (count / 10)
    with capsys.disabled():
        print(f"\n{count:,} interfaces: loaded in {loaded:.1f} s, a look-up {asked * 1e6:.1f} us")
    assert loaded < 30  # seconds; a hundred times what it takes would be quadratic
    assert asked < 0.001
