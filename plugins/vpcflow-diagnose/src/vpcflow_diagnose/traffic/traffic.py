"""Reading flow logs into conversations."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve
from vpcflow_query.duck import connect

from vpcflow import FlowBatch, UsageError
from vpcflow_diagnose.traffic.codes import ACCEPTED, LOSS, NODATA, REJECTED, SKIPDATA
from vpcflow_diagnose.traffic.columns import EMPTY, LOST, TGW, used
from vpcflow_diagnose.traffic.conversation import Conversation, Facts, Gap, Probes, TransitLoss
from vpcflow_diagnose.traffic.conversations import conclude
from vpcflow_diagnose.traffic.directions import Directed, Total, directions_of, totals_of
from vpcflow_diagnose.traffic.intake import NOWHERE, Intake
from vpcflow_diagnose.traffic.matching import addresses_within
from vpcflow_diagnose.traffic.orient import turn
from vpcflow_diagnose.traffic.own import find_own
from vpcflow_diagnose.traffic.parts import aggregate
from vpcflow_diagnose.traffic.picking import Picker
from vpcflow_diagnose.traffic.talkers import By, Pair, Talker, pairs_of, top_of
from vpcflow_diagnose.traffic.timeline import Bucket
from vpcflow_diagnose.traffic.twice import two_readers

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    import duckdb
    from vpcflow_query.reading import Reading

MOST = 50_000
"""So many conversations `suspicious` gives."""

_NO_PROOF = "protocol NOT IN (6, 1, 58)"  # one-way traffic that may be meant so, such as syslog
_REJECTED = "fr_flows + rr_flows > 0"
_UNANSWERED = "(f_flows > 0 AND r_flows = 0)"
_REFUSED = "(r_flows > 0 AND r_flagged > 0 AND r_syn_ack = 0 AND r_rst >= r_flows)"
# headers alone: 52 bytes of IPv4 and TCP, 72 of IPv6, and more in a SYN-ACK. Many of them
# acknowledge an upload, whose short answer does not show among them
_DATALESS = """(protocol = 6 AND r_bytes > 0 AND r_packets <= r_flows * 10
    AND r_bytes <= r_packets * CASE WHEN contains(server, ':') THEN 80 ELSE 60 END)"""
# more SYNs than answers: three are no accident of where windows end, a tenth of all is no noise
_SOME_UNANSWERED = "(f_syn - r_syn_ack >= 3 AND (f_syn - r_syn_ack) * 10 >= f_syn)"
_SOME_RETRIED = "(f_retried > 0 AND f_syn > r_syn_ack AND (f_syn - r_syn_ack) * 4 >= f_syn)"
_IDLE = 340_000  # milliseconds; NAT gateways and load balancers forget a connection after 350 s
_RESET_AFTER_IDLE = f"(first_rst > 0 AND before_rst > 0 AND first_rst - before_rst >= {_IDLE})"
_SIGNS = " OR ".join(
    (
        _REJECTED,
        _UNANSWERED,
        _REFUSED,
        _DATALESS,
        _SOME_UNANSWERED,
        _SOME_RETRIED,
        _RESET_AFTER_IDLE,
    )
)
_SUSPICIOUS = f"""({_SIGNS}) AND NOT EXISTS (
    SELECT 1 FROM probers WHERE probers.interface = c.interface AND probers.client = c.client)"""
_WEIGHT = f"""
    ({_UNANSWERED} AND NOT ({_REJECTED}) AND {_NO_PROOF}), ({_REJECTED}) DESC,
    (known_peer OR known_service) DESC, packets DESC, flows DESC,
    interface, client, server, port, protocol
