"""What AWS's JSON says of interfaces and of what owns them, as typed values.

Everything here takes a JSON object (a dict) of the shape that `aws ... --output json` prints, and
is tolerant: a field that is missing or of another type is None or empty, never an error. What has
no id is None as a whole. Shapes: the EC2, ELBv2 and RDS API references.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

Json = Mapping[str, Any]
_NOTHING: Json = {}


def text(item: Json, name: str) -> str | None:
    """A text that is not empty, or None."""
    value = item.get(name)
    return value if isinstance(value, str) and value else None


def part(item: Json, name: str) -> Json:
    """An object within an object, {} if there is none."""
    value = item.get(name)
    return value if isinstance(value, dict) else _NOTHING


def parts(item: Json, name: str) -> Iterator[Json]:
    """The objects of a list; whatever else stands in it is passed over."""
    value = item.get(name)
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))


def texts(item: Json, name: str, of: str | None = None) -> tuple[str, ...]:
    """The texts of a list, or with `of` that field of the list's objects."""
    if of is not None:
        return tuple(value for entry in parts(item, name) if (value := text(entry, of)))
    value = item.get(name)
    if not isinstance(value, list):
        return ()
    return tuple(entry for entry in value if isinstance(entry, str) and entry)


def tags(item: Json) -> dict[str, str]:
    """Tags by key. Interfaces have them as `TagSet`, RDS as `TagList`, all else as `Tags`."""
    found = {}
    for name in ("Tags", "TagSet", "TagList"):
        for tag in parts(item, name):
            key, value = text(tag, "Key"), tag.get("Value")
            if key is not None and isinstance(value, str):
                found[key] = value
    return found


@frozen
class Address:
    """A private address of an interface. public: the IPv4 address that the internet sees for it."""

    private: str
    primary: bool
    public: str | None


@frozen
class NetworkInterface:
    """DescribeNetworkInterfaces: one interface.

    type: AWS's InterfaceType as it is ("interface", "nat_gateway", "natGateway", "lambda" ...).
    description: user-editable for interfaces that users made. requester_id: an alias of a service
    (amazon-elb), an account id, or `AROA...:session` for a role. instance_owner_id: the account or
    service alias that the interface is attached to. operator: the service that manages it. status:
    "in-use", "available" ... source_dest_check: it takes and sends only what is for or from its own
    addresses.
    """

    id: str
    type: str
    description: str
    requester_id: str | None
    requester_managed: bool
    owner_id: str | None
    instance_id: str | None
    instance_owner_id: str | None
    vpc_id: str | None
    subnet_id: str | None
    zone: str | None
    zone_id: str | None
    groups: tuple[str, ...]
    addresses: tuple[Address, ...]
    ipv6: tuple[str, ...]
    prefixes: tuple[str, ...]
    tags: Mapping[str, str] = field(eq=False)
    operator: str | None
    operated: bool
    status: str | None = None
    source_dest_check: bool = True

    @classmethod
    def of(cls, item: Json) -> NetworkInterface | None:
        id_ = text(item, "NetworkInterfaceId")
        if id_ is None:
            return None
        attachment, operator = part(item, "Attachment"), part(item, "Operator")
        return cls(
            id=id_,
            type=text(item, "InterfaceType") or "interface",
            description=text(item, "Description") or "",
            requester_id=text(item, "RequesterId"),
            requester_managed=item.get("RequesterManaged") is True,
            owner_id=text(item, "OwnerId"),
            instance_id=text(attachment, "InstanceId"),
            instance_owner_id=text(attachment, "InstanceOwnerId"),
            vpc_id=text(item, "VpcId"),
            subnet_id=text(item, "SubnetId"),
            zone=text(item, "AvailabilityZone"),
            zone_id=text(item, "AvailabilityZoneId"),
            groups=texts(item, "Groups", of="GroupId"),
            addresses=tuple(_addresses(item)),
            ipv6=_ipv6(item),
            prefixes=texts(item, "Ipv4Prefixes", of="Ipv4Prefix")
            + texts(item, "Ipv6Prefixes", of="Ipv6Prefix"),
            tags=tags(item),
            operator=text(operator, "Principal"),
            operated=operator.get("Managed") is True,
            status=text(item, "Status"),
            source_dest_check=item.get("SourceDestCheck") is not False,
        )

    @property
    def public_ip(self) -> str | None:
        """The public address of the primary private one."""
        return next((a.public for a in self.addresses if a.primary), None)


