"""The host answered, and still: it refused, or the application said nothing."""

from __future__ import annotations

from vpcflow_diagnose.finding import Confidence
from vpcflow_diagnose.reasoning import say
from vpcflow_diagnose.reasoning.case import Case
from vpcflow_diagnose.reasoning.ends import direction_of, ends_of
from vpcflow_diagnose.reasoning.exchange import (
    GATEWAYS,
    Exchange,
    idle_reset,
    no_reply_data,
    refused,
)
from vpcflow_diagnose.reasoning.judgement import Judgement
from vpcflow_diagnose.traffic.conversation import Conversation

ASKS = frozenset(
    (80, 443, 1433, 1521, 3306, 5432, 5439, 6379, 8000, 8080, 8443, 9000, 9200, 11211, 27017)
)
"""Services that answer each request with data. Elsewhere a client may push without being told
anything back (logs, metrics, replication)."""


def judge(case: Case, exchange: Exchange) -> Judgement | None:
    """What the answers show; None if they are what they should be."""
    # the server's own interface tells most
    seen = sorted(exchange.seen, key=lambda c: c.direction != "ingress")
    for c in seen:
        if idle_reset(c):
            return _idle(exchange, c)
    for c in seen:
        if refused(c):
            return _refused(case, exchange, c)
    for c in seen:
        if no_reply_data(c):
            return _application(case, exchange, c)
    return None


def _host(case: Case, c: Conversation) -> tuple[str | None, bool]:
    """The server's interface, and whether the conversation was recorded there and it is a host."""
    views = case.views(c)
    network = views[0].network if views else None
    here = direction_of(network, c) == "ingress"
    if network is not None:
        server = ends_of(network, c)[1].interface
        if server is not None:
            return server.id, server.id == c.interface_id and server.type not in GATEWAYS
    return (c.interface_id if here else None), here


def _refused(case: Case, exchange: Exchange, c: Conversation) -> Judgement:
    host, here = _host(case, c)
    confidence: Confidence = "likely" if c.reply.flagged else "possible"
    if here and c.reply.flagged and case.views(c):
        confidence = "proven"
    return Judgement(
        "connection-refused",
        confidence,
        say.refused(exchange),
        exchange,
        c,
        c.reply,
        None,
        host,
        evidence=(f"{c.reply.flows} answers are RST, none is SYN-ACK",),
        scope=(exchange.server, exchange.port),
    )


def _application(case: Case, exchange: Exchange, c: Conversation) -> Judgement:
    host, here = _host(case, c)
    sure = (
        (here or not case.views(c))
        and exchange.port in ASKS
        and c.forward.flagged
        and not case.lossy(c)
    )
    return Judgement(
        "application",
        "likely" if sure else "possible",
        say.application(exchange, c),
        exchange,
        c,
        c.forward,
        None,
        host,
        evidence=(
            f"client sent {c.forward.bytes:,} bytes in {c.forward.packets:,} packets; "
            f"server {c.reply.bytes:,} bytes in {c.reply.packets:,}: acknowledgements only",
        ),
        scope=(exchange.server, exchange.port),
    )


def _idle(exchange: Exchange, c: Conversation) -> Judgement:
    return Judgement(
        "idle-timeout",
        "likely",
        say.idle(exchange, c),
        exchange,
        c,
        c.reply if c.reply.rst else c.forward,
        scope=(exchange.server, exchange.port),
    )
