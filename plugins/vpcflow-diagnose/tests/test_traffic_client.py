"""Which end of a record is the client, and which way it goes at the interface."""

from __future__ import annotations

import pytest
from traffic_logs import START, V2, V5, Record, conversations, only, record

A, B, C = "10.0.0.10", "10.0.0.20", "10.0.0.30"
INTERNET = "198.51.100.7"


def both(src: str, sport: int, dst: str, dport: int, **values: object) -> list[Record]:
    """There and back."""
    return [record(src, sport, dst, dport, **values), record(dst, dport, src, sport, **values)]


SERVICES = (
    # the client's port, the service's, protocol
    (40000, 443, 6),
    (1025, 1024, 6),  # by number
    (1100, 3306, 6),  # registered
    (32768, 32767, 6),
    (8080, 80, 6),  # both are services: well known
    (40000, 53, 17),
    (50000, 123, 17),
    (1300, 514, 17),
    (4000, 4789, 17),
)


def test_ports_tell_the_service() -> None:
    records = []
    for number, (client_port, port, protocol) in enumerate(SERVICES):
        values = {"protocol": protocol, "interface_id": f"eni-{number}"}
        records += both(A, client_port, B, port, **values)
    for found, (client_port, port, protocol) in zip(
        conversations(records, V2), SERVICES, strict=True
    ):
        assert (found.client, found.server) == (A, B)
        assert (found.port, found.protocol) == (port, protocol)
        for tally in (found.forward, found.reply):
            assert (tally.low_port, tally.high_port) == (client_port, client_port)
            assert tally.port_bits == 1 << client_port % 64


def test_who_sends_syn_is_the_client() -> None:
    found = only([record(A, 80, B, 50000, tcp_flags=flags) for flags in (2, 3, 6, 7)])
    assert (found.client, found.port, found.forward.flows) == (A, 50000, 4)


def test_who_answers_syn_is_the_server() -> None:
    found = only([record(A, 50000, B, 80, tcp_flags=flags) for flags in (18, 19, 22, 23)])
    assert (found.client, found.server, found.port) == (B, A, 50000)
    assert (found.reply.flows, found.reply.syn_ack) == (4, 4)


def test_flags_of_other_protocols_say_nothing() -> None:
    found = only([record(A, 53, B, 50000, protocol=17, tcp_flags=2)])
    assert (found.client, found.port, found.reply.flagged) == (B, 53, 0)


def test_rows_from_mid_life_join_the_connection_that_a_syn_opened() -> None:
    """Service 50051, clients above and below; the ranks alone would take 40000 for the service."""
    records = [
        record(A, 40000, B, 50051, tcp_flags=2),
        record(B, 50051, A, 40000, tcp_flags=18),
        *both(A, 40000, B, 50051, tcp_flags=0, at=START + 60),
        *both(A, 60000, B, 50051, tcp_flags=0, at=START + 60),
        *both(C, 41000, B, 50051, tcp_flags=0),  # another client of a service that answered
    ]
    first, second = conversations(records)
    assert (first.client, first.server, first.port) == (A, B, 50051)
    assert (first.forward.flows, first.reply.flows) == (3, 3)
    assert (first.forward.low_port, first.forward.high_port) == (40000, 60000)
    assert first.forward.port_bits == 1 << 40000 % 64 | 1 << 60000 % 64
    assert (second.client, second.server, second.port) == (C, B, 50051)


def test_a_scanned_port_is_no_service_of_who_was_scanned() -> None:
    """A SYN without an answer to the port that a client happens to use does not turn it."""
    records = [
        record(INTERNET, 1234, A, 50000, tcp_flags=2, action="REJECT"),
        *both(A, 50000, B, 443, tcp_flags=0),
    ]
    found = {(c.client, c.server, c.port) for c in conversations(records)}
    assert found == {(INTERNET, A, 50000), (A, B, 443)}


@pytest.mark.parametrize(("columns", "protocol"), [(V2, 6), (V2, 17), (V5, 17)])
def test_without_flags_the_port_that_many_talk_to_is_the_service(
    columns: tuple[str, ...], protocol: int
) -> None:
    records = [
        r
        for client, port in ((A, 40000), (A, 41000), (A, 60000), (C, 42000))
        for r in both(client, port, B, 50051, protocol=protocol)
    ]
    found = conversations(records, columns)
    assert [(c.client, c.server, c.port) for c in found] == [(A, B, 50051), (C, B, 50051)]
    assert [(c.forward.flows, c.reply.flows) for c in found] == [(3, 3), (1, 1)]


def test_one_high_port_against_another_stays_by_number() -> None:
    found = only(both(A, 40000, B, 50051), V2)
    assert (found.client, found.server, found.port) == (B, A, 40000)


