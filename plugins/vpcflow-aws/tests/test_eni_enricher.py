"""The enricher, through the engine that runs it: interfaces, addresses, and snapshots over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from eni_shapes import attached, eni, service_eni, tags, write
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_aws.eni import AddressEnricher, InterfaceEnricher, Options, enricher
from vpcflow_aws.eni_history import History, InventoryWarning
from vpcflow_aws.eni_names import Names
from vpcflow_aws.eni_table import ABOUT, NO_ROW, OF_ADDRESS, Rows, Table
from vpcflow_aws.inventory import Inventory, Snapshot
from vpcflow_aws.inventory_items import NetworkInterface

import vpcflow
from vpcflow.enrich import Enricher
from vpcflow.enriching import Enrichment
from vpcflow.errors import InputError, UsageError
from vpcflow.fields import FIELDS
from vpcflow.testing import EnricherSuite

SAMPLES = Path(__file__).parents[3] / "tests" / "data"
SAMPLE = SAMPLES / "samples-inventory"
V6 = "2a05:d018:1f3:5c00"
TEN = datetime(2026, 9, 14, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, TWO = f"eni-{1:017x}", f"eni-{2:017x}"


def enriched(
    directory: Path, records: Sequence[Mapping[str, Any]], **options: str
) -> list[dict[str, Any]]:
    """Records with the columns that the enricher adds."""
    names = dict.fromkeys(name for record in records for name in record)
    arrays = []
    for name in names:
        field = FIELDS[name]
        type_ = pa.timestamp("ms", "UTC") if field.kind == "time" else pa.utf8()
        arrays.append(pa.array([record.get(name) for record in records], type_))
    batch = pa.RecordBatch.from_arrays(arrays, list(names))
    enrichment = Enrichment(enricher(str(directory), {"columns": "all"} | options), batch.schema)
    rows: list[dict[str, Any]] = enrichment.apply(batch).to_pylist()
    return rows


def flow(
    interface: str = ONE, source: str = "10.0.0.1", target: str = "10.0.0.2"
) -> dict[str, Any]:
    return {"interface_id": interface, "srcaddr": source, "dstaddr": target}


# ---- interfaces ---------------------------------------------------------------------------------


def test_all_columns_of_an_interface(tmp_path: Path) -> None:
    web = eni(
        **attached("i-0a1"),
        Groups=[{"GroupId": "sg-1"}, {"GroupId": "sg-2"}],
        Association={"PublicIp": "203.0.113.7"},
    )
    web["PrivateIpAddresses"][0]["Association"] = web["Association"]
    write(
        tmp_path,
        network_interfaces=[web],
        instances=[{"Instances": [{"InstanceId": "i-0a1", "Tags": tags(Name="web")}]}],
        subnets=[{"SubnetId": "subnet-1", "AvailabilityZoneId": "euw1-az3"}],
    )
    (row,) = enriched(tmp_path, [flow()])
    assert {name: row[name] for name in row if name.startswith("interface_")} == {
        "interface_id": ONE,
        "interface_resource_type": "ec2-instance",
        "interface_resource_id": "i-0a1",
        "interface_resource_name": "web",
        "interface_managed_by": None,
        "interface_vpc_id": "vpc-1",
        "interface_subnet_id": "subnet-1",
        "interface_az": "eu-west-1a",
        "interface_az_id": "euw1-az3",
        "interface_security_groups": "sg-1,sg-2",
        "interface_public_ip": "203.0.113.7",
    }


def test_an_interface_that_is_not_in_the_inventory_is_null(tmp_path: Path) -> None:
    write(tmp_path, network_interfaces=[eni()])
    (row,) = enriched(tmp_path, [flow(TWO)])
    assert {value for name, value in row.items() if name.startswith("interface_r")} == {None}


NAMED = {
    "nat": (
        service_eni("Interface for NAT Gateway nat-1a", InterfaceType="nat_gateway"),
        {"nat_gateways": [{"NatGatewayId": "nat-1a", "Tags": tags(Name="out")}]},
        ("nat-gateway", "nat-1a", "out"),
    ),
    "nat that does not say so": (
        service_eni("?"),
        {
            "nat_gateways": [
                {"NatGatewayId": "nat-1a", "NatGatewayAddresses": [{"NetworkInterfaceId": ONE}]}
            ]
        },
        ("nat-gateway", "nat-1a", None),
    ),
    "endpoint": (
        service_eni("VPC Endpoint Interface vpce-1a", InterfaceType="vpc_endpoint"),
        {"vpc_endpoints": [{"VpcEndpointId": "vpce-1a", "ServiceName": "com.amazonaws.x.logs"}]},
        ("vpc-endpoint", "vpce-1a", "com.amazonaws.x.logs"),
    ),
    "endpoint by its list": (
        service_eni("", InterfaceType="vpc_endpoint"),
        {"vpc_endpoints": [{"VpcEndpointId": "vpce-1a", "NetworkInterfaceIds": [ONE]}]},
        ("vpc-endpoint", "vpce-1a", None),
    ),
    "transit gateway": (
        service_eni(
            "Network Interface for Transit Gateway Attachment tgw-attach-1a",
            InterfaceType="transit_gateway",
        ),
        {
            "transit_gateway_attachments": [
                {"TransitGatewayAttachmentId": "tgw-attach-1a", "Tags": tags(Name="hub")}
            ]
        },
        ("transit-gateway-attachment", "tgw-attach-1a", "hub"),
    ),
    "node": (
        eni(**attached("i-1a")),
        {
            "instances": [
                {
                    "Instances": [
                        {
                            "InstanceId": "i-1a",
                            "Tags": tags(**{"kubernetes.io/cluster/prod": "owned", "Name": "n1"}),
                        }
                    ]
                }
            ]
        },
        ("eks-node", "i-1a", "n1"),
    ),
    "pods": (
        eni("aws-K8S-i-1a", **attached("i-1a")),
        {
            "instances": [
                {"Instances": [{"InstanceId": "i-1a", "Tags": tags(**{"eks:cluster-name": "c"})}]}
            ]
        },
        ("eks-pods", "i-1a", "c"),
    ),
}


@pytest.mark.parametrize("what", NAMED)
def test_names_come_from_the_other_files(what: str, tmp_path: Path) -> None:
    interface, files, wanted = NAMED[what]
    write(tmp_path, network_interfaces=[interface], **files)
    (row,) = enriched(tmp_path, [flow()])
    assert tuple(row[f"interface_resource_{name}"] for name in ("type", "id", "name")) == wanted


def database(name: str, **more: Any) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": name,
        "AvailabilityZone": "eu-west-1a",
        "DBSubnetGroup": {"VpcId": "vpc-1", "Subnets": [{"SubnetIdentifier": "subnet-1"}]},
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
        "Endpoint": {"Address": f"{name}.example.rds.amazonaws.com", "Port": 5432},
    } | more


RDS = service_eni("RDSNetworkInterface", RequesterId="amazon-rds", Groups=[{"GroupId": "sg-1"}])


@pytest.mark.parametrize(
    ("databases", "wanted"),
    [
        ([database("db-1")], "db-1"),
        ([], None),
        ([database("db-1"), database("db-2")], None),
        ([database("db-1"), database("db-2", AvailabilityZone="eu-west-1b")], "db-1"),
        ([database("db-1", VpcSecurityGroups=[])], None),
        ([database("db-1"), database("db-2", Endpoint={"Address": "10.0.0.1"})], "db-2"),
        ([database("db-1", DBSubnetGroup={"VpcId": "vpc-2", "Subnets": []})], None),
    ],
)
def test_a_database_is_named_only_if_no_other_can_be_meant(
    databases: list[dict[str, Any]], wanted: str | None, tmp_path: Path
) -> None:
    write(tmp_path, network_interfaces=[RDS], db_instances=databases)
    (row,) = enriched(tmp_path, [flow()])
    assert row["interface_resource_type"] == "rds-instance"
    assert row["interface_resource_id"] == wanted


def test_flows_of_a_regional_nat_gateway_have_no_interface(tmp_path: Path) -> None:
    gateway = {
        "NatGatewayId": "nat-1a",
        "AvailabilityMode": "regional",
        "VpcId": "vpc-1",
        "Tags": tags(Name="everywhere"),
        "NatGatewayAddresses": [{"PublicIp": "203.0.113.1"}, {"PublicIp": "203.0.113.2"}],
    }
    write(tmp_path, network_interfaces=[eni()], nat_gateways=[gateway])
    record = {"interface_id": None, "resource_id": "nat-1a", "vpc_id": "vpc-1"}
    (row, other) = enriched(tmp_path, [flow() | record, flow() | {"resource_id": None}])
    assert row["interface_resource_type"] is None
    assert row["regional_nat_resource_type"] == "regional-nat-gateway"
    assert row["regional_nat_resource_name"] == "everywhere"
    assert row["regional_nat_public_ip"] == "203.0.113.1,203.0.113.2"
    assert row["src_interface_id"] == ONE
    assert other["regional_nat_resource_type"] is None


# ---- addresses ----------------------------------------------------------------------------------


def test_an_address_is_looked_up_in_its_vpc_alone(tmp_path: Path) -> None:
    """The same private address in two VPCs: each record gets its own."""
    other = eni(number=2, VpcId="vpc-2", PrivateIpAddress="10.0.0.1", PrivateIpAddresses=[])
    write(tmp_path, network_interfaces=[eni(), other])
    rows = enriched(tmp_path, [flow(ONE), flow(TWO), flow("eni-unknown")])
    assert [row["src_interface_id"] for row in rows] == [ONE, TWO, None]
    assert [row["dst_interface_id"] for row in rows] == [None, None, None]


def test_the_vpc_of_the_log_counts_where_it_has_one(tmp_path: Path) -> None:
    other = eni(number=2, VpcId="vpc-2", PrivateIpAddress="10.0.0.1", PrivateIpAddresses=[])
    write(tmp_path, network_interfaces=[eni(), other])
    rows = enriched(tmp_path, [flow("eni-unknown") | {"vpc_id": v} for v in ("vpc-2", None)])
    assert [row["src_interface_id"] for row in rows] == [TWO, None]


def with_all_kinds() -> dict[str, Any]:
    return eni(
        **attached("i-0a1"),
        PrivateIpAddresses=[
            {"PrivateIpAddress": "10.0.0.1", "Primary": True},
            {
                "PrivateIpAddress": "10.0.0.9",
                "Primary": False,
                "Association": {"PublicIp": "203.0.113.9"},
            },
        ],
        Ipv6Addresses=[{"Ipv6Address": f"{V6}:0::a"}],
        Ipv4Prefixes=[{"Ipv4Prefix": "10.0.1.16/28"}],
        Ipv6Prefixes=[{"Ipv6Prefix": f"{V6}:1::/80"}, {"Ipv6Prefix": "no prefix"}],
    )


@pytest.mark.parametrize(
    ("address", "kind", "public"),
    [
        ("10.0.0.1", "primary", None),
        ("10.0.0.9", "secondary", "203.0.113.9"),
        ("203.0.113.9", "public", "203.0.113.9"),
        (f"{V6}::a", "ipv6", None),
        (f"{V6}:0000::000A", "ipv6", None),
        ("10.0.1.16", "prefix", None),
        ("10.0.1.31", "prefix", None),
        (f"{V6}:1::ffff", "prefix", None),
        ("10.0.1.32", None, None),
        ("10.0.1.15", None, None),
        (f"{V6}:2::1", None, None),
        ("203.0.113.10", None, None),
        ("10.0.1.16/28", None, None),
        ("010.0.1.17", None, None),
        ("fe80::1%eth0", None, None),
        ("x\0", None, None),
    ],
)
def test_each_kind_of_address(
    address: str, kind: str | None, public: str | None, tmp_path: Path
) -> None:
    write(tmp_path, network_interfaces=[with_all_kinds()])
    (row,) = enriched(tmp_path, [flow(source=address)])
    assert row["src_address_kind"] == kind
    assert row["src_public_ip"] == public
    assert row["src_interface_id"] == (ONE if kind else None)
    assert row["src_resource_id"] == ("i-0a1" if kind else None)


def test_a_public_address_names_an_interface_of_any_vpc(tmp_path: Path) -> None:
    here = eni(Association={"PublicIp": "203.0.113.1"}, PrivateIpAddresses=[])
    there = eni(
        number=2, VpcId="vpc-2", Association={"PublicIp": "203.0.113.2"}, PrivateIpAddresses=[]
    )
    write(tmp_path, network_interfaces=[here, there])
    (row,) = enriched(tmp_path, [flow(target="203.0.113.2")])
    assert (row["dst_interface_id"], row["dst_vpc_id"]) == (TWO, "vpc-2")


def test_a_public_address_of_two_interfaces_names_neither(tmp_path: Path) -> None:
    moving = {"Association": {"PublicIp": "203.0.113.1"}, "PrivateIpAddresses": []}
    write(tmp_path, network_interfaces=[eni(number=n, **moving) for n in (1, 2, 3)])
    (row,) = enriched(tmp_path, [flow(target="203.0.113.1")])
    assert row["dst_interface_id"] is None


def test_packet_addresses_by_option(tmp_path: Path) -> None:
    write(tmp_path, network_interfaces=[with_all_kinds()])
    record = flow() | {"pkt_srcaddr": "10.0.1.20", "pkt_dstaddr": "198.51.100.1"}
    (row,) = enriched(tmp_path, [record], addresses="packet")
    assert row["src_address_kind"] == "prefix"
    with pytest.raises(UsageError, match="pkt_srcaddr"):
        enriched(tmp_path, [flow()], addresses="packet")


@given(
    st.lists(st.integers(0, 2**32 - 1), max_size=5), st.integers(0, 32), st.integers(0, 2**32 - 1)
)
def test_prefixes_hold_what_ipaddress_says(
    tmp_path_factory: pytest.TempPathFactory, seeds: list[int], length: int, asked: int
) -> None:

    networks = [ip_network((seed, length), strict=False) for seed in seeds]
    item = eni(Ipv4Prefixes=[{"Ipv4Prefix": str(network)} for network in networks])
    interface = NetworkInterface.of(item)
    assert interface is not None
    nobody = Names.of(Snapshot(Path("nowhere")))
    table = Table.of([interface], nobody, Rows(len(ABOUT)), Rows(len(OF_ADDRESS)))
    address = ip_address(asked)
    inside = any(address in network for network in networks) or str(address) == "10.0.0.1"
    assert (table.address(("vpc-1", str(address))) != NO_ROW) == inside


# ---- snapshots over time ------------------------------------------------------------------------


def two_snapshots(directory: Path) -> Path:
    """At ten 10.0.0.1 was web's; by eleven web was gone and app had it, and so did new have .2."""
    web, app = (eni(number=n, **attached(f"i-{n}")) for n in (1, 2))
    app |= {"PrivateIpAddress": "10.0.0.1", "PrivateIpAddresses": []}
    write(directory / "20260914T100000Z", network_interfaces=[web])
    write(directory / "20260914T110000Z", network_interfaces=[app, eni(number=3)])
    return directory


