"""Paths by hand, beyond one case for each cause: every gateway on the way out, transit gateways,
appliances, hosts with several interfaces, questions about what was never sent, and many at once."""

from __future__ import annotations

import json
from pathlib import Path

from inventory_builder import ANYWHERE, Json, eni, entry, group, permission, route
from vpcflow_diagnose.diagnosing import diagnose
from vpcflow_diagnose.finding import Diagnosis, Finding
from vpcflow_diagnose.why import answer
from vpcflow_query.reading import Reading
from worked_cases import (
    APP,
    APP_1,
    APP_2,
    APP_B_ENI,
    APP_ENI,
    APP_RTB,
    APP_SG,
    CLIENT,
    DATA,
    DATA_RTB,
    DB,
    DB_ENI,
    DB_SG,
    FAR_ENI,
    FAR_HOST,
    FAR_RTB,
    IGW,
    NAT,
    NAT_ENI,
    NAT_IP,
    OPEN_ACL,
    PEER,
    PUBLIC,
    ROUTER,
    ROUTER_ENI,
    SITE,
    VPC,
    WEB,
    WEB_ENI,
    Change,
    Network,
    WorkedCase,
    _open_acl,
    _subnet,
    _table,
    allows,
    asked,
    came,
    find,
    in_acl,
    in_table,
    record,
    talk,
)

TGW, TGW_ENI, TGW_SUBNET, TGW_ACL = (
    "tgw-0a10000000000001",
    "eni-0a1000000000000b",
    "subnet-0a10000000000060",
    "acl-0a10000000000004",
)
SECOND_ENI, SECOND = "eni-0a1000000000000c", "10.0.2.70"
TO_DB = "10.0.2.0/24"


def unchanged(network: Network) -> None:
    """The network as it is."""


def both(*changes: Change) -> Change:
    def change(network: Network) -> None:
        for one in changes:
            one(network)

    return change


def add(file: str, *items: Json) -> Change:
    def change(network: Network) -> None:
        network.setdefault(file, []).extend(items)

    return change


def empty(file: str) -> Change:
    return lambda network: network[file].clear()


class Told:
    """The answers to one log: with the inventory, by the log alone, and to questions."""

    def __init__(self, folder: Path, records: list[str], change: Change = unchanged) -> None:
        self.log, self.inventory = WorkedCase("", "", records, ("", ""), change=change).write(
            folder
        )

    @property
    def faults(self) -> list[Finding]:
        return self._faults(diagnose(Reading([str(self.log)]), self.inventory))

    @property
    def alone(self) -> list[Finding]:
        return self._faults(diagnose(Reading([str(self.log)])))

    @property
    def first(self) -> tuple[str, str | None, str, str | None]:
        f = self.faults[0]
        return f.cause, f.resource, f.confidence, f.direction

    def why(self, source: str, target: str) -> Finding:
        return answer(Reading([str(self.log)]), source, target, self.inventory).findings[0]

    @staticmethod
    def _faults(found: Diagnosis) -> list[Finding]:
        return [f for f in found.findings if f.kind == "fault"]


def test_what_a_file_that_was_read_does_not_list_does_not_exist(tmp_path: Path) -> None:
    cases: list[tuple[str, str, Change, tuple[str, str]]] = [
        (WEB_ENI, WEB, empty("internet-gateways"), ("no-internet-gateway", IGW)),
        (APP_ENI, APP_1, empty("nat-gateways"), ("blackhole-route", APP_RTB)),
        (
            WEB_ENI,
            WEB,
            lambda n: n["internet-gateways"][0]["Attachments"][0].update(VpcId=PEER),
            ("no-internet-gateway", IGW),
        ),
    ]
    for number, (at, source, change, expected) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        told = Told(folder, [asked(at, source, SITE, 443)], change)
        assert told.first == (*expected, "proven", "egress")


