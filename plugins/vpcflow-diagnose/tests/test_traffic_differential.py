"""The tables against a slow aggregation in plain Python, over random small logs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from attrs import asdict
from hypothesis import given, settings
from hypothesis import strategies as st
from traffic_logs import START, V5, Record, record, traffic
from vpcflow_diagnose.traffic.conversation import Conversation

ADDRESSES = ("10.0.0.1", "10.0.0.2", "192.0.2.1", "2001:db8::1")
SERVICES = ((22, 6), (443, 6), (5432, 6), (53, 17), (4789, 17), (0, 1))
CLIENT_FLAGS = (0, 1, 2, 3, 4, 6, 7, "-")
SERVER_FLAGS = (0, 1, 4, 18, 19, 22, "-")
ONE_OF: dict[str, Any] = {
    "interface_id": st.sampled_from(("eni-a", "eni-b", "-")),
    "resource_id": st.sampled_from(("-", "nat-1")),
    "packets": st.integers(0, 5) | st.just(10**12),
    "bytes": st.sampled_from(("-", 0, 60, 100, 161, 200, 5000, 2**62)),
    "action": st.sampled_from(("ACCEPT", "REJECT", "ACCEPT", "-")),
    "log_status": st.sampled_from(("OK", "OK", "OK", "OK", "NODATA", "SKIPDATA")),
    "flow_direction": st.sampled_from(("egress", "ingress", "-")),
    "traffic_path": st.sampled_from(("-", 1, 8)),
    "reject_reason": st.sampled_from(("-", "BPA", "EC", "other")),
    "at": st.integers(START, START + 3),
}


@st.composite
def consistent(draw: st.DrawFn) -> Record:
    """A record whose flags and ports agree on who is the client."""
    client, server = draw(st.permutations(ADDRESSES))[:2]
    port, protocol = draw(st.sampled_from(SERVICES))
    client_port = draw(st.integers(32768, 32772)) if port else 0
    values = {name: draw(strategy) for name, strategy in ONE_OF.items()}
    values["protocol"] = protocol
    if draw(st.booleans()):
        return record(
            client,
            client_port,
            server,
            port,
            tcp_flags=draw(st.sampled_from(CLIENT_FLAGS)),
            **values,
        )
    return record(
        server, port, client, client_port, tcp_flags=draw(st.sampled_from(SERVER_FLAGS)), **values
    )


@st.composite
def anything(draw: st.DrawFn) -> Record:
    """A record of any ports and flags."""
    ends = [(draw(st.sampled_from(ADDRESSES)), draw(st.sampled_from(PORTS))) for _ in range(2)]
    values = {name: draw(strategy) for name, strategy in ONE_OF.items()}
    values |= {"protocol": draw(st.sampled_from((6, 17))), "action": "ACCEPT", "log_status": "OK"}
    return record(*ends[0], *ends[1], tcp_flags=draw(st.sampled_from((0, 2, 18, 4, "-"))), **values)


PORTS = (80, 500, 3306, 40000, 40001, 50051)


def columns() -> st.SearchStrategy[list[str]]:
    optional = ("tcp_flags", "flow_direction", "bytes", "packets", "traffic_path", "resource_id")
    return st.lists(st.sampled_from(optional), unique=True, max_size=2).map(
        lambda absent: [name for name in V5 if name not in absent]
    )


def seen(r: Record, names: Iterable[str]) -> Record:
    """The record as the log has it: absent columns and dashes are None."""
    return {n: None if n not in names or r.get(n, "-") == "-" else r[n] for n in [*V5, "at"]}


def key_of(r: Record) -> tuple[Any, bool]:
    """Interface, client, server, port and protocol, and whether it is an answer."""
    interface = r["interface_id"] or r["resource_id"] or "-"
    ends = [(r["srcaddr"], r["srcport"]), (r["dstaddr"], r["dstport"])]
    reply = 0 < int(str(r["srcport"])) < 32768
    if r["protocol"] == 1:  # by address, for now
        reply = str(ends[0][0]) > str(ends[1][0])
    client, server = reversed(ends) if reply else ends
    return (interface, client[0], server[0], server[1], r["protocol"]), reply


def tally(rows: list[tuple[Record, int]]) -> dict[str, Any]:
    """rows: records of one way and verdict, and the client's ports."""
    flagged = [r for r, _ in rows if r["tcp_flags"] is not None and r["protocol"] == 6]

    def count(test: Any) -> list[Record]:
        return [r for r in flagged if test(int(str(r["tcp_flags"])), r)]

    def bare(f: int, r: Record) -> bool:
        limit = 100 if ":" in str(r["srcaddr"]) else 80
        return f == 2 and (r["bytes"] or 0) <= (r["packets"] or 0) * limit  # type: ignore[operator]

    reasons = [r["reject_reason"] for r, _ in rows if r["reject_reason"] in ("BPA", "EC")]
    paths = [int(str(r["traffic_path"])) for r, _ in rows if r["traffic_path"]]
    ports = [port for _, port in rows]
    times = [(int(str(r["start"])) * 1000, int(str(r["end"])) * 1000) for r, _ in rows]
    return {
        "flows": len(rows),
        "packets": sum(r["packets"] or 0 for r, _ in rows),  # type: ignore[misc]
        "bytes": sum(r["bytes"] or 0 for r, _ in rows),  # type: ignore[misc]
        "first": min(first for first, _ in times),
        "last": max(last for _, last in times),
        "low_port": min(ports),
        "high_port": max(ports),
        "port_bits": sum({1 << port % 64 for port in ports}),
        "flagged": len(flagged),
        "syn": len(count(lambda f, _: f & 18 == 2)),
        "syn_only": len(count(bare)),
        "retried": len(count(lambda f, r: bare(f, r) and (r["packets"] or 0) > 1)),
        "syn_ack": len(count(lambda f, _: f & 18 == 18)),
        "fin": len(count(lambda f, _: f & 1)),
        "rst": len(count(lambda f, _: f & 4)),
        "before_rst": max(
            (int(str(r["end"])) * 1000 for r in count(lambda f, _: not f & 5)), default=0
        ),
        "first_rst": min(
            (int(str(r["start"])) * 1000 for r in count(lambda f, _: f & 4)), default=0
        ),
        "reject_reason": max(reasons, default=None, key=str),
        "traffic_path": max(paths, default=None),
        "raw_src": None,
        "raw_dst": None,
    }


