"""Conversations over a network: packets in time, as TCP, UDP and ICMP do it."""

from __future__ import annotations

from random import Random

from attrs import define, field, frozen

from .model import ICMP, ICMP6, TCP, UDP, Interface, Link
from .network import Network
from .packet import Drop, Fate
from .recorded import answer_to, request_of
from .tape import FIN, RST, SYN, SYN_ACK, Tape

RETRIES = (0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0)  # RFC 6298: the time-out doubles; Linux: 6 times


@frozen(eq=False)
class Outcome:
    """drop: None if all went well. fates: of request and answer."""

    drop: Drop | None
    fates: tuple[Fate, ...]
    end: float = 0.0


@define(eq=False)
class Stage:
    """Where conversations are played. moods: of servers by interface id and port: "closed",
    "silent" (firewall of the host), "mute" (the application does not answer)."""

    network: Network
    rng: Random
    tape: Tape
    moods: dict[tuple[str, int], str] = field(factory=dict)

    def talk(self, link: Link, start: float, sport: int | None = None) -> Outcome:
        """One conversation of the link's kind."""
        if link.protocol in (ICMP, ICMP6):
            return self._ping(link, start)
        if link.protocol == UDP:
            return self._datagrams(link, start, sport or self.port(link))
        return self.tcp(link, start, sport or self.port(link))

    def port(self, link: Link) -> int:
        if isinstance(link.client, Interface):
            return self.rng.randint(*link.client.clients)
        return self.rng.randint(32768, 60999)

    def reply(self, link: Link, there: Fate) -> Fate:
        assert there.packet is not None
        back = answer_to(there.packet, there.via)
        sender = there.delivered if isinstance(there.delivered, Interface) else link.dest
        return self.network.send(back, sender)

    def mood(self, there: Fate, link: Link) -> str:
        server = there.delivered
        return self.moods.get((server.id, link.port), "") if isinstance(server, Interface) else ""

    def tcp(self, link: Link, start: float, sport: int) -> Outcome:
        there = self.network.send(request_of(link, sport), link.client)
        mood = self.mood(there, link) if there.delivered else ""
        if there.packet is None or there.delivered is None or mood == "silent":
            self._retry(there, start, TCP, 60, SYN)
            drop = there.drop or _host_drop("no-answer", there)
            return Outcome(drop, (there,), start + 64)
        back = self.reply(link, there)
        flags = RST if mood == "closed" else SYN_ACK
        if back.delivered is None:
            self._retry(there, start, TCP, 60, SYN)
            self._retry(back, start + 0.01, TCP, 60, flags)
            return Outcome(back.drop, (there, back), start + 64)
        if mood == "closed":
            for attempt in range(self.rng.randint(1, 3)):
                self.tape.add(there, start + attempt, TCP, 1, 60, SYN)
                self.tape.add(back, start + attempt + 0.01, TCP, 1, 40, RST)
            return Outcome(_host_drop("connection-refused", there), (there, back), start + 3)
        return self._established(there, back, start, mood)

    def _established(self, there: Fate, back: Fate, start: float, mood: str) -> Outcome:
        tape, rng = self.tape, self.rng
        tape.add(there, start, TCP, 1, 60, SYN)
        tape.add(back, start + 0.01, TCP, 1, 60, SYN_ACK)
        asked = rng.randint(200, 1400)
        tape.add(there, start + 0.02, TCP, 2, 52 + asked)
        if mood == "mute":
            end = start + rng.uniform(20, 40)
            tape.add(back, start + 0.03, TCP, 1, 52)
            tape.add(there, end, TCP, 1, 52, FIN)
            tape.add(back, end + 0.01, TCP, 1, 52)
            return Outcome(_host_drop("application", there), (there, back), end)
        end = start + rng.uniform(0.2, 20)
        number = rng.randint(4, 60)
        tape.add(back, start + 0.1, TCP, number, number * rng.randint(600, 1460))
        tape.add(there, start + 0.2, TCP, number // 2 + 1, (number // 2 + 1) * 52)
        tape.add(there, end, TCP, 1, 52, FIN)
        tape.add(back, end + 0.01, TCP, 2, 104, FIN)
        tape.add(there, end + 0.02, TCP, 1, 52)
        return Outcome(None, (there, back), end + 0.02)

    def _retry(self, fate: Fate, start: float, protocol: int, size: int, flags: int) -> None:
        for wait in RETRIES:
            self.tape.add(fate, start + wait, protocol, 1, size, flags)

    def _datagrams(self, link: Link, start: float, sport: int) -> Outcome:
        """A request and its answer; "oneway" is never answered (syslog)."""
        there = self.network.send(request_of(link, sport), link.client)
        delivered = there.delivered is not None
        if link.style == "oneway" and delivered:
            for second in range(0, 120, 7):
                self.tape.add(there, start + second, UDP, 2, 600)
            return Outcome(None, (there,), start + 120)
        if not delivered or self.mood(there, link) == "silent":
            for wait in (0, 5, 10):
                self.tape.add(there, start + wait, UDP, 1, 90)
            return Outcome(there.drop or _host_drop("no-answer", there), (there,), start + 10)
        back = self.reply(link, there)
        for wait in (0, 5, 10) if back.drop else (0,):
            self.tape.add(there, start + wait, UDP, 1, 90)
            self.tape.add(back, start + wait + 0.01, UDP, 1, 200)
        return Outcome(back.drop, (there, back), start + 10)

    def _ping(self, link: Link, start: float) -> Outcome:
        there = self.network.send(request_of(link, 0), link.client)
        back = self.reply(link, there) if there.delivered is not None else None
        for second in range(5):
            self.tape.add(there, start + second, link.protocol, 1, 84)
            if back is not None:
                self.tape.add(back, start + second + 0.01, link.protocol, 1, 84)
        drop = there.drop or (back.drop if back else None)
        return Outcome(drop, (there, back) if back else (there,), start + 5)


def _host_drop(cause: str, there: Fate) -> Drop:
    server = there.delivered
    if isinstance(server, Interface):
        return Drop(cause, (server.id,), at=server)
    return Drop(cause)
