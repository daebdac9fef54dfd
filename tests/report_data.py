"""Made-up reports: an ordinary one, and extreme ones."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from vpcflow_diagnose.finding import Diagnosis, Finding
from vpcflow_diagnose.report.data import (
    Amount,
    Cost,
    CostRow,
    Edge,
    Making,
    Node,
    ReportData,
    Slot,
    Talker,
    Timeline,
    Topology,
)

START = 1_789_380_000_000  # 2026-09-14 10:00 UTC
MINUTE = 60_000
HOSTILE = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)>",
    "</style><style>*{display:none}</style>",
    "</title></svg><svg onload=alert(1)>",
    "javascript:alert(1)",
    "\x00\x1b[31mred\x1b[0m\u202egnp.exe\ud800",
    "&lt;b&gt;&#60;script&#62;",
    "<!-- ]]> --><![CDATA[",
    "x" * 100_000,
)


def making(**changes: object) -> Making:
    values: dict[str, object] = {
        "version": "0.1.0",
        "time": datetime(2026, 9, 14, 11, 0, tzinfo=UTC),
        "sources": ("logs/",),
        "files": 12,
        "bytes_read": 812_345_678,
        "counts": {"lines": 1207, "records": 1200, "rejected": 3, "header": 4, "skipdata": 2},
        "rejected": {"too-few-fields": 2, "not-an-integer": 1},
        "inventory": "inventory/20260914T100700Z",
    }
    return Making(**{**values, **changes})  # type: ignore[arg-type]


def fault(**changes: object) -> Finding:
    values: dict[str, object] = {
        "cause": "network-acl",
        "confidence": "proven",
        "explanation": "The reply from 10.0.2.9:5432 is dropped by acl-0abc rule 32767 (outbound): "
        "it allows 32768-60999, and this client uses 1024-65535.",
        "interface_id": "eni-0b000000000000008",
        "srcaddr": "10.0.1.5",
        "dstaddr": "10.0.2.9",
        "dstport": 5432,
        "protocol": 6,
        "direction": "egress",
        "flows": 148,
        "packets": 402,
        "first_seen": datetime(2026, 9, 14, 10, 5, tzinfo=UTC),
        "last_seen": datetime(2026, 9, 14, 10, 10, tzinfo=UTC),
        "resource": "acl-0abc",
        "rule": "32767",
        "evidence": (
            "ACCEPT 10.0.1.5:20344 -> 10.0.2.9:5432 SYN at 10:05:12",
            "REJECT 10.0.2.9:5432 -> 10.0.1.5:20344 SYN-ACK at 10:05:12",
        ),
        "next_steps": (
            "See the rules of the ACL:\naws ec2 describe-network-acls --network-acl-ids acl-0abc",
            "Allow outbound TCP 1024-65535 to 10.0.1.0/24 in acl-0abc.",
        ),
    }
    return Finding(**{**values, **changes})  # type: ignore[arg-type]


FINDINGS = (
    fault(),
    fault(
        cause="security-group",
        confidence="likely",
        resource="sg-0abc",
        rule="tcp 6379 from 10.0.1.6/32",
        explanation="sg-0abc of cache-1 has no rule that lets 10.0.1.6 in on port 6379.",
        dstaddr="10.0.2.20",
        dstport=6379,
        also=("network-acl acl-0abc 100",),
    ),
    fault(
        cause="unexplained-reject",
        confidence="possible",
        resource=None,
        explanation="Neither the security groups nor the network ACL deny this, and it was "
        "rejected. The snapshot may be stale.",
    ),
    fault(
        cause="cross-az-nat",
        confidence="proven",
        resource="nat-0abc",
        explanation="app-3 is in eu-west-1b and sends through the NAT gateway of eu-west-1a.",
    ),
    fault(
        cause="connected",
        confidence="likely",
        explanation="Clients reach the load balancer: it is not the network.",
    ),
)


def timeline(slots: int = 60) -> Timeline:
    return Timeline(
        MINUTE,
        tuple(
            Slot(
                START + i * MINUTE,
                Amount(400 + i, 30_000, int(4e8 * (1.2 + math.sin(i / 7)))),
                Amount(max(0, i - 25) * 3 % 41, 80, 4000),
            )
            for i in range(slots)
        ),
        gaps=((START + 12 * MINUTE, START + 14 * MINUTE),),
    )


PAIRS = """\
internet public-a 9e9
public-a internet 3e9
public-b internet 4e9
internet public-c 2e8
public-a app-a 5e9
public-a app-b 2e9
public-b app-b 6e9
public-b app-c 5e8
app-a db-a 8e9
app-b db-a 3e9
app-c db-a 1e9
app-a nat 2e9
app-b nat 8e8
nat internet 3e9
db-a db-b 4e9
db-a db-c 4e9
app-a s3 7e9
app-b pcx 1e8
app-c tgw 3e8
shared tgw 5e7
shared app-a 6e8
app-a app-a 1e9
"""  # from, to, bytes there


def topology() -> Topology:
    zones = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
    nodes = [
        Node(f"{tier}-{zone[-1]}", "subnet", f"{tier}-{zone[-1]}", f"10.0.{10 * z + t}.0/24",
             "vpc-0a", zone)
        for t, tier in enumerate(("public", "app", "db"))
        for z, zone in enumerate(zones)
    ]  # fmt: skip
    nodes += [
        Node("nat", "nat", "nat-0abc", "NAT gateway, 10.0.0.4", "vpc-0a", zones[0]),
        Node("shared", "subnet", "shared services", "10.9.0.0/24", "vpc-0b", zones[0]),
        Node("internet", "internet", "Internet"),
        Node("pcx", "peering", "pcx-0abc", "10.8.0.0/16"),
        Node("tgw", "transit", "tgw-0abc", "192.168.0.0/16"),
        Node("s3", "aws", "Amazon S3", "AWS's addresses"),
    ]
    edges = []
    for pair in PAIRS.splitlines():
        source, target, size = pair.split()
        edges.append(Edge(source, target, Amount(int(float(size) / 1e5), 10**5, int(float(size)))))
        edges.append(
            Edge(target, source, Amount(int(float(size) / 2e5), 10**5, int(float(size) / 5)))
        )
    edges += [
        Edge("db-a", "app-a", rejected=Amount(148, 402, 20_000)),
        Edge("internet", "public-a", rejected=Amount(4000, 4000, 200_000)),
        Edge("app-c", "internet", rejected=Amount(40, 120, 7000)),
    ]
    return Topology(tuple(nodes), tuple(edges), {"vpc-0a": "shop vpc-0a", "vpc-0b": "shared"})


def ordinary(**changes: object) -> ReportData:
    values: dict[str, object] = {
        "making": making(),
        "diagnosis": Diagnosis(FINDINGS, ("the route tables are not in the inventory",)),
        "first": START,
        "last": START + 60 * MINUTE,
        "records": 1200,
        "accepted": Amount(1100, 900_000, 29_400_000_000),
        "rejected": Amount(98, 300, 15_000),
        "skipdata": 2,
        "interfaces": 14,
        "timeline": timeline(),
        "by_resource": True,
        "talkers": tuple(
            Talker(f"service-{i}", f"i-0abc{i}, 10.0.1.{i}", Amount(900 // i, 9000, 10**10 // i**2),
                   Amount(30 if i == 3 else 0))
            for i in range(1, 15)
        ),
        "topology": topology(),
        "cost": Cost(
            (
                CostRow("S3, Parquet", 12.3, "delivery $9.10, conversion $1.10, storage $2.10"),
                CostRow("CloudWatch Logs, Standard", 210.0, "ingestion $205.00, storage $5.00",
                        confirmed=False),
            ),
            ("From 60 minutes of traffic, as if every month were like them.",),
        ),
    }  # fmt: skip
    return ReportData(**{**values, **changes})  # type: ignore[arg-type]


def empty() -> ReportData:
    return ReportData(making(counts={}, rejected={}, inventory=None), Diagnosis(()))


def one_record() -> ReportData:
    one = Amount(1, 1, 40)
    return ReportData(
        making(counts={"lines": 1, "records": 1}, rejected={}, inventory=None, files=1),
        Diagnosis(()),
        first=START,
        last=START,
        records=1,
        accepted=one,
        interfaces=1,
        timeline=Timeline(MINUTE, (Slot(START, one),)),
        talkers=(Talker("10.0.0.1", "", one),),
        topology=Topology(
            (Node("a", "block", "10.0.0.0/24"), Node("b", "block", "10.0.1.0/24")),
            (Edge("a", "b", one),),
            by_block=True,
        ),
    )


def hostile(text: str) -> ReportData:
    """Everything that may come from a log or an inventory is `text`."""
    amount = Amount(5, 5, 500)
    node = Node(text, "subnet", text, text, text, text)
    found = [
        fault(
            cause=cause,
            confidence=confidence,
            explanation=text,
            interface_id=text,
            srcaddr=text,
            dstaddr=text,
            resource=text,
            rule=text,
            direction=text,
            also=(text,) * 3,
            evidence=(text,) * 3,
            next_steps=(text, f"aws {text}", f"aws x\n{text}"),
        )
        for cause in ("no-route", "cross-az-nat", "connected")
        for confidence in ("proven", "possible")
    ]
    return ordinary(
        making=making(
            sources=(text,) * 3,
            inventory=text,
            errors=(text,) * 3,
            counts={"lines": 5, text: 5},
            rejected={text: 3},
        ),
        diagnosis=Diagnosis(tuple(found), (text,) * 5),
        talkers=(Talker(text, text, amount, amount),) * 3,
        topology=Topology(
            (node, Node("other", "nat", text, text, text), Node("internet", "internet", text)),
            (
                Edge(text, "other", amount, amount),
                Edge("other", text, amount, amount),
                Edge("internet", text, amount, amount),
            ),
            {text: text},
        ),
        cost=Cost((CostRow(text, 1.0, text),), (text,)),
        notes=(text,),
    )


def huge() -> ReportData:
    """More of everything than there will ever be, with numbers at the end of their columns."""
    most = Amount(2**63 - 1, 2**63 - 1, 2**63 - 1)
    text = "w\u0308<&" * 2000
    many = [fault(explanation=text, evidence=(text,) * 100, next_steps=("aws " + text,) * 100)]
    nodes = tuple(
        Node(f"n{i}", "subnet", f"{i}{text}", text, f"vpc-{i % 7}", f"zone-{i % 11}")
        for i in range(2000)
    )
    return ordinary(
        first=0,
        last=2**62,
        records=2**63 - 1,
        accepted=most,
        rejected=most,
        diagnosis=Diagnosis(tuple(many * 3000), (text,) * 3000),
        timeline=Timeline(
            1000, tuple(Slot(i * 10**11, most, most) for i in range(5000)), ((0, 2**62),) * 1000
        ),
        talkers=tuple(Talker(text, text, most, most) for _ in range(5000)),
        topology=Topology(
            (*nodes, *(Node(f"x{i}", "peering", text) for i in range(500))),
            tuple(Edge(f"n{i}", f"n{i * 7 % 2000}", most, most) for i in range(2000))
            + tuple(Edge(f"n{i}", f"x{i}", most, most) for i in range(500)),
        ),
        making=making(
            sources=(text,) * 5000,
            errors=(text,) * 5000,
            rejected={f"{i}": 2**63 for i in range(5)},
        ),
    )
