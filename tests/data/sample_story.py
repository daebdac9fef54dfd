"""The small story that the sample logs tell: one VPC, ten minutes, a scan and a network ACL.

A shop runs in one VPC: clients reach a load balancer, which asks a web server, which asks one of
the application servers, which asks PostgreSQL; application servers reach a payment service on the
internet through a NAT gateway, and S3 through a gateway endpoint. From 10:02 on somebody scans the
web server. At 10:05 the network ACL of the database subnet is narrowed to let out replies to ports
32768-60999 only, which Linux uses by default; app-1 is tuned to use 1024-65535 and from then on
loses every connection that it opens from another port.

Every record is made with all fields that AWS knows, as text by AWS's name; a log takes the fields
of its format. Addresses outside are from the ranges that are reserved for documentation.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from attrs import frozen

Record = dict[str, str]

TEN_OCLOCK = 1_789_380_000  # 2026-09-14T10:00:00Z
ACL_CHANGE = TEN_OCLOCK + 300
END = TEN_OCLOCK + 600
ACL_PORTS = range(32768, 61000)

ACCOUNT = "123456789010"
REGION = "eu-west-1"
VPC = "vpc-0a1b2c3d4e5f60718"
SUBNETS = {
    "web-a": ("subnet-0aa00000000000001", "euw1-az1"),
    "web-b": ("subnet-0aa00000000000002", "euw1-az2"),
    "app-a": ("subnet-0aa00000000000003", "euw1-az1"),
    "app-b": ("subnet-0aa00000000000004", "euw1-az2"),
    "db-a": ("subnet-0aa00000000000005", "euw1-az1"),
    "lab-a": ("subnet-0aa00000000000006", "euw1-az1"),
}
ATTACKER = "198.51.100.66"
PAYMENTS = "203.0.113.200"
S3 = "52.218.36.75"
CLIENTS = tuple(f"192.0.2.{n}" for n in (7, 19, 23, 44, 58, 61, 90, 131, 150, 177, 203, 240))
SCANNED = (21, 22, 23, 25, 110, 135, 139, 445, 1433, 1521, 3306, 3389, 5432, 5900, 6379, 8443, 9200)


@frozen
class Host:
    """A network interface of the VPC and what it belongs to."""

    name: str
    eni: str
    ip: str
    subnet: str
    ip6: str = "-"
    instance: str = "-"
    kind: str = "-"
    team: str = "-"
    stage: str = "-"
    service: str = "-"
    """The ECS service whose task this is."""

    @property
    def zone(self) -> str:
        return SUBNETS[self.subnet][1]


V6 = "2a05:d018:1f3:5c"
ALB_A = Host("alb-a", "eni-0b000000000000001", "10.0.0.10", "web-a", f"{V6}00::10")
ALB_B = Host("alb-b", "eni-0b000000000000002", "10.0.10.10", "web-b", f"{V6}01::10")
NAT = Host("nat-a", "eni-0b000000000000003", "10.0.0.4", "web-a", kind="nat_gateway")
WEB = Host(
    "web-1",
    "eni-0b000000000000004",
    "10.0.0.31",
    "web-a",
    f"{V6}00::31",
    "i-0c000000000000004",
    team="team%20storefront",
    stage="caf%C3%A9",
)
APP_1 = Host(
    "app-1",
    "eni-0b000000000000005",
    "10.0.1.5",
    "app-a",
    f"{V6}02::5",
    team="team%20orders",
    stage="blue%2Dgreen",
    service="orders",
)
APP_2 = Host(
    "app-2",
    "eni-0b000000000000006",
    "10.0.1.6",
    "app-a",
    team="team%20orders",
    stage="blue%2Dgreen",
    service="orders",
)
APP_3 = Host(
    "app-3",
    "eni-0b000000000000007",
    "10.0.11.7",
    "app-b",
    team="team%20orders",
    stage="blue%2Dgreen",
    service="orders",
)
DB = Host("db-1", "eni-0b000000000000008", "10.0.2.9", "db-a", team="data", stage="prod")
CACHE = Host("cache-1", "eni-0b000000000000009", "10.0.2.20", "db-a", team="data", stage="prod")
LAB = Host("lab-1", "eni-0b00000000000000a", "10.0.12.50", "lab-a", instance="i-0c00000000000000a")
SPARE = Host("spare-1", "eni-0b00000000000000b", "10.0.2.30", "db-a")
HOSTS = (ALB_A, ALB_B, NAT, WEB, APP_1, APP_2, APP_3, DB, CACHE, LAB, SPARE)


@frozen
class Flow:
    """What went one way: from `src` to `dst`, each a host of the VPC or an address outside."""

    src: Host | str
    sport: int
    dst: Host | str
    dport: int
    packets: int
    octets: int
    flags: int = 0
    protocol: int = 6


def story(seed: int = 2) -> list[Record]:
    """All records of the ten minutes, in the order of their end."""
    rng = random.Random(seed)
    records = [*_shop(rng), *_outbound(rng), *_scan(rng), *_cache(), *_blocked(), *_silence()]
    return sorted(records, key=lambda r: (int(r["end"]), r["interface-id"], int(r["start"])))


def address(end: Host | str, *, six: bool = False) -> str:
    """The address of a host, or of somebody outside."""
    if isinstance(end, str):
        return end
    return end.ip6 if six else end.ip


def seen(at: Host, flow: Flow, start: int, end: int, *, action: str = "ACCEPT") -> Record:
    """The record of a flow at one interface: egress where it is the source, else ingress."""
    egress = flow.src is at
    peer = flow.dst if egress else flow.src
    six = ":" in (peer if isinstance(peer, str) else "")
    src, dst = address(flow.src, six=six), address(flow.dst, six=six)
    inside = isinstance(peer, Host)
    record = {
        **of_interface(at),
        "srcaddr": src,
        "dstaddr": dst,
        "srcport": str(flow.sport),
        "dstport": str(flow.dport),
        "protocol": str(flow.protocol),
        "packets": str(flow.packets),
        "bytes": str(flow.octets),
        "start": str(start),
        "end": str(end),
        "action": action,
        "log-status": "OK",
        "tcp-flags": str(flow.flags),
        "type": "IPv6" if six else "IPv4",
        "pkt-srcaddr": src,
        "pkt-dstaddr": dst,
        "pkt-src-aws-service": "S3" if src == S3 else "-",
        "pkt-dst-aws-service": "S3" if dst == S3 else "-",
        "flow-direction": "egress" if egress else "ingress",
        "traffic-path": _path(peer) if egress and action == "ACCEPT" else "-",
        "encryption-status": "1" if inside else "0",
    }
    return record | _next_hop(peer) if action == "ACCEPT" else record


def of_interface(at: Host) -> Record:
    """The fields that say where a record was made."""
    subnet, zone = SUBNETS[at.subnet]
    record = {
        "account-id": ACCOUNT,
        "interface-id": at.eni,
        "vpc-id": VPC,
        "subnet-id": subnet,
        "instance-id": at.instance,
        "region": REGION,
        "az-id": zone,
        "interface-type": at.kind,
        "instance-tag": at.team if at.instance != "-" else "-",
        "instance-tag-2": at.stage if at.instance != "-" else "-",
        "interface-tag": at.team,
        "interface-tag-2": at.stage,
    }
    if at.service != "-":
        arn, task = f"arn:aws:ecs:{REGION}:{ACCOUNT}", f"{int(at.eni[4:], 16):032x}"
        record |= {
            "ecs-cluster-arn": f"{arn}:cluster/shop",
            "ecs-cluster-name": "shop",
            "ecs-container-id": f"{task}-1234567890",
            "ecs-service-name": at.service,
            "ecs-task-definition-arn": f"{arn}:task-definition/{at.service}:41",
            "ecs-task-arn": f"{arn}:task/shop/{task}",
            "ecs-task-id": task,
        }
    return record


def talk(start: int, end: int, there: Flow, back: Flow) -> Iterator[Record]:
    """A connection that works, at each interface that it touches: both ways are accepted."""
    for at in (there.src, there.dst):
        if isinstance(at, Host):
            yield seen(at, there, start, end)
            yield seen(at, back, start, end)


def reply(flow: Flow, packets: int, octets: int, flags: int = 0) -> Flow:
    """The flow back."""
    return Flow(flow.dst, flow.dport, flow.src, flow.sport, packets, octets, flags, flow.protocol)


def _shop(rng: random.Random) -> Iterator[Record]:
    """Clients' requests, each from the load balancer down to the database."""
    for at in range(TEN_OCLOCK + 3, END - 20, 21):
        balancer = ALB_A if rng.random() < 0.6 else ALB_B
        app = APP_1 if rng.random() < 0.5 else APP_2
        hops = (
            (rng.choice(CLIENTS), rng.randrange(32768, 61000), balancer, 443),
            (balancer, rng.randrange(1024, 65536), WEB, 8080),
            (WEB, rng.randrange(32768, 61000), app, 9000),
        )
        for depth, (client, port, server, service) in enumerate(hops):
            yield from _request(rng, at + depth, Flow(client, port, server, service, 0, 0))
        ports = range(1024, 65536) if app is APP_1 else ACL_PORTS
        query = Flow(app, rng.choice(ports), DB, 5432, 0, 0)
        if at + 3 >= ACL_CHANGE and query.sport not in ACL_PORTS:
            yield from _reply_refused(at + 3, query)
        else:
            yield from _request(rng, at + 3, query)


