"""What the interfaces saw, and the records that AWS would write of it."""

from __future__ import annotations

from random import Random

from attrs import define, field, frozen

from .addresses import is_six
from .model import ACCOUNT, REGION, Interface
from .packet import Fate, Hop

FIN, SYN, RST, SYN_ACK = 1, 2, 4, 18

DEFAULT = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
]
V3_NAMES = ["vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr"]
V4_NAMES = ["region", "az-id", "sublocation-type", "sublocation-id"]
V5_NAMES = ["pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction", "traffic-path"]
FORMATS: dict[str, list[str]] = {
    "default": DEFAULT,
    "v3": [*DEFAULT, "tcp-flags", "vpc-id", "subnet-id", "type"],
    "v5": [*DEFAULT, *V3_NAMES, *V4_NAMES, *V5_NAMES],
    "custom": [
        "interface-id",
        "action",
        "log-status",
        "flow-direction",
        "srcaddr",
        "srcport",
        "dstaddr",
        "dstport",
        "protocol",
        "tcp-flags",
        "packets",
        "bytes",
        "pkt-srcaddr",
        "pkt-dstaddr",
        "traffic-path",
        "start",
        "end",
        "version",
        "vpc-id",
        "subnet-id",
        "az-id",
        "account-id",
    ],
    "v8": [*DEFAULT, *V3_NAMES, *V4_NAMES, *V5_NAMES, "reject-reason"],
}
VERSIONS = {"default": 2, "v3": 3, "v5": 5, "custom": 5, "v8": 8}


@frozen(eq=False)
class Seen:
    """Packets at one interface. time: seconds from the start of the capture."""

    time: float
    hop: Hop
    protocol: int
    packets: int
    bytes: int
    flags: int


@define
class Tape:
    seen: list[Seen] = field(factory=list)

    def add(
        self, fate: Fate, time: float, protocol: int, packets: int, size: int, flags: int = 0
    ) -> None:
        """size: bytes of all packets."""
        for hop in fate.hops:
            self.seen.append(Seen(time, hop, protocol, packets, size, flags))


@frozen
class Row:
    """One record. start, end: seconds from the start of the capture."""

    hop: Hop
    protocol: int
    packets: int
    bytes: int
    flags: int
    start: int
    end: int


@define
class Tally:
    """A record in the making."""

    hop: Hop
    protocol: int
    start: int
    packets: int = 0
    bytes: int = 0
    flags: int = 0
    end: int = 0

    def count(self, seen: Seen) -> None:
        second = int(seen.time)
        self.packets += seen.packets
        self.bytes += seen.bytes
        self.flags |= seen.flags
        self.start, self.end = min(self.start, second), max(self.end, second)

    def row(self) -> Row:
        return Row(
            self.hop, self.protocol, self.packets, self.bytes, self.flags, self.start, self.end
        )


def rows(tape: Tape, rng: Random, window: int, length: int) -> list[Row]:
    """Aggregated per interface and window: flags OR-ed, accepted and rejected apart."""
    phases: dict[str, int] = {}
    found: dict[tuple[object, ...], Tally] = {}
    for seen in tape.seen:
        hop = seen.hop
        if not 0 <= seen.time < length:
            continue
        identity = hop.interface.id
        if identity not in phases:
            phases[identity] = rng.randrange(window)
        key = (
            identity,
            int(seen.time + phases[identity]) // window,
            hop.egress,
            hop.accepted,
            hop.src,
            hop.dst,
            hop.sport,
            hop.dport,
            seen.protocol,
            hop.pkt_src,
            hop.pkt_dst,
        )
        tally = found.get(key)
        if tally is None:
            tally = found[key] = Tally(hop, seen.protocol, int(seen.time))
        tally.count(seen)
    return [tally.row() for tally in found.values()]


def zone_id(zone: str) -> str:
    return f"euw1-az{'abc'.index(zone) + 1}"


class Writer:
    """Lines in one format. Records' constant parts are made once for each interface."""

    def __init__(self, names: list[str], version: int, start: int) -> None:
        self.names, self.version, self.start = names, version, start
        self.templates: dict[str, str] = {}

    def header(self) -> str:
        return " ".join(self.names)

    def line(self, row: Row) -> str:
        hop = row.hop
        return self._template(hop.interface) % {
            "srcaddr": hop.src,
            "dstaddr": hop.dst,
            "srcport": hop.sport,
            "dstport": hop.dport,
            "protocol": row.protocol,
            "packets": row.packets,
            "bytes": "-" if hop.reason == "BPA" else row.bytes,
            "start": self.start + row.start,
            "end": self.start + row.end,
            "action": "ACCEPT" if hop.accepted else "REJECT",
            "tcp-flags": row.flags if row.protocol == 6 else 0,
            "type": "IPv6" if is_six(hop.src) else "IPv4",
            "pkt-srcaddr": hop.pkt_src,
            "pkt-dstaddr": hop.pkt_dst,
            "flow-direction": "egress" if hop.egress else "ingress",
            "traffic-path": hop.path or "-",
            "reject-reason": hop.reason or "-",
        }

    def _template(self, interface: Interface) -> str:
        template = self.templates.get(interface.id)
        if template is None:
            known = self._known(interface, "OK")
            template = " ".join(known.get(name) or f"%({name})s" for name in self.names)
            self.templates[interface.id] = template
        return template

    def _known(self, interface: Interface, status: str) -> dict[str, str]:
        return {
            "version": str(self.version),
            "account-id": ACCOUNT,
            "interface-id": interface.id,
            "log-status": status,
            "vpc-id": interface.vpc.id,
            "subnet-id": interface.subnet.id,
            "instance-id": interface.instance or "-",
            "region": REGION,
            "az-id": zone_id(interface.subnet.zone),
            "sublocation-type": "-",
            "sublocation-id": "-",
            "pkt-src-aws-service": "-",
            "pkt-dst-aws-service": "-",
        }

    def nothing(self, interface: Interface, status: str, start: int, end: int) -> str:
        """NODATA or SKIPDATA."""
        known = self._known(interface, status)
        known |= {"start": str(self.start + start), "end": str(self.start + end)}
        return " ".join(known.get(name, "-") for name in self.names)