"""


class Traffic:
    """What was read, as tables that can be asked. See `gather`."""

    facts: Facts

    def __init__(self, connection: duckdb.DuckDBPyConnection, facts: Facts, intake: Intake) -> None:
        self.facts = facts
        self._connection = connection
        self._intake = intake
        self._names = intake.interfaces
        self._picker = Picker(connection, self._names, intake.places)

    def suspicious(self, most: int = MOST) -> Iterator[Conversation]:
        """Conversations that may hold a fault, the weightiest first, whole (all four tallies):
        something was rejected (but not those that are in `probes`); or the client's packets had no
        answer, or only RST, or an answer without data; or clearly more SYNs than answers; or a RST
        after minutes of silence. Weight: rejected first, then with a known peer or service, then
        by packets; one-way traffic that may be meant so (UDP) last."""
        return self._picker.pick(_SUSPICIOUS, _WEIGHT, most)

    def between(
        self,
        client: Sequence[IPv4Network | IPv6Network] | None,
        server: Sequence[IPv4Network | IPv6Network] | None,
        *,
        port: int | None = None,
        protocol: int | None = None,
        interfaces: Sequence[str] = (),
        most: int = 1000,
    ) -> Iterator[Conversation]:
        """Conversations of these ends (None: any), healthy ones too, the weightiest first.
        interfaces: only those seen at one of them, if any is named."""
        conditions, values = ["true"], list[Any]()
        for end, networks in (("client", client), ("server", server)):
            if networks is not None:
                condition, more = addresses_within(self._connection, f"c.{end}", networks)
                conditions.append(condition)
                values += more
        for column, value in (("port", port), ("protocol", protocol)):
            if value is not None:
                conditions.append(f"c.{column} = ?")
                values.append(value)
        if interfaces:
            conditions.append("list_contains(?, c.interface)")
            values.append(self._numbers(interfaces))
        return self._picker.pick(" AND ".join(conditions), _WEIGHT, most, values)

    def accepted(self, interface_ids: Sequence[str], most: int = 10_000) -> Iterator[Conversation]:
        """Conversations of these interfaces that hold an accepted record: what contradicts rules
        that would deny it."""
        condition = "f_flows + r_flows > 0 AND list_contains(?, c.interface)"
        order = "packets DESC, interface, client, server, port, protocol"
        return self._picker.pick(condition, order, most, [self._numbers(interface_ids)])

    def probes(self) -> list[Probes]:
        """One for each interface that was probed, the most probed first."""
        rows = self._cursor().execute(_PROBES).fetchall()
        return [Probes(self._names[number], *rest) for number, *rest in rows]

    def losses(self) -> list[TransitLoss]:
        """What transit gateways dropped, the most packets first."""
        rows = self._cursor().execute(_LOSSES).fetchall()
        return [TransitLoss(*row) for row in rows]

    def gaps(self) -> list[Gap]:
        """Of each interface with SKIPDATA."""
        rows = self._cursor().execute(
            f"SELECT interface, sum(flows)::BIGINT, min(first), max(last) FROM parts "
            f"WHERE kind = {SKIPDATA} GROUP BY interface ORDER BY interface"
        )
        return [Gap(self._names[number], *rest) for number, *rest in rows.fetchall()]

    def timeline(self, buckets: int = 60) -> list[Bucket]:
        """Traffic over time in at most so many stretches of one length, without gaps."""
        return self._intake.timeline.buckets(buckets)

    def top(self, by: By, most: int = 10) -> list[Talker]:
        """Who or what had most bytes: by "interface", "address", "pair" (client and server) or
        "port" (service port and protocol). What several interfaces saw counts once, except by
        interface."""
        found = top_of(self._cursor(), by, most)
        if by != "interface":
            return found
        return [evolve(talker, names=(self._names[int(talker.names[0])],)) for talker in found]

    def pairs(self, most: int = 1000) -> list[Pair]:
        """Who talked with which service, most bytes first; what several interfaces saw counts
        once."""
        return pairs_of(self._cursor(), most)

    def directions(self, most: int = 20_000) -> list[Directed]:
        """How much went each way between two addresses: the `most` pairs with most bytes, the rest
        with public addresses taken together."""
        return directions_of(self._cursor(), self._names, most)

    def totals(self, most: int = 100) -> list[Total]:
        """Addresses with most accepted bytes, there and back."""
        return totals_of(self._cursor(), most)

    def _numbers(self, interfaces: Sequence[str]) -> list[int]:
        """Those that were seen."""
        numbers = (self._intake.number(name) for name in interfaces)
        return [number for number in numbers if number is not None]

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        return self._connection.cursor()


# the n smallest of a negated count are the n largest, in the order of names where they are equal
_PROBES = """
    WITH probing AS (SELECT * FROM conversations SEMI JOIN probers USING (interface, client)),
    sources AS (
        SELECT interface, client, sum(flows) AS flows, sum(packets) AS packets,
            min(first) AS first, max(last) AS last
        FROM probing GROUP BY interface, client
    ),
    by_interface AS (
        SELECT interface, sum(flows)::BIGINT AS flows, sum(packets) AS packets,
            count(*) AS sources, min(first) AS first, max(last) AS last,
            min({'few': -flows, 'name': client}, 5) AS examples
        FROM sources GROUP BY interface
    ),
    ports AS (
        SELECT interface, port, sum(flows) AS flows FROM probing GROUP BY interface, port
    ),
    ports_by_interface AS (
        SELECT interface, count(*) AS ports, min({'few': -flows, 'port': port}, 10) AS top
        FROM ports GROUP BY interface
    )
    SELECT interface, flows, packets, sources, ports, first, last,
        list_transform(examples, lambda e: e.name), list_transform(top, lambda p: p.port)
    FROM by_interface JOIN ports_by_interface USING (interface)
    ORDER BY flows DESC, interface
