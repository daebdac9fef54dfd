"""`vpcflow top`: the sums are right, each connection counts once, names come from plugins."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import terminal
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vpcflow_query import top_command, top_names
from vpcflow_query.top_groups import GROUPINGS

import vpcflow
from vpcflow.cli.app import Program
from vpcflow.registry import Registry

DATA = Path(__file__).parents[3] / "tests" / "data"
LOGS = DATA / "samples" / "AWSLogs"
V5 = DATA / "samples" / "custom-v5.log"
INVENTORY = DATA / "samples-inventory"
GEOIP = DATA / "samples-geoip"
PROGRAM = Program(commands=[top_command.top])
HOSTILE = "\x1b]0;owned\x07\u202e\u009b31m"


def top(*arguments: object) -> Result:
    return CliRunner().invoke(PROGRAM, ["top", *map(str, arguments)])


def found(*arguments: object) -> dict[str, Any]:
    result = top(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def refused(*arguments: object) -> str:
    result = top(*arguments)
    assert result.exit_code == 2, result.output
    return result.stderr


def records(path: Path) -> list[Any]:
    with vpcflow.scan(str(path)) as stream:
        return [record for record in stream.records() if record.log_status == "OK"]


# ---- sums ----------------------------------------------------------------------------------------


def test_addresses_by_what_they_send() -> None:
    sent: Counter[str] = Counter()
    for record in records(LOGS):
        sent[record.srcaddr] += record.bytes or 0
    answer = found(LOGS, "-n", 5)
    wanted = sorted(sent.items(), key=lambda item: (-item[1], item[0]))[:5]
    assert [(row["srcaddr"], row["bytes"]) for row in answer["rows"]] == wanted
    assert answer["total"]["bytes"] == sum(sent.values())
    assert answer["groups"] == sum(count > 0 for count in sent.values())


def test_shares_add_up() -> None:
    answer = found(LOGS, "-n", 1000, "--flows")
    assert sum(row["share"] for row in answer["rows"]) == pytest.approx(1, abs=1e-4)
    assert answer["rows"][-1]["cumulated"] == pytest.approx(1)
    assert sum(row["flows"] for row in answer["rows"]) == answer["total"]["flows"] == 545
    for row in answer["rows"]:
        assert row["accepted"] + row["rejected"] == row["flows"]


def test_rejected_by_port() -> None:
    refused_at: Counter[tuple[int, int]] = Counter()
    for record in records(LOGS):
        if record.action == "REJECT":
            refused_at[(min(record.srcport, record.dstport), record.protocol)] += 1
    answer = found(LOGS, "--by", "port", "--rejected", "-n", 100)
    assert {(row["port"], row["protocol"]): row["rejected"] for row in answer["rows"]} == refused_at


@pytest.mark.parametrize("by", sorted(GROUPINGS))
def test_every_grouping_counts_or_says_what_it_lacks(by: str) -> None:
    options = ["--by", by, "--inventory", INVENTORY]
    options += ["--geoip", f"{GEOIP}/city.mmdb,{GEOIP}/asn.mmdb"]
    result = top(DATA / "samples" / "ecs-v8.log.gz", *options, "--json")
    if by == "attachment":
        assert result.exit_code == 2
        assert "${tgw-attachment-id}" in result.stderr
        return
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert sum(row["bytes"] for row in answer["rows"]) <= answer["total"]["bytes"]
    assert answer["rows"]


def test_logs_of_a_transit_gateway() -> None:
    answer = found(DATA / "samples" / "transit-gateway.log.gz", "--by", "attachment")
    assert answer["rows"][0]["tgw_attachment_id"].startswith("tgw-attach-")
    assert answer["rows"][0]["rejected"] is None


def test_no_traffic() -> None:
    result = top(LOGS, "--where", "dstport=9")
    assert result.exit_code == 0
    assert result.stdout.startswith("no bytes\nin all 0 flows\n")


# ---- both ends -----------------------------------------------------------------------------------

ADDRESSES = ("10.0.0.1", "10.0.0.2", "8.8.8.8")
LOGGED = {"10.0.0.1": "eni-1", "10.0.0.2": "eni-2"}
HEADER = "interface-id srcaddr dstaddr srcport dstport protocol packets bytes action log-status"


def test_an_empty_file_is_no_traffic(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    assert top(tmp_path / "empty.log").stdout == "no bytes\nin all 0 flows\n"


def test_a_pair_that_is_too_long_still_shows_both_ends() -> None:
    shown = terminal.show("top", "--by", "pair", DATA / "samples" / "ipv6.log")
    pairs = [line.split("  ")[0] for line in shown.lines if line.startswith("2")]
    assert all(one.count(" -> ") == 1 for one in pairs[:10])
    assert any("…" in one for one in pairs[:10])


def seen(connections: Iterable[tuple[str, str, int, str]], *, direction: bool = True) -> bytes:
    """What interfaces log of what is sent: the sender's egress, the receiver's ingress. fate:
    "passes", "egress" (refused at the sender: nobody else sees it) or "ingress"."""
    out = [HEADER + (" flow-direction" if direction else "")]
    for source, target, size, fate in connections:
        where = (
            (source, "egress", "REJECT" if fate == "egress" else "ACCEPT"),
            (target, "ingress", "REJECT" if fate == "ingress" else "ACCEPT"),
        )
        for end, way, action in where[: 1 if fate == "egress" else 2]:
            if end in LOGGED:
                line = f"{LOGGED[end]} {source} {target} 40000 443 6 1 {size} {action} OK"
                out.append(f"{line} {way}" if direction else line)
    return "".join(f"{line}\n" for line in out).encode()


def is_seen(flow: tuple[str, str, int, str]) -> bool:
    """Whether the end that decides about it is logged."""
    end = {"passes": None, "egress": flow[0], "ingress": flow[1]}[flow[3]]
    return end is None or end in LOGGED


@given(
    st.lists(
        st.tuples(
            st.sampled_from(ADDRESSES),
            st.sampled_from(ADDRESSES),
            st.integers(1, 10**6),
            st.sampled_from(["passes", "passes", "ingress", "egress"]),
        ).filter(lambda flow: flow[0] != flow[1] and is_seen(flow)),
        min_size=1,
        max_size=12,
    )
)
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_both_ends_log_counts_once(
    tmp_path_factory: pytest.TempPathFactory, flows: list[tuple[str, str, int, str]]
) -> None:
    log = tmp_path_factory.mktemp("ends") / "flows.log"
    log.write_bytes(seen(flows))
    wanted: Counter[tuple[str, str]] = Counter()
    rejects: Counter[tuple[str, str]] = Counter()
    for source, target, size, fate in flows:
        wanted[source, target] += size
        rejects[source, target] += fate != "passes"
    answer = found(log, "--by", "pair", "-n", 100)
    rows = {(row["srcaddr"], row["dstaddr"]): row for row in answer["rows"]}
    assert {pair: row["bytes"] for pair, row in rows.items()} == wanted
    assert {pair: row["rejected"] for pair, row in rows.items()} == rejects


def test_the_note_says_what_was_done(tmp_path: Path) -> None:
    log = tmp_path / "flows.log"
    log.write_bytes(seen([("10.0.0.1", "10.0.0.2", 100, "passes")]))
    assert found(log)["notes"] == ["1 flows were seen at both ends and count once"]
    assert found(log)["total"]["bytes"] == 100
    assert found(log, "--by", "interface")["total"]["bytes"] == 200  # each saw them
    log.write_bytes(seen([("10.0.0.1", "10.0.0.2", 100, "passes")], direction=False))
    answer = found(log)
    assert answer["total"]["bytes"] == 200
    assert "do not have flow-direction" in answer["notes"][0]


def test_an_end_that_was_logged_in_part_does_not_hide_the_other(tmp_path: Path) -> None:
    log = tmp_path / "flows.log"
    both = seen([("10.0.0.1", "10.0.0.2", 10, "passes")])
    sent = "eni-1 10.0.0.1 10.0.0.2 40001 443 6 1 500 ACCEPT OK egress\n"
    log.write_bytes(both + sent.encode())
    assert found(log)["total"]["bytes"] == 510


# ---- names ---------------------------------------------------------------------------------------


def test_resources_are_found_by_interface() -> None:
    first, *_ = found(LOGS, "--by", "resource", "--inventory", INVENTORY)["rows"]
    assert (first["resource_type"], first["resource_name"]) == ("ecs-task", "orders")
    by_interface, *_ = found(LOGS, "--by", "interface", "--inventory", INVENTORY)["rows"]
    assert by_interface["about"] == "orders"
    assert by_interface["bytes"] == first["bytes"]


def test_subnets_of_logs_without_them_come_from_the_inventory() -> None:
    ours = found(V5, "--by", "subnet", "-n", 20)["rows"]
    with_inventory = found(LOGS, "--by", "subnet", "-n", 20, "--inventory", INVENTORY)["rows"]
    assert {row["subnet_id"] for row in ours} == {row["subnet_id"] for row in with_inventory}


def test_countries_of_the_outside() -> None:
    answer = found(LOGS, "--by", "country", "--geoip", GEOIP / "city.mmdb", "-n", 50)
    rows = {row["country"]: row for row in answer["rows"]}
    assert sum(row["bytes"] for row in rows.values()) == answer["total"]["bytes"]
    private = sum(
        record.bytes or 0
        for record in records(LOGS)
        if record.srcaddr.startswith("10.") and record.dstaddr.startswith("10.")
    )
    assert rows["private"]["bytes"] == private
    assert rows["VN"]["rejected"] > 0


def test_only_distinct_addresses_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    places = top_names.Names.places

    def counting(self: top_names.Names, table: Any, wanted: Any) -> Any:
        asked.append(table.num_rows)
        return places(self, table, wanted)

    monkeypatch.setattr(top_names.Names, "places", counting)
    found(LOGS, "--by", "country", "--geoip", GEOIP / "city.mmdb")
    addresses = {a for record in records(LOGS) for a in (record.srcaddr, record.dstaddr)}
    assert asked == [len(addresses)]


def test_several_roles_are_named_side_by_side() -> None:
    options = ["--inventory", INVENTORY, "--geoip", f"{GEOIP}/city.mmdb,{GEOIP}/asn.mmdb"]
    rows = found(V5, "--by", "pair", "--rejected", *options)["rows"]
    assert rows[0]["about"] == "VN Example Hosting -> web-1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--by", "resource"], "vpcflow inventory snapshot DIR"),
        (["--by", "country"], "--geoip City.mmdb"),
        (["--by", "asn"], "--geoip ASN.mmdb"),
        (["--by", "path"], "${traffic-path} (version 5)"),
        (["--by", "subnet"], "or --inventory DIR"),
        (["--inventory", "/nowhere"], "/nowhere"),
        (["--geoip", "/nowhere.mmdb"], "/nowhere.mmdb"),
        (["--by", "country", "--geoip", str(GEOIP / "asn.mmdb")], "do not hold the column country"),
        (["--where", "tcp_flags=2"], "do not have the column tcp_flags"),
    ],
)
def test_what_is_missing_is_named(arguments: list[str], words: str) -> None:
    assert words in refused(LOGS, *arguments)


@pytest.mark.parametrize(
    ("option", "package"), [("--inventory", "vpcflow-aws"), ("--geoip", "vpcflow-geoip")]
)
def test_a_plugin_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, option: str, package: str
) -> None:
    class Nothing:
        enrichers = Registry("enricher")

    monkeypatch.setattr("vpcflow.plugins.plugins", Nothing)
    assert f"pip install {package}" in refused(LOGS, option, "x")


# ---- terminals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_table_fits(columns: int) -> None:
    shown = terminal.show(
        "top", "--by", "pair", "--inventory", str(INVENTORY), str(V5), columns=columns
    )
    assert shown.code == 0
    assert max(map(len, shown.lines)) <= columns
    assert "100.0%" not in shown.lines[1]
    assert any(" more; in all 4.1 MB" in line for line in shown.lines)


def test_no_value_speaks_to_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "hostile.log"
    log.write_text(f"srcaddr dstaddr bytes action\n{HOSTILE} {HOSTILE} 5 ACCEPT\n")
    shown = terminal.show("top", "--by", "pair", str(log), columns=160)
    assert shown.code == 0, shown.text
    assert "owned" in shown.text
    assert not any(c in shown.text for c in "\x1b\x07\u202e\u009b")
    answer = found(log, "--by", "pair")
    assert answer["rows"][0]["srcaddr"] == HOSTILE
