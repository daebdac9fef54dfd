"""What is asked of gathered traffic: suspicious conversations, probes, ends, totals."""

from __future__ import annotations

import random
from ipaddress import ip_network

import pytest
from traffic_logs import START, V2, Record, record, traffic
from vpcflow_diagnose.traffic.codes import ACCEPTED, KIND, SEEN
from vpcflow_diagnose.traffic.talkers import Pair
from vpcflow_diagnose.traffic.timeline import Timeline

A, B, C = "10.0.0.10", "10.0.0.20", "10.0.0.30"
OUTSIDE = "198.51.100.7"


def exchange(client: str, server: str, port: int, **values: object) -> list[Record]:
    """A whole connection at the client's interface."""
    return [
        record(client, 40000, server, port, tcp_flags=3, flow_direction="egress", **values),
        record(server, port, client, 40000, tcp_flags=19, flow_direction="ingress", **values),
    ]


def syn(client: str, server: str, port: int, **values: object) -> Record:
    asked = {"tcp_flags": 2, "packets": 1, "bytes": 60, "flow_direction": "ingress"}
    return record(client, 40000, server, port, **(asked | values))


def suspects(records: list[Record]) -> list[tuple[str, int]]:
    with traffic(records) as made:
        return [(c.server, c.port) for c in made.suspicious()]


def test_healthy_traffic_is_not_suspicious() -> None:
    long = [
        record(A, 40001, B, 8443, tcp_flags=2, bytes=4000, flow_direction="egress"),
        record(B, 8443, A, 40001, tcp_flags=18, bytes=4000, flow_direction="ingress"),
        *(r | {"tcp_flags": 0} for r in exchange(A, B, 8443, at=START + 60)),
    ]
    upload = exchange(A, C, 443)
    upload[1] |= {"packets": 600, "bytes": 600 * 53}
    udp = [r | {"protocol": 17, "tcp_flags": 0} for r in exchange(A, B, 53)]
    assert suspects([*exchange(A, B, 443), *long, *upload, *udp]) == []


@pytest.mark.parametrize(
    "records",
    [
        [syn(A, B, 443, action="REJECT")],
        [syn(A, B, 443), record(B, 443, A, 40000, tcp_flags=18, action="REJECT")],
        [syn(A, B, 443, packets=3, bytes=180)],
        [syn(A, B, 443), record(B, 443, A, 40000, tcp_flags=4, packets=1, bytes=40)],
        # the handshake and the request, then nothing but acknowledgements
        [
            record(A, 40000, B, 443, tcp_flags=2, packets=4, bytes=900),
            record(B, 443, A, 40000, tcp_flags=18, packets=3, bytes=164),
        ],
        # healthy once, no answer later
        [*exchange(A, B, 443), *(syn(A, B, 443, at=START + n * 60) for n in (1, 2, 3))],
        [*exchange(A, B, 443), syn(A, B, 443, at=START + 60, packets=3, bytes=180)],
        # a reset after six minutes of silence
        [
            *(r | {"tcp_flags": 2 if r["srcaddr"] == A else 18} for r in exchange(A, B, 443)),
            record(B, 443, A, 40000, tcp_flags=4, packets=1, bytes=40, at=START + 400),
        ],
        [record(A, 40000, B, 53, protocol=17)],
        [record(A, 0, B, 0, protocol=1)],
    ],
)
def test_suspicious(records: list[Record]) -> None:
    port = 0 if records[0]["protocol"] == 1 else records[0]["dstport"]
    assert suspects(records) == [(B, port)]


def test_the_weightiest_come_first() -> None:
    records = [
        record(A, 40000, "10.0.1.1", 514, protocol=17, packets=10**6),  # may be meant so
        syn(A, "10.0.1.2", 443, packets=100, bytes=6000),  # no answer
        syn(A, "10.0.1.3", 443, packets=2, bytes=120, action="REJECT"),
        syn(A, "10.0.1.4", 443, packets=4, bytes=240, action="REJECT"),
        *(r | {"interface_id": "eni-k"} for r in exchange(C, "10.0.1.5", 443)),
        syn(A, "10.0.1.5", 443, action="REJECT"),  # a service that is known
    ]
    order = [5, 4, 3, 2, 1]
    assert suspects(records) == [(f"10.0.1.{n}", 514 if n == 1 else 443) for n in order]
    with traffic(records) as made:
        assert [c.server for c in made.suspicious(2)] == ["10.0.1.5", "10.0.1.4"]


