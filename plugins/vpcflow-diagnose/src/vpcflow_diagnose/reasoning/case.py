"""All that the reasoning may use besides the exchange at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field

from vpcflow_diagnose.network.history import History, View
from vpcflow_diagnose.traffic.conversation import Conversation, Facts, Gap, Tally


@define(eq=False)
class Case:
    """facts: of all records. gaps: lost windows, by interface. contradicted: ids of rule sets and
    routes that denied what the logs show to have passed: nothing about them is more than possible.
    subnet_of: of addresses, as the records themselves tell. askers: who asks each service, of the
    suspicious exchanges. notes: what could not be decided."""

    facts: Facts
    history: History | None = None
    gaps: Mapping[str, Gap] = field(factory=dict)
    contradicted: set[str] = field(factory=set)
    subnet_of: dict[str, str] = field(factory=dict)
    askers: dict[tuple[str, int, int], set[str]] = field(factory=dict)
    notes: dict[str, None] = field(factory=dict)

    def note(self, text: str) -> None:
        self.notes.setdefault(text)

    def views(self, c: Conversation, tally: Tally | None = None) -> list[View]:
        """The snapshots that may speak about a conversation, or about one of its tallies."""
        if self.history is None:
            return []
        first, last = (tally.first, tally.last) if tally else (c.first, c.last)
        return self.history.views(first, last, c.interface_id, c.client, c.server)

    @property
    def has_reasons(self) -> bool:
        return "reject_reason" in self.facts.columns

    @property
    def one_sided(self) -> str | None:
        """Where the logs hold one action only: "ACCEPT" or "REJECT". They may be of all traffic
        and nothing else happened; but absence of the other proves nothing then."""
        if self.facts.accepted and not self.facts.rejected:
            return "ACCEPT"
        return "REJECT" if self.facts.rejected and not self.facts.accepted else None

    def logged(self, c: Conversation) -> str | None:
        """What the flow logs of a recorded interface are of, as the inventory says: "ALL", "ACCEPT"
        or "REJECT"; None if it does not. What was recorded there was covered by something."""
        return self.covers(self.views(c), c.interface_id)

    @staticmethod
    def covers(views: Iterable[View], interface_id: str) -> str | None:
        for view in views:
            at = view.network.interfaces.get(interface_id)
            if at is not None:
                kind = view.network.coverage.traffic_of(at)
                return None if kind == "NONE" else kind
        return None

    def lossy(self, c: Conversation) -> bool:
        """Whether AWS lost records of the interface, so that what is missing proves nothing."""
        gap = self.gaps.get(c.interface_id)
        return gap is not None and gap.first <= c.last and gap.last >= c.first