def test_an_answer_that_is_lost_at_the_nat_gateway_is_one_fault(tmp_path: Path) -> None:
    records = [
        asked(APP_ENI, APP_1, SITE, 443),
        record(NAT_ENI, NAT_IP, SITE, (2001, 443), (4, 240), "egress", flags=2),
        record(NAT_ENI, SITE, NAT_IP, (443, 2001), (4, 240), "ingress", "REJECT", flags=18),
    ]
    change = in_acl(OPEN_ACL, entry(50, "deny", "6", ANYWHERE, (1024, 30000)))
    told = Told(tmp_path, records, change)
    assert told.first == ("network-acl", OPEN_ACL, "proven", "ingress")
    assert len(told.faults) == 1
    assert told.faults[0].explanation.startswith(f"The reply from {SITE}:443")


def test_a_nat_gateway_that_failed_crosses_no_zones(tmp_path: Path) -> None:
    records = [asked(APP_B_ENI, APP_2, SITE, 443)]
    told = Told(tmp_path, records, lambda n: n["nat-gateways"][0].update(State="failed"))
    found = diagnose(Reading([str(told.log)]), told.inventory).findings
    assert "cross-az-nat" not in [f.cause for f in found]
    assert told.first == ("nat-gateway-unavailable", NAT, "proven", "egress")


def transit(network: Network) -> None:
    """The two VPCs by a transit gateway, whose interface here has a subnet of its own."""
    network["transit-gateway-attachments"] = [
        {
            "TransitGatewayAttachmentId": f"tgw-attach-0a1000000000000{number}",
            "TransitGatewayId": TGW,
            "ResourceType": "vpc",
            "ResourceId": vpc,
            "State": "available",
        }
        for number, vpc in enumerate((VPC, PEER))
    ]
    network["network-interfaces"].append(
        eni(TGW_ENI, "10.0.60.7", subnet=TGW_SUBNET, VpcId=VPC, InterfaceType="transit_gateway")
    )
    network["subnets"].append(_subnet(TGW_SUBNET, "10.0.60.0/24"))
    network["route-tables"].append(_table("rtb-0a10000000000005", VPC, [], TGW_SUBNET))
    network["network-acls"].append(_open_acl(TGW_ACL, VPC, TGW_SUBNET))
    for table, block in ((APP_RTB, "10.9.0.0/16"), (FAR_RTB, "10.0.0.0/16")):
        in_table(table, route(block, "TransitGatewayId", TGW))(network)


class TestTransitGateways:
    ASKED = asked(APP_ENI, APP_1, FAR_HOST, 5432)
    ANSWERED = (
        came(FAR_ENI, APP_1, FAR_HOST, 5432),
        record(FAR_ENI, FAR_HOST, APP_1, (5432, 40001), (6, 360), "egress", flags=18),
    )

    def test_the_acl_of_the_attachment_drops_what_is_asked(self, tmp_path: Path) -> None:
        change = both(transit, in_acl(TGW_ACL, entry(50, "deny", "6", "10.0.1.0/24", (5432, 5432))))
        told = Told(tmp_path, [self.ASKED], change)
        assert told.first == ("network-acl", TGW_ACL, "likely", "ingress")

    def test_and_the_answers(self, tmp_path: Path) -> None:
        deny = entry(50, "deny", "6", "10.0.0.0/16", (32768, 65535), egress=True)
        told = Told(tmp_path, [self.ASKED, *self.ANSWERED], both(transit, in_acl(TGW_ACL, deny)))
        assert told.first == ("network-acl", TGW_ACL, "likely", "egress")

    def test_it_is_not_asked_the_other_way(self, tmp_path: Path) -> None:
        """Its outbound rules are about what comes from the transit gateway."""
        deny = entry(50, "deny", "6", ANYWHERE, (5432, 5432), egress=True)
        told = Told(tmp_path, [self.ASKED], both(transit, in_acl(TGW_ACL, deny)))
        assert told.faults[0].cause == "no-answer"

    def test_what_is_not_known_of_the_way_is_said(self, tmp_path: Path) -> None:
        change = both(transit, in_table(APP_RTB, route(ANYWHERE, "TransitGatewayId", TGW)))
        told = Told(tmp_path, [asked(APP_ENI, APP_1, SITE, 443)], change)
        assert told.first == ("no-answer", None, "possible", None)
        assert f"the routes of {TGW} are not in the inventory" in told.faults[0].explanation


