"""The simulator itself: its rules on cases made by hand, its worlds, its files."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from simulator.build import build
from simulator.conversations import Stage
from simulator.faults import KINDS
from simulator.ground import Wish
from simulator.model import Acl, AclRule, Group, GroupRule, Vpc, World
from simulator.network import Network
from simulator.rules import Asked, acl_verdict, group_rule_matches, groups_allow
from simulator.scenario import scenario
from simulator.tape import FORMATS, Tape
from simulator.write import write
from vpcflow_aws.inventory import Inventory

import vpcflow

VPC = Vpc("vpc-1", "one", "10.0.0.0/16")


def test_first_acl_rule_that_matches_decides() -> None:
    acl = Acl("acl-1", VPC, "one")
    acl.rules = [
        AclRule(200, False, True, 6, "10.0.0.0/8", (443, 443)),
        AclRule(100, False, False, -1, "10.9.0.0/16"),
        AclRule(300, True, True, 1, "0.0.0.0/0", icmp=(8, -1)),
    ]
    assert acl_verdict(acl, Asked(False, "10.1.1.1", 6, 443)) == (True, 200)
    assert acl_verdict(acl, Asked(False, "10.9.1.1", 6, 443)) == (False, 100)
    assert acl_verdict(acl, Asked(False, "10.1.1.1", 6, 444)) == (False, 32767)
    assert acl_verdict(acl, Asked(True, "10.1.1.1", 1, 0, (8, 0))) == (True, 300)
    assert acl_verdict(acl, Asked(True, "10.1.1.1", 1, 0, (0, 0))) == (False, 32767)
    assert acl_verdict(acl, Asked(False, "2001:db8::1", 6, 443)) == (False, 32767)


def test_groups_allow_together_and_see_members_addresses() -> None:
    world = build(3)
    server = next(i for i in world.interfaces if i.name == "orders-db")
    client = next(i for i in world.interfaces if i.name == "app-1")
    empty = Group("sg-e", VPC, "empty")
    by_group = Group("sg-g", VPC, "one", [GroupRule(6, client.groups[0].id, (5432, 5432))])
    asked = Asked(False, client.address, 6, 5432)
    assert groups_allow(world, [empty, by_group], asked)
    assert not groups_allow(world, [empty], asked)
    assert not groups_allow(world, [by_group], Asked(False, server.address, 6, 5432))
    world.lists["pl-1"] = ["192.0.2.0/28"]
    listed = GroupRule(17, "pl-1")
    assert group_rule_matches(world, listed, Asked(False, "192.0.2.3", 17, 1))
    assert not group_rule_matches(world, listed, Asked(False, "192.0.2.16", 17, 1))


@pytest.mark.parametrize("seed", range(12))
def test_every_link_of_a_healthy_world_works(seed: int) -> None:
    world = build(seed, Wish(vpcs=2, middlebox=True, six=True))
    assert len(world.links) > 30
    stage = Stage(Network(world, Random(seed)), Random(seed), Tape())
    failed = [str(link) for link in world.links if stage.talk(link, 0).drop]
    assert failed == []


def test_a_connection_through_a_nat_gateway_is_seen_six_times() -> None:
    """VPC guide, "Traffic through a NAT gateway": four records at the gateway, two at the host."""
    world = build(1, Wish(nat="zonal"))
    link = next(k for k in world.links if k.name == "app-1-internet")
    stage = Stage(Network(world, Random(1)), Random(1), Tape())
    there, back = stage.talk(link, 0).fates
    host, inside, outside = ((h.src, h.dst, h.pkt_src, h.pkt_dst) for h in there.hops)
    nat = there.hops[1].interface.address
    assert host == (link.source, link.dest, link.source, link.dest)
    assert inside == (link.source, nat, link.source, link.dest)
    assert outside == (nat, link.dest, nat, link.dest)
    answers = [(h.src, h.dst, h.pkt_src, h.pkt_dst) for h in back.hops]
    assert answers == [
        (link.dest, nat, link.dest, nat),
        (nat, link.source, link.dest, link.source),
        (link.dest, link.source, link.dest, link.source),
    ]


def test_a_tracked_connection_outlives_its_rule() -> None:
    world = build(2)
    link = next(k for k in world.links if k.name == "app-1-orders-db")
    network = Network(world, Random(1))
    stage = Stage(network, Random(1), Tape())
    assert stage.talk(link, 0, 40000).drop is None
    for group in world.groups.values():
        group.ingress, group.egress = [], []
    assert stage.talk(link, 30, 40000).drop is None
    drop = stage.talk(link, 60, 40001).drop
    assert drop is not None
    assert drop.cause == "security-group"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_of_fault_ends_in_its_cause_and_its_files_are_read(
    kind: str, tmp_path: Path
) -> None:
    made = scenario(4, kind)
    logs, snapshots = write(made, tmp_path)
    stream = vpcflow.scan(str(logs))
    for _ in stream:
        pass
    lines = sum(len(found) for found in made.lines.values())
    assert stream.counts["lines"] == lines
    assert stream.counts["rejected"] == 0
    inventory = Inventory.read(snapshots)
    assert len(inventory.snapshots) == len(made.inventories)
    assert inventory.snapshots[-1].interfaces()
    assert inventory.snapshots[-1].nat_gateways() or kind == "blackhole"
    assert [str(lack) for _, lack in inventory.lacks] == []
    wanted = KINDS[kind].cause
    if made.expected.visible and not made.fault.unexplained:
        assert made.expected.cause == wanted
        assert wanted is None or wanted in made.expected.nameable


def test_a_scenario_is_the_same_for_a_seed() -> None:
    one, other = scenario(11), scenario(11)
    assert one.lines == other.lines
    assert one.inventories == other.inventories
    assert one.expected == other.expected
    assert scenario(12).lines != one.lines


def test_formats_hold_no_name_twice() -> None:
    for names in FORMATS.values():
        assert len(set(names)) == len(names)
        assert vpcflow.FlowFormat.parse(" ".join(names)).names


def test_a_world_is_one_piece() -> None:
    """Interfaces are in their subnets' blocks and found by their addresses."""
    world: World = build(9)
    for interface in world.interfaces:
        assert world.at(interface.vpc, interface.address) is interface
        assert interface.subnet in world.subnets
    assert len({i.address for i in world.interfaces}) == len(world.interfaces)
