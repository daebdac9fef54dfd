"""What network ACLs say, and how a denial is put in words."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_builder import ANYWHERE, DB, WEB, acl, entry, network
from vpcflow_diagnose.network import network_acls
from vpcflow_diagnose.network.packet import Packet, Verdict

CLIENT, SERVER = "10.0.1.5", "10.0.2.9"
REQUEST = Packet(CLIENT, SERVER, 6, 41000, 5432)
REPLY = REQUEST.reversed()
ICMP_IN = Packet(CLIENT, SERVER, 1)


def asked(entries: list[dict[str, Any]], packet: Packet, direction: Any = "ingress") -> Verdict:
    """What an ACL of the database's subnet with these entries says."""
    found = network(network_acls=[acl("acl-db", entries, DB)])
    return network_acls.evaluate(found, DB, packet, direction)


# name, entries, packet, direction, allowed, the rule that decides
TRAPS: list[tuple[str, list[dict[str, Any]], Packet, str, bool | None, str]] = [
    ("nothing allowed", [], REQUEST, "ingress", False, "32767"),
    ("nothing allowed, IPv6", [], Packet("fd00::1", "fd00::2", 6, 1, 2), "ingress", False, "32768"),
    ("all", [entry(100, "allow", "-1", ANYWHERE)], REQUEST, "ingress", True, "100"),
    (
        "the lowest number decides, not the first in the file",
        [entry(200, "allow", "-1", ANYWHERE), entry(100, "deny", "6", "10.0.1.0/24", (5432, 5432))],
        REQUEST,
        "ingress",
        False,
        "100",
    ),
    (
        "a deny behind an allow does nothing",
        [entry(100, "allow", "6", ANYWHERE, (0, 65535)), entry(200, "deny", "-1", "10.0.1.0/24")],
        REQUEST,
        "ingress",
        True,
        "100",
    ),
    (
        "egress rules do not judge ingress",
        [entry(100, "allow", "-1", ANYWHERE, egress=True)],
        REQUEST,
        "ingress",
        False,
        "32767",
    ),
    (
        "out: the address is the destination",
        [entry(100, "allow", "6", "10.0.1.0/24", (1024, 65535), egress=True)],
        REPLY,
        "egress",
        True,
        "100",
    ),
    (
        "out: the port is the client's",
        [entry(100, "allow", "6", ANYWHERE, (5432, 5432), egress=True)],
        REPLY,
        "egress",
        False,
        "32767",
    ),
    (
        "another protocol",
        [entry(100, "allow", "17", ANYWHERE, (0, 65535))],
        REQUEST,
        "ingress",
        False,
        "32767",
    ),
    (
        "ports of protocol -1 do not count",
        [entry(100, "allow", "-1", ANYWHERE, (22, 22))],
        REQUEST,
        "ingress",
        True,
        "100",
    ),
    (
        "ports of a protocol without ports do not count",
        [entry(100, "allow", "47", ANYWHERE, (22, 22))],
        Packet(CLIENT, SERVER, 47),
        "ingress",
        True,
        "100",
    ),
    (
        "an IPv4 rule is nothing for IPv6",
        [entry(100, "allow", "-1", ANYWHERE)],
        Packet("2001:db8::1", "2001:db8::2", 6, 41000, 443),
        "ingress",
        False,
        "32768",
    ),
    (
        "IPv6",
        [entry(100, "allow", "6", "2001:db8::/32", (443, 443))],
        Packet("2001:db8::1", "2001:db8::2", 6, 41000, 443),
        "ingress",
        True,
        "100",
    ),
    (
        "ICMP of any type",
        [entry(100, "allow", "1", ANYWHERE, icmp=(-1, -1))],
        ICMP_IN,
        "ingress",
        True,
        "100",
    ),
    (
        "ICMP of one type, and the log does not say which",
        [entry(100, "allow", "1", ANYWHERE, icmp=(8, -1))],
        ICMP_IN,
        "ingress",
        None,
        "100",
    ),
    (
        "ICMP of the asked type",
        [entry(100, "allow", "1", ANYWHERE, icmp=(8, -1))],
        Packet(CLIENT, SERVER, 1, icmp_type=8, icmp_code=0),
        "ingress",
        True,
        "100",
    ),
    (
        "ICMP of another code",
        [entry(100, "allow", "1", ANYWHERE, icmp=(3, 4))],
        Packet(CLIENT, SERVER, 1, icmp_type=3, icmp_code=1),
        "ingress",
        False,
        "32767",
    ),
    (
        "ICMP of one type, then all: it does not matter",
        [
            entry(100, "allow", "1", ANYWHERE, icmp=(8, -1)),
            entry(200, "allow", "-1", ANYWHERE),
        ],
        ICMP_IN,
        "ingress",
        True,
        "200",
    ),
    (
        "ICMPv6 by name",
        [entry(100, "allow", "icmpv6", "::/0", icmp=(-1, -1))],
        Packet("fd00::1", "fd00::2", 58),
        "ingress",
        True,
        "100",
    ),
]


