"""What security groups say, which rule is nearest, and what is tracked."""

from __future__ import annotations

import ipaddress
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
    VPC,
    WEB,
    attachment,
    eni,
    group,
    network,
    permission,
    route,
    table,
)
from vpcflow_diagnose.network import security_groups
from vpcflow_diagnose.network.network import Network
from vpcflow_diagnose.network.packet import Packet, Verdict

CLIENT, SERVER = "10.0.1.5", "10.0.2.9"
REQUEST = Packet(CLIENT, SERVER, 6, 41000, 5432)
ENIS = [
    eni("eni-web", CLIENT, "sg-web", Association={"PublicIp": "203.0.113.5"}),
    eni("eni-db", SERVER, "sg-db", subnet=DB),
]
Json = dict[str, Any]


def world(inbound: list[Json], outbound: list[Json] | None = None, **files: Any) -> Network:
    """The database's group has these rules."""
    groups = [group("sg-db", inbound, outbound), group("sg-web"), *files.pop("groups", [])]
    files.setdefault("network_interfaces", ENIS)
    files.setdefault("security_groups", groups)
    return network(**files)


def asked(found: Network, packet: Packet = REQUEST, direction: Any = "ingress") -> Verdict:
    """What the database's interface says."""
    verdict = security_groups.evaluate(found, found.interfaces["eni-db"], packet, direction)
    assert verdict is not None
    return verdict


PG = (5432, 5432)
V6 = Packet("2001:db8::5", "2001:db8::9", 6, 41000, 5432)
PING = Packet(CLIENT, SERVER, 1, icmp_type=8, icmp_code=0)
# name, permission, packet, allowed
TRAPS: list[tuple[str, Json, Packet, bool | None]] = [
    ("the port", permission("tcp", *PG, "10.0.1.0/24"), REQUEST, True),
    ("a range", permission("tcp", 5000, 6000, "10.0.1.0/24"), REQUEST, True),
    ("another port", permission("tcp", 5433, 5433, ANYWHERE), REQUEST, False),
    ("another protocol", permission("udp", *PG, ANYWHERE), REQUEST, False),
    ("another address", permission("tcp", *PG, "10.0.3.0/24"), REQUEST, False),
    ("a number for a protocol", permission("6", *PG, ANYWHERE), REQUEST, True),
    ("all protocols", permission("-1", None, None, ANYWHERE), REQUEST, True),
    ("all protocols, whatever ports", permission("-1", 22, 22, ANYWHERE), REQUEST, True),
    ("absent ports", permission("tcp", None, None, ANYWHERE), REQUEST, True),
    ("ports -1", permission("tcp", -1, -1, ANYWHERE), REQUEST, True),
    ("port 0 is a port", permission("tcp", 0, 0, ANYWHERE), REQUEST, False),
    ("IPv4 for IPv6", permission("tcp", *PG, ANYWHERE), V6, False),
    ("IPv6", permission("tcp", *PG, "2001:db8::/32"), V6, True),
    ("ICMP, all types", permission("icmp", -1, -1, ANYWHERE), PING, True),
    ("ICMP, absent types", permission("icmp", None, None, ANYWHERE), PING, True),
    ("ICMP, this type", permission("icmp", 8, -1, ANYWHERE), PING, True),
    ("ICMP, another type", permission("icmp", 3, -1, ANYWHERE), PING, False),
    ("ICMP, another code", permission("icmp", 8, 1, ANYWHERE), PING, False),
    ("ICMP, unsaid type", permission("icmp", 8, -1, ANYWHERE), Packet(CLIENT, SERVER, 1), None),
    ("ICMP is not ICMPv6", permission("icmp", -1, -1, "::/0"), Packet("fd00::1", "::2", 58), False),
    ("ICMPv6", permission("58", -1, -1, "::/0"), Packet("fd00::1", "fd00::2", 58), True),
    ("a protocol's ports", permission("47", 22, 22, ANYWHERE), Packet(CLIENT, SERVER, 47), True),
    ("a prefix list", permission("tcp", *PG, "pl-office"), REQUEST, True),
    ("another prefix list", permission("tcp", *PG, "pl-empty"), REQUEST, False),
    ("an unknown prefix list", permission("tcp", *PG, "pl-unknown"), REQUEST, None),
    ("unknown, but for another port", permission("tcp", 1, 2, "pl-unknown"), REQUEST, False),
    ("a member of a group", permission("tcp", *PG, "sg-web"), REQUEST, True),
    ("not a member of a group", permission("tcp", *PG, "sg-db"), REQUEST, False),
    ("a group that is gone", permission("tcp", *PG, "sg-gone"), REQUEST, False),
    (
        "a member's public address",
        permission("tcp", *PG, "sg-web"),
        Packet("203.0.113.5", SERVER, 6, 41000, 5432),
        False,
    ),
    ("a protocol that is none", permission("smoke", *PG, ANYWHERE), REQUEST, None),
    ("ports that are none", permission("tcp", "a", [], ANYWHERE), REQUEST, None),
    ("a CIDR that is none", permission("tcp", *PG, "10.0.0.0/77"), REQUEST, None),
]


