"""`vpcflow run` and `vpcflow plugins`: three faces of one thing, exit codes, Ctrl-C, full disks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from lines import DEFAULT_LINE

import vpcflow
from vpcflow.bench.generate import write
from vpcflow.cli.app import cli
from vpcflow.pipeline import Pipeline

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
LOGS = str(SAMPLES / "AWSLogs")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["run", *arguments])


def program(*arguments: str, **settings: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "vpcflow", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings
    )


def rows(directory: Path) -> list[str]:
    return sorted(
        line for path in directory.rglob("*.jsonl") for line in path.read_text().splitlines()
    )


def test_flags_toml_and_python_are_the_same(tmp_path: Path) -> None:
    where = ["--where", "action=REJECT", "--where", "dstport=1..1024"]
    by_flags = run(LOGS, "--to", f"jsonl:{tmp_path}/flags/?times=epoch", *where, "--json")
    (tmp_path / "run.toml").write_text(
        f"""
        sources = ["{LOGS}"]
        to = "jsonl:{tmp_path}/toml/?times=epoch"
        where = ["action=REJECT", "dstport=1..1024"]
        """
    )
    by_toml = run("--config", str(tmp_path / "run.toml"), "--json")
    by_python = Pipeline(
        sources=[LOGS],
        to=[f"jsonl:{tmp_path}/python/?times=epoch"],
        where={"action": "REJECT", "dstport": (1, 1025)},
    ).run()
    assert (by_flags.exit_code, by_toml.exit_code, by_python.exit_code) == (0, 0, 0)
    assert rows(tmp_path / "flags") == rows(tmp_path / "toml") == rows(tmp_path / "python")
    assert len(rows(tmp_path / "flags")) == by_python.counts["records"] > 0
    counts = [json.loads(done.stdout)["counts"] for done in (by_flags, by_toml)]
    assert counts == [by_python.counts, by_python.counts]


def test_flags_go_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(f'sources = ["nowhere"]\nto = ["jsonl:{tmp_path}/a/"]\n')
    done = run(LOGS, "--config", str(tmp_path / "run.toml"), "--to", f"jsonl:{tmp_path}/b/")
    assert done.exit_code == 0
    assert rows(tmp_path / "b")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soruces = ['x']", "soruces is no setting of vpcflow run"),
        ("sources = 5", "sources is 5, and takes a list of texts"),
        ("threads = 'two'", "threads is 'two', and takes a number"),
        ("threads = 0", "threads is 0, and takes a number from 1 on"),
        ("state = ['a']", "state is ['a'], and takes a text"),
        ("on-enricher-error = 'skip'", "takes 'fail' or 'null'"),
        ("sources = [", "is not TOML"),
    ],
)
def test_a_setting_that_is_none_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "run.toml").write_text(text)
    done = run("--config", str(tmp_path / "run.toml"), LOGS, "--to", "null:")
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr.replace("\n  ", " ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "null:"], "no source was given"),
        ([LOGS], "no target was given"),
        ([LOGS, "--to", "jsonl:-", "--json"], "both want standard output"),
        ([LOGS, "--to", "parket:x"], "did you mean 'parquet'?"),
        ([LOGS, "--to", "null:", "--enrich", "goip=x"], "did you mean 'geoip'?"),
        ([LOGS, "--to", "null:x"], "null: has no target"),
        ([LOGS, "--to", "jsonl:x/?size=5&size=6"], "given twice"),
        ([LOGS, "--to", "jsonl:x/?partition=acton"], "did you mean 'action'?"),
        (
            [LOGS, "--to", "null:", "--state", "s", "--since", "2h"],
            "--since 2h means other records",
        ),
        ([LOGS, "--to", "null:", "--config", "nowhere.toml"], "No such file"),
        ([LOGS, "--to", "null:", "--max-rejects", "many"], "not a number of lines"),
        ([LOGS, "--to", "sftp:x"], "there is no sink 'sftp'"),
        ([LOGS, "--to", "jsonl:sftp://x/y"], "there is no place 'sftp'"),
    ],
)
def test_wrong_usage_exits_with_2(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_records_to_standard_output(tmp_path: Path) -> None:
    done = run(LOGS, "--to", "jsonl:-", "--columns", "srcaddr,bytes")
    with vpcflow.scan(LOGS, columns=["srcaddr", "bytes"]) as stream:
        wanted = b"".join(batch.to_jsonl() for batch in stream)
    assert done.stdout_bytes == wanted
    assert "jsonl:-" in done.stderr


def test_the_report_says_what_was_set_aside_and_what_is_damaged(tmp_path: Path) -> None:
    text = tmp_path / "a.log"
    text.write_bytes(b"version srcaddr\n2 10.0.0.1\nbad \x1b[31m line")
    assumed = tmp_path / "b.log"
    assumed.write_bytes(DEFAULT_LINE)
    inputs = [str(text), str(assumed), str(SAMPLES / "damaged.log.gz")]
    done = run(*inputs, "--to", "null:", "--rejects", str(tmp_path / "r.jsonl"))
    said = done.stderr
    assert done.exit_code == 1
    assert "rejected: " in said
    assert "too-many-fields 1" in said
    assert str(tmp_path / "r.jsonl") in said.replace("\n  ", "")
    assert "damaged: " in said
    assert "ASSUMED" in said
    assert "\x1b" not in said + (tmp_path / "r.jsonl").read_text()


def test_a_report_for_programs(tmp_path: Path) -> None:
    done = run(LOGS, str(SAMPLES / "damaged.log.gz"), "--to", "null:", "--json")
    report = json.loads(done.stdout)
    assert done.exit_code == report["exit_code"] == 1
    assert report["delivered"] == {"null:": report["counts"]["records"]}
    assert list(report["damaged"]) == [str(SAMPLES / "damaged.log.gz")]


def test_max_rejects_exits_with_3() -> None:
    path = str(SAMPLES / "bad-lines.log")
    assert run(path, "--to", "null:", "--max-rejects", "1").exit_code == 3
    assert run(path, "--to", "null:", "--max-rejects", "90%").exit_code == 0


# ---- a real process ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("large")
    for number in range(4):
        write(directory / f"{number}.log.gz", lines=60_000, seed=number)
    return directory


def test_ctrl_c_ends_with_a_checkpoint_and_the_next_run_goes_on(
    large: Path, tmp_path: Path
) -> None:
    arguments = [
        *("run", str(large), "--to", f"jsonl:{tmp_path}/out/?size=200kB&partition=action"),
        *("--state", str(tmp_path / "state.db"), "--threads", "1"),
    ]
    began = program(*arguments)
    while not list((tmp_path / "out").rglob("*.jsonl")):  # until the first checkpoint
        assert began.poll() is None
        time.sleep(0.005)
    began.send_signal(signal.SIGINT)
    _, said = began.communicate(timeout=60)
    if began.returncode != 0:  # it may have been through before the signal came
        assert began.returncode == 130, said
        assert "stopped by Ctrl-C" in said
        assert "goes on from here" in said
    assert not list((tmp_path / "out").rglob(".*"))
    ended = program(*arguments)
    _, said = ended.communicate(timeout=60)
    assert ended.returncode == 0, said
    assert len(rows(tmp_path / "out")) == 240_000


def in_small_room(command: list[str], mounted: Path, size: str) -> subprocess.CompletedProcess[str]:
    """Run a program with a file system of `size` at `mounted`, in a mount namespace of its own."""
    mounted.mkdir(exist_ok=True)
    script = f'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"'
    return subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script, str(mounted), *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_full_disk_is_a_clear_error_and_the_state_goes_on(large: Path, tmp_path: Path) -> None:
    room = tmp_path / "room"
    command = [sys.executable, "-m", "vpcflow", "run", str(large)]
    command += ["--to", f"jsonl:{room}/out/?size=2MB", "--state", str(tmp_path / "state.db")]
    full = in_small_room(command, room, "9m")
    assert full.returncode == 1
    assert "No space left on device" in full.stderr
    assert "free some space and run again" in full.stderr
    state = tmp_path / "state.db"
    before = state.stat().st_size
    # what was visible went with the little file system; what the state covers is not read again
    ended = in_small_room([*command, "--json"], room, "900m")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["counts"]["records"] == 240_000
    assert report["delivered"][f"jsonl:{room}/out/"] == 240_000
    assert before > 0


def test_a_read_only_target_is_a_clear_error(large: Path, tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    script = 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"'
    command = [sys.executable, "-m", "vpcflow", "run", str(large), "--to", f"jsonl:{room}/out/"]
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script, str(room), *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


# ---- plugins -------------------------------------------------------------------------------------


def test_plugins_lists_what_is_loaded_and_from_where() -> None:
    done = program("plugins", "--json")
    out, said = done.communicate(timeout=60)
    found = json.loads(out)
    assert done.returncode == 0, said
    by_name = {plugin["name"]: plugin for plugin in found["loaded"]}
    assert {"vpcflow", "aws", "parquet", "avro", "geoip"} <= set(by_name)
    assert by_name["parquet"]["location"].endswith("plugin.py")
    assert by_name["parquet"]["version"]
    assert "vpcflow_register_sinks" in by_name["parquet"]["hooks"]
    assert found["registered"]["sink"]["firehose"] == "vpcflow-aws"
    assert found["failed"] == []


def broken_plugin(directory: Path, body: str) -> dict[str, str]:
    """An installed distribution `acme` whose plugin is `body`; the environment that finds it."""
    info = directory / "acme-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[vpcflow]\nacme = acme_plugin\n")
    (directory / "acme_plugin.py").write_text(body)
    import os

    return os.environ | {"PYTHONPATH": str(directory)}


def test_a_plugin_that_cannot_be_loaded_is_shown_with_the_reason(tmp_path: Path) -> None:
    environment = broken_plugin(tmp_path, "import no_such_module\n")
    done = program("plugins", env=environment)
    out, said = done.communicate(timeout=60)
    assert done.returncode == 1
    assert "acme 1.2: failed" in out
    assert "No module named 'no_such_module'" in out
    assert said.count("Warning:") == 1
    blocked = program("plugins", env=environment | {"VPCFLOW_BLOCK_PLUGINS": "acme"})
    out, said = blocked.communicate(timeout=60)
    assert (blocked.returncode, said) == (0, "")
    assert "acme 1.2: blocked" in out


def test_two_registrations_of_one_name_are_refused(tmp_path: Path) -> None:
    body = """