def test_scanners_are_one_line_and_a_client_that_insists_is_not_among_them() -> None:
    random.seed(3)
    scans = [
        syn(f"203.0.113.{n % 250}", B, port, action="REJECT", interface_id="eni-b")
        for n in range(1000)
        for port in (random.choice((22, 23, 3389)),)
    ]
    repeating = [
        syn(OUTSIDE, B, port, action="REJECT", packets=2, bytes=88, at=START + 60 * n)
        for n in range(5)
        for port in range(1, 30)
    ]
    insisting = [
        syn("198.51.100.8", B, 443, action="REJECT", packets=3, bytes=180),
        *(syn("198.51.100.9", B, 5432, action="REJECT", at=START + n) for n in range(3)),
    ]
    private = syn(A, B, 22, action="REJECT")
    with traffic([*scans, *repeating, *insisting, private]) as made:
        found = {c.client for c in made.suspicious()}
        first, second = made.probes()
    # some of the scanners happened to try one port three times
    assert {A, "198.51.100.8", "198.51.100.9"} <= found
    assert OUTSIDE not in found
    assert first.interface_id == "eni-b"
    assert second == first.__class__(
        interface_id="eni-a",
        flows=145,
        packets=290,
        sources=1,
        ports=29,
        first=START * 1000,
        last=(START + 270) * 1000,
        examples=(OUTSIDE,),
        top_ports=tuple(range(1, 11)),
    )


def test_who_was_answered_is_no_scanner_unless_it_tries_many_ports() -> None:
    served = [
        record(OUTSIDE, 40000, C, 443, interface_id="eni-c", tcp_flags=3),
        record(C, 443, OUTSIDE, 40000, interface_id="eni-c", tcp_flags=19),
    ]
    one = syn(OUTSIDE, B, 22, action="REJECT")
    with traffic([*served, one]) as made:
        assert made.probes() == []
        (found,) = made.suspicious()
        assert found.known_peer
    with traffic([*served, *({**one, "dstport": port} for port in range(1, 10))]) as made:
        (probes,) = made.probes()
        assert probes.ports == 9
        assert list(made.suspicious()) == []


def test_what_is_no_probe() -> None:
    records = [
        # let through once
        syn("203.0.113.1", B, 22, action="REJECT"),
        syn("203.0.113.1", B, 443),
        # an interface's own public address, which sends
        syn("2600:1f00::1", "2600:1f00::2", 22, action="REJECT"),
        syn("2600:1f00::1", "2600:1f00::2", 22, flow_direction="egress", interface_id="eni-b"),
        # outwards
        syn("203.0.113.2", "203.0.113.3", 22, action="REJECT", flow_direction="egress"),
        *(syn(private, B, 22, action="REJECT") for private in ("172.16.3.4", "100.64.1.1")),
        *(syn(private, B, 22, action="REJECT") for private in ("192.168.0.1", "fd00::1")),
    ]
    with traffic(records) as made:
        assert made.probes() == []
        assert len(list(made.suspicious())) == 9


def test_probes_without_flags_and_directions() -> None:
    scans = [syn(f"203.0.113.{n}", B, 22, action="REJECT") for n in range(100)]
    with traffic([*scans, *exchange(A, B, 443)], V2) as made:
        (probes,) = made.probes()
        assert (probes.flows, probes.sources, probes.top_ports) == (100, 100, (22,))
        assert len(probes.examples) == 5


