"""Named queries for DuckDB over `flows`, the columns that vpcflow streams.

DuckDB knows IP addresses only with an extension, which a sandbox cannot load: addresses are
compared as text, octet by octet.
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Network, IPv6Network

from attrs import define

from vpcflow_query import quoting
from vpcflow_query.queries.sql import Block, SqlRenderer

TABLE = "flows"


@define
class DuckdbRenderer(SqlRenderer):
    def field(self, name: str) -> str:
        return quoting.name(name)

    def known(self, name: str) -> str:
        return quoting.name(name)

    def time(self, value: str) -> str:
        return value

    def seconds(self, value: str) -> str:
        return f"epoch({value})"

    def moment(self, field: str, operator: str, moment: datetime) -> str:
        text = moment.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "+00")
        return f"{field} {operator} TIMESTAMPTZ '{text}'"

    def traffic(self, witness: str) -> str:
        if witness == "log_status":  # null: of a source without this field, among others
            return "coalesce(log_status, 'OK') = 'OK'"
        return f"{quoting.name(witness)} IS NOT NULL"

    def each(self, name: str, fields: tuple[str, ...]) -> str:
        listed = ", ".join(map(quoting.name, fields))
        return f"CROSS JOIN UNNEST([{listed}]) AS each_of({name})"

    def is_ipv6(self, value: str) -> str:
        return f"contains({value}, ':')"

    def in_block(self, value: str, block: Block) -> str:
        if block.prefixlen == block.max_prefixlen:
            return f"{value} = {quoting.literal(str(block.network_address))}"
        if isinstance(block, IPv4Network):
            return _in_ipv4(value, block)
        return _in_ipv6(value, block)


def _in_ipv4(value: str, block: IPv4Network) -> str:
    """Whole octets as the text that the address starts with, the rest as a range of the next."""
    octets = str(block.network_address).split(".")
    whole, rest = divmod(block.prefixlen, 8)
    start = "".join(f"{octet}." for octet in octets[:whole])
    tests = [f"starts_with({value}, '{start}')" if start else f"contains({value}, '.')"]
    if rest:
        low = int(octets[whole])
        high = low + 2 ** (8 - rest) - 1
        octet = f"TRY_CAST(split_part({value}, '.', {whole + 1}) AS INTEGER)"
        tests.append(f"{octet} BETWEEN {low} AND {high}")
    return "(" + " AND ".join(tests) + ")" if len(tests) > 1 else tests[0]


def _in_ipv6(value: str, block: IPv6Network) -> str:
    """A pattern for the first groups where none of them can be part of `::`; else the digits."""
    groups = block.network_address.exploded.split(":")
    whole, rest = divmod(block.prefixlen, 16)
    if rest == 0 and whole and all(int(group, 16) for group in groups[:whole]):
        pattern = "".join(f"0*{int(group, 16):x}:" for group in groups[:whole])
        return f"regexp_matches({value}, '^{pattern}', 'i')"
    if whole == 0 and rest and groups[0][0] != "0":
        digits, bits = divmod(rest, 4)
        pattern = groups[0][:digits] + (_digits(groups[0][digits], bits) if bits else "")
        left = 4 - digits - bool(bits)
        pattern += f"[0-9a-f]{{{left}}}" if left else ""
        return f"regexp_matches({value}, '^{pattern}:', 'i')"
    return _by_digits(value, block)


def _digits(digit: str, bits: int) -> str:
    """A pattern for the hexadecimal digits that begin with these bits."""
    low = int(digit, 16)
    return "[" + "".join(f"{low + more:x}" for more in range(2 ** (4 - bits))) + "]"


def _by_digits(value: str, block: IPv6Network) -> str:
    """Compares the 32 hexadecimal digits: `::` stands for the groups that lack to eight."""
    colons = f"(length({value}) - length(replace({value}, ':', '')))"
    full = f"replace({value}, '::', ':' || repeat('0:', 8 - {colons}))"
    groups = f"[lpad(g, 4, '0') FOR g IN string_split(lower({full}), ':')]"
    first, last = (f"{a:x}".rjust(32, "0") for a in (block[0], block[-1]))
    digits = f"array_to_string({groups}, '')"
    return f"(contains({value}, ':') AND {digits} BETWEEN '{first}' AND '{last}')"
