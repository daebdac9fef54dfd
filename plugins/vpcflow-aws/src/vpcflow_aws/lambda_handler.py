"""A Firehose transformation: flow logs in any envelope in, enriched JSON lines out.

As a Lambda function's handler, `vpcflow_aws.lambda_handler.handler`, set up by its environment:
VPCFLOW_FORMAT (AWS's format string; else the lines have to tell) and VPCFLOW_ENRICH (enrichers as
`vpcflow run --enrich` takes them, one a line). Or made in a module of your own:

    from vpcflow_aws.lambda_handler import make_handler

    handler = make_handler(enrich=["geoip=/opt/City.mmdb"], format="default")

A record may hold what a flow log writes to Firehose, an envelope of a CloudWatch Logs subscription
(gzip), or plain lines. Each is answered once: `Ok` with JSON lines; `Dropped` if it holds no record
(control messages, nothing but blanks); `ProcessingFailed` if it cannot be read or holds a bad line:
Firehose then keeps it, as it came, under the error prefix of the destination.
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal

import pyarrow as pa
from attrs import define, field, frozen

import vpcflow
from vpcflow.containers import unwrap
from vpcflow.enrich import Enricher
from vpcflow.enriching import Enrichment
from vpcflow.errors import InputError, UsageError, printable
from vpcflow.flow_format import FlowFormat
from vpcflow.making import enricher_of

Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]
Result = Literal["Ok", "Dropped", "ProcessingFailed"]

MOST_RESPONSE = 6_000_000
"""Bytes of an answer. Lambda takes 6 MB (6,291,556 bytes)."""
MOST_TEXT = 64 << 20
"""Bytes that one record may unpack to."""
_SURROUNDS = 64  # {"recordId":"","result":"ProcessingFailed","data":""},
MOST_FORMATS = 16
MOST_LOGGED = 10
"""Records of an invocation whose failure is logged one by one."""
_log = logging.getLogger("vpcflow.lambda")


@frozen
class Answer:
    """What becomes of one record. rows: JSON lines, if it is "Ok". why: if it is not."""

    result: Result
    rows: bytes = b""
    why: str = ""


def make_handler(
    enrich: Sequence[str | Enricher] = (),
    format: FlowFormat | str | None = None,
    *,
    on_rejected: Literal["fail", "skip"] = "fail",
    on_enricher_error: Literal["fail", "null"] = "fail",
) -> Handler:
    """A handler for a Lambda function.

    enrich: as `vpcflow run --enrich` takes them, or made; made ones serve one format only. format:
    of the lines; needed unless they are in a default format. on_rejected: "fail" fails the whole
    record that a bad line is in; "skip" delivers the others, and logs the line. on_enricher_error:
    "fail" fails the invocation, which Firehose repeats; "null" delivers nulls.

    Raises UsageError for enrichers and formats that cannot be, at once; the handler raises
    PluginError for an enricher that fails.
    """
    if on_rejected not in ("fail", "skip"):
        raise UsageError(f"on_rejected={on_rejected!r} is not one of 'fail', 'skip'")
    vpcflow.FlowParser(format)  # raises for a format that cannot be
    transformation = _Transformation(
        tuple(enrich), format, on_rejected == "skip", on_enricher_error
    )
    transformation.enrichers()
    return transformation


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """The handler that the function's environment describes."""
    return _of_environment()(event, context)


@cache
def _of_environment() -> Handler:
    enrich = os.environ.get("VPCFLOW_ENRICH", "").splitlines()
    return make_handler(
        [text.strip() for text in enrich if text.strip()],
        os.environ.get("VPCFLOW_FORMAT") or None,
    )