"""
_LOSSES = f"""
    SELECT {", ".join(TGW)}, client, server, port, protocol,
        sum(flows)::BIGINT, sum(packets), min(first), max(last),
        {", ".join(f"coalesce(sum({name}), 0)" for name in LOST)}
    FROM parts WHERE kind = {LOSS} GROUP BY 1, 2, 3, 4, 5, 6, 7
    ORDER BY {" + ".join(f"coalesce(sum({name}), 0)" for name in LOST)} DESC, 1, 2, 4, 5, 6, 7
    LIMIT {MOST}
"""


@contextmanager
def gather(reading: Reading, *, memory: str = "1200MB") -> Iterator[Traffic]:
    """Read everything once. Memory is bounded: what does not fit is spilled to a temporary folder,
    which is gone when the block ends.

    Raises UsageError where the format has no addresses, a condition's column is in no log, or
    `memory` is too little. What is wrong with a source is in `reading.errors` afterwards; its
    readable records were taken.
    """
    intake = Intake()
    with connect(memory=memory) as connection:
        with _enough(memory), two_readers(reading) as second:
            with reading.scan() as all_columns:
                columns = frozenset(all_columns.schema.names) or EMPTY
            reading.check(sorted(columns))
            names = used(columns)
            second()
            _read(reading, names, intake, connection)
            turn(connection)
            find_own(connection)
            conclude(connection)
        yield Traffic(connection, _facts(connection, columns, intake), intake)


def _read(
    reading: Reading, names: Sequence[str], intake: Intake, connection: duckdb.DuckDBPyConnection
) -> None:
    """Aggregate all records. Raises what reading raised, not what DuckDB makes of it."""
    import duckdb
    import pyarrow as pa

    raised: list[BaseException] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from intake.batches(pa.record_batch(batch) for batch in read)
        except BaseException as error:
            raised.append(error)
            raise

    with reading.scan(columns=names) as stream, ExitStack() as stack:
        read = cast("Generator[FlowBatch, None, None]", reading.batches(stream))
        stack.callback(read.close)  # so the thread that reads ahead ends before the stream closes
        schema = intake.schema(pa.schema(stream.schema))
        connection.register("records", pa.RecordBatchReader.from_batches(schema, batches()))
        try:
            aggregate(connection, names, intake.addresses)
        except duckdb.Error:
            if raised:
                raise raised[0] from None
            raise
        connection.unregister("records")
        intake.addresses.close()


@contextmanager
def _enough(memory: str) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise UsageError(
            f"{memory} of memory are not enough for these logs, although what does not fit is "
            "written to disk",
            hint="give more memory, or read less at once (--since, --until, --where)",
        ) from None


def _facts(connection: duckdb.DuckDBPyConnection, columns: frozenset[str], intake: Intake) -> Facts:
    def flows(kind: int) -> str:
        return f"coalesce(sum(flows) FILTER (kind = {kind}), 0)::BIGINT"

    row = connection.execute(
        f"""
        SELECT coalesce(sum(flows), 0)::BIGINT, {flows(ACCEPTED)}, {flows(REJECTED)},
            {flows(NODATA)}, {flows(SKIPDATA)},
            coalesce(min(first) FILTER (first > 0), 0), coalesce(max(last), 0)
        FROM parts
        """
    ).fetchone()
    assert row is not None
    records, accepted, rejected, nodata, skipdata, first, last = row
    numbers = connection.execute("SELECT DISTINCT interface FROM parts").fetchall()
    names = intake.interfaces  # those that filtered records had, too
    seen = frozenset(names[number] for (number,) in numbers) - {NOWHERE}
    return Facts(columns, records, accepted, rejected, nodata, skipdata, first, last, seen)
