"""A fault: one known change of a world, or of a host in it. The kinds are in `fault_rules`,
`fault_routes`, `fault_hosts`; each adds itself to `KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from attrs import Factory, define, frozen

from .conversations import Outcome, Stage
from .ground import Wish
from .model import Interface, Link, Vpc, World
from .network import Network
from .tape import Tape


@define(eq=False)
class Fault:
    """link: whose conversation fails. moods: of hosts (`Stage.moods`). ports: that the client uses,
    where they matter. format: that it needs to be seen. repaired: what mends it, if the inventory
    was written after it was mended. before: snapshot taken before the change (removed rules).
    trail: kinds of record besides the flow logs of the VPC ("transit")."""

    kind: str
    link: Link
    moods: dict[tuple[str, int], str] = Factory(dict)
    ports: list[int] = Factory(list)
    format: str | None = None
    mend: Callable[[], None] | None = None
    healthy: bool = False
    unexplained: bool = False


Injector = Callable[[World, Random, Link], Fault | None]
Choice = Callable[[World, Link], bool]


@frozen
class Kind:
    """cause: what it must end in. choose: the links that it can strike."""

    name: str
    cause: str | None
    inject: Injector
    choose: Choice
    wish: Wish


KINDS: dict[str, Kind] = {}


def kind(
    name: str, cause: str | None, choose: Choice, wish: Wish | None = None
) -> Callable[[Injector], Injector]:
    def add(inject: Injector) -> Injector:
        KINDS[name] = Kind(name, cause, inject, choose, wish or Wish())
        return inject

    return add


def inject(world: World, rng: Random, name: str) -> Fault | None:
    """Break the world. None if the world has no place for it: then it is spoilt, build another."""
    chosen = KINDS[name]
    links = [link for link in world.links if chosen.choose(world, link)]
    if not links:
        return None
    link = rng.choice(links)
    fault = chosen.inject(world, rng, link)
    if fault is None:
        return None
    drop = attempt(world, fault).drop
    if (drop.cause if drop else None) != chosen.cause:
        return None
    return fault


def attempt(world: World, fault: Fault) -> Outcome:
    """What becomes of the conversation, nothing written."""
    stage = Stage(Network(world, Random(7)), Random(7), Tape(), fault.moods)
    return stage.talk(fault.link, 0.0, fault.ports[0] if fault.ports else None)


# -- which links


def inside(world: World, link: Link) -> bool:
    """Between two interfaces."""
    return isinstance(link.client, Interface) and isinstance(link.server, Interface)


def same_vpc(world: World, link: Link) -> bool:
    ends = link.client, link.server
    return all(isinstance(e, Interface) for e in ends) and vpc_of(link.client) is vpc_of(
        link.server
    )


def two_subnets(world: World, link: Link) -> bool:
    if not (isinstance(link.client, Interface) and isinstance(link.server, Interface)):
        return False
    return link.client.subnet is not link.server.subnet


def two_vpcs(world: World, link: Link) -> bool:
    return inside(world, link) and vpc_of(link.client) is not vpc_of(link.server)


def outward(world: World, link: Link) -> bool:
    """To the internet, IPv4, no gateway endpoint."""
    if not (isinstance(link.client, Interface) and isinstance(link.server, str)):
        return False
    return ":" not in link.dest and not link.dest.startswith(("52.218", "3.5"))


def through_nat(world: World, link: Link) -> bool:
    return outward(world, link) and nat_target(world, link) in world.nats


def from_public(world: World, link: Link) -> bool:
    return outward(world, link) and isinstance(link.client, Interface) and bool(link.client.public)


def from_internet(world: World, link: Link) -> bool:
    return isinstance(link.client, str)


def tcp(world: World, link: Link) -> bool:
    return link.protocol == 6


def both(*choices: Choice) -> Choice:
    return lambda world, link: all(choice(world, link) for choice in choices)


def vpc_of(end: Interface | str) -> Vpc | None:
    return end.vpc if isinstance(end, Interface) else None


def nat_target(world: World, link: Link) -> str:
    """Where the default route of the client's subnet goes."""
    assert isinstance(link.client, Interface)
    table = link.client.subnet.table
    return next((r.target for r in table.routes if r.dest == "0.0.0.0/0"), "")
