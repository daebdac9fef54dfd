"""Flow logs for tests of `traffic/`: lines from values by column name, and reading them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from vpcflow_diagnose.traffic.conversation import Conversation
from vpcflow_diagnose.traffic.traffic import Traffic, gather
from vpcflow_query.reading import Reading

START = 1_789_380_000

V2 = (
    *("version", "account_id", "interface_id", "srcaddr", "dstaddr", "srcport", "dstport"),
    *("protocol", "packets", "bytes", "start", "end", "action", "log_status"),
)
V5 = (
    *V2,
    *("vpc_id", "subnet_id", "tcp_flags", "pkt_srcaddr", "pkt_dstaddr", "flow_direction"),
    *("traffic_path", "reject_reason", "resource_id"),
)
"""The fields of version 5 that matter here, and two later ones."""
TRANSIT = (
    *("resource_type", "tgw_id", "tgw_attachment_id", "tgw_pair_attachment_id"),
    *("srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end"),
    *("log_status", "packets_lost_no_route", "packets_lost_blackhole"),
    *("packets_lost_mtu_exceeded", "packets_lost_ttl_expired"),
)

DEFAULTS = {
    "version": 5,
    "account_id": "123456789012",
    "interface_id": "eni-a",
    "protocol": 6,
    "packets": 5,
    "bytes": 1500,
    "start": START,
    "end": START + 30,
    "action": "ACCEPT",
    "log_status": "OK",
}

Record = dict[str, object]


def record(src: str, sport: int, dst: str, dport: int, **values: object) -> Record:
    """A record; `at` sets start, and end 30 seconds later."""
    at = int(str(values.pop("at", START)))
    made: Record = DEFAULTS | {"start": at, "end": at + 30}
    made |= {"srcaddr": src, "srcport": sport, "dstaddr": dst, "dstport": dport}
    made |= {"pkt_srcaddr": src, "pkt_dstaddr": dst}
    return made | values


def log(records: Sequence[Record], columns: Sequence[str] = V5) -> bytes:
    """A file with a header line."""
    rows = [" ".join(str(r.get(name, "-")) for name in columns) for r in records]
    header = " ".join(name.replace("_", "-") for name in columns)
    return "\n".join([header, *rows, ""]).encode()


@contextmanager
def traffic(
    records: Sequence[Record], columns: Sequence[str] = V5, memory: str = "256MB"
) -> Iterator[Traffic]:
    with gather(Reading([log(records, columns)]), memory=memory) as made:
        yield made


def conversations(records: Sequence[Record], columns: Sequence[str] = V5) -> list[Conversation]:
    """All of them, healthy ones too, ordered by their names."""
    with traffic(records, columns) as made:
        found = list(made.between(None, None, most=1_000_000))
    return sorted(found, key=lambda c: (c.interface_id, c.client, c.server, c.port, c.protocol))


def only(records: Sequence[Record], columns: Sequence[str] = V5) -> Conversation:
    (found,) = conversations(records, columns)
    return found
