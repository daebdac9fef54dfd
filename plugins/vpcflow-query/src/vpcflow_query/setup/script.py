"""The flow log as a shell script: checks that only read, then what creates, then how to see that it
works, and how to take it away again. It is printed, and run by whoever reads it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from vpcflow.cli.screen import wrap
from vpcflow_query.setup import overlaps, policies, steps
from vpcflow_query.setup.delivery_errors import meanings
from vpcflow_query.setup.destination import Bucket, LogGroup, Stream
from vpcflow_query.setup.detection import Detection
from vpcflow_query.setup.next_commands import next_commands
from vpcflow_query.setup.plan import Plan
from vpcflow_query.setup.shell import Command

Notes = Sequence[tuple[str, Sequence[str]]]
_ACCOUNT = "$(aws sts get-caller-identity --query Account --output text)"


def script(plan: Plan, seen: Detection | None, notes: Notes) -> str:
    """notes: headings and sentences to stand at its top as comments."""
    lines = [
        "#!/usr/bin/env bash",
        *comment(f"{plan.title}, {plan.region}, account {plan.account}."),
        *comment("Printed by `vpcflow setup`, which has not run any of it. Read it, then run it."),
    ]
    for heading, sentences in notes:
        lines += ["#", *comment(f"{heading}:"), *_bullets(sentences)]
    lines += ["set -euo pipefail", "export AWS_PAGER=", 'stop() { echo "$*" >&2; exit 1; }']
    lines += ["", "# 1. Checks: these only read", *_checks(plan)]
    lines += ["", "# 2. Create", *_prepare(plan), *_create(plan)]
    if seen:
        lines += ["", "# Watch for rejected traffic", *_texts(steps.watch(seen, plan.region))]
    lines += ["", "# 3. Verify", *_verify(plan)]
    lines += ["", "# 4. Read what it delivers", *(f"#   {c}" for c in next_commands(plan))]
    lines += ["", "# 5. Undo", *_undo(plan, seen)]
    return "\n".join(lines) + "\n"


def comment(text: str, indent: str = "") -> list[str]:
    """`text` as comment lines of at most 100 columns. Newlines cannot end the comment."""
    text = " ".join(text.split())
    return wrap(text, 100, f"# {indent}", f"# {indent}")


def _bullets(sentences: Iterable[str]) -> list[str]:
    lines: list[str] = []
    for sentence in sentences:
        lines += wrap(" ".join(sentence.split()), 100, "#   ", "# - ")
    return lines


def _texts(commands: Iterable[Command], indent: str = "") -> list[str]:
    return [command.text(indent) for command in commands]


def _checks(plan: Plan) -> list[str]:
    to = plan.destination
    lines = [f"account={_ACCOUNT}"]
    if to.account != plan.account:
        lines += [
            f"if [[ $account == {to.account} ]]; then",
            f"  # in the account of {to}, first",
            *(_bucket(plan, to, "  ") if isinstance(to, Bucket) else []),
            *(_stream_role(plan, to, "  ") if isinstance(to, Stream) else []),
            f"  echo 'Now run this again with credentials of account {plan.account}.'",
            "  exit 0",
            "fi",
        ]
    lines += [
        f"[[ $account == {plan.account} ]] ||",
        f'  stop "these are credentials of account $account, not of {plan.account}"',
        "",
        *overlaps.check(plan),
    ]
    if isinstance(to, Stream) and not to.crosses_accounts:
        lines += ["", *_stream_is_active(to)]
    return lines


def _stream_is_active(to: Stream) -> list[str]:
    described = Command(
        "firehose",
        "describe-delivery-stream",
        {
            "region": to.region,
            "delivery-stream-name": to.name,
            "query": "DeliveryStreamDescription.[DeliveryStreamStatus, DeliveryStreamType]",
            "output": "text",
        },
    )
    return [
        "state=$(",
        described.text("  "),
        ")",
        "[[ $state == ACTIVE*DirectPut ]] ||",
        '  stop "the stream is $state: flow logs need one that is ACTIVE and of type DirectPut"',
    ]


def _prepare(plan: Plan) -> list[str]:
    to = plan.destination
    if isinstance(to, Bucket):
        return [*_bucket(plan, to), ""] if to.account == plan.account else []
    if isinstance(to, LogGroup):
        trust, access = policies.log_group_trust(plan), policies.log_group_access(plan, to)
        return [*_log_group(plan, to), "", *_role(to.role_name, trust, access), ""]
    if to.crosses_accounts:
        return [*_role(to.role_name, policies.source_trust(), policies.source_access(plan, to)), ""]
    return comment(
        "AWS tags the stream LogDeliveryEnabled=true itself, and makes the service-linked role "
        "AWSServiceRoleForLogDelivery if it is the first. Whoever runs this needs "
        "firehose:TagDeliveryStream and iam:CreateServiceLinkedRole for it."
    )


def _bucket(plan: Plan, to: Bucket, indent: str = "") -> list[str]:
    """The bucket if it is to be made, and its policy: put only where there is none, since putting
    replaces the whole."""
    get = Command("s3api", "get-bucket-policy", {"bucket": to.name, "output": "text"})
    put = Command(
        "s3api",
        "put-bucket-policy",
        {
            "region": plan.region,
            "bucket": to.name,
            "policy": policies.bucket_policy(plan, to),
        },
    )
    lines = _texts(steps.make_bucket(to, plan.region), indent) if to.create else []
    return [
        *lines,
        f"{indent}if policy=$({get} 2>&1); then",
        f"{indent}  # putting a policy would replace this one",
        f"{indent}  [[ $policy == *delivery.logs.amazonaws.com* ]] ||",
        f'{indent}    stop "the bucket has a policy: add the two statements of this script to it"',
        f"{indent}  echo 'The bucket has a policy that names log delivery: it stays as it is.'",
        f"{indent}elif [[ $policy == *NoSuchBucketPolicy* ]]; then",
        put.text(indent + "  "),
        f"{indent}else",
        f'{indent}  stop "$policy"',
        f"{indent}fi",
    ]


def _log_group(plan: Plan, to: LogGroup) -> list[str]:
    query = f'logGroups[?logGroupName==`"{to.name}"`].arn'
    found = Command(
        "logs",
        "describe-log-groups",
        {
            "region": to.region,
            "log-group-name-prefix": to.name,
            "query": query,
            "output": "text",
        },
    )
    return [
        "group=$(",
        found.text("  "),
        ")",
        "if [[ -z $group || $group == None ]]; then",
        *_texts(steps.make_log_group(to), "  "),
        "else",
        "  echo 'The log group is there: its retention stays as it is.'",
        "fi",
    ]


def _role(
    name: str, trust: policies.Document, access: policies.Document, indent: str = ""
) -> list[str]:
    create, exists, put = steps.make_role(name, trust, access)
    look = Command("iam", "get-role", {"role-name": name})
    return [
        f"{indent}new=",
        f"{indent}if {look} >/dev/null 2>&1; then",
        f"{indent}  echo {shlex.quote(f'The role {name} is there: its trust stays as it is.')}",
        f"{indent}else",
        create.text(indent + "  "),
        exists.text(indent + "  "),
        f"{indent}  new=yes",
        f"{indent}fi",
        put.text(indent),
        f"{indent}[[ -z $new ]] || sleep 10 # until all of AWS knows the role",
    ]


def _stream_role(plan: Plan, to: Stream, indent: str) -> list[str]:
    trust, access = policies.stream_trust(plan, to), policies.stream_access(plan, to)
    return _role(to.stream_role_name, trust, access, indent)


def _create(plan: Plan) -> list[str]:
    return [
        "answer=$(",
        steps.create_flow_log(plan).text("  "),
        ")",
        'read -r flow_log problem <<<"$answer"',
        '[[ $flow_log == fl-* ]] || stop "no flow log was made: $problem"',
        'echo "made $flow_log"',
    ]


def _verify(plan: Plan) -> list[str]:
    lines = _texts(steps.verify(plan))
    lines += comment("DeliverLogsStatus is SUCCESS, or FAILED with a message:")
    for message, meaning in meanings(plan.destination.api_type).items():
        lines += wrap(f"{message}: {meaning}.", 100, "#     ", "#   ")
    return lines


def _undo(plan: Plan, seen: Detection | None) -> list[str]:
    to = plan.destination
    lines = comment(
        "With flow_log set to the id that was printed above. What was delivered stays: the "
        f"records in {to}."
    )
    lines += _commented(steps.undo(plan, seen))
    if isinstance(to, Stream) and to.crosses_accounts:
        lines += comment(f"In account {to.account}:")
        lines += _commented(steps.undo_stream_account(to))
    return lines


def _commented(commands: Iterable[Command]) -> list[str]:
    return [f"#   {line}" for command in commands for line in command.text().splitlines()]