@pytest.mark.parametrize(
    ("rule", "packet", "allowed"), [t[1:] for t in TRAPS], ids=[t[0] for t in TRAPS]
)
def test_one_rule(rule: Json, packet: Packet, allowed: bool | None) -> None:
    lists = {"pl-office": ["10.0.1.0/28", "192.0.2.0/24"], "pl-empty": []}
    verdict = asked(world([rule], prefix_lists=lists), packet)
    assert verdict.allowed is allowed
    assert bool(verdict.why) == (allowed is None)
    assert verdict.resource == "sg-db"


@pytest.mark.parametrize(
    ("rule", "packet", "allowed"), [t[1:] for t in TRAPS], ids=[t[0] for t in TRAPS]
)
def test_doubt_gives_way_to_another_rule_that_allows(
    rule: Json, packet: Packet, allowed: bool | None
) -> None:
    everything = permission("-1", None, None, ANYWHERE, "::/0")
    lists = {"pl-office": ["10.0.1.0/28"], "pl-empty": []}
    assert asked(world([rule, everything], prefix_lists=lists), packet).allowed is True


def test_a_second_group_allows() -> None:
    found = world(
        [permission("tcp", 22, 22, ANYWHERE)],
        groups=[group("sg-more", [permission("tcp", 5432, 5432, "sg-web")])],
        network_interfaces=[ENIS[0], eni("eni-db", SERVER, "sg-db", "sg-more", subnet=DB)],
    )
    verdict = asked(found)
    assert (verdict.allowed, verdict.resource) == (True, "sg-more")
    assert verdict.words == "sg-more allows tcp 5432 from sg-web"
    assert verdict.by_name


def test_a_group_that_the_inventory_lacks_leaves_the_answer_open() -> None:
    found = world([], security_groups=[group("sg-web")])
    verdict = asked(found)
    assert (verdict.allowed, verdict.resource) == (None, "sg-db")
    assert verdict.why == "the rules of sg-db are not in the inventory"
    halved = world([], security_groups=[{"GroupId": "sg-db", "IpPermissions": []}])
    assert asked(halved).allowed is False
    assert asked(halved, REQUEST.reversed(), "egress").allowed is None


def test_what_has_no_groups_by_nature_has_no_verdict() -> None:
    for type_ in ("nat_gateway", "natGateway", "transit_gateway", "network_load_balancer"):
        found = world([], network_interfaces=[eni("eni-db", SERVER, InterfaceType=type_)])
        interface = found.interfaces["eni-db"]
        assert security_groups.evaluate(found, interface, REQUEST, "ingress") is None
        assert security_groups.tracked(found, interface, REQUEST, "ingress")
    grouped = eni("eni-db", SERVER, "sg-db", InterfaceType="network_load_balancer")
    assert asked(world([], network_interfaces=[grouped])).allowed is False
    unsaid = asked(world([], network_interfaces=[eni("eni-db", SERVER)]))
    assert (unsaid.allowed, unsaid.resource) == (None, "eni-db")


