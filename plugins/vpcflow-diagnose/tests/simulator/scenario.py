"""One scenario: a world, at most one fault, the traffic, and what may be said about it."""

from __future__ import annotations

from random import Random

from attrs import Factory, define, frozen

from . import fault_hosts, fault_routes, fault_rules  # noqa: F401  (they add to KINDS)
from .build import build
from .conversations import Outcome, Stage
from .faults import KINDS, Fault, attempt, inject
from .inventory_files import inventory
from .inventory_services import Json
from .key import Expected, expected_of
from .lookalikes import Scan, idle_timeout, late_packets, long_connection, probes
from .model import ACCOUNT, Interface, Link, World
from .network import Network
from .tape import FORMATS, VERSIONS, Row, Tape, Writer, rows
from .transit_lines import NAMES, transit_line

START = 1789380000  # 2026-09-14 10:00 UTC
HOUR = 3600


@frozen
class Capture:
    """What is logged, and how. whole: every interface; else only `interfaces`. traffic: ALL or
    REJECT. length: seconds."""

    format: str
    window: int
    length: int
    whole: bool
    interfaces: frozenset[str]
    traffic: str = "ALL"

    def sees(self, interface: Interface) -> bool:
        return self.whole or interface.id in self.interfaces


@define(eq=False)
class Scenario:
    """inventories: by name of the snapshot's directory."""

    seed: int
    fault: Fault
    world: World
    capture: Capture
    expected: Expected
    lines: dict[int, list[str]]  # by number of the file: 5 minutes each
    inventories: dict[str, dict[str, Json]]
    scan: Scan = Factory(Scan)
    story: list[str] = Factory(list)


def scenario(seed: int, kind: str | None = None) -> Scenario:
    """The same for a seed every time. kind: of fault (`KINDS`), else the seed decides."""
    rng = Random(seed * 7919 + 17)
    names = sorted(KINDS)
    wanted = kind or ("healthy" if rng.random() < 0.12 else names[seed % len(names)])
    twice = rng.random() < 0.25  # a snapshot from before the fault as well
    for trial in range(50):
        world = build(seed * 1009 + trial, KINDS[wanted].wish)
        before = inventory(world, START - 3 * HOUR, []) if twice else {}
        fault = inject(world, rng, wanted)
        if fault is not None:
            return _play(seed, world, fault, before, rng)
    raise AssertionError(f"no world for {wanted}, seed {seed}")


def _play(seed: int, world: World, fault: Fault, before: dict[str, Json], rng: Random) -> Scenario:
    capture = _capture(world, fault, rng)
    network = Network(world, rng)
    network.reject_no_route = rng.random() < 0.1
    stage = Stage(network, rng, Tape(), fault.moods)
    outcomes = _failing(stage, fault, capture, rng)
    first = len(stage.tape.seen)
    failed = _background(stage, world, fault, capture, rng, outcomes)
    scan = Scan()
    if rng.random() < 1 / 3:
        scan = probes(stage, world, rng, 3000, capture.length)
    found = rows(stage.tape, rng, capture.window, capture.length)
    logged = [r for r in found if capture.sees(r.hop.interface)]
    if capture.traffic == "REJECT":
        logged = [r for r in logged if not r.hop.accepted]
    hops = {id(s.hop) for s in stage.tape.seen[:first]}
    expected = expected_of(fault, outcomes + failed, logged, hops, capture.format)
    if fault.mend:
        fault.mend()
    made = Scenario(
        seed,
        fault,
        world,
        capture,
        expected,
        _lines(logged, world, capture, rng),
        _inventories(world, fault, capture, before),
        scan,
    )
    made.story = _story(made, outcomes)
    return made