def appliance(network: Network) -> None:
    network["network-interfaces"].append(
        eni(ROUTER_ENI, ROUTER, APP_SG, subnet=PUBLIC, VpcId=VPC, SourceDestCheck=False)
    )
    allows(DB_SG, permission("tcp", 5432, 5432, "10.0.0.0/16"))(network)


class TestAppliances:
    THERE = (asked(APP_ENI, APP_1, DB, 5432), came(DB_ENI, APP_1, DB, 5432))
    BACK = record(DB_ENI, DB, APP_1, (5432, 40001), (6, 360), "egress", flags=18)

    def test_answers_that_pass_by_one(self, tmp_path: Path) -> None:
        change = both(appliance, in_table(APP_RTB, route(TO_DB, "NetworkInterfaceId", ROUTER_ENI)))
        told = Told(tmp_path, [*self.THERE, self.BACK], change)
        assert told.first == ("asymmetric-return", DATA_RTB, "likely", "return")

    def test_answers_that_alone_pass_through_one(self, tmp_path: Path) -> None:
        back = route("10.0.1.0/24", "NetworkInterfaceId", ROUTER_ENI)
        told = Told(tmp_path, [*self.THERE, self.BACK], both(appliance, in_table(DATA_RTB, back)))
        assert told.first == ("asymmetric-return", DATA_RTB, "likely", "return")

    def test_without_an_answer_it_is_the_host(self, tmp_path: Path) -> None:
        change = both(appliance, in_table(APP_RTB, route(TO_DB, "NetworkInterfaceId", ROUTER_ENI)))
        assert Told(tmp_path, [*self.THERE], change).first[:2] == ("no-answer", DB_ENI)

    def test_two_interfaces_of_one(self, tmp_path: Path) -> None:
        """Each side routes to the one next to it."""
        instance = {"InstanceId": "i-0a10000000000099"}
        other = eni(SECOND_ENI, SECOND, APP_SG, subnet=DATA, VpcId=VPC, SourceDestCheck=False)
        change = both(
            appliance,
            add("network-interfaces", other | {"Attachment": instance}),
            lambda n: find(n["network-interfaces"], "NetworkInterfaceId", ROUTER_ENI).update(
                Attachment=instance
            ),
            in_table(APP_RTB, route(TO_DB, "NetworkInterfaceId", ROUTER_ENI)),
            in_table(DATA_RTB, route("10.0.1.0/24", "NetworkInterfaceId", SECOND_ENI)),
        )
        found = Told(tmp_path, [*self.THERE, self.BACK], change).faults[0]
        assert found.cause == "no-answer"
        assert "the answers are lost on their way back" in found.explanation


class TestHostsWithSeveralInterfaces:
    """The answer leaves by the first interface, with the second one's address."""

    THERE = (asked(APP_ENI, APP_1, SECOND, 5432), came(SECOND_ENI, APP_1, SECOND, 5432))

    @staticmethod
    def host(network: Network) -> None:
        instance = {"InstanceId": "i-0a10000000000099"}
        network["network-interfaces"].append(
            eni(SECOND_ENI, SECOND, DB_SG, subnet=DATA, VpcId=VPC, Attachment=instance)
        )
        first = find(network["network-interfaces"], "NetworkInterfaceId", APP_B_ENI)
        first["Attachment"], first["SourceDestCheck"] = instance, True

    def test_and_is_recorded_there(self, tmp_path: Path) -> None:
        for action in ("ACCEPT", "REJECT"):
            leaves = record(
                APP_B_ENI, SECOND, APP_1, (5432, 40001), (6, 360), "egress", action, flags=18
            )
            folder = tmp_path / action
            folder.mkdir()
            told = Told(folder, [*self.THERE, leaves], self.host)
            sure = "proven" if action == "ACCEPT" else "likely"
            assert told.first == ("asymmetric-return", APP_B_ENI, sure, "return")
            assert len(told.faults) == 1
            if action == "ACCEPT":
                assert [(f.cause, f.confidence) for f in told.alone] == [
                    ("asymmetric-return", "possible")
                ]


