"""Whether an address is one of the internet's, in SQL."""

from __future__ import annotations

_NOT_PUBLIC_4 = (
    r"^(0|10|127|22[4-9]|23[0-9]|24[0-9]|25[0-5])\."
    r"|^192\.168\.|^169\.254\."
    r"|^172\.(1[6-9]|2[0-9]|3[01])\."
    r"|^100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\."
)
"""This network, private, shared (RFC 6598), loopback, link-local, multicast and reserved
(RFC 6890). The ranges for documentation count as public: examples use them so."""
_PUBLIC_6 = "^[23][0-9a-fA-F]{3}:"  # 2000::/3, global unicast (RFC 4291)


def public_sql(address: str) -> str:
    """SQL that is true for a public address. An interface's own IPv6 address is one, too."""
    return (
        f"CASE WHEN contains({address}, ':') THEN regexp_matches({address}, '{_PUBLIC_6}') "
        f"ELSE NOT regexp_matches({address}, '{_NOT_PUBLIC_4}') END"
    )
