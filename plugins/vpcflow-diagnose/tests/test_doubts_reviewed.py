"""Scenarios by hand in which the first thought is wrong: which rule set, how sure, what stays open,
and what damaged or hostile input may do to an answer."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_builder import ANYWHERE, Json, entry, permission
from vpcflow_diagnose import findings_text
from vpcflow_diagnose.diagnosing import diagnose, diagnose_traffic
from vpcflow_diagnose.finding import Diagnosis, Finding
from vpcflow_diagnose.network.history import History
from vpcflow_diagnose.traffic.traffic import Traffic, gather
from vpcflow_diagnose.why import answer
from vpcflow_query.reading import Reading
from worked_cases import (
    APP_1,
    APP_B,
    APP_ENI,
    DATA_ACL,
    DB,
    DB_ENI,
    DB_SG,
    FAR_HOST,
    NAMES,
    NAT_ENI,
    NAT_IP,
    OPEN_ACL,
    PUBLIC,
    SITE,
    START,
    SYNS,
    VPC,
    WEB_ENI,
    Change,
    Network,
    WorkedCase,
    allows,
    asked,
    came,
    in_acl,
    network,
    record,
)
from worked_list import CASES

from vpcflow.cli.screen import Screen

DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status"
)
"""The default format, version 2."""


def default(
    at: str,
    src: str,
    dst: str,
    ports: tuple[int, int],
    size: tuple[int, int],
    action: str = "ACCEPT",
    *,
    protocol: int = 6,
    second: int = 0,
) -> str:
    begin = START + second
    return (
        f"2 123456789010 {at} {src} {dst} {ports[0]} {ports[1]} {protocol} {size[0]} {size[1]} "
        f"{begin} {begin + 50} {action} OK"
    )


def both(*changes: Change) -> Change:
    def change(network: Network) -> None:
        for one in changes:
            one(network)

    return change


def unchanged(network: Network) -> None:
    """The network as it is."""


def written(
    tmp_path: Path, records: list[str], change: Change = unchanged, names: str = NAMES
) -> tuple[Path, Path]:
    log, inventory = WorkedCase("", "", records, ("", ""), change=change).write(tmp_path)
    log.write_text("\n".join([names, *records]) + "\n")
    return log, inventory


def answers(
    tmp_path: Path, records: list[str], change: Change = unchanged, names: str = NAMES
) -> tuple[Diagnosis, Diagnosis]:
    """With the inventory, and by the logs alone."""
    log, inventory = written(tmp_path, records, change, names)
    return diagnose(Reading([str(log)]), inventory), diagnose(Reading([str(log)]))


def faults(found: Diagnosis) -> list[Finding]:
    return [f for f in found.findings if f.kind == "fault"]


def verdict(found: Diagnosis) -> tuple[str, str | None, str]:
    first = found.findings[0]
    return first.cause, first.resource, first.confidence


def narrow(low: int, high: int) -> Json:
    return entry(100, "allow", "-1", "10.0.0.0/16", (low, high), egress=True)


class TestRefusedReplies:
    """An answer that was never let through is no late packet."""

    def test_of_a_few_packets_in_the_default_format(self, tmp_path: Path) -> None:
        records = [
            default(DB_ENI, APP_1, DB, (40001, 5432), (3, 180)),
            default(DB_ENI, DB, APP_1, (5432, 40001), (3, 180), "REJECT"),
        ]
        rule = entry(100, "allow", "6", "10.0.0.0/16", (50000, 60999), egress=True)
        known, alone = answers(tmp_path, records, in_acl(DATA_ACL, rule, drop=True), DEFAULT)
        assert verdict(known) == ("network-acl", DATA_ACL, "proven")
        assert verdict(alone) == ("network-acl", None, "possible")

    def test_of_ping_as_in_the_user_guide(self, tmp_path: Path) -> None:
        """VPC User Guide, "Flow log record examples", "Security group and network ACL rules"."""
        records = [
            default(DB_ENI, APP_1, DB, (0, 0), (4, 336), protocol=1),
            default(DB_ENI, DB, APP_1, (0, 0), (4, 336), "REJECT", protocol=1),
        ]
        change = both(
            allows(DB_SG, permission("icmp", -1, -1, "10.0.0.0/16")),
            in_acl(DATA_ACL, entry(50, "deny", "1", ANYWHERE, egress=True, icmp=(-1, -1))),
        )
        known, alone = answers(tmp_path, records, change, DEFAULT)
        assert verdict(known) == ("network-acl", DATA_ACL, "proven")
        assert verdict(alone) == ("network-acl", None, "likely")

    def test_after_a_connection_that_worked_are_late(self, tmp_path: Path) -> None:
        records = [
            default(DB_ENI, APP_1, DB, (40001, 5432), (9, 1900)),
            default(DB_ENI, DB, APP_1, (5432, 40001), (8, 5200)),
            default(DB_ENI, DB, APP_1, (5432, 40001), (1, 40), "REJECT", second=60),
        ]
        for found in answers(tmp_path, records, names=DEFAULT):
            assert [f.cause for f in found.findings] == ["late-packet"]


ECHO_ONLY = allows(DB_SG, permission("icmp", 8, -1, "10.0.0.0/16"))


class TestIcmpTypes:
    """Flow logs do not say them."""

    PING = (record(DB_ENI, APP_1, DB, (0, 0), (4, 336), "ingress", "REJECT", protocol=1),)

    def test_the_rule_set_that_cannot_be_judged_is_left_where_the_other_allows(
        self, tmp_path: Path
    ) -> None:
        known, _ = answers(tmp_path, [*self.PING], ECHO_ONLY)
        assert verdict(known) == ("security-group", DB_SG, "possible")
        assert "an inventory would" not in known.findings[0].explanation

    def test_a_ping_would_be_denied_by_one_of_two(self, tmp_path: Path) -> None:
        replies = entry(100, "allow", "1", ANYWHERE, icmp=(0, -1))
        known, _ = answers(
            tmp_path, [*self.PING], both(ECHO_ONLY, in_acl(DATA_ACL, replies, drop=True))
        )
        assert verdict(known) == ("network-acl", DATA_ACL, "possible")


class TestFormatsThatLackFields:
    """What a rule is about, and the log does not say, is not made up."""

    def test_without_ports_or_protocol_no_rule_is_named(self, tmp_path: Path) -> None:
        for number, (names, values) in enumerate(
            {
                "protocol packets bytes": "6 3 180",
                "srcport dstport packets bytes": "40001 5432 3 180",
            }.items()
        ):
            folder = tmp_path / str(number)
            folder.mkdir()
            known, _ = answers(
                folder,
                [f"{DB_ENI} {APP_1} {DB} {values} {START} {START + 50} REJECT"],
                allows(DB_SG),
                f"interface-id srcaddr dstaddr {names} start end action",
            )
            assert verdict(known) == ("security-group-or-network-acl", None, "possible")


class TestSourcesThatCanBeReadOnce:
    REFUSED = came(DB_ENI, APP_1, DB, 5432, "REJECT")

    def test_open_files_and_pipes(self, tmp_path: Path) -> None:
        text = f"{NAMES}\n{self.REFUSED}\n".encode()
        read, write = os.pipe()
        with os.fdopen(read, "rb") as pipe:
            os.write(write, text)
            os.close(write)
            for source in (io.BytesIO(text), pipe):
                (found,) = faults(diagnose(Reading([source])))
                assert found.dstport == 5432

    def test_standard_input(self, tmp_path: Path) -> None:
        log, _ = written(tmp_path, [self.REFUSED])
        command = [sys.executable, "-m", "vpcflow", "diagnose", "--json", "-"]
        with log.open("rb") as stdin:
            done = subprocess.run(command, stdin=stdin, capture_output=True, check=True)
        assert json.loads(done.stdout)["findings"][0]["dstport"] == 5432


def flow_log(resource: str, traffic: str, number: int = 1, **more: Any) -> Json:
    found: Json = {
        "FlowLogId": f"fl-0a1000000000000{number}",
        "ResourceId": resource,
        "TrafficType": traffic,
        "FlowLogStatus": "ACTIVE",
        "DeliverLogsStatus": "SUCCESS",
    }
    return found | more


def logs(*found: Json) -> Change:
    def change(network: Network) -> None:
        network["flow-logs"] = list(found)

    return change


def not_logged(found: Diagnosis) -> list[str]:
    return [f.explanation for f in found.findings if f.cause == "not-logged"]


class TestWhatFlowLogsCover:
    UNANSWERED = (asked(APP_ENI, APP_1, DB, 5432), came(DB_ENI, APP_1, DB, 5432))

    def test_a_missing_answer_may_have_been_refused_where_only_accepts_are_logged(
        self, tmp_path: Path
    ) -> None:
        sure, less = tmp_path / "all", tmp_path / "accept"
        sure.mkdir()
        less.mkdir()
        all_, _ = answers(sure, [*self.UNANSWERED], logs(flow_log(VPC, "ALL")))
        accepted, _ = answers(less, [*self.UNANSWERED], logs(flow_log(VPC, "ACCEPT")))
        assert verdict(all_) == ("no-answer", DB_ENI, "likely")
        assert verdict(accepted) == ("no-answer", DB_ENI, "possible")
        assert "fl-0a10000000000001) is of ACCEPT only" in not_logged(accepted)[0]

    def test_the_rule_that_would_refuse_the_answer_is_found(self, tmp_path: Path) -> None:
        rule = entry(100, "allow", "6", "10.0.0.0/16", (50000, 60999), egress=True)
        change = both(in_acl(DATA_ACL, rule, drop=True), logs(flow_log(VPC, "ACCEPT")))
        known, _ = answers(tmp_path, [*self.UNANSWERED], change)
        assert verdict(known) == ("network-acl", DATA_ACL, "likely")

    def test_two_flow_logs_of_one_action_each_are_a_whole_one(self, tmp_path: Path) -> None:
        change = logs(flow_log(VPC, "ACCEPT"), flow_log(VPC, "REJECT", 2))
        known, _ = answers(tmp_path, [*self.UNANSWERED], change)
        assert verdict(known) == ("no-answer", DB_ENI, "likely")

    def test_interfaces_without_a_flow_log_are_named(self, tmp_path: Path) -> None:
        change = logs(flow_log(APP_ENI, "ALL"), flow_log(PUBLIC, "ALL", 2), flow_log(APP_B, "ALL"))
        log, inventory = written(tmp_path, [self.UNANSWERED[0]], change)
        (said,) = not_logged(diagnose(Reading([str(log)]), inventory))
        assert said.startswith("2 of 6 interfaces are covered by no flow log")
        assert [id_ in said for id_ in (DB_ENI, APP_ENI, WEB_ENI)] == [True, False, False]
        found = answer(Reading([str(log)]), DB, "10.9.1.7:5432", inventory).findings[0]
        assert found.cause == "not-logged"
        assert DB_ENI in found.explanation

    def test_what_does_not_cover(self, tmp_path: Path) -> None:
        """One that is gone; and one whose records do not arrive is said."""
        gone = flow_log(VPC, "ALL", FlowLogStatus="DELETING")
        failing = flow_log(
            PUBLIC, "ALL", 2, DeliverLogsStatus="FAILED", DeliverLogsErrorMessage="Access error"
        )
        known, _ = answers(tmp_path, [*self.UNANSWERED], logs(gone, failing))
        failed, without = sorted(not_logged(known), reverse=True)
        assert without.startswith("2 of 6 interfaces")
        assert "Access error" in failed

    def test_logs_without_traffic_say_so(self, tmp_path: Path) -> None:
        silent = record(DB_ENI, "-", "-", (0, 0), (0, 0), "-", "-", status="NODATA")
        for lines in ([silent.replace(" 0 0 6 0 0 ", " - - - - - ")], []):
            folder = tmp_path / str(len(lines))
            folder.mkdir()
            for found in answers(folder, lines):
                assert [f.cause for f in found.findings] == ["not-logged"]
                assert "hold no" in not_logged(found)[0]


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["", "-1", "10.0.0.0/99", "::/0", "sg-", "\x1b[2J", "$(id)", "9" * 400, "٣"]),
    st.lists(st.none() | st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none() | st.text(max_size=3), max_size=2),
)


@st.composite
def spoiled(draw: st.DrawFn) -> Network:
    """The network with a few values, wherever they stand, replaced by anything, or gone."""
    found = network()
    found["flow-logs"] = [flow_log(VPC, "ALL")]
    found["transit-gateway-attachments"] = [
        {"TransitGatewayAttachmentId": "tgw-attach-1", "ResourceType": "vpc", "ResourceId": VPC}
    ]
    for _ in range(draw(st.integers(1, 6))):
        at: Any = found[draw(st.sampled_from(sorted(found)))]
        while True:
            keys = list(range(len(at))) if isinstance(at, list) else sorted(at)
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and at[key] and draw(st.integers(0, 4)):
                at = at[key]
                continue
            if draw(st.booleans()) or isinstance(at, list):
                at[key] = draw(ODD)
            else:
                del at[key]
            break
    return found


class TestDamagedInventories:
    RECORDS = (
        *(line for case in CASES for line in case.records[:2]),
        record(DB_ENI, APP_1, DB, (0, 0), (4, 336), "ingress", "REJECT", protocol=1),
    )

    @pytest.fixture(scope="class")
    @classmethod
    def traffic(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
        log, _ = written(tmp_path_factory.mktemp("logs"), [*cls.RECORDS])
        with gather(Reading([str(log)])) as traffic:
            yield traffic

    @given(spoiled())
    def test_give_an_answer_whatever_is_in_them(self, traffic: Traffic, found: Network) -> None:
        with tempfile.TemporaryDirectory() as folder:
            _, inventory = written(Path(folder), [], lambda network: network.update(found))
            said = diagnose_traffic(traffic, History.read(inventory))
        text = findings_text.as_json(said)
        assert json.loads(text)["findings"]
        assert {c for c in text if not c.isprintable()} == {"\n"}

    @pytest.mark.parametrize(
        ("file", "case"),
        [
            ("network-interfaces.json", "security-group"),
            ("security-groups.json", "security-group"),
            ("network-acls.json", "network-acl"),
            ("route-tables.json", "no-route"),
            ("nat-gateways.json", "nat-gateway-unavailable"),
            ("internet-gateways.json", "no-internet-gateway"),
        ],
    )
    def test_say_what_could_not_be_decided_for_lack_of_a_file(
        self, file: str, case: str, tmp_path: Path
    ) -> None:
        (worked,) = (c for c in CASES if c.cause == case)
        log, inventory = worked.write(tmp_path)
        for text in ('{"x": ', None):
            (inventory / file).unlink()
            if text is not None:
                (inventory / file).write_text(text)
            found = diagnose(Reading([str(log)]), inventory)
            assert any(note.startswith(file) for note in found.notes)
            # the state of a route to an internet gateway says that the gateway is gone or detached
            proven = [f.cause for f in faults(found) if f.confidence == "proven"]
            assert proven in ([], ["no-internet-gateway"])
            assert found.findings[0].cause in (
                *(worked.cause, "security-group-or-network-acl", "no-answer"),
                "unknown-destination",
            )


EVIL = "$(touch x);`id`\x1b[31m<script>'\"&|\u202e\n"
_IDS = re.compile(r"(acl|sg|rtb|nat|igw|subnet|vpc|pcx)-0a1\w+")
_FREE = ("Description", "GroupName", "OwnerId", "FailureMessage", "AvailabilityZone", "RequesterId")


def hostile(value: Any, key: str = "") -> Any:
    """The same network, with more than an id in its ids, and in whatever is free text."""
    if isinstance(value, dict):
        return {name: hostile(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [hostile(inner, key) for inner in value]
    evil = isinstance(value, str) and (key in _FREE or _IDS.fullmatch(value))
    return value + EVIL if evil else value


class TestHostileNames:
    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.cause)
    def test_reach_no_command_and_no_terminal(self, case: WorkedCase, tmp_path: Path) -> None:
        def change(found: Network) -> None:
            case.change(found)
            found.update(hostile(dict(found)))

        log, inventory = written(tmp_path, case.records, change)
        known = diagnose(Reading([str(log)]), inventory)
        screen = "\n".join(findings_text.lines(known, Screen.of(io.StringIO())))
        for text in (screen, findings_text.as_json(known)):
            assert {c for c in text if not c.isprintable()} <= {"\n"}
        steps = [step for f in known.findings for step in f.next_steps]
        assert not [step for step in steps if "touch" in step or "<script" in step]


class TestUnexplainedRejects:
    def test_the_look_ups_name_groups_and_acl(self, tmp_path: Path) -> None:
        refused = came(DB_ENI, APP_1, DB, 5432, "REJECT")
        known, _ = answers(tmp_path, [refused])
        assert verdict(known) == ("unexplained-reject", DB_ENI, "likely")
        commands = " ".join(known.findings[0].next_steps)
        assert all(f"AttributeValue={id_} " in commands for id_ in (DB_ENI, DB_SG, DATA_ACL))

    def test_a_log_without_times_names_none(self, tmp_path: Path) -> None:
        known, _ = answers(
            tmp_path,
            [f"{DB_ENI} {APP_1} {DB} 40001 5432 6 3 180 REJECT"],
            allows(DB_SG),
            "interface-id srcaddr dstaddr srcport dstport protocol packets bytes action",
        )
        assert verdict(known) == ("security-group", DB_SG, "likely")
        (fault,) = faults(known)
        assert fault.first_seen is None
        assert "1970" not in findings_text.as_json(known)
        assert "1969" not in findings_text.as_json(known)


class TestTheWayBackThroughNat:
    def test_is_one_finding_from_both_ends(self, tmp_path: Path) -> None:
        records = [
            asked(APP_ENI, APP_1, SITE, 443),
            record(NAT_ENI, SITE, NAT_IP, (443, 1500), SYNS, "ingress", "REJECT", flags=18),
        ]
        rules = (
            entry(100, "allow", "6", ANYWHERE, (32768, 65535)),
            entry(110, "allow", "-1", "10.0.0.0/16"),
        )
        known, _ = answers(tmp_path, records, in_acl(OPEN_ACL, *rules, drop=True))
        (fault,) = faults(known)
        assert (fault.cause, fault.resource, fault.confidence) == (
            "network-acl",
            OPEN_ACL,
            "proven",
        )


class TestTransitGateways:
    FIELDS = (
        "version resource-type tgw-id tgw-attachment-id srcaddr dstaddr srcport dstport protocol "
        "packets bytes start end log-status packets-lost-no-route"
    )

    def _log(self, folder: Path, lost: int) -> Path:
        folder.mkdir()
        (folder / "transit.log").write_text(
            f"{self.FIELDS}\n6 TransitGateway tgw-0a1000001 tgw-attach-0a1000001 "
            f"{APP_1} {FAR_HOST} 40001 5432 6 10 600 {START} {START + 60} OK {lost}\n"
        )
        return folder

    def test_what_they_dropped_is_the_one_finding_of_both_logs(self, tmp_path: Path) -> None:
        logs_ = self._log(tmp_path / "logs", 10)
        log, inventory = written(tmp_path, [asked(APP_ENI, APP_1, FAR_HOST, 5432)])
        log.rename(logs_ / "vpc.log")
        for found in (
            diagnose(Reading([str(logs_)]), inventory),
            answer(Reading([str(logs_)]), APP_1, f"{FAR_HOST}:5432", inventory),
        ):
            (fault,) = faults(found)
            assert (fault.cause, fault.resource) == ("no-route", "tgw-0a1000001")

    def test_their_records_alone_are_traffic(self, tmp_path: Path) -> None:
        found = diagnose(Reading([str(self._log(tmp_path / "logs", 0))]))
        assert found.findings == ()
