"""Reading an inventory directory: AWS CLI JSON, as `vpcflow inventory snapshot` writes it or as
`aws ... --output json` prints it.

A directory is one snapshot if it holds any of `FILES`; it and the directories below it (two levels:
`DIR/<time>/`, `DIR/<time>/<region>/`) make an `Inventory`. Any file may be missing or broken: what
is there is used, and `lacks` says what is not. Only the standard library is needed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from attrs import define, field, frozen

from vpcflow.errors import UsageError, nearest, printable
from vpcflow_aws.inventory_items import (
    DbInstance,
    Json,
    Named,
    NatGateway,
    NetworkInterface,
    VpcEndpoint,
    parts,
    text,
)

T = TypeVar("T")

FILES = {
    "network-interfaces.json": "NetworkInterfaces",
    "security-groups.json": "SecurityGroups",
    "network-acls.json": "NetworkAcls",
    "route-tables.json": "RouteTables",
    "subnets.json": "Subnets",
    "vpcs.json": "Vpcs",
    "nat-gateways.json": "NatGateways",
    "internet-gateways.json": "InternetGateways",
    "egress-only-internet-gateways.json": "EgressOnlyInternetGateways",
    "instances.json": "Reservations",
    "load-balancers.json": "LoadBalancers",
    "classic-load-balancers.json": "LoadBalancerDescriptions",
    "target-groups.json": "TargetGroups",
    "db-instances.json": "DBInstances",
    "cache-clusters.json": "CacheClusters",
    "vpc-endpoints.json": "VpcEndpoints",
    "vpc-peering-connections.json": "VpcPeeringConnections",
    "transit-gateway-attachments.json": "TransitGatewayAttachments",
    "transit-gateway-route-tables.json": "TransitGatewayRouteTables",
    "managed-prefix-lists.json": "PrefixLists",
    "flow-logs.json": "FlowLogs",
}
"""Each file and the list in it."""
FOLDERS = {
    "target-health": "TargetHealthDescriptions",
    "managed-prefix-list-entries": "Entries",
}
"""Folders with one file for each target group (by its name) and managed prefix list (by its id)."""
ABOUT = "snapshot.json"
INTERFACES = "network-interfaces.json"
_TIME_NAME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[T_-]?(\d\d)[:-]?(\d\d)[:-]?(\d\d)?Z?")


@frozen
class Lack:
    """What a snapshot does not give. file: relative to the snapshot. reason: in words. part: the
    rest of the file can be used. missing: the file is not there at all."""

    file: str
    reason: str
    part: bool = False
    missing: bool = False


@define(eq=False)
class Snapshot:
    """One directory of files. account, region, time: as snapshot.json has them, else what the
    directory's name says, else None. scope: what two snapshots of the same thing have in common.
    lacks: what was asked of this snapshot so far and is missing or broken. Nothing is kept: each
    method reads its file."""

    directory: Path
    account: str | None = None
    region: str | None = None
    time: datetime | None = None
    scope: tuple[str, ...] = ()
    lacks: list[Lack] = field(factory=list)

    def items(self, file: str, key: str | None = None) -> list[Json]:
        """The objects of the list in a file, [] if the file gives none (then `lacks` says why).

        file: one of `FILES`, or "target-health/<name>.json". key: the list's name in it.
        """
        wanted = key or FILES.get(file) or FOLDERS.get(file.partition("/")[0], "")
        try:
            found = self._list(file, wanted)
        except (ValueError, OSError, RecursionError) as error:
            self._lack(_lack(file, error))
            return []
        objects: list[Json] = [entry for entry in found if isinstance(entry, dict)]
        self._left_out(file, len(found) - len(objects), len(found), "no objects")
        return objects

    def folder(self, name: str) -> dict[str, list[Json]]:
        """What the files of one of `FOLDERS` hold, by file name without `.json`."""
        try:
            files = sorted(p for p in (self.directory / name).iterdir() if p.suffix == ".json")
        except OSError as error:
            self._lack(_lack(name, error))
            return {}
        return {path.stem: self.items(f"{name}/{path.name}") for path in files}

    def about(self) -> Json:
        """What snapshot.json says: account, region, time; {} where it says nothing."""
        try:
            found = json.loads((self.directory / ABOUT).read_bytes())
            if not isinstance(found, dict):
                raise ValueError(f"holds a {type(found).__name__}, not an object")
        except (ValueError, OSError, RecursionError) as error:
            self._lack(_lack(ABOUT, error))
            return {}
        return found

    def usable(self, file: str) -> bool:
        """Whether the list of a file, which was asked for before, could be read (even if empty)."""
        return not any(lack.file == file and not lack.part for lack in self.lacks)

    def interfaces(self) -> tuple[NetworkInterface, ...]:
        return self._typed(INTERFACES, NetworkInterface.of)

    def nat_gateways(self) -> tuple[NatGateway, ...]:
        return self._typed("nat-gateways.json", NatGateway.of)

    def vpc_endpoints(self) -> tuple[VpcEndpoint, ...]:
        return self._typed("vpc-endpoints.json", VpcEndpoint.of)

    def db_instances(self) -> tuple[DbInstance, ...]:
        return self._typed("db-instances.json", DbInstance.of)

    def instances(self) -> tuple[Named, ...]:
        """EC2 instances, out of their reservations."""
        listed = (i for r in self.items("instances.json") for i in parts(r, "Instances"))
        return self._all("instances.json", listed, lambda item: Named.of(item, "InstanceId"))

    def subnets(self) -> tuple[Named, ...]:
        return self._typed("subnets.json", lambda item: Named.of(item, "SubnetId"))

    def transit_gateway_attachments(self) -> tuple[Named, ...]:
        file = "transit-gateway-attachments.json"
        return self._typed(file, lambda item: Named.of(item, "TransitGatewayAttachmentId"))

    def _typed(self, file: str, of: Callable[[Json], T | None]) -> tuple[T, ...]:
        return self._all(file, self.items(file), of)

    def _all(
        self, file: str, items: Iterable[Json], of: Callable[[Json], T | None]
    ) -> tuple[T, ...]:
        found = [of(item) for item in items]
        usable = tuple(item for item in found if item is not None)
        self._left_out(file, len(found) - len(usable), len(found), "without an id")
        return usable

    def _list(self, file: str, key: str) -> list[object]:
        content = json.loads((self.directory / file).read_bytes())
        if isinstance(content, list):  # somebody printed with --query NetworkInterfaces
            return content
        if not isinstance(content, dict):
            raise ValueError(f"holds a {type(content).__name__}, not an object")
        found = content.get(key)
        if not isinstance(found, list):
            raise ValueError(f"has no list {key}")
        return found

    def _left_out(self, file: str, number: int, of: int, why: str) -> None:
        if number:
            self._lack(Lack(file, f"{number} of {of} entries are {why}: left out", part=True))

    def _lack(self, lack: Lack) -> None:
        if lack not in self.lacks:
            self.lacks.append(lack)


@define(eq=False)
class Inventory:
    """All snapshots below a directory, the earliest first; those without a time before all."""

    directory: Path
    snapshots: tuple[Snapshot, ...]

    @classmethod
    def read(cls, directory: str | Path) -> Inventory:
        """Find the snapshots. Files are read when they are asked for.

        Raises UsageError for a directory that does not exist or holds no snapshot.
        """
        root = Path(directory)
        if not root.is_dir():
            raise UsageError(
                f"there is no inventory directory {printable(str(root))}",
                hint=_other_directory(root),
            )
        snapshots = [_snapshot(path, root) for path in _directories(root) if _is_snapshot(path)]
        if not snapshots:
            raise UsageError(
                f"{printable(str(root))} holds no inventory: neither {INTERFACES} nor any other "
                "file of one, nor folders with them",
                hint=f"vpcflow inventory snapshot {printable(str(root))}",
            )
        return cls(root, tuple(sorted(snapshots, key=_order)))

    @property
    def lacks(self) -> list[tuple[Snapshot, Lack]]:
        """What was asked of any snapshot so far and is missing or broken."""
        return [(snapshot, lack) for snapshot in self.snapshots for lack in snapshot.lacks]


def _directories(root: Path) -> Iterator[Path]:
    """The root and two levels below it; what starts with a dot is being written or somebody's."""
    yield root
    for depth in (1, 2):
        yield from sorted(
            path
            for path in root.glob("/".join(["*"] * depth))
            if path.is_dir()
            and not any(p.startswith(".") or p in FOLDERS for p in path.relative_to(root).parts)
        )


