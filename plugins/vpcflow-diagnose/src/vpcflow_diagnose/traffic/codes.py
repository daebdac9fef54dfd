"""What stands in a record's words, as one integer: its kind, its way and why it was rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

ACCEPTED, REJECTED, SEEN, LOSS, OTHER, NODATA, SKIPDATA = range(7)
"""What a record is. SEEN: traffic of a format without an action. LOSS: a transit gateway dropped
packets. OTHER: nothing to be learnt about conversations, such as a transit gateway's record
without loss."""
EGRESS, INGRESS = 1, 2
REASONS = ("BPA", "EC")
"""Their numbers begin at 1."""

KIND, WAY, REASON = 1, 4, 6
"""The first bits of each in a code; 3, 2 and 2 bits."""
_STATUS = {"NODATA": NODATA, "SKIPDATA": SKIPDATA}
_ACTION = {"ACCEPT": ACCEPTED, "REJECT": REJECTED}
_WAY = {"egress": EGRESS << WAY, "ingress": INGRESS << WAY}
_REASON = {text: number << REASON for number, text in enumerate(REASONS, 1)}


def codes_of(batch: pa.RecordBatch) -> pa.Array:
    """Codes (int32) of a batch's records, from the columns that it has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def numbers(name: str, known: Mapping[str, int], otherwise: int = 0) -> pa.Array | None:
        return coded(batch.column(name), known, otherwise) if name in batch.schema.names else None

    kind = numbers("action", _ACTION, SEEN)
    status = numbers("log_status", _STATUS)
    if kind is None:
        kind = pa.repeat(pa.scalar(SEEN, pa.int32()), batch.num_rows)
    if status is not None:  # its numbers are higher than those of actions
        kind = pc.max_element_wise(kind, status)
    code = pc.shift_left(kind, pa.scalar(KIND, pa.int32()))
    for name, known in (("flow_direction", _WAY), ("reject_reason", _REASON)):
        found = numbers(name, known)
        if found is not None:
            code = pc.add(code, found)
    return code


def coded(texts: pa.Array, known: Mapping[str, int], otherwise: int = 0) -> pa.Array:
    """Texts as numbers (int32), `otherwise` for null and those that are not known."""
    import pyarrow as pa

    if not pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_encode()
    values = [known.get(text, otherwise) for text in texts.dictionary.to_pylist()]
    found = pa.array(values, pa.int32()).take(texts.indices)
    return found.fill_null(otherwise) if found.null_count else found
