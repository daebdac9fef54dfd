"""Generated logs: the same from the same seed, and what they say of themselves is what is read."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest

import vpcflow
from vpcflow.bench.generate import FIRST_MINUTE, KINDS, blocks, generate, write

LINES = 3_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_holds_what_it_says(kind: str) -> None:
    log = generate(kind, lines=LINES)
    batch = vpcflow.parse(log.data)
    counts = batch.counts
    assert batch.format is not None
    assert tuple(f.aws_name for f in batch.format.fields) == log.kind.fields
    assert (counts["lines"], counts["records"]) == (log.lines, log.records)
    assert (counts["nodata"], counts["skipdata"]) == (log.nodata, log.skipdata)
    assert _plain(batch.rejected_by_reason) == _plain(log.rejected)


def test_the_kinds_are_what_their_names_say() -> None:
    logs = {kind: generate(kind, lines=LINES) for kind in KINDS}
    assert [len(logs[k].kind.fields) for k in ("default", "custom-v5", "wide-v11")] == [14, 29, 54]
    assert logs["custom-v5"].kind.fields == tuple(sorted(logs["custom-v5"].kind.fields))
    assert logs["nodata"].nodata / LINES == pytest.approx(0.40, abs=0.03)
    assert logs["nodata"].skipdata / LINES == pytest.approx(0.02, abs=0.01)
    assert sum(logs["bad"].rejected.values()) == round(0.05 * LINES)
    assert len(logs["bad"].rejected) == 5
    addresses = [record.srcaddr for record in vpcflow.parse(logs["ipv6"].data)]
    assert sum(":" in str(a) for a in addresses) / LINES == pytest.approx(0.9, abs=0.03)


def test_values_are_spread_as_in_real_logs() -> None:
    records = list(vpcflow.parse(generate(lines=20_000).data))
    octets = sorted(record.bytes for record in records if record.bytes is not None)
    assert len({record.interface_id for record in records}) > 150
    assert len({record.dstport for record in records}) > 4_000
    assert octets[0] < 100
    assert octets[-1] >= 10_000_000  # eight digits and more
    assert all(0 < (record.end - record.start).total_seconds() <= 60 for record in records)


def test_the_same_seed_gives_the_same_log_and_another_seed_another() -> None:
    assert generate(lines=500, seed=7) == generate(lines=500, seed=7)
    assert generate(lines=500, seed=7).data != generate(lines=500, seed=8).data


def test_a_file_holds_the_same_text_plain_and_gzipped(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.gz"
    sizes = {write(path, lines=LINES) for path in (plain, packed)}
    text = generate(lines=LINES).data
    assert sizes == {len(text)}
    assert plain.read_bytes() == gzip.decompress(packed.read_bytes()) == text


def test_a_block_is_a_minute_and_times_lie_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vpcflow.bench.generate.LINES_PER_MINUTE", 700)
    header, *minutes = blocks("default", lines=1_500)
    assert [minute.count(b"\n") for minute in minutes] == [700, 700, 100]
    for number, minute in enumerate(minutes):
        begin = FIRST_MINUTE + 60 * number
        for record in vpcflow.parse(header + minute):
            assert begin <= record.start.timestamp() < record.end.timestamp() <= begin + 60


def _plain(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if count}
