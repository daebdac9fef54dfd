"""What the network is made for: who talks to whom."""

from __future__ import annotations

from .ground import S3_LIST
from .hosts import Settlers
from .model import ICMP, TCP, UDP, Interface, Link, World

CLIENTS = ("198.51.100.", "203.0.113.", "192.0.2.")  # documentation blocks: the internet's people
SIX_CLIENT, SIX_SERVER = "2001:db8:77::1234", "2001:db8:99::443"
SERVICES = ("151.101.1.69", "140.82.121.4", "104.16.24.35")  # what private hosts call


def make_links(world: World, settlers: Settlers) -> None:
    hosts, rng = settlers.hosts, world.rng
    client = CLIENTS[rng.randrange(3)] + str(rng.randrange(20, 250))

    def inward(name: str, port: int, protocol: int = TCP, style: str = "tcp") -> None:
        server = hosts[name]
        link = Link(f"internet-{name}", client, server, client, server.public or "", protocol, port)
        link.style, link.target = style, server.details.get("target")
        world.links.append(link)

    inward("web-1", 443)
    inward("web-2", 443)
    inward("web-1", 0, ICMP, "ping")
    inward("alb-0", 443)
    inward("nlb-0", 9000)
    for balancer, target in (("alb-0", "app-1"), ("alb-1", "app-2"), ("alb-0", "app-2")):
        _inside(world, hosts[balancer], hosts[target], 8080)
    for name in ("app-1", "app-2", "orders-task", "report"):
        _inside(world, hosts[name], hosts["orders-db"], 5432)
    _inside(world, hosts["app-1"], hosts["cache-1"], 6379)
    _inside(world, hosts["orders-task"], hosts["cache-1"], 6379)
    _inside(world, hosts["orders-task"], hosts["logs"], 443)
    _inside(world, hosts["win-1"], hosts["logs"], 443)
    _inside(world, hosts["app-1"], hosts["orders-task"], 7000)
    _inside(world, hosts["win-1"], hosts["app-2"], 445)
    world.links.append(_to_secondary(hosts["app-1"], hosts["app-2"]))
    _inside(world, hosts["app-2"], hosts["syslog-1"], 514, UDP, "oneway")
    _inside(world, hosts["web-1"], hosts["app-1"], 8125, UDP, "udp")
    _inside(world, hosts["web-2"], hosts["app-1"], 0, ICMP, "ping")
    _inside(world, hosts["app-1"], hosts["app-2"], 0, ICMP, "ping")
    for position, name in enumerate(("app-1", "app-2", "report", "orders-task", "win-1")):
        _outward(world, hosts[name], SERVICES[position % 3], 443)
    _outward(world, hosts["web-1"], SERVICES[0], 443)
    if "nat-instance" in hosts:
        _outward(world, hosts["legacy-1"], SERVICES[1], 443)
    if world.gateway_endpoints:
        _outward(world, hosts["app-1"], world.aws_lists[S3_LIST][0].replace("0.0/17", "33.7"), 443)
    _six_links(world, hosts)
    _links_between(world, hosts)


def _inside(
    world: World,
    client: Interface,
    server: Interface,
    port: int,
    protocol: int = TCP,
    style: str = "tcp",
) -> None:
    name = f"{client.name}-{server.name}"
    link = Link(name, client, server, client.address, server.address, protocol, port)
    link.style = style
    world.links.append(link)


def _to_secondary(client: Interface, server: Interface) -> Link:
    name = f"{client.name}-{server.name}-secondary"
    return Link(name, client, server, client.address, server.secondary or "", TCP, 7443)


def _outward(world: World, client: Interface, server: str, port: int) -> None:
    link = Link(f"{client.name}-internet", client, server, client.address, server, TCP, port)
    world.links.append(link)


def _six_links(world: World, hosts: dict[str, Interface]) -> None:
    web, app = hosts["web-1"], hosts["app-1"]
    if not (web.address6 and app.address6):
        return
    world.links += [
        Link("six-internet-web", SIX_CLIENT, web, SIX_CLIENT, web.address6, TCP, 443),
        Link("six-app-internet", app, SIX_SERVER, app.address6, SIX_SERVER, TCP, 443),
        Link("six-web-app", web, app, web.address6, app.address6, TCP, 8080),
    ]


def _links_between(world: World, hosts: dict[str, Interface]) -> None:
    for vpc in world.vpcs[1:]:
        tool, metrics = hosts[f"{vpc.name}-1"], hosts[f"{vpc.name}-metrics"]
        _inside(world, hosts["app-1"], metrics, 9090)
        _inside(world, tool, hosts["app-1"], 8080)
        _inside(world, tool, metrics, 9090)
        _inside(world, hosts["app-2"], tool, 5000)
        _outward(world, tool, SERVICES[2], 443)