def _capture(world: World, fault: Fault, rng: Random) -> Capture:
    name = fault.format or rng.choice(("default", "v3", "v5", "v5", "custom", "v8"))
    window = rng.choice((60, 60, 600))
    if name == "transit":
        inside = frozenset(i.id for i in world.interfaces if i.kind == "tgw")
        return Capture(name, 60, 900, False, inside)
    chance = rng.random()
    whole, ids = True, frozenset[str]()
    ends = [e for e in (fault.link.client, fault.link.answering) if isinstance(e, Interface)]
    if chance < 0.1 and ends:
        whole, ids = False, frozenset({rng.choice(ends).id})
    elif chance < 0.2 and ends:
        subnet = rng.choice(ends).subnet
        whole = False
        ids = frozenset(i.id for i in world.interfaces if i.subnet is subnet)
    refused = rng.random() < 0.15 and _only_refused(world, fault)
    return Capture(name, window, 900, whole, ids, "REJECT" if refused else "ALL")


def _only_refused(world: World, fault: Fault) -> bool:
    """Whether a log of REJECT only says the same: the request is refused, or there is no fault."""
    if fault.healthy:
        return fault.mend is None
    there = attempt(world, fault).fates
    return len(there) == 1 and any(not hop.accepted for hop in there[0].hops)


def _failing(stage: Stage, fault: Fault, capture: Capture, rng: Random) -> list[Outcome]:
    """The conversation that fails, tried again and again with other ports."""
    ports: list[int | None] = list(fault.ports) or [None] * rng.randint(2, 5)
    start = rng.uniform(20, 120)
    made = []
    for port in ports:
        made.append(stage.talk(fault.link, start, port))
        start = made[-1].end + rng.uniform(5, 60)
    if fault.healthy and fault.link.protocol == 6:
        long_connection(stage, fault.link, 5, capture.length, joined=rng.random() < 0.5)
    return made


def _background(
    stage: Stage,
    world: World,
    fault: Fault,
    capture: Capture,
    rng: Random,
    outcomes: list[Outcome],
) -> list[Outcome]:
    """Other links' traffic. What fails for the same reason stays; what fails for another is not
    played: there is one fault. Returns what failed."""
    wanted = {id for o in outcomes if o.drop for id in o.drop.resources}
    failed = []
    for link in world.links:
        if link is fault.link or rng.random() < 0.35:
            continue
        for _ in range(rng.randint(1, 2)):
            mark = len(stage.tape.seen)
            outcome = stage.talk(link, rng.uniform(0, capture.length - 30))
            drop = outcome.drop
            if drop is None:
                continue
            same = outcomes[0].drop is not None and drop.cause == outcomes[0].drop.cause
            if same and wanted & set(drop.resources):
                failed.append(outcome)
            else:
                del stage.tape.seen[mark:]
    # a log of REJECT only cannot tell a late packet from a refused one
    late = capture.traffic == "ALL" or fault.healthy
    _lookalikes(stage, [k for k in world.links if k.protocol == 6], capture, rng, late=late)
    return failed


def _lookalikes(
    stage: Stage, links: list[Link], capture: Capture, rng: Random, *, late: bool
) -> None:
    for _ in range(rng.randint(0, 3)):
        link = rng.choice(links)
        begin = rng.choice((5.0, rng.uniform(0, capture.length - 20), capture.length - 15.0))
        long_connection(stage, link, begin, capture.length, joined=rng.random() < 0.4)
    for _ in range(rng.randint(0, 2) if late else 0):
        late_packets(stage, rng.choice(links), rng.uniform(0, capture.length - 60))
    by_nat = [k for k in links if k.name.endswith("-internet") and not k.name.startswith("web")]
    if by_nat and rng.random() < 0.3:
        idle_timeout(stage, rng.choice(by_nat), rng.uniform(0, 200))


