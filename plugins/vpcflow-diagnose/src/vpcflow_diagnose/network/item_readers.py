"""From AWS's JSON to the values of `items`. What has no id is None as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vpcflow_aws.inventory_items import Json, part, parts, tags, text, texts

from vpcflow_diagnose.network.items import (
    Endpoint,
    InternetGateway,
    LoadBalancer,
    NatGateway,
    Peering,
    Subnet,
    Target,
    TransitAttachment,
    TransitTable,
    Vpc,
)


def _name(item: Json) -> str | None:
    return tags(item).get("Name") or None


def _blocks(item: Json, own: str, *lists: tuple[str, str, str | None]) -> tuple[str, ...]:
    """The CIDR of a field and those of lists, each once. lists: name, field, and the field of the
    state, which must be "associated" if it is there."""
    found = [text(item, own)]
    for name, field, state in lists:
        for entry in parts(item, name):
            said = text(part(entry, state), "State") if state is not None else None
            if said in (None, "associated", "associating"):
                found.append(text(entry, field))
    return tuple(dict.fromkeys(cidr for cidr in found if cidr))


def vpc(item: Json) -> Vpc | None:
    id_ = text(item, "VpcId")
    if id_ is None:
        return None
    blocks = _blocks(
        item,
        "CidrBlock",
        ("CidrBlockAssociationSet", "CidrBlock", "CidrBlockState"),
        ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState"),
    )
    return Vpc(id_, blocks, _name(item))


def subnet(item: Json, acls: Mapping[str, str], tables: Mapping[str, str]) -> Subnet | None:
    """acls, tables: ids by subnet, and by VPC for those that no subnet is associated with."""
    id_, vpc_id = text(item, "SubnetId"), text(item, "VpcId")
    if id_ is None:
        return None
    blocks = _blocks(
        item,
        "CidrBlock",
        ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState"),
    )
    mode = text(part(item, "BlockPublicAccessStates"), "InternetGatewayBlockMode")
    return Subnet(
        id_,
        vpc_id,
        text(item, "AvailabilityZone"),
        blocks,
        acls.get(id_) or acls.get(vpc_id or ""),
        tables.get(id_) or tables.get(vpc_id or ""),
        mode,
        _name(item),
    )


def nat_gateway(item: Json) -> NatGateway | None:
    id_ = text(item, "NatGatewayId")
    if id_ is None:
        return None
    code, message = text(item, "FailureCode"), text(item, "FailureMessage")
    listed = "NatGatewayAddresses"
    return NatGateway(
        id_,
        text(item, "State") or "available",
        text(item, "VpcId"),
        text(item, "SubnetId"),
        text(item, "ConnectivityType") != "private",
        text(item, "AvailabilityMode") == "regional",
        text(item, "RouteTableId"),
        texts(item, listed, of="NetworkInterfaceId"),
        texts(item, listed, of="PrivateIp"),
        ": ".join(said for said in (code, message) if said) or None,
        texts(item, listed, of="PublicIp"),
        _name(item),
    )


def internet_gateway(item: Json) -> InternetGateway | None:
    """An egress-only one too. AWS says "available" of an attachment, elsewhere "attached"."""
    id_ = text(item, "InternetGatewayId") or text(item, "EgressOnlyInternetGatewayId")
    if id_ is None:
        return None
    attachment = next((a for a in parts(item, "Attachments") if text(a, "VpcId")), {})
    state = text(attachment, "State")
    return InternetGateway(id_, text(attachment, "VpcId"), state in ("available", "attached"))


def peering(item: Json) -> Peering | None:
    id_ = text(item, "VpcPeeringConnectionId")
    if id_ is None:
        return None
    requester, accepter = part(item, "RequesterVpcInfo"), part(item, "AccepterVpcInfo")
    return Peering(
        id_,
        text(part(item, "Status"), "Code") or "active",
        text(requester, "VpcId"),
        text(accepter, "VpcId"),
        _side(requester),
        _side(accepter),
    )


def _side(info: Json) -> tuple[str, ...]:
    return _blocks(
        info,
        "CidrBlock",
        ("CidrBlockSet", "CidrBlock", None),
        ("Ipv6CidrBlockSet", "Ipv6CidrBlock", None),
    )


def transit_attachment(item: Json) -> TransitAttachment | None:
    id_ = text(item, "TransitGatewayAttachmentId")
    if id_ is None:
        return None
    return TransitAttachment(
        id_,
        text(item, "TransitGatewayId"),
        text(item, "State") or "available",
        text(item, "ResourceType"),
        text(item, "ResourceId"),
        text(part(item, "Association"), "TransitGatewayRouteTableId"),
        _name(item),
    )


def transit_table(item: Json) -> TransitTable | None:
    id_ = text(item, "TransitGatewayRouteTableId")
    if id_ is None:
        return None
    return TransitTable(
        id_,
        text(item, "TransitGatewayId"),
        text(item, "State"),
        item.get("DefaultAssociationRouteTable") is True,
        item.get("DefaultPropagationRouteTable") is True,
    )


def endpoint(item: Json) -> Endpoint | None:
    id_ = text(item, "VpcEndpointId")
    if id_ is None:
        return None
    return Endpoint(
        id_,
        text(item, "VpcEndpointType") or "Gateway",
        text(item, "ServiceName"),
        text(item, "VpcId"),
        text(item, "State"),
        texts(item, "NetworkInterfaceIds"),
        texts(item, "RouteTableIds"),
        texts(item, "DnsEntries", of="DnsName"),
        _name(item),
    )


def load_balancer(item: Json) -> LoadBalancer | None:
    """One of load-balancers.json or of classic-load-balancers.json."""
    arn, name = text(item, "LoadBalancerArn"), text(item, "LoadBalancerName")
    if arn is None and name is None:
        return None
    type_ = text(item, "Type") or ("classic" if arn is None else "application")
    return LoadBalancer(
        arn or name or "",
        name or arn or "",
        type_,
        text(item, "VpcId") or text(item, "VPCId"),
        texts(item, "SecurityGroups"),
        text(item, "DNSName"),
    )


def targets(group: Json, health: list[Json]) -> Iterator[Target]:
    """The targets of one target group, from the file of its health."""
    name = text(group, "TargetGroupName") or ""
    for entry in health:
        target, state = part(entry, "Target"), part(entry, "TargetHealth")
        id_ = text(target, "Id")
        if id_ is None:
            continue
        yield Target(
            name,
            texts(group, "LoadBalancerArns"),
            id_,
            _port(target.get("Port")) or _port(group.get("Port")),
            text(state, "State"),
            text(state, "Reason"),
            text(group, "Protocol"),
            _port(entry.get("HealthCheckPort")) or _port(group.get("HealthCheckPort")),
            _preserves(group),
        )


def _preserves(group: Json) -> bool | None:
    """Whether clients' addresses reach the targets. That is an attribute of the group, which no
    file has; but HTTP never keeps them, and UDP always does (ELB User Guides, "client IP
    preservation")."""
    protocol = text(group, "Protocol")
    if protocol in ("HTTP", "HTTPS"):
        return False
    return True if protocol in ("UDP", "TCP_UDP") else None


def _port(value: object) -> int | None:
    """A port as a number or as text; None for "traffic-port" and for what is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= 65535 else None
