"""Whose network interface it is, as far as the interface says so itself.

Interfaces of pods and tasks are attached to an instance like any other, so they are asked for
before instances are.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import evolve

from vpcflow_aws.eni_rule import SERVICE_ALIAS, Resource, Rule, made_by_service
from vpcflow_aws.eni_rules import BEFORE_INSTANCES, SERVICES
from vpcflow_aws.inventory_items import NetworkInterface

_NODE_INTERFACE = re.compile(r"aws-K8S-(?P<id>i-[0-9a-f]+)")
_NODE_TAG = "node.k8s.amazonaws.com/instance_id"
_CLUSTER_TAG = "cluster.k8s.amazonaws.com/name"
_CODE_BUILD = re.compile(r".*:AWSCodeBuild-.*", re.DOTALL)
_SESSION = re.compile(r"[A-Z0-9]+:(?P<name>[A-Za-z0-9_-]+)")


def resource_of(interface: NetworkInterface) -> Resource:
    """What an interface belongs to, as far as it says so itself."""
    for decide in _DECISIONS:
        resource = decide(interface)
        if resource is not None:
            return resource
    return _left_over(interface)


def _pods_of_node(interface: NetworkInterface) -> Resource | None:
    """An interface that the VPC CNI of Kubernetes hung on a node: its addresses are pods'."""
    said = _NODE_INTERFACE.fullmatch(interface.description)
    node = interface.tags.get(_NODE_TAG) or (said["id"] if said else None)
    if node is None and interface.tags.get("eks:eni:owner") == "amazon-vpc-cni":
        node = interface.instance_id
    if node is None or (interface.instance_id is not None and interface.instance_id != node):
        return None  # whoever wrote this meant another instance
    return Resource("eks-pods", "eks", node, interface.tags.get(_CLUSTER_TAG))


def _trunk(interface: NetworkInterface) -> Resource | None:
    """The interface of a node that carries branch interfaces."""
    if interface.type != "trunk" or interface.instance_id is None:
        return None
    kubernetes = interface.description == "aws-k8s-trunk-eni"
    service = "eks" if kubernetes else None
    name = interface.tags.get(_CLUSTER_TAG)
    return Resource("eks-trunk" if kubernetes else "trunk", service, interface.instance_id, name)


def _instance(interface: NetworkInterface) -> Resource | None:
    if interface.instance_id is None:
        return None
    node = _CLUSTER_TAG in interface.tags
    return Resource("eks-node" if node else "ec2-instance", None, interface.instance_id)


def _by_table(rules: tuple[Rule, ...]) -> Callable[[NetworkInterface], Resource | None]:
    def decide(interface: NetworkInterface) -> Resource | None:
        for rule in rules:
            resource = rule.resource(interface)
            if resource is not None:
                return _own_function(interface) if resource.type == "lambda" else resource
        return None

    return decide


def _own_function(interface: NetworkInterface) -> Resource:
    """An interface of the time when each function had its own: the requester's session names it."""
    session = _SESSION.fullmatch(interface.requester_id or "")
    name = session["name"] if session else None
    return Resource("lambda", "lambda", name, name)


def _by_requester_or_tag(interface: NetworkInterface) -> Resource | None:
    if _CODE_BUILD.fullmatch(interface.requester_id or ""):
        return Resource("codebuild", "codebuild")
    workspace = interface.tags.get("aws:grafana:workspace-id")  # users cannot write tags with aws:
    if workspace or ("AmazonGrafanaManaged" in interface.tags and made_by_service(interface)):
        return Resource("grafana-workspace", "grafana", workspace)
    return None


def _left_over(interface: NetworkInterface) -> Resource:
    """AWS's own word for a type that no rule knows; who operates it; else a user's interface."""
    name = interface.tags.get("Name") or interface.description or None
    service = _operator(interface)
    if interface.type != "interface":
        return Resource(interface.type, service, interface.id, name)
    if service is not None or made_by_service(interface):
        asked = interface.requester_id or ""
        alias = asked if SERVICE_ALIAS.fullmatch(asked) else None
        return Resource("managed-interface", service or alias, interface.id, name)
    return Resource("network-interface", None, interface.id, name)


def _operator(interface: NetworkInterface) -> str | None:
    """ "eks.amazonaws.com" -> "eks": the service that an interface says it is operated by."""
    if not interface.operated or interface.operator is None:
        return None
    return re.sub(r"\.amazonaws\.com(\.cn)?$", "", interface.operator) or None


def _operated(
    decide: Callable[[NetworkInterface], Resource | None],
) -> Callable[[NetworkInterface], Resource | None]:
    """The same decision, with the operator where no service manages the interface otherwise."""

    def with_operator(interface: NetworkInterface) -> Resource | None:
        resource = decide(interface)
        if resource is None or resource.service is not None:
            return resource
        return evolve(resource, service=_operator(interface))

    return with_operator


_DECISIONS = (
    _pods_of_node,
    _operated(_trunk),
    _by_table(BEFORE_INSTANCES),
    _operated(_instance),
    _by_table(SERVICES),
    _by_requester_or_tag,
)
