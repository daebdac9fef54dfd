"""One snapshot's interfaces as tables that answer by interface, and by VPC and address.

An answer is the number of a row in columns of text, so that many keys cost a dictionary look-up
each and one `take` for every column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv6Address, ip_network
from socket import AF_INET, AF_INET6, AddressFamily, inet_pton

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.compute as pc  # type: ignore[import-untyped, unused-ignore]
from attrs import define, field

from vpcflow_aws.eni_names import Names
from vpcflow_aws.inventory_items import NatGateway, NetworkInterface

Row = tuple[str | None, ...]
Prefixes = dict[tuple[AddressFamily, int], dict[int, int]]
"""Row numbers by the leading bits of an address, by family and number of these bits."""
ABOUT = (
    "resource_type",
    "resource_id",
    "resource_name",
    "managed_by",
    "vpc_id",
    "subnet_id",
    "az",
    "az_id",
    "security_groups",
    "public_ip",
)
"""What is told of an interface, in this order."""
OF_ADDRESS = ("interface_id", "address_kind", *ABOUT)
"""What is told of an address. address_kind: primary, secondary, ipv6, prefix or public."""
NO_ROW = -1
_BITS = {AF_INET: 32, AF_INET6: 128}


@define(eq=False)
class Rows:
    """Rows of text, kept once each, and read as Arrow columns."""

    width: int
    rows: list[Row] = field(factory=list)
    _numbers: dict[Row, int] = field(factory=dict)
    _columns: list[pa.Array] = field(factory=list)

    def number(self, row: Row) -> int:
        found = self._numbers.setdefault(row, len(self.rows))
        if found == len(self.rows):
            self.rows.append(row)
        return found

    def columns(self) -> list[pa.Array]:
        """All rows, column by column; kept until there are more."""
        if not self._columns or len(self._columns[0]) < len(self.rows):
            values = zip(*self.rows, strict=True) if self.rows else [()] * self.width
            self._columns = [pa.array(column, pa.utf8()) for column in values]
        return self._columns

    def take(self, numbers: Sequence[int], places: Sequence[int] | None = None) -> list[pa.Array]:
        """The columns (at `places`; or all) for rows of these numbers; nulls for NO_ROW. They are
        dictionaries of all rows' texts, so no text is copied."""
        indices = pa.array(numbers, pa.int32())
        if NO_ROW in numbers:
            indices = pc.if_else(pc.less(indices, 0), None, indices)
        columns = self.columns()
        chosen = columns if places is None else [columns[place] for place in places]
        return [pa.DictionaryArray.from_arrays(indices, column) for column in chosen]


@define(eq=False)
class Table:
    """The interfaces of one snapshot.

    by_id: row numbers (in `about`) by interface id and NAT gateway id. by_address: row numbers (in
    `of_address`) by VPC and address, as texts. by_ipv6: the same by address in 16 bytes, since an
    IPv6 address can be written in several ways. by_public: the same by public IPv4 address, where
    one interface of the snapshot alone has it. prefixes: delegated prefixes of a VPC, by address
    family and length.
    """

    by_id: dict[str, int] = field(factory=dict)
    by_address: dict[tuple[str, str], int] = field(factory=dict)
    by_ipv6: dict[tuple[str, bytes], int] = field(factory=dict)
    by_public: dict[str, int] = field(factory=dict)
    prefixes: dict[str, Prefixes] = field(factory=dict)
    _shared: set[str] = field(factory=set)

    @classmethod
    def of(
        cls,
        interfaces: Iterable[NetworkInterface],
        names: Names,
        about: Rows,
        of_address: Rows,
    ) -> Table:
        """The table of a snapshot's interfaces; its rows go into `about` and `of_address`."""
        table = cls()
        for interface in interfaces:
            row = _row(interface, names)
            table.by_id[interface.id] = about.number(row)
            if interface.vpc_id is not None:
                table._addresses(interface, interface.vpc_id, row, of_address)
        for gateway in names.gateways.values():
            if gateway.regional:
                table.by_id[gateway.id] = about.number(_regional(gateway))
        return table

    def address(self, key: tuple[str, str]) -> int:
        """The row of an address that belongs to a VPC, or NO_ROW: an address of an interface, else
        one in a delegated prefix."""
        found = self.by_address.get(key)
        if found is not None:
            return found
        vpc, address = key
        family = AF_INET6 if ":" in address else AF_INET
        if family == AF_INET and vpc not in self.prefixes:
            return NO_ROW
        try:
            packed = inet_pton(family, address)
        except (OSError, ValueError):
            return NO_ROW
        found = self.by_ipv6.get((vpc, packed))
        if found is None and vpc in self.prefixes:
            found = _in_prefixes(self.prefixes[vpc], family, packed)
        return NO_ROW if found is None else found

    def _addresses(self, interface: NetworkInterface, vpc: str, row: Row, rows: Rows) -> None:
        for address, kind, public in _kinds(interface):
            told = (interface.id, kind, *row[:-1], public)
            self.by_address[vpc, address] = rows.number(told)
            if kind == "ipv6":
                self.by_ipv6[vpc, inet_pton(AF_INET6, address)] = rows.number(told)
            if public is not None:
                self._own_public(public, rows.number((interface.id, "public", *row[:-1], public)))
        for prefix in interface.prefixes:
            try:
                network = ip_network(prefix)
            except ValueError:
                continue  # no prefix at all: nothing can lie in it
            family = AF_INET if network.version == 4 else AF_INET6
            number = rows.number((interface.id, "prefix", *row[:-1], None))
            by_length = self.prefixes.setdefault(vpc, {})
            start = int(network.network_address) >> (_BITS[family] - network.prefixlen)
            by_length.setdefault((family, network.prefixlen), {})[start] = number

    def _own_public(self, public: str, number: int) -> None:
        """Remember a public address, unless two interfaces have it: the snapshot was taken while it
        moved from one to the other."""
        if public in self._shared:
            return
        if self.by_public.setdefault(public, number) != number:
            self._shared.add(public)
            del self.by_public[public]


def _row(interface: NetworkInterface, names: Names) -> Row:
    resource = names.owner(interface)
    return (
        resource.type,
        resource.id,
        resource.name,
        resource.service,
        interface.vpc_id,
        interface.subnet_id,
        interface.zone,
        names.zone_id(interface),
        ",".join(interface.groups) or None,
        interface.public_ip,
    )


def _regional(gateway: NatGateway) -> Row:
    """A NAT gateway that has no interface: flow logs have its id in `resource-id`."""
    public = ",".join(gateway.public_ips) or None
    about = ("regional-nat-gateway", gateway.id, gateway.name, "vpc", gateway.vpc_id)
    return (*about, gateway.subnet_id, None, None, None, public)


def _kinds(interface: NetworkInterface) -> Iterator[tuple[str, str, str | None]]:
    """All addresses of an interface, what kind of address each is, and its public one."""
    for address in interface.addresses:
        kind = "primary" if address.primary else "secondary"
        yield address.private, kind, address.public
    for ipv6 in interface.ipv6:
        try:
            yield str(IPv6Address(ipv6)), "ipv6", None
        except ValueError:
            continue  # not an address: no record can have it


def _in_prefixes(prefixes: Prefixes, family: AddressFamily, packed: bytes) -> int | None:
    number = int.from_bytes(packed, "big")
    for (of_family, length), starts in prefixes.items():
        if of_family == family:
            found = starts.get(number >> (_BITS[of_family] - length))
            if found is not None:
                return found
    return None
