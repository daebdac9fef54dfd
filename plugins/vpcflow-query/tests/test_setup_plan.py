"""What is chosen, refused and warned of: fields, options, policies, cost."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from vpcflow_diagnose.traffic.columns import used
from vpcflow_query.cost import typical_line
from vpcflow_query.prices import load
from vpcflow_query.setup import patterns
from vpcflow_query.setup.fields import DIAGNOSIS, TAG_FIELDS, chosen, missing
from vpcflow_query.setup.json_text import readable
from vpcflow_query.setup.resource import Resource
from vpcflow_query.setup.shell import Command
from vpcflow_query.setup_command import setup

import vpcflow
from vpcflow import FIELDS, FlowFormat, UsageError
from vpcflow.cli.app import Program

SAMPLES = Path(__file__).parents[3] / "tests" / "data" / "samples"
ACCOUNT, REGION = "123456789012", "eu-west-1"
VPC = "vpc-0a1b2c3d4e5f60718"
S3 = (VPC, "--to", "s3", "--bucket", "my-flow-logs")
LOGS = (VPC, "--to", "cloudwatch")
FIREHOSE = (
    *(VPC, "--to", "firehose"),
    *("--stream", f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/siem"),
)


def ran(*words: str, region: str = REGION) -> Result:
    at = ["--account", ACCOUNT, "--region", region]
    return CliRunner().invoke(Program(commands={"setup": setup}), ["setup", *words, *at])


def told(*words: str, region: str = REGION) -> dict[str, Any]:
    result = ran(*words, "--json", region=region)
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def refused(*words: str) -> str:
    result = ran(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    return result.stderr


def test_the_default_fields_are_those_of_diagnosis_with_a_reason_each() -> None:
    answer = told(*S3)
    assert [f["name"] for f in answer["fields"]] == list(DIAGNOSIS)
    assert all(f["reason"] == DIAGNOSIS[f["name"]] for f in answer["fields"])
    format_ = FlowFormat.parse(answer["format"])
    assert format_.version == 9
    assert format_.names[:14] == FlowFormat.default().names
    assert not missing(format_)


def test_the_default_fields_hold_every_one_that_diagnosis_reads() -> None:
    vpc = [f.name for f in FIELDS.values() if f.version != 6]
    assert set(used(vpc)) <= set(chosen("diagnosis", transit=False).names)
    transit = FlowFormat.transit_gateway().names
    assert set(used(list(FIELDS))) & set(transit) <= set(chosen("diagnosis", transit=True).names)


def test_fields_can_be_chosen() -> None:
    assert chosen("default", transit=False) == FlowFormat.default()
    every = {f.aws_name for f in chosen("all", transit=False).fields}
    vpc = {f.aws_name for f in FIELDS.values() if f.version != 6}
    assert every == vpc - TAG_FIELDS
    for text in ("default", "diagnosis", "all"):
        assert chosen(text, transit=True) == FlowFormat.transit_gateway()
    with pytest.raises(UsageError, match="transit gateway flow logs have: tgw-id"):
        chosen("${version} ${tgw-id}", transit=False)
    with pytest.raises(UsageError, match="VPC flow logs have: action"):
        chosen("${version} ${action}", transit=True)
    with pytest.raises(UsageError, match="srcaddr"):
        chosen("${version} ${src-adr}", transit=False)


def test_warnings_say_what_diagnosis_cannot_tell_then() -> None:
    assert told(*S3)["warnings"] == []
    (reject,) = told(*S3, "--traffic", "reject")["warnings"]
    assert "accepted and no answer" in reject
    (accept,) = told(*S3, "--traffic", "accept")["warnings"]
    assert "nobody tried" in accept
    (fields,) = told(*S3, "--fields", "default")["warnings"]
    assert all(name in fields for name in ("tcp-flags", "flow-direction", "pkt-srcaddr"))
    assert "OR-ed" in told(*S3, "--interval", "600")["warnings"][0]
    everything = told(*S3, "--fields", "all")["warnings"]
    assert any("ecs:ListClusters" in w for w in everything)
    tags = told(*S3, "--fields", f"{chosen('diagnosis', transit=False)} ${{instance-tag}}")
    assert any("TagFieldSpecifications" in w for w in tags["warnings"])


def test_delivery_to_a_bucket_is_allowed_for_this_account_and_region_only() -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
    documents = told(*S3, "--prefix", "/net/vpc/", "--kms-key", key)["documents"]
    write, look = documents["bucket_policy"]["Statement"]
    assert write["Resource"] == (
        f"arn:aws:s3:::my-flow-logs/net/vpc/AWSLogs/aws-account-id={ACCOUNT}/*"
    )
    assert write["Condition"]["StringEquals"]["s3:x-amz-acl"] == "bucket-owner-full-control"
    for statement in (write, look, documents["key_policy_statement"]):
        assert statement["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
        assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT
        source = statement["Condition"]["ArnLike"]["aws:SourceArn"]
        assert source == f"arn:aws:logs:{REGION}:{ACCOUNT}:*"
    plain = told(*S3, "--no-hive")["documents"]["bucket_policy"]["Statement"][0]
    assert plain["Resource"] == f"arn:aws:s3:::my-flow-logs/AWSLogs/{ACCOUNT}/*"


def test_the_role_writes_to_one_log_group_and_serves_one_account() -> None:
    documents = told(*LOGS, "--log-group", "net/flow")["documents"]
    (trust,) = documents["role_trust"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    source = trust["Condition"]["ArnLike"]["aws:SourceArn"]
    assert source == f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-flow-log/*"
    resources = documents["role_policy"]["Statement"][0]["Resource"]
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:net/flow"
    assert resources == [group, f"{group}:*"]


def test_roles_across_accounts_name_each_other() -> None:
    answer = told(*FIREHOSE[:-1], FIREHOSE[-1].replace(ACCOUNT, "222233334444"))
    ours = answer["request"]["DeliverLogsPermissionArn"]
    theirs = answer["request"]["DeliverCrossAccountRole"]
    (trust,) = answer["documents"]["stream_role_trust"]["Statement"]
    assert trust["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert trust["Condition"] == {"ArnEquals": {"aws:PrincipalArn": ours}}
    passing, _, assuming = answer["documents"]["role_policy"]["Statement"]
    assert assuming["Resource"] == theirs
    assert passing["Condition"]["StringLike"]["iam:AssociatedResourceARN"] == [
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/{VPC}"
    ]
    assert len(theirs.rpartition("/")[2]) <= 64


def test_other_partitions() -> None:
    answer = told(*S3, region="cn-north-1")
    assert answer["request"]["LogDestination"] == "arn:aws-cn:s3:::my-flow-logs"
    result = ran(*FIREHOSE, region="us-gov-west-1")
    assert result.exit_code == 2
    assert "arn:aws-us-gov:" in result.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("i-0a1b2c3d", "--to", "s3", "--bucket", "abc"), "not the id of something that has"),
        ((VPC, "--to", "s3"), "needs --bucket"),
        ((*S3, "--log-group", "x"), "--log-group is for --to cloudwatch"),
        ((*S3, "--role-name", "x"), "no role"),
        ((*S3, "--expire-days", "3"), "--create-bucket"),
        ((*S3, "--prefix", "a/AWSLogs"), "AWSLogs is made by AWS"),
        ((*S3, "--prefix", "../a"), "not a folder"),
        ((*S3, "--kms-key", "12345678-1234-1234-1234-123456789012"), "the key's ARN, not its id"),
        ((*LOGS, "--no-hive"), "--hive/--no-hive is for --to s3"),
        ((*LOGS, "--retention", "31"), "does not keep for so many days"),
        ((*FIREHOSE, "--role-name", "x"), "takes no role"),
        ((VPC, "--to", "firehose"), "needs --stream"),
        (("tgw-0a1b2c3d", *S3[1:], "--interval", "600"), "transit gateways have 60 seconds"),
        (("tgw-0a1b2c3d", *S3[1:], "--traffic", "all"), "no such choice"),
        ((*S3, "--gb-per-month", "1", "--records-per-second", "1"), "one of them"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(words: tuple[str, ...], expected: str) -> None:
    assert expected in " ".join(refused(*words).split())


def test_account_and_region_have_to_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    run = CliRunner().invoke
    program = Program(commands={"setup": setup})
    assert "--account is missing" in run(program, ["setup", *S3]).stderr
    words = ["setup", *S3, "--account", ACCOUNT]
    assert "--region is missing" in run(program, words).stderr
    monkeypatch.setenv("AWS_REGION", REGION)
    assert run(program, words).exit_code == 0


HOSTILE = st.text(
    st.one_of(st.sampled_from(" '\"`$(){};&|<>\\\n\t*?[]!#~%\x1b"), st.characters()), min_size=1
)
ARGUMENT = st.text(  # without what no process can be given: NUL, and lone surrogates
    st.one_of(
        st.sampled_from(" '\"`$(){};&|<>\\\n\t*?[]!#~%\x1b"),
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
    ),
    min_size=1,
)
CHECKS = (
    patterns.region,
    patterns.account,
    patterns.bucket,
    patterns.prefix,
    patterns.log_group,
    patterns.role_name,
    patterns.stream_arn,
    patterns.topic_arn,
    patterns.key_arn,
    Resource.of,
)
VALID = (
    *("eu-west-1", ACCOUNT, "my-flow-logs", "net/vpc", "/net/flow", "role"),
    f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/siem",
    f"arn:aws:sns:{REGION}:{ACCOUNT}:network",
    f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012",
    VPC,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(range(len(CHECKS))), HOSTILE, st.data())
def test_names_with_anything_special_are_refused(
    which: int, hostile: str, data: st.DataObject
) -> None:
    """Whatever is put into a good name: it passes only if a shell takes it for one plain word."""
    good = VALID[which]
    CHECKS[which](good)
    at = data.draw(st.integers(0, len(good)))
    for text in (hostile, good[:at] + hostile + good[at:]):
        with contextlib.suppress(UsageError):
            CHECKS[which](text)
            word = text.strip("/")  # of folders
            assert shlex.quote(word) == word or "#" in word
            assert word.isascii()
            assert not set(word) & set("$`\"'\\;&|<>(){}*?[]!~% \n\t")


@settings(max_examples=60, deadline=None)
@given(st.lists(ARGUMENT, min_size=1, max_size=3), ARGUMENT)
def test_commands_quote_whatever_they_are_given(words: list[str], name: str) -> None:
    """Even what no pattern would let through stays, for bash, the one argument that it is."""
    document: dict[str, object] = {"name": name, "list": list(words)}
    command = Command("s3api", "op", {"several": words, "one": name, "document": document})
    script = f"aws() {{ printf '%s\\0' \"$@\"; }}\n{command.text('  ')}"
    said = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout
    read = said.decode().split("\0")[:-1]
    assert read[:-1] == ["s3api", "op", "--several", *words, "--one", name, "--document"]
    assert json.loads(read[-1]) == document


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=30),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
)
def test_readable_json_is_the_same_json(value: object) -> None:
    assert json.loads(readable(value)) == value


def test_cost_of_a_given_volume_is_that_of_the_price_table() -> None:
    cost = told(*LOGS, "--gb-per-month", "100", "--retention", "90", region="us-east-1")["cost"]
    by_charge = {c["charge"]: c for c in cost["charges"]}
    charges = {c.name: c for c in load().charges("us-east-1", "cloudwatch")}
    assert by_charge["delivery"]["usd"] == charges["delivery"].amount(100).usd == 50.0
    assert by_charge["storage"]["gb"] == pytest.approx(100 / 6 * 3)
    assert cost["usd_per_month"] == pytest.approx(sum(c["usd"] for c in cost["charges"]))


def test_cost_of_a_rate_grows_with_the_fields() -> None:
    at = ("--records-per-second", "1000")
    default, diagnosis = (
        told(*S3, "--fields", name, *at)["cost"] for name in ("default", "diagnosis")
    )
    assert default["gb_per_month"] == pytest.approx(277.6, rel=0.01)  # 115 bytes a record
    assert diagnosis["gb_per_month"] > 1.7 * default["gb_per_month"]
    assert [c["charge"] for c in default["charges"]] == ["delivery", "conversion", "storage"]


def test_cost_of_measured_logs() -> None:
    path = SAMPLES / "custom-v5.log"
    batch = vpcflow.parse(path.read_bytes())
    header, *lines = path.read_bytes().splitlines(keepends=True)
    cost = told(*S3, "--fields", header.decode().strip(), "--measured", str(path))["cost"]
    records = list(batch)
    seconds = (
        max(r.end for r in records if r.end) - min(r.start for r in records if r.start)
    ).total_seconds()
    text = sum(map(len, lines)) * 30 * 86400 / seconds / 2**30
    assert cost["gb_per_month"] == pytest.approx(text, rel=0.02)
    result = ran(*S3, "--measured", str(SAMPLES / "no-such-file.log"))
    assert result.exit_code in (1, 2)
    assert "no-such-file" in result.stderr


def test_fields_of_some_measured_logs_are_not_thinned_by_the_others() -> None:
    """What only one of two formats has is taken at its usual length."""
    both = ("--measured", str(SAMPLES / "AWSLogs"), "--measured", str(SAMPLES / "custom-v5.log"))
    cost = told(*S3, *both)["cost"]
    line = cost["gb_per_month"] * 2**30 / cost["records_per_month"]
    assert line == pytest.approx(typical_line(chosen("diagnosis", transit=False)), rel=0.15)


def test_damaged_measured_logs_are_told_and_fail_it() -> None:
    result = ran(*S3, "--measured", str(SAMPLES / "damaged.log.gz"))
    assert result.exit_code == 1
    assert "damaged.log.gz" in result.stderr
    assert "Only what could be read was measured: damaged are" in result.stdout
    assert "aws ec2 create-flow-logs" in result.stdout


def test_an_unknown_volume_is_said_with_a_figure_for_scale() -> None:
    script = ran(*S3).stdout
    assert "# - Not known: measure logs of the same interfaces" in script
    assert "For scale, 100 records a second: $" in script
    assert told(*S3)["cost"] is None
