"""The rules of network ACLs, as DescribeNetworkAcls gives them."""

from __future__ import annotations

from attrs import field, frozen
from vpcflow_aws.inventory_items import Json, part, text, texts

from vpcflow_diagnose.network.addresses import Block, block
from vpcflow_diagnose.network.packet import Direction
from vpcflow_diagnose.network.service import Service, protocol_of, service_of, whole

LAST_RULE = 32767


@frozen
class AclEntry:
    """number: the lower is asked first. service, block: None where the entry cannot be read."""

    number: int
    allow: bool
    service: Service | None
    block: Block | None

    @property
    def default(self) -> bool:
        """The deny that AWS writes at the end of each ACL: 32767, for IPv6 32768."""
        return self.number >= LAST_RULE


@frozen
class NetworkAcl:
    """ingress, egress: entries in the order in which they are asked; None where the inventory does
    not say them. subnets: those it is associated with. main: it is its VPC's default. said: words
    that were put together for denials, by what they depend on."""

    id: str
    vpc_id: str | None
    main: bool
    ingress: tuple[AclEntry, ...] | None
    egress: tuple[AclEntry, ...] | None
    subnets: tuple[str, ...]
    said: dict[object, str] = field(factory=dict, eq=False, repr=False)

    def entries(self, direction: Direction) -> tuple[AclEntry, ...] | None:
        return self.ingress if direction == "ingress" else self.egress


def network_acl(item: Json) -> NetworkAcl | None:
    id_ = text(item, "NetworkAclId")
    if id_ is None:
        return None
    ways: dict[bool, list[AclEntry]] | None = None
    listed = item.get("Entries")
    if isinstance(listed, list):
        ways = {False: [], True: []}
        for entry in listed:
            _sort_in(entry if isinstance(entry, dict) else {}, ways)
    return NetworkAcl(
        id_,
        text(item, "VpcId"),
        item.get("IsDefault") is True,
        _ordered(ways[False]) if ways else None,
        _ordered(ways[True]) if ways else None,
        texts(item, "Associations", of="SubnetId"),
    )


def _sort_in(item: Json, ways: dict[bool, list[AclEntry]]) -> None:
    """Put an entry where it belongs; one that does not say its direction may belong to both."""
    entry = _entry(item)
    egress = item.get("Egress")
    for way in (egress,) if isinstance(egress, bool) else (False, True):
        ways[way].append(entry)


def _ordered(entries: list[AclEntry]) -> tuple[AclEntry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.number))


def _entry(item: Json) -> AclEntry:
    try:
        number = whole(item.get("RuleNumber"))
    except ValueError:
        number = None
    action = item.get("RuleAction")
    cidr = block(item.get("CidrBlock") or item.get("Ipv6CidrBlock"))
    if (
        number is None
        or action not in ("allow", "deny")
        or not isinstance(item.get("Egress"), bool)
    ):
        # what is not known of it may decide: it stands where its number says, else first
        return AclEntry(number or 0, False, None, cidr)
    return AclEntry(number, action == "allow", _service(item, cidr), cidr)


def _service(item: Json, cidr: Block | None) -> Service | None:
    """None if it cannot be read. Protocol 58 with an IPv4 block is about all types (EC2 API
    reference, NetworkAclEntry); it matches no packet anyway."""
    if cidr is None:
        return None
    try:
        protocol = protocol_of(item.get("Protocol"))
        if protocol in (1, 58):
            types = part(item, "IcmpTypeCode")
            return service_of(protocol, types.get("Type"), types.get("Code"))
        ports = part(item, "PortRange")
        return service_of(protocol, ports.get("From"), ports.get("To"))
    except ValueError:
        return None