def at(moment: datetime | None, **more: Any) -> dict[str, Any]:
    return flow(**more) | {"start": moment, "vpc_id": "vpc-1"}


def test_an_address_is_that_of_the_last_snapshot_not_after_the_flow(tmp_path: Path) -> None:
    moments = [
        TEN - HOUR,
        TEN,
        TEN + HOUR - timedelta(seconds=1),
        TEN + HOUR,
        TEN + 24 * HOUR,
        None,
    ]
    rows = enriched(two_snapshots(tmp_path), [at(moment) for moment in moments])
    assert [row["src_resource_id"] for row in rows] == ["i-1", "i-1", "i-1", "i-2", "i-2", "i-2"]


def test_an_interface_falls_back_to_the_nearest_snapshot_that_has_it(tmp_path: Path) -> None:
    rows = enriched(two_snapshots(tmp_path), [at(TEN + HOUR), at(TEN, interface=TWO)])
    assert [row["interface_resource_id"] for row in rows] == ["i-1", "i-2"]


def test_an_address_does_not_fall_back(tmp_path: Path) -> None:
    (row,) = enriched(two_snapshots(tmp_path), [at(TEN, source="10.0.0.3")])
    assert row["src_interface_id"] is None
    (row,) = enriched(tmp_path, [at(TEN + HOUR, source="10.0.0.3")])
    assert row["src_interface_id"] == f"eni-{3:017x}"


