"""From the files of a snapshot to a `Network`."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from vpcflow_aws.eni_names import Names
from vpcflow_aws.inventory import Lack, Snapshot
from vpcflow_aws.inventory_items import DbInstance, Json, NetworkInterface, part, parts, text

from vpcflow_diagnose.network import item_readers as read
from vpcflow_diagnose.network.acl_entries import NetworkAcl, network_acl
from vpcflow_diagnose.network.address_index import AddressIndex
from vpcflow_diagnose.network.addresses import Block, PrefixTable, block
from vpcflow_diagnose.network.flow_logs import Coverage, flow_log
from vpcflow_diagnose.network.group_rules import security_group
from vpcflow_diagnose.network.items import LoadBalancer, Subnet, Target, Vpc
from vpcflow_diagnose.network.lacking import lacks, unread
from vpcflow_diagnose.network.network import Interface, Network
from vpcflow_diagnose.network.route_tables import RouteTable, route_table


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_HasId)


def load(snapshot: Snapshot) -> Network:
    """Read every file that matters. Whatever is missing or broken is left out and said.

    Millions of objects are made and all of them stay: the garbage collector, which would look at
    them again and again, takes as long as all the rest.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _load(snapshot)
    finally:
        if collecting:
            gc.enable()


def _load(snapshot: Snapshot) -> Network:
    lists = _prefix_lists(snapshot)
    tables = _by_id(snapshot, "route-tables.json", lambda item: route_table(item, lists))
    acls = _by_id(snapshot, "network-acls.json", network_acl)
    interfaces = _interfaces(snapshot)
    subnets = _subnets(snapshot, acls, tables, interfaces)
    vpcs = _vpcs(snapshot, tables, subnets, interfaces)
    balancers = _load_balancers(snapshot)
    gateways = _by_id(snapshot, "internet-gateways.json", read.internet_gateway)
    egress_only = "egress-only-internet-gateways.json"
    network = Network(
        time=snapshot.time,
        lacks=[],
        interfaces=interfaces,
        vpcs=vpcs,
        subnets=subnets,
        nat_gateways=_by_id(snapshot, "nat-gateways.json", read.nat_gateway),
        internet_gateways=gateways | _by_id(snapshot, egress_only, read.internet_gateway),
        peerings=_by_id(snapshot, "vpc-peering-connections.json", read.peering),
        attachments=_by_id(snapshot, "transit-gateway-attachments.json", read.transit_attachment),
        endpoints=_by_id(snapshot, "vpc-endpoints.json", read.endpoint),
        load_balancers=balancers,
        targets=tuple(_targets(snapshot)),
        groups=_by_id(snapshot, "security-groups.json", security_group),
        acls=acls,
        tables=tables,
        prefix_lists={id_: _table(blocks) for id_, blocks in lists.items()},
        transit_tables=_by_id(snapshot, "transit-gateway-route-tables.json", read.transit_table),
        aliases=_aliases(snapshot, balancers),
        candidates=_candidates(snapshot, interfaces),
        coverage=Coverage.of(_by_id(snapshot, "flow-logs.json", flow_log).values()),
        index=AddressIndex.of(interfaces.values(), vpcs, subnets),
    )
    network.unread = unread(snapshot)
    network.lacks = lacks(snapshot, network)
    return network


def _by_id(snapshot: Snapshot, file: str, of: Callable[[Json], Item | None]) -> dict[str, Item]:
    items = snapshot.items(file)
    found = [item for entry in items if (item := of(entry)) is not None]
    if len(found) < len(items):
        reason = f"{len(items) - len(found)} of {len(items)} entries are without an id: left out"
        lack = Lack(file, reason, part=True)
        if lack not in snapshot.lacks:
            snapshot.lacks.append(lack)
    return {item.id: item for item in found}


def _prefix_lists(snapshot: Snapshot) -> dict[str, list[Block]]:
    """The blocks of each list whose file is there and holds nothing that cannot be read."""
    found = {}
    for id_, entries in snapshot.folder("managed-prefix-list-entries").items():
        blocks = [block(entry.get("Cidr")) for entry in entries]
        file = f"managed-prefix-list-entries/{id_}.json"
        if all(blocks) and not any(lack.file == file for lack in snapshot.lacks):
            found[id_] = [b for b in blocks if b is not None]
    return found


def _table(blocks: Iterable[Block]) -> PrefixTable[str]:
    table: PrefixTable[str] = PrefixTable()
    for of in blocks:
        table.setdefault(of, of.text)
    return table


def _interfaces(snapshot: Snapshot) -> dict[str, Interface]:
    names = Names.of(snapshot)
    return {one.id: _interface(one, names) for one in snapshot.interfaces()}


def _interface(one: NetworkInterface, names: Names) -> Interface:
    resource = names.owner(one)
    ordered = sorted(one.addresses, key=lambda address: not address.primary)
    return Interface(
        id=one.id,
        vpc_id=one.vpc_id,
        subnet_id=one.subnet_id,
        zone=one.zone,
        type=one.type,
        groups=one.groups,
        addresses=tuple(address.private for address in ordered) + one.ipv6,
        prefixes=one.prefixes,
        public={a.private: a.public for a in ordered if a.public},
        source_dest_check=one.source_dest_check,
        status=one.status,
        owner_type=resource.type,
        owner_id=resource.id,
        owner_name=resource.name,
        name=one.tags.get("Name") or None,
    )