def test_egress_asks_the_other_rules_and_the_other_address() -> None:
    found = world(
        [permission("-1", None, None, ANYWHERE)], [permission("tcp", 443, 443, "10.0.1.0/24")]
    )
    out = Packet(SERVER, CLIENT, 6, 41000, 443)
    verdict = asked(found, out, "egress")
    assert (verdict.allowed, verdict.rule) == (
        True,
        "tcp 443 to 10.0.1.0/24",
    )
    denied = asked(found, Packet(SERVER, CLIENT, 6, 41000, 80), "egress")
    assert (denied.allowed, denied.rule) == (False, "tcp 80 to 10.0.1.5/32")
    assert denied.words == "sg-db allows tcp 443 to 10.0.1.0/24"


# name, rules, the packet, the missing rule, the nearest
NEAREST: list[tuple[str, list[Json], Packet, str, str]] = [
    (
        "another peer before another port",
        [
            permission("tcp", 22, 22, "10.0.1.0/24"),
            permission("tcp", 5432, 5432, "sg-db"),
        ],
        REQUEST,
        "tcp 5432 from 10.0.1.5/32",
        "sg-db allows tcp 5432 from sg-db",
    ),
    (
        "a rule for the port before one for all ports",
        [
            permission("-1", None, None, "10.0.0.0/24"),
            permission("tcp", 5432, 5432, "10.9.0.0/24"),
        ],
        REQUEST,
        "tcp 5432 from 10.0.1.5/32",
        "sg-db allows tcp 5432 from 10.9.0.0/24",
    ),
    (
        "the peer that is most alike",
        [permission("tcp", 5432, 5432, "192.168.0.0/16", "10.0.2.0/24", "172.16.0.0/12")],
        REQUEST,
        "tcp 5432 from 10.0.1.5/32",
        "sg-db allows tcp 5432 from 10.0.2.0/24",
    ),
    (
        "the nearest port of the same peer",
        [permission("tcp", 22, 22, "sg-web"), permission("tcp", 5433, 5433, "sg-web")],
        REQUEST,
        "tcp 5432 from 10.0.1.5/32",
        "sg-db allows tcp 5433 from sg-web",
    ),
    (
        "the same peer by another protocol",
        [permission("udp", 53, 53, "10.0.1.0/24"), permission("tcp", 22, 22, "10.0.9.0/24")],
        REQUEST,
        "tcp 5432 from 10.0.1.5/32",
        "sg-db allows udp 53 from 10.0.1.0/24",
    ),
    (
        "IPv4 alone was thought of",
        [permission("tcp", 5432, 5432, ANYWHERE)],
        V6,
        "tcp 5432 from 2001:db8::5/128",
        "sg-db allows tcp 5432 from 0.0.0.0/0",
    ),
    ("no rule", [], REQUEST, "tcp 5432 from 10.0.1.5/32", "sg-db has no inbound rule"),
    (
        "nothing in common",
        [permission("udp", 53, 53, "10.0.9.0/24")],
        REQUEST,
        "tcp 5432 from 10.0.1.5/32",
        "sg-db allows neither tcp 5432 nor anything from 10.0.1.5",
    ),
    ("ICMP", [], PING, "icmp type 8 code 0 from 10.0.1.5/32", "sg-db has no inbound rule"),
    ("GRE", [], Packet(CLIENT, SERVER, 47), "gre from 10.0.1.5/32", "sg-db has no inbound rule"),
]


@pytest.mark.parametrize(
    ("rules", "packet", "missing", "words"), [t[1:] for t in NEAREST], ids=[t[0] for t in NEAREST]
)
def test_the_missing_rule_and_the_nearest(
    rules: list[Json], packet: Packet, missing: str, words: str
) -> None:
    verdict = asked(world(rules), packet)
    assert (verdict.allowed, verdict.rule, verdict.words) == (False, missing, words)