def test_of_two_that_are_equally_near_the_later_one_counts(tmp_path: Path) -> None:
    for hour, name in ((9, "before"), (11, "after")):
        item = eni(TagSet=tags(Name=name))
        write(tmp_path / f"20260914T{hour:02}0000Z", network_interfaces=[item])
    write(tmp_path / "20260914T100000Z", network_interfaces=[])
    (row,) = enriched(tmp_path, [at(TEN)])
    assert row["interface_resource_name"] == "after"


def test_accounts_and_regions_have_snapshots_of_their_own(tmp_path: Path) -> None:
    """A new snapshot of one Region does not make that of another one forgotten."""
    for hour, region, number in ((10, "eu-west-1", 1), (11, "us-east-1", 2), (12, "eu-west-1", 3)):
        about = {"time": f"2026-09-14T{hour}:00:00Z", "account": "1", "region": region}
        item = eni(number=number, VpcId=f"vpc-{region}")
        write(tmp_path / str(hour), network_interfaces=[item], snapshot=about)
    history = History.of(Inventory.read(tmp_path))
    assert len(history.times) == 3

    def known(epoch: int) -> list[bool]:
        keys = [("vpc-eu-west-1", "10.0.0.1"), ("vpc-us-east-1", "10.0.0.2")]
        keys.append(("vpc-eu-west-1", "10.0.0.3"))
        return [row >= 0 for row in history.addresses(keys, epoch)]

    assert known(-1) == known(0) == known(1) == [True, True, False]
    assert known(2) == [False, True, True]