def _subnets(
    snapshot: Snapshot,
    acls: Mapping[str, NetworkAcl],
    tables: Mapping[str, RouteTable],
    interfaces: Mapping[str, Interface],
) -> dict[str, Subnet]:
    """Those of the file, then those that interfaces alone mention."""
    acl_of, table_of = _associated(acls), _associated(tables)

    def of(item: Json) -> Subnet | None:
        return read.subnet(item, acl_of, table_of)

    found = _by_id(snapshot, "subnets.json", of)
    for one in interfaces.values():
        if one.subnet_id is not None and one.subnet_id not in found:
            said = {
                "SubnetId": one.subnet_id,
                "VpcId": one.vpc_id,
                "AvailabilityZone": one.zone,
            }
            mentioned = of(said)
            if mentioned is not None:
                found[mentioned.id] = mentioned
    return found


class _Associated(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def vpc_id(self) -> str | None: ...
    @property
    def main(self) -> bool: ...
    @property
    def subnets(self) -> tuple[str, ...]: ...


def _associated(items: Mapping[str, _Associated]) -> dict[str, str]:
    """Ids of ACLs or tables by subnet; and by VPC the one that holds for all other subnets."""
    found: dict[str, str] = {}
    for item in items.values():
        if item.main and item.vpc_id is not None:
            found[item.vpc_id] = item.id
        found.update(dict.fromkeys(item.subnets, item.id))
    return found


def _vpcs(
    snapshot: Snapshot,
    tables: Mapping[str, RouteTable],
    subnets: Mapping[str, Subnet],
    interfaces: Mapping[str, Interface],
) -> dict[str, Vpc]:
    """Those of the file. Others get the blocks of their local routes, else of their subnets."""
    found = _by_id(snapshot, "vpcs.json", read.vpc)
    blocks: dict[str, dict[str, None]] = {}
    for table in tables.values():
        if table.vpc_id is not None:
            local = (route.destination for route in table.routes if route.local)
            blocks.setdefault(table.vpc_id, {}).update(dict.fromkeys(local))
    for subnet in subnets.values():
        if subnet.vpc_id is not None and not blocks.get(subnet.vpc_id):
            blocks.setdefault(subnet.vpc_id, {})
    by_subnet: dict[str, dict[str, None]] = {}
    for subnet in subnets.values():
        by_subnet.setdefault(subnet.vpc_id or "", {}).update(dict.fromkeys(subnet.blocks))
    for id_, own in blocks.items():
        if id_ not in found or not found[id_].blocks:
            name = found[id_].name if id_ in found else None
            found[id_] = Vpc(id_, tuple(own or by_subnet.get(id_, {})), name)
    for one in interfaces.values():
        if one.vpc_id is not None and one.vpc_id not in found:
            found[one.vpc_id] = Vpc(one.vpc_id, ())
    return found


def _load_balancers(snapshot: Snapshot) -> dict[str, LoadBalancer]:
    found = {}
    for file in ("load-balancers.json", "classic-load-balancers.json"):
        for item in snapshot.items(file):
            balancer = read.load_balancer(item)
            if balancer is not None:
                found[balancer.arn] = balancer
    return found


def _targets(snapshot: Snapshot) -> Iterator[Target]:
    health = snapshot.folder("target-health")
    for group in snapshot.items("target-groups.json"):
        yield from read.targets(group, health.get(text(group, "TargetGroupName") or "", []))


def _candidates(
    snapshot: Snapshot, interfaces: Mapping[str, Interface]
) -> dict[str, tuple[str, ...]]:
    """Names of databases by the interfaces that may be theirs, where several instances fit: those
    of one cluster share VPC, subnets and security groups."""
    open_ = [i for i in interfaces.values() if i.owner_type == "rds-instance" and not i.owner_id]
    found: dict[str, dict[str, None]] = {}
    for item in snapshot.items("db-instances.json") if open_ else ():
        database = DbInstance.of(item)
        if database is None:
            continue
        for one in open_:
            fits = one.vpc_id == database.vpc_id and frozenset(one.groups) == database.groups
            if fits and one.subnet_id in database.subnets:
                for name in (database.id, database.endpoint, text(item, "DBClusterIdentifier")):
                    found.setdefault(name or "", {})[one.id] = None
    return {name: tuple(ids) for name, ids in found.items() if name}


def _aliases(
    snapshot: Snapshot, balancers: Mapping[str, LoadBalancer]
) -> dict[str, tuple[str, ...]]:
    """More names by an owner's id: ARNs and DNS names, the cluster of a database or a cache."""
    found: dict[str, list[str]] = {}
    for balancer in balancers.values():
        id_ = balancer.arn.partition(":loadbalancer/")[2] or balancer.name
        found.setdefault(id_, []).extend(filter(None, (balancer.arn, balancer.host)))
    for item in snapshot.items("db-instances.json"):
        cluster, host = text(item, "DBClusterIdentifier"), text(part(item, "Endpoint"), "Address")
        names = found.setdefault(text(item, "DBInstanceIdentifier") or "", [])
        names.extend(filter(None, (cluster, host)))
    for item in snapshot.items("cache-clusters.json"):
        hosts = [text(part(node, "Endpoint"), "Address") for node in parts(item, "CacheNodes")]
        names = found.setdefault(text(item, "CacheClusterId") or "", [])
        names.extend(filter(None, (text(item, "ReplicationGroupId"), *hosts)))
    return {id_: tuple(names) for id_, names in found.items() if id_}
