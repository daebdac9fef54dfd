"""What each lever would save, on logs for which that is known."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest
from attrs import evolve
from vpcflow_query.cost import Meter, Monthly, Volume, estimate, queries
from vpcflow_query.cost import meter as meter_module
from vpcflow_query.cost.levers import overlap
from vpcflow_query.public import NOT_PUBLIC
from vpcflow_query.queries.duckdb_sql import DuckdbRenderer
from vpcflow_query.queries.pieces import public

import vpcflow

BEGIN = 1_789_380_000  # a multiple of 600
V5 = "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
V5 += " log-status pkt-srcaddr pkt-dstaddr"


def row(
    source: str,
    target: str,
    *,
    eni: str = "eni-0a",
    at: int = 0,
    packets: int = 50,
    action: str = "ACCEPT",
    rest: str = "",
) -> str:
    """A default-format line of a minute that begins `at` seconds after the first; source and target
    are "address:port"."""
    (srcaddr, srcport), (dstaddr, dstport) = source.split(":"), target.split(":")
    times = f"{BEGIN + at} {BEGIN + at + 59}"
    numbers = f"{srcport} {dstport} 6 {packets} {packets * 100} {times}"
    return f"2 123456789010 {eni} {srcaddr} {dstaddr} {numbers} {action} OK{rest}"


def nodata(eni: str, at: int = 0) -> str:
    dashes = " ".join("-" * 7)
    return f"2 123456789010 {eni} {dashes} {BEGIN + at} {BEGIN + at + 59} - NODATA"


def measured(*sources: object, **options: object) -> Volume:
    with vpcflow.scan(*sources, **options) as stream, Meter() as meter:  # type: ignore[arg-type]
        for batch in stream:
            meter.add(batch)
        return meter.volume()


def of(rows: Iterable[str], **options: object) -> Volume:
    return measured("\n".join([*rows, ""]).encode(), **options)


def saved(volume: Volume, lever: str) -> float:
    """The share that a lever saves at S3, of delivery and storage alike; 0 if it is not told."""
    made = estimate(volume, destination="s3", month=Monthly(1e6, 115e6))
    return next((one.share for one in made.levers if one.name == lever), 0.0)


def hour(eni: str = "eni-0a") -> list[str]:
    """An hour of ten connections, both directions, one record a minute each: 1,200 records."""
    return [
        line
        for minute in range(60)
        for client in range(10)
        for line in (
            row(f"10.0.0.{client}:40000", "10.0.9.9:5432", eni=eni, at=minute * 60),
            row("10.0.9.9:5432", f"10.0.0.{client}:40000", eni=eni, at=minute * 60),
        )
    ]


def aws_file(folder: Path, flow_log: str, rows: Iterable[str], hash: str = "5f2a90c1") -> Path:
    path = folder / f"123456789010_vpcflowlogs_eu-west-1_{flow_log}_20260914T1000Z_{hash}.log"
    names = " ".join(field.aws_name for field in vpcflow.FlowFormat.default().fields)
    path.write_text("\n".join([names, *rows, ""]))
    return path


def test_a_second_flow_log_on_the_same_interfaces_is_half(tmp_path: Path) -> None:
    for flow_log in ("fl-0a", "fl-0b"):
        aws_file(tmp_path, flow_log, hour())
    volume = measured(str(tmp_path))
    assert overlap(volume) == (1200, 0)
    assert saved(volume, "overlap") == pytest.approx(0.5)
    made = estimate(volume, destination="cloudwatch")
    lever = next(one for one in made.levers if one.name == "overlap")
    assert lever.usd == pytest.approx(made.chosen.usd / 2)
    assert lever.keeps
    assert "2 flow logs" in lever.what
    alone = estimate(measured(str(aws_file(tmp_path, "fl-0c", hour()))))
    assert "overlap" not in {one.name for one in alone.levers}


def test_copies_without_names_count_as_overlap() -> None:
    rows = hour()
    assert saved(of([*rows, *rows[:400]]), "overlap") == pytest.approx(400 / 1600)


def test_a_file_given_twice_is_no_second_flow_log(tmp_path: Path) -> None:
    path = aws_file(tmp_path, "fl-0a", hour())
    volume = measured(str(path), str(path))
    assert overlap(volume) == (0, 1200)
    made = estimate(volume)
    assert "overlap" not in {one.name for one in made.levers}
    assert any("given twice" in note for note in made.notes)


def test_records_that_differ_are_no_copies() -> None:
    one = row("10.0.0.1:40000", "10.0.9.9:443")
    others = [
        row("10.0.0.1:40000", "10.0.9.9:443", eni="eni-0b"),
        row("10.0.9.9:443", "10.0.0.1:40000"),
        row("10.0.0.1:40000", "10.0.9.9:443", at=60),
        row("10.0.0.1:40000", "10.0.9.9:443", packets=51),
        row("10.0.0.1:40000", "10.0.9.9:443", action="REJECT"),
        row("10.0.0.1:40001", "10.0.9.9:443"),
    ]
    assert overlap(of([one, *others])) == (0, 0)


def test_ten_minutes_instead_of_one_leave_a_tenth_of_lasting_connections() -> None:
    volume = of(hour())
    assert saved(volume, "interval-600") == pytest.approx(0.9)
    lever = next(one for one in estimate(volume).levers if one.name == "interval-600")
    assert "Nitro" in lever.caveat
    short = [row(f"10.0.0.1:{1024 + n}", "10.0.9.9:443", at=n % 60 * 60) for n in range(600)]
    assert saved(of(short), "interval-600") == 0


def test_logs_of_ten_minutes_are_not_told_to_take_ten_minutes() -> None:
    rows = [line.replace(f" {BEGIN + 59} ", f" {BEGIN + 590} ") for line in hour()[:20]]
    copies = [line.replace(":40000", ":40001") for line in rows]
    assert saved(of([*rows, *copies]), "interval-600") == 0


def test_idle_interfaces_merge_too_and_are_told() -> None:
    rows = [nodata("eni-0b", minute * 60) for minute in range(60)]
    volume = of(rows)
    assert saved(volume, "interval-600") == pytest.approx(0.9)
    assert saved(volume, "nodata") == pytest.approx(1.0)
    lever = next(one for one in estimate(volume).levers if one.name == "nodata")
    assert "nothing else: 1" in lever.what


def test_both_ends_of_internal_connections() -> None:
    volume = of([*hour("eni-0a"), *hour("eni-0b")])
    assert saved(volume, "both-ends") == pytest.approx(0.5)
    assert saved(of(hour("eni-0a")), "both-ends") == 0


def test_short_connections_that_could_be_one() -> None:
    rows = [
        line
        for n in range(600)
        for line in (
            row(f"10.0.0.1:{20_000 + n}", "10.0.9.9:443", at=n % 60 * 60, packets=4),
            row("10.0.9.9:443", f"10.0.0.1:{20_000 + n}", at=n % 60 * 60, packets=4),
        )
    ]
    volume = of(rows)
    assert saved(volume, "reuse") == pytest.approx(0.9)
    assert volume.few == volume.all
    assert volume.distinct.connections == 600
    driver = next(one for one in estimate(volume).drivers if one.name == "short-connections")
    assert driver.share == 1
    assert "2.0 records for each connection" in driver.text


def test_noise_of_the_internet_is_what_public_sources_are_refused() -> None:
    quiet = [row(f"10.0.0.{n}:40000", "10.0.9.9:22", action="REJECT") for n in range(30)]
    scans = [row(f"198.51.100.{n}:40000", "10.0.9.9:22", action="REJECT") for n in range(60)]
    answered = [row(f"198.51.100.{n}:40000", "10.0.9.9:443") for n in range(10)]
    volume = of([*quiet, *scans, *answered])
    assert volume.noise.records == 60
    size = sum(len(line) + 1 for line in scans)
    assert saved(volume, "internet-noise") == pytest.approx(size / volume.all.text_bytes)
    kept = sum(len(line) + 1 for line in [*quiet, *scans])
    assert saved(volume, "reject-only") == pytest.approx(1 - kept / volume.all.text_bytes)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("9.255.255.255", True),
        ("10.0.0.1", False),
        ("100.63.0.1", True),
        ("100.64.0.1", False),
        ("100.127.255.1", False),
        ("100.128.0.1", True),
        ("172.15.0.1", True),
        ("172.16.0.1", False),
        ("172.31.0.1", False),
        ("172.32.0.1", True),
        ("192.168.1.1", False),
        ("192.169.1.1", True),
        ("169.254.169.254", False),
        ("223.1.1.1", True),
        ("224.0.0.251", False),
        ("255.255.255.255", False),
        ("2001:db8::1", True),
        ("fd00::1", False),
        ("FE80::1", False),
        ("::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    line = f"2 1 eni-0a {address} 10.0.0.9 1 22 6 1 40 {BEGIN} {BEGIN + 1} REJECT OK\n"
    assert measured(line.encode(), format="default").noise.records == public


def test_named_queries_take_the_same_addresses_for_public() -> None:
    """Both ends of every block that is not public, and of IPv4 what lies beside it (what begins
    with f is nobody's in IPv6, in a block or not)."""
    found = []
    for block in map(ipaddress.ip_network, NOT_PUBLIC):
        first, last = int(block[0]), int(block[-1])
        numbers = {first, last}
        if block.version == 4:
            numbers |= {max(first - 1, 0), min(last + 1, 2**32 - 1)}
        found += [str(type(block[0])(number)) for number in numbers]
    renderer = DuckdbRenderer("addresses", {})
    by_blocks = renderer.expression(public("srcaddr"))
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE addresses AS SELECT unnest(?) AS srcaddr", [found])
        one = f"SELECT srcaddr, {queries._public('srcaddr')}, {by_blocks} FROM addresses"
        rows = connection.execute(one).fetchall()
    assert [row for row in rows if row[1] is not row[2]] == []
    assert {row[1] for row in rows} == {True, False}


def nat_rows() -> list[str]:
    """A connection through a NAT gateway at eni-0c: two legs, two directions; and the host's."""
    form = "5 {} {} {} {} {} 6 9 900 {} {} ACCEPT OK {} {}"
    host, nat, server = "10.0.1.5", "10.0.0.4", "203.0.113.200"
    legs = [
        ("eni-0c", host, nat, 40000, 443, host, server),
        ("eni-0c", nat, server, 50000, 443, nat, server),
        ("eni-0c", server, nat, 443, 50000, server, nat),
        ("eni-0c", nat, host, 443, 40000, server, host),
        ("eni-0a", host, server, 40000, 443, host, server),
        ("eni-0a", server, host, 443, 40000, server, host),
    ]
    return [
        form.format(eni, src, dst, sport, dport, BEGIN, BEGIN + 59, pkt_src, pkt_dst)
        for eni, src, dst, sport, dport, pkt_src, pkt_dst in legs
    ]


def test_a_nat_gateway_shows_by_its_two_legs() -> None:
    rows = nat_rows()
    volume = of(rows, format=V5)
    assert {name for name, one in volume.interfaces.items() if one.nat} == {"eni-0c"}
    size = sum(len(line) + 1 for line in rows if "eni-0c" in line)
    assert saved(volume, "nat") == pytest.approx(size / volume.all.text_bytes)


def test_what_one_piece_shows_holds_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter_module, "PIECE", 1)
    rows = nat_rows()
    outside = [line for line in rows if "10.0.0.4 203.0.113.200" in line]
    with Meter() as meter:
        for some in (rows, outside[:1]):
            meter.add(vpcflow.parse("\n".join([*some, ""]).encode(), format=V5))
        volume = meter.volume()
    assert volume.interfaces["eni-0c"].nat
    assert volume.interfaces["eni-0c"].all.records == 5
    assert overlap(volume) == (1, 0)


