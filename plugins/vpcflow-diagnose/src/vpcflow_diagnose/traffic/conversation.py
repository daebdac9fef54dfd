"""What one interface saw of the traffic between a client and a service."""

from __future__ import annotations

from attrs import field, frozen


@frozen
class Tally:
    """All records of one direction and one action within a conversation.

    flows: records. first, last: earliest `start` and latest `end`, milliseconds since 1970.
    low_port, high_port: of the client; 0 for protocols without. port_bits: bit (port % 64) is set
    for each client port seen. The rest needs tcp-flags and is of TCP records that have them
    (`flagged` says how many): syn: SYN and no ACK in it. syn_only: flags exactly SYN and not more
    bytes than bare SYNs have. retried: of those, with two or more packets. syn_ack, fin, rst:
    records with them. before_rst: latest `end` of records without RST or FIN; first_rst: earliest
    `start` of records with RST; 0 for none. reject_reason: "BPA", "EC" or None. traffic_path: the
    highest of the records, None if unknown. raw_src, raw_dst: the interface-side addresses where
    they differ from the packets' (NAT, load balancers, secondary addresses), of one of the records.
    """

    flows: int = 0
    packets: int = 0
    bytes: int = 0
    first: int = 0
    last: int = 0
    low_port: int = 0
    high_port: int = 0
    port_bits: int = 0
    flagged: int = 0
    syn: int = 0
    syn_only: int = 0
    retried: int = 0
    syn_ack: int = 0
    fin: int = 0
    rst: int = 0
    before_rst: int = 0
    first_rst: int = 0
    reject_reason: str | None = None
    traffic_path: int | None = None
    raw_src: str | None = None
    raw_dst: str | None = None

    def __bool__(self) -> bool:
        return self.flows > 0


NOTHING = Tally()


@frozen
class Conversation:
    """Traffic from a client (who opened it) to a service, at one interface, over the client's
    ports and all time.

    interface_id: or the resource-id of a regional NAT gateway. client, server: the packets' own
    addresses (pkt-* where the log has them). port: the service's; 0 for protocols without ports,
    where client is who was seen first. direction: of what the client sends, at this interface:
    "egress" (the client is here) or "ingress"; None if unknown. The four tallies: forward is client
    to server; each by action. known_peer: the end that is not this interface's has been in an
    accepted two-way exchange somewhere in these logs. known_service: server and port have answered
    somebody.
    """

    interface_id: str
    client: str
    server: str
    port: int
    protocol: int
    direction: str | None
    forward: Tally = NOTHING
    forward_rejected: Tally = NOTHING
    reply: Tally = NOTHING
    reply_rejected: Tally = NOTHING
    vpc_id: str | None = None
    subnet_id: str | None = None
    known_peer: bool = False
    known_service: bool = False

    @property
    def first(self) -> int:
        return min(t.first for t in self.tallies if t)

    @property
    def last(self) -> int:
        return max(t.last for t in self.tallies if t)

    @property
    def tallies(self) -> tuple[Tally, Tally, Tally, Tally]:
        return (self.forward, self.forward_rejected, self.reply, self.reply_rejected)


@frozen
class Probes:
    """Unsolicited connection attempts from the internet that one interface refused: public
    clients of which it let through nothing, and that either did not insist (fewer than three
    records of one packet each) and were answered nowhere, or tried more than three ports and hosts
    here. One line an interface.

    sources, ports: how many distinct ones. examples: the sources that tried most, most first.
    top_ports: most tried first.
    """

    interface_id: str
    flows: int
    packets: int
    sources: int
    ports: int
    first: int
    last: int
    examples: tuple[str, ...] = field(default=(), converter=tuple)
    top_ports: tuple[int, ...] = field(default=(), converter=tuple)


@frozen
class TransitLoss:
    """Packets that a transit gateway dropped (record version 6), by what it logged.

    resource_id: the gateway's or attachment's id as the record has it.
    """

    tgw_id: str | None
    attachment_id: str | None
    pair_attachment_id: str | None
    srcaddr: str
    dstaddr: str
    dstport: int
    protocol: int
    flows: int
    packets: int
    first: int
    last: int
    no_route: int = 0
    blackhole: int = 0
    mtu_exceeded: int = 0
    ttl_expired: int = 0


@frozen
class Gap:
    """Windows of an interface whose records AWS lost (SKIPDATA)."""

    interface_id: str
    windows: int
    first: int
    last: int


@frozen
class Facts:
    """Of all records. columns: what the logs' formats have. first, last: milliseconds since 1970,
    0 if nothing was read. interfaces: all that were seen, NODATA included."""

    columns: frozenset[str]
    records: int = 0
    accepted: int = 0
    rejected: int = 0
    nodata: int = 0
    skipdata: int = 0
    first: int = 0
    last: int = 0
    interfaces: frozenset[str] = field(default=frozenset(), repr=False)
