"""Networks -> SQL conditions on addresses that are text."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_CHUNK = 10_000


def addresses_within(
    connection: duckdb.DuckDBPyConnection,
    column: str,
    networks: Sequence[IPv4Network | IPv6Network],
) -> tuple[str, list[Any]]:
    """A condition that a column of `conversations c` is within one of the networks, and its
    values."""
    conditions, values = ["false"], list[Any]()
    for network in networks:
        if not isinstance(network, IPv4Network):
            continue
        if network.num_addresses == 1:
            conditions.append(f"{column} = ?")
            values.append(str(network.network_address))
        else:
            conditions.append(f"{_number_sql(column)} BETWEEN ? AND ?")
            values += [int(network.network_address), int(network.broadcast_address)]
    if six := [network for network in networks if isinstance(network, IPv6Network)]:
        conditions.append(f"list_contains(?, {column})")
        values.append(_six_within(connection, column, six))
    return f"({' OR '.join(conditions)})", values


def _number_sql(column: str) -> str:
    """An IPv4 address as a number; null for what is none."""
    octets = (f"try_cast(split_part({column}, '.', {n}) AS UTINYINT)::BIGINT" for n in (1, 2, 3, 4))
    parts = (f"{octet} * {1 << 8 * (3 - n)}" for n, octet in enumerate(octets))
    return f"CASE WHEN contains({column}, ':') THEN NULL ELSE {' + '.join(parts)} END"


def _six_within(
    connection: duckdb.DuckDBPyConnection, column: str, networks: Sequence[IPv6Network]
) -> list[str]:
    """The texts of IPv6 addresses there that are within a network. One address has many texts."""
    found = connection.cursor().execute(
        f"SELECT DISTINCT {column} FROM conversations c WHERE contains({column}, ':')"
    )
    within = []
    while rows := found.fetchmany(_CHUNK):
        within += [text for (text,) in rows if _is_within(text, networks)]
    return within


def _is_within(text: str, networks: Sequence[IPv6Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return isinstance(address, IPv6Address) and any(address in network for network in networks)
