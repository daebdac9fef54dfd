"""From S3 to S3 by the command line: the README's example, and runs that are killed."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from fault_proxy import CutAfter, Delay, FaultProxy, Rule
from s3_world import connected, make_bucket
from servers import environment, moto, rclone_s3

PLUGIN = Path(__file__).parents[1]
SECTION = (PLUGIN / "README.md").read_text().partition("\n## S3\n")[2].partition("\n## ")[0]
SAMPLES = PLUGIN.parents[1] / "tests/data/samples"
HEADER = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
HEADER += "start end action log-status"


@pytest.fixture(scope="module", params=["moto", "rclone"])
def server(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[str]:
    root: Path = tmp_path_factory.mktemp("rclone")
    with moto() if request.param == "moto" else rclone_s3(root) as url:
        yield url


def command(url: str) -> dict[str, str]:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **environment(url), "PATH": programs}


def delivered(s3: Any, bucket: str) -> list[dict[str, Any]]:
    rows = []
    for found in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
        text = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
        rows += [json.loads(line) for line in text.splitlines()]
    return rows


PERMISSIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListParts": "s3:ListMultipartUploadParts",
    "DeleteObject": "s3:DeleteObject",
}
"""https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html"""


def test_the_permissions_of_the_readme_are_all_and_no_more() -> None:
    sources = (path.read_text() for path in (PLUGIN / "src/vpcflow_aws").glob("s3_*.py"))
    calls = set(re.findall(r"_?client\.(\w+)\(|_patient\.(\w+)\(", "".join(sources)))
    asked = {name for pair in calls for name in pair if name}
    known = {xform_name(name): name for name in PERMISSIONS}
    assert asked == set(known)
    granted = set(re.findall(r'"(s3:\w+)"', SECTION))
    assert granted == {PERMISSIONS[known[name]] for name in asked}


def test_the_example_of_the_readme(server: str, tmp_path: Path) -> None:
    [script] = re.findall(r"<!-- example: run by tests -->\n```sh\n(.*?)```", SECTION, re.DOTALL)
    with connected(server) as s3:
        for bucket in ("flow-logs", "flow-lake"):
            make_bucket(s3, bucket)
        for path in SAMPLES.glob("AWSLogs/**/*.gz"):
            key = path.relative_to(SAMPLES).as_posix()
            s3.put_object(Bucket="flow-logs", Key=key, Body=path.read_bytes())
        for _ in range(2):
            subprocess.run(
                ["sh", "-ec", script], cwd=tmp_path, env=command(server), timeout=120, check=True
            )
        lines = [
            line
            for path in SAMPLES.glob("AWSLogs/**/*.gz")
            for line in gzip.decompress(path.read_bytes()).decode().splitlines()
            if not line.startswith("version")
        ]
        assert len(delivered(s3, "flow-lake")) == len(lines)
        keys = [f["Key"] for f in s3.list_objects_v2(Bucket="flow-lake")["Contents"]]
        assert all(re.match(r"flows/account_id=\d+/date=2026-09-14/", key) for key in keys)
    rejected = (tmp_path / "rejected.csv").read_text().splitlines()
    assert len(rejected) == 1 + sum(" REJECT " in line for line in lines)


STOPS: list[Callable[[], Rule]] = [
    lambda: Rule(Delay(60), "UploadPart", after=1),
    lambda: Rule(Delay(60), "CompleteMultipartUpload"),
    lambda: Rule(Delay(60), "CompleteMultipartUpload", after=1),
    lambda: Rule(CutAfter(), "CompleteMultipartUpload", times=None),
]
"""Where the run is when it is killed: in the last case after S3 has done what it was asked for."""


@pytest.mark.parametrize("number", range(len(STOPS)))
def test_a_run_that_is_killed_delivers_each_record_once(
    server: str, tmp_path: Path, number: int
) -> None:
    bucket = f"killed-{number}"
    arguments = [sys.executable, "-m", "vpcflow", "run", f"s3://{bucket}-logs/", "--quiet"]
    arguments += ["--to", f"jsonl:s3://{bucket}/flows?size=200000", "--state", "state.db"]
    wanted = Counter()
    with connected(server) as s3:
        make_bucket(s3, bucket)
        make_bucket(s3, f"{bucket}-logs")
        for file in range(3):
            lines = [HEADER]
            for _ in range(1500):
                octets = random.Random(f"{file} {len(lines)}").getrandbits(30)
                lines.append(
                    f"2 123456789010 eni-0a 10.0.0.1 10.0.0.2 4711 443 6 20 {octets} "
                    "1757844000 1757844060 ACCEPT OK"
                )
                wanted[octets] += 1
            packed = gzip.compress("\n".join(lines).encode())
            s3.put_object(Bucket=f"{bucket}-logs", Key=f"{file}.log.gz", Body=packed)
    with FaultProxy(server, [STOPS[number]()]) as proxy:
        with subprocess.Popen(arguments, cwd=tmp_path, env=command(proxy.url)) as run:
            for _ in range(600):
                if any(request.fault for request in proxy.requests) or run.poll() is not None:
                    break
                try:
                    run.wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
            run.send_signal(signal.SIGKILL)
        assert any(request.fault for request in proxy.requests)
    with connected(server) as s3:
        subprocess.run(arguments, cwd=tmp_path, env=command(server), timeout=120, check=True)
        seen = Counter(row["bytes"] for row in delivered(s3, bucket))
        assert seen == wanted
        assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
