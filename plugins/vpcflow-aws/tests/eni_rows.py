"""Each row of the decision table as an interface, as AWS documents it or accounts show it."""

from __future__ import annotations

from typing import Any

from eni_shapes import ACCOUNT, UUID, attached, eni, service_eni, tags

ELB = "elasticloadbalancing"
NODE = "i-0123456789abcdef0"
CLUSTER = tags(**{"cluster.k8s.amazonaws.com/name": "prod"})
AWS = {"Attachment": {"InstanceOwnerId": "amazon-aws"}}
MSK = "arn:aws:kafka:eu-west-1:123456789010:cluster/events/aaaa-1"
NOTEBOOK = "arn:aws:sagemaker:eu-west-1:123456789010:notebook-instance/explore"
GLUE_ROLE = "arn:aws:iam::123456789010:role/glue"
SESSION = "AROAEXAMPLEEXAMPLE123"


def kind(type_: str, description: str = "", **more: Any) -> dict[str, Any]:
    return service_eni(description, InterfaceType=type_, **more)


# number of the row, the interface, and what it belongs to: type, service, id, name
ROWS: list[tuple[str, dict[str, Any], tuple[str | None, ...]]] = [
    (
        "1 pods on a node",
        eni(f"aws-K8S-{NODE}", TagSet=CLUSTER, **attached(NODE)),
        ("eks-pods", "eks", NODE, "prod"),
    ),
    (
        "1 by its tag",
        eni(TagSet=tags(**{"node.k8s.amazonaws.com/instance_id": NODE}), **attached(NODE)),
        ("eks-pods", "eks", NODE, None),
    ),
    (
        "1 by its owner's tag",
        eni(TagSet=tags(**{"eks:eni:owner": "amazon-vpc-cni"}), **attached(NODE)),
        ("eks-pods", "eks", NODE, None),
    ),
    (
        "2 pod of its own",
        eni("aws-k8s-branch-eni", InterfaceType="branch"),
        ("eks-pod", "eks", None, None),
    ),
    (
        "3 trunk",
        eni("aws-k8s-trunk-eni", InterfaceType="trunk", TagSet=CLUSTER, **attached(NODE)),
        ("eks-trunk", "eks", NODE, "prod"),
    ),
    ("3 trunk of ECS", eni(InterfaceType="trunk", **attached(NODE)), ("trunk", None, NODE, None)),
    (
        "4 instance",
        eni("Primary network interface", **attached(NODE)),
        ("ec2-instance", None, NODE, None),
    ),
    ("4 node", eni(TagSet=CLUSTER, **attached(NODE)), ("eks-node", None, NODE, None)),
    (
        "5 NAT gateway",
        kind("nat_gateway", "Interface for NAT Gateway nat-0a1", **AWS),
        ("nat-gateway", "vpc", "nat-0a1", None),
    ),
    (
        "7 ALB",
        service_eni("ELB app/shop/50dc6c495c0c9188", RequesterId="amazon-elb"),
        ("application-load-balancer", ELB, "app/shop/50dc6c495c0c9188", "shop"),
    ),
    (
        "8 NLB",
        kind("network_load_balancer", "ELB net/in-1/50dc6c495c0c9188", RequesterId="111122223333"),
        ("network-load-balancer", ELB, "net/in-1/50dc6c495c0c9188", "in-1"),
    ),
    (
        "9 GWLB",
        kind("gateway_load_balancer", "ELB gwy/fw/50dc6c495c0c9188"),
        ("gateway-load-balancer", ELB, "gwy/fw/50dc6c495c0c9188", "fw"),
    ),
    (
        "10 classic",
        service_eni("ELB old-one", RequesterId="amazon-elb"),
        ("classic-load-balancer", ELB, "old-one", "old-one"),
    ),
    (
        "11 endpoint",
        kind("vpc_endpoint", "VPC Endpoint Interface vpce-089f0123456789abc"),
        ("vpc-endpoint", "vpc", "vpce-089f0123456789abc", None),
    ),
    (
        "11 as the guide prints it",
        kind("vpc_endpoint", "VPC Endpoint Interface vpce 089f0123456789abc"),
        ("vpc-endpoint", "vpc", "vpce-089f0123456789abc", None),
    ),
    (
        "12 GWLB endpoint",
        kind("gateway_load_balancer_endpoint", "VPC Endpoint Interface vpce-0a1"),
        ("gateway-load-balancer-endpoint", "vpc", "vpce-0a1", None),
    ),
    (
        "13 Lambda",
        kind("lambda", f"AWS Lambda VPC ENI-my-function-{UUID}", RequesterManaged=False),
        ("lambda-shared", "lambda", None, "shared, created by my-function"),
    ),
    (
        "13 Lambda before 2019",
        service_eni("AWS Lambda VPC ENI: 1a2b", RequesterId=f"{SESSION}:resize"),
        ("lambda", "lambda", "resize", "resize"),
    ),
    (
        "14 ECS",
        service_eni(f"arn:aws:ecs:eu-west-1:{ACCOUNT}:attachment/{UUID}"),
        ("ecs-task", "ecs", UUID, None),
    ),
    (
        "15 EKS control plane",
        eni("Amazon EKS prod-1", RequesterId=f"{SESSION}:AmazonEKS"),
        ("eks-control-plane", "eks", "prod-1", "prod-1"),
    ),
    (
        "16 RDS",
        service_eni("RDSNetworkInterface", RequesterId="amazon-rds"),
        ("rds-instance", "rds", None, None),
    ),
    (
        "17 RDS Proxy",
        service_eni("Network interface for DBProxy pool-1"),
        ("rds-proxy", "rds", "pool-1", "pool-1"),
    ),
    (
        "18 ElastiCache",
        service_eni("ElastiCache redis-001", RequesterId="amazon-elasticache"),
        ("elasticache-node", "elasticache", "redis-001", "redis-001"),
    ),
    (
        "18 with a plus",
        service_eni("ElastiCache+redis"),
        ("elasticache-node", "elasticache", "redis", "redis"),
    ),
    (
        "19 Redshift",
        service_eni("RedshiftNetworkInterface", RequesterId="amazon-redshift"),
        ("redshift-cluster", "redshift", None, None),
    ),
    (
        "20 OpenSearch",
        service_eni("ES logs", RequesterId="amazon-elasticsearch"),
        ("opensearch-domain", "es", "logs", "logs"),
    ),
    (
        "21 MSK",
        service_eni(f"DO NOT DELETE - Amazon MSK network interface for cluster {MSK}"),
        ("msk-cluster", "kafka", MSK, "events"),
    ),
    (
        "22 EFS",
        service_eni("EFS mount target for fs-0a1b (fsmt-0c2d)"),
        ("efs-mount-target", "elasticfilesystem", "fsmt-0c2d", "fs-0a1b"),
    ),
    ("22 by type", kind("efs"), ("efs-mount-target", "elasticfilesystem", None, None)),
    (
        "23 FSx",
        service_eni("Created by Amazon FSx for fs-0123456789abcdef0"),
        ("fsx-file-system", "fsx", "fs-0123456789abcdef0", None),
    ),
    (
        "24 transit gateway",
        kind("transit_gateway", "Network Interface for Transit Gateway Attachment tgw-attach-0d1"),
        ("transit-gateway-attachment", "vpc", "tgw-attach-0d1", None),
    ),
    (
        "25 directory",
        service_eni("AWS created network interface for directory d-9267"),
        ("directory", "ds", "d-9267", None),
    ),
    (
        "25 License Manager",
        service_eni("AWS created network interface for LicenseManager d-9267"),
        ("license-manager", "license-manager", "d-9267", None),
    ),
    (
        "26 DMS",
        service_eni("DMSNetworkInterface", RequesterId="237081731433"),
        ("dms-replication-instance", "dms", None, None),
    ),
    (
        "27 Glue",
        eni(
            f"Attached to Glue using role: {GLUE_ROLE}",
            RequesterId=f"{SESSION}:GlueJobRunnerSession",
        ),
        ("glue-connection", "glue", None, GLUE_ROLE),
    ),
    (
        "28 notebook",
        service_eni(
            "[Do not delete] Network Interface created to access resources in your VPC for "
            f"SageMaker Notebook Instance {NOTEBOOK}"
        ),
        ("sagemaker-notebook-instance", "sagemaker", NOTEBOOK, "explore"),
    ),
    (
        "28 Studio",
        service_eni("[DO NOT DELETE] ENI managed by SageMaker for Studio Domain (d-abc123xyz)"),
        ("sagemaker-studio-domain", "sagemaker", "d-abc123xyz", None),
    ),
    (
        "29 API Gateway",
        kind("api_gateway_managed", "ENI managed by APIGateway"),
        ("api-gateway-vpc-link", "apigateway", None, None),
    ),
    (
        "30 accelerator",
        kind("global_accelerator_managed"),
        ("global-accelerator", "globalaccelerator", None, None),
    ),
    (
        "31 resolver",
        service_eni("Route 53 Resolver: rslvr-in-0a1:rni-0b2"),
        ("route53-resolver-endpoint", "route53resolver", "rslvr-in-0a1", None),
    ),
    (
        "32 WorkSpace",
        service_eni("Created By Amazon Workspaces for AWS Account ID 123456789010"),
        ("workspace", "workspaces", None, None),
    ),
    ("33 QuickSight", kind("quicksight"), ("quicksight-vpc-connection", "quicksight", None, None)),
    (
        "34 EC2 Instance Connect",
        kind("ec2_instance_connect_endpoint", "EC2 Instance Connect Endpoint eice-0a1"),
        ("ec2-instance-connect-endpoint", "ec2-instance-connect", "eice-0a1", None),
    ),
    (
        "35 EMR",
        service_eni("AWS ElasticMapReduce - j-3H6E"),
        ("emr-cluster", "elasticmapreduce", "j-3H6E", None),
    ),
    ("35 CloudHSM", service_eni("CloudHsm ENI hsm-1"), ("cloudhsm", "cloudhsm", "hsm-1", None)),
    (
        "35 CloudHSM managed",
        service_eni("CloudHSM Managed Interface"),
        ("cloudhsm", "cloudhsm", None, None),
    ),
    ("35 DAX", service_eni("DAX fast"), ("dax-cluster", "dax", "fast", "fast")),
    ("35 DataSync", service_eni("datasync task-0a1"), ("datasync", "datasync", "task-0a1", None)),
    (
        "35 Firehose",
        service_eni("Amazon Kinesis Firehose - 123456789010:to-lake:1."),
        ("firehose-delivery-stream", "firehose", "to-lake", "to-lake"),
    ),
    (
        "35 MQ",
        service_eni("Amazon MQ network interface for broker b-1234-5678"),
        ("mq-broker", "mq", "b-1234-5678", None),
    ),
    (
        "35 CodeConnections",
        service_eni("AWS CodeStar Connections host"),
        ("codeconnections", "codeconnections", None, None),
    ),
    (
        "36 CodeBuild",
        service_eni(RequesterId=f"{SESSION}:AWSCodeBuild-1234"),
        ("codebuild", "codebuild", None, None),
    ),
    (
        "37 Grafana",
        service_eni(TagSet=tags(**{"aws:grafana:workspace-id": "g-1"})),
        ("grafana-workspace", "grafana", "g-1", None),
    ),
    (
        "37 by its mark",
        service_eni(TagSet=tags(AmazonGrafanaManaged="true")),
        ("grafana-workspace", "grafana", None, None),
    ),
    ("38 raw", kind("iot_rules_managed"), ("iot_rules_managed", None, f"eni-{1:017x}", None)),
    ("38 evs", kind("evs"), ("evs", None, f"eni-{1:017x}", None)),
    (
        "39 operator",
        eni(Operator={"Managed": True, "Principal": "eks.amazonaws.com"}),
        ("managed-interface", "eks", f"eni-{1:017x}", None),
    ),
    (
        "39 an instance of EKS Auto Mode",
        eni(Operator={"Managed": True, "Principal": "eks.amazonaws.com"}, **attached(NODE)),
        ("ec2-instance", "eks", NODE, None),
    ),
    (
        "40 a user's",
        eni("for later", TagSet=tags(Name="spare")),
        ("network-interface", None, f"eni-{1:017x}", "spare"),
    ),
    (
        "40 a service's",
        service_eni("?", RequesterId="amazon-new"),
        ("managed-interface", "amazon-new", f"eni-{1:017x}", "?"),
    ),
]