def test_a_broken_snapshot_is_passed_over_with_a_warning(tmp_path: Path) -> None:
    two_snapshots(tmp_path)
    (tmp_path / "20260914T110000Z" / "network-interfaces.json").write_text("{")
    with pytest.warns(
        InventoryWarning, match=r"20260914T110000Z: network-interfaces\.json is no JSON"
    ):
        (row,) = enriched(tmp_path, [at(TEN + HOUR)])
    assert row["src_resource_id"] == "i-1"


def test_several_snapshots_and_no_start_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no start") as raised:
        enriched(two_snapshots(tmp_path), [flow()])
    assert f"eni={tmp_path / '20260914T110000Z'}" in str(raised.value)
    (row,) = enriched(tmp_path / "20260914T110000Z", [flow(TWO)])
    assert row["interface_resource_id"] == "i-2"


# ---- what it refuses ----------------------------------------------------------------------------


def test_no_directory_and_no_interfaces(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs an inventory directory"):
        enricher("", {})
    write(tmp_path, vpcs=[])
    with pytest.raises(UsageError, match=r"has no network-interfaces\.json") as raised:
        enricher(str(tmp_path), {})
    assert "aws ec2 describe-network-interfaces" in str(raised.value)


def test_interfaces_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, network_interfaces=[])
    (tmp_path / "network-interfaces.json").write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        enricher(str(tmp_path), {})


