"""Sources: paths, globs, directories, stdin, bytes, file objects -> named byte streams."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from vpcflow.errors import InputError, UsageError, printable
from vpcflow.selection import EVERYTHING, Selection, facts_of
from vpcflow.source_files import (
    BytesFile,
    LocalFile,
    OpenFile,
    Source,
    SourceFile,
    missing,
    unreadable,
)

__all__ = ["BytesFile", "LocalFile", "OpenFile", "Source", "SourceFile", "flow_log_id", "resolve"]

FindSource = Callable[[str], Source]
"""From a URL's scheme to what a plugin registered for it; UsageError if none did."""


def _no_source(scheme: str) -> Source:
    raise UsageError(
        f"no source is registered for the scheme {scheme}://", hint="a plugin registers schemes"
    )


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_WILDCARD = re.compile(r"[*?\[]")
_TEST_OBJECT = "aws-logs-write-test"  # CloudWatch Logs tries with it whether it may export


def resolve(
    sources: Sequence[object],
    *,
    find: FindSource = _no_source,
    selection: Selection = EVERYTHING,
) -> list[SourceFile]:
    """Everything that `sources` name, in their order.

    A source is a path, a glob (`**` for any depth), a directory (all files below it), "-" for
    standard input, a URL with the scheme `file` or one that `find` knows, anything with the buffer
    protocol, a binary file object, or a `SourceFile`. Directories and globs give their files
    sorted by path, without names that begin with a dot or underscore and the test object that
    CloudWatch Logs leaves behind. Of what directories, globs and URLs give, files that `selection`
    does not want are left out.

    Raises InputError for a path that is missing or unreadable and a directory or glob without
    files, UsageError for what is no source at all.
    """
    if not sources:
        raise UsageError("no source was given", hint='name a file, directory or glob, or "-"')
    names: Counter[str] = Counter()
    files: list[SourceFile] = []
    for source in sources:
        for file in _resolve(source, find, selection):
            if isinstance(file, BytesFile | OpenFile):  # their names are not their own
                names[file.name] += 1
                if names[file.name] > 1:
                    file = _renamed(file, f"{file.name} #{names[file.name]}")
            files.append(file)
    return files


def flow_log_id(name: str) -> str | None:
    """The flow log (`fl-...`) that a file belongs to, where AWS's file name tells it.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
    """
    facts = facts_of(name)
    return facts.flow_log if facts else None


def _resolve(source: object, find: FindSource, selection: Selection) -> Sequence[SourceFile]:
    if isinstance(source, str):
        return _named(source, find, selection)
    if isinstance(source, os.PathLike):
        return _local(os.fsdecode(source), selection)
    if isinstance(source, SourceFile):
        return [source]
    if _is_buffer(source):
        return [BytesFile("<bytes>", source)]
    if hasattr(source, "read"):
        return [_stream(source)]
    hint = "paths, globs, URLs, bytes and binary file objects are"
    if isinstance(source, list | tuple | set):
        hint = "give its items one by one: scan(*paths)"
    raise UsageError(f"a {type(source).__name__} is not a source", hint=hint)


def _named(source: str, find: FindSource, selection: Selection) -> Sequence[SourceFile]:
    if source == "-":
        if sys.stdin is None:
            raise UsageError("there is no standard input to read")
        return [OpenFile("<stdin>", getattr(sys.stdin, "buffer", sys.stdin))]
    url = _SCHEME.match(source)
    if not url:
        return _local(source, selection)
    scheme = url.group(1).lower()
    if scheme == "file":
        return _local(_path_of(source), selection)
    files = list(find(scheme).files(source, selection))
    # a single one may be wanted because it was named; its source has left out what is not
    return files if len(files) == 1 else _wanted(files, selection)


def _wanted(files: Sequence[SourceFile], selection: Selection) -> Sequence[SourceFile]:
    return [file for file in files if selection.wants(file.name)]