class TestLoadBalancers:
    BALANCER, TARGET, TARGET_SG = "eni-0a10000000000020", "eni-0a10000000000022", "sg-0a22"
    ADDRESS, HOST = "10.0.0.90", "10.0.1.80"

    def network(self, network: Network) -> None:
        network["network-interfaces"] += [
            eni(
                self.BALANCER,
                self.ADDRESS,
                "sg-0a20",
                subnet=PUBLIC,
                VpcId=VPC,
                Description="ELB app/shop/50dc6c495c0c9188",
                RequesterId="amazon-elb",
                RequesterManaged=True,
            ),
            eni(
                self.TARGET,
                self.HOST,
                self.TARGET_SG,
                subnet=APP,
                VpcId=VPC,
                Attachment={"InstanceId": "i-0a10000000000080"},
            ),
        ]
        network["security-groups"] += [
            group("sg-0a20", [permission("tcp", 443, 443, ANYWHERE)], VpcId=VPC),
            group(self.TARGET_SG, [permission("tcp", 8080, 8080, "sg-0a20")], VpcId=VPC),
        ]

    def test_a_closed_port_is_proven_at_the_target(self, tmp_path: Path) -> None:
        there = (self.ADDRESS, self.HOST)
        records = [
            asked(self.BALANCER, *there, 8080),
            record(self.BALANCER, *there[::-1], (8080, 40001), (4, 160), "ingress", flags=4),
            came(self.TARGET, *there, 8080),
            record(self.TARGET, *there[::-1], (8080, 40001), (4, 160), "egress", flags=4),
        ]
        told = Told(tmp_path, records, self.network)
        assert told.first[:3] == ("connection-refused", self.TARGET, "proven")
        assert told.why("shop", "i-0a10000000000080:8080").cause == "connection-refused"

    def balanced(self, folder: Path, records: list[str], kind: str, change: Change) -> Told:
        """With the files that say which targets a load balancer has."""
        arn = f"arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/{kind}/shop/50dc6c495c0c9188"
        described = {"net": "network", "app": "application"}[kind]
        changes = both(
            self.network,
            lambda n: find(n["network-interfaces"], "NetworkInterfaceId", self.BALANCER).update(
                Description=f"ELB {kind}/shop/50dc6c495c0c9188",
                InterfaceType="network_load_balancer" if kind == "net" else "interface",
            ),
            add(
                "load-balancers",
                {
                    "LoadBalancerArn": arn,
                    "LoadBalancerName": "shop",
                    "Type": described,
                    "VpcId": VPC,
                    "SecurityGroups": ["sg-0a20"],
                },
            ),
            add(
                "target-groups",
                {
                    "TargetGroupName": "tg",
                    "Protocol": "TCP" if kind == "net" else "HTTP",
                    "Port": 8080,
                    "LoadBalancerArns": [arn],
                },
            ),
            change,
        )
        told = Told(folder, records, changes)
        health = told.inventory / "target-health"
        health.mkdir()
        target = {"Target": {"Id": "i-0a10000000000080", "Port": 8080}}
        (health / "tg.json").write_text(json.dumps({"TargetHealthDescriptions": [target]}))
        return told

    def test_what_refuses_behind_one_is_part_of_the_answer(self, tmp_path: Path) -> None:
        records = [
            record(
                self.BALANCER, CLIENT, self.ADDRESS, (40002, 443), (9, 1900), "ingress", flags=3
            ),
            record(
                self.BALANCER, self.ADDRESS, CLIENT, (443, 40002), (8, 5200), "egress", flags=19
            ),
            asked(self.BALANCER, self.ADDRESS, self.HOST, 8080),
            came(self.TARGET, self.ADDRESS, self.HOST, 8080, "REJECT"),
        ]
        told = self.balanced(tmp_path, records, "app", allows(self.TARGET_SG))
        found = answer(Reading([str(told.log)]), "internet", "shop:443", told.inventory).findings
        assert [f.cause for f in found] == ["security-group", "connected"]
        assert (found[0].resource, found[0].srcaddr) == (self.TARGET_SG, self.ADDRESS)

    def test_the_clients_themselves_reach_targets_of_a_network_load_balancer(
        self, tmp_path: Path
    ) -> None:
        records = [came(self.TARGET, CLIENT, self.HOST, 8080, "REJECT")]
        inside = permission("tcp", 8080, 8080, "10.0.0.0/16")
        told = self.balanced(tmp_path, records, "net", allows(self.TARGET_SG, inside))
        found = told.why(CLIENT, "shop:443")
        assert (found.cause, found.resource) == ("security-group", self.TARGET_SG)
        assert f"no rule allows tcp 8080 from {CLIENT}/32" in found.explanation

    def test_the_target_allows_another_group_than_the_load_balancers(self, tmp_path: Path) -> None:
        records = [
            asked(self.BALANCER, self.ADDRESS, self.HOST, 8080),
            came(self.TARGET, self.ADDRESS, self.HOST, 8080, "REJECT"),
        ]
        change = both(self.network, allows(self.TARGET_SG, permission("tcp", 8080, 8080, APP_SG)))
        found = Told(tmp_path, records, change).why("shop", self.HOST)
        assert (found.cause, found.resource) == ("security-group", self.TARGET_SG)
        assert found.srcaddr == self.ADDRESS
        assert f"allows tcp 8080 from {APP_SG}" in found.explanation


