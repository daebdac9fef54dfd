"""Taking a snapshot: fetch what `inventory_calls` lists, and write it down.

Files have the shape that `aws ... --output json` prints: the lists of all pages together, times as
ISO 8601. Each is written beside its place and then renamed. What permissions do not allow is said
and left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
)

from vpcflow.errors import PluginError, printable
from vpcflow_aws.inventory import ABOUT, FILES, FOLDERS
from vpcflow_aws.inventory_calls import CALLS, EACH, Call, EachCall
from vpcflow_aws.inventory_items import Json, parts, text
from vpcflow_aws.session import client, code_of, explained

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "OptInRequired",
}
_BAD_CREDENTIALS = {
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "ExpiredToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
}
_WORKERS = 8


@frozen
class Written:
    """A file of a snapshot. items: entries in its list."""

    file: str
    items: int


@frozen
class Missing:
    """A file that could not be made. permission: what it takes. denied: and that is why."""

    file: str
    permission: str
    reason: str
    denied: bool


@define
class Taken:
    """What a snapshot came to. removed: files of an earlier snapshot in the same directory that
    this one could not renew."""

    directory: Path
    account: str | None
    region: str
    time: datetime
    written: list[Written] = field(factory=list)
    missing: list[Missing] = field(factory=list)
    removed: list[str] = field(factory=list)


def take(directory: Path, region: str, time: datetime) -> Taken:
    """Fetch all that is allowed into a directory, which is made.

    time: aware, written down as the snapshot's. Raises PluginError for credentials that are missing
    or wrong, and if nothing at all could be fetched; then nothing is written.
    """
    taken = Taken(directory, _account(region), region, time)
    services = sorted({call.service for call in (*CALLS, *EACH)})
    clients = {service: client(service, region_name=region) for service in services}
    with ThreadPoolExecutor(_WORKERS) as pool:
        answers = dict(zip(CALLS, pool.map(partial(_fetch, clients), CALLS), strict=True))
        if all(isinstance(answer, Exception) for answer in answers.values()):
            raise _nothing(answers, region)
        renewing = (directory / ABOUT).is_file()
        _write(directory / ABOUT, _about(taken, complete=False))
        for call, answer in answers.items():
            _keep(taken, call.file, call, answer)
        for each in EACH:
            source = next(a for c, a in answers.items() if c.file == each.of)
            _take_each(taken, each, source, partial(pool.map, partial(_fetch_one, clients, each)))
    if renewing:  # whatever else is in other directories, no snapshot of ours has put it there
        _remove_what_is_not_renewed(taken)
    _write(directory / ABOUT, _about(taken, complete=True))
    return taken


def _take_each(
    taken: Taken,
    each: EachCall,
    source: Json | Exception,
    fetch: Callable[[Iterable[str]], Iterable[Json | Exception]],
) -> None:
    """A file for each entry of `source`, the answer to another call."""
    if isinstance(source, Exception):
        reason = f"needs {each.of}, which is missing"
        taken.missing.append(Missing(each.folder, each.permission, reason, False))
        return
    wanted = _wanted(each, parts(source, FILES[each.of]))
    for name, answer in zip(wanted, fetch(wanted.values()), strict=True):
        _keep(taken, f"{each.folder}/{name}.json", each, answer)


def _account(region: str) -> str | None:
    """Whose credentials these are; None where that cannot be asked."""
    try:
        return str(client("sts", region_name=region).get_caller_identity()["Account"])
    except (NoCredentialsError, CredentialRetrievalError) as error:
        raise _explained(error, region) from error
    except (ClientError, BotoCoreError) as error:
        if code_of(error) in _BAD_CREDENTIALS:
            raise _explained(error, region) from error
        return None


def _fetch(clients: Mapping[str, Any], call: Call) -> Json | Exception:
    aws = clients[call.service]
    operation = aws.meta.method_to_api_mapping[call.operation]
    known = aws.meta.service_model.operation_model(operation).input_shape.members
    options = {name: value for name, value in call.options.items() if name in known}
    return _pages(aws, call.operation, call.key, options)


def _fetch_one(clients: Mapping[str, Any], call: EachCall, id_: str) -> Json | Exception:
    return _pages(clients[call.service], call.operation, call.key, {call.parameter: id_})


def _pages(aws: Any, operation: str, key: str, options: Mapping[str, Any]) -> Json | Exception:
    """The list of all pages, under its name."""
    try:
        if not aws.can_paginate(operation):
            return {key: getattr(aws, operation)(**options).get(key, [])}
        pages = aws.get_paginator(operation).paginate(**options)
        return {key: [item for page in pages for item in page.get(key, [])]}
    except (ClientError, BotoCoreError) as error:
        return error


def _wanted(call: EachCall, entries: Iterable[Json]) -> dict[str, str]:
    """Ids by file name. A name that AWS could not have given never becomes a path."""
    found = {}
    for entry in entries:
        name, id_ = text(entry, call.name_key), text(entry, call.id_key)
        if name is not None and id_ is not None and call.name.fullmatch(name):
            found[name] = id_
    return found


def _keep(taken: Taken, file: str, call: Call | EachCall, answer: Json | Exception) -> None:
    if isinstance(answer, Exception):
        denied = code_of(answer) in _DENIED
        reason = printable(str(answer), 300)
        taken.missing.append(Missing(file, call.permission, reason, denied))
        return
    _write(taken.directory / file, answer)
    taken.written.append(Written(file, len(answer[call.key])))


def _nothing(answers: Mapping[Call, Json | Exception], region: str) -> PluginError:
    """Why nothing could be fetched: the error of the first call."""
    first = next(a for a in answers.values() if isinstance(a, BotoCoreError | ClientError))
    return _explained(first, region)


def _explained(error: BotoCoreError | ClientError, region: str) -> PluginError:
    call = CALLS[0]
    doing = f"take an inventory of {region}: no call is answered"
    return explained(error, doing, action=call.permission, plugin="vpcflow-aws")


def _remove_what_is_not_renewed(taken: Taken) -> None:
    """Files that an earlier snapshot left here would pass for this one's."""
    renewed = {written.file for written in taken.written}
    old = [taken.directory / file for file in FILES]
    old += [p for folder in FOLDERS for p in sorted((taken.directory / folder).glob("*.json"))]
    for path in old:
        file = path.relative_to(taken.directory).as_posix()
        if file not in renewed and path.is_file():
            path.unlink()
            taken.removed.append(file)


def _about(taken: Taken, *, complete: bool) -> Json:
    return {
        "account": taken.account,
        "region": taken.region,
        "time": taken.time.isoformat().replace("+00:00", "Z"),
        "complete": complete,
        "lacks": [
            {"file": m.file, "permission": m.permission, "reason": m.reason} for m in taken.missing
        ],
    }


def _write(path: Path, content: Json) -> None:
    """Write JSON as the AWS CLI prints it: beside its place, then in one step into it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = json.dumps(content, indent=4, default=_plain, ensure_ascii=False)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(f"{whole}\n", encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
