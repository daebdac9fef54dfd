"""Hypothesis strategies: records, lines and batches of any known format, hostile values too."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import pyarrow as pa
from hypothesis import strategies as st

from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat
from vpcflow.testing.samples import FORMATS, batch_of

Record = Mapping[str, str]
"""The texts of one line by column name; "-" is null."""

HOSTILE = (
    *("-5", "0", "..", "../../etc/passwd", "/", "a/b", "%", "%2F", "a=b", "a,b", "'", '"', ";--"),
    *("<script>", "=1+1", "\\", "\\n", "$(id)", "NULL", "null", "nan", "\x1b[31m", "\x7f"),
    *("__HIVE_DEFAULT_PARTITION__", "caf\u00e9", "\u65e5\u672c", "\U0001f4a9", "\u202e", "x" * 300),
)
"""Texts that a log may hold in any field of text, and that careless code takes for something."""

_ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.sampled_from(["10.0.0.1", "::1", "::", "::ffff:10.0.0.1", "255.255.255.255", "0.0.0.0"]),
    st.sampled_from(["10.0.0.256", "010.0.0.1", "1::2::3", "fe80::1%eth0", "unknown"]),
)
_WORDS = {
    "action": ["ACCEPT", "REJECT"],
    "status": ["OK", "NODATA", "SKIPDATA"],
    "account": ["123456789010", "000000000000", "unknown"],
}
_NAMES = st.from_regex(r"[a-z]{1,8}-[0-9a-f]{1,17}", fullmatch=True)
_TEXT = st.one_of(_NAMES, st.sampled_from(HOSTILE))
_ANY_TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


def values(field: Field) -> st.SearchStrategy[str]:
    """Texts that may stand in this field of a good line, "-" included."""
    if field.kind == "time":
        known: st.SearchStrategy[str] = st.integers(10**9, 2**32).map(str)
    elif field.maximum is not None:
        limits = st.sampled_from([0, 1, field.maximum])
        known = st.one_of(st.integers(0, field.maximum), limits).map(str)
    elif field.kind == "address":
        known = _ADDRESSES
    elif field.kind in _WORDS:
        known = st.sampled_from(_WORDS[field.kind])
    elif field.kind == "tag":
        known = st.one_of(_TEXT, _ANY_TEXT).map(lambda text: quote(text, safe=""))
    else:
        known = _TEXT
    return st.one_of(known, known, known, st.just("-"))


def formats() -> st.SearchStrategy[FlowFormat]:
    """The formats of the samples, and any choice of the known fields in any order."""
    fields = st.lists(
        st.sampled_from(list(FIELDS.values())),
        unique_by=lambda field: field.name,
        min_size=1,
        max_size=20,
    )
    any_choice = fields.map(lambda chosen: FlowFormat(tuple(chosen)))
    return st.one_of(st.sampled_from(list(FORMATS.values())), any_choice)


def records(format: FlowFormat | None = None) -> st.SearchStrategy[Record]:
    """One record of a format (the default one)."""
    fields = (format or FlowFormat.default()).fields
    texts = st.tuples(*(values(field) for field in fields))
    return texts.map(lambda row: dict(zip((f.name for f in fields), row, strict=True)))


def lines(
    format: FlowFormat | None = None, *, max_size: int = 20, header: bool = False
) -> st.SearchStrategy[bytes]:
    """Good lines of a format (the default one), each with its newline."""
    chosen = format or FlowFormat.default()
    head = " ".join(field.aws_name for field in chosen.fields).encode() + b"\n" if header else b""

    def text(rows: list[Record]) -> bytes:
        return head + b"".join(" ".join(row.values()).encode() + b"\n" for row in rows)

    return st.lists(records(chosen), max_size=max_size).map(text)


def batches(
    format: FlowFormat | None = None, *, max_size: int = 20
) -> st.SearchStrategy[pa.RecordBatch]:
    """Batches as enrichers and sinks get them, empty ones included; of any format, or of one."""

    def of(chosen: FlowFormat) -> st.SearchStrategy[pa.RecordBatch]:
        return lines(chosen, max_size=max_size).map(lambda text: batch_of(text, chosen))

    return of(format) if format is not None else formats().flatmap(of)