def test_the_group_to_mend_is_the_one_with_the_nearest_rule() -> None:
    found = world(
        [permission("tcp", 22, 22, "10.0.9.0/24")],
        groups=[group("sg-more", [permission("tcp", 5432, 5432, "10.0.9.0/24")])],
        network_interfaces=[ENIS[0], eni("eni-db", SERVER, "sg-db", "sg-more", subnet=DB)],
    )
    assert asked(found).resource == "sg-more"


# Security groups that name others


def referring(**files: Any) -> Network:
    return world([permission("tcp", 5432, 5432, "sg-web")], **files)


def test_secondary_addresses_prefixes_and_ipv6_are_members() -> None:
    member = eni(
        "eni-web",
        CLIENT,
        "sg-web",
        PrivateIpAddresses=[
            {"PrivateIpAddress": CLIENT, "Primary": True},
            {"PrivateIpAddress": "10.0.1.6", "Primary": False},
        ],
        Ipv6Addresses=[{"Ipv6Address": "2001:db8:0::5"}],
        Ipv4Prefixes=[{"Ipv4Prefix": "10.0.1.48/28"}],
    )
    found = referring(network_interfaces=[member, ENIS[1]])
    for address in ("10.0.1.6", "10.0.1.50", "2001:db8::5"):
        assert asked(found, Packet(address, SERVER, 6, 41000, 5432)).allowed is True
    assert asked(found, Packet("10.0.1.7", SERVER, 6, 41000, 5432)).allowed is False


def test_a_reference_is_not_for_what_an_appliance_forwards() -> None:
    """EC2: whose traffic goes through a middlebox must be allowed by address."""
    to_firewall = route("10.0.2.0/24", "NetworkInterfaceId", "eni-fw")
    tables = [table("rtb-web", [LOCAL, to_firewall], WEB), table("rtb-db", [LOCAL], DB)]
    assert asked(referring(route_tables=tables)).allowed is False
    to_itself = route("10.0.2.9/32", "NetworkInterfaceId", "eni-db")
    tables = [table("rtb-web", [LOCAL, to_itself], WEB)]
    assert asked(referring(route_tables=tables)).allowed is True
    same_subnet = [ENIS[0], eni("eni-db", SERVER, "sg-db")]
    tables = [table("rtb-web", [LOCAL, to_firewall], WEB)]
    found = referring(route_tables=tables, network_interfaces=same_subnet)
    assert asked(found).allowed is True


FAR = Packet("10.1.0.5", SERVER, 6, 41000, 5432)


def far(vpc_id: str, address: str = "10.1.0.5") -> list[Json]:
    return [*ENIS, eni("eni-far", address, "sg-far", VpcId=vpc_id, subnet="subnet-far")]


def far_rule(**more: Any) -> list[Json]:
    rule = permission("tcp", 5432, 5432, "sg-far")
    rule["UserIdGroupPairs"][0].update(more)
    return [rule]


def test_a_group_of_a_peered_vpc() -> None:
    groups = [group("sg-far", VpcId=PEER_VPC)]
    files: Json = {"network_interfaces": far(PEER_VPC), "groups": groups}
    assert asked(world(far_rule(), **files), FAR).allowed is False  # not peered
    peered: Json = files | {"vpc_peering_connections": [PEERING]}
    assert asked(world(far_rule(), **peered), FAR).allowed is True
    gone: Json = files | {"vpc_peering_connections": [PEERING | {"Status": {"Code": "deleted"}}]}
    assert asked(world(far_rule(), **gone), FAR).allowed is False


def test_a_group_of_a_peered_vpc_whose_interfaces_are_another_account_s() -> None:
    peered: Json = {"vpc_peering_connections": [PEERING]}
    verdict = asked(world(far_rule(VpcId=PEER_VPC), **peered), FAR)
    assert verdict.allowed is None
    assert PEER_VPC in verdict.why


