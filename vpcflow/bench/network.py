"""A drawn network: interfaces, their peers, and the flows between them as AWS's field values."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from itertools import accumulate

from attrs import field, frozen

ACCOUNT = "123456789012"
REGION = "eu-west-1"
VPC = "vpc-0f3c1d2e4b5a69788"
ZONES = ("euw1-az1", "euw1-az2", "euw1-az3")
_INTERFACES = 300
_PEERS = 20_000

# (port, protocol, weight, AWS service code of the peer when that is outside the VPC)
_SERVICES = (
    (443, "6", 46, "-"),
    (443, "6", 9, "S3"),
    (443, "6", 4, "DYNAMODB"),
    (80, "6", 8, "-"),
    (5432, "6", 9, "-"),
    (3306, "6", 4, "-"),
    (6379, "6", 7, "-"),
    (9092, "6", 4, "-"),
    (53, "17", 4, "-"),
    (123, "17", 2, "AMAZON"),
    (22, "6", 1, "-"),
    (0, "1", 2, "-"),
)
_SERVICE_WEIGHTS = tuple(accumulate(weight for _, _, weight, _ in _SERVICES))
_SCANNED = (22, 23, 80, 443, 445, 1433, 3389, 5900, 6379, 8080, 8443, 9200)
_FLAGS = ("0", "2", "3", "18", "19", "4", "7", "-")
_FLAG_WEIGHTS = (52, 61, 73, 80, 95, 97, 99, 100)


@frozen
class Interface:
    """One network interface; `ipv4` and `ipv6` are its own addresses."""

    eni: str
    ipv4: str
    ipv6: str
    subnet: str
    instance: str
    zone: str
    tags: tuple[str, str]
    kind: str
    task: Mapping[str, str]


@frozen
class Network:
    """What flows are drawn from. Weights are cumulative, as `random.choices` takes them."""

    interfaces: tuple[Interface, ...]
    interface_weights: tuple[float, ...]
    peers4: tuple[str, ...]
    peers6: tuple[str, ...]
    peer_weights: tuple[float, ...] = field(repr=False)
    ipv6: float

    @classmethod
    def draw(cls, rng: random.Random, *, ipv6: float) -> Network:
        """A VPC of a few hundred interfaces; `ipv6` is the share of its flows that are IPv6."""
        return cls(
            interfaces=tuple(_interface(rng, n) for n in range(_INTERFACES)),
            interface_weights=_skewed(_INTERFACES, 1.1),
            peers4=tuple(_public4(rng) for _ in range(_PEERS)),
            peers6=tuple(_public6(rng) for _ in range(_PEERS)),
            peer_weights=_skewed(_PEERS, 0.9),
            ipv6=ipv6,
        )

    def interface(self, rng: random.Random) -> Interface:
        return rng.choices(self.interfaces, cum_weights=self.interface_weights)[0]

    def flow(self, rng: random.Random) -> dict[str, str]:
        """One flow as text by AWS's field name; the times are not in it."""
        here = self.interface(rng)
        if rng.random() < 0.06:
            return self._scan(rng, here)
        port, protocol, _, service = rng.choices(_SERVICES, cum_weights=_SERVICE_WEIGHTS)[0]
        version6 = rng.random() < self.ipv6
        own = here.ipv6 if version6 else here.ipv4
        inside = service == "-" and rng.random() < 0.55
        if inside:
            there = self.interface(rng)
            peer = there.ipv6 if version6 else there.ipv4
        else:
            peers = self.peers6 if version6 else self.peers4
            peer = rng.choices(peers, cum_weights=self.peer_weights)[0]
        client = 0 if port == 0 else _ephemeral(rng)
        egress, request = rng.random() < 0.5, rng.random() < 0.5
        ports = (client, port) if request else (port, client)
        packets = 1 + int(rng.lognormvariate(2.5, 2.3))
        if rng.random() < 0.01:  # a backup, an image pull
            packets += int(rng.lognormvariate(9.5, 1.0))
        octets = packets * min(9_000, 40 + int(rng.lognormvariate(5.4, 1.5)))
        return _common(here) | {
            "srcaddr": own if egress else peer,
            "dstaddr": peer if egress else own,
            "pkt-srcaddr": own if egress else peer,
            "pkt-dstaddr": peer if egress else own,
            "srcport": str(ports[0]),
            "dstport": str(ports[1]),
            "protocol": _icmp6(protocol, version6),
            "packets": str(packets),
            "bytes": str(octets),
            "action": "ACCEPT" if rng.random() < 0.99 else "REJECT",
            "log-status": "OK",
            "tcp-flags": _flags(rng, protocol),
            "type": "IPv6" if version6 else "IPv4",
            "pkt-src-aws-service": "-" if egress else service,
            "pkt-dst-aws-service": service if egress else "-",
            "flow-direction": "egress" if egress else "ingress",
            "traffic-path": ("1" if inside else "8") if egress else "-",
            "encryption-status": "1" if inside else "0",
        }

    def _scan(self, rng: random.Random, here: Interface) -> dict[str, str]:
        """A probe from the internet that the rules refuse: one packet, an address seen once."""
        version6 = rng.random() < self.ipv6
        own = here.ipv6 if version6 else here.ipv4
        peer = _public6(rng) if version6 else _public4(rng)
        packets = rng.choice((1, 1, 1, 2, 3))
        return _common(here) | {
            "srcaddr": peer,
            "dstaddr": own,
            "pkt-srcaddr": peer,
            "pkt-dstaddr": own,
            "srcport": str(rng.randrange(1024, 65536)),
            "dstport": str(rng.choice(_SCANNED)),
            "protocol": "6",
            "packets": str(packets),
            "bytes": str(packets * rng.choice((40, 44, 60))),
            "action": "REJECT",
            "log-status": "OK",
            "tcp-flags": "2",
            "type": "IPv6" if version6 else "IPv4",
            "flow-direction": "ingress",
            "reject-reason": "BPA" if rng.random() < 0.1 else "-",
            "encryption-status": "0",
        }

    def silent(self, rng: random.Random, status: str) -> dict[str, str]:
        """A NODATA or SKIPDATA record: the interface and the window, nothing else."""
        here = self.interface(rng)
        return {"account-id": ACCOUNT, "interface-id": here.eni, "log-status": status}


