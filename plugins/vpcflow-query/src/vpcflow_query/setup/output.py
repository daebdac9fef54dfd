"""A plan in words and in each form: what `vpcflow setup` prints."""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen

from vpcflow_query.setup import policies, steps
from vpcflow_query.setup.cloudformation import template
from vpcflow_query.setup.delivery_errors import meanings
from vpcflow_query.setup.destination import Bucket
from vpcflow_query.setup.detection import Detection, detection
from vpcflow_query.setup.expected_cost import SCALE, Expected
from vpcflow_query.setup.fields import reason
from vpcflow_query.setup.next_commands import next_commands
from vpcflow_query.setup.plan import Plan
from vpcflow_query.setup.script import script
from vpcflow_query.setup.terraform import configuration

Notes = list[tuple[str, list[str]]]


@frozen
class Output:
    """cost: what it will cost; scale: for `SCALE` records a second, if no volume is known."""

    plan: Plan
    cost: Expected | None = None
    scale: Expected | None = None

    @property
    def seen(self) -> Detection | None:
        return detection(self.plan)

    def notes(self, *, declared: bool = False) -> Notes:
        """Headings and sentences that stand at the top of each form. declared: of one that says
        what is to be there, and makes it so."""
        format_ = self.plan.format
        notes: Notes = [
            ("Format", [f"{len(format_)} fields; version {format_.version} in its records."])
        ]
        warnings = self.plan.warnings()
        to = self.plan.destination
        if declared and isinstance(to, Bucket) and not to.create:
            warnings.append(
                "The bucket's policy replaces one that it has: if it has one, add these two "
                "statements there and leave this resource out."
            )
        if warnings:
            notes.append(("Know before", warnings))
        if statement := policies.documents(self.plan).get("key_policy_statement"):
            notes.append(("Key policy", [json.dumps(statement)]))
        if cost := self.cost_sentences():
            notes.append(("Cost", cost))
        return notes

    def cost_sentences(self) -> list[str]:
        if self.cost:
            told = self.cost.sentences()
        elif self.scale:
            first, *others = self.scale.sentences()
            told = [
                "Not known: measure logs of the same interfaces (--measured), or give "
                "--gb-per-month or --records-per-second.",
                f"For scale, {SCALE} records a second: {first}",
                *others,
            ]
        else:
            return []
        if self.seen:
            told.append("The metric, the alarm and the Contributor Insights rule are charged too.")
        return told

    def script(self) -> str:
        return script(self.plan, self.seen, self.notes())

    def cloudformation(self) -> dict[str, Any]:
        return template(self.plan, self.seen, self.notes(declared=True))

    def terraform(self) -> str:
        return configuration(self.plan, self.seen, self.notes(declared=True))

    def as_json(self) -> dict[str, Any]:
        plan, seen = self.plan, self.seen
        return {
            "resource": plan.resource.id,
            "account": plan.account,
            "region": plan.region,
            "request": plan.request(),
            "format": str(plan.format),
            "fields": [
                {"name": f.aws_name, "version": f.version, "reason": reason(f.aws_name)}
                for f in plan.format.fields
            ],
            "warnings": plan.warnings(),
            "documents": policies.documents(plan),
            "detection": _detection(seen) if seen else None,
            "cost": self.cost.as_json() if self.cost else None,
            "cli": self.script(),
            "cloudformation": self.cloudformation(),
            "terraform": self.terraform(),
            "verify": [str(command) for command in steps.verify(plan)],
            "delivery_errors": dict(meanings(plan.destination.api_type)),
            "read": next_commands(plan),
            "undo": [str(command) for command in steps.undo(plan, seen)],
        }


def _detection(seen: Detection) -> dict[str, Any]:
    return {
        "metric_filters": [
            {"name": f.name, "pattern": f.pattern, "value": f.value} for f in seen.filters
        ],
        "alarm": seen.alarm(),
        "contributor_insights_rule": seen.rule,
    }
