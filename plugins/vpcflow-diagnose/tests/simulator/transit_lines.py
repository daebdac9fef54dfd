"""Records of a transit gateway's flow log (version 6): no action, but counters of what was lost."""

from __future__ import annotations

from .addresses import within
from .model import ACCOUNT, REGION, Attachment, World
from .tape import Row, zone_id

NAMES = [
    "version",
    "resource-type",
    "account-id",
    "tgw-id",
    "tgw-attachment-id",
    "tgw-src-vpc-account-id",
    "tgw-dst-vpc-account-id",
    "tgw-src-vpc-id",
    "tgw-dst-vpc-id",
    "tgw-src-subnet-id",
    "tgw-dst-subnet-id",
    "tgw-src-eni",
    "tgw-dst-eni",
    "tgw-src-az-id",
    "tgw-dst-az-id",
    "tgw-pair-attachment-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "log-status",
    "type",
    "packets-lost-no-route",
    "packets-lost-blackhole",
    "packets-lost-mtu-exceeded",
    "packets-lost-ttl-expired",
    "tcp-flags",
    "region",
    "flow-direction",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
]
COUNTERS = {
    "no-route": "packets-lost-no-route",
    "blackhole-route": "packets-lost-blackhole",
    "mtu-exceeded": "packets-lost-mtu-exceeded",
    "ttl-expired": "packets-lost-ttl-expired",
}


def transit_line(row: Row, world: World, start: int) -> str:
    """The record of a packet that enters the gateway, or leaves it, at the row's interface."""
    transit, hop = world.transit, row.hop
    assert transit is not None
    source = _attachment(transit.attachments, hop.pkt_src)
    dest = _attachment(transit.attachments, hop.pkt_dst)
    lost = transit.losses.get(dest.vpc.id) if not hop.egress else None
    zone = hop.interface.subnet.zone
    values: dict[str, object] = dict.fromkeys(COUNTERS.values(), 0)
    if lost:
        values[COUNTERS[lost]] = row.packets
    for side, attachment in (("src", source), ("dst", dest)):
        end = attachment.interfaces[zone]
        unknown = side == "dst" and lost == "no-route"  # where would it have gone?
        values |= {
            f"tgw-{side}-vpc-account-id": "-" if unknown else ACCOUNT,
            f"tgw-{side}-vpc-id": "-" if unknown else attachment.vpc.id,
            f"tgw-{side}-subnet-id": "-" if unknown else end.subnet.id,
            f"tgw-{side}-eni": "-" if unknown else end.id,
            f"tgw-{side}-az-id": "-" if unknown else zone_id(zone),
        }
    here, pair = (dest, source) if hop.egress else (source, dest)
    values |= {
        "version": 6,
        "resource-type": "TransitGateway",
        "account-id": ACCOUNT,
        "tgw-id": transit.id,
        "tgw-attachment-id": here.id,
        "tgw-pair-attachment-id": "-" if lost == "no-route" else pair.id,
        "srcaddr": hop.pkt_src,
        "dstaddr": hop.pkt_dst,
        "srcport": hop.sport,
        "dstport": hop.dport,
        "protocol": row.protocol,
        "packets": row.packets,
        "bytes": row.bytes,
        "start": start + row.start,
        "end": start + row.end,
        "log-status": "OK",
        "type": "IPv4",
        "tcp-flags": row.flags,
        "region": REGION,
        "flow-direction": "egress" if hop.egress else "ingress",
    }
    return " ".join(str(values.get(name, "-")) for name in NAMES)


def _attachment(attachments: list[Attachment], address: str) -> Attachment:
    return next(a for a in attachments if within(address, a.vpc.cidr))
