"""Taking snapshots of moto's EC2, load balancers and databases, with what can go wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
from click.testing import CliRunner, Result
from fault_proxy import Answer, FaultProxy, Request, Rule
from servers import environment, moto, using
from vpcflow_aws import session
from vpcflow_aws.eni import enricher
from vpcflow_aws.inventory import FILES, FOLDERS, Inventory, time_of_name
from vpcflow_aws.inventory_calls import CALLS, EACH, permissions
from vpcflow_aws.inventory_command import inventory
from vpcflow_aws.inventory_snapshot import Taken, take

from vpcflow.cli.app import Program
from vpcflow.errors import PluginError

REGION = "eu-west-1"
NOW = datetime(2026, 9, 14, 10, tzinfo=UTC)


def denied(code: str = "UnauthorizedOperation", status: int = 403) -> Answer:
    """A refusal in the words of EC2 and of the other query services."""
    said = f"<Code>{code}</Code><Message>not today</Message>"
    ec2 = f"<Response><Errors><Error>{said}</Error></Errors></Response>"
    other = f"<ErrorResponse><Error>{said}</Error></ErrorResponse>"
    return Answer(status, (ec2 if code == "UnauthorizedOperation" else other).encode(), "text/xml")


def always(fault: Answer, operation: str = "") -> Rule:
    return Rule(fault, operation, times=None)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Clients take the endpoint from the environment when they are made, and credentials stay."""
    session.session.cache_clear()
    with moto() as url:
        yield url
    session.session.cache_clear()


@pytest.fixture
def aws(server: str) -> Iterator[str]:
    with using(environment(server)):
        yield server


@pytest.fixture(scope="module")
def made(server: str) -> dict[str, Any]:
    """An instance, a load balancer with a target group, a database, and a network for them."""
    with using(environment(server)):
        ec2, elb, rds = (boto3.session.Session().client(s, REGION) for s in ("ec2", "elbv2", "rds"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{z}")
        for n, z in enumerate("ab")
    ]
    ids = [one["Subnet"]["SubnetId"] for one in subnets]
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    image = ec2.describe_images(MaxResults=1)["Images"][0]["ImageId"]
    named = {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "café"}]}
    run = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, SubnetId=ids[0], TagSpecifications=[named]
    )
    instance = run["Instances"][0]["InstanceId"]
    elb.create_load_balancer(Name="shop", Subnets=ids, SecurityGroups=[group])
    target = elb.create_target_group(Name="shop-web", Protocol="HTTP", Port=80, VpcId=vpc)
    arn = target["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": instance}])
    rds.create_db_subnet_group(DBSubnetGroupName="db", DBSubnetGroupDescription="db", SubnetIds=ids)
    rds.create_db_instance(
        DBInstanceIdentifier="db-1",
        DBInstanceClass="db.t3.small",
        Engine="postgres",
        AllocatedStorage=20,
        DBSubnetGroupName="db",
    )
    return {"vpc": vpc, "subnets": ids, "group": group, "instance": instance, "ec2": ec2}


@pytest.fixture
def network(made: dict[str, Any], aws: str) -> dict[str, Any]:
    return made


def snapshot(*words: str) -> Result:
    program = Program("vpcflow", commands=[inventory])
    return CliRunner().invoke(program, ["inventory", "snapshot", *words])


def content(path: Path) -> Any:
    return json.loads(path.read_text())


def behind(server: str, directory: Path, *rules: Rule) -> tuple[Taken, list[Request]]:
    """A snapshot through a proxy with those rules, and the requests that it saw."""
    with FaultProxy(server, rules) as proxy, using(environment(proxy.url)):
        return take(directory, REGION, NOW), proxy.requests


# ---- what is fetched -----------------------------------------------------------------------------


def test_every_file_of_the_contract_is_fetched_by_one_call() -> None:
    assert [call.file for call in CALLS] == list(dict.fromkeys(call.file for call in CALLS))
    assert {call.file for call in CALLS} == set(FILES)
    assert {each.folder for each in EACH} == set(FOLDERS)


def test_only_reading_calls_are_made() -> None:
    for call in (*CALLS, *EACH):
        assert re.match(r"(describe|get|list)_", call.operation)
        service, action = call.permission.split(":")
        assert action.lower() == call.operation.replace("_", "")
        assert service == ("elasticloadbalancing" if "elb" in call.service else call.service)