from vpcflow.hookspecs import hookimpl

@hookimpl
def vpcflow_register_sinks(register):
    register("jsonl", lambda target, options: None)
"""
    environment = broken_plugin(tmp_path, body)
    done = program("plugins", env=environment)
    out, _ = done.communicate(timeout=60)
    assert done.returncode == 1
    assert "registered twice" in out
    assert "acme" in out
    ran = program("run", LOGS, "--to", "null:", env=environment)
    _, said = ran.communicate(timeout=60)
    assert ran.returncode == 1
    assert "VPCFLOW_BLOCK_PLUGINS=acme" in said


def test_what_was_delivered_is_read_back_and_explained(tmp_path: Path) -> None:
    """Files of columns are for `read` and `format` what files of lines are."""
    run(LOGS, "--to", f"parquet:{tmp_path}/out/", "--where", "action=REJECT")
    (path,) = (tmp_path / "out").glob("*.parquet")
    explained = CliRunner().invoke(cli, ["format", str(path)])
    assert explained.exit_code == 0
    assert "holds   parquet" in explained.stdout
    assert "VPC default (14 fields)" in explained.stdout
    read = CliRunner().invoke(cli, ["read", str(tmp_path / "out"), "--output", "jsonl"])
    with vpcflow.scan(LOGS, where={"action": "REJECT"}) as stream:
        assert read.stdout_bytes == b"".join(batch.to_jsonl() for batch in stream)
