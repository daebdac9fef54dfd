"""Inventory directories: what is found in them, and that no damage stops the rest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eni_shapes import eni, write
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_aws.eni_names import Names
from vpcflow_aws.eni_table import ABOUT, OF_ADDRESS, Rows, Table
from vpcflow_aws.inventory import FILES, Inventory, Lack, Snapshot, time_of_name

from vpcflow.errors import UsageError

SAMPLE = Path(__file__).parents[3] / "tests" / "data" / "samples-inventory"
TEN = datetime(2026, 9, 14, 10, tzinfo=UTC)


def test_one_directory_of_files_is_one_snapshot(tmp_path: Path) -> None:
    write(tmp_path, network_interfaces=[eni()])
    (snapshot,) = Inventory.read(tmp_path).snapshots
    assert [interface.id for interface in snapshot.interfaces()] == [f"eni-{1:017x}"]
    assert (snapshot.account, snapshot.time) == (None, None)
    assert snapshot.lacks == [Lack("snapshot.json", "is not there", missing=True)]


def test_what_is_missing_is_named_and_what_was_not_asked_is_not(tmp_path: Path) -> None:
    write(tmp_path, network_interfaces=[])
    inventory = Inventory.read(tmp_path)
    (snapshot,) = inventory.snapshots
    assert (snapshot.interfaces(), snapshot.subnets()) == ((), ())
    assert [lack.file for _, lack in inventory.lacks] == ["snapshot.json", "subnets.json"]
    assert snapshot.usable("network-interfaces.json")
    assert not snapshot.usable("subnets.json")


def test_snapshots_are_in_order_of_time_whatever_says_it(tmp_path: Path) -> None:
    write(tmp_path / "20260914T120000Z", vpcs=[])
    write(tmp_path / "anything", vpcs=[], snapshot={"time": "2026-09-14T10:00:00Z", "account": "1"})
    write(tmp_path / "2026-09-14T11:00", vpcs=[])
    write(tmp_path / "undated", vpcs=[])
    found = Inventory.read(tmp_path).snapshots
    assert [s.directory.name for s in found] == [
        "undated",
        "anything",
        "2026-09-14T11:00",
        "20260914T120000Z",
    ]
    assert found[1].time == TEN
    assert found[1].scope == ("1", "")


def test_the_file_counts_more_than_the_name(tmp_path: Path) -> None:
    about = {"time": "2026-09-14T12:00:00+02:00", "account": "1", "region": "eu-west-1"}
    write(tmp_path / "20200101T000000Z", vpcs=[], snapshot=about)
    (snapshot,) = Inventory.read(tmp_path).snapshots
    assert (snapshot.time, snapshot.scope) == (TEN, ("1", "eu-west-1"))


def test_folders_of_regions_below_folders_of_times(tmp_path: Path) -> None:
    for region in ("eu-west-1", "us-east-1"):
        write(tmp_path / "20260914T100000Z" / region, vpcs=[])
    found = Inventory.read(tmp_path).snapshots
    assert [(s.time, s.scope) for s in found] == [(TEN, ("eu-west-1",)), (TEN, ("us-east-1",))]


def test_a_snapshot_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    write(tmp_path / ".20260914T100000Z.77", vpcs=[])
    write(tmp_path / "20260914T090000Z", vpcs=[])
    assert len(Inventory.read(tmp_path).snapshots) == 1


@pytest.mark.parametrize(
    "name", ["2026", "20261314T100000Z", "20260914T250000Z", "fl-20260914T1000"]
)
def test_names_that_are_no_times(name: str) -> None:
    assert time_of_name(name) is None


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "inventory").mkdir()
    with pytest.raises(UsageError, match="did you mean 'inventory'"):
        Inventory.read(tmp_path / "inventry")


def test_a_directory_without_an_inventory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no inventory") as raised:
        Inventory.read(tmp_path)
    assert "vpcflow inventory snapshot" in str(raised.value)


BROKEN = {
    "cut": (b'{"NetworkInterfaces": [{"Netw', "is no JSON"),
    "empty": (b"", "is no JSON"),
    "not an object": (b'"NetworkInterfaces"', "holds a str, not an object"),
    "another list": (b'{"Subnets": []}', "has no list NetworkInterfaces"),
    "no list": (b'{"NetworkInterfaces": {}}', "has no list NetworkInterfaces"),
    "deep": (b"[" * 200_000, "is nested too deeply"),
    "bytes": (b'{"NetworkInterfaces": "\xff"}', "is no JSON"),
    "a number without end": (b'{"NetworkInterfaces": ' + b"9" * 5000 + b"}", "digits"),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_file_is_named_with_its_reason(damage: str, tmp_path: Path) -> None:
    content, reason = BROKEN[damage]
    write(tmp_path, vpcs=[{"VpcId": "vpc-1"}])
    (tmp_path / "network-interfaces.json").write_bytes(content)
    (snapshot,) = Inventory.read(tmp_path).snapshots
    assert snapshot.interfaces() == ()
    assert not snapshot.usable("network-interfaces.json")
    (lack,) = [one for one in snapshot.lacks if one.file == "network-interfaces.json"]
    assert reason in lack.reason
    assert snapshot.items("vpcs.json") == [{"VpcId": "vpc-1"}]


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    write(tmp_path, vpcs=[])
    (tmp_path / "subnets.json").mkdir()
    (snapshot,) = Inventory.read(tmp_path).snapshots
    assert snapshot.items("subnets.json") == []
    assert snapshot.lacks[-1].reason == "cannot be read: Is a directory"


def test_entries_that_are_nothing_are_counted_and_left_out(tmp_path: Path) -> None:
    write(tmp_path, network_interfaces=[eni(), 7, None, {"VpcId": "vpc-1"}])
    (snapshot,) = Inventory.read(tmp_path).snapshots
    assert len(snapshot.interfaces()) == 1
    assert [lack.reason for lack in snapshot.lacks if lack.part] == [
        "2 of 4 entries are no objects: left out",
        "1 of 2 entries are without an id: left out",
    ]
    assert snapshot.usable("network-interfaces.json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_shells_make_of_the_output_of_the_cli(encoding: str, tmp_path: Path) -> None:
    text = json.dumps({"NetworkInterfaces": [eni("café")]}, ensure_ascii=False)
    (tmp_path / "network-interfaces.json").write_bytes(text.encode(encoding))
    (snapshot,) = Inventory.read(tmp_path).snapshots
    assert snapshot.interfaces()[0].description == "café"


def test_a_bare_list_is_taken(tmp_path: Path) -> None:
    (tmp_path / "network-interfaces.json").write_text(json.dumps([eni()]))
    (snapshot,) = Inventory.read(tmp_path).snapshots
    assert len(snapshot.interfaces()) == 1


def test_folders_are_read_by_name() -> None:
    snapshot = Inventory.read(SAMPLE).snapshots[0]
    assert list(snapshot.folder("target-health")) == ["shop-web"]
    entries = snapshot.folder("managed-prefix-list-entries")["pl-6da54004"]
    assert {"Cidr": "52.218.0.0/17"} in entries


def test_every_file_of_the_sample_is_known_and_whole() -> None:
    inventory = Inventory.read(SAMPLE)
    for snapshot in inventory.snapshots:
        assert all(isinstance(snapshot.items(file), list) for file in FILES)
    assert inventory.lacks == []
    assert [f"{s.time:%H:%M}" for s in inventory.snapshots if s.time] == ["09:55", "10:07"]
    assert {s.scope for s in inventory.snapshots} == {("123456789010", "eu-west-1")}


# ---- random damage -------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SHAPES = {
    file: json.loads((SAMPLE / "20260914T100700Z" / file).read_text())
    for file in (
        "network-interfaces.json",
        "nat-gateways.json",
        "instances.json",
        "db-instances.json",
        "vpc-endpoints.json",
        "subnets.json",
        "transit-gateway-attachments.json",
    )
}


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within a JSON value."""
    inner = enumerate(value) if isinstance(value, list) else ()
    found = [way]
    for key, below in value.items() if isinstance(value, dict) else inner:
        found += places(below, (*way, key))
    return found