Tallies = dict[str, list[tuple[Record, int]]]


def slowly(records: list[Record]) -> dict[Any, dict[str, Any]]:
    """Conversations by key: their tallies."""
    groups: dict[Any, Tallies] = defaultdict(lambda: defaultdict(list))
    for r in records:
        if r["log_status"] != "OK":
            continue
        key, reply = key_of(r)
        name = ("reply" if reply else "forward") + ("_rejected" if r["action"] == "REJECT" else "")
        groups[key][name].append((r, int(str(r["dstport"] if reply else r["srcport"]))))
    return {
        (turned(key) if wrong(tallies) else key): {
            (other(name) if wrong(tallies) else name): tally(rows) for name, rows in tallies.items()
        }
        for key, tallies in ((k, t) for k, t in groups.items())
        for wrong in [lambda t, k=key: k[4] == 1 and came_second(t)]
    }


def turned(key: Any) -> Any:
    return (key[0], key[2], key[1], *key[3:])


def other(name: str) -> str:
    return name.replace("reply", "x").replace("forward", "reply").replace("x", "forward")


def came_second(tallies: Tallies) -> bool:
    """Whether who is said to be the client was seen after the other end."""
    forth = tallies.get("forward", []) + tallies.get("forward_rejected", [])
    back = tallies.get("reply", []) + tallies.get("reply_rejected", [])
    if not forth or not back:
        return not forth
    first, answer = (min(int(str(r["start"])) for r, _ in rows) for rows in (forth, back))
    if first != answer:
        return answer < first
    passed = [name in tallies for name in ("forward", "reply")]
    if passed[0] != passed[1]:
        return passed[1]
    ways = [r["flow_direction"] for r, _ in forth]
    return ways.count("egress") < ways.count("ingress")


def as_dict(found: Conversation) -> dict[str, Any]:
    names = ("forward", "forward_rejected", "reply", "reply_rejected")
    return {n: asdict(t) for n, t in zip(names, found.tallies, strict=True) if t}


@settings(max_examples=25)
@given(st.lists(consistent(), max_size=25), columns())
def test_tallies_and_facts(records: list[Record], names: list[str]) -> None:
    read = [seen(r, names) for r in records]
    with traffic(records, names) as made:
        found = {
            (c.interface_id, c.client, c.server, c.port, c.protocol): as_dict(c)
            for c in made.between(None, None, most=1000)
        }
        assert found == slowly(read)
        facts = made.facts
        assert (facts.records, facts.nodata, facts.skipdata) == (
            len(read),
            sum(r["log_status"] == "NODATA" for r in read),
            sum(r["log_status"] == "SKIPDATA" for r in read),
        )
        fine = [r["action"] for r in read if r["log_status"] == "OK"]
        assert (facts.accepted, facts.rejected) == (fine.count("ACCEPT"), fine.count("REJECT"))
        assert facts.first == min((int(str(r["start"])) * 1000 for r in read), default=0)
        assert facts.last == max((int(str(r["end"])) * 1000 for r in read), default=0)


@settings(max_examples=15)
@given(st.lists(anything(), max_size=25), columns())
def test_nothing_is_lost_in_turning(records: list[Record], names: list[str]) -> None:
    """Whoever is taken for the client: records and bytes of two ends stay theirs, by way."""
    wanted: dict[Any, int] = defaultdict(int)
    for r in (seen(r, names) for r in records):
        interface = r["interface_id"] or r["resource_id"] or "-"
        wanted[(interface, r["srcaddr"], r["dstaddr"], r["protocol"])] += 1
    got: dict[Any, int] = defaultdict(int)
    with traffic(records, names) as made:
        for c in made.between(None, None, most=1000):
            if c.forward:
                got[(c.interface_id, c.client, c.server, c.protocol)] += c.forward.flows
            if c.reply:
                got[(c.interface_id, c.server, c.client, c.protocol)] += c.reply.flows
    assert got == wanted


def test_spilling_changes_nothing() -> None:
    records = [
        record(
            f"10.{n % 50}.{n % 7}.{n % 200}",
            32768 + n % 20000,
            f"192.0.{n % 100}.{n % 31}",
            n % 1000,
            tcp_flags=n % 4,
            packets=n % 9,
            at=START + n % 3600,
        )
        for n in range(60_000)
    ]
    answers = []
    for memory in ("64MB", "1GB"):
        with traffic(records, memory=memory) as made:
            answers.append(
                (made.facts, list(made.suspicious(200)), made.probes(), made.top("address"))
            )
    assert answers[0] == answers[1]
    assert len(answers[0][1]) == 200