def _path_of(url: str) -> str:
    from urllib.parse import unquote

    host, slash, path = url[len("file://") :].partition("/")
    if host not in ("", "localhost") or not slash:
        raise UsageError(
            f"{printable(url)} names a file of the host {host!r}",
            hint="a local file is file:///path, with three slashes",
        )
    return "/" + unquote(path)


def _local(path: str, selection: Selection) -> Sequence[SourceFile]:
    """A file that is named is wanted; of those in a directory, the ones that are selected."""
    if not path or "\0" in path:
        raise UsageError(f"{path!r} is not a path")
    if _WILDCARD.search(path) and not os.path.exists(path):
        return _wanted(_matching(path), selection)
    file = LocalFile(path)
    if os.path.isdir(path):
        return _wanted(_below(path), selection)
    if not os.access(path, os.R_OK):
        raise unreadable(path, PermissionError())
    if os.path.isfile(path):
        return [file]
    return [OpenFile(path, file.open())]  # a pipe or device: what was read is gone


def _below(directory: str) -> list[SourceFile]:
    passed_over: list[str] = []
    paths = sorted(_walk(directory, passed_over, set()))
    if not paths:
        such_as = f"names such as {passed_over[0]!r} are passed over" if passed_over else None
        raise InputError("the directory holds no log files", source=directory, hint=such_as)
    return [LocalFile(path) for path in paths]


def _walk(directory: str, passed_over: list[str], seen: set[tuple[int, int]]) -> Iterator[str]:
    """All files below `directory`. Links are followed, but into no directory twice."""
    try:
        status = os.stat(directory)
        entries = list(os.scandir(directory))
    except OSError as error:
        raise unreadable(directory, error) from error
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in entries:
        if _is_passed_over(entry.name):
            passed_over.append(entry.name)
        elif entry.is_dir():
            yield from _walk(entry.path, passed_over, seen)
        elif entry.is_file():
            yield entry.path


def _matching(pattern: str) -> list[SourceFile]:
    from glob import glob

    spelt_out = set(pattern.split("/"))
    paths: set[str] = set()
    for path in glob(pattern, recursive=True):
        if any(_is_passed_over(part) for part in path.split("/") if part not in spelt_out):
            continue
        if os.path.isfile(path):
            paths.add(path)
        elif os.path.isdir(path) and "**" not in pattern:
            paths.update(_walk(path, [], set()))
    if paths:
        return [LocalFile(path) for path in sorted(paths)]
    fixed = pattern[: pattern.rfind("/", 0, _first_wildcard(pattern)) + 1]
    if fixed and not os.path.exists(fixed):
        raise missing(fixed)
    where = fixed or f"the current directory, {os.getcwd()}"
    raise InputError(
        "no file matches the pattern", source=pattern, hint=f"it was looked for in {where}"
    )


def _first_wildcard(pattern: str) -> int:
    found = _WILDCARD.search(pattern)
    return found.start() if found else len(pattern)


def _is_passed_over(name: str) -> bool:
    return name.startswith((".", "_")) or name == _TEST_OBJECT


def _is_buffer(source: object) -> bool:
    try:
        memoryview(source)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


def _stream(source: Any) -> OpenFile:
    name = getattr(source, "name", None)
    name = name if isinstance(name, str) else f"<{type(source).__name__}>"
    if hasattr(source, "encoding"):  # as io.TextIOBase and its likes have it
        mend = '"-"' if source is sys.stdin else 'the file opened with mode "rb"'
        raise UsageError(f"{name} is open as text, and logs are bytes", hint=f"give {mend}")
    if getattr(source, "closed", False):
        raise UsageError(f"{name} is closed")
    return OpenFile(name, source)


def _renamed(file: BytesFile | OpenFile, name: str) -> BytesFile | OpenFile:
    if isinstance(file, BytesFile):
        return BytesFile(name, file.data)
    return OpenFile(name, file.stream)
