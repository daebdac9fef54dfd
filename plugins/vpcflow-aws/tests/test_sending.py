"""Sending until each item is accepted or refused: verdicts, waiting, several threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_aws.failures import Backoff, Verdict, judge
from vpcflow_aws.in_flight import InFlight
from vpcflow_aws.sending import Outcome, Sender

from vpcflow import PluginError
from vpcflow.report import Run


def answer(code: str, status: int) -> ClientError:
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutLogEvents")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (answer("ThrottlingException", 400), Verdict.NOT_DONE),
        (answer("ServiceUnavailableException", 503), Verdict.NOT_DONE),
        (answer("Whatever", 429), Verdict.NOT_DONE),
        (answer("InternalFailure", 500), Verdict.MAYBE_DONE),
        (answer("502", 502), Verdict.MAYBE_DONE),
        (answer("AccessDeniedException", 400), Verdict.FINAL),
        (answer("ResourceNotFoundException", 400), Verdict.FINAL),
        (EndpointConnectionError(endpoint_url="x"), Verdict.NOT_DONE),
        (ConnectTimeoutError(endpoint_url="x"), Verdict.NOT_DONE),
        (ReadTimeoutError(endpoint_url="x"), Verdict.MAYBE_DONE),
        (ConnectionClosedError(endpoint_url="x"), Verdict.MAYBE_DONE),
        (SSLError(endpoint_url="x", error="certificate"), Verdict.FINAL),
        (NoCredentialsError(), Verdict.FINAL),
    ],
)
def test_what_a_failure_means(error: Exception, verdict: Verdict) -> None:
    assert judge(error) is verdict


def sender(put: object, run: Run | None = None, patience: float = 60) -> Sender[int]:
    return Sender(
        "to:here",
        put,  # type: ignore[arg-type]
        records=lambda item: item + 1,
        run=run or Run(),
        doing="write",
        action="x:Put",
        invalid=frozenset({"Invalid"}),
        patience=patience,
        backoff=Backoff(0, 0),
    )


FATES = st.sampled_from(["accepted", "again", "perhaps", "refused"])
ERRORS = st.sampled_from(["throttled", "cut"])


@given(st.data(), st.integers(1, 30))
def test_every_item_is_accepted_or_refused_once_however_requests_fail(
    data: st.DataObject, count: int
) -> None:
    accepted: list[int] = []
    doubtful = failures = 0

    def put(group: Sequence[int]) -> Outcome[int]:
        nonlocal doubtful, failures
        if failures < 60 and data.draw(st.booleans()):
            failures += 1
            if data.draw(ERRORS) == "throttled":
                raise answer("ThrottlingException", 400)
            doubtful += sum(item + 1 for item in group)
            raise ConnectionClosedError(endpoint_url="x")
        fates = [data.draw(FATES) if failures < 60 else "accepted" for _ in group]
        of = {
            fate: [item for item, its in zip(group, fates, strict=True) if its == fate]
            for fate in ("accepted", "again", "perhaps", "refused")
        }
        failures += bool(of["again"] or of["perhaps"])
        doubtful += sum(item + 1 for item in of["perhaps"])
        accepted.extend(of["accepted"])
        again = of["again"] + of["perhaps"]
        refused = [(item, "no") for item in of["refused"]]
        return Outcome(again, of["perhaps"], refused, "busy")

    run = Run()
    refused = sender(put, run).send(range(count))
    assert sorted([*accepted, *(item for item, _ in refused)]) == list(range(count))
    assert run.take_retries() == ({"to:here": failures} if failures else {})
    assert run.take_duplicates() == ({"to:here": doubtful} if doubtful else {})


@given(st.sets(st.integers(0, 199), max_size=20))
def test_invalid_items_are_found_among_the_others(invalid: set[int]) -> None:
    accepted: list[int] = []

    def put(group: Sequence[int]) -> Outcome[int]:
        if invalid & set(group):
            raise answer("Invalid", 400)
        accepted.extend(group)
        return Outcome()

    refused = sender(put).send(range(200))
    assert {item for item, _ in refused} == invalid
    assert sorted(accepted) == sorted(set(range(200)) - invalid)


def test_backoff_grows_to_its_bound_and_never_beyond() -> None:
    backoff = Backoff(0.1, 2.0)
    longest = [max(backoff.seconds(failures) for _ in range(50)) for failures in (1, 2, 3, 900)]
    assert 0.05 <= longest[0] <= 0.1 < longest[1] <= 0.2 < longest[2] <= 0.4
    assert 1.0 < longest[3] <= 2.0


def test_a_sender_that_is_stopped_does_not_wait() -> None:
    def put(group: Sequence[int]) -> Outcome[int]:
        return Outcome(again=group, said="busy")

    slow = sender(put)
    slow.backoff = Backoff(60, 60)
    timer = threading.Timer(0.1, slow.stopped.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(PluginError, match="has ended"):
        slow.send([1])
    timer.join()
    assert time.monotonic() - began < 5


def test_the_first_error_reaches_whoever_submits_and_nothing_is_begun_after_it() -> None:
    flight: InFlight[int] = InFlight(2)
    begun = []

    def fail() -> list[int]:
        raise ValueError("one")

    flight.submit(fail)
    with pytest.raises(ValueError, match="one"):
        flight.drain()
    with pytest.raises(ValueError, match="one"):
        flight.submit(lambda: begun or [begun.append(1)])  # type: ignore[func-returns-value]
    flight.close()
    assert begun == []


def test_results_are_kept_until_they_are_taken() -> None:
    flight: InFlight[int] = InFlight(3)
    for number in range(20):
        flight.submit(lambda number=number: [number])  # type: ignore[misc]
    flight.drain()
    assert sorted(flight.take()) == list(range(20))
    assert flight.take() == []
    flight.close()