def _interface(rng: random.Random, number: int) -> Interface:
    subnet = number % 12
    host = 4 + number // 12
    managed = rng.random() < 0.1
    return Interface(
        eni=f"eni-0{rng.getrandbits(64):016x}",
        ipv4=f"10.{20 + subnet // 8}.{subnet * 16 + rng.randrange(16)}.{host}",
        ipv6=f"2a05:d018:1f3:{0x5C00 + subnet:x}:{rng.getrandbits(16):x}:{rng.getrandbits(16):x}"
        f":{rng.getrandbits(16):x}:{host:x}",
        subnet=f"subnet-0{random.Random(subnet).getrandbits(64):016x}",
        instance="-" if managed else f"i-0{rng.getrandbits(64):016x}",
        zone=ZONES[subnet % 3],
        tags=(f"team%20{subnet}", rng.choice(("prod", "stage", "caf%C3%A9", "blue%2Dgreen"))),
        kind="nat_gateway" if managed else "-",
        task=_ecs_task(rng) if rng.random() < 0.3 else {},
    )


def _ecs_task(rng: random.Random) -> dict[str, str]:
    """The ECS fields of an interface that a task owns, on Fargate (no container instance)."""
    service, task = rng.choice(("web", "orders", "search", "mail")), f"{rng.getrandbits(128):032x}"
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
    return {
        "ecs-cluster-arn": f"{arn}:cluster/shop",
        "ecs-cluster-name": "shop",
        "ecs-container-id": f"{task}-{rng.randrange(10**9, 10**10)}",
        "ecs-service-name": service,
        "ecs-task-definition-arn": f"{arn}:task-definition/{service}:{rng.randrange(1, 60)}",
        "ecs-task-arn": f"{arn}:task/shop/{task}",
        "ecs-task-id": task,
    }


def _common(here: Interface) -> dict[str, str]:
    next_zone = ZONES[(ZONES.index(here.zone) + 1) % 3]
    return {
        "account-id": ACCOUNT,
        "interface-id": here.eni,
        "vpc-id": VPC,
        "subnet-id": here.subnet,
        "instance-id": here.instance,
        "region": REGION,
        "az-id": here.zone,
        "instance-tag": here.tags[0],
        "instance-tag-2": here.tags[1],
        "asg-tag": here.tags[0],
        "interface-type": here.kind,
        "next-hop-az-id": next_zone if here.kind != "-" else here.zone,
        "next-hop-vpc-id": VPC,
        **here.task,
    }


def _ephemeral(rng: random.Random) -> int:
    low, high = (32768, 61000) if rng.random() < 0.7 else (1024, 65536)
    return rng.randrange(low, high)


def _icmp6(protocol: str, version6: bool) -> str:
    return "58" if version6 and protocol == "1" else protocol


def _flags(rng: random.Random, protocol: str) -> str:
    return rng.choices(_FLAGS, cum_weights=_FLAG_WEIGHTS)[0] if protocol == "6" else "0"


def _public4(rng: random.Random) -> str:
    first = rng.choice((3, 13, 18, 34, 52, 54, 80, 91, 104, 142, 151, 185, 193, 203))
    return f"{first}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _public6(rng: random.Random) -> str:
    head = f"2{rng.randrange(0x400, 0xA10):03x}:{rng.getrandbits(16):x}"
    if rng.random() < 0.6:
        return f"{head}:{rng.getrandbits(12):x}::{rng.getrandbits(16):x}"
    return head + "".join(f":{rng.getrandbits(16):x}" for _ in range(6))


def _skewed(count: int, exponent: float) -> tuple[float, ...]:
    """Cumulative weights of a Zipf distribution: a few take most of the traffic."""
    return tuple(accumulate((rank + 1) ** -exponent for rank in range(count)))


_DAMAGE: Mapping[str, Callable[[random.Random, list[bytes], Mapping[str, int]], object]] = {
    "too-few-fields": lambda rng, line, at: line.pop(rng.randrange(len(line))),
    "too-many-fields": lambda rng, line, at: line.append(b"extra"),
    "not-an-integer": lambda rng, line, at: line.__setitem__(
        at["srcport"], rng.choice((b"010", b"+6", b"6.0", b"0x1f", b"12a"))
    ),
    "out-of-range": lambda rng, line, at: line.__setitem__(
        at[rng.choice(("srcport", "protocol", "bytes"))], b"9223372036854775808"
    ),
    "not-utf8": lambda rng, line, at: line.__setitem__(at["action"], b"ACC\xffPT"),
}


def bad_line(rng: random.Random, line: bytes, fields: tuple[str, ...]) -> tuple[bytes, str]:
    """A good line made bad, and the reason that a reader has to give for it."""
    reason = rng.choice(tuple(_DAMAGE))
    tokens = line.split(b" ")
    _DAMAGE[reason](rng, tokens, {name: n for n, name in enumerate(fields)})
    return b" ".join(tokens), reason
