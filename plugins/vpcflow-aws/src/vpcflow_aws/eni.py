"""The enricher `eni`: whose network interface it was, and whose the addresses were.

`--enrich eni=DIR` adds columns for the interface that recorded the flow (`interface_...`), and for
source and destination (`src_...`, `dst_...`), which are looked up by VPC and address: private
addresses repeat from one VPC to the next.

With several snapshots an answer is that of the last snapshot not after the record's `start` (of the
first one for earlier records). An interface that this snapshot does not have is taken from the
snapshot nearest to it that does, since ids of interfaces are never given twice; an address is not,
since addresses are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
from attrs import frozen

from vpcflow.enrich import Enricher, KeyedEnricher
from vpcflow.errors import UsageError, nearest, printable
from vpcflow.options import settings
from vpcflow_aws.eni_history import History
from vpcflow_aws.eni_table import ABOUT, NO_ROW, OF_ADDRESS
from vpcflow_aws.inventory import Inventory

TEXT = "dictionary<int32, utf8>"


@frozen
class Options:
    """`?addresses=packet`: look up pkt_srcaddr and pkt_dstaddr, the addresses of the packets, in
    place of srcaddr and dstaddr. They differ at NAT gateways, transit gateways and for pods.
    `?columns=resource_type,subnet_id`: what is told of source and destination; `all`: everything.
    Each column costs something for every record."""

    addresses: Literal["flow", "packet"] = "flow"
    columns: tuple[str, ...] = ("interface_id", "resource_type", "resource_id", "resource_name")

    def __attrs_post_init__(self) -> None:
        for name in () if self.columns == ("all",) else self.columns:
            if name not in OF_ADDRESS:
                close = nearest(name, OF_ADDRESS)
                raise UsageError(
                    f"enricher eni: there is no column {printable(name)!r} of an address",
                    hint=f"did you mean {close!r}?"
                    if close
                    else "there are: " + ", ".join(OF_ADDRESS),
                )

    def places(self) -> list[int]:
        """Where in `OF_ADDRESS` the columns stand."""
        names = OF_ADDRESS if self.columns == ("all",) else dict.fromkeys(self.columns)
        return [OF_ADDRESS.index(name) for name in names]


def enricher(argument: str, options: Mapping[str, str]) -> list[Enricher]:
    """`eni=DIR`: the enricher of the interface, then that of the addresses, which needs it.

    argument: an inventory directory. Raises UsageError for one that has no interfaces.
    """
    chosen = settings(Options, options, owner="enricher eni")
    if not argument:
        raise UsageError(
            "the enricher eni needs an inventory directory",
            hint="--enrich eni=DIR, made by: vpcflow inventory snapshot DIR",
        )
    history = History.of(Inventory.read(argument))
    return [InterfaceEnricher(history), AddressEnricher(history, chosen)]


def _check_start(history: History, columns: Sequence[str]) -> None:
    """Raises UsageError if answers change with time and records have none."""
    if history.times and "start" not in columns:
        last = printable(str(history.snapshots[-1].directory))
        raise UsageError(
            "the inventory has several snapshots, and the records have no start that would choose",
            hint=f"keep the column start, or name one snapshot: eni={last}",
        )


class InterfaceEnricher(KeyedEnricher):
    """By interface id: `interface_...`. And `regional_nat_...` where the log has `resource_id`,
    since flows of a regional NAT gateway have that in place of an interface."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.epochs = history.times
        self.on = {"interface": ("interface_id",)}
        self.adds = {f"{{role}}_{name}": TEXT for name in ABOUT}

    def bind(self, columns: Sequence[str]) -> None:
        _check_start(self.history, columns)
        if "resource_id" in columns:
            self.on = {"interface": ("interface_id",), "regional_nat": ("resource_id",)}

    def lookup(self, key: str, epoch: int = 0) -> tuple[str | None, ...] | None:
        number = self.history.interfaces([key], epoch)[0]
        return None if number == NO_ROW else self.history.about.rows[number]

    def lookup_many(self, keys: Sequence[str], epoch: int = 0) -> list[pa.Array]:
        return self.history.about.take(self.history.interfaces(keys, epoch))


class AddressEnricher(KeyedEnricher):
    """By VPC and address: `src_...` and `dst_...`. The VPC is the record's `vpc_id`, or that of the
    interface where the log does not have it."""

    def __init__(self, history: History, options: Options) -> None:
        self.history = history
        self.epochs = history.times
        self.options = options
        self.on: dict[str, tuple[str, ...]] = {}
        self._places = options.places()
        self.adds = {f"{{role}}_{OF_ADDRESS[place]}": TEXT for place in self._places}

    def bind(self, columns: Sequence[str]) -> None:
        _check_start(self.history, columns)
        vpc = "vpc_id" if "vpc_id" in columns else "interface_vpc_id"
        prefix = "pkt_" if self.options.addresses == "packet" else ""
        source, target = f"{prefix}srcaddr", f"{prefix}dstaddr"
        if prefix and not {source, target} <= set(columns):
            raise UsageError(
                f"the enricher eni is to look up {source} and {target}, and the log lacks them",
                hint="leave out ?addresses=packet",
            )
        self.on = {"src": (vpc, source), "dst": (vpc, target)}

    def lookup(self, key: tuple[str, str], epoch: int = 0) -> tuple[str | None, ...] | None:
        number = self.history.addresses([key], epoch)[0]
        if number == NO_ROW:
            return None
        row = self.history.of_address.rows[number]
        return tuple(row[place] for place in self._places)

    def lookup_many(self, keys: Sequence[tuple[str, str]], epoch: int = 0) -> list[pa.Array]:
        return self.history.of_address.take(self.history.addresses(keys, epoch), self._places)