def test_a_group_behind_a_transit_gateway_may_count_inbound() -> None:
    files: Json = {
        "network_interfaces": far(FAR_VPC, "10.2.0.5"),
        "groups": [group("sg-far", VpcId=FAR_VPC)],
        "transit_gateway_attachments": [attachment("a-1", VPC), attachment("a-2", FAR_VPC)],
    }
    packet = Packet("10.2.0.5", SERVER, 6, 41000, 5432)
    assert asked(world(far_rule(), **files), packet).allowed is None
    found = world([], far_rule(), **files)
    assert asked(found, packet.reversed(), "egress").allowed is False


def test_without_interfaces_members_are_not_known() -> None:
    found = referring(without=("network-interfaces.json",))
    interface = network(network_interfaces=ENIS).interfaces["eni-db"]
    verdict = security_groups.evaluate(found, interface, REQUEST, "ingress")
    assert verdict is not None
    assert verdict.allowed is None


def test_clients_of_a_network_load_balancer_may_come_through_it() -> None:
    """Its group counts for what it passes on with the client's address; the log cannot tell."""
    rules = [permission("tcp", 5432, 5432, "sg-nlb")]
    balancer = {
        "LoadBalancerArn": "arn:nlb",
        "LoadBalancerName": "nlb",
        "Type": "network",
        "SecurityGroups": ["sg-nlb"],
    }
    target = {"TargetGroupName": "db", "LoadBalancerArns": ["arn:nlb"], "Protocol": "TCP"}
    files: Json = {
        "load_balancers": [balancer],
        "target_groups": [target],
        "health": {"db": [{"Target": {"Id": SERVER, "Port": 5432}}]},
    }
    client = Packet("198.51.100.7", SERVER, 6, 41000, 5432)
    assert asked(world(rules, **files), client).allowed is None
    assert asked(world(rules), client).allowed is False


# Tracking (EC2 User Guide, "Security group connection tracking")

EVERYBODY = permission("tcp", 80, 80, ANYWHERE)
HTTP = Packet("198.51.100.7", SERVER, 6, 41000, 80)


def tracked(found: Network, packet: Packet = HTTP, direction: Any = "ingress") -> bool:
    return security_groups.tracked(found, found.interfaces["eni-db"], packet, direction)


def test_tracking_as_aws_s_example_has_it() -> None:
    """Inbound tcp 22 from one host, tcp 80 from all, ICMP from all; outbound all."""
    found = world(
        [
            permission("tcp", 22, 22, "203.0.113.1/32"),
            EVERYBODY,
            permission("icmp", -1, -1, ANYWHERE),
        ],
        [permission("-1", None, None, ANYWHERE)],
    )
    assert tracked(found, Packet("203.0.113.1", SERVER, 6, 41000, 22))
    assert not tracked(found)
    assert tracked(found, Packet("198.51.100.7", SERVER, 1))


@pytest.mark.parametrize(
    "back",
    [
        [],
        [permission("tcp", 0, 65535, "10.0.0.0/8")],
        [permission("tcp", 1024, 65535, ANYWHERE)],
        [permission("udp", 0, 65535, ANYWHERE)],
        [permission("-1", None, None, "::/0")],
    ],
    ids=["none", "not for all", "not all ports", "another protocol", "IPv6"],
)
def test_tracked_unless_the_other_direction_allows_all(back: list[Json]) -> None:
    assert tracked(world([EVERYBODY], back))


def test_untracked_the_other_way_round() -> None:
    found = world([permission("tcp", 0, 65535, ANYWHERE)], [EVERYBODY])
    assert not tracked(found, Packet(SERVER, "198.51.100.7", 6, 41000, 80), "egress")


def test_udp_can_be_untracked_and_other_protocols_cannot() -> None:
    everything = permission("-1", None, None, ANYWHERE)
    found = world([everything], [everything])
    assert not tracked(found, Packet("198.51.100.7", SERVER, 17, 41000, 53))
    assert tracked(found, Packet("198.51.100.7", SERVER, 47))


def automatic(field: str, target: str, **files: Any) -> bool:
    tables = [table("rtb-db", [LOCAL, route(ANYWHERE, field, target)], DB)]
    return tracked(world([EVERYBODY], route_tables=tables, **files))