def _request(rng: random.Random, at: int, flow: Flow) -> Iterator[Record]:
    packets, answers = rng.randrange(6, 14), rng.randrange(6, 30)
    there = Flow(
        flow.src, flow.sport, flow.dst, flow.dport, packets, packets * rng.randrange(60, 190), 3
    )
    back = reply(there, answers, answers * rng.randrange(200, 1200), 19)
    yield from talk(at, at + rng.randrange(1, 9), there, back)


def _reply_refused(at: int, flow: Flow) -> Iterator[Record]:
    """The server's subnet does not let the reply out: the client repeats its SYN and gives up."""
    assert isinstance(flow.src, Host)
    assert isinstance(flow.dst, Host)
    syn = Flow(flow.src, flow.sport, flow.dst, flow.dport, 4, 240, 2)
    syn_ack = reply(syn, 7, 420, 18)
    yield seen(flow.src, syn, at, at + 7)
    yield seen(flow.dst, syn, at, at + 7)
    yield seen(flow.dst, syn_ack, at, at + 15, action="REJECT")


def _outbound(rng: random.Random) -> Iterator[Record]:
    """Payments through the NAT gateway (app-3 from the other zone), and uploads to S3."""
    for number, at in enumerate(range(TEN_OCLOCK + 11, END - 20, 58)):
        host = (APP_1, APP_3)[number % 2]
        inner, outer = rng.choice(ACL_PORTS), rng.randrange(1024, 65536)
        packets, answers = rng.randrange(9, 16), rng.randrange(8, 20)
        there = Flow(host, inner, PAYMENTS, 443, packets, packets * 170, 3)
        back = reply(there, answers, answers * 420, 19)
        for flow in (there, back):
            at_host = seen(host, flow, at, at + 6)
            if flow is there:
                at_host |= {"traffic-path": "1"} | _next_hop(NAT)
            yield at_host
            yield from _through_nat(flow, host, outer, at)
        upload = Flow(host, inner + 1, S3, 443, 40 * packets, 52_000 * packets, 3)
        yield from talk(at + 2, at + 9, upload, reply(upload, 20 * packets, 1_100 * packets, 19))


