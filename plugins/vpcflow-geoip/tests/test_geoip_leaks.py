"""Databases opened, asked, damaged and dropped again and again take no more memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vpcflow_geoip.samples import write_city_like

ROUNDS = """
import contextlib, gc, os, sys
import pyarrow as pa
from vpcflow_geoip._native import _core
from vpcflow_geoip.enricher import GeoIP, Settings

path = sys.argv[1]
texts = [f"{n}.{n * 7 % 256}.3.4" for n in range(224)] + ["x", None, "\\ud800", "2a00::1"]

def once():
    enricher = GeoIP([path], Settings(lookup="all", fields=("region:subdivisions.0.iso_code",)))
    enricher.lookup_many(texts)
    enricher.lookup_many(pa.array(texts[:100]))
    _core.packed(_core.addresses(texts))
    table = enricher._tables[0]._table
    for wrong in (
        lambda: _core.decode(b"\\xe2\\x41a\\xa1\\x01\\x41b", 0, 8, 0),
        lambda: _core.decode(b"\\x02\\x04\\x41a\\xff", 0, 5, 0),
        lambda: _core.addresses(["10.0.0.1", 5]),
        lambda: _core.values(table, 0, b"\\x09\\x09\\x09\\x09"),
        lambda: _core.open(b"x" * 100, 5, 24, 6, 0, 999),
        lambda: _core.open(b"x" * 100, 5, 25, 6, 0, 50),
        lambda: _core.table(enricher._databases[0].handle, ((0, False, (("a", 5),)),)),
        lambda: GeoIP([path], Settings(fields=("bad:city.names.en:int64",))).lookup_many(texts),
    ):
        with contextlib.suppress(Exception):
            wrong()
            print("no error")
    enricher.close()

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

for _ in range(40):
    once()
before = resident()
for _ in range(200):
    once()
print(resident() - before)
"""


def test_memory_is_given_back(tmp_path: Path) -> None:
    write_city_like(tmp_path / "city.mmdb", 60)
    command = [sys.executable, "-c", ROUNDS, str(tmp_path / "city.mmdb")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # an index alone is 256 KiB, so one leaked in each round would be 50 MB
    assert int(done.stdout) < 2_000_000
