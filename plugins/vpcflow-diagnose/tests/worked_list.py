"""The cases, in the order of docs/diagnosis.md."""

from __future__ import annotations

from inventory_builder import ANYWHERE, eni, entry, permission, route
from worked_cases import (
    APP_1,
    APP_2,
    APP_B_ENI,
    APP_ENI,
    APP_RTB,
    CLIENT,
    DATA_ACL,
    DB,
    DB_ENI,
    DB_SG,
    FAR_ENI,
    FAR_HOST,
    FAR_RTB,
    IGW,
    NAT,
    PCX,
    PUBLIC,
    PUBLIC_RTB,
    ROUTER,
    ROUTER_ENI,
    SITE,
    VPC,
    WEB,
    WEB_ENI,
    Network,
    WorkedCase,
    allows,
    asked,
    came,
    find,
    in_acl,
    in_table,
    record,
    talk,
)

ASK_DB = (APP_1, f"{DB}:5432")
ASK_SITE = (APP_1, f"{SITE}:443")


def _detached(network: Network) -> None:
    network["internet-gateways"][0]["Attachments"] = []


def _no_public_ip(network: Network) -> None:
    web = find(network["network-interfaces"], "NetworkInterfaceId", WEB_ENI)
    del web["Association"]
    del web["PrivateIpAddresses"][0]["Association"]


def _nat_failed(network: Network) -> None:
    network["nat-gateways"][0] |= {
        "State": "failed",
        "FailureMessage": "Network vpc-0a10000000000001 has no Internet gateway attached",
    }


def _router(network: Network) -> None:
    network["network-interfaces"].append(
        eni(ROUTER_ENI, ROUTER, subnet=PUBLIC, VpcId=VPC, SourceDestCheck=True)
    )
    in_table(APP_RTB, route(ANYWHERE, "NetworkInterfaceId", ROUTER_ENI))(network)


def _no_database(network: Network) -> None:
    interfaces = network["network-interfaces"]
    interfaces[:] = [i for i in interfaces if i["NetworkInterfaceId"] != DB_ENI]