def test_the_files_of_a_network(network: dict[str, Any], tmp_path: Path) -> None:
    result = snapshot(str(tmp_path), "--json")
    assert result.exit_code == 0, result.output
    (told,) = json.loads(result.output)["snapshots"]
    assert told["lacks"] == []
    assert {f["file"] for f in told["files"]} >= {*FILES, "target-health/shop-web.json"}
    by_file = {f["file"]: f["items"] for f in told["files"]}
    assert by_file["db-instances.json"] == by_file["target-groups.json"] == 1
    about = content(tmp_path / "snapshot.json")
    assert (about["account"], about["region"], about["lacks"]) == ("123456789012", REGION, [])
    assert about["complete"] is True
    datetime.fromisoformat(about["time"])
    found = content(tmp_path / "instances.json")["Reservations"][0]["Instances"][0]
    assert found["InstanceId"] == network["instance"]
    assert found["Tags"] == [{"Key": "Name", "Value": "café"}]
    launched = datetime.fromisoformat(found["LaunchTime"])
    assert launched.tzinfo is not None
    health = content(tmp_path / "target-health" / "shop-web.json")["TargetHealthDescriptions"]
    assert health[0]["Target"]["Id"] == network["instance"]
    lists = content(tmp_path / "managed-prefix-lists.json")["PrefixLists"]
    for one in lists:
        path = tmp_path / "managed-prefix-list-entries" / f"{one['PrefixListId']}.json"
        assert content(path)["Entries"]
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_what_the_sdk_says_is_what_the_files_say(network: dict[str, Any], tmp_path: Path) -> None:
    """The same as `aws ec2 describe-... --output json` prints: boto3's answer without its
    metadata."""
    take(tmp_path, REGION, NOW)
    for file, ask in (
        ("security-groups.json", network["ec2"].describe_security_groups),
        ("subnets.json", network["ec2"].describe_subnets),
        ("network-interfaces.json", network["ec2"].describe_network_interfaces),
    ):
        answer = ask()
        answer.pop("ResponseMetadata")
        wanted = json.loads(json.dumps(answer, default=lambda value: value.isoformat()))
        assert content(tmp_path / file) == wanted


def test_the_snapshot_is_read_by_the_enricher(network: dict[str, Any], tmp_path: Path) -> None:
    take(tmp_path, REGION, NOW)
    (item,) = [
        one
        for one in content(tmp_path / "network-interfaces.json")["NetworkInterfaces"]
        if one.get("Attachment", {}).get("InstanceId")
    ]
    by_interface, by_address = enricher(str(tmp_path), {"columns": "all"})
    found = by_interface.lookup(item["NetworkInterfaceId"])  # type: ignore[attr-defined]
    assert found[:3] == ("ec2-instance", network["instance"], "café")
    key = (network["vpc"], item["PrivateIpAddress"])
    assert by_address.lookup(key)[:2] == (item["NetworkInterfaceId"], "primary")  # type: ignore[attr-defined]


PAGE = b"""<DescribeNetworkInterfacesResponse><networkInterfaceSet><item>
<networkInterfaceId>eni-0a1</networkInterfaceId><vpcId>vpc-1</vpcId></item></networkInterfaceSet>
<nextToken>go on</nextToken></DescribeNetworkInterfacesResponse>"""


def test_all_pages_of_interfaces_are_fetched(network: dict[str, Any], tmp_path: Path) -> None:
    """The first page is the proxy's, and names the next one, which is moto's."""
    page = Rule(Answer(200, PAGE, "text/xml"), "DescribeNetworkInterfaces")
    taken, requests = behind(network["ec2"].meta.endpoint_url, tmp_path, page)
    asked = [parse_qs(r.body.decode()) for r in requests if r.operation == page.operation]
    assert [one.get("NextToken") for one in asked] == [None, ["go on"]]
    assert [one["IncludeManagedResources"] for one in asked] == [["true"], ["true"]]
    listed = content(tmp_path / "network-interfaces.json")["NetworkInterfaces"]
    assert listed[0]["NetworkInterfaceId"] == "eni-0a1"
    assert len(listed) > 1
    assert {w.file: w.items for w in taken.written}["network-interfaces.json"] == len(listed)


