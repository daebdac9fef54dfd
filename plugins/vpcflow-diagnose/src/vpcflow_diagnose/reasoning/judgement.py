"""What was concluded of one exchange, before the same fault of many becomes one finding."""

from __future__ import annotations

from attrs import frozen

from vpcflow_diagnose.finding import Confidence
from vpcflow_diagnose.reasoning.exchange import Exchange
from vpcflow_diagnose.traffic.conversation import Conversation, Tally


@frozen
class Judgement:
    """cause ... evidence: as in Finding. exchange, seen: what it is about, and the conversation
    that shows it. tally: the records that show it. scope: what besides cause, resource and rule
    makes it another fault: judgements that agree in all of them are one finding. asked: ids of the
    rule sets that were evaluated and deny nothing."""

    cause: str
    confidence: Confidence
    explanation: str
    exchange: Exchange
    seen: Conversation
    tally: Tally
    direction: str | None = None
    resource: str | None = None
    rule: str | None = None
    also: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    scope: tuple[object, ...] = ()
    asked: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        # what is missing in a security group names the client: one rule mends it for all of them
        rule = None if self.cause == "security-group" else self.rule
        return (self.cause, self.resource, rule, self.direction, *self.scope)


def weakest(*confidences: Confidence) -> Confidence:
    order: tuple[Confidence, ...] = ("proven", "likely", "possible")
    return max(confidences, key=order.index)
