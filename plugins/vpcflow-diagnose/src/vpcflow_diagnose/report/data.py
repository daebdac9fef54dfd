"""What a report shows, as plain values: nothing here knows logs, DuckDB or HTML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from attrs import frozen

from vpcflow_diagnose.finding import Diagnosis


@frozen
class Amount:
    """How much traffic. flows: records."""

    flows: int = 0
    packets: int = 0
    bytes: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.flows + other.flows, self.packets + other.packets, self.bytes + other.bytes
        )


NONE = Amount()


@frozen
class Slot:
    """One step of the timeline. start: milliseconds since 1970."""

    start: int
    accepted: Amount = NONE
    rejected: Amount = NONE


@frozen
class Timeline:
    """Traffic over time. step: of each slot, milliseconds. slots: in order of time; steps without
    traffic may be absent. gaps: (first, last) of what AWS did not record, milliseconds."""

    step: int
    slots: tuple[Slot, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()


@frozen
class Talker:
    """One end of traffic. name: what people call it; detail: ids and addresses."""

    name: str
    detail: str = ""
    accepted: Amount = NONE
    rejected: Amount = NONE


NodeKind = Literal["subnet", "block", "nat", "internet", "peering", "transit", "aws", "elsewhere"]


@frozen
class Node:
    """Something on the map. key: what edges call it. vpc, zone: where subnets and NAT gateways
    stand; None for what is outside of all VPCs. tier: nodes of a VPC with the same number stand in
    one row if there is room, the lowest on top."""

    key: str
    kind: NodeKind
    name: str
    detail: str = ""
    vpc: str | None = None
    zone: str | None = None
    tier: int = 0


@frozen
class Edge:
    """Traffic from one node to another, as the records have it: each direction is its own."""

    source: str
    target: str
    accepted: Amount = NONE
    rejected: Amount = NONE


@frozen
class Topology:
    """The map. nodes: in any order. vpcs: names of VPC boxes by id. by_block: there is no
    inventory, so that nodes are blocks of addresses."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    vpcs: Mapping[str, str] = {}
    by_block: bool = False


@frozen
class CostRow:
    """Dollars a month of one way to keep these logs. parts: what it is made of, in words."""

    destination: str
    monthly: float
    parts: str = ""
    confirmed: bool = True


@frozen
class Cost:
    """rows: cheapest first. basis: what the figures rest on, as sentences."""

    rows: tuple[CostRow, ...]
    basis: tuple[str, ...] = ()


@frozen
class Making:
    """How the report was made. counts: as `FlowBatch.counts`. rejected: lines by reason. errors:
    sources that are damaged, as sentences. inventory: which snapshot, in words; None without."""

    version: str
    time: datetime
    sources: tuple[str, ...] = ()
    counts: Mapping[str, int] = {}
    rejected: Mapping[str, int] = {}
    errors: tuple[str, ...] = ()
    inventory: str | None = None
    bytes_read: int | None = None
    files: int | None = None


@frozen
class ReportData:
    """All of a report. accepted, rejected: of all records. first, last: milliseconds since 1970,
    0 if nothing was read. talkers: the largest first. by_resource: talkers have names from an
    inventory, else they are addresses. notes: what could not be decided or is missing, beyond
    those of the diagnosis."""

    making: Making
    diagnosis: Diagnosis
    first: int = 0
    last: int = 0
    records: int = 0
    accepted: Amount = NONE
    rejected: Amount = NONE
    nodata: int = 0
    skipdata: int = 0
    interfaces: int = 0
    timeline: Timeline = Timeline(60_000)
    talkers: tuple[Talker, ...] = ()
    by_resource: bool = False
    topology: Topology = Topology()
    cost: Cost | None = None
    notes: tuple[str, ...] = ()
