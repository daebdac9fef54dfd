"""One small network, and one case for each cause: its records, what is changed in the inventory,
and what the answer must be. docs/diagnosis.md shows these cases; `test_worked_cases.py` holds both.

The network: a VPC 10.0.0.0/16 with a public subnet (internet gateway, NAT gateway, a web host), two
subnets for applications in two zones, one for a database; and a peered VPC 10.9.0.0/16.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import field, frozen
from inventory_builder import (
    ANYWHERE,
    Json,
    _write,
    acl,
    eni,
    entry,
    group,
    permission,
    route,
    table,
)
from vpcflow_aws.inventory import FILES

VPC, PEER = "vpc-0a10000000000001", "vpc-0a10000000000002"
PUBLIC, APP, APP_B, DATA, FAR = (f"subnet-0a100000000000{n}0" for n in range(1, 6))
WEB_ENI, APP_ENI, DB_ENI, NAT_ENI, FAR_ENI, ROUTER_ENI, APP_B_ENI = (
    f"eni-0a1000000000000{n}" for n in range(1, 8)
)
WEB_SG, APP_SG, DB_SG, FAR_SG = (f"sg-0a1000000000000{n}" for n in range(1, 5))
PUBLIC_RTB, APP_RTB, DATA_RTB, FAR_RTB = (f"rtb-0a1000000000000{n}" for n in range(1, 5))
OPEN_ACL, DATA_ACL, FAR_ACL = (f"acl-0a1000000000000{n}" for n in range(1, 4))
IGW, NAT, PCX = "igw-0a10000000000001", "nat-0a10000000000001", "pcx-0a10000000000001"
WEB, APP_1, DB, NAT_IP, FAR_HOST, ROUTER, APP_2 = (
    "10.0.0.31",
    "10.0.1.5",
    "10.0.2.9",
    "10.0.0.4",
    "10.9.1.7",
    "10.0.0.50",
    "10.0.11.6",
)
SITE, CLIENT = "198.51.100.80", "192.0.2.7"

START = 1_789_380_000  # 2026-09-14T10:00:00Z
NAMES = (
    "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status vpc-id subnet-id tcp-flags pkt-srcaddr pkt-dstaddr flow-direction reject-reason"
)
SUBNET_OF = {
    WEB_ENI: PUBLIC,
    NAT_ENI: PUBLIC,
    ROUTER_ENI: PUBLIC,
    APP_ENI: APP,
    APP_B_ENI: APP_B,
    DB_ENI: DATA,
    FAR_ENI: FAR,
}


def record(
    at: str,
    src: str,
    dst: str,
    ports: tuple[int, int],
    size: tuple[int, int],
    way: str,
    action: str = "ACCEPT",
    *,
    flags: int | str = 0,
    protocol: int = 6,
    second: int = 0,
    reason: str = "-",
    status: str = "OK",
) -> str:
    """One line. size: packets and bytes. second: after ten o'clock."""
    begin = START + second
    vpc, subnet = PEER if at == FAR_ENI else VPC, SUBNET_OF.get(at, "-")
    return (
        f"8 {at} {src} {dst} {ports[0]} {ports[1]} {protocol} {size[0]} {size[1]} {begin} "
        f"{begin + 50} {action} {status} {vpc} {subnet} {flags} {src} {dst} {way} {reason}"
    )


SYNS = (4, 240)


def asked(client_eni: str, src: str, dst: str, port: int, **more: Any) -> str:
    """A SYN that is repeated, as the client's interface records it."""
    return record(client_eni, src, dst, (40001, port), SYNS, "egress", flags=2, **more)


def came(
    server_eni: str, src: str, dst: str, port: int, action: str = "ACCEPT", **more: Any
) -> str:
    return record(server_eni, src, dst, (40001, port), SYNS, "ingress", action, flags=2, **more)