def test_all_pages_of_load_balancers_are_fetched(network: dict[str, Any], tmp_path: Path) -> None:
    """moto gives 50 at a time."""
    elb = boto3.session.Session().client("elbv2", REGION)
    for number in range(52):
        elb.create_load_balancer(Name=f"lb-{number}", Subnets=network["subnets"])
    _, requests = behind(network["ec2"].meta.endpoint_url, tmp_path)
    found = content(tmp_path / "load-balancers.json")["LoadBalancers"]
    assert len({one["LoadBalancerName"] for one in found}) == 53
    asked = [r for r in requests if r.operation == "DescribeLoadBalancers"]
    assert len(asked) == 3  # two pages, and the classic ones


# ---- what is lacking -----------------------------------------------------------------------------


def test_a_denied_call_is_named_with_its_permission(
    network: dict[str, Any], tmp_path: Path
) -> None:
    rules = [
        always(denied(), "DescribeNetworkAcls"),
        always(denied("AccessDenied"), "DescribeDBInstances"),
        always(denied("AccessDenied"), "DescribeTargetHealth"),
    ]
    with FaultProxy(network["ec2"].meta.endpoint_url, rules) as proxy:
        with using(environment(proxy.url)):
            result = snapshot(str(tmp_path))
        assert proxy.count("DescribeNetworkAcls") == 1  # a refusal is not asked again
    assert result.exit_code == 0
    shown = " ".join(result.output.split())
    assert "network-acls.json: needs the permission ec2:DescribeNetworkAcls" in shown
    assert "db-instances.json: needs the permission rds:DescribeDBInstances" in shown
    assert (
        "target-health/shop-web.json: needs the permission "
        "elasticloadbalancing:DescribeTargetHealth" in shown
    )
    assert not (tmp_path / "network-acls.json").exists()
    assert (tmp_path / "security-groups.json").exists()
    about = content(tmp_path / "snapshot.json")
    assert {one["permission"] for one in about["lacks"]} == {
        "ec2:DescribeNetworkAcls",
        "rds:DescribeDBInstances",
        "elasticloadbalancing:DescribeTargetHealth",
    }


def test_what_hangs_on_a_denied_call_is_named_too(aws: str, tmp_path: Path) -> None:
    taken, _ = behind(aws, tmp_path, always(denied(), "DescribeManagedPrefixLists"))
    missing = {one.file: one for one in taken.missing}
    assert missing["managed-prefix-lists.json"].denied
    assert "managed-prefix-lists.json" in missing["managed-prefix-list-entries"].reason


def test_a_service_that_fails_is_named_with_its_error(aws: str, tmp_path: Path) -> None:
    taken, _ = behind(aws, tmp_path, always(denied("InvalidAction", 400), "DescribeCacheClusters"))
    (missing,) = taken.missing
    assert (missing.file, missing.denied) == ("cache-clusters.json", False)
    assert "InvalidAction" in missing.reason


def test_throttled_calls_are_made_again(aws: str, tmp_path: Path) -> None:
    slow = denied("RequestLimitExceeded", 503)
    taken, requests = behind(aws, tmp_path, Rule(slow, "DescribeSubnets", times=2))
    assert taken.missing == []
    assert sum(r.operation == "DescribeSubnets" for r in requests) == 3


def test_an_account_that_may_not_be_asked_is_unknown(aws: str, tmp_path: Path) -> None:
    taken, _ = behind(aws, tmp_path, always(denied("AccessDenied"), "GetCallerIdentity"))
    assert taken.account is None
    assert content(tmp_path / "snapshot.json")["account"] is None


def test_nothing_useful_is_an_error_and_writes_nothing(aws: str, tmp_path: Path) -> None:
    with FaultProxy(aws, [always(denied())]) as proxy, using(environment(proxy.url)):
        result = snapshot(str(tmp_path / "new"))
    assert result.exit_code == 1
    assert "ec2:DescribeNetworkInterfaces" in result.output
    assert not (tmp_path / "new").exists()


def test_wrong_credentials_are_an_error(aws: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="InvalidClientTokenId"):
        behind(aws, tmp_path, always(denied("InvalidClientTokenId"), "GetCallerIdentity"))
    assert list(tmp_path.iterdir()) == []


def test_names_from_the_service_never_become_other_paths(aws: str, tmp_path: Path) -> None:
    evil = b"""<DescribeManagedPrefixListsResponse><prefixListSet><item>
        <prefixListId>../../../pl-0a1</prefixListId></item></prefixListSet>
        </DescribeManagedPrefixListsResponse>"""
    rule = Rule(Answer(200, evil, "text/xml"), "DescribeManagedPrefixLists")
    _, requests = behind(aws, tmp_path / "a" / "b", rule)
    assert not any(r.operation == "GetManagedPrefixListEntries" for r in requests)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# ---- where it goes -------------------------------------------------------------------------------