def with_value(value: Any, way: tuple[Any, ...], new: Any) -> Any:
    if not way:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[way[0]] = with_value(value[way[0]], way[1:], new)
    return copy


WAYS = {file: places(content) for file, content in SHAPES.items()}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@given(st.data())
def test_any_other_value_anywhere_is_taken(directory: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(list(SHAPES)))
    damaged = with_value(SHAPES[file], data.draw(st.sampled_from(WAYS[file])), data.draw(JSON))
    for name, content in (SHAPES | {file: damaged}).items():
        (directory / name).write_text(json.dumps(content))
    asked(directory)


@given(st.sampled_from(list(SHAPES)), st.data())
def test_any_other_byte_anywhere_is_taken(directory: Path, file: str, data: st.DataObject) -> None:
    content = json.dumps(SHAPES[file]).encode()
    begin = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(begin, min(begin + 20, len(content))))
    for name, whole in SHAPES.items():
        (directory / name).write_text(json.dumps(whole))
    spoilt = content[:begin] + data.draw(st.binary(max_size=20)) + content[end:]
    (directory / file).write_bytes(spoilt)
    asked(directory)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_snapshot_json_is_taken(directory: Path, content: bytes) -> None:
    (directory / "vpcs.json").write_text("{}")
    (directory / "snapshot.json").write_bytes(content)
    (snapshot,) = Inventory.read(directory).snapshots
    assert snapshot.time is None or snapshot.time.tzinfo is not None
    (directory / "snapshot.json").unlink()


def asked(directory: Path) -> None:
    """All that the enricher asks of a snapshot, none of which may raise."""
    snapshot = Snapshot(directory)
    interfaces = snapshot.interfaces()
    about, of_address = Rows(len(ABOUT)), Rows(len(OF_ADDRESS))
    table = Table.of(interfaces, Names.of(snapshot), about, of_address)
    about.columns(), of_address.columns()
    assert table.by_id or not interfaces
    for vpc in ("vpc-0a1b2c3d4e5f60718", "x"):
        for address in ("10.0.0.31", "2a05:d018:1f3:5c00::31", "::", "x", ""):
            table.address((vpc, address))