def _lines(found: list[Row], world: World, capture: Capture, rng: Random) -> dict[int, list[str]]:
    """By file: five minutes of `end` each (the guide's "flow log files")."""
    if capture.format == "transit":
        return _transit_lines(found, world, rng)
    writer = Writer(FORMATS[capture.format], VERSIONS[capture.format], START)
    files: dict[int, list[str]] = {}
    for row in found:
        files.setdefault(row.end // 300, []).append(writer.line(row))
    if capture.traffic == "ALL":
        for interface in world.interfaces:
            if capture.sees(interface) and rng.random() < 0.3:
                begin = rng.randrange(0, capture.length - 60, 60)
                status = "SKIPDATA" if rng.random() < 0.05 else "NODATA"
                line = writer.nothing(interface, status, begin, begin + 59)
                files.setdefault(begin // 300, []).append(line)
    if not files:  # a log in which nothing happened
        quiet = next(i for i in world.interfaces if capture.sees(i))
        files[0] = [writer.nothing(quiet, "NODATA", 0, capture.window - 1)]
    for lines in files.values():
        rng.shuffle(lines)
        lines.insert(0, writer.header())
    return files


def _transit_lines(found: list[Row], world: World, rng: Random) -> dict[int, list[str]]:
    files: dict[int, list[str]] = {}
    for row in found:
        files.setdefault(row.end // 300, []).append(transit_line(row, world, START))
    for lines in files.values():
        rng.shuffle(lines)
        lines.insert(0, " ".join(NAMES))
    return files


def _inventories(
    world: World, fault: Fault, capture: Capture, before: dict[str, Json]
) -> dict[str, dict[str, Json]]:
    """Mostly one snapshot shortly before the capture; or one from before the fault as well. Where
    the rules were changed later, the snapshot is of afterwards."""
    logs = flow_logs(world, capture)
    if fault.mend:
        return {"20260914T102000Z": inventory(world, START + 1200, logs)}
    now = inventory(world, START - 600, logs)
    if before:
        before["flow-logs.json"] = {"FlowLogs": logs}
        return {"20260914T070000Z": before, "20260914T095000Z": now}
    return {"": now}


def flow_logs(world: World, capture: Capture) -> list[Json]:
    if capture.format == "transit":
        return _transit_log(world)
    names = " ".join("${" + name + "}" for name in FORMATS[capture.format])
    resources = [v.id for v in world.vpcs] if capture.whole else sorted(capture.interfaces)
    return [
        {
            "CreationTime": "2026-03-02T08:30:00+00:00",
            "DeliverLogsStatus": "SUCCESS",
            "FlowLogId": f"fl-0{number:016x}",
            "FlowLogStatus": "ACTIVE",
            "LogDestination": "arn:aws:s3:::flow-logs",
            "LogDestinationType": "s3",
            "LogFormat": names,
            "MaxAggregationInterval": capture.window,
            "ResourceId": resource,
            "TrafficType": capture.traffic,
            "Tags": [],
        }
        for number, resource in enumerate(resources, 1)
    ]


def _transit_log(world: World) -> list[Json]:
    assert world.transit is not None
    return [
        {
            "CreationTime": "2026-03-02T08:30:00+00:00",
            "DeliverLogsStatus": "SUCCESS",
            "FlowLogId": "fl-00000000000000001",
            "FlowLogStatus": "ACTIVE",
            "LogDestination": "arn:aws:s3:::flow-logs",
            "LogDestinationType": "s3",
            "LogFormat": " ".join("${" + name + "}" for name in NAMES),
            "MaxAggregationInterval": 60,
            "ResourceId": world.transit.id,
            "Tags": [],
        }
    ]


def _story(made: Scenario, outcomes: list[Outcome]) -> list[str]:
    link, capture = made.fault.link, made.capture
    logged = "everything" if capture.whole else " ".join(sorted(capture.interfaces))
    drop = outcomes[0].drop
    lost = f"{drop.cause} {' '.join(drop.resources)}" if drop else "nothing is lost"
    return [
        f"seed {made.seed}: {made.fault.kind}, account {ACCOUNT}",
        f"link: {link}",
        f"client: {link.client!r}  server: {link.answering!r}  ports: {made.fault.ports or 'any'}",
        f"format {capture.format}, window {capture.window} s, {capture.traffic}, logged: {logged}",
        f"lost by: {lost}",
        f"snapshots: {', '.join(k or 'one' for k in made.inventories)}; "
        f"scanners: {len(made.scan.sources)}",
        f"key: {made.expected}",
    ]