def _addresses(item: Json) -> Iterator[Address]:
    """All private addresses; the primary one stands in the interface itself as well."""
    primary = text(item, "PrivateIpAddress")
    listed = set()
    for entry in parts(item, "PrivateIpAddresses"):
        private = text(entry, "PrivateIpAddress")
        if private is None or private in listed:
            continue
        listed.add(private)
        is_primary = entry.get("Primary") is True or private == primary
        yield Address(private, is_primary, _public(entry))
    if primary is not None and primary not in listed:
        yield Address(primary, True, _public(item))


def _public(item: Json) -> str | None:
    association = part(item, "Association")
    return text(association, "PublicIp") or text(association, "CarrierIp")


def _ipv6(item: Json) -> tuple[str, ...]:
    own = text(item, "Ipv6Address")
    listed = texts(item, "Ipv6Addresses", of="Ipv6Address")
    return listed if own is None or own in listed else (own, *listed)


@frozen
class Named:
    """Anything with an id and the tag `Name`: an instance, a subnet, an attachment.

    zone_id: of a subnet. tags: all of them.
    """

    id: str
    name: str | None
    tags: Mapping[str, str] = field(eq=False)
    zone_id: str | None = None

    @classmethod
    def of(cls, item: Json, id_name: str) -> Named | None:
        id_ = text(item, id_name)
        if id_ is None:
            return None
        found = tags(item)
        return cls(id_, found.get("Name") or None, found, text(item, "AvailabilityZoneId"))


@frozen
class NatGateway:
    """DescribeNatGateways. interfaces: those of a zonal one; a regional one shows none."""

    id: str
    name: str | None
    vpc_id: str | None
    subnet_id: str | None
    regional: bool
    interfaces: tuple[str, ...]
    public_ips: tuple[str, ...]

    @classmethod
    def of(cls, item: Json) -> NatGateway | None:
        id_ = text(item, "NatGatewayId")
        if id_ is None:
            return None
        return cls(
            id_,
            tags(item).get("Name") or None,
            text(item, "VpcId"),
            text(item, "SubnetId"),
            text(item, "AvailabilityMode") == "regional",
            texts(item, "NatGatewayAddresses", of="NetworkInterfaceId"),
            texts(item, "NatGatewayAddresses", of="PublicIp"),
        )


@frozen
class VpcEndpoint:
    """DescribeVpcEndpoints. service: "com.amazonaws.eu-west-1.logs"."""

    id: str
    name: str | None
    service: str | None
    interfaces: tuple[str, ...]

    @classmethod
    def of(cls, item: Json) -> VpcEndpoint | None:
        id_ = text(item, "VpcEndpointId")
        if id_ is None:
            return None
        name, service = tags(item).get("Name") or None, text(item, "ServiceName")
        return cls(id_, name, service, texts(item, "NetworkInterfaceIds"))


@frozen
class DbInstance:
    """DescribeDBInstances, which lists Neptune and DocumentDB too. endpoint: its DNS name, or an
    address. zones: where it and its standby run. groups: its VPC security groups."""

    id: str
    engine: str | None
    endpoint: str | None
    vpc_id: str | None
    subnets: frozenset[str]
    zones: frozenset[str]
    groups: frozenset[str]

    @classmethod
    def of(cls, item: Json) -> DbInstance | None:
        id_ = text(item, "DBInstanceIdentifier")
        if id_ is None:
            return None
        group = part(item, "DBSubnetGroup")
        zones = (text(item, "AvailabilityZone"), text(item, "SecondaryAvailabilityZone"))
        return cls(
            id_,
            text(item, "Engine"),
            text(part(item, "Endpoint"), "Address"),
            text(group, "VpcId"),
            frozenset(texts(group, "Subnets", of="SubnetIdentifier")),
            frozenset(zone for zone in zones if zone),
            frozenset(texts(item, "VpcSecurityGroups", of="VpcSecurityGroupId")),
        )