CASES = [
    WorkedCase(
        "security-group",
        "A security group does not allow the request",
        [asked(APP_ENI, APP_1, DB, 5432), came(DB_ENI, APP_1, DB, 5432, "REJECT")],
        ASK_DB,
        DB_SG,
        alone="security-group-or-network-acl",
        change=allows(DB_SG, permission("tcp", 5432, 5432, "10.0.11.0/24")),
    ),
    WorkedCase(
        "network-acl",
        "A network ACL does not let the reply out",
        [
            asked(APP_ENI, APP_1, DB, 5432),
            came(DB_ENI, APP_1, DB, 5432),
            record(DB_ENI, DB, APP_1, (5432, 10001), (6, 360), "egress", "REJECT", flags=18),
        ],
        ASK_DB,
        DATA_ACL,
        alone="network-acl",
        change=in_acl(
            DATA_ACL,
            entry(100, "allow", "6", "10.0.0.0/16", (32768, 60999), egress=True),
            drop=True,
        ),
    ),
    WorkedCase(
        "block-public-access",
        "VPC Block Public Access",
        [came(WEB_ENI, CLIENT, WEB, 443, "REJECT", reason="BPA")],
        (CLIENT, f"{WEB}:443"),
        WEB_ENI,
        alone="block-public-access",
    ),
    WorkedCase(
        "encryption-control",
        "VPC Encryption Controls",
        [
            asked(APP_ENI, APP_1, DB, 5432),
            came(DB_ENI, APP_1, DB, 5432, "REJECT", reason="EC"),
        ],
        ASK_DB,
        DB_ENI,
        alone="encryption-control",
    ),
    WorkedCase(
        "no-route",
        "No route for the reply of a peered VPC",
        [
            asked(APP_ENI, APP_1, FAR_HOST, 5432),
            came(FAR_ENI, APP_1, FAR_HOST, 5432),
            record(FAR_ENI, FAR_HOST, APP_1, (5432, 40001), (6, 360), "egress", flags=18),
        ],
        (APP_1, f"{FAR_HOST}:5432"),
        FAR_RTB,
        alone="no-answer",
        change=in_table(FAR_RTB),
    ),
    WorkedCase(
        "blackhole-route",
        "A route whose target is gone",
        [asked(APP_ENI, APP_1, FAR_HOST, 5432)],
        (APP_1, f"{FAR_HOST}:5432"),
        APP_RTB,
        alone="no-answer",
        change=in_table(
            APP_RTB, route("10.9.0.0/16", "VpcPeeringConnectionId", PCX, State="blackhole")
        ),
    ),
    WorkedCase(
        "wrong-route",
        "A more specific route leads elsewhere",
        [asked(APP_ENI, APP_1, FAR_HOST, 5432)],
        (APP_1, f"{FAR_HOST}:5432"),
        APP_RTB,
        alone="no-answer",
        change=in_table(
            APP_RTB,
            route("10.9.0.0/16", "VpcPeeringConnectionId", PCX),
            route("10.9.1.0/24", "GatewayId", IGW),
        ),
    ),
    WorkedCase(
        "no-internet-gateway",
        "The internet gateway is not attached",
        [asked(WEB_ENI, WEB, SITE, 443)],
        (WEB, f"{SITE}:443"),
        IGW,
        alone="no-answer",
        change=lambda network: (
            _detached(network),
            in_table(PUBLIC_RTB, route(ANYWHERE, "GatewayId", IGW, State="blackhole"))(network),
        )[0],
    ),
    WorkedCase(
        "no-public-ip",
        "A host in a public subnet without a public address",
        [asked(WEB_ENI, WEB, SITE, 443)],
        (WEB, f"{SITE}:443"),
        WEB_ENI,
        alone="no-answer",
        change=_no_public_ip,
    ),
    WorkedCase(
        "nat-gateway-unavailable",
        "The NAT gateway failed",
        [asked(APP_ENI, APP_1, SITE, 443)],
        ASK_SITE,
        NAT,
        alone="no-answer",
        change=_nat_failed,
    ),
    WorkedCase(
        "nat-gateway-misplaced",
        "The NAT gateway's own subnet has no route to the internet",
        [asked(APP_ENI, APP_1, SITE, 443)],
        ASK_SITE,
        NAT,
        alone="no-answer",
        change=in_table(PUBLIC_RTB),
    ),
    WorkedCase(
        "asymmetric-return",
        "A public host that answers through the NAT gateway",
        [
            came(WEB_ENI, CLIENT, WEB, 443),
            record(WEB_ENI, WEB, CLIENT, (443, 40001), (6, 360), "egress", flags=18),
        ],
        (CLIENT, f"{WEB}:443"),
        PUBLIC_RTB,
        alone="no-answer",
        change=in_table(PUBLIC_RTB, route(ANYWHERE, "NatGatewayId", NAT)),
    ),
    WorkedCase(
        "source-dest-check",
        "A router that checks source and destination",
        [asked(APP_ENI, APP_1, SITE, 443)],
        ASK_SITE,
        ROUTER_ENI,
        alone="no-answer",
        change=_router,
    ),
    WorkedCase(
        "unknown-destination",
        "An address that no interface has any more",
        [asked(APP_ENI, APP_1, DB, 5432)],
        ASK_DB,
        None,
        alone="no-answer",
        change=_no_database,
    ),
    WorkedCase(
        "no-answer",
        "The host's own firewall, or a process that hangs",
        [asked(APP_ENI, APP_1, DB, 5432), came(DB_ENI, APP_1, DB, 5432)],
        ASK_DB,
        DB_ENI,
        confidence="likely",
        alone="no-answer",
    ),
    WorkedCase(
        "connection-refused",
        "Nothing listens on the port",
        [
            came(DB_ENI, APP_1, DB, 5432),
            record(DB_ENI, DB, APP_1, (5432, 40001), (4, 160), "egress", flags=4),
        ],
        ASK_DB,
        DB_ENI,
        alone="connection-refused",
    ),
    WorkedCase(
        "application",
        "The application takes the request and says nothing",
        [
            record(DB_ENI, APP_1, DB, (40001, 5432), (5, 1800), "ingress", flags=3),
            record(DB_ENI, DB, APP_1, (5432, 40001), (4, 216), "egress", flags=18),
        ],
        ASK_DB,
        DB_ENI,
        confidence="likely",
        alone="application",
    ),
    WorkedCase(
        "unexplained-reject",
        "A REJECT that the rules of the snapshot do not explain",
        [asked(APP_ENI, APP_1, DB, 5432), came(DB_ENI, APP_1, DB, 5432, "REJECT")],
        ASK_DB,
        DB_ENI,
        confidence="likely",
        alone="security-group-or-network-acl",
    ),
    WorkedCase(
        "no-traffic",
        "Nothing was recorded",
        talk(APP_ENI, APP_1, SITE, 443),
        ASK_DB,
        None,
        confidence="possible",
        alone="no-traffic",
    ),
    WorkedCase(
        "connected",
        "It is not the network",
        talk(APP_ENI, APP_1, DB, 5432),
        ASK_DB,
        None,
        alone="connected",
    ),
    WorkedCase(
        "idle-timeout",
        "A connection that was silent for too long",
        [
            record(APP_ENI, APP_1, SITE, (40001, 443), (9, 1900), "egress", flags=2),
            record(APP_ENI, SITE, APP_1, (443, 40001), (8, 5200), "ingress", flags=18),
            record(APP_ENI, SITE, APP_1, (443, 40001), (1, 40), "ingress", flags=4, second=600),
        ],
        ASK_SITE,
        None,
        confidence="likely",
        alone="idle-timeout",
    ),
    WorkedCase(
        "late-packet",
        "Packets after the end of a connection",
        [
            *talk(APP_ENI, APP_1, DB, 5432),
            record(APP_ENI, DB, APP_1, (5432, 40002), (1, 52), "ingress", "REJECT", second=60),
        ],
        ASK_DB,
        None,
        confidence="likely",
        alone="connected",
        asked="connected",
    ),
    WorkedCase(
        "cross-az-nat",
        "Internet traffic through a NAT gateway in another zone",
        talk(APP_B_ENI, APP_2, SITE, 443),
        (APP_2, f"{SITE}:443"),
        NAT,
        alone="connected",
        asked="connected",
    ),
]
