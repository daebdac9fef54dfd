"""`vpcflow` as a program: exit codes, errors, help, and life without its extra."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner
from lines import DEFAULT_LINE

from vpcflow.cli.app import cli

COMMANDS = ["read", "fields", "format", "bench"]


def vpcflow(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vpcflow", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_has_an_example(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert f"vpcflow {command}" in result.stdout.split("Example", 1)[1]


def test_help_lists_the_commands() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert all(f"  {command} " in result.stdout for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["read"],
        ["read", "--nothing", "x"],
        ["read", "--limit", "-1", "x"],
        ["read", "--where", "bytes", "x"],
        ["read", "--since", "soon", "x"],
        ["read", "--columns", ",", "x"],
        ["read", "--columns", "bytes,bytes", "x"],
        ["read", "--format", "${nothing}", "x"],
        ["read", "--json", "--output", "csv", "x"],
        ["read", "nowhere://bucket"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert result.stdout == ""


def test_input_that_fails_exits_with_1(tmp_path: Path) -> None:
    for source in (tmp_path / "missing.log", tmp_path):
        result = CliRunner().invoke(cli, ["read", str(source)])
        assert result.exit_code == 1
        assert str(source) in result.stderr


def test_errors_never_bring_a_traceback_or_a_control_character(tmp_path: Path) -> None:
    result = vpcflow("read", str(tmp_path / "\x1b[2Jmissing"))
    assert result.returncode == 1
    assert "\\x1b[2Jmissing" in result.stderr
    assert "Traceback" not in result.stderr
    result = vpcflow("read", "--\x1b[2J")
    assert result.returncode == 2
    assert "\x1b" not in result.stderr


def test_ctrl_c_exits_with_130_and_no_traceback() -> None:
    command = [sys.executable, "-m", "vpcflow", "read", "-"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        lines = (DEFAULT_LINE + b"\n") * 50_000
        writer = threading.Thread(target=_write, args=(process.stdin, lines))
        writer.start()
        process.stdout.read(1)  # it is at work, and waits for more
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 130
        writer.join()


def _write(pipe: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):
        pipe.write(data)


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes((DEFAULT_LINE + b"\n") * 50_000)
    command = [sys.executable, "-m", "vpcflow", "read", "--quiet", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def test_a_full_disk_is_an_error() -> None:
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "vpcflow", "fields"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert result.returncode == 1
    assert b"No space left" in result.stderr
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_its_extra_it_says_how_to_get_it(missing: str) -> None:
    code = (
        "import sys, importlib.util as util\n"
        "find = util.find_spec\n"
        f"util.find_spec = lambda name, *rest: None if name == {missing!r} else find(name, *rest)\n"
        f"sys.modules[{missing!r}] = None\n"
        "from vpcflow.cli import main\n"
        "sys.exit(main())"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert "pip install 'vpcflow[cli]'" in result.stderr
    assert result.stdout == ""


def test_a_command_of_a_plugin_that_is_not_in_use_says_which_to_install() -> None:
    command = [sys.executable, "-m", "vpcflow", "diagnose", "logs/"]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "VPCFLOW_BLOCK_PLUGINS": "all"},
    )
    assert result.returncode == 2
    assert "pip install vpcflow-diagnose" in result.stderr
