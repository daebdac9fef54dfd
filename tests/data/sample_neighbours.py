"""What else the sample logs show of the shop's network: IPv6, and its transit gateway."""

from __future__ import annotations

import random
from collections.abc import Iterator

from attrs import frozen
from sample_story import (
    ACCOUNT,
    ALB_A,
    APP_1,
    END,
    REGION,
    SUBNETS,
    TEN_OCLOCK,
    VPC,
    WEB,
    Flow,
    Record,
    reply,
    seen,
    talk,
)

SCANNER = "2001:db8:bad::66"
CLIENTS = ("2001:db8:1::7", "2001:db8:2:3:4:5:6:7", "2001:db8:a:b::c", "2001:db8::1:0:0:9")
MIRROR = "2001:db8:ffff::80"
ICMP_V6 = 58


def ipv6(seed: int = 2) -> list[Record]:
    """Clients at the load balancer, downloads by app-1, echo requests, and a scan of web-1."""
    rng = random.Random(seed)
    records: list[Record] = []
    for at in range(TEN_OCLOCK + 5, END - 20, 19):
        there = Flow(rng.choice(CLIENTS), rng.randrange(32768, 61000), ALB_A, 443, 9, 1_530, 3)
        records += talk(at, at + 4, there, reply(there, 11, rng.randrange(3_000, 90_000), 19))
    for at in range(TEN_OCLOCK + 30, END - 20, 95):
        there = Flow(APP_1, rng.randrange(32768, 61000), MIRROR, 443, 800, 64_000, 3)
        records += talk(at, at + 8, there, reply(there, 15_000, 22_500_000, 19))
        ping = Flow(MIRROR, 0, WEB, 0, 4, 416, 0, ICMP_V6)
        records += talk(at + 1, at + 5, ping, reply(ping, 4, 416))
    for number, port in enumerate((22, 80, 3389, 5900, 8443, 9200)):
        at = TEN_OCLOCK + 140 + 13 * number
        probe = Flow(SCANNER, 60_000 + number, WEB, port, 1, 60, 2)
        records.append(seen(WEB, probe, at, at + 1, action="REJECT"))
    return sorted(records, key=lambda r: (int(r["end"]), r["interface-id"], int(r["start"])))


@frozen
class Attachment:
    """A network at the transit gateway; what the gateway does not know of it is `-`."""

    id: str
    vpc: str = "-"
    account: str = "-"
    subnet: str = "-"
    eni: str = "-"
    zone: str = "-"


GATEWAY = "tgw-0d000000000000001"
SHOP = Attachment(
    "tgw-attach-0d000000000000002",
    VPC,
    ACCOUNT,
    SUBNETS["app-a"][0],
    "eni-0b0000000000000f1",
    SUBNETS["app-a"][1],
)
TOOLS = Attachment(
    "tgw-attach-0d000000000000003",
    "vpc-0a000000000000b0b",
    "210987654321",
    "subnet-0aa0000000000b001",
    "eni-0b0000000000000f2",
    "euw1-az1",
)
OFFICE = Attachment("tgw-attach-0d000000000000004")
NOWHERE = Attachment("-")

LEDGER, PRINTER, GONE, UNROUTED = "10.8.0.40", "192.168.10.20", "10.9.3.3", "172.20.1.1"


def transit_gateway(seed: int = 2) -> list[Record]:
    """The shop asks a ledger in another account's VPC, which works; it also talks to the office
    over a VPN, where large packets are lost; to a VPC whose route is a blackhole; and to an address
    without a route."""
    rng = random.Random(seed)
    records: list[Record] = []
    for at in range(TEN_OCLOCK + 7, END - 40, 13):
        port = rng.randrange(32768, 61000)
        packets, octets = rng.randrange(6, 40), rng.randrange(900, 60_000)
        there = Flow(APP_1, port, LEDGER, 443, packets, octets, 27)
        records += _crossing(there, SHOP, TOOLS, at)
        records += _crossing(reply(there, packets + 3, 4 * octets, 27), TOOLS, SHOP, at)
    for at in range(TEN_OCLOCK + 20, END - 40, 55):
        job = Flow(APP_1, rng.randrange(32768, 61000), PRINTER, 9100, 30, 43_000, 18)
        records += _crossing(job, SHOP, OFFICE, at, "packets-lost-mtu-exceeded", 24)
        records += _crossing(reply(job, 6, 312, 16), OFFICE, SHOP, at)
        lost = Flow(APP_1, rng.randrange(32768, 61000), GONE, 5432, 4, 240, 2)
        records.append(_at_gateway(lost, SHOP, NOWHERE, at, "ingress", "packets-lost-blackhole", 4))
        lost = Flow(APP_1, rng.randrange(32768, 61000), UNROUTED, 80, 3, 180, 2)
        records.append(_at_gateway(lost, SHOP, NOWHERE, at, "ingress", "packets-lost-no-route", 3))
    return sorted(records, key=lambda r: (int(r["end"]), r["tgw-attachment-id"], int(r["start"])))


def _crossing(
    flow: Flow, source: Attachment, target: Attachment, at: int, lost: str = "-", count: int = 0
) -> Iterator[Record]:
    """A flow where it enters the gateway and where it leaves it; losses are counted on leaving."""
    yield _at_gateway(flow, source, target, at, "ingress")
    yield _at_gateway(flow, source, target, at, "egress", lost, count)


def _at_gateway(
    flow: Flow,
    source: Attachment,
    target: Attachment,
    at: int,
    direction: str,
    lost: str = "-",
    count: int = 0,
) -> Record:
    here, there = (source, target) if direction == "ingress" else (target, source)
    source_host, target_host = (
        end if isinstance(end, str) else end.ip for end in (flow.src, flow.dst)
    )
    record = {
        "resource-type": "TransitGateway",
        "account-id": ACCOUNT,
        "tgw-id": GATEWAY,
        "tgw-attachment-id": here.id,
        "tgw-pair-attachment-id": there.id,
        "srcaddr": source_host,
        "dstaddr": target_host,
        "srcport": str(flow.sport),
        "dstport": str(flow.dport),
        "protocol": str(flow.protocol),
        "packets": str(flow.packets),
        "bytes": str(flow.octets),
        "start": str(at),
        "end": str(at + 33),
        "log-status": "OK",
        "type": "IPv4",
        "tcp-flags": str(flow.flags),
        "region": REGION,
        "flow-direction": direction,
    }
    for side, attachment in (("src", source), ("dst", target)):
        record |= {
            f"tgw-{side}-vpc-account-id": attachment.account,
            f"tgw-{side}-vpc-id": attachment.vpc,
            f"tgw-{side}-subnet-id": attachment.subnet,
            f"tgw-{side}-eni": attachment.eni,
            f"tgw-{side}-az-id": attachment.zone,
        }
    for reason in ("no-route", "blackhole", "mtu-exceeded", "ttl-expired"):
        name = f"packets-lost-{reason}"
        record[name] = str(count) if name == lost else "0"
    return record
