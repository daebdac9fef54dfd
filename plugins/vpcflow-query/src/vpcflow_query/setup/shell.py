"""Commands of the AWS CLI as text for a shell: every value quoted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from attrs import field, frozen

from vpcflow_query.setup.json_text import readable

Value = str | int | bool | list[str] | dict[str, object] | list[dict[str, object]]


@frozen
class Variable:
    """The value of a shell variable, as an argument: `"$name"`."""

    name: str


@frozen
class Command:
    """`aws SERVICE OPERATION --name value ...`. arguments: option names without `--`; a list of
    texts becomes several words, structures become JSON."""

    service: str
    operation: str
    arguments: Mapping[str, Value | Variable] = field(factory=dict)

    def __str__(self) -> str:
        return self.text()

    def text(self, indent: str = "") -> str:
        """On one line if it fits in 100 columns, else an option a line."""
        start = f"aws {self.service} {self.operation}"
        options = [f"--{name} {_words(value)}" for name, value in self.arguments.items()]
        line = " ".join([start, *options])
        if len(indent) + len(line) <= 100 and "\n" not in line:
            return indent + line
        return f" \\\n{indent}  ".join([indent + start, *options])


def asked(service: str, operation: str, region: str, request: Mapping[str, object]) -> Command:
    """The command for a request by the names of the API: LogFormat -> --log-format."""
    arguments: dict[str, Value | Variable] = {"region": region}
    for name, value in request.items():
        assert isinstance(value, str | int | list | dict)
        arguments[_option(name)] = value
    return Command(service, operation, arguments)


def _option(name: str) -> str:
    """As the AWS CLI derives it. The names used here hold no run of capitals."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


def _words(value: Value | Variable) -> str:
    if isinstance(value, Variable):
        return f'"${value.name}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return " ".join(shlex.quote(str(v)) for v in value)
    if isinstance(value, dict | list):
        return shlex.quote(readable(value))
    return shlex.quote(str(value))