class TestQuestionsAboutWhatWasNotSent:
    OTHER = tuple(talk(APP_ENI, APP_1, SITE, 443))

    def test_the_internet_reaches_no_private_host(self, tmp_path: Path) -> None:
        told = Told(
            tmp_path, [*self.OTHER], allows(APP_SG, permission("tcp", 9000, 9000, ANYWHERE))
        )
        found = told.why("internet", f"{APP_1}:9000")
        assert (found.cause, found.resource) == ("no-traffic", APP_ENI)
        assert found.also[0] == f"no-public-ip {APP_ENI}"
        assert "load balancers only" in found.explanation

    def test_the_internet_has_no_address(self, tmp_path: Path) -> None:
        told = Told(tmp_path, [*self.OTHER], allows(APP_SG))
        for found in (told.why("internet", f"{WEB}:80"), told.why(DB, "internet:443")):
            said = " ".join((found.explanation, *found.also))
            assert "192.0.2.1" not in said
            assert "the internet" in said


class TestManyAtOnce:
    def test_many_services_without_an_answer_are_one_fault_of_the_subnet(
        self, tmp_path: Path
    ) -> None:
        records = [
            record(APP_ENI, APP_1, f"198.51.100.{i}", (30000 + i, 443), (3, 180), "egress", flags=2)
            for i in range(60)
        ]
        (found,) = Told(tmp_path, records).alone
        assert (found.cause, found.flows, found.packets) == ("no-answer", 60, 180)
        assert "59 other services" in found.explanation

    def test_a_few_are_told_apart(self, tmp_path: Path) -> None:
        records = [asked(APP_ENI, APP_1, f"198.51.100.{i}", 443) for i in range(3)]
        assert len(Told(tmp_path, records).alone) == 3

    def test_two_faults_and_a_scan(self, tmp_path: Path) -> None:
        """Both faults come before three thousand probes, the larger of them first."""
        scan = [
            record(WEB_ENI, f"203.0.{i // 250}.{i % 250}", WEB, (4000, 22 + i % 50), (1, 40),
                   "ingress", "REJECT", flags=2, second=i % 600)
            for i in range(3000)
        ]  # fmt: skip
        clients = [
            record(DB_ENI, f"10.0.1.{i + 10}", DB, (30000 + i, 5432), (3, 180), "ingress",
                   "REJECT", flags=2, second=i)
            for i in range(40)
        ]  # fmt: skip
        records = [*scan, *clients, asked(WEB_ENI, WEB, SITE, 443)]
        told = Told(tmp_path, records, in_table("rtb-0a10000000000001"))
        first, second, probes = told.faults
        assert (first.cause, first.resource, first.flows) == ("security-group", DB_SG, 40)
        assert (first.packets, first.direction) == (120, "ingress")
        assert (second.cause, second.resource) == ("no-route", "rtb-0a10000000000001")
        assert (probes.flows, probes.interface_id) == (3000, WEB_ENI)
        assert told.why(CLIENT, f"{WEB}:443").cause == "no-traffic"


