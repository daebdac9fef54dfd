"""An `aws` program for tests: it takes the AWS CLI's command lines, checks them against botocore's
models of the services, and sends them to a server (moto) over HTTP.

    with moto() as url, using(environment(url)), stand_in() as aws:
        subprocess.run(["bash", "script.sh"], env={**os.environ, "PATH": aws.path})
        assert aws.calls[0].operation == "CreateFlowLogs"

What the CLI would refuse is refused here: unknown services, operations and options, values of
another type, words that an enumeration does not have. The program itself is a few lines that ask
this process through a socket, since loading botocore for each command would take long. `sleep` is
replaced too, by nothing.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socketserver
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
from attrs import define, field, frozen
from botocore import xform_name
from botocore.exceptions import ClientError, WaiterError
from botocore.validate import ParamValidator

_PROGRAM = """#!{python} -IS
import json, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect({path!r})
asked.sendall(json.dumps(sys.argv[1:]).encode())
asked.shutdown(socket.SHUT_WR)
answer = json.loads(b"".join(iter(lambda: asked.recv(65536), b"")))
sys.stdout.write(answer[0])
sys.stderr.write(answer[1])
sys.exit(answer[2])
"""
_OURS = ("region", "query", "output")


class RefusedError(Exception):
    """The AWS CLI would not take this command line."""


@frozen
class Call:
    """A command as a request: the API's names. region: None if none was given."""

    service: str
    operation: str
    parameters: dict[str, Any]
    region: str | None


@define
class StandIn:
    """path: for the environment variable PATH. calls: all that were understood, in order. account:
    what GetCallerIdentity says instead of the server's, if set."""

    path: str
    calls: list[Call] = field(factory=list)
    account: str | None = None
    _clients: dict[tuple[str, str], Any] = field(factory=dict, repr=False)

    def answer(self, words: list[str]) -> tuple[str, str, int]:
        """Standard output, standard error, exit code."""
        try:
            request, options = understood(words)
            self.calls.append(request)
            response = self._ask(request)
        except RefusedError as error:
            return "", f"aws: {error}\n", 252
        except (ClientError, WaiterError) as error:
            return "", f"{error}\n", 254
        if "query" in options:
            response = jmespath.search(options["query"], response)
        if options.get("output") == "text":
            return _text(response), "", 0
        return json.dumps(response, default=str) + "\n" if response else "", "", 0

    def client(self, service: str, region: str) -> Any:
        if (service, region) not in self._clients:
            made = _session().create_client(service, region_name=region)
            self._clients[service, region] = made
        return self._clients[service, region]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _ask(self, request: Call) -> Any:
        if request.operation == "GetCallerIdentity" and self.account:
            return {"Account": self.account}
        region = request.region or os.environ["AWS_REGION"]
        client = self.client(request.service, region)
        if request.operation.startswith("wait "):
            client.get_waiter(request.operation.removeprefix("wait ")).wait(**request.parameters)
            return None
        response = getattr(client, xform_name(request.operation))(**request.parameters)
        response.pop("ResponseMetadata", None)
        return response