def _is_snapshot(directory: Path) -> bool:
    return any((directory / file).is_file() for file in FILES)


def _snapshot(directory: Path, root: Path) -> Snapshot:
    names = directory.relative_to(root).parts
    times = [moment for name in names if (moment := time_of_name(name)) is not None]
    place = tuple(name for name in names if time_of_name(name) is None)
    snapshot = Snapshot(directory, time=times[-1] if times else None, scope=place)
    about = snapshot.about()
    snapshot.account, snapshot.region = text(about, "account"), text(about, "region")
    if snapshot.account or snapshot.region:
        snapshot.scope = (snapshot.account or "", snapshot.region or "")
    snapshot.time = _moment(text(about, "time") or "") or snapshot.time
    return snapshot


def time_of_name(name: str) -> datetime | None:
    """20260914T100000Z, 2026-09-14T10:00 ... as a UTC time; None for any other name."""
    found = _TIME_NAME.fullmatch(name)
    if found is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(digits or 0) for digits in found.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _moment(iso: str) -> datetime | None:
    """An ISO 8601 time; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(iso)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _order(snapshot: Snapshot) -> tuple[float, str]:
    moment = snapshot.time
    return (float("-inf") if moment is None else moment.timestamp(), str(snapshot.directory))


def _lack(file: str, error: BaseException) -> Lack:
    if isinstance(error, FileNotFoundError):
        return Lack(file, "is not there", missing=True)
    if isinstance(error, OSError):
        return Lack(file, f"cannot be read: {error.strerror or error}")
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return Lack(file, f"is no JSON: {printable(str(error), 200)}")
    if isinstance(error, RecursionError):
        return Lack(file, "is nested too deeply")
    return Lack(file, printable(str(error), 200))


def _other_directory(root: Path) -> str:
    try:
        near = nearest(root.name, [p.name for p in root.absolute().parent.iterdir() if p.is_dir()])
    except OSError:
        near = None
    if near:
        return f"did you mean {printable(near)!r}?"
    return f"vpcflow inventory snapshot {printable(str(root))}"
