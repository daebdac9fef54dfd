"""Reading flow logs into conversations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vpcflow_diagnose.traffic.conversation import Conversation, Facts, Gap, Probes, TransitLoss

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from vpcflow_query.reading import Reading

MOST = 50_000


class Traffic:
    """What was read, as tables that can be asked. See `gather`."""

    facts: Facts

    def suspicious(self, most: int = MOST) -> Iterator[Conversation]:
        """Conversations that may hold a fault, the weightiest first, whole (all four tallies):
        something was rejected (but not those that are in `probes`); or the client's packets had no
        answer, or only RST, or an answer without data."""
        raise NotImplementedError

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
        raise NotImplementedError

    def accepted(self, interface_ids: Sequence[str], most: int = 10_000) -> Iterator[Conversation]:
        """Conversations of these interfaces that hold an accepted record: what contradicts rules
        that would deny it."""
        raise NotImplementedError

    def probes(self) -> list[Probes]:
        raise NotImplementedError

    def losses(self) -> list[TransitLoss]:
        raise NotImplementedError

    def gaps(self) -> list[Gap]:
        raise NotImplementedError


@contextmanager
def gather(reading: Reading, *, memory: str = "1GB") -> Iterator[Traffic]:
    """Read everything once. Memory is bounded: what does not fit is spilled to a temporary folder,
    which is gone when the block ends."""
    raise NotImplementedError
    yield
