"""The committed sample inventory: it is what make_inventory.py writes, and agrees with the logs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

import vpcflow

DATA = Path(__file__).parent / "data"
INVENTORY = DATA / "samples-inventory"
BEFORE, AFTER = (INVENTORY / name for name in ("20260914T095500Z", "20260914T100700Z"))
ACL_CHANGE = datetime(2026, 9, 14, 10, 5, tzinfo=UTC)
SERVICES = (443, 8080, 9000, 5432, 6379)
Json = dict[str, Any]


def content(path: Path) -> Any:
    return json.loads(path.read_text())


def items(directory: Path, file: str, key: str) -> list[Json]:
    found: list[Json] = content(directory / f"{file}.json")[key]
    return found


def interfaces(directory: Path = AFTER) -> dict[str, Json]:
    listed = items(directory, "network-interfaces", "NetworkInterfaces")
    return {one["NetworkInterfaceId"]: one for one in listed}


def records(name: str, **where: object) -> Iterator[Json]:
    with vpcflow.scan(DATA / "samples" / name, where=where or None) as stream:
        for batch in stream:
            yield from (record.asdict() for record in batch)


def test_the_committed_inventory_is_what_the_script_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DATA / "make_inventory.py", tmp_path], check=True)
    written, committed = (
        {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.json")}
        for root in (tmp_path, INVENTORY)
    )
    assert written == committed


def test_the_inventory_is_small() -> None:
    assert sum(path.stat().st_size for path in INVENTORY.rglob("*.json")) < 200_000


def test_the_snapshots_differ_in_time_and_in_the_database_acl_alone() -> None:
    names = sorted(str(path.relative_to(AFTER)) for path in AFTER.rglob("*.json"))
    changed = [name for name in names if content(BEFORE / name) != content(AFTER / name)]
    assert changed == ["network-acls.json", "snapshot.json"]


def test_every_interface_of_the_logs_is_there_with_its_address() -> None:
    listed = interfaces()
    for name in ("AWSLogs", "ipv6.log", "custom-v5.log", "ecs-v8.log.gz"):
        for record in records(name):
            own = listed[record["interface_id"]]
            if record["log_status"] == "OK":
                six = {one["Ipv6Address"] for one in own["Ipv6Addresses"]}
                assert {record["srcaddr"], record["dstaddr"]} & {own["PrivateIpAddress"], *six}


def test_ids_of_the_richest_log_agree() -> None:
    listed = interfaces()
    zones = {s["SubnetId"]: s["AvailabilityZoneId"] for s in items(AFTER, "subnets", "Subnets")}
    for record in records("tags-v11.log.gz"):
        own = listed[record["interface_id"]]
        assert (record["vpc_id"], record["subnet_id"]) == (own["VpcId"], own["SubnetId"])
        assert record["az_id"] == zones[own["SubnetId"]]
        assert record["instance_id"] == own["Attachment"].get("InstanceId")
        tags = {tag["Key"]: tag["Value"] for tag in own["TagSet"]}
        assert record["interface_tag"] == tags.get("team")
        assert record["next_hop_interface_id"] is None or record["next_hop_interface_id"] in listed


def test_the_transit_gateways_attachments_are_there() -> None:
    key = "TransitGatewayAttachments"
    known = {
        one["TransitGatewayAttachmentId"]
        for one in items(AFTER, "transit-gateway-attachments", key)
    }
    logged = {record["tgw_attachment_id"] for record in records("transit-gateway.log.gz")}
    assert logged <= known


def test_security_groups_let_in_what_was_accepted_and_nothing_of_the_scan() -> None:
    for name in ("AWSLogs", "ipv6.log"):
        for record in records(name, log_status="OK"):
            own = interfaces()[record["interface_id"]]
            six = {one["Ipv6Address"] for one in own["Ipv6Addresses"]}
            if record["dstaddr"] not in {own["PrivateIpAddress"], *six}:
                continue
            if own["InterfaceType"] == "nat_gateway":
                continue  # it has no security group
            allowed = group_allows(own, record)
            if record["action"] == "REJECT":
                blocked = subnet_blocks(own["SubnetId"])
                assert blocked or not allowed
            elif record["dstport"] in SERVICES and record["srcport"] not in SERVICES:
                assert allowed


@pytest.mark.parametrize("moment", [BEFORE, AFTER], ids=lambda path: path.name)
def test_the_acl_of_the_database_lets_out_what_was_accepted(moment: Path) -> None:
    since, until = (None, ACL_CHANGE) if moment is BEFORE else (ACL_CHANGE, None)
    replies = [r for r in records("AWSLogs", start=(since, until)) if r["srcaddr"] == "10.0.2.9"]
    at_database = [r for r in replies if r["interface_id"] == "eni-0b000000000000008"]
    assert at_database
    acls = items(moment, "network-acls", "NetworkAcls")
    (acl,) = [acl for acl in acls if not acl["IsDefault"]]
    for record in at_database:
        assert acl_allows(acl, record) == (record["action"] == "ACCEPT")


def group_allows(interface: Json, record: Json) -> bool:
    """Whether a security group of the interface lets the record's packets in."""
    groups = items(AFTER, "security-groups", "SecurityGroups")
    of_source = {
        group["GroupId"]
        for one in interfaces().values()
        if one["PrivateIpAddress"] == record["srcaddr"]
        for group in one["Groups"]
    }
    own = {group["GroupId"] for group in interface["Groups"]}
    for rule in (r for g in groups if g["GroupId"] in own for r in g["IpPermissions"]):
        if {"tcp": 6, "icmpv6": 58}[rule["IpProtocol"]] != record["protocol"]:
            continue
        if record["protocol"] == 6 and not rule["FromPort"] <= record["dstport"] <= rule["ToPort"]:
            continue
        blocks = [r["CidrIp"] for r in rule["IpRanges"]] + [
            r["CidrIpv6"] for r in rule["Ipv6Ranges"]
        ]
        source = ip_address(record["srcaddr"])
        by_group = of_source & {pair["GroupId"] for pair in rule["UserIdGroupPairs"]}
        if by_group or any(source in ip_network(block) for block in blocks):
            return True
    return False


def subnet_blocks(subnet: str) -> bool:
    """Whether VPC Block Public Access shuts the subnet off."""
    (found,) = [s for s in items(AFTER, "subnets", "Subnets") if s["SubnetId"] == subnet]
    mode: str = found["BlockPublicAccessStates"]["InternetGatewayBlockMode"]
    return mode != "off"


def acl_allows(acl: Json, record: Json) -> bool:
    """Whether a network ACL lets the record's packets out: the first rule that fits decides."""
    for entry in sorted(acl["Entries"], key=lambda entry: entry["RuleNumber"]):
        ports = entry.get("PortRange", {"From": 0, "To": 65535})
        if (
            entry["Egress"]
            and entry["Protocol"] in ("-1", str(record["protocol"]))
            and ip_address(record["dstaddr"]) in ip_network(entry["CidrBlock"])
            and ports["From"] <= record["dstport"] <= ports["To"]
        ):
            return bool(entry["RuleAction"] == "allow")
    return False