def test_a_transit_gateway_and_pods_are_no_nat_gateways() -> None:
    rows = [
        f"5 eni-0d 10.0.3.3 10.9.0.9 40000 443 6 9 900 {BEGIN} {BEGIN + 9} ACCEPT OK {source} {to}"
        for source, to in (("10.5.0.7", "10.9.0.9"), ("10.0.3.77", "10.9.0.9"))
    ]
    assert not any(one.nat for one in of(rows, format=V5).interfaces.values())


def test_a_transit_gateway_is_told_by_its_attachments() -> None:
    """It has no traffic type and no interval to choose, and writes a hop at each attachment."""
    sample = Path(__file__).parents[3] / "tests" / "data" / "samples" / "transit-gateway.log.gz"
    volume = measured(str(sample))
    assert len(volume.interfaces) == 3
    assert all(name.startswith("tgw-attach-") for name in volume.interfaces)
    assert overlap(volume) == (0, 0)
    assert saved(volume, "both-ends") > 0.4
    assert not {"reject-only", "interval-600"} & {one.name for one in estimate(volume).levers}
    driver = next(one for one in estimate(volume).drivers if one.name == "interface")
    assert driver.text.endswith("the largest of 3 attachments")


def test_a_regional_nat_gateway_is_known_by_its_id() -> None:
    form = "interface-id resource-id srcaddr dstaddr start end action log-status"
    line = f"- nat-0123 10.0.1.5 203.0.113.9 {BEGIN} {BEGIN + 9} ACCEPT OK"
    volume = of([line], format=form)
    assert [(name, one.nat) for name, one in volume.interfaces.items()] == [("nat-0123", True)]


