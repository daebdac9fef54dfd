"""What is counted for each way and verdict."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from traffic_logs import START, TRANSIT, V2, V5, Record, conversations, log, only, record, traffic
from vpcflow_diagnose.traffic.conversation import Gap
from vpcflow_diagnose.traffic.traffic import gather
from vpcflow_query.reading import Reading

from vpcflow import FlowBatch, FlowStream, UsageError

A, B = "10.0.0.10", "10.0.0.20"


def test_four_tallies() -> None:
    records = [
        record(A, 40000, B, 443, packets=1, bytes=100),
        record(A, 40001, B, 443, packets=2, bytes=200, action="REJECT"),
        record(B, 443, A, 40002, packets=4, bytes=400),
        record(B, 443, A, 40003, packets=8, bytes=800, action="REJECT", reject_reason="BPA"),
    ]
    found = only(records)
    assert [t.packets for t in found.tallies] == [1, 2, 4, 8]
    assert [t.bytes for t in found.tallies] == [100, 200, 400, 800]
    assert [t.low_port for t in found.tallies] == [40000, 40001, 40002, 40003]
    assert [t.reject_reason for t in found.tallies] == [None, None, None, "BPA"]


def test_flags_are_counted() -> None:
    flags = [0, 1, 2, 2, 3, 4, 6, "-"]
    records = [
        record(A, 40000, B, 443, tcp_flags=f, packets=1, bytes=60, at=START + n)
        for n, f in enumerate(flags)
    ]
    records[3] |= {"packets": 3, "bytes": 180}
    tally = only(records).forward
    assert tally.flows == 8
    assert (tally.flagged, tally.syn, tally.syn_only, tally.retried) == (7, 4, 2, 1)
    assert (tally.syn_ack, tally.fin, tally.rst) == (0, 2, 2)
    assert tally.before_rst == (START + 3 + 30) * 1000
    assert tally.first_rst == (START + 5) * 1000
    assert (tally.first, tally.last) == (START * 1000, (START + 7 + 30) * 1000)


@pytest.mark.parametrize(
    ("source", "server", "octets", "bare"),
    [
        (A, B, 160, 1),
        (A, B, 161, 0),
        ("2001:db8::1", "2001:db8::2", 200, 1),
        ("2001:db8::1", "2001:db8::2", 201, 0),
    ],
)
def test_bare_syns_are_small(source: str, server: str, octets: int, bare: int) -> None:
    tally = only([record(source, 40000, server, 443, tcp_flags=2, packets=2, bytes=octets)])
    assert (tally.forward.syn, tally.forward.syn_only, tally.forward.retried) == (1, bare, bare)


def test_block_public_access_writes_no_bytes() -> None:
    values = {"tcp_flags": 2, "packets": 1, "bytes": "-", "reject_reason": "BPA"}
    tally = only([record("203.0.113.9", 4000, A, 22, action="REJECT", **values)])
    assert tally.forward_rejected.syn_only == 1
    assert (tally.forward_rejected.bytes, tally.forward_rejected.reject_reason) == (0, "BPA")


def test_an_unknown_reason_is_none() -> None:
    assert only([record(A, 1, B, 443, reject_reason="Accepted")]).forward.reject_reason is None


def test_traffic_path_place() -> None:
    values = {"vpc_id": "vpc-1", "subnet_id": "subnet-1"}
    found = only([record(A, 40000, B, 443, traffic_path=p, **values) for p in (1, 8)])
    assert (found.forward.traffic_path, found.vpc_id, found.subnet_id) == (8, "vpc-1", "subnet-1")
    assert only([record(A, 40000, B, 443)]).forward.traffic_path is None


def test_who_answered_is_known() -> None:
    records = [
        record(A, 40000, B, 443, tcp_flags=3, flow_direction="egress"),
        record(B, 443, A, 40000, tcp_flags=19, flow_direction="ingress"),
        record(A, 40000, B, 22, tcp_flags=2, flow_direction="egress"),  # known, another port
        record(A, 40000, "10.0.0.30", 443, tcp_flags=2, flow_direction="egress"),
        record("10.0.0.30", 443, A, 40000, tcp_flags=4, flow_direction="ingress"),  # refuses
        record("10.0.0.40", 40000, B, 443, tcp_flags=2, interface_id="eni-b", action="REJECT"),
    ]
    found = {(c.client, c.server, c.port): c for c in conversations(records)}
    known = {key: (c.known_peer, c.known_service) for key, c in found.items()}
    assert known == {
        (A, B, 443): (True, True),
        (A, B, 22): (True, False),
        (A, "10.0.0.30", 443): (False, False),
        ("10.0.0.40", B, 443): (False, True),
    }


def test_facts_and_gaps() -> None:
    nothing = {"srcaddr": "-", "dstaddr": "-", "pkt_srcaddr": "-", "pkt_dstaddr": "-"}
    records = [
        record(A, 40000, B, 443),
        record(A, 40000, B, 443, action="REJECT", at=START + 60),
        record(A, 40000, B, 443, interface_id="eni-q", log_status="NODATA", at=START - 60),
        record(A, 40000, B, 443, log_status="SKIPDATA", at=START + 300),
        record(A, 40000, B, 443, log_status="SKIPDATA", at=START + 120, **nothing),
    ]
    with traffic(records) as made:
        facts = made.facts
        assert (facts.records, facts.accepted, facts.rejected) == (5, 1, 1)
        assert (facts.nodata, facts.skipdata) == (1, 2)
        assert (facts.first, facts.last) == ((START - 60) * 1000, (START + 330) * 1000)
        assert facts.interfaces == {"eni-a", "eni-q"}
        assert facts.columns == set(V5)
        assert made.gaps() == [Gap("eni-a", 2, (START + 120) * 1000, (START + 330) * 1000)]
        (found,) = made.between(None, None)
        assert (found.forward.flows, found.forward_rejected.flows) == (1, 1)


def test_no_records() -> None:
    with traffic([]) as made:
        assert made.facts.records == made.facts.first == 0
        assert list(made.suspicious()) == made.probes() == made.gaps() == made.losses() == []
        assert made.timeline() == made.pairs() == made.top("address") == []


ENDS = ("srcaddr", "dstaddr")


@pytest.mark.parametrize("absent", [name for name in V5 if name not in ENDS])
def test_every_other_column_may_be_missing(absent: str) -> None:
    columns = tuple(name for name in V5 if name != absent)
    records = [
        record(A, 40000, B, 443, tcp_flags=3),
        record(B, 443, A, 40000, tcp_flags=19, action="REJECT"),
    ]
    with traffic(records, columns) as made:
        assert absent not in made.facts.columns
        assert made.facts.records == 2
        found = list(made.between(None, None))
        assert sum(t.flows for c in found for t in c.tallies) == 2
        assert bool(list(made.suspicious())) == (absent != "action")
        assert sum(pair.flows for pair in made.pairs()) == 2


def test_without_an_action_records_count_as_seen() -> None:
    columns = [name for name in V2 if name != "action"]
    with traffic([record(A, 40000, B, 443), record(B, 443, A, 40000)], columns) as made:
        (found,) = made.between(None, None)
        assert (found.forward.flows, found.reply.flows) == (1, 1)
        assert (made.facts.accepted, made.facts.rejected) == (0, 0)


def test_only_addresses() -> None:
    found = only([record(A, 40000, B, 443)], ENDS)
    assert (found.interface_id, found.forward.flows, found.forward.packets) == ("-", 1, 0)
    found = only([record(A, 40000, B, 443)], ("pkt_srcaddr", "pkt_dstaddr", "dstport"))
    assert (found.client, found.server, found.forward.raw_src) == (B, A, None)


@pytest.mark.parametrize(
    ("columns", "named"),
    [(("srcaddr", "dstport"), ["dstaddr"]), (("interface_id", "action"), ["srcaddr", "dstaddr"])],
)
def test_ends_must_be_there(columns: tuple[str, ...], named: list[str]) -> None:
    with pytest.raises(UsageError) as raised, traffic([record(A, 1, B, 2)], columns):
        pass
    assert all(name in str(raised.value) for name in named)


def transit(lost: str | None = None, **values: object) -> Record:
    made = record(A, 40000, "192.168.1.1", 443, resource_type="TransitGateway", tgw_id="tgw-1")
    made |= {"tgw_attachment_id": "att-1", "tgw_pair_attachment_id": "att-2", "packets": 7}
    made |= {name: 0 for name in TRANSIT if name.startswith("packets_lost")}
    return made | ({f"packets_lost_{lost}": 7} if lost else {}) | values


def test_transit_gateways_lose_packets() -> None:
    records = [
        transit(),
        transit("blackhole"),
        transit("blackhole", at=START + 60, start=START + 60, end=START + 90),
        transit("no_route", dstport=22),
        transit(srcaddr="192.168.1.1", dstaddr=A, log_status="NODATA"),
    ]
    with traffic(records, TRANSIT) as made:
        assert list(made.between(None, None)) == list(made.suspicious()) == []
        blackhole, no_route = made.losses()
        assert (blackhole.tgw_id, blackhole.attachment_id, blackhole.pair_attachment_id) == (
            "tgw-1",
            "att-1",
            "att-2",
        )
        assert (blackhole.srcaddr, blackhole.dstaddr) == (A, "192.168.1.1")
        assert (blackhole.dstport, blackhole.protocol, blackhole.flows) == (443, 6, 2)
        assert (blackhole.packets, blackhole.blackhole, blackhole.no_route) == (14, 14, 0)
        assert (blackhole.first, blackhole.last) == (START * 1000, (START + 90) * 1000)
        assert (no_route.dstport, no_route.no_route, no_route.blackhole) == (22, 7, 0)
        assert (made.facts.records, made.facts.nodata, made.facts.accepted) == (5, 1, 0)


def test_one_stream_holds_both_kinds_of_records() -> None:
    vpc = log([record(A, 40000, B, 443, tcp_flags=2, action="REJECT")], V2)
    sources = [vpc, log([transit("mtu_exceeded"), transit()], TRANSIT)]
    with gather(Reading(sources), memory="256MB") as made:
        (found,) = made.between(None, None)
        assert (found.client, found.forward_rejected.flows) == (A, 1)
        (loss,) = made.losses()
        assert loss.mtu_exceeded == 7
        assert made.facts.columns == {*V2, *TRANSIT}


def test_a_damaged_source_gives_what_it_has() -> None:
    records = [record(A, 40000, B, port) for port in range(1, 1001)]
    whole = gzip.compress(log(records), mtime=0)
    reading = Reading([whole[: len(whole) // 2], log([record(A, 40000, B, 2000)])])
    with gather(reading, memory="256MB") as made:
        ports = {c.port for c in made.between(None, None)}
        assert {1, 2000} < ports
        assert made.facts.records == len(ports) < 1001
    assert len(reading.errors) == 1


def test_a_condition_on_a_column_that_is_not_there() -> None:
    reading = Reading([log([record(A, 40000, B, 443)], V2)], where={"vpc_id": "vpc-1"})
    with pytest.raises(UsageError, match="vpc_id"), gather(reading):
        pass


def test_conditions_leave_records_out() -> None:
    records = [record(A, 40000, B, 443), record(A, 40000, B, 22, interface_id="eni-b")]
    with gather(Reading([log(records)], where={"dstport": 443})) as made:
        assert [c.port for c in made.between(None, None)] == [443]
        assert made.facts.interfaces == {"eni-a"}


@pytest.mark.parametrize("kind", [KeyboardInterrupt, UsageError])
def test_what_reading_raises_is_raised(
    kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Reading, stream: FlowStream) -> Iterator[FlowBatch]:
        yield next(stream)
        raise kind("while reading")

    monkeypatch.setattr(Reading, "batches", broken)
    with pytest.raises(kind, match="while reading"), traffic([record(A, 40000, B, 443)]):
        pass