def talk(client_eni: str, src: str, dst: str, port: int, client_port: int = 40002) -> list[str]:
    """A connection that works, at the client's interface."""
    return [
        record(client_eni, src, dst, (client_port, port), (9, 1900), "egress", flags=3),
        record(client_eni, dst, src, (port, client_port), (8, 5200), "ingress", flags=19),
    ]


def network() -> dict[str, list[Json]]:
    """What AWS says of the network when all is well."""
    public = {"Association": {"PublicIp": "203.0.113.31", "IpOwnerId": "123456789010"}}
    web = eni(WEB_ENI, WEB, WEB_SG, subnet=PUBLIC, VpcId=VPC, **public)
    web["PrivateIpAddresses"][0] |= public
    nat = {"Association": {"PublicIp": "203.0.113.4"}, "InterfaceType": "nat_gateway"}
    far = eni(FAR_ENI, FAR_HOST, FAR_SG, subnet=FAR, VpcId=PEER)
    return {
        "network-interfaces": [
            web,
            eni(APP_ENI, APP_1, APP_SG, subnet=APP, VpcId=VPC),
            eni(APP_B_ENI, APP_2, APP_SG, subnet=APP_B, VpcId=VPC, AvailabilityZone="eu-west-1b"),
            eni(
                DB_ENI,
                DB,
                DB_SG,
                subnet=DATA,
                VpcId=VPC,
                Description="RDSNetworkInterface",
                RequesterId="amazon-rds",
                RequesterManaged=True,
            ),
            eni(
                NAT_ENI,
                NAT_IP,
                subnet=PUBLIC,
                VpcId=VPC,
                Description=f"Interface for NAT Gateway {NAT}",
                RequesterManaged=True,
                SourceDestCheck=False,
                **nat,
            ),
            far,
        ],
        "security-groups": [
            group(WEB_SG, [permission("tcp", 443, 443, ANYWHERE)], VpcId=VPC),
            group(APP_SG, [permission("tcp", 9000, 9000, "10.0.0.0/16")], VpcId=VPC),
            group(DB_SG, [permission("tcp", 5432, 5432, APP_SG)], VpcId=VPC),
            group(FAR_SG, [permission("tcp", 5432, 5432, "10.0.0.0/16")], VpcId=PEER),
        ],
        "network-acls": [
            _open_acl(OPEN_ACL, VPC, PUBLIC, APP, APP_B),
            _open_acl(DATA_ACL, VPC, DATA),
            _open_acl(FAR_ACL, PEER, FAR),
        ],
        "route-tables": [
            _table(PUBLIC_RTB, VPC, [route(ANYWHERE, "GatewayId", IGW)], PUBLIC),
            _table(
                APP_RTB,
                VPC,
                [
                    route(ANYWHERE, "NatGatewayId", NAT),
                    route("10.9.0.0/16", "VpcPeeringConnectionId", PCX),
                ],
                APP,
                APP_B,
            ),
            _table(DATA_RTB, VPC, [], DATA),
            _table(FAR_RTB, PEER, [route("10.0.0.0/16", "VpcPeeringConnectionId", PCX)], FAR),
        ],
        "subnets": [
            _subnet(PUBLIC, "10.0.0.0/24"),
            _subnet(APP, "10.0.1.0/24"),
            _subnet(APP_B, "10.0.11.0/24", zone="eu-west-1b"),
            _subnet(DATA, "10.0.2.0/24"),
            _subnet(FAR, "10.9.1.0/24", vpc=PEER),
        ],
        "vpcs": [_vpc(VPC, "10.0.0.0/16"), _vpc(PEER, "10.9.0.0/16")],
        "nat-gateways": [
            {
                "NatGatewayId": NAT,
                "State": "available",
                "VpcId": VPC,
                "SubnetId": PUBLIC,
                "ConnectivityType": "public",
                "NatGatewayAddresses": [
                    {
                        "NetworkInterfaceId": NAT_ENI,
                        "PrivateIp": NAT_IP,
                        "PublicIp": "203.0.113.4",
                    }
                ],
            }
        ],
        "internet-gateways": [
            {"InternetGatewayId": IGW, "Attachments": [{"VpcId": VPC, "State": "available"}]}
        ],
        "vpc-peering-connections": [
            {
                "VpcPeeringConnectionId": PCX,
                "Status": {"Code": "active"},
                "RequesterVpcInfo": {"VpcId": VPC, "CidrBlock": "10.0.0.0/16"},
                "AccepterVpcInfo": {"VpcId": PEER, "CidrBlock": "10.9.0.0/16"},
            }
        ],
    }