@pytest.mark.parametrize(
    ("entries", "packet", "direction", "allowed", "rule"),
    [t[1:] for t in TRAPS],
    ids=[t[0] for t in TRAPS],
)
def test_the_rule_that_decides(
    entries: list[dict[str, Any]], packet: Packet, direction: Any, allowed: bool | None, rule: str
) -> None:
    verdict = asked(entries, packet, direction)
    assert (verdict.allowed, verdict.resource, verdict.rule) == (allowed, "acl-db", rule)
    assert bool(verdict.why) == (allowed is None)


WORDS: list[tuple[str, list[dict[str, Any]], Packet, str, str]] = [
    (
        "the range that is allowed",
        [entry(100, "allow", "6", "10.0.0.0/16", (32768, 60999), egress=True)],
        Packet(SERVER, CLIENT, 6, 5432, 1500),
        "egress",
        "allows 32768-60999 to 10.0.0.0/16",
    ),
    (
        "several, and what an earlier deny takes away",
        [
            entry(90, "deny", "6", ANYWHERE, (3389, 3389)),
            entry(100, "allow", "6", ANYWHERE, (443, 443)),
            entry(110, "allow", "6", ANYWHERE, (3000, 4000)),
            entry(120, "allow", "6", "10.0.1.0/24", (22, 22)),
        ],
        REQUEST,
        "ingress",
        "allows 22 from 10.0.1.0/24 and 443, 3000-3388 and 3390-4000 from 0.0.0.0/0",
    ),
    (
        "nothing for this address, but for others",
        [entry(100, "allow", "6", "10.0.9.0/24", (5432, 5432))],
        REQUEST,
        "ingress",
        "allows tcp 5432 from 10.0.9.0/24",
    ),
    ("nothing at all", [], REQUEST, "ingress", "allows no tcp from 10.0.1.5"),
    (
        "a deny that somebody wrote",
        [entry(50, "deny", "6", "10.0.1.0/24", (5432, 5432))],
        REQUEST,
        "ingress",
        "denies tcp 5432 from 10.0.1.0/24",
    ),
    (
        "an allow",
        [entry(50, "allow", "6", "10.0.1.0/24", (1024, 65535))],
        REQUEST,
        "ingress",
        "allows tcp 1024-65535 from 10.0.1.0/24",
    ),
    (
        "another ICMP type",
        [entry(100, "allow", "1", ANYWHERE, icmp=(8, -1))],
        Packet(CLIENT, SERVER, 1, icmp_type=0, icmp_code=0),
        "ingress",
        "allows icmp type 8 from 0.0.0.0/0",
    ),
]


@pytest.mark.parametrize(
    ("entries", "packet", "direction", "words"), [t[1:] for t in WORDS], ids=[t[0] for t in WORDS]
)
def test_words(entries: list[dict[str, Any]], packet: Packet, direction: Any, words: str) -> None:
    assert asked(entries, packet, direction).words == words


def test_whether_a_rule_is_meant_for_the_packet() -> None:
    def by_name(cidr: str, ports: tuple[int, int]) -> bool:
        return asked([entry(1, "deny", "6", cidr, ports)], REQUEST).by_name

    assert by_name("10.0.1.0/24", (0, 65535))
    assert by_name(ANYWHERE, (5432, 5432))
    assert not by_name(ANYWHERE, (0, 65535))
    assert not asked([], REQUEST).by_name


def test_the_ports_of_replies_in_ranges() -> None:
    """7.2: Linux clients pass, load balancers and Windows do not."""
    entries = [
        entry(90, "deny", "6", ANYWHERE, (40000, 40009), egress=True),
        entry(100, "allow", "6", "10.0.0.0/16", (32768, 60999), egress=True),
    ]
    found = network(network_acls=[acl("acl-db", entries, DB)])
    ranges = network_acls.by_port(found, DB, REPLY, "egress", 1024, 65535)
    assert [(low, high, verdict.allowed, verdict.rule) for low, high, verdict in ranges] == [
        (1024, 32767, False, "32767"),
        (32768, 39999, True, "100"),
        (40000, 40009, False, "90"),
        (40010, 60999, True, "100"),
        (61000, 65535, False, "32767"),
    ]
    assert ranges[0][2].words == "allows 32768-39999 and 40010-60999 to 10.0.0.0/16"


def test_neighbouring_ranges_of_one_rule_are_one() -> None:
    entries = [
        entry(100, "allow", "6", ANYWHERE, (0, 65535), egress=True),
        entry(110, "deny", "6", ANYWHERE, (2000, 3000), egress=True),
    ]
    found = network(network_acls=[acl("acl-db", entries, DB)])
    ranges = network_acls.by_port(found, DB, REPLY, "egress", 1024, 65535)
    assert [(low, high) for low, high, _ in ranges] == [(1024, 65535)]