def test_another_broken_file_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, network_interfaces=[eni(**attached("i-1"))])
    (tmp_path / "instances.json").write_text('{"Reservations": 7}')
    with pytest.warns(InventoryWarning, match=r"instances\.json has no list Reservations"):
        enricher(str(tmp_path), {})


def test_a_misspelt_option() -> None:
    with pytest.raises(UsageError, match="did you mean 'addresses'"):
        enricher(str(SAMPLE), {"adresses": "packet"})
    with pytest.raises(UsageError, match=r"(?s)no column 'resource'.*did you mean 'resource_id'"):
        enricher(str(SAMPLE), {"columns": "resource"})


def test_columns_of_addresses_are_chosen() -> None:
    def added(options: dict[str, str]) -> list[str]:
        return [name.removeprefix("{role}_") for name in enricher(str(SAMPLE), options)[1].adds]

    assert added({}) == ["interface_id", "resource_type", "resource_id", "resource_name"]
    assert added({"columns": "subnet_id,az"}) == ["subnet_id", "az"]
    assert added({"columns": "all"}) == list(OF_ADDRESS)


# ---- the sample, and the suites -----------------------------------------------------------------


def test_whose_the_sample_logs_interfaces_are() -> None:
    with vpcflow.scan(SAMPLES / "samples" / "AWSLogs", text="utf8") as stream:
        table = pa.table(stream)
    enrichment = Enrichment(enricher(str(SAMPLE), {}), table.schema)
    rows = [row for batch in table.to_batches() for row in enrichment.apply(batch).to_pylist()]
    assert {(row["interface_resource_type"], row["interface_resource_name"]) for row in rows} == {
        ("application-load-balancer", "shop"),
        ("nat-gateway", "nat-a"),
        ("ec2-instance", "web-1"),
        ("ecs-task", "orders"),
        ("rds-instance", "db-1"),
        ("elasticache-node", "cache-1"),
        ("ec2-instance", "lab-1"),
        ("network-interface", "spare-1"),
    }
    queries = {
        (r["src_resource_name"], r["dst_resource_name"]) for r in rows if r["dstport"] == 5432
    }
    assert queries == {("orders", "db-1"), (None, "web-1")}
    inside = [row for row in rows if (row["srcaddr"] or "").startswith("10.")]
    assert all(row["src_interface_id"] for row in inside)


class TestInterfaces(EnricherSuite):
    examples = (
        (
            {"interface_id": "eni-0b000000000000003", "start": TEN},
            {"interface_resource_id": "nat-0a700000000000001", "interface_managed_by": "vpc"},
        ),
    )

    def make_enricher(self) -> Enricher:
        return InterfaceEnricher(History.of(Inventory.read(SAMPLE)))

    def test_a_wrong_option(self) -> None:
        """Options are of the factory, which gives both: see above."""
        test_a_misspelt_option()


class TestAddresses(EnricherSuite):
    examples = (
        (
            {"vpc_id": "vpc-0a1b2c3d4e5f60718", "srcaddr": "10.0.2.9", "dstaddr": "52.218.36.75"}
            | {"start": TEN},
            {"src_resource_name": "db-1", "dst_resource_name": None},
        ),
    )

    def make_enricher(self) -> Enricher:
        return AddressEnricher(History.of(Inventory.read(SAMPLE)), Options())

    def test_a_wrong_option(self) -> None:
        """Options are of the factory, which gives both: see above."""
        test_a_misspelt_option()
