"""One question that was asked on the network, and what every interface saw of it."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from vpcflow_diagnose.traffic.conversation import Conversation, Tally

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
BARE = 80, 100
"""Bytes that a TCP packet without data hardly passes, with options: IPv4, IPv6."""
RESET = 40, 60
"""Bytes of a RST: the headers and nothing else."""
IDLE_MS = 350_000
"""After which NAT gateways and Network Load Balancers forget a silent connection (VPC User Guide,
"Troubleshoot NAT gateways")."""


@frozen
class Exchange:
    """A client, a service, and the conversations about them, one for each interface."""

    client: str
    server: str
    port: int
    protocol: int
    seen: tuple[Conversation, ...]

    @property
    def six(self) -> bool:
        return ":" in self.server

    @property
    def told(self) -> bool:
        """Whether the log says the protocol and the ports, which rules are about."""
        return self.protocol != 0 and (self.port != 0 or self.protocol not in (TCP, UDP))

    @property
    def service(self) -> str:
        """For sentences: "10.0.2.9:5432", "[2001:db8::1]:443", or "10.0.2.9 (ICMP)"."""
        name = NAMES.get(self.protocol, f"protocol {self.protocol}")
        if not self.port:
            return f"{self.server} ({name})"
        at = f"[{self.server}]:{self.port}" if self.six else f"{self.server}:{self.port}"
        return at if self.protocol == TCP else f"{at} ({name})"


GATEWAYS = frozenset(
    ("nat_gateway", "natGateway", "transit_gateway", "gateway_load_balancer",
     "gateway_load_balancer_endpoint", "network_load_balancer")
)  # fmt: skip
"""Types of interfaces that pass packets on. Where a log has no pkt-* fields it shows their own
addresses for the ends of what they pass."""

NAMES = {TCP: "TCP", UDP: "UDP", ICMP: "ICMP", ICMP6: "ICMPv6", 47: "GRE", 50: "ESP", 132: "SCTP"}


def exchanges(conversations: Iterable[Conversation]) -> list[Exchange]:
    """In the order in which the first conversation of each came."""
    found: dict[tuple[str, str, int, int], list[Conversation]] = {}
    for c in conversations:
        found.setdefault((c.client, c.server, c.port, c.protocol), []).append(c)
    return [Exchange(*key, tuple(seen)) for key, seen in found.items()]


def bare(tally: Tally, six: bool) -> bool:
    """Whether its packets carry no data."""
    return tally.bytes <= BARE[six] * tally.packets


def unanswered(c: Conversation) -> bool:
    """Accepted packets of the client, and nothing came back."""
    if not c.forward or c.reply or c.reply_rejected:
        return False
    return not _closing(c) and not got_through(c)


def got_through(c: Conversation) -> bool:
    """The client sends data or FIN on each of its connections: the handshake is done, and the
    answers pass by where this was recorded (several interfaces, an appliance on one way)."""
    f = c.forward
    if c.protocol != TCP or not f or f.flagged < f.flows or f.syn_only:
        return False
    return f.syn > 0 and (f.fin > 0 or not bare(f, ":" in c.server))


def _closing(c: Conversation) -> bool:
    """What is there is the end of something: neither opened here, nor insisting."""
    tally = c.forward
    return c.protocol == TCP and tally.flagged == tally.flows and not tally.syn


def some_unanswered(c: Conversation) -> bool:
    """Of several connection attempts some had an answer and some, that were repeated, had none."""
    answers = c.reply.syn_ack + c.reply_rejected.flows + c.reply.rst
    return bool(c.reply) and c.forward.retried > 0 and c.forward.syn > answers


def half_open(c: Conversation) -> bool:
    """The client repeats its SYN although the server answers: the answers are lost.

    Not the first window of a long connection: there the client's ACK and data make the record
    larger than bare SYNs.
    """
    f, r = c.forward, c.reply
    if not (c.protocol == TCP and f.flagged and f.syn_only and r.syn_ack):
        return False
    return f.syn_only == f.flows and r.syn_ack == r.flows and f.retried > 0 and not r.fin + r.rst


def lifeless(c: Conversation) -> bool:
    """In a log without flags: packets both ways, and never any data. A handshake that does not
    complete looks so; a health check does too."""
    f, r, six = c.forward, c.reply, ":" in c.server
    if c.protocol != TCP or not f or not r or f.flagged or r.flagged:
        return False
    return bare(f, six) and bare(r, six) and f.packets > 2 * f.flows


def refused(c: Conversation) -> bool:
    """Every answer is a RST."""
    r = c.reply
    if c.protocol != TCP or not r or not c.forward:
        return False
    if r.flagged:
        return r.rst > 0 and r.syn_ack == 0 and c.forward.syn > 0 and bare(r, ":" in c.server)
    return r.bytes <= RESET[":" in c.server] * r.packets and bare(c.forward, ":" in c.server)


def no_reply_data(c: Conversation) -> bool:
    """The handshake is done and the client has sent data; the server acknowledges and says
    nothing."""
    f, r, six = c.forward, c.reply, ":" in c.server
    opened = (r.syn_ack and f.syn) if f.flagged else f.flows == r.flows
    if c.protocol != TCP or not opened:
        return False
    return not bare(f, six) and f.bytes > BARE[six] * f.packets and bare(r, six) and r.packets > 1


def idle_reset(c: Conversation) -> bool:
    """A reset after more than 350 seconds of silence, within one connection."""
    for tally in (c.forward, c.reply):
        alone = tally.low_port == tally.high_port and tally.rst > 0
        if alone and tally.before_rst and tally.first_rst - tally.before_rst >= IDLE_MS:
            return True
    return False


def talked(c: Conversation) -> bool:
    """Both sides sent, and TCP got through its handshake as far as the flags tell."""
    if not (c.forward and c.reply):
        return False
    if c.protocol == TCP and c.reply.flagged:
        return not refused(c) and not half_open(c)
    return True


def late(rejected: Tally, accepted: Tally, answered: Tally) -> bool:
    """A REJECT of packets that came after their connection was closed: no SYN, few, and their
    connection was accepted before (VPC User Guide, "Flow log limitations")."""
    if not accepted or rejected.syn or rejected.syn_ack:
        return False
    if rejected.port_bits & ~accepted.port_bits & ~answered.port_bits:
        return False
    few = rejected.packets <= 4 * rejected.flows and rejected.flows <= accepted.flows + 1
    return few and rejected.first >= accepted.first
