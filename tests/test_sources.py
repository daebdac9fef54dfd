"""Sources: whatever a user names becomes a list of named streams, or an error that helps."""

from __future__ import annotations

import array
import gzip
import io
import mmap
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.containers import unwrap
from vpcflow.errors import ContainerError, InputError, UsageError
from vpcflow.selection import Selection
from vpcflow.sources import BytesFile, LocalFile, OpenFile, SourceFile, flow_log_id, resolve

AWS_NAME = "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz"


@pytest.fixture(autouse=True)
def _in_a_tree(tmp_path, monkeypatch):
    """The working directory holds logs/, with what one finds beside logs."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "logs/2024/01/b.log.gz",
        "logs/2024/01/a.log.gz",
        "logs/2024-x/c.log",
        "logs/d.log",
        "logs/.hidden",
        "logs/.git/config",
        "logs/_SUCCESS",
        "logs/_temporary/part",
        "logs/export/aws-logs-write-test",
        "logs/odd[1].log",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(name.encode())
    Path("empty").mkdir()


LOGS = [
    "logs/2024-x/c.log",
    "logs/2024/01/a.log.gz",
    "logs/2024/01/b.log.gz",
    "logs/d.log",
    "logs/odd[1].log",
]


def names(*sources: object) -> list[str]:
    return [file.name for file in resolve(sources)]


def test_a_directory_is_all_files_below_it_in_order_without_what_are_no_logs():
    assert names("logs") == LOGS
    assert names(Path("logs")) == LOGS
    assert names("logs/2024") == ["logs/2024/01/a.log.gz", "logs/2024/01/b.log.gz"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("logs/*.log", ["logs/d.log", "logs/odd[1].log"]),
        ("logs/**/*.gz", ["logs/2024/01/a.log.gz", "logs/2024/01/b.log.gz"]),
        ("logs/**", LOGS),
        ("logs/2024*", LOGS[:3]),
        ("logs/2024/0?/[ab].log.gz", LOGS[1:3]),
        ("logs/.hid*", []),
        ("logs/_*", []),
        ("logs/_temporary/*", ["logs/_temporary/part"]),
        ("logs/*/aws-logs-write-test", ["logs/export/aws-logs-write-test"]),
    ],
)
def test_a_glob_is_its_files_in_order(pattern, expected):
    if expected:
        assert names(pattern) == expected
    else:
        with pytest.raises(InputError, match="no file matches the pattern"):
            resolve([pattern])


def test_a_path_with_glob_characters_that_exists_is_that_path():
    assert names("logs/odd[1].log") == ["logs/odd[1].log"]


def test_sources_keep_their_order_and_repetitions():
    assert names("logs/d.log", "logs/2024", "logs/d.log") == [
        "logs/d.log",
        *LOGS[1:3],
        "logs/d.log",
    ]


def test_links_are_followed_and_loops_end():
    Path("elsewhere").mkdir()
    Path("elsewhere/e.log").write_bytes(b"")
    Path("logs/link").symlink_to(Path("elsewhere").resolve())
    Path("logs/2024/loop").symlink_to(Path("logs").resolve())
    Path("logs/broken").symlink_to("nowhere")
    assert sorted({*names("logs"), "logs/link/e.log"}) == sorted([*LOGS, "logs/link/e.log"])
    assert len(names("logs")) == len(LOGS) + 1


# what is not there


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("logs/2024/02/x.log", "logs/2024 exists, and has no '02'"),
        ("logs/2024/01/a.log", "logs/2024/01 exists, and has no 'a.log'; did you mean 'a.log.gz'?"),
        ("lgos", "exists, and has no 'lgos'; did you mean 'logs'?"),
        ("logs/zzzzzz", "logs exists, and has no 'zzzzzz'"),
        ("logs/d.log/x", "logs/d.log is a file, not a directory"),
        ("/nowhere-at-all/x", "/ exists, and has no 'nowhere-at-all'"),
        ("nowhere/*.gz", "exists, and has no 'nowhere'"),
    ],
)
def test_a_missing_path_names_how_much_of_it_is_there(path, hint):
    with pytest.raises(InputError) as caught:
        resolve([path])
    assert hint in caught.value.hint
    assert caught.value.source in (path, "nowhere/")


def test_a_directory_without_logs_says_so_and_what_was_passed_over():
    with pytest.raises(InputError, match="empty: the directory holds no log files"):
        resolve(["empty"])
    Path("empty/_SUCCESS").write_bytes(b"")
    with pytest.raises(InputError, match="names such as '_SUCCESS' are passed over"):
        resolve([Path("empty")])


def test_a_glob_without_files_says_where_it_looked():
    with pytest.raises(InputError, match=r"logs/\*\.csv: no file matches.*\n.*looked for in logs/"):
        resolve(["logs/*.csv"])
    with pytest.raises(InputError, match="looked for in the current directory, /"):
        resolve(["*.csv"])


def refused(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_what_may_not_be_read_says_so(monkeypatch):
    file = LocalFile("logs/d.log")
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refused)
        with pytest.raises(InputError, match=r"logs/d\.log: permission denied"):
            file.open()
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)
        with pytest.raises(InputError, match=r"logs/d\.log: permission denied"):
            resolve(["logs/d.log"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refused)
        with pytest.raises(InputError, match="logs: permission denied"):
            resolve(["logs"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", refused)
        with pytest.raises(InputError, match=r"logs/d\.log: permission denied"):
            LocalFile("logs/d.log")


def test_a_file_that_vanishes_after_it_was_listed_is_an_input_error():
    file = resolve(["logs/d.log"])[0]
    Path("logs/d.log").unlink()
    with pytest.raises(InputError, match="no such file"):
        file.open()


# what is no source


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("gopher://x", "(?s)registered for the scheme gopher://.*a plugin registers schemes"),
        ("file://server/share/x", "a file of the host 'server'"),
        ("", "'' is not a path"),
        ("a\0b", "is not a path"),
        (5, "a int is not a source"),
        (None, "a NoneType is not a source"),
        (["logs"], r"(?s)a list is not a source.*scan\(\*paths\)"),
        (io.StringIO("text"), '(?s)<StringIO> is open as text.*mode "rb"'),
    ],
)
def test_what_is_no_source_is_a_usage_error(source, what):
    with pytest.raises(UsageError, match=what):
        resolve([source])


def test_no_source_at_all_is_a_usage_error():
    with pytest.raises(UsageError, match="no source was given"):
        resolve([])


def test_a_file_open_as_text_or_closed_is_a_usage_error():
    with (
        Path("logs/d.log").open() as text,
        pytest.raises(UsageError, match="is open as text"),
    ):
        resolve([text])
    with pytest.raises(UsageError, match="is open as text"):
        resolve([text])
    stream = io.BytesIO()
    stream.close()
    with pytest.raises(UsageError, match="<BytesIO> is closed"):
        resolve([stream])


# URLs


def test_file_urls_are_local_paths(tmp_path):
    Path("with space.log").write_bytes(b"x")
    assert names(f"file://{tmp_path}/with%20space.log") == [f"{tmp_path}/with space.log"]
    assert names(f"FILE://localhost{tmp_path}/logs/d.log") == [f"{tmp_path}/logs/d.log"]
    assert names(f"file://{tmp_path}/logs/*.log") == [
        f"{tmp_path}/logs/d.log",
        f"{tmp_path}/logs/odd[1].log",
    ]


def test_a_registered_scheme_is_opened_by_whoever_registered_it():
    asked = []

    class Source:
        def files(self, url, selection):
            asked.append((url, selection))
            yield BytesFile(f"{url}/1", b"one")
            yield LocalFile("logs/d.log")

    wanted = Selection(accounts="123456789012")
    files = resolve(
        ["mem://x", "logs/2024-x"], find={"mem": Source()}.__getitem__, selection=wanted
    )
    assert [file.name for file in files] == ["mem://x/1", "logs/d.log", "logs/2024-x/c.log"]
    assert asked == [("mem://x", wanted)]


def test_files_that_are_not_selected_are_left_out_unless_they_are_named():
    def name(account):
        return f"logs/{account}_vpcflowlogs_eu-west-1_fl-0a_20260914T1000Z_abc.log.gz"

    for account in ("111111111111", "222222222222"):
        Path(name(account)).write_bytes(b"x")
    wanted = Selection(accounts="111111111111")
    chosen = {file.name for file in resolve(["logs"], selection=wanted)}
    assert name("111111111111") in chosen
    assert name("222222222222") not in chosen
    assert "logs/d.log" in chosen  # its name says nothing
    (named,) = resolve([name("222222222222")], selection=wanted)
    assert named.name == name("222222222222")


# the files


def test_a_local_file_knows_its_size_and_age():
    os.utime("logs/d.log", (1_700_000_000, 1_700_000_000))
    file = LocalFile(Path("logs/d.log"))
    assert (file.name, file.size, file.etag) == ("logs/d.log", len("logs/d.log"), None)
    assert file.modified == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert isinstance(file, SourceFile)
    assert file == LocalFile("logs/d.log")
    assert names(file) == ["logs/d.log"]


@given(offset=st.integers(0, 30), n=st.integers(0, 30))
def test_a_range_is_read_from_files_and_bytes(tmp_path_factory, offset, n):
    data = bytes(range(20))
    path = tmp_path_factory.getbasetemp() / "range"
    path.write_bytes(data)
    for file in (
        LocalFile(path),
        BytesFile("b", data),
        BytesFile("m", memoryview(data)),
        BytesFile("a", bytearray(data)),
    ):
        assert file.read_range(offset, n) == data[offset : offset + n]
        assert file.size == 20
        with file.open() as stream:
            assert stream.read() == data
        assert isinstance(file, SourceFile)


@pytest.mark.parametrize(
    "source",
    [
        b"2 123 x",
        bytearray(b"2 123 x"),
        memoryview(b"2 123 x"),
        memoryview(b"2- -1-2-3- -x")[::2],
        array.array("B", b"2 123 x"),
    ],
)
def test_anything_with_the_buffer_protocol_is_bytes(source):
    (file,) = resolve([source])
    assert (file.name, file.size, file.modified, file.etag) == ("<bytes>", 7, None, None)
    with file.open() as stream:
        assert b"".join(unwrap(stream, source=file.name)) == b"2 123 x"
    with file.open() as again:
        assert again.read() == b"2 123 x"


def test_a_memory_map_is_a_buffer():
    with Path("logs/d.log").open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        (file,) = resolve([mapped])
        assert isinstance(file, BytesFile)
        assert file.open().read() == b"logs/d.log"


def test_a_damaged_gzip_buffer_is_recovered_like_a_file():
    data = gzip.compress(b"2 123 x\n" * 9)[:-8]
    lines = unwrap(BytesFile("b", memoryview(data)).open(), source="b")
    blocks = []
    with pytest.raises(ContainerError, match="truncated"):
        blocks.extend(lines)
    assert b"".join(blocks) == b"2 123 x\n" * 9


def test_sources_without_a_name_are_numbered():
    assert names(b"a", io.BytesIO(), b"b", io.BytesIO(), memoryview(b"c")) == [
        "<bytes>",
        "<BytesIO>",
        "<bytes> #2",
        "<BytesIO> #2",
        "<bytes> #3",
    ]


def test_a_file_object_is_read_once_and_left_open():
    with Path("logs/d.log").open("rb") as stream:
        (file,) = resolve([stream])
        assert (file.name, file.size) == ("logs/d.log", None)
        with unwrap(file.open(), source=file.name) as lines:
            assert b"".join(lines) == b"logs/d.log"
        assert not stream.closed
        with pytest.raises(UsageError, match=r"logs/d\.log can be read only once"):
            file.open()
        with pytest.raises(UsageError, match="from its beginning to its end"):
            file.read_range(0, 1)
        assert isinstance(file, SourceFile)


def test_a_dash_is_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"2 123 x\n")))
    (file,) = resolve(["-"])
    assert file.name == "<stdin>"
    with file.open() as stream:
        assert b"".join(unwrap(stream, source=file.name)) == b"2 123 x\n"
    with pytest.raises(UsageError, match='give "-"'):
        resolve([sys.stdin])
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="no standard input"):
        resolve(["-"])


def test_a_pipe_by_its_path_is_read_once():
    reading, writing = os.pipe()
    os.write(writing, gzip.compress(b"2 123 x\n"))
    os.close(writing)
    (file,) = resolve([f"/dev/fd/{reading}"])
    assert isinstance(file, OpenFile)
    assert file.size is None
    with unwrap(file.open(), source=file.name) as lines:
        assert b"".join(lines) == b"2 123 x\n"
    file.stream.close()
    os.close(reading)


# AWS's names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (AWS_NAME, "fl-1234abcd"),
        (f"s3://b/AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/{AWS_NAME}", "fl-1234abcd"),
        (AWS_NAME.replace("vpcflowlogs", "some-other-service"), "fl-1234abcd"),
        (AWS_NAME.replace(".log.gz", ".log.parquet"), "fl-1234abcd"),
        (AWS_NAME.replace("us-east-1", "us-gov-west-1"), "fl-1234abcd"),
        (AWS_NAME + ".bak", None),
        (AWS_NAME[1:], None),
        (AWS_NAME.replace("fl-", "xx-"), None),
        (f"{AWS_NAME}/other.log", None),
        ("fl-1234abcd.log", None),
        ("", None),
    ],
)
def test_the_flow_log_is_known_by_aws_file_names(name, expected):
    assert flow_log_id(name) == expected
