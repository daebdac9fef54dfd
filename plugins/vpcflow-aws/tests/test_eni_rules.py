"""The decision table: each of its rows, and the traps."""

from __future__ import annotations

import re
from typing import Any

import pytest
from eni_rows import NODE, ROWS, SESSION, kind
from eni_shapes import ACCOUNT, UUID, attached, eni, service_eni
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_aws.eni_owner import resource_of
from vpcflow_aws.eni_rule import Resource, made_by_service
from vpcflow_aws.eni_rules import BEFORE_INSTANCES, SERVICES
from vpcflow_aws.inventory_items import NetworkInterface


def owner(item: dict[str, Any]) -> Resource:
    interface = NetworkInterface.of(item)
    assert interface is not None
    return resource_of(interface)


@pytest.mark.parametrize(("row", "item", "wanted"), ROWS, ids=[row for row, _, _ in ROWS])
def test_row(row: str, item: dict[str, Any], wanted: tuple[str | None, ...]) -> None:
    found = owner(item)
    assert (found.type, found.service, found.id, found.name) == wanted


def test_every_rule_of_the_table_is_met_by_a_row() -> None:
    met = {wanted[0] for _, _, wanted in ROWS}
    assert {rule.type for rule in (*BEFORE_INSTANCES, *SERVICES)} <= met


# ---- the traps ----------------------------------------------------------------------------------


def test_pods_come_before_the_instance_that_they_are_attached_to() -> None:
    assert owner(eni(f"aws-K8S-{NODE}", **attached(NODE))).type == "eks-pods"


def test_a_task_on_an_instance_comes_before_the_instance() -> None:
    arn = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:attachment/{UUID}"
    item = eni(arn, RequesterId=f"{SESSION}:ecs-eni-provisioning", **attached(NODE))
    assert owner(item).type == "ecs-task"


def test_a_workspace_is_no_instance_of_the_account() -> None:
    text = "Created By Amazon WorkSpaces for AWS Account ID 123456789010, more"
    assert owner(service_eni(text, **attached(NODE, "111122223333"))).type == "workspace"


def test_pods_of_another_instance_than_the_attached_one_are_not_believed() -> None:
    assert owner(eni("aws-K8S-i-0aaa", **attached(NODE))).type == "ec2-instance"


USER_TEXTS = [item["Description"] for _, item, _ in ROWS if item["RequesterManaged"]]


@pytest.mark.parametrize("text", [text for text in USER_TEXTS if text])
def test_what_users_write_makes_no_service(text: str) -> None:
    written = eni(text)
    assert owner(written).type == "network-interface"
    assert owner(written | {"RequesterId": None}).type == "network-interface"


@pytest.mark.parametrize("text", [text for text in USER_TEXTS if text])
def test_nor_do_users_that_work_through_a_role(text: str) -> None:
    for requester in (f"{SESSION}:alice", "AIDAEXAMPLEEXAMPLE123"):
        found = owner(eni(text, RequesterId=requester))
        assert (found.type, found.service) == ("network-interface", None)


def test_a_foreign_attachment_shows_that_a_role_is_a_services() -> None:
    item = eni(
        "Amazon EKS prod", RequesterId=f"{SESSION}:x", Attachment={"InstanceOwnerId": "9" * 12}
    )
    assert owner(item).type == "eks-control-plane"


def test_a_requester_that_is_not_the_owner_is_a_service() -> None:
    assert owner(eni("ELB app/shop/50dc6c495c0c9188", RequesterId="amazon-elb")).name == "shop"
    assert owner(eni("RDSNetworkInterface", RequesterId="056789012345")).type == "rds-instance"


@pytest.mark.parametrize(
    "text",
    [
        "ELB app/shop/50dc6c495c0c9188 (old)",
        "my ELB app/shop/50dc6c495c0c9188",
        "ELB app/shop/50dc6c495c0c9188\n",
        "RDSNetworkInterface of mine",
        f"x aws-K8S-{NODE}",
    ],
)
def test_descriptions_count_as_a_whole(text: str) -> None:
    assert owner(service_eni(text)).type == "managed-interface"


@pytest.mark.parametrize("word", ["nat_gateway", "natGateway"])
def test_both_words_for_nat_gateways_are_known(word: str) -> None:
    found = owner(kind(word, "Interface for NAT Gateway nat-0a1"))
    assert (found.type, found.id) == ("nat-gateway", "nat-0a1")


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso-b"])
def test_all_partitions_are_known(partition: str) -> None:
    arn = f"arn:{partition}:ecs:cn-north-1:{ACCOUNT}:attachment/{UUID}"
    assert owner(service_eni(arn)).id == UUID
    role = f"arn:{partition}:iam::{ACCOUNT}:role/glue"
    assert owner(service_eni(f"Attached to Glue using role: {role}")).name == role


def test_the_function_that_created_a_lambda_interface_is_not_its_owner() -> None:
    found = owner(kind("lambda", f"AWS Lambda VPC ENI-my-function-{UUID}"))
    assert found.id is None
    assert found.type == "lambda-shared"
    assert "shared" in str(found.name)


def test_an_unknown_type_is_kept_as_it_is() -> None:
    found = owner(
        kind("agentic_ai", Operator={"Managed": True, "Principal": "bedrock.amazonaws.com.cn"})
    )
    assert (found.type, found.service) == ("agentic_ai", "bedrock")


def test_a_gateway_load_balancer_endpoint_is_not_taken_for_an_interface_endpoint() -> None:
    text = "VPC Endpoint Interface vpce-0a1"
    assert (
        owner(kind("gateway_load_balancer_endpoint", text)).type == "gateway-load-balancer-endpoint"
    )
    assert owner(service_eni(text)).type == "vpc-endpoint"


def test_an_owner_that_is_not_known_is_nobody_to_compare_with() -> None:
    item = eni("RDSNetworkInterface", OwnerId=None, RequesterId=ACCOUNT)
    assert owner(item).type == "network-interface"
    assert owner(item | {"RequesterId": "amazon-rds"}).type == "rds-instance"


PATTERNS = [r.description.pattern for r in (*BEFORE_INSTANCES, *SERVICES) if r.description]


@given(st.sampled_from(PATTERNS).flatmap(lambda p: st.from_regex(p, fullmatch=True)))
def test_no_text_makes_a_users_interface_a_services(text: str) -> None:
    item = eni(text, Attachment={"InstanceOwnerId": ACCOUNT})
    interface = NetworkInterface.of(item)
    assert interface is not None
    assert not made_by_service(interface)
    assert resource_of(interface).type in ("network-interface", "eks-pods")


@given(st.text(), st.text(), st.text(max_size=30))
def test_any_text_is_taken(description: str, type_: str, requester: str) -> None:
    item = eni(description, InterfaceType=type_, RequesterId=requester, RequesterManaged=True)
    found = owner(item)
    assert found.type
    assert re.search(r".", found.type, re.DOTALL)