class TestNames:
    """Instances of one cluster share all that would tell their interfaces apart."""

    READER_ENI, READER = "eni-0a10000000000061", "10.0.2.19"

    def cluster(self, network: Network) -> None:
        network["db-instances"] = [
            {
                "DBInstanceIdentifier": name,
                "DBClusterIdentifier": "orders",
                "Endpoint": {"Address": f"{name}.abc.eu-west-1.rds.amazonaws.com", "Port": 5432},
                "AvailabilityZone": "eu-west-1a",
                "DBSubnetGroup": {"VpcId": VPC, "Subnets": [{"SubnetIdentifier": DATA}]},
                "VpcSecurityGroups": [{"VpcSecurityGroupId": DB_SG, "Status": "active"}],
            }
            for name in ("orders-1", "orders-2")
        ]
        network["network-interfaces"].append(
            eni(
                self.READER_ENI,
                self.READER,
                DB_SG,
                subnet=DATA,
                VpcId=VPC,
                Description="RDSNetworkInterface",
                RequesterId="amazon-rds",
                RequesterManaged=True,
            )
        )

    def test_of_a_cluster_mean_all_its_interfaces(self, tmp_path: Path) -> None:
        records = [asked(APP_ENI, APP_1, DB, 5432), came(DB_ENI, APP_1, DB, 5432, "REJECT")]
        told = Told(tmp_path, records, both(self.cluster, allows(DB_SG)))
        host = "orders-1.abc.eu-west-1.rds.amazonaws.com"
        for name in ("orders", "orders-1", host):
            found = answer(Reading([str(told.log)]), APP_1, f"{name}:5432", told.inventory)
            assert (found.findings[0].cause, found.findings[0].resource) == (
                "security-group",
                DB_SG,
            )
            assert any(f"is one of {DB_ENI}, {self.READER_ENI}" in note for note in found.notes)

    def test_a_block_stands_for_the_hosts_in_it(self, tmp_path: Path) -> None:
        told = Told(tmp_path, [*TestQuestionsAboutWhatWasNotSent.OTHER])
        found = told.why("10.0.2.0/24", "internet:443")
        assert (found.cause, found.resource) == ("no-traffic", DATA_RTB)
        assert "has no route to the internet" in found.explanation