def test_a_second_snapshot_replaces_the_first_wholly(aws: str, tmp_path: Path) -> None:
    take(tmp_path, REGION, NOW)
    (tmp_path / "notes.txt").write_text("mine")
    taken, _ = behind(aws, tmp_path, always(denied(), "DescribeSubnets"))
    assert taken.removed == ["subnets.json"]
    assert not (tmp_path / "subnets.json").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_files_made_by_hand_are_not_removed(aws: str, tmp_path: Path) -> None:
    (tmp_path / "subnets.json").write_text('{"Subnets": []}')
    taken, _ = behind(aws, tmp_path, always(denied(), "DescribeSubnets"))
    assert taken.removed == []
    assert (tmp_path / "subnets.json").exists()


def test_timestamped_snapshots_stand_side_by_side(aws: str, tmp_path: Path) -> None:
    result = snapshot(str(tmp_path), "--timestamped", "--json")
    assert result.exit_code == 0, result.output
    (told,) = json.loads(result.output)["snapshots"]
    (folder,) = tmp_path.iterdir()
    assert told["directory"] == str(folder)
    assert time_of_name(folder.name) == datetime.fromisoformat(told["time"])
    (one,) = Inventory.read(tmp_path).snapshots
    assert one.time == time_of_name(folder.name)


def test_a_timestamped_snapshot_that_fails_leaves_nothing(aws: str, tmp_path: Path) -> None:
    with FaultProxy(aws, [always(denied())]) as proxy, using(environment(proxy.url)):
        assert snapshot(str(tmp_path), "--timestamped").exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_several_regions_get_a_folder_each(aws: str, tmp_path: Path) -> None:
    regions = ("us-east-1", "ap-southeast-2")
    words = [word for region in regions for word in ("--region", region)]
    assert snapshot(str(tmp_path), *words).exit_code == 0
    found = Inventory.read(tmp_path).snapshots
    assert {s.region for s in found} == {s.directory.name for s in found} == set(regions)
    zones = content(tmp_path / "us-east-1" / "subnets.json")["Subnets"]
    assert all(zone["AvailabilityZone"].startswith("us-east-1") for zone in zones)


def test_a_region_that_refuses_does_not_stop_the_others(aws: str, tmp_path: Path) -> None:
    class Refused(Rule):
        def wants(self, request: Request, target: str) -> bool:
            return "/us-east-1/" in request.headers["Authorization"]

    refused = Refused(denied("AuthFailure", 401), times=None)
    with FaultProxy(aws, [refused]) as proxy, using(environment(proxy.url)):
        result = snapshot(str(tmp_path), "--region", "us-east-1", "--region", REGION, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert [one["region"] for one in told["snapshots"]] == [REGION]
    assert [one["region"] for one in told["failed"]] == ["us-east-1"]


def test_a_table_says_what_there_is(network: dict[str, Any], tmp_path: Path) -> None:
    result = snapshot(str(tmp_path))
    lines = result.output.splitlines()
    assert lines[0].startswith(f"{tmp_path}: 123456789012, {REGION}, ")
    assert re.search(r"^  db-instances\.json +1$", result.output, re.MULTILINE)
    assert re.search(r"^  target-health +1  in 1 file$", result.output, re.MULTILINE)
    assert "Missing" not in result.output


@pytest.mark.parametrize("region", ["", "eu west", "eu-west-1/../..", "é"])
def test_what_is_no_region(region: str, tmp_path: Path) -> None:
    result = snapshot(str(tmp_path), "--region", region)
    assert result.exit_code == 2
    assert "is no AWS Region" in result.output


def test_no_region_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session.session.cache_clear()
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    result = snapshot(str(tmp_path))
    session.session.cache_clear()
    assert result.exit_code == 2
    assert "AWS_REGION" in result.output


def test_the_readme_lists_all_permissions() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    section = readme.partition("## Inventory and interfaces")[2].partition("\n## ")[0]
    policy = re.search(r"```json\n(.*?)```", section, re.DOTALL)
    assert policy is not None
    (statement,) = json.loads(policy[1])["Statement"]
    assert statement["Action"] == permissions()