def test_fields_beyond_the_default_and_fields_without_values() -> None:
    names = " ".join(field.aws_name for field in vpcflow.FlowFormat.default().fields)
    extra = " vpc-0a1b2c3d4e5f60718 - -"
    rows = [line + extra for line in hour()[:100]]
    volume = of(rows, format=f"{names} vpc-id sublocation-type sublocation-id")
    assert saved(volume, "default-format") == pytest.approx(len(extra) * 100 / _size(rows))
    assert saved(volume, "empty-fields") == pytest.approx(4 * 100 / _size(rows))
    assert saved(of(hour()), "default-format") == 0


def _size(rows: list[str]) -> int:
    return sum(len(line) + 1 for line in rows)


def test_destinations_are_levers_only_where_they_are_cheaper() -> None:
    month = Monthly(1e9, 115e9)
    at_cloudwatch = estimate(month, destination="cloudwatch")
    assert {one.name for one in at_cloudwatch.levers} == {
        "to-cloudwatch-ia",
        "to-s3",
        "to-s3-parquet",
    }
    by_name = {one.name: one for one in at_cloudwatch.levers}
    costs = {one.destination: one.usd for one in at_cloudwatch.costs}
    assert by_name["to-s3"].usd == pytest.approx(costs["cloudwatch"] - costs["s3"])
    assert estimate(month, destination="s3").levers == ()