def test_automatically_tracked() -> None:
    dynamo = {
        "VpcEndpointId": "vpce-d",
        "VpcEndpointType": "Gateway",
        "ServiceName": "com.amazonaws.eu-west-1.dynamodb",
    }
    s3 = dynamo | {"VpcEndpointId": "vpce-s", "ServiceName": "com.amazonaws.eu-west-1.s3"}
    endpoints: Json = {"vpc_endpoints": [dynamo, s3]}
    assert not automatic("GatewayId", "igw-1")
    assert automatic("NatGatewayId", "nat-1")
    assert automatic("TransitGatewayId", "tgw-1")
    assert automatic("GatewayId", "vpce-d", **endpoints)
    assert not automatic("GatewayId", "vpce-s", **endpoints)
    for type_ in ("lambda", "vpc_endpoint", "global_accelerator_managed"):
        own = eni("eni-db", SERVER, "sg-db", subnet=DB, InterfaceType=type_)
        assert tracked(world([EVERYBODY], network_interfaces=[own]))
    peer = eni("eni-nlb", CLIENT, "sg-web", InterfaceType="network_load_balancer")
    found = world([EVERYBODY], network_interfaces=[peer, ENIS[1]])
    assert tracked(found, Packet(CLIENT, SERVER, 6, 41000, 80))


PEERS = st.sampled_from([ANYWHERE, "10.0.1.0/24", "10.0.1.5/32", "172.16.0.0/12", "::/0", "sg-web"])
RULES = st.lists(
    st.builds(
        lambda protocol, one, two, peers: permission(
            protocol, min(one, two), max(one, two), *peers
        ),
        st.sampled_from(["tcp", "6", "udp", "-1", "50"]),
        st.sampled_from([0, 22, 443, 5432, 65535]),
        st.sampled_from([0, 22, 443, 5432, 65535]),
        st.lists(PEERS, max_size=3),
    ),
    max_size=5,
)
NUMBERS = {"tcp": 6, "6": 6, "udp": 17, "50": 50}


def naive(rule: Json, packet: Packet) -> bool:
    """The specification: protocol, then port, then any of the peers."""
    if rule["IpProtocol"] != "-1" and NUMBERS[rule["IpProtocol"]] != packet.protocol:
        return False
    with_ports = rule["IpProtocol"] in ("tcp", "6", "udp")
    if with_ports and not rule["FromPort"] <= packet.dstport <= rule["ToPort"]:
        return False
    source = ipaddress.ip_address(packet.src)
    blocks = [entry["CidrIp"] for entry in rule["IpRanges"]]
    blocks += [entry["CidrIpv6"] for entry in rule["Ipv6Ranges"]]
    if any(source in ipaddress.ip_network(block) for block in blocks):
        return True
    return packet.src == CLIENT and bool(rule["UserIdGroupPairs"])


@given(
    st.lists(RULES, min_size=1, max_size=3),
    st.sampled_from([CLIENT, "10.0.1.77", "172.20.1.1", "198.51.100.7", "fd00::1"]),
    st.sampled_from([6, 17, 50]),
    st.sampled_from([0, 22, 443, 5432, 65535]),
)
def test_any_groups_say_what_a_plain_reading_says(
    rules: list[list[Json]], source: str, protocol: int, port: int
) -> None:
    names = [f"sg-{number}" for number in range(len(rules))]
    found = network(
        security_groups=[group(n, listed) for n, listed in zip(names, rules, strict=True)],
        network_interfaces=[ENIS[0], eni("eni-db", SERVER, *names, subnet=DB)],
    )
    packet = Packet(source, SERVER, protocol, 41000, port)
    allowing = [
        n for n, listed in zip(names, rules, strict=True) if any(naive(r, packet) for r in listed)
    ]
    verdict = asked(found, packet)
    assert verdict.allowed is bool(allowing)
    assert not allowing or verdict.resource == allowing[0]
