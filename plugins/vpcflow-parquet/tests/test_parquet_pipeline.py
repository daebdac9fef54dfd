"""Through the whole pipeline: text to Parquet to Parquet, partitioned, enriched and resumed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import vpcflow
from vpcflow.bench.generate import generate
from vpcflow.pipeline import Pipeline


def log(path: Path) -> pa.Table:
    data = generate("custom-v5", lines=40_000).data
    path.write_bytes(data)
    return pa.table(vpcflow.parse(data, text="utf8"))


def rows(directory: Path, order: list[str]) -> list[tuple[object, ...]]:
    found = [
        tuple(row[name] for name in order)
        for path in directory.rglob("*.parquet")
        for row in pq.ParquetFile(path).read(columns=order).to_pylist()
    ]
    return sorted(found, key=repr)


def test_text_to_parquet_to_parquet(tmp_path: Path) -> None:
    wanted = log(tmp_path / "flow.log")
    first = Pipeline(
        sources=[str(tmp_path / "flow.log")],
        to=[f"parquet:{tmp_path}/one/?times=timestamp&row_group=5000"],
    ).run()
    assert list(first.delivered.values()) == [40_000]
    second = Pipeline(
        sources=[f"{tmp_path}/one/"],
        to=[f"parquet:{tmp_path}/two/?times=timestamp&partition=action"],
        where={"protocol": 6},
        state=tmp_path / "state",
    ).run()
    assert second.error is None
    tcp = [row for row in wanted.to_pylist() if row["protocol"] == 6]
    order = ["srcaddr", "dstaddr", "srcport", "bytes", "start", "pkt_srcaddr"]
    assert rows(tmp_path / "two", order) == sorted(
        (tuple(row[name] for name in order) for row in tcp), key=repr
    )
    assert second.counts["lines"] == 40_000
    assert second.counts["filtered"] == 40_000 - len(tcp)


def test_a_damaged_file_is_delivered_up_to_the_damage(tmp_path: Path) -> None:
    log(tmp_path / "flow.log")
    target = tmp_path / "flow.parquet"
    Pipeline(sources=[str(tmp_path / "flow.log")], to=[f"parquet:{target}?row_group=5000"]).run()
    spoilt = bytearray(target.read_bytes())
    chunk = pq.ParquetFile(target).metadata.row_group(4).column(0)
    at = chunk.dictionary_page_offset
    spoilt[at : at + 20] = b"\xff" * 20
    target.write_bytes(spoilt)
    report = Pipeline(sources=[str(target)], to=[f"parquet:{tmp_path}/out/"]).run()
    assert report.exit_code == 1
    assert "row group 5 of 8 is damaged" in report.damaged[str(target)]
    assert sum(pq.ParquetFile(p).metadata.num_rows for p in tmp_path.glob("out/*")) == 20_000