def _through_nat(flow: Flow, host: Host, port: int, at: int) -> Iterator[Record]:
    """Both legs of one direction at the NAT gateway: only the inner one shows the host."""
    size = (flow.packets, flow.octets, flow.flags)
    if flow.src is host:
        inner = seen(NAT, Flow(host, flow.sport, NAT, flow.dport, *size), at, at + 6)
        yield inner | {"pkt-dstaddr": address(flow.dst)}
        yield seen(NAT, Flow(NAT, port, flow.dst, flow.dport, *size), at, at + 6)
    else:
        yield seen(NAT, Flow(flow.src, flow.sport, NAT, port, *size), at, at + 6)
        inner = seen(NAT, Flow(NAT, flow.sport, host, flow.dport, *size), at, at + 6)
        yield inner | {"pkt-srcaddr": address(flow.src)}


def _scan(rng: random.Random) -> Iterator[Record]:
    """One address tries port after port of the web server; 443 of the balancer answers."""
    for number, port in enumerate(SCANNED * 2):
        at = TEN_OCLOCK + 125 + 11 * number
        probe = Flow(ATTACKER, rng.randrange(40000, 65536), WEB, port, 1, 44, 2)
        yield seen(WEB, probe, at, at + 1, action="REJECT")
    probe = Flow(ATTACKER, 51515, ALB_A, 443, 3, 132, 7)
    yield from talk(TEN_OCLOCK + 124, TEN_OCLOCK + 126, probe, reply(probe, 2, 88, 18))


def _cache() -> Iterator[Record]:
    """A connection that stays open: a record a minute, and no flags."""
    for minute in range(TEN_OCLOCK, END, 60):
        there = Flow(APP_2, 40404, CACHE, 6379, 118, 9_440)
        yield from talk(minute + 2, minute + 57, there, reply(there, 117, 61_300))


def _blocked() -> Iterator[Record]:
    """VPC Block Public Access keeps the lab from the internet; such records have no bytes."""
    for at in range(ACL_CHANGE + 17, END, 60):
        probe = Flow(ATTACKER, 50123, LAB, 22, 1, 44, 2)
        record = seen(LAB, probe, at, at + 1, action="REJECT")
        yield record | {"bytes": "-", "reject-reason": "BPA"}


def _silence() -> Iterator[Record]:
    """An interface without traffic, and one window whose records AWS lost."""
    for minute in range(TEN_OCLOCK, END, 60):
        status = "SKIPDATA" if minute == TEN_OCLOCK + 420 else "NODATA"
        yield {
            **of_interface(SPARE),
            "start": str(minute),
            "end": str(minute + 59),
            "log-status": status,
        }


def _path(peer: Host | str) -> str:
    if isinstance(peer, Host):
        return "1"
    return "7" if peer == S3 else "8"


def _next_hop(peer: Host | str) -> Record:
    if isinstance(peer, str):
        return {}
    subnet, zone = SUBNETS[peer.subnet]
    return {
        "next-hop-interface-id": peer.eni,
        "next-hop-subnet-id": subnet,
        "next-hop-az-id": zone,
        "next-hop-vpc-id": VPC,
        "next-hop-interface-type": peer.kind,
    }