def test_between() -> None:
    records = [
        *exchange(A, B, 443),
        *exchange(A, C, 5432),
        *exchange("2001:db8::a", "2001:db8:1::1", 443),
        *(r | {"interface_id": "eni-b"} for r in exchange(A, B, 443)),
        syn(OUTSIDE, A, 22),
    ]
    with traffic(records) as made:

        def found(*args: object, **options: object) -> list[tuple[str, str, int]]:
            ends = [None if a is None else [ip_network(str(n)) for n in a] for a in args]  # type: ignore[attr-defined]
            return sorted(
                (c.client, c.server, c.port)
                for c in made.between(*ends, **options)  # type: ignore[arg-type]
            )

        assert len(found(None, None)) == 5
        assert found(["10.0.0.10/32"], ["10.0.0.16/28"]) == [(A, B, 443)] * 2 + [(A, C, 5432)]
        assert found(["10.0.0.0/8"], None, port=5432) == [(A, C, 5432)]
        assert found(["0.0.0.0/0"], ["0.0.0.0/0"], interfaces=["eni-b"]) == [(A, B, 443)]
        assert found(None, None, interfaces=["eni-unknown"]) == []
        assert found(None, None, protocol=17) == []
        assert found(["198.51.100.0/24", "2001:db8::/48"], None) == [
            ("198.51.100.7", A, 22),
            ("2001:db8::a", "2001:db8:1::1", 443),
        ]
        assert found(["2001:db8:0:0:0:0:0:a/128"], ["::/0"], most=1) == [
            ("2001:db8::a", "2001:db8:1::1", 443)
        ]
        assert found([], None) == []
        # questions may be asked within questions
        inner = [len(found([c.client], [c.server])) for c in made.between(None, None)]
        assert sorted(inner) == [1, 1, 1, 2, 2]


def test_addresses_that_are_none_match_nothing() -> None:
    with traffic([syn("a'b", "1.2.3", 22), syn("1.2.3.400", "::x", 22)]) as made:
        everything = [ip_network("0.0.0.0/0"), ip_network("::/0")]
        assert list(made.between(everything, None)) == list(made.between(None, everything)) == []
        assert len(list(made.between(None, None))) == 2


def test_accepted() -> None:
    records = [*exchange(A, B, 443), syn(OUTSIDE, B, 22, action="REJECT")]
    with traffic(records) as made:
        assert [c.port for c in made.accepted(["eni-a"])] == [443]
        assert list(made.accepted(["eni-b"])) == list(made.accepted([])) == []


def test_top_counts_once_what_two_interfaces_saw() -> None:
    records = [
        *exchange(A, B, 443, bytes=1000),
        *(r | {"interface_id": "eni-b"} for r in exchange(A, B, 443, bytes=1000)),
        *exchange(A, C, 22, bytes=10, packets=1),
        syn(A, C, 22, action="REJECT"),
    ]
    with traffic(records) as made:
        assert [(t.names, t.bytes) for t in made.top("interface")] == [
            (("eni-a",), 2080),
            (("eni-b",), 2000),
        ]
        assert [(t.names, t.bytes, t.flows, t.rejected) for t in made.top("address")] == [
            ((A,), 2080, 5, 1),
            ((B,), 2000, 2, 0),
            ((C,), 80, 3, 1),
        ]
        assert [t.names for t in made.top("pair", 1)] == [(A, B)]
        assert [t.names for t in made.top("port")] == [(443, 6), (22, 6)]
        assert made.pairs(1) == [Pair(A, B, 443, 6, 2000, 10, 2, 0)]


def test_timeline() -> None:
    records = [
        record(A, 40000, B, 443, at=START + second, bytes=100, packets=1)
        for second in range(0, 600, 2)
    ]
    records += [syn(A, B, 22, action="REJECT", at=START + 300) for _ in range(5)]
    records.append(record(A, 40000, B, 443, log_status="NODATA", action="-", at=START + 9000))
    with traffic(records) as made:
        buckets = made.timeline(12)
        assert len(buckets) == 10
        assert [(b.end - b.start) for b in buckets] == [60_000] * 10
        assert buckets[0].start == START * 1000
        assert [b.accepted_bytes for b in buckets] == [3000] * 10
        assert [(b.rejected_flows, b.rejected_bytes) for b in buckets if b.rejected_flows] == [
            (5, 300)
        ]
        assert len(made.timeline(600)) == 599
        assert len(made.timeline(1)) in (1, 2)


def test_a_timeline_of_years_stays_small() -> None:
    import pyarrow as pa

    timeline = Timeline()
    day = 86_400_000
    for year in range(30):
        starts = [(year * 365 + n) * day + 12_345 for n in range(365)]
        table = pa.table(
            {
                "start": pa.array(starts, pa.timestamp("ms", "UTC")),
                "mark": pa.array([ACCEPTED << KIND] * 364 + [SEEN << KIND], pa.int32()),
                "bytes": [1] * 365,
            }
        )
        timeline.add(table)
    buckets = timeline.buckets(50)
    assert len(buckets) <= 50
    assert sum(b.accepted_flows for b in buckets) == sum(b.accepted_bytes for b in buckets)
    assert sum(b.accepted_flows for b in buckets) == 30 * 364
