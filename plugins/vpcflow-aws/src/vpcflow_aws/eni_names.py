"""What the other files of a snapshot add: names, and ids that an interface cannot say.

Nothing is guessed: an id comes from a list in which AWS names the interface or the address, or, for
databases, where exactly one instance can own the interface.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from attrs import evolve, frozen

from vpcflow_aws.eni_owner import resource_of
from vpcflow_aws.eni_rule import Resource
from vpcflow_aws.inventory import Snapshot
from vpcflow_aws.inventory_items import (
    DbInstance,
    Named,
    NatGateway,
    NetworkInterface,
    VpcEndpoint,
)

T = TypeVar("T", Named, NatGateway, VpcEndpoint)
Place = str | tuple[str | None, frozenset[str]]
_UNKNOWN = ("network-interface", "managed-interface")
_CLUSTER_TAGS = ("eks:cluster-name", "alpha.eksctl.io/cluster-name")
_CLUSTER_PREFIX = "kubernetes.io/cluster/"


@frozen
class Names:
    """The files of a snapshot that name things, ready to be asked."""

    instances: Mapping[str, Named]
    attachments: Mapping[str, Named]
    gateways: Mapping[str, NatGateway]
    gateway_of: Mapping[str, NatGateway]
    endpoints: Mapping[str, VpcEndpoint]
    endpoint_of: Mapping[str, VpcEndpoint]
    databases: Mapping[Place, Sequence[DbInstance]]
    """By endpoint, and by VPC and security groups: an account can have thousands."""
    zones: Mapping[str, str]
    """Availability Zone ids by subnet."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Names:
        gateways, endpoints = snapshot.nat_gateways(), snapshot.vpc_endpoints()
        return cls(
            _by_id(snapshot.instances()),
            _by_id(snapshot.transit_gateway_attachments()),
            _by_id(gateways),
            {eni: gateway for gateway in gateways for eni in gateway.interfaces},
            _by_id(endpoints),
            {eni: endpoint for endpoint in endpoints for eni in endpoint.interfaces},
            _by_place(snapshot.db_instances()),
            {subnet.id: subnet.zone_id for subnet in snapshot.subnets() if subnet.zone_id},
        )

    def owner(self, interface: NetworkInterface) -> Resource:
        """What the interface belongs to, with all that the snapshot knows of it."""
        resource = self._listed(interface, resource_of(interface))
        if resource.type in ("ec2-instance", "eks-node"):
            return self._instance(resource)
        if resource.type in ("trunk", "eks-trunk") and resource.name is None:
            return evolve(resource, name=_name(self.instances, resource.id))
        if resource.type == "eks-pods" and resource.name is None:
            node = self.instances.get(resource.id or "")
            return evolve(resource, name=_cluster(node) if node else None)
        if resource.type == "ecs-task":
            return evolve(resource, name=interface.tags.get("aws:ecs:serviceName"))
        if resource.type == "nat-gateway":
            return evolve(resource, name=_name(self.gateways, resource.id))
        if resource.type in ("vpc-endpoint", "gateway-load-balancer-endpoint"):
            endpoint = self.endpoints.get(resource.id or "")
            return evolve(resource, name=endpoint.service or endpoint.name if endpoint else None)
        if resource.type == "transit-gateway-attachment":
            return evolve(resource, name=_name(self.attachments, resource.id))
        if resource.type == "rds-instance":
            database = self._database(interface)
            return evolve(resource, id=database, name=database)
        return resource

    def zone_id(self, interface: NetworkInterface) -> str | None:
        return interface.zone_id or self.zones.get(interface.subnet_id or "")

    def _listed(self, interface: NetworkInterface, resource: Resource) -> Resource:
        """NAT gateways and endpoints list their interfaces: that counts where the interface itself
        does not say whose it is."""
        if resource.type not in _UNKNOWN and (resource.id or resource.service != "vpc"):
            return resource
        gateway, endpoint = self.gateway_of.get(interface.id), self.endpoint_of.get(interface.id)
        if gateway is not None and resource.type in (*_UNKNOWN, "nat-gateway"):
            return Resource("nat-gateway", "vpc", gateway.id)
        if endpoint is not None and resource.type in _UNKNOWN:
            return Resource("vpc-endpoint", "vpc", endpoint.id)
        return evolve(resource, id=endpoint.id) if endpoint is not None else resource

    def _instance(self, resource: Resource) -> Resource:
        instance = self.instances.get(resource.id or "")
        if instance is None:
            return resource
        type_ = "eks-node" if _cluster(instance) else resource.type
        return evolve(resource, type=type_, name=instance.name)

    def _database(self, interface: NetworkInterface) -> str | None:
        """The one DB instance whose interface this is.

        An endpoint that is an address decides. Its DNS name cannot be asked here; but an instance's
        interface lies in its VPC, in a subnet of its group, in its zone or its standby's, and has
        exactly its security groups. If one instance alone fits, it is the owner.
        """
        own = {_normal(address.private) for address in interface.addresses}
        own |= {_normal(a.public) for a in interface.addresses if a.public}
        by_address = [d.id for address in own for d in self.databases.get(address, ())]
        if by_address:
            return by_address[0] if len(by_address) == 1 else None
        near = self.databases.get((interface.vpc_id, frozenset(interface.groups)), ())
        fitting = [database.id for database in near if _fits(database, interface)]
        return fitting[0] if len(fitting) == 1 else None


def _fits(database: DbInstance, interface: NetworkInterface) -> bool:
    return (
        database.vpc_id is not None
        and database.vpc_id == interface.vpc_id
        and interface.subnet_id in database.subnets
        and interface.zone in database.zones
        and database.groups == frozenset(interface.groups)
    )


def _by_place(databases: Iterable[DbInstance]) -> dict[Place, list[DbInstance]]:
    found: dict[Place, list[DbInstance]] = {}
    for database in databases:
        if database.endpoint:
            found.setdefault(_normal(database.endpoint), []).append(database)
        found.setdefault((database.vpc_id, database.groups), []).append(database)
    return found


def _by_id(items: Iterable[T]) -> dict[str, T]:
    return {item.id: item for item in items}


def _name(items: Mapping[str, T], id_: str | None) -> str | None:
    item = items.get(id_ or "")
    return item.name if item is not None else None


def _cluster(instance: Named) -> str | None:
    """The Kubernetes cluster whose node an instance is, from the tags that EKS's tools set."""
    for key in _CLUSTER_TAGS:
        if instance.tags.get(key):
            return instance.tags[key]
    prefixed = (k for k in instance.tags if k.startswith(_CLUSTER_PREFIX))
    return next((key[len(_CLUSTER_PREFIX) :] for key in prefixed if key != _CLUSTER_PREFIX), None)


def _normal(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address