class TestAnswersThatPassByTheRecord:
    """A client that sends data and FIN had an answer, wherever that went."""

    def test_of_a_host_with_several_interfaces(self, tmp_path: Path) -> None:
        ports = (40002, 5432)
        records = [
            record(SECOND_ENI, APP_1, SECOND, ports, (9, 1900), "ingress", flags=3),
            record(APP_B_ENI, SECOND, APP_1, ports[::-1], (8, 5200), "egress", flags=19),
        ]
        told = Told(tmp_path, records, TestHostsWithSeveralInterfaces.host)
        assert told.faults == told.alone == []
        assert told.why(APP_1, f"{SECOND}:5432").cause == "connected"

    def test_of_an_appliance_on_the_way_there(self, tmp_path: Path) -> None:
        records = [
            record(ROUTER_ENI, APP_1, DB, (40002, 5432), (9, 1900), way, flags=3)
            for way in ("ingress", "egress")
        ]
        told = Told(tmp_path, records, appliance)
        assert told.faults == told.alone == []
        assert told.why(APP_1, DB).cause == "connected"

    def test_not_where_one_connection_has_none(self, tmp_path: Path) -> None:
        records = [
            record(SECOND_ENI, APP_1, SECOND, (40002, 5432), (9, 1900), "ingress", flags=3),
            came(SECOND_ENI, APP_1, SECOND, 5432),
        ]
        (found,) = Told(tmp_path, records, TestHostsWithSeveralInterfaces.host).faults
        assert (found.cause, found.resource) == ("no-answer", SECOND_ENI)


class TestSenses:
    def test_a_ping_that_is_answered_is_connected_both_ways(self, tmp_path: Path) -> None:
        """Records of ICMP do not say who began."""
        records = [
            record(DB_ENI, APP_1, DB, (0, 0), (4, 336), "ingress", protocol=1),
            record(DB_ENI, DB, APP_1, (0, 0), (4, 336), "egress", protocol=1),
        ]
        change = allows(DB_SG, permission("icmp", -1, -1, "10.0.0.0/16"))
        told = Told(tmp_path, records, change)
        for source, target in ((APP_1, DB), (DB, APP_1)):
            for protocol in ("", "/icmp"):
                found = told.why(source, target + protocol)
                assert (found.cause, found.srcaddr) == ("connected", source)

    def test_traffic_that_the_other_end_began_is_pointed_out(self, tmp_path: Path) -> None:
        told = Told(tmp_path, [asked(APP_ENI, APP_1, DB, 5432)])
        found = answer(Reading([str(told.log)]), DB, APP_1, told.inventory)
        assert found.findings[0].cause == "no-traffic"
        assert any(f"from {APP_1} to {DB}:5432" in note for note in found.notes)

    def test_blocks_that_overlap_give_each_conversation_once(self, tmp_path: Path) -> None:
        records = [
            record(DB_ENI, APP_1, DB, (0, 0), (4, 336), "ingress", protocol=1),
            record(DB_ENI, DB, APP_1, (0, 0), (4, 336), "egress", protocol=1),
        ]
        change = allows(DB_SG, permission("icmp", -1, -1, "10.0.0.0/16"))
        told = Told(tmp_path, records, change)
        found = answer(Reading([str(told.log)]), "10.0.0.0/8", "10.0.0.0/8", told.inventory)
        assert [f.cause for f in found.findings if f.cause != "not-logged"] == ["connected"]


def test_a_nat_gateway_translates_no_ipsec(tmp_path: Path) -> None:
    records = [record(APP_ENI, APP_1, SITE, (0, 0), (9, 900), "egress", protocol=50)]
    told = Told(tmp_path, records)
    assert told.first == ("wrong-route", APP_RTB, "likely", "egress")
    assert "does not translate protocol 50" in told.faults[0].explanation


def test_a_client_that_keeps_the_address_of_before_a_failover(tmp_path: Path) -> None:
    """The question names the database, which has another address now."""
    moved = {"PrivateIpAddress": "10.0.2.77", "Primary": True}
    told = Told(
        tmp_path,
        [asked(APP_ENI, APP_1, DB, 5432)],
        lambda n: find(n["network-interfaces"], "NetworkInterfaceId", DB_ENI).update(
            PrivateIpAddress="10.0.2.77", PrivateIpAddresses=[moved]
        ),
    )
    found = told.why(APP_1, f"{DB_ENI}:5432")
    assert (found.cause, found.dstaddr) == ("unknown-destination", DB)
