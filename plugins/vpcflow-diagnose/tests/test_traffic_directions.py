"""What the map is drawn from: sums each way between addresses, with nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from vpcflow_diagnose.report.collecting import collected
from vpcflow_diagnose.report.places import block_node
from vpcflow_diagnose.traffic.traffic import Traffic, gather
from vpcflow_query.reading import Reading

OURS = "10.0.1.5"


def line(
    eni: str, source: str, target: str, ports: tuple[int, int], size: int, action: str = "ACCEPT"
) -> str:
    ends = f"{source} {target} {ports[0]} {ports[1]}"
    return f"2 123456789010 {eni} {ends} 6 4 {size} 1789380000 1789380060 {action} OK\n"


@contextmanager
def read(text: str) -> Iterator[Traffic]:
    with gather(Reading([text.encode()], "default")) as traffic:
        yield traffic


def clients(number: int) -> str:
    return "".join(
        line("eni-0a", f"198.51.{i // 250}.{i % 250}", OURS, (40_000, 443), 100 + i)
        + line("eni-0a", OURS, f"198.51.{i // 250}.{i % 250}", (443, 40_000), 1000)
        for i in range(number)
    )


def test_each_way_and_each_action_are_apart() -> None:
    text = (
        line("eni-0a", "10.0.2.9", OURS, (40_000, 443), 500)
        + line("eni-0a", OURS, "10.0.2.9", (443, 40_000), 7000)
        + line("eni-0a", "10.0.2.9", OURS, (40_001, 443), 60, "REJECT")
        + line("eni-0a", OURS, "10.0.2.9", (443, 40_002), 60, "REJECT")
    )
    with read(text) as traffic:
        (one,) = traffic.directions()
        total = traffic.totals()[0]
    assert (one.client, one.server) == ("10.0.2.9", OURS)
    assert (one.sent, one.answered) == ((500, 1), (7000, 1))
    assert (one.rejected, one.rejected_answers) == (1, 1)
    assert (total.size, total.accepted, total.rejected) == (7500, 2, 2)


def test_what_both_ends_saw_counts_once() -> None:
    both = (line(eni, "10.0.2.9", OURS, (40_000, 443), 500) for eni in ("eni-0a", "eni-0b"))
    with read("".join(both)) as traffic:
        assert [one.sent for one in traffic.directions()] == [(500, 1)]


@pytest.mark.parametrize("most", [1, 10, 1000])
def test_the_many_are_one_and_nothing_is_lost(most: int) -> None:
    with read(clients(100)) as traffic:
        found = traffic.directions(most)
    assert len(found) == min(most, 100) + (most < 100)
    assert sum(one.sent[0] for one in found) == sum(100 + i for i in range(100))
    assert sum(one.answered[0] for one in found) == 100_000
    assert sum(one.client is None for one in found) == (most < 100)


def test_all_of_it_reaches_the_page() -> None:
    """The map's lines, the timeline and the tiles tell of the same bytes."""
    import report_data
    from vpcflow_diagnose.finding import Diagnosis

    with read(clients(50)) as traffic:
        data = collected(traffic, [], Diagnosis(()), report_data.making())
    wanted = sum(100 + i for i in range(50)) + 50_000
    assert data.accepted.bytes == wanted
    assert sum(slot.accepted.bytes for slot in data.timeline.slots) == wanted
    assert sum(edge.accepted.bytes for edge in data.topology.edges) == wanted
    assert data.talkers[0].name == OURS
    assert data.talkers[0].accepted.bytes == wanted


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.1.2.3", "10.1.2.0/24"),
        ("198.51.100.7", "Internet"),
        (None, "Internet"),
        ("2001:db8:0:1::9", "2001:db8:0:1::/64"),
        ("fd00::1", "fd00::/64"),
        ("<b>", "no address"),
    ],
)
def test_blocks(address: str | None, name: str) -> None:
    assert block_node(address).name == name