def test_the_acl_of_a_subnet_is_the_associated_one_else_the_default() -> None:
    allow = [entry(100, "allow", "-1", ANYWHERE)]
    found = network(network_acls=[acl("acl-main", allow, main=True), acl("acl-db", [], DB)])
    assert network_acls.evaluate(found, DB, REQUEST, "ingress").resource == "acl-db"
    assert network_acls.evaluate(found, WEB, REQUEST, "ingress").resource == "acl-main"


def test_what_is_not_known_is_not_decided() -> None:
    for found, subnet_id in (
        (network(without=("network-acls.json",)), DB),
        (network(network_acls=[acl("acl-db", [], DB)]), "subnet-unknown"),
        (
            network(network_acls=[{"NetworkAclId": "acl-db", "Associations": [{"SubnetId": DB}]}]),
            DB,
        ),
    ):
        verdict = network_acls.evaluate(found, subnet_id, REQUEST, "ingress")
        assert verdict.allowed is None
        assert verdict.why
        ranges = network_acls.by_port(found, subnet_id, REPLY, "egress", 1, 9)
        assert [(low, high, v.allowed) for low, high, v in ranges] == [(1, 9, None)]


@pytest.mark.parametrize(
    "broken",
    [
        {"Protocol": "carrier-pigeon"},
        {"Protocol": None},
        {"PortRange": {"From": "many", "To": 3}},
        {"PortRange": {"From": 9, "To": 3}},
        {"CidrBlock": "10.0.0.0/99"},
        {"RuleAction": "maybe"},
        {"Egress": "no"},
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_read_leaves_what_is_behind_it_open(broken: Any) -> None:
    unread = entry(100, "deny", "6", ANYWHERE, (1, 2)) | broken
    behind = asked([unread, entry(200, "allow", "-1", ANYWHERE)], REQUEST)
    assert (behind.allowed, behind.rule) == (None, "100")
    before = asked([entry(50, "allow", "-1", ANYWHERE), unread], REQUEST)
    assert (before.allowed, before.rule) == (True, "50")


CIDRS = st.sampled_from(
    [ANYWHERE, "10.0.0.0/16", "10.0.1.0/24", "10.0.1.5/32", "192.168.0.0/16", "::/0", "fd00::/8"]
)
PORTS = st.sampled_from([0, 22, 443, 1023, 1024, 5432, 32768, 60999, 65535])
ENTRIES = st.lists(
    st.builds(
        lambda number, action, protocol, cidr, one, two, egress: entry(
            number, action, protocol, cidr, (min(one, two), max(one, two)), egress=egress
        ),
        st.integers(1, 40),
        st.sampled_from(["allow", "deny"]),
        st.sampled_from(["6", "17", "-1", "50", "tcp"]),
        CIDRS,
        PORTS,
        PORTS,
        st.booleans(),
    ),
    max_size=10,
    unique_by=lambda made: (made["RuleNumber"], made["Egress"]),
)
PACKETS = st.builds(
    lambda ends, protocol, port: Packet(*ends, protocol, 40000, port),
    st.sampled_from([(CLIENT, SERVER), ("192.168.3.4", SERVER), ("fd00::1", "fd00::2")]),
    st.sampled_from([6, 17, 50, 132]),
    PORTS,
)
NUMBERS = {"6": 6, "tcp": 6, "17": 17, "50": 50}


def naive(entries: list[dict[str, Any]], packet: Packet, egress: bool) -> tuple[bool, int]:
    """The specification: sort, take the first that matches."""
    other = ipaddress.ip_address(packet.dst if egress else packet.src)
    for made in sorted(entries, key=lambda made: int(made["RuleNumber"])):
        block = ipaddress.ip_network(made.get("CidrBlock") or made["Ipv6CidrBlock"])
        if made["Egress"] != egress or block.version != other.version or other not in block:
            continue
        if made["Protocol"] != "-1" and NUMBERS[made["Protocol"]] != packet.protocol:
            continue
        if made["Protocol"] in ("6", "17", "tcp"):
            ports = made["PortRange"]
            if not ports["From"] <= packet.dstport <= ports["To"]:
                continue
        return made["RuleAction"] == "allow", int(made["RuleNumber"])
    return False, 32767 if other.version == 4 else 32768


@given(ENTRIES, st.lists(PACKETS, min_size=1, max_size=4), st.sampled_from(["ingress", "egress"]))
def test_any_acl_says_what_a_plain_reading_says(
    entries: list[dict[str, Any]], packets: list[Packet], direction: Any
) -> None:
    found = network(network_acls=[acl("acl-db", entries, DB)])
    for packet in packets:
        verdict = network_acls.evaluate(found, DB, packet, direction)
        assert (verdict.allowed, int(verdict.rule)) == naive(entries, packet, direction == "egress")
        covered = 0
        for low, high, of_range in network_acls.by_port(found, DB, packet, direction, 0, 65535):
            assert low == covered
            covered = high + 1
            for port in {low, high, *(p for p in (23, 5432, 40000) if low <= p <= high)}:
                at = Packet(packet.src, packet.dst, packet.protocol, 1, port)
                assert network_acls.evaluate(found, DB, at, direction) == of_range
        assert covered == 65536