@define(eq=False)
class _Transformation:
    """Keeps enrichers, and what they have in their caches, from one invocation to the next."""

    enrich: Sequence[str | Enricher]
    format: FlowFormat | str | None
    skip_rejected: bool
    on_enricher_error: Literal["fail", "null"]
    _first: list[Enricher] | None = field(default=None, init=False)
    _enrichments: dict[pa.Schema, Enrichment] = field(factory=dict, init=False)

    def __call__(self, event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
        if not isinstance(event.get("records"), list):
            raise UsageError(
                "the event has no records", hint="this is the handler of a Firehose transformation"
            )
        records = event["records"]
        texts = [_lines(record.get("data")) for record in records]
        answers = self._together(texts) or [self._alone(text) for text in texts]
        return {"records": _within_limit(records, answers)}

    # ---- records ---------------------------------------------------------------------------------

    def _together(self, texts: Sequence[bytes | Answer]) -> list[Answer] | None:
        """All records at once: many hold but one line. None if any line needs a closer look."""
        found = [text for text in texts if isinstance(text, bytes)]
        if not found:
            return None
        text = b"".join(found)
        try:
            batch = vpcflow.parse(text, format=self.format, text="utf8")
            if len(batch) != batch.counts["lines"]:
                return None
            rows = self._rows(batch).splitlines(keepends=True)
        except InputError:
            return None
        answers, at = [], 0
        for part in texts:
            if isinstance(part, Answer):
                answers.append(part)
                continue
            end = at + part.count(b"\n")
            answers.append(Answer("Ok", b"".join(rows[at:end])))
            at = end
        return answers

    def _alone(self, text: bytes | Answer) -> Answer:
        if isinstance(text, Answer):
            return text
        try:
            batch = vpcflow.parse(text, format=self.format, text="utf8")
            rejected = batch.counts["rejected"]
            if rejected:
                _log.warning("%d bad lines, the first: %s", rejected, batch.rejected[0])
                if not self.skip_rejected or not len(batch):
                    return Answer("ProcessingFailed", why=str(batch.rejected[0]))
            if not len(batch):
                return Answer("Dropped")
            return Answer("Ok", self._rows(batch))
        except InputError as error:
            return Answer("ProcessingFailed", why=str(error))

    def _rows(self, batch: vpcflow.FlowBatch) -> bytes:
        columns = pa.record_batch(batch)
        enriched = self._enrichment(columns.schema).apply(columns)
        return vpcflow.FlowBatch.from_arrow(enriched).to_jsonl()

    # ---- enrichers -------------------------------------------------------------------------------

    def _enrichment(self, schema: pa.Schema) -> Enrichment:
        """One for each format: enrichers choose what they look up by the columns that there are."""
        found = self._enrichments.get(schema)
        if found is not None:
            return found
        if self.enrich and len(self._enrichments) >= MOST_FORMATS:
            raise InputError(f"more than {MOST_FORMATS} formats", hint="give the one: format=")
        made, self._first = self._first or self.enrichers(), None
        enrichment = Enrichment(made, schema, on_error=self.on_enricher_error)
        if len(self._enrichments) < MOST_FORMATS:
            self._enrichments[schema] = enrichment
        return enrichment

    def enrichers(self) -> list[Enricher]:
        """Made anew; those that were given as objects only for the first format."""
        made: list[Enricher] = []
        for given in self.enrich:
            if isinstance(given, Enricher):
                if self._enrichments:
                    raise InputError(
                        "lines of another format, and enrichers that were made for the first",
                        hint="give the format, or the enrichers as texts",
                    )
                made.append(given)
            else:
                made += enricher_of(given)
        self._first = made
        return made


def _lines(data: object) -> bytes | Answer:
    """The lines that a record's data hold, the last one with its newline too."""
    try:
        packed = base64.b64decode(data if isinstance(data, str) else b"", validate=True)
        with unwrap(io.BytesIO(packed), source="record") as blocks:
            text = _bounded(blocks)
    except (binascii.Error, ValueError) as error:
        return Answer("ProcessingFailed", why=f"the data are not Base64: {error}")
    except InputError as error:
        return Answer("ProcessingFailed", why=str(error))
    if not text or text.isspace():
        return Answer("Dropped")
    return text if text.endswith(b"\n") else text + b"\n"


def _bounded(blocks: Iterable[bytes]) -> bytes:
    """All blocks. A little gzip can unpack to more than there is memory."""
    text = bytearray()
    for block in blocks:
        text += block
        if len(text) > MOST_TEXT:
            raise InputError(f"the record unpacks to more than {MOST_TEXT:,} bytes")
    return bytes(text)


# ---- the answer ----------------------------------------------------------------------------------


def _within_limit(
    records: Sequence[Mapping[str, Any]], answers: Sequence[Answer]
) -> list[dict[str, str]]:
    """The answers as Firehose wants them. Lambda refuses one of more than 6 MB as a whole: records
    that do not fit any more fail, and Firehose keeps them as they came."""
    ids = [str(record.get("recordId", "")) for record in records]
    left = MOST_RESPONSE - sum(len(json.dumps(id_)) + _SURROUNDS for id_ in ids)
    found, failed = [], 0
    for id_, answer in zip(ids, answers, strict=True):
        if answer.result == "Ok":
            size = -(-len(answer.rows) // 3) * 4
            if size <= left:
                left -= size
                data = base64.b64encode(answer.rows).decode()
                found.append({"recordId": id_, "result": "Ok", "data": data})
                continue
            answer = Answer("ProcessingFailed", why="the answer would be larger than 6 MB")
        if answer.result == "ProcessingFailed":
            failed += 1
            if failed <= MOST_LOGGED:
                _log.warning("record %s: %s", printable(id_, 100), printable(answer.why, 1000))
        found.append({"recordId": id_, "result": answer.result})
    if failed > MOST_LOGGED:
        _log.warning("%d records failed; the first %d are above", failed, MOST_LOGGED)
    return found
