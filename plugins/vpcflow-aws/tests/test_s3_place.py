"""Writing to S3: nothing is visible before it is published, and nothing is lost or doubled."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from botocore.exceptions import ClientError
from fault_proxy import (
    ACCESS_DENIED,
    INTERNAL_ERROR,
    SLOW_DOWN,
    CutAfter,
    CutBefore,
    CutBody,
    FaultProxy,
    Rule,
    s3_error,
)
from s3_world import connected, make_bucket
from servers import moto, rclone_s3
from vpcflow_aws import s3_place as s3_place_module
from vpcflow_aws import s3_upload
from vpcflow_aws.s3_place import S3Place, s3_place
from vpcflow_aws.s3_upload import PART, WAITING, part_size

from vpcflow.errors import PluginError, UsageError
from vpcflow.places import LostFile, Place, Receipt
from vpcflow.testing import PlaceSuite

BUCKET = "delivered"
OWNER = "0123456789ab"
NAME = f"date=2024-05-01/{OWNER}-0001-000001.parquet"
KEY = f"out/{NAME}"


@pytest.fixture(scope="module", params=["moto", "rclone"])
def server(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[str]:
    root: Path = tmp_path_factory.mktemp("rclone")
    with moto() if request.param == "moto" else rclone_s3(root) as url:
        with connected(url) as s3:
            make_bucket(s3, BUCKET)
        yield url


@pytest.fixture
def s3(server: str) -> Iterator[Any]:
    with connected(server) as s3:
        yield s3
        for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
            s3.delete_object(Bucket=BUCKET, Key=found["Key"])
        for upload in uploads(s3):
            s3.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])


def uploads(s3: Any) -> list[Any]:
    found: list[Any] = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return found


def content(s3: Any, key: str = KEY) -> bytes | None:
    try:
        data: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    except ClientError:
        return None
    return data


def place(page: int = 1000) -> S3Place:
    return evolve(s3_place(f"s3://{BUCKET}/out"), page=page)


def prepared(data: bytes, name: str = NAME) -> Receipt:
    pending = place().create(name, OWNER)
    for at in range(0, len(data), 1_000_000):
        pending.write(data[at : at + 1_000_000])
    return pending.prepare()


# ---- the contract --------------------------------------------------------------------------------


class _Suite(PlaceSuite):
    @pytest.fixture(autouse=True)
    def _server(self, s3: Any) -> None:
        self.s3 = s3

    def make_place(self) -> Place:
        return s3_place(f"s3://{BUCKET}/some/prefix")

    def read(self, name: str) -> bytes | None:
        return content(self.s3, f"some/prefix/{name}")

    def names(self) -> Sequence[str]:
        found = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())
        return [entry["Key"] for entry in found]

    def unwritable_place(self) -> Place:
        return s3_place("s3://no-such-bucket/prefix")


class TestS3Place(_Suite):
    """On both servers."""


# ---- parts ---------------------------------------------------------------------------------------


def test_a_file_goes_in_parts_while_it_is_written(server: str) -> None:
    data = random.Random(1).randbytes(3 * PART + 5)
    with FaultProxy(server) as proxy, connected(proxy.url) as s3:
        pending = place().create(NAME, OWNER)
        pending.write(data[: 2 * PART + 1])  # one write, more than a part
        for _ in range(200):
            if proxy.count("UploadPart") == 2:
                break
            threading.Event().wait(0.05)
        assert proxy.count("UploadPart") == 2
        pending.write(data[2 * PART + 1 :])
        receipt = pending.prepare()
        assert proxy.count("UploadPart") == 4
        assert proxy.count("CompleteMultipartUpload") == 0
        md5s = [hashlib.md5(data[at : at + PART]).digest() for at in range(0, len(data), PART)]
        assert receipt.etag == f"{hashlib.md5(b''.join(md5s)).hexdigest()}-4"
        assert receipt.size == len(data)
        place().publish(receipt)
        assert content(s3) == data
        s3.delete_object(Bucket=BUCKET, Key=KEY)


def test_parts_grow_so_that_the_largest_object_fits() -> None:
    sizes = [part_size(number) for number in range(1, 10_001)]
    assert sizes[0] == PART >= 5 << 20
    assert sizes == sorted(sizes)
    assert sum(sizes) >= 5 << 40
    assert sizes[-1] <= 5 << 30


def test_a_writer_waits_for_the_network(server: str) -> None:
    gate = threading.Event()
    put = s3_upload.Upload.put
    written = []

    def held(*arguments: Any) -> str:
        gate.wait(60)
        return put(*arguments)

    def write() -> None:
        for number in range(WAITING + 2):
            pending.write(bytes(PART))
            written.append(number)

    with connected(server), pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3_upload.Upload, "put", held)
        pending = place().create(NAME, OWNER)
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(1)
        assert writer.is_alive()
        assert len(written) <= WAITING
        gate.set()
        writer.join(60)
        assert len(written) == WAITING + 2
        pending.abort()


def test_open_files_wait_on_disk_and_not_in_memory(server: str) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with connected(server):
        before = resident()
        files = [place().create(f"{OWNER}-{number}.parquet", OWNER) for number in range(16)]
        for pending in files:
            pending.write(bytes(PART - 1))
        held = resident() - before
        for pending in files:
            pending.abort()
    assert held < 16 * PART / 4


def test_many_files_at_once_from_several_threads(s3: Any) -> None:
    def write(number: int) -> tuple[str, bytes]:
        data = random.Random(number).randbytes(PART // 4 * (number % 6))
        name = f"{number}/{OWNER}-{number}.avro"
        place().publish(prepared(data, name))
        return name, data

    with ThreadPoolExecutor(6) as pool:
        for name, data in pool.map(write, range(12)):
            assert content(s3, f"out/{name}") == data
    assert uploads(s3) == []


def test_an_aborted_file_leaves_no_parts(s3: Any) -> None:
    pending = place().create(NAME, OWNER)
    for _ in range(3):
        pending.write(bytes(PART))
    pending.abort()
    assert uploads(s3) == []
    assert content(s3) is None


# ---- what was published is known -----------------------------------------------------------------

Lose = Callable[[Any, Receipt], object]


@pytest.mark.parametrize("size", [0, 5, PART + 1])
def test_a_repeated_publish_finds_what_is_there(s3: Any, size: int) -> None:
    receipt = prepared(random.Random(size).randbytes(size))
    place().publish(receipt)
    before = s3.head_object(Bucket=BUCKET, Key=KEY)["LastModified"]
    place().publish(Receipt.from_json(receipt.as_json()))
    assert s3.head_object(Bucket=BUCKET, Key=KEY)["LastModified"] == before


def test_another_object_of_that_name_is_not_taken_for_it(s3: Any) -> None:
    for other in (b"other bytes", b"x"):
        receipt = prepared(b"these bytes")
        token = receipt.token
        s3.abort_multipart_upload(Bucket=BUCKET, Key=KEY, UploadId=token["upload_id"])
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=other)
        with pytest.raises(LostFile):
            place().publish(receipt)
        place().abort(receipt)
        assert content(s3) == other


def test_an_object_with_an_etag_of_another_kind_is_known_by_its_bytes(s3: Any) -> None:
    """As with SSE-KMS, where the ETag is no MD5; or a store without ETags."""
    receipt = prepared(b"these bytes")
    place().publish(receipt)
    unknown = evolve(receipt, etag="00000000000000000000000000000000-1")
    s3.put_object(Bucket=BUCKET, Key=f"{KEY}.2", Body=b"these bytes")
    moved = evolve(unknown, token={**receipt.token, "key": f"{KEY}.2"})
    with FaultProxy(s3.meta.endpoint_url) as proxy, connected(proxy.url):
        place()._is_there(moved)
    place().publish(moved)
    place().abort(moved)
    assert content(s3, f"{KEY}.2") is None
    assert content(s3) == b"these bytes"


def test_rclone_without_etags(tmp_path: Path) -> None:
    with rclone_s3(tmp_path, "--etag-hash", "") as url, connected(url) as s3:
        make_bucket(s3, BUCKET)
        receipt = prepared(b"these bytes")
        place().publish(receipt)
        place().publish(receipt)
        place().abort(receipt)
        assert content(s3) is None


def test_a_lost_upload(s3: Any) -> None:
    receipt = prepared(bytes(PART + 1))
    s3.abort_multipart_upload(Bucket=BUCKET, Key=KEY, UploadId=receipt.token["upload_id"])
    with pytest.raises(LostFile, match="delivered again"):
        place().publish(receipt)
    assert content(s3) is None


# ---- leftovers -----------------------------------------------------------------------------------


def test_leftovers_are_found_by_owner_and_prefix(s3: Any) -> None:
    wanted = {f"{OWNER}-0001-{n:06}.avro" for n in range(5)} | {f"a=1/{OWNER}-0002-000001.avro"}
    others = {
        f"{OWNER}0-0001-000001.avro": OWNER + "0",
        f"a{OWNER}.avro": "a" + OWNER,
        f"{OWNER}/ffffffffffff-0001-000001.avro": "ffffffffffff",
    }
    for name in wanted:
        place().create(name, OWNER)
    for name, owner in others.items():
        place().create(name, owner)
    s3_place(f"s3://{BUCKET}/outside").create(f"{OWNER}-0001-000009.avro", OWNER)
    for page in (1000, 2):
        found = list(place(page).unfinished(OWNER))
        assert {receipt.name for receipt in found} == wanted
        assert all(receipt.size == 0 and receipt.etag == "" for receipt in found)
    for receipt in found:
        place().abort(receipt)
        place().abort(receipt)
    assert list(place().unfinished(OWNER)) == []
    assert len(uploads(s3)) == 4


def test_a_new_bucket_has_no_leftovers(s3: Any) -> None:
    """rclone has an error of its own for it."""
    make_bucket(s3, "new-bucket")
    assert list(s3_place("s3://new-bucket/out").unfinished(OWNER)) == []


# ---- what networks and services do ---------------------------------------------------------------


def test_faults_while_writing(server: str, s3: Any) -> None:
    kinds = [SLOW_DOWN, INTERNAL_ERROR, CutBefore(), CutAfter(), CutBody(0)]
    rules = [
        Rule(kind, operation, share=0.25, seed=number, times=2)
        for number, kind in enumerate(kinds)
        for operation in ("CreateMultipartUpload", "UploadPart", "AbortMultipartUpload")
    ]
    data = random.Random(0).randbytes(PART + 100)
    with FaultProxy(server, rules) as proxy, connected(proxy.url):
        for number in range(4):
            place().publish(prepared(data, f"{OWNER}-{number}.jsonl"))
        assert sum(request.fault is not None for request in proxy.requests) >= 3
    for number in range(4):
        assert content(s3, f"out/{OWNER}-{number}.jsonl") == data


ANSWERS = {
    "the request is lost": CutBefore(),
    "the answer is lost": CutAfter(),
    "the answer ends early": CutBody(20),
    "an error with status 200": s3_error(200, "InternalError"),
    "an error with status 200 though it was done": s3_error(200, "InternalError", forward=True),
    "500": INTERNAL_ERROR,
    "500 though it was done": s3_error(500, "InternalError", forward=True),
    "slow down": SLOW_DOWN,
}


@pytest.mark.parametrize(
    ("answer", "times"), [*((answer, 1) for answer in ANSWERS), ("500 though it was done", 3)]
)
def test_publishing_comes_out_as_done(server: str, s3: Any, answer: str, times: int) -> None:
    rules = [Rule(ANSWERS[answer], "CompleteMultipartUpload", times=times)]
    with FaultProxy(server, rules) as proxy, connected(proxy.url):
        place().publish(prepared(b"once"))
        assert proxy.requests[-1].status == 200
    assert content(s3) == b"once"
    assert uploads(s3) == []


def test_an_outage_is_an_error_and_the_receipt_stays_good(
    server: str, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_place_module, "ROUNDS", 2)
    rules = [Rule(INTERNAL_ERROR, "CompleteMultipartUpload", times=None)]
    receipt = prepared(b"later")
    with FaultProxy(server, rules) as proxy, connected(proxy.url):
        with pytest.raises(PluginError, match="InternalError") as caught:
            place().publish(receipt)
        assert not isinstance(caught.value, LostFile)
    place().publish(receipt)
    assert content(s3) == b"later"


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("CreateMultipartUpload", "s3:PutObject"),
        ("UploadPart", "s3:PutObject"),
        ("CompleteMultipartUpload", "s3:PutObject"),
        ("AbortMultipartUpload", "s3:AbortMultipartUpload"),
        ("ListMultipartUploads", "s3:ListBucketMultipartUploads"),
        ("DeleteObject", "s3:DeleteObject"),
        ("HeadObject", "s3:GetObject"),
    ],
)
def test_permissions_are_named(server: str, s3: Any, operation: str, permission: str) -> None:
    with FaultProxy(server, [Rule(ACCESS_DENIED, operation, times=None)]) as proxy:
        with connected(proxy.url), pytest.raises(PluginError) as caught:
            everything()
        assert permission in str(caught.value.hint)
        assert f"s3://{BUCKET}/out/" in str(caught.value)
        assert proxy.count(operation) == 1  # what is not allowed is not tried again


def everything() -> None:
    list(place().unfinished(OWNER))
    receipt = prepared(b"x")
    place().publish(receipt)
    place().publish(receipt)
    place().abort(receipt)


def test_a_bucket_that_vanished(server: str) -> None:
    gone = s3_error(404, "NoSuchBucket")
    operations = ("UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload")
    with connected(server):
        receipt = prepared(b"x")
    rules = [Rule(gone, operation, times=None) for operation in operations]
    with FaultProxy(server, rules) as proxy, connected(proxy.url):
        with pytest.raises(PluginError, match="NoSuchBucket") as caught:
            place().publish(receipt)
        assert not isinstance(caught.value, LostFile)
        with pytest.raises(PluginError, match="NoSuchBucket"):
            prepared(b"x")
        place().abort(receipt)
    with connected(server):
        place().abort(receipt)
        none = s3_place("s3://no-such-bucket/x")
        for call in (lambda: none.create("x", OWNER), lambda: list(none.unfinished(OWNER))):
            with pytest.raises(PluginError, match="NoSuchBucket") as named:
                call()
            assert "check the bucket's name" in str(named.value.hint)


def test_no_room_for_parts(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(server):
        pending = place().create(NAME, OWNER)
        monkeypatch.setattr("tempfile.tempdir", "/dev/null/none")
        with pytest.raises(PluginError, match="/dev/null/none") as caught:
            pending.write(b"x")
        pending.abort()
    assert "TMPDIR" in str(caught.value.hint)


@pytest.mark.parametrize("url", ["s3://", "s3:///x", "/tmp/x", "s3://arn:aws:s3:::b/x"])
def test_wrong_urls(url: str) -> None:
    with pytest.raises(UsageError):
        s3_place(url)
