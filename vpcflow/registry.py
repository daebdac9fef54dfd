"""Names and what plugins registered under them; who registered what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from attrs import field, frozen

from vpcflow.errors import PluginError, UsageError, nearest, printable

_NAME = re.compile(r"[a-z0-9][a-z0-9+._-]*")


class Register(Protocol):
    """What a registering hook is given."""

    def __call__(self, name: str, thing: Callable[..., Any]) -> None: ...


@frozen
class Entry:
    """One registration. distribution: the plugin's, "vpcflow" for what is built in."""

    name: str
    thing: Callable[..., Any]
    distribution: str


@frozen
class Registry(Mapping[str, Entry]):
    """What is registered of one kind: "sink", "enricher", "source", "place", "container".

    brings: names that are not registered, and the distribution that would bring each.
    """

    kind: str
    brings: Mapping[str, str] = field(factory=dict)
    _entries: dict[str, Entry] = field(factory=dict)

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, name: str, thing: Callable[..., Any], distribution: str) -> None:
        """Raises PluginError if the name is taken, cannot be written where users write it (in
        `--to name:target`, `name://...`), or `thing` cannot be called."""
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise PluginError(
                f"the {self.kind} name {printable(str(name))!r} cannot be used",
                plugin=distribution,
                hint="names begin with a small letter or digit; + . _ - may follow",
            )
        if not callable(thing):
            raise PluginError(
                f"what is registered as {self.kind} {name!r} is a {type(thing).__name__}",
                plugin=distribution,
                hint="register a function or class that makes one when it is called",
            )
        taken = self._entries.get(name)
        if taken is not None:
            others = {taken.distribution, distribution} - {"vpcflow"}
            block = "VPCFLOW_BLOCK_PLUGINS=" + min(others, default=distribution)
            raise PluginError(
                f"the {self.kind} {name!r} is registered twice: by {taken.distribution} and by "
                f"{distribution}",
                plugin=distribution,
                hint=f"uninstall one, or block it: {block}",
            )
        self._entries[name] = Entry(name, thing, distribution)

    def find(self, name: str) -> Entry:
        """The entry of that name. Raises UsageError that suggests the nearest, or says which
        distribution brings it."""
        if name in self._entries:
            return self._entries[name]
        if name in self.brings:
            hint = f"pip install {self.brings[name]}"
        else:
            close = nearest(name, [*self._entries, *self.brings])
            have = ", ".join(sorted(self._entries)) or "none"
            hint = f"did you mean {close!r}?" if close else f"there are: {have}"
        raise UsageError(f"there is no {self.kind} {printable(name)!r}", hint=hint)
