"""Reading objects: in ranges, ahead, and on through whatever breaks; never other bytes."""

from __future__ import annotations

import gzip
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import (
    INTERNAL_ERROR,
    Answer,
    CutAfter,
    CutBefore,
    CutBody,
    FaultProxy,
    Rule,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from s3_world import BUCKET, connected, make_bucket
from servers import moto, rclone_s3
from vpcflow_aws import s3_reader
from vpcflow_aws.s3_reader import ALL_AHEAD, FIRST, RANGE
from vpcflow_aws.s3_source import S3File, S3Source

from vpcflow import scan
from vpcflow.errors import ContainerError, InputError
from vpcflow.selection import EVERYTHING

SIZE = FIRST + 3 * RANGE + 12_345
DATA = random.Random(5).randbytes(SIZE)


@pytest.fixture(scope="module", params=["moto", "rclone"])
def server(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[str]:
    root: Path = tmp_path_factory.mktemp("rclone")
    with moto() if request.param == "moto" else rclone_s3(root) as url, connected(url) as s3:
        make_bucket(s3)
        s3.put_object(Bucket=BUCKET, Key="big", Body=DATA)
        s3.put_object(Bucket=BUCKET, Key="small", Body=b"0123456789")
        s3.put_object(Bucket=BUCKET, Key="empty", Body=b"")
        yield url


def the_file(key: str) -> S3File:
    (file,) = S3Source().files(f"s3://{BUCKET}/{key}", EVERYTHING)
    assert isinstance(file, S3File)
    return file


def room() -> int:
    return s3_reader._room._value


@pytest.fixture(autouse=True)
def _all_room_is_given_back() -> Iterator[None]:
    yield
    s3_reader._pool().submit(int).result()
    for _ in range(100):
        if room() == ALL_AHEAD:
            break
        threading.Event().wait(0.05)
    assert room() == ALL_AHEAD


def test_a_file_is_read_in_ranges_ahead_of_its_reader(server: str) -> None:
    with FaultProxy(server) as proxy, connected(proxy.url), the_file("big").open() as stream:
        assert stream.read(FIRST // 2 - 1) == DATA[: FIRST // 2 - 1]
        assert proxy.count("GetObject") == 1
        stream.read(200_000)  # whoever passes half of the first range reads on
        assert stream.tell() == FIRST // 2 - 1 + 200_000
        for _ in range(100):
            if proxy.count("GetObject") == 4:
                break
            threading.Event().wait(0.05)
        assert proxy.count("GetObject") == 4
        assert stream.read() == DATA[FIRST // 2 - 1 + 200_000 :]
        ranges = sorted(r.headers["Range"] for r in proxy.requests if r.operation == "GetObject")
        assert len(ranges) == len(set(ranges)) == 5
        assert all(r.headers["If-Match"] for r in proxy.requests if r.operation == "GetObject")


def test_small_and_empty_files(server: str) -> None:
    with FaultProxy(server) as proxy, connected(proxy.url):
        with the_file("small").open() as stream:
            assert stream.read() == b"0123456789"
            assert stream.read() == b""
        with the_file("empty").open() as stream:
            assert stream.read() == b""
        assert proxy.count("GetObject") == 1
        assert the_file("small").read_range(8, 100) == b"89"
        assert the_file("small").read_range(10, 5) == b""
        assert the_file("empty").read_range(0, 5) == b""


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.sampled_from([0, 1, 100, 70_000, RANGE, 2 * RANGE])),
        st.tuples(st.just("seek"), st.integers(0, SIZE + 100)),
        st.tuples(st.just("seek"), st.sampled_from([0, FIRST - 1, FIRST, FIRST + RANGE, SIZE])),
        st.tuples(st.just("from here"), st.integers(-300_000, 300_000)),
        st.tuples(st.just("from the end"), st.integers(-300_000, 10)),
    ),
    max_size=8,
)


@given(STEPS)
@settings(max_examples=12)
def test_any_reads_and_seeks(server: str, steps: list[tuple[str, int]]) -> None:
    import io

    with connected(server), the_file("big").open() as stream, io.BytesIO(DATA) as known:
        for step, n in steps:
            if step == "read":
                assert stream.read(n) == known.read(n)
            elif step == "seek":
                assert stream.seek(n) == known.seek(n)
            elif step == "from here":
                at = max(0, known.tell() + n)
                assert stream.seek(max(-stream.tell(), n), 1) == known.seek(at)
            else:
                assert stream.seek(n, 2) == known.seek(n, 2)
            assert stream.tell() == known.tell()


def test_several_readers_share_what_is_held_in_memory(server: str) -> None:
    with connected(server):
        streams = [the_file("big").open() for _ in range(12)]
        for stream in streams:
            stream.read(FIRST - 1)
        assert room() == 0
        for stream in streams:
            assert stream.read() == DATA[FIRST - 1 :]
            stream.close()


# ---- what breaks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_broken_ranges_are_resumed(server: str, seed: int) -> None:
    rules = [
        Rule(CutBody(seed * 1000 + 777_777), "GetObject", share=0.5, seed=seed, times=6),
        Rule(CutBody(0), "GetObject", share=0.1, seed=seed, times=2),
        Rule(CutBefore(), "GetObject", share=0.1, seed=seed, times=2),
        Rule(CutAfter(), "GetObject", share=0.1, seed=seed, times=2),
        Rule(INTERNAL_ERROR, "GetObject", share=0.1, seed=seed, times=2),
    ]
    with FaultProxy(server, rules) as proxy, connected(proxy.url):
        with the_file("big").open() as stream:
            assert stream.read() == DATA
        broken = [r for r in proxy.requests if isinstance(r.fault, CutBody)]
        assert broken
        starts = [int(r.headers["Range"].split("=")[1].split("-")[0]) for r in proxy.requests[1:]]
        assert any(start % 256 for start in starts)  # it went on in the middle


def test_what_breaks_for_good_is_an_error(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_reader, "RESUMES", 3)
    with FaultProxy(server, [Rule(CutBody(0), "GetObject", times=None)]) as proxy:
        with connected(proxy.url), pytest.raises(InputError) as caught:
            the_file("small").read_range(0, 10)
        assert caught.value.source == f"s3://{BUCKET}/small"
        assert not isinstance(caught.value, ContainerError)


def test_another_version_is_never_mixed_in(server: str) -> None:
    with connected(server) as s3:
        for key, size in (("replaced", SIZE), ("shorter", SIZE - 10)):
            s3.put_object(Bucket=BUCKET, Key=key, Body=DATA)
            with the_file(key).open() as stream:
                assert stream.read(100) == DATA[:100]
                s3.put_object(Bucket=BUCKET, Key=key, Body=bytes(size))
                with pytest.raises(InputError, match="replaced while it was being read"):
                    stream.read()
            s3.delete_object(Bucket=BUCKET, Key=key)


def test_a_removed_object(server: str) -> None:
    with connected(server) as s3:
        s3.put_object(Bucket=BUCKET, Key="removed", Body=b"x")
        file = the_file("removed")
        s3.delete_object(Bucket=BUCKET, Key="removed")
        with pytest.raises(InputError, match="removed after it had been listed"):
            file.read_range(0, 1)


def test_a_server_without_ranges_is_refused(server: str) -> None:
    whole = Answer(200, DATA, "application/octet-stream")
    rules = [Rule(whole, "GetObject", times=None)]
    with FaultProxy(server, rules) as proxy, connected(proxy.url):
        file = the_file("big")
        with pytest.raises(InputError, match="cannot send ranges"):
            file.read_range(5, 10)


# ---- through the whole reader --------------------------------------------------------------------

LINE = b"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
LINE += b"1418530010 1418530070 ACCEPT OK\n"
HEADER = b"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
HEADER += b"start end action log-status\n"


def test_damaged_gzip_is_recovered_up_to_the_damage(server: str) -> None:
    noise = random.Random(1)
    lines = b"".join(LINE.replace(b"4249", b"%d" % noise.getrandbits(40)) for _ in range(300_000))
    packed = bytearray(gzip.compress(HEADER + lines, 1))
    assert len(packed) > FIRST + 65_536
    damaged = len(packed) - 40_000
    packed[damaged : damaged + 8] = b"\xff" * 8
    with connected(server) as s3:
        s3.put_object(Bucket=BUCKET, Key="damaged.log.gz", Body=bytes(packed))
        local = _records(bytes(packed))
        assert _records(f"s3://{BUCKET}/damaged.log.gz") == local
        s3.delete_object(Bucket=BUCKET, Key="damaged.log.gz")
    assert 250_000 < local[0] < 300_000


def _records(source: Any) -> tuple[int, int | None]:
    """How many records there are before the damage, and where that is."""
    records = 0
    try:
        for batch in scan(source):
            records += len(batch)
    except ContainerError as damage:
        return records, damage.offset
    raise AssertionError("no damage was found")
