"""An HTTP proxy in front of a server, which does to requests what networks and services do.

    slow = Rule(SLOW_DOWN, "UploadPart", times=3)
    cut = Rule(CutBody(1000), "GetObject", share=0.1, seed=7)
    with FaultProxy(url, [slow, cut]) as proxy, using(environment(proxy.url)):
        ...
    assert proxy.count("UploadPart") == 5

Rules are asked in their order, and the first that wants a request has it; all others pass as they
are. Host and signature reach the server as the client sent them: the client signs for the proxy's
name, and the server checks the signature against the header Host, which is the same.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import re
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from attrs import define, field, frozen

# ---- what is done to a request -------------------------------------------------------------------


@frozen
class Delay:
    """Wait before it is forwarded; if the proxy ends meanwhile, it never is."""

    seconds: float


@frozen
class CutBefore:
    """Close the connection; the server never hears of the request."""


@frozen
class CutAfter:
    """Forward, and close the connection instead of answering: done, and the client cannot know."""


@frozen
class CutBody:
    """Forward, and close the connection after so many bytes of the answer's body."""

    after: int


@frozen
class Answer:
    """Answer so. forward: the server is asked first, and its answer thrown away."""

    status: int
    body: bytes = b""
    content_type: str = "application/xml"
    forward: bool = False


@frozen
class Rewrite:
    """Change JSON: `ask` the request before it is forwarded, `answer` the server's answer. `answer`
    is given the client's request too, as it was before `ask`."""

    answer: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] = lambda _, answered: (
        answered
    )
    ask: Callable[[dict[str, Any]], dict[str, Any]] = lambda asked: asked


Fault = Delay | CutBefore | CutAfter | CutBody | Answer | Rewrite


def s3_error(status: int, code: str, *, message: str = "", forward: bool = False) -> Answer:
    """As S3 says it: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""
    text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>'
    text += f"<Message>{message or code + ', says the proxy'}</Message></Error>"
    return Answer(status, text.encode(), forward=forward)


def json_error(code: str, status: int = 400, *, forward: bool = False) -> Answer:
    """As services with JSON protocols say it (CloudWatch Logs, Firehose)."""
    body = json.dumps({"__type": code, "message": f"{code}, says the proxy"}).encode()
    return Answer(status, body, "application/x-amz-json-1.1", forward)


INTERNAL_ERROR = s3_error(500, "InternalError")
SLOW_DOWN = s3_error(503, "SlowDown")
ACCESS_DENIED = s3_error(403, "AccessDenied")
THROTTLED = json_error("ThrottlingException")
UNAVAILABLE = json_error("ServiceUnavailableException", 503)


# ---- which requests ------------------------------------------------------------------------------


@define
class Request:
    """A request that came. number: from 1. operation: AWS's name for it, such as "GetObject",
    "PutLogEvents", "DescribeNetworkInterfaces". path: as it was sent, without the query. status: of
    the answer that was sent, 0 if none was. fault: what was done to it."""

    number: int
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    operation: str
    status: int = 0
    fault: Fault | None = None

    @property
    def json(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.body)
        return answer


@define
class Rule:
    """Which requests a fault befalls.

    operation: AWS's name, "" for any. path: a regular expression that is searched for in the path
    with its query. after: so many matching requests pass first. times: then so many are hit; None
    for all. share: of those, how many, chosen at random from `seed`.
    """

    fault: Fault
    operation: str = ""
    path: str = ""
    after: int = 0
    times: int | None = 1
    share: float = 1.0
    seed: int = 0
    _seen: int = field(default=0, init=False)
    _hit: int = field(default=0, init=False)
    _random: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def wants(self, request: Request, target: str) -> bool:
        if self.operation not in ("", request.operation) or not re.search(self.path, target):
            return False
        self._seen += 1
        if self._seen <= self.after or self._hit == self.times:
            return False
        if self._random.random() >= self.share:
            return False
        self._hit += 1
        return True


def operation_of(
    method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str], body: bytes
) -> str:
    """AWS's name for a request: from X-Amz-Target (JSON services), Action= (EC2 and other query
    services), and otherwise as S3's REST interface has it."""
    lower = {name.lower(): value for name, value in headers.items()}
    if "x-amz-target" in lower:
        return lower["x-amz-target"].rpartition(".")[2]
    if lower.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(body.decode("utf-8", "replace")).get("Action", [""])[0]
    has_key = bool(path.strip("/").partition("/")[2])
    named = {
        ("POST", "uploads"): "CreateMultipartUpload",
        ("PUT", "uploadId"): "UploadPart",
        ("POST", "uploadId"): "CompleteMultipartUpload",
        ("DELETE", "uploadId"): "AbortMultipartUpload",
        ("GET", "uploadId"): "ListParts",
        ("GET", "uploads"): "ListMultipartUploads",
        ("GET", "location"): "GetBucketLocation",
        ("GET", "list-type"): "ListObjectsV2",
        ("POST", "delete"): "DeleteObjects",
    }
    for (its_method, parameter), name in named.items():
        if method == its_method and parameter in query:
            return name
    verb = {"GET": "Get", "PUT": "Put", "HEAD": "Head", "DELETE": "Delete"}.get(method, method)
    thing = "Object" if has_key else "Bucket"
    return {"PutBucket": "CreateBucket", "GetBucket": "ListObjects"}.get(verb + thing, verb + thing)


