"""The decision table: how services name their interfaces.

There is no API that says whose an interface is: services say it in the description, in a type of
their own, or in tags. The rows are collected from AWS's documentation, AWS's own tools, and real
accounts. The first one that fits decides; `eni_owner` asks them in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from vpcflow_aws.eni_rule import Rule


def _rule(
    type_: str,
    service: str | None,
    description: str | None = None,
    kinds: Iterable[str] = (),
    *,
    requester: str | None = None,
    **more: object,
) -> Rule:
    compiled = re.compile(description, re.DOTALL) if description is not None else None
    asked = re.compile(requester, re.DOTALL) if requester is not None else None
    return Rule(type_, service, compiled, frozenset(kinds), requester=asked, **more)  # type: ignore[arg-type]


_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ARN = r"arn:aws[a-z-]*:"
_ELB = "elasticloadbalancing"

BEFORE_INSTANCES = (
    _rule("eks-pod", "eks", r"aws-k8s-branch-eni", ["branch"], both=True),
    _rule(
        "ecs-task",
        "ecs",
        rf"{_ARN}ecs:[a-z0-9-]+:\d{{12}}:attachment/(?P<id>{_UUID})",
        id="{id}",
        requester=r"AROA[A-Z0-9]+:ecs-eni-provisioning",
    ),
    _rule(
        "workspace", "workspaces", r"(?i:Created By Amazon Workspaces) for AWS Account ID \d{12}.*"
    ),
)

SERVICES = (
    _rule(
        "nat-gateway",
        "vpc",
        r"Interface for NAT Gateway (?P<id>nat-[0-9a-f]+)",
        ["nat_gateway", "natGateway"],
        id="{id}",
    ),
    _rule(
        "application-load-balancer",
        _ELB,
        r"ELB (?P<id>app/(?P<name>[A-Za-z0-9-]+)/[0-9a-f]+)",
        id="{id}",
        name="{name}",
    ),
    _rule(
        "network-load-balancer",
        _ELB,
        r"ELB (?P<id>net/(?P<name>[A-Za-z0-9-]+)/[0-9a-f]+)",
        ["network_load_balancer"],
        id="{id}",
        name="{name}",
    ),
    _rule(
        "gateway-load-balancer",
        _ELB,
        r"ELB (?P<id>gwy/(?P<name>[A-Za-z0-9-]+)/[0-9a-f]+)",
        ["gateway_load_balancer"],
        id="{id}",
        name="{name}",
    ),
    _rule(
        "classic-load-balancer",
        _ELB,
        r"ELB (?P<name>[A-Za-z0-9-]+)",
        ["load_balancer"],
        id="{name}",
        name="{name}",
    ),
    _rule(
        "gateway-load-balancer-endpoint",
        "vpc",
        r"VPC Endpoint Interface vpce[- ](?P<hex>[0-9a-f]+)",
        ["gateway_load_balancer_endpoint"],
        id="vpce-{hex}",
        kind_only=True,
    ),
    _rule(
        "vpc-endpoint",
        "vpc",
        # AWS's guide prints one with a blank in place of the hyphen
        r"VPC Endpoint Interface vpce[- ](?P<hex>[0-9a-f]+)",
        ["vpc_endpoint"],
        id="vpce-{hex}",
    ),
    # One such interface serves all functions with the same subnet and security groups; the function
    # in its description is only the one that came first.
    _rule(
        "lambda-shared",
        "lambda",
        rf"AWS Lambda VPC ENI-(?P<name>[A-Za-z0-9_-]+)-{_UUID}",
        ["lambda"],
        name="shared, created by {name}",
    ),
    _rule("lambda", "lambda", r"AWS Lambda VPC ENI: .*"),  # before 2019: see `_own_function`
    _rule(
        "eks-control-plane",
        "eks",
        r"Amazon EKS (?P<name>[A-Za-z0-9][A-Za-z0-9_-]*)",
        id="{name}",
        name="{name}",
        requester=r"AROA[A-Z0-9]+:AmazonEKS",
    ),
    # The same for RDS, Aurora, Neptune and DocumentDB.
    _rule("rds-instance", "rds", r"RDSNetworkInterface"),
    _rule(
        "rds-proxy",
        "rds",
        r"Network interface for DBProxy (?P<name>[A-Za-z0-9-]+)",
        id="{name}",
        name="{name}",
    ),
    _rule(
        "elasticache-node",
        "elasticache",
        r"ElastiCache[ +](?P<name>[A-Za-z0-9-]+)",
        id="{name}",
        name="{name}",
    ),
    _rule("redshift-cluster", "redshift", r"RedshiftNetworkInterface"),
    # Elasticsearch domains have the same description.
    _rule("opensearch-domain", "es", r"ES (?P<name>[a-z][a-z0-9-]*)", id="{name}", name="{name}"),
    _rule(
        "msk-cluster",
        "kafka",
        rf".*Amazon MSK network interface for cluster "
        rf"(?P<id>{_ARN}kafka:[a-z0-9-]+:\d{{12}}:cluster/(?P<name>[A-Za-z0-9_-]+)/[A-Za-z0-9-]+).*",
        id="{id}",
        name="{name}",
    ),
    _rule(
        "efs-mount-target",
        "elasticfilesystem",
        r"EFS mount target for (?P<name>fs-[0-9a-f]+) \((?P<id>fsmt-[0-9a-f]+)\)",
        ["efs"],
        id="{id}",
        name="{name}",
    ),
    _rule("fsx-file-system", "fsx", r".*\bFSx\b.*?\b(?P<id>fs-[0-9a-f]{8,17})\b.*", id="{id}"),
    _rule(
        "transit-gateway-attachment",
        "vpc",
        r"Network Interface for Transit Gateway Attachment (?P<id>tgw-attach-[0-9a-f]+)",
        ["transit_gateway"],
        id="{id}",
    ),
    _rule(
        "license-manager",
        "license-manager",
        r"AWS created network interface for LicenseManager (?P<id>\S+)",
        id="{id}",
    ),
    _rule(
        "directory",
        "ds",
        r"AWS created network interface for directory (?P<id>d-[0-9a-f]+)",
        id="{id}",
    ),
    _rule("dms-replication-instance", "dms", r"DMSNetworkInterface"),
    _rule(
        "glue-connection",
        "glue",
        rf"Attached to Glue using role: (?P<name>{_ARN}iam::\d{{12}}:role/\S+)",
        name="{name}",
        requester=r"AROA[A-Z0-9]+:GlueJobRunnerSession",
    ),
    _rule(
        "sagemaker-notebook-instance",
        "sagemaker",
        r"\[Do not delete\] Network Interface created to access resources in your VPC for "
        rf"SageMaker Notebook Instance (?P<id>{_ARN}sagemaker:\S+:notebook-instance/(?P<name>\S+))",
        id="{id}",
        name="{name}",
    ),
    _rule(
        "sagemaker-studio-domain",
        "sagemaker",
        r"\[DO NOT DELETE\] ENI managed by SageMaker for Studio Domain \((?P<id>d-[0-9a-z]+)\).*",
        id="{id}",
    ),
    _rule(
        "api-gateway-vpc-link", "apigateway", r"ENI managed by APIGateway", ["api_gateway_managed"]
    ),
    _rule("global-accelerator", "globalaccelerator", kinds=["global_accelerator_managed"]),
    _rule(
        "route53-resolver-endpoint",
        "route53resolver",
        r"Route 53 Resolver: (?P<id>rslvr-(?:in|out)-[0-9a-f]+):rni-[0-9a-f]+",
        id="{id}",
    ),
    _rule("quicksight-vpc-connection", "quicksight", kinds=["quicksight"]),
    _rule(
        "ec2-instance-connect-endpoint",
        "ec2-instance-connect",
        r".*?(?P<id>eice-[0-9a-f]+).*",  # its whole text is not known
        ["ec2_instance_connect_endpoint"],
        id="{id}",
        kind_only=True,
    ),
    _rule(
        "emr-cluster",
        "elasticmapreduce",
        r"AWS ElasticMapReduce - (?P<id>\S+)",
        id="{id}",
    ),
    _rule("cloudhsm", "cloudhsm", r"CloudHsm ENI (?P<id>\S+)", id="{id}"),
    _rule("cloudhsm", "cloudhsm", r"CloudHSM Managed Interface"),
    _rule("dax-cluster", "dax", r"DAX (?P<name>[A-Za-z0-9-]+)", id="{name}", name="{name}"),
    _rule("datasync", "datasync", r"(?i:datasync) (?P<id>\S+)", id="{id}"),
    _rule(
        "firehose-delivery-stream",
        "firehose",
        r"Amazon Kinesis Firehose - \d{12}:(?P<name>[A-Za-z0-9_.-]+):\d+\.?",
        id="{name}",
        name="{name}",
    ),
    _rule(
        "mq-broker",
        "mq",
        r"Amazon MQ network interface for broker (?P<id>b-[0-9a-f-]+)",
        id="{id}",
    ),
    _rule("codeconnections", "codeconnections", r"AWS CodeStar Connections.*"),
)
