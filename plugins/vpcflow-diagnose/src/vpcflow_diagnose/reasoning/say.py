"""The sentences of findings: plain words first. Whatever comes from logs or inventory passes
`printable` here or in `End.label`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vpcflow.errors import printable
from vpcflow_diagnose.network.history import View
from vpcflow_diagnose.reasoning.ends import End
from vpcflow_diagnose.reasoning.exchange import NAMES, TCP, UDP, Exchange
from vpcflow_diagnose.reasoning.rules import Denial
from vpcflow_diagnose.traffic.conversation import Conversation

if TYPE_CHECKING:
    from vpcflow_diagnose.reasoning.unanswered import Silence

NOWHERE = "-"
_OUT_IN = {"egress": "outbound", "ingress": "inbound"}
_DECADES = 30 * 365 * 86_400_000
_EPHEMERAL = 1024


def ports(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def plural(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def safe(text: str | None) -> str:
    return printable(text or "", 200)


def question(e: Exchange) -> str:
    """ "from 10.0.1.5 to 10.0.2.9:5432"."""
    return f"from {safe(e.client)} to {safe(e.service)}"


def snapshot(view: View) -> str:
    """Which snapshot was asked, and how far from the flow it was taken."""
    # a flow of 1970 is one without a time
    known = view.distance is None or view.distance < _DECADES
    time = view.network.time
    if time is None or view.distance is None:
        return "judged by a snapshot without a time"
    if not known:
        return f"judged by the snapshot of {time:%Y-%m-%d %H:%M:%S}Z; when the flow was is not said"
    apart = "taken meanwhile" if view.distance == 0 else f"{_span(view.distance)} from the flow"
    return f"judged by the snapshot of {time:%Y-%m-%d %H:%M:%S}Z, {apart}"


def _span(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return plural(seconds // size, unit)
    return plural(seconds, "second")


def denied(
    e: Exchange,
    client: End,
    server: End,
    denial: Denial,
    reply: bool,
    client_ports: tuple[int, int],
) -> str:
    """Which rule set drops which packets."""
    if reply:
        what = f"The reply from {_at(server, e)} to {client.label}"
    else:
        what = f"{_protocol(e)} from {client.label} to {_at(server, e)}"
    uses = ""
    if reply and denial.ports and client_ports[1]:
        uses = f", and this client uses {ports(*client_ports)}"
    return f"{what} is dropped by {dropper(denial)}{uses}"


def dropper(denial: Denial) -> str:
    """The rule set, the rule, and what that says instead."""
    side = _OUT_IN[denial.direction]
    if denial.cause == "security-group":
        return (
            f"the security group {safe(denial.resource)} ({side}): no rule allows "
            f"{safe(denial.rule)}; nearest: {safe(denial.words)}"
        )
    return f"{safe(denial.resource)} rule {safe(denial.rule)} ({side}): it {safe(denial.words)}"


def _at(end: End, e: Exchange) -> str:
    shown = safe(e.service)
    if end.interface is None:
        return shown
    return f"{shown} ({safe(end.interface.label)})"


def _protocol(e: Exchange) -> str:
    if e.protocol in (TCP, UDP) and e.port:
        return f"{NAMES[e.protocol]} {e.port}"
    return NAMES.get(e.protocol, f"protocol {e.protocol}")


def by_reason(e: Exchange, c: Conversation, cause: str) -> str:
    if cause == "block-public-access":
        return (
            f"VPC Block Public Access drops traffic {question(e)} at {safe(c.interface_id)}: "
            "security groups and network ACLs are not at fault"
        )
    return (
        f"VPC Encryption Controls drop unencrypted traffic {question(e)} at "
        f"{safe(c.interface_id)}: security groups and network ACLs are not at fault"
    )


def undecided(
    e: Exchange, c: Conversation, way: str | None, reply: bool, open_: Sequence[str] = ()
) -> str:
    """Either of the two, and nothing here says which. open_: causes that the inventory leaves open;
    it rules out the other one."""
    what = "The reply of a connection" if reply else "Traffic"
    side = f" ({_OUT_IN[way]})" if way else ""
    dropped = f"{what} {question(e)} is dropped at {at(c)}{side}"
    if set(open_) == {"security-group"}:
        return f"{dropped} by a security group, if by a rule: its network ACL allows it"
    if set(open_) == {"network-acl"}:
        return f"{dropped} by the network ACL, if by a rule: its security groups allow it"
    whom = f"{dropped} by a security group or a network ACL"
    if open_:
        return f"{whom}: the inventory does not say enough of either"
    return f"{whom}: flow logs do not say which, an inventory would"


def at(c: Conversation) -> str:
    """Where it was recorded."""
    known = c.interface_id != NOWHERE
    return safe(c.interface_id) if known else "an interface that the log does not name"


def alone(
    cause: str,
    e: Exchange,
    c: Conversation,
    way: str | None,
    reply: bool,
    client_ports: tuple[int, int],
) -> str:
    """What the logs tell without an inventory."""
    where = safe(c.subnet_id) if c.subnet_id else f"the subnet of {safe(c.interface_id)}"
    if cause == "network-acl":
        side = _OUT_IN.get(way or "", "")
        uses = f" The client uses ports {ports(*client_ports)}." if client_ports[1] else ""
        return (
            f"The reply from {safe(e.service)} to {safe(e.client)} is dropped by the "
            f"{side + ' ' if side else ''}network ACL of {where}: the request was accepted, and "
            f"security groups let the replies to what they accepted pass.{uses}"
        )
    if cause == "security-group":
        return (
            f"{_protocol(e)} {question(e)} is dropped by a security group of "
            f"{safe(c.interface_id)}: both ends are in one subnet, where no network ACL is asked"
        )
    return undecided(e, c, way, reply)


def stopped(e: Exchange, words: str, returning: bool = False) -> str:
    """A route or a gateway is in the way."""
    if returning:
        return f"The reply from {safe(e.service)} to {safe(e.client)} is lost: {safe(words)}"
    return f"Traffic {question(e)} does not arrive: {safe(words)}"


def unexplained(e: Exchange, c: Conversation, way: str | None, reply: bool) -> str:
    """Nothing denies it; what is left."""
    what = "The reply to a connection" if reply else _protocol(e)
    return (
        f"{what} {question(e)} is rejected at {at(c)}"
        f"{f' ({_OUT_IN[way]})' if way else ''}, and neither its security groups nor its network "
        "ACL deny it in the snapshot: they may have been changed between the two, the connection "
        "may have been closed or its tracking expired, or a route or the far end is the cause"
    )


def late(e: Exchange, c: Conversation, idle: bool) -> str:
    if idle:
        return (
            f"Packets {question(e)} are rejected at {safe(c.interface_id)} after minutes of "
            "silence: the tracking of the connection had expired. Keepalives more often than "
            "every 350 seconds prevent it"
        )
    return (
        f"Packets {question(e)} came after their connection was over and are rejected at "
        f"{safe(c.interface_id)}: harmless"
    )


def reached(silent: Silence) -> tuple[str, ...]:
    """How far the packets came, as evidence."""
    lines = []
    if silent.at_client is not None:
        f = silent.at_client.forward
        lines.append(
            f"{safe(silent.at_client.interface_id)} sent {plural(f.packets, 'packet')} (ACCEPT) "
            "and got no answer"
        )
    if silent.at_server is not None:
        f, r = silent.at_server.forward, silent.at_server.reply
        got = f"answered {plural(r.packets, 'packet')}" if r else "sent no answer"
        lines.append(
            f"{safe(silent.at_server.interface_id)} received {plural(f.packets, 'packet')} "
            f"(ACCEPT) and {got}"
        )
    if not lines:
        f = silent.seen.forward
        lines.append(f"{safe(silent.seen.interface_id)} saw {plural(f.packets, 'packet')} pass")
    if silent.partly:
        lines.append("other attempts of the same client were answered")
    return tuple(lines)


def other_door(e: Exchange, leaves: str, came: str) -> str:
    return (
        f"The reply from {safe(e.service)} to {safe(e.client)} is lost: the request came in by "
        f"{safe(came)} and the answer leaves by {safe(leaves)}, another interface of the host, "
        "which has not its address. The host needs a route for each of its addresses (policy "
        "routing)"
    )


def no_answer(
    e: Exchange, server: End | None, at_host: bool, silent: Silence, unknown: Sequence[str]
) -> str:
    """unknown: what the inventory does not tell of the way."""
    label = _at(server, e) if server is not None else safe(e.service)
    if at_host:
        return (
            f"{label} does not answer {safe(e.client)}: its interface accepted the packets and "
            "nothing came back. Look at the host: its own firewall, whether the process runs "
            "and listens on this address"
        )
    if silent.answered:
        lost = f"{label} answers {safe(e.client)}, and the answers are lost on their way back"
        if server is None:
            return f"{lost}: a route, a gateway or the client's rules; an inventory would tell more"
        return f"{lost}: nothing in the inventory is in their way{_as_far(unknown)}"
    if server is None:
        return (
            f"Nothing comes back {question(e)}: the packets were accepted where they were sent. A "
            "route, the far side's rules, or the host itself; an inventory would tell more"
        )
    sent = f"Nothing comes back {question(e)}: the packets were accepted where they were sent, and "
    if unknown:
        return f"{sent}nothing in the inventory is in their way{_as_far(unknown)}"
    return f"{sent}nothing in the inventory is in their way. The far end drops them or is down"


def _as_far(unknown: Sequence[str]) -> str:
    return f", as far as it tells: {safe(unknown[0])}" if unknown else ""


def refused(e: Exchange) -> str:
    return (
        f"{safe(e.service)} refuses connections of {safe(e.client)} with RST: security groups, "
        "network ACLs and routes are fine both ways. Nothing listens on the port, or the process "
        "or a proxy turns them away"
    )


def application(e: Exchange, c: Conversation) -> str:
    return (
        f"{safe(e.service)} accepts the connection of {safe(e.client)} and its request, and sends "
        "no data back: the network is fine, the application does not answer"
    )


def idle(e: Exchange, c: Conversation) -> str:
    return (
        f"A connection {question(e)} was reset after more than 350 seconds of silence: NAT "
        "gateways and Network Load Balancers forget it then. Keepalives more often than that "
        "prevent it"
    )


def connected(e: Exchange, client: End | None, server: End | None) -> str:
    target = _at(server, e) if server is not None else safe(e.service)
    source = client.label if client is not None else safe(e.client)
    return f"{source} and {target} talk with each other: it is not the network"


def probes(interface: str, flows: int, sources: int, tried: int) -> str:
    return (
        f"{plural(flows, 'unsolicited connection attempt')} from the internet "
        f"({plural(sources, 'source')}, {plural(tried, 'port')}) are refused at {interface}, as "
        "they should be."
    )