# ---- the proxy -----------------------------------------------------------------------------------


@define(eq=False, slots=False)
class FaultProxy:
    """upstream: the server's URL, http://host:port. A context manager; `url` is its own."""

    upstream: str
    rules: Sequence[Rule] = ()
    requests: list[Request] = field(factory=list, init=False)
    ending: threading.Event = field(factory=threading.Event, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def __enter__(self) -> FaultProxy:
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
        for mistake in self._server.mistakes:
            raise RuntimeError("the proxy failed") from mistake

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def count(self, operation: str) -> int:
        """How many requests of that operation came."""
        return sum(request.operation == operation for request in list(self.requests))

    def clear(self) -> None:
        """Forget the requests so far; the rules go on."""
        with self._lock:
            self.requests = []

    def admit(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        operation = operation_of(method, parts.path, query, headers, body)
        with self._lock:
            number = len(self.requests) + 1
            request = Request(number, method, parts.path, query, headers, body, operation)
            self.requests.append(request)
            rule = next((rule for rule in self.rules if rule.wants(request, target)), None)
            request.fault = rule.fault if rule else None
        return request


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: dict[socket.socket, None] = {}
        self.mistakes: list[BaseException | None] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.pop(request, None)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Wake the threads that wait for another request on a connection that is kept open."""
        for connection in self._open.copy():  # other threads take theirs out meanwhile
            _cut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client or server that hangs up is nothing to write about; all else is a mistake in a
        rule, or here."""
        error = sys.exception()
        if not isinstance(error, OSError | http.client.HTTPException):
            self.mistakes.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def log_message(self, *_: Any) -> None:
        pass

    def handle_request(self) -> None:
        body = self._body()
        headers = dict(self.headers.items())
        request = self.proxy.admit(self.command, self.path, headers, body)
        fault = request.fault
        if isinstance(fault, Delay) and self.proxy.ending.wait(fault.seconds):
            return self._hang_up()
        if isinstance(fault, CutBefore):
            return self._hang_up()
        if isinstance(fault, Answer) and not fault.forward:
            return self._answer(request, fault)
        asked = self._rewritten(body, fault.ask) if isinstance(fault, Rewrite) else body
        status, answered, content = self._forward(headers, asked)
        if isinstance(fault, CutAfter):
            return self._hang_up()
        if isinstance(fault, Answer):
            return self._answer(request, fault)
        if isinstance(fault, Rewrite) and status == 200:
            before = json.loads(body or b"{}")
            content = self._rewritten(content, lambda answer: fault.answer(before, answer))
        return self._send(request, status, answered, content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_request  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass  # trailers
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _rewritten(self, body: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
        changed = change(json.loads(body or b"{}"))
        return json.dumps(changed).encode() if changed or body else b""

    def _forward(
        self, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = urlsplit(self.proxy.upstream)
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=120)
        try:
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in headers.items():
                if name.lower() not in _OF_ONE_CONNECTION:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.putheader("Connection", "close")
            connection.endheaders(body)
            response = connection.getresponse()
            content = response.read()
            return response.status, response.getheaders(), content
        finally:
            connection.close()

    def _send(
        self, request: Request, status: int, headers: Sequence[tuple[str, str]], content: bytes
    ) -> None:
        kept = [(n, v) for n, v in headers if n.lower() not in _OF_ONE_CONNECTION]
        size = next((v for n, v in headers if n.lower() == "content-length"), None)
        if self.command != "HEAD" or size is None:
            size = str(len(content))
        request.status = status
        self.send_response_only(status)
        for name, value in kept:
            self.send_header(name, value)
        self.send_header("Content-Length", size)
        self.end_headers()
        if isinstance(request.fault, CutBody):
            self.wfile.write(content[: request.fault.after])
            return self._hang_up()
        if self.command != "HEAD":
            self.wfile.write(content)
        return None

    def _answer(self, request: Request, answer: Answer) -> None:
        content = b"" if self.command == "HEAD" else answer.body
        self._send(request, answer.status, [("Content-Type", answer.content_type)], content)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        _cut(self.connection)


_OF_ONE_CONNECTION = {
    *("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect"),
    "content-length",
}


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was first
        connection.shutdown(socket.SHUT_RDWR)
