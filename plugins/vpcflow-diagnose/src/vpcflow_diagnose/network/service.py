"""Which packets a rule is about: protocol, ports, ICMP type and code. The same for both kinds of
rules.

Ports count for TCP and UDP alone; a rule for any other protocol is about all its packets, whatever
ports it names (EC2 API reference, IpPermission and NetworkAclEntry).
"""

from __future__ import annotations

from attrs import frozen

from vpcflow.cli.names import protocol_name, protocol_number
from vpcflow_diagnose.network.packet import Packet

PORTS = (6, 17)
ICMP = (1, 58)
LAST_PORT = 65535


@frozen
class Service:
    """protocol: None for all. low, high: ports. icmp_type, icmp_code: None for all."""

    protocol: int | None
    low: int = 0
    high: int = LAST_PORT
    icmp_type: int | None = None
    icmp_code: int | None = None

    def matches(self, packet: Packet) -> bool | None:
        """None: it depends on the ICMP type or code, which the packet does not say."""
        if self.protocol is None:
            return True
        if self.protocol != packet.protocol:
            return False
        if self.protocol in PORTS:
            return self.low <= packet.dstport <= self.high
        if self.protocol in ICMP:
            return self._icmp(packet)
        return True

    def _icmp(self, packet: Packet) -> bool | None:
        known = True
        for wanted, has in (
            (self.icmp_type, packet.icmp_type),
            (self.icmp_code, packet.icmp_code),
        ):
            if wanted is None:
                break  # all types; or all codes of one
            if has is not None and has != wanted:
                return False
            known = known and has is not None
        return True if known else None

    @property
    def ports(self) -> str:
        """ "5432", "1024-65535"; "" for all, or where ports do not count."""
        if self.protocol not in PORTS or (self.low == 0 and self.high == LAST_PORT):
            return ""
        return ports_text(self.low, self.high)

    @property
    def width(self) -> int:
        """How many ports it is about: the fewer, the more it is meant for one of them."""
        if self.protocol is None:
            return 2 * LAST_PORT
        if self.protocol in ICMP:
            return 1 if self.icmp_type is not None else LAST_PORT
        return self.high - self.low + 1 if self.protocol in PORTS else 1

    def __str__(self) -> str:
        """ "tcp 5432", "all tcp", "icmp type 8", "all traffic"."""
        if self.protocol is None:
            return "all traffic"
        name = named(self.protocol)
        if self.protocol in ICMP and self.icmp_type is not None:
            code = "" if self.icmp_code is None else f" code {self.icmp_code}"
            return f"{name} type {self.icmp_type}{code}"
        if self.ports:
            return f"{name} {self.ports}"
        return f"all {name}"


def ports_text(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def named(protocol: int) -> str:
    """ "tcp"; "protocol 143" for one without a name."""
    name = protocol_name(protocol)
    return f"protocol {name}" if name.isdigit() else name


def asked(packet: Packet) -> str:
    """What a rule would have to allow: "tcp 5432", "icmp type 8", "gre"."""
    if packet.protocol in PORTS:
        return f"{named(packet.protocol)} {packet.dstport}"
    if packet.protocol in ICMP and packet.icmp_type is not None:
        return str(Service(packet.protocol, 0, 0, packet.icmp_type, packet.icmp_code))
    return named(packet.protocol)


def protocol_of(value: object) -> int | None:
    """AWS's protocol: a name, a number, as text or not; None for all ("-1").

    Raises ValueError for what is none.
    """
    if isinstance(value, str):
        if value.lower() == "all":
            return None
        by_name = protocol_number(value)
        if by_name is not None:
            return by_name
    found = whole(value)
    if found is None or not -1 <= found <= 255:
        raise ValueError("not a protocol")
    return None if found == -1 else found


def whole(value: object) -> int | None:
    """An integer, or one in text; None for None. Raises ValueError for anything else."""
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) < 10:  # int() takes long for long ones
        return int(value)
    raise ValueError("not an integer")


def service_of(protocol: int | None, low: object, high: object) -> Service:
    """The service of a rule with AWS's two numbers, ports or ICMP type and code; absent or -1 is
    all. Raises ValueError for numbers that no rule can have."""
    first, last = whole(low), whole(high)
    if protocol in ICMP:
        type_ = _byte(first)
        return Service(protocol, icmp_type=type_, icmp_code=None if type_ is None else _byte(last))
    if protocol not in PORTS:
        return Service(protocol)
    first = 0 if first in (None, -1) else first
    last = LAST_PORT if last in (None, -1) else last
    assert first is not None
    assert last is not None
    if not 0 <= first <= last <= LAST_PORT:
        raise ValueError("no range of ports")
    return Service(protocol, first, last)


def _byte(value: int | None) -> int | None:
    if value is None or value == -1:
        return None
    if not 0 <= value <= 255:
        raise ValueError("no ICMP type or code")
    return value
