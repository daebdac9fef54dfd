"""What enriching costs: the logs, inventory and databases that it is measured with."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from vpcflow_geoip.samples import write_asn_like, write_city_like

import vpcflow
from vpcflow.bench.generate import KINDS
from vpcflow.bench.network import ACCOUNT, REGION, VPC, Interface, Network
from vpcflow.enrich import Enricher, KeyedEnricher
from vpcflow.enriching import Enrichment
from vpcflow.making import enricher_of

NETWORKS = 500_000
SEED = 2


class Lookup(KeyedEnricher):
    """A third party's enricher in plain Python: one function."""

    name = "lookup"
    on = {"src": ("srcaddr",), "dst": ("dstaddr",)}
    adds = {"{role}_site": "dictionary<int32, utf8>", "{role}_rank": "int64"}

    def lookup(self, key: str, epoch: int = 0) -> tuple[str, int] | None:
        if not key.startswith("10."):
            return None
        site = key.split(".")[2]
        return f"site-{site}", int(site)


def write_databases(directory: Path) -> list[Path]:
    """City-like and ASN-like databases of half a million networks each; kept between sessions."""
    made = []
    for name, write in (("city", write_city_like), ("asn", write_asn_like)):
        path = directory / f"{name}-{NETWORKS}.mmdb"
        if not path.exists():
            unfinished = path.with_suffix(".part")
            write(unfinished, NETWORKS)
            unfinished.rename(path)
        made.append(path)
    return made


def write_inventory(directory: Path, kind: str = "default") -> Path:
    """The inventory of the network that logs of a kind are drawn from, as AWS CLI JSON."""
    spec = KINDS[kind]
    network = Network.draw(random.Random(f"{spec.name}/{SEED}"), ipv6=spec.ipv6)
    directory.mkdir(parents=True, exist_ok=True)
    interfaces = [_interface(number, i) for number, i in enumerate(network.interfaces)]
    (directory / "network-interfaces.json").write_text(
        json.dumps({"NetworkInterfaces": interfaces})
    )
    return directory


def _interface(number: int, interface: Interface) -> dict[str, Any]:
    return {
        "NetworkInterfaceId": interface.eni,
        "InterfaceType": "interface",
        "Status": "in-use",
        "Description": "",
        "OwnerId": ACCOUNT,
        "RequesterManaged": False,
        "PrivateIpAddress": interface.ipv4,
        "PrivateIpAddresses": [{"PrivateIpAddress": interface.ipv4, "Primary": True}],
        "Ipv6Addresses": [{"Ipv6Address": interface.ipv6}],
        "Groups": [{"GroupId": f"sg-{number % 20:017x}", "GroupName": f"group-{number % 20}"}],
        "TagSet": [],
        "SubnetId": interface.subnet,
        "VpcId": VPC,
        "AvailabilityZone": f"{REGION}a",
        "Attachment": {"InstanceId": interface.instance, "InstanceOwnerId": ACCOUNT},
    }


def eni_and_geoip(inventory: Path, databases: list[Path]) -> list[Enricher]:
    """Fresh enrichers: nothing has been asked yet."""
    texts = [f"eni={inventory}", f"geoip={','.join(map(str, databases))}"]
    return [enricher for text in texts for enricher in enricher_of(text)]


def batches(log: Path) -> Iterator[pa.RecordBatch]:
    for batch in vpcflow.scan(log, text="utf8"):
        yield pa.record_batch(batch)


def enrich(found: list[pa.RecordBatch], enrichers: list[Enricher]) -> int:
    """Enrich batches that are in memory; how many records there were."""
    enrichment = Enrichment(enrichers, found[0].schema)
    return sum(enrichment.apply(batch).num_rows for batch in found)