@contextlib.contextmanager
def stand_in() -> Iterator[StandIn]:
    with tempfile.TemporaryDirectory(prefix="aws-") as folder:
        aws = StandIn(f"{folder}{os.pathsep}{os.environ['PATH']}")

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    answer = aws.answer(json.loads(self.rfile.read()))
                except Exception as error:
                    answer = ("", f"stand-in: {error!r}\n", 255)
                self.wfile.write(json.dumps(answer).encode())

        path = f"{folder}/socket"
        _write(Path(folder, "aws"), _PROGRAM.format(python=sys.executable, path=path))
        _write(Path(folder, "sleep"), "#!/bin/sh\n")
        with socketserver.ThreadingUnixStreamServer(path, Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            try:
                yield aws
            finally:
                server.shutdown()
                thread.join()
                aws.close()


def understood(words: list[str]) -> tuple[Call, dict[str, str]]:
    """A command line (without `aws`) as a request, and its --query and --output."""
    service, operation, *rest = words
    service = {"s3api": "s3"}.get(service, service)
    if service not in _session().get_available_services():
        raise RefusedError(f"no service {service}")
    model = _model(service)
    waits = operation == "wait"
    if waits:
        operation, *rest = rest
        name = _waited(service, operation)
    else:
        names = {xform_name(name, "-"): name for name in model.operation_names}
        if operation not in names:
            raise RefusedError(f"{service} has no {operation}")
        name = names[operation]
    options = _options(rest)
    ours = {n: _one(n, options.pop(n)) for n in _OURS if n in options}
    shape = model.operation_model(name).input_shape
    members = {} if shape is None else {xform_name(m, "-"): m for m in shape.members}
    parameters = {}
    for option, values in options.items():
        if option not in members:
            raise RefusedError(f"{service} {operation} has no option --{option}")
        member = members[option]
        parameters[member] = _value(option, shape.members[member], values)
    _validate(parameters, shape)
    called = f"wait {xform_name(operation.replace('-', '_'))}" if waits else name
    return Call(service, called, parameters, ours.pop("region", None)), ours


@functools.cache
def _session() -> Any:
    return botocore.session.Session()


@functools.cache
def _model(service: str) -> Any:
    return _session().get_service_model(service)


def _waited(service: str, waiter: str) -> str:
    waiters = _session().get_waiter_model(service)
    for name in waiters.waiter_names:
        if xform_name(name, "-") == waiter:
            return str(waiters.get_waiter(name).operation)
    raise RefusedError(f"{service} has no waiter {waiter}")


def _options(words: list[str]) -> dict[str, list[str]]:
    options: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            if word[2:] in options:
                raise RefusedError(f"{word} twice")
            options[word[2:]] = []
        elif not options:
            raise RefusedError(f"{word!r} belongs to no option")
        else:
            options[next(reversed(options))].append(word)
    return options


def _one(name: str, values: list[str]) -> str:
    if len(values) != 1:
        raise RefusedError(f"--{name} takes one value, not {values}")
    return values[0]


def _value(name: str, shape: Any, values: list[str]) -> Any:
    """As the CLI reads a value for a parameter of this shape."""
    if shape.type_name == "list":
        if len(values) == 1 and values[0].lstrip().startswith("["):
            return _json(name, values[0])
        return [_value(name, shape.member, [value]) for value in values]
    value = _one(name, values)
    if shape.type_name in ("structure", "map"):
        return _json(name, value) if value.lstrip().startswith("{") else _shorthand(shape, value)
    if shape.type_name in ("integer", "long"):
        return int(value)
    if shape.type_name in ("float", "double"):
        return float(value)
    if shape.type_name != "string":
        raise RefusedError(f"--{name} is a {shape.type_name}")
    return value


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise RefusedError(f"--{name}: {error}") from error


def _shorthand(shape: Any, text: str) -> dict[str, Any]:
    """`Name=resource-id,Values=a,b`."""
    found: dict[str, list[str]] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if equals:
            found[key] = [value]
        else:
            found[next(reversed(found))].append(part)
    lists = {n for n, member in shape.members.items() if member.type_name == "list"}
    return {name: v if name in lists else v[0] for name, v in found.items()}


def _validate(parameters: dict[str, Any], shape: Any) -> None:
    if shape is None:
        return
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        raise RefusedError(report.generate_report())
    _check_words(parameters, shape)


def _check_words(value: Any, shape: Any) -> None:
    """botocore leaves enumerations and lengths to the service."""
    if shape.type_name == "structure":
        for name, item in value.items():
            _check_words(item, shape.members[name])
    elif shape.type_name == "list":
        for item in value:
            _check_words(item, shape.member)
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            raise RefusedError(f"{value!r} is none of {shape.enum}")
        most = shape.metadata.get("max")
        if most is not None and len(value) > most:
            raise RefusedError(f"{value[:40]!r}... is longer than {most}")


def _text(value: Any) -> str:
    """As `--output text`: a line a row, tabs between."""
    if isinstance(value, list):
        if any(isinstance(item, list) for item in value):
            return "".join(_text(item) for item in value)
        return "\t".join(str(item) for item in value) + "\n" if value else "\n"
    if isinstance(value, dict):
        return "\t".join(str(item) for item in value.values()) + "\n"
    return f"{value}\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
