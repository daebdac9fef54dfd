"""What rules and routes are asked about, and what they answer."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

Direction = Literal["ingress", "egress"]


def towards(direction: Direction) -> str:
    """The word for the other end in a rule: "from" for what comes in."""
    return "from" if direction == "ingress" else "to"


@frozen
class Packet:
    """One packet's header, or a range of them that differ in the client's port alone.

    srcport, dstport: 0 for protocols without ports. ICMP's type and code are not in flow logs: None
    means any.
    """

    src: str
    dst: str
    protocol: int
    srcport: int = 0
    dstport: int = 0
    icmp_type: int | None = None
    icmp_code: int | None = None

    def reversed(self) -> Packet:
        return Packet(self.dst, self.src, self.protocol, self.dstport, self.srcport)


@frozen
class Verdict:
    """What a network ACL, or all security groups of an interface together, say to a packet.

    allowed: None where it cannot be decided; `why` says for lack of what. resource: the ACL, or the
    group that allows; for a denial the first group. rule: an ACL rule's number as text ("100";
    "32767" is the default deny), a group's rule id (sgr-) or "protocol ports peer"; for a denial by
    groups the rule that is missing ("tcp 5432 from 10.0.1.5/32"). words: what the deciding or the
    nearest rule says, for a sentence: "allows 32768-60999 to 10.0.0.0/8". by_name: the deciding
    rule is written for this address or port and not for everybody: its block is not 0.0.0.0/0 or
    ::/0, it names a group or a prefix list, or it is for one port.
    """

    allowed: bool | None
    resource: str
    rule: str
    words: str
    why: str = ""
    by_name: bool = False


@frozen
class Hop:
    """Where a route table sends an address.

    table: the id; None if the subnet's table is not known. destination: the route's CIDR or prefix
    list, None where no route matches. target: "local", "internet-gateway", "egress-only",
    "nat-gateway", "interface", "peering", "transit-gateway", "endpoint", "gateway-load-balancer",
    "vpn-gateway", "carrier-gateway", "core-network", "other". target_id: as AWS writes it.
    state: "active" or "blackhole". also: destinations of less specific routes that match too.
    unknown: why another route might hold, in words; "" where nothing speaks for that.
    """

    table: str | None
    destination: str | None
    target: str | None = None
    target_id: str | None = None
    state: str = "active"
    also: tuple[str, ...] = ()
    unknown: str = ""