@pytest.mark.parametrize("protocol", [1, 47, 58])
def test_without_ports_the_client_is_who_was_seen_first(protocol: int) -> None:
    for first, second in ((A, B), (B, A)):
        records = [
            record(second, 0, first, 0, protocol=protocol, at=START + 1),
            record(first, 0, second, 0, protocol=protocol, at=START),
        ]
        found = only(records)
        assert (found.client, found.server, found.port) == (first, second, 0)
        assert (found.forward.flows, found.reply.flows) == (1, 1)


def test_only_one_way_was_seen() -> None:
    found = only([record(B, 0, A, 0, protocol=1)])
    assert (found.client, found.forward.flows, found.reply.flows) == (B, 1, 0)


def test_in_the_same_second_who_was_let_through_came_first() -> None:
    records = [
        record(B, 0, A, 0, protocol=1, flow_direction="ingress"),
        record(A, 0, B, 0, protocol=1, flow_direction="egress", action="REJECT"),
    ]
    found = only(records)
    assert (found.client, found.reply_rejected.flows) == (B, 1)


def test_in_the_same_second_who_sends_from_here_is_the_client() -> None:
    for here, there in ((A, B), (B, A)):
        records = [
            record(there, 0, here, 0, protocol=1, flow_direction="ingress"),
            record(here, 0, there, 0, protocol=1, flow_direction="egress"),
        ]
        assert only(records).client == here


def test_ports_of_protocols_without_are_left_out() -> None:
    found = only([record(B, 8, A, 0, protocol=1)])
    assert (found.port, found.forward.low_port, found.forward.high_port) == (0, 0, 0)


def test_equal_ports_go_by_syn_then_by_time() -> None:
    records = [
        record(B, 500, A, 500, protocol=17, at=START),
        record(A, 500, B, 500, protocol=17, at=START + 5),
        record(B, 179, A, 179, tcp_flags=2, at=START + 5),
        *both(A, 179, B, 179, tcp_flags=0, at=START),
    ]
    first, second = conversations(records)
    assert (first.client, first.port, first.protocol) == (B, 179, 6)
    assert (first.forward.flows, first.reply.flows) == (2, 1)
    assert (second.client, second.port, second.protocol) == (B, 500, 17)


def test_flow_direction_tells_where_the_client_is() -> None:
    records = [
        record(A, 40000, B, 443, flow_direction="egress"),
        record(B, 443, A, 40000, flow_direction="ingress"),
        record(A, 40000, B, 443, flow_direction="ingress", interface_id="eni-b"),
    ]
    here, there = conversations(records)
    assert (here.direction, there.direction) == ("egress", "ingress")


def test_without_flow_direction_the_interface_knows_its_address_by_its_records() -> None:
    records = [
        *both(A, 40000, B, 443, interface_id="eni-a"),
        *both(C, 40000, A, 22, interface_id="eni-a"),
        *both(A, 40000, B, 443, interface_id="eni-b"),  # one peer, which is eni-a's own address
        *both(C, 40000, B, 443, interface_id="eni-x"),  # B is eni-b's, so C is its own
        *both("10.1.1.1", 40000, "10.1.1.2", 443, interface_id="eni-y"),  # nobody knows
        *both(INTERNET, 40000, "10.9.9.9", 443, interface_id="eni-z"),
    ]
    found = {(c.interface_id, c.client): c.direction for c in conversations(records, V2)}
    assert found == {
        ("eni-a", A): "egress",
        ("eni-a", C): "ingress",
        ("eni-b", A): "ingress",
        ("eni-x", C): None,
        ("eni-y", "10.1.1.1"): None,
        ("eni-z", INTERNET): "ingress",
    }


def test_packet_addresses_are_the_ends_and_plain_ones_are_kept() -> None:
    """The inside leg at a NAT gateway (AWS's example)."""
    nat = "10.0.5.5"
    records = [
        record(A, 40000, nat, 443, pkt_dstaddr=INTERNET, flow_direction="ingress"),
        record(nat, 443, A, 40000, pkt_srcaddr=INTERNET, flow_direction="egress"),
    ]
    found = only(records)
    assert (found.client, found.server, found.direction) == (A, INTERNET, "ingress")
    assert (found.forward.raw_src, found.forward.raw_dst) == (None, nat)
    assert (found.reply.raw_src, found.reply.raw_dst) == (nat, None)


def test_null_packet_addresses_leave_the_plain_ones() -> None:
    found = only([record(A, 40000, B, 443, pkt_srcaddr="-", pkt_dstaddr="-")])
    assert (found.client, found.server, found.forward.raw_src) == (A, B, None)


def test_a_regional_nat_gateway_stands_for_the_interface() -> None:
    found = only([record(A, 40000, B, 443, interface_id="-", resource_id="nat-1")])
    assert found.interface_id == "nat-1"
    assert only([record(A, 40000, B, 443, interface_id="-")]).interface_id == "-"
