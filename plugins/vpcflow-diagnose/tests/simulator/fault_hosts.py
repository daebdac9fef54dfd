"""Faults beyond the network: the host, its ports, the application. And none at all."""

from __future__ import annotations

from random import Random

from .faults import Fault, kind
from .model import Interface, Link, World


def _ours(world: World, link: Link) -> bool:
    return isinstance(link.answering, Interface) and link.protocol == 6


def _moody(name: str, cause: str, mood: str) -> None:
    @kind(name, cause, _ours)
    def change(world: World, rng: Random, link: Link) -> Fault | None:
        server = link.answering
        assert isinstance(server, Interface)
        return Fault(name, link, moods={(server.id, link.port): mood})


_moody("os-firewall", "no-answer", "silent")
_moody("closed-port", "connection-refused", "closed")
_moody("application", "application", "mute")


@kind("healthy", None, lambda world, link: True)
def healthy(world: World, rng: Random, link: Link) -> Fault | None:
    return Fault("healthy", link, healthy=True)