def _open_acl(id_: str, vpc: str, *subnets: str) -> Json:
    entries = [entry(100, "allow", "-1", ANYWHERE, egress=egress) for egress in (False, True)]
    return acl(id_, entries, *subnets) | {"VpcId": vpc}


def _table(id_: str, vpc: str, routes: list[Json], *subnets: str) -> Json:
    block = "10.9.0.0/16" if vpc == PEER else "10.0.0.0/16"
    local = route(block, "GatewayId", "local", Origin="CreateRouteTable")
    return table(id_, [local, *routes], *subnets) | {"VpcId": vpc}


def _subnet(id_: str, block: str, *, vpc: str = VPC, zone: str = "eu-west-1a") -> Json:
    return {"SubnetId": id_, "VpcId": vpc, "CidrBlock": block, "AvailabilityZone": zone}


def _vpc(id_: str, block: str) -> Json:
    return {
        "VpcId": id_,
        "CidrBlock": block,
        "CidrBlockAssociationSet": [{"CidrBlock": block}],
    }


Network = dict[str, list[Json]]
Change = Callable[[Network], None]


def _same(network: Network) -> None:
    pass


@frozen
class WorkedCase:
    """cause, resource, confidence: of the first finding with the inventory. why: source and target
    of the question. asked: the first cause that `why` gives, if it is another. alone: the same by
    logs alone. change: what is wrong in the network."""

    cause: str
    title: str
    records: list[str]
    why: tuple[str, str]
    resource: str | None = None
    confidence: str = "proven"
    alone: str | None = None
    asked: str | None = None
    change: Change = field(default=_same)

    def write(self, directory: Path) -> tuple[Path, Path]:
        """The log and the inventory, as files below `directory`."""
        log, inventory = directory / "flows.log", directory / "inventory"
        log.write_text("\n".join([NAMES, *self.records]) + "\n")
        inventory.mkdir()
        found = network()
        self.change(found)
        for name in FILES:
            key = name.removesuffix(".json")
            if key in found or name != "instances.json":
                _write(inventory / name, {FILES[name]: found.get(key, [])})
        about = {"account": "123456789010", "region": "eu-west-1", "time": "2026-09-14T10:10:00Z"}
        _write(inventory / "snapshot.json", about)
        return log, inventory


def find(items: list[Json], key: str, id_: str) -> Json:
    return next(item for item in items if item[key] == id_)


def in_table(id_: str, *routes: Json) -> Change:
    """The table's routes, besides the local one."""

    def change(network: Network) -> None:
        found = find(network["route-tables"], "RouteTableId", id_)
        found["Routes"] = [found["Routes"][0], *routes]

    return change


def in_acl(id_: str, *entries: Json, drop: bool = False) -> Change:
    """Entries before the ACL's own; drop: in place of those of the same direction."""

    def change(network: Network) -> None:
        found = find(network["network-acls"], "NetworkAclId", id_)
        ways = {e["Egress"] for e in entries}
        kept = [
            e
            for e in found["Entries"]
            if not (drop and e["RuleAction"] == "allow" and e["Egress"] in ways)
        ]
        found["Entries"] = [*entries, *kept]

    return change


def allows(id_: str, *permissions: Json, egress: bool = False) -> Change:
    def change(network: Network) -> None:
        name = "IpPermissionsEgress" if egress else "IpPermissions"
        find(network["security-groups"], "GroupId", id_)[name] = list(permissions)

    return change