def test_keeping_less_saves_storage_only() -> None:
    month = Monthly(1e9, 115e9)
    year = estimate(month, destination="cloudwatch", retention=12)
    lever = next(one for one in year.levers if one.name == "retention")
    once = estimate(month, destination="cloudwatch", retention=1)
    assert lever.usd == pytest.approx(year.chosen.usd - once.chosen.usd)
    assert not lever.keeps
    for made in (once, estimate(month, destination="firehose", retention=12)):
        assert "retention" not in {one.name for one in made.levers}


def test_savings_shrink_where_the_last_gb_cost_least() -> None:
    volume = of([*hour("eni-0a"), *hour("eni-0b")])
    month = Monthly(1e12, 72 * 2**40)
    lever = next(
        one
        for one in estimate(volume, destination="cloudwatch", month=month).levers
        if one.name == "both-ends"
    )
    assert lever.share < 0.35  # half of the volume, but the cheap half


def test_the_best_lever_loses_no_flows_if_there_is_one() -> None:
    made = estimate(of(hour()), destination="s3")
    assert made.best is not None
    assert made.best.name == "interval-600"
    first = made.levers[0]
    assert first.name == "reject-only"
    without = evolve(made, levers=tuple(one for one in made.levers if not one.keeps))
    assert without.best == first


def test_a_month_is_thirty_days_at_the_rate_seen() -> None:
    volume = of(hour())
    assert volume.span == pytest.approx(3600, abs=1)
    assert volume.per_month().records == pytest.approx(1200 * 720, rel=0.001)
    assert volume.per_month(86_400).records == 1200 * 30
    assert "as given" in volume.per_month(86_400).basis


def test_less_than_an_hour_is_a_weak_guess() -> None:
    volume = of(hour()[:200])
    assert volume.per_month().weak
    assert any("weak guess" in note for note in estimate(volume).notes)
    assert not of([*hour(), row("10.0.0.1:1", "10.0.0.2:2", at=3600)]).per_month().weak


def test_gaps_do_not_count_as_time() -> None:
    later = [row("10.0.0.1:40000", "10.0.9.9:443", at=30 * 86_400 + n * 60) for n in range(60)]
    volume = of([*hour(), *later])
    assert volume.gaps
    assert volume.observed == pytest.approx(2 * 3600, rel=0.1)
    assert any("gaps" in note for note in estimate(volume).notes)


def test_nothing_at_all() -> None:
    volume = of([])
    made = estimate(volume)
    assert made.chosen.usd == 0
    assert made.drivers == ()
    assert any("no records" in note for note in made.notes)
