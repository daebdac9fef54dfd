"""Clients whose answers are whole, and questions that are repeated until there is one.

botocore takes an answer that was cut off for a whole one: of JSON that ends too soon it makes an
answer without any members, which would pass for the last page of a log group, or for a request of
which nothing was rejected. Here an answer that is shorter than its Content-Length is an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError

from vpcflow_aws.failures import Backoff, Verdict, judge
from vpcflow_aws.session import ATTEMPTS, client

FAILURES = (BotoCoreError, ClientError, ResponseParserError)
"""What a client of `asker` raises."""
Failure = BotoCoreError | ClientError | ResponseParserError

# no validation of parameters: it takes longer than all the rest, and what is sent is ours
_ONCE = Config(
    retries={"total_max_attempts": 1, "mode": "standard"},
    parameter_validation=False,
    read_timeout=30,
)


def asker(service: str) -> Any:
    """A client that asks once: repeating is left to `ask` and to `sending`, which have to know of
    it. Safe to use from several threads."""
    made = client(service, _ONCE)
    made.meta.events.register("before-parse", _refuse_cut_answers)
    return made


def ask(call: Callable[..., Any], backoff: Backoff | None = None, **asked: Any) -> Any:
    """The answer to a question, which may be asked several times. Raises `FAILURES`."""
    backoff = backoff or Backoff()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return call(**asked)
        except FAILURES as error:
            if judge(error) is Verdict.FINAL or attempt == ATTEMPTS:
                raise
            time.sleep(backoff.seconds(attempt))
    raise AssertionError("unreachable")


def pages(call: Callable[..., Any], token: str = "nextToken", **asked: Any) -> Iterator[Any]:
    """The answers to a question that come with a token while there are more; any may be empty."""
    while True:
        answer = ask(call, **asked)
        yield answer
        if not answer.get(token):
            return
        asked[token] = answer[token]


def _refuse_cut_answers(response_dict: Mapping[str, Any], **_: Any) -> None:
    headers, body = response_dict["headers"], response_dict.get("body")
    size = headers.get("content-length")
    if size is not None and isinstance(body, bytes) and len(body) < int(size):
        raise ConnectionClosedError(
            endpoint_url=f"(the answer has {len(body)} of {size} bytes)", request=None
        )
