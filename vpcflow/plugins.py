"""Finding and loading plugins: entry points of the group `vpcflow`, through pluggy.

`VPCFLOW_BLOCK_PLUGINS=name,name` leaves plugins (or "all" of them) out, by entry point or
distribution name; `VPCFLOW_TRACE_PLUGINS=1` prints every hook call on stderr. A plugin that cannot
be loaded is warned about once, and stands in `Plugins.failed`.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pluggy
from attrs import define, field, frozen

from vpcflow import hookspecs
from vpcflow.errors import PluginError
from vpcflow.registry import Registry

GROUP = "vpcflow"
BRINGS = {  # what this repository's own plugins register, for "pip install ..." in errors
    "source": {"s3": "vpcflow-aws", "cloudwatch": "vpcflow-aws"},
    "sink": {
        **{"parquet": "vpcflow-parquet", "avro": "vpcflow-avro"},
        **{"cloudwatch": "vpcflow-aws", "firehose": "vpcflow-aws"},
    },
    "enricher": {"eni": "vpcflow-aws", "geoip": "vpcflow-geoip"},
    "place": {"s3": "vpcflow-aws"},
}


class PluginWarning(UserWarning):
    """A plugin is installed and cannot be used."""


@frozen
class Loaded:
    """A plugin that is in use. hooks: the names of the hooks that it implements."""

    name: str
    distribution: str
    version: str
    module: str
    location: str
    hooks: tuple[str, ...]


@frozen
class NotLoaded:
    """A plugin that is not in use, and why. blocked: somebody wants it so."""

    name: str
    distribution: str
    version: str
    module: str
    reason: str
    blocked: bool = False


@define(eq=False)
class Plugins:
    """What is installed and loaded, and what it has registered."""

    manager: pluggy.PluginManager
    loaded: list[Loaded] = field(factory=list)
    failed: list[NotLoaded] = field(factory=list)
    _registries: dict[str, Registry] = field(factory=dict)

    @property
    def sources(self) -> Registry:
        return self._registry("source", self.manager.hook.vpcflow_register_sources)

    @property
    def containers(self) -> Registry:
        return self._registry("container", self.manager.hook.vpcflow_register_containers)

    @property
    def enrichers(self) -> Registry:
        return self._registry("enricher", self.manager.hook.vpcflow_register_enrichers)

    @property
    def sinks(self) -> Registry:
        return self._registry("sink", self.manager.hook.vpcflow_register_sinks)

    @property
    def places(self) -> Registry:
        return self._registry("place", self.manager.hook.vpcflow_register_places)

    def registered(self) -> Iterator[tuple[str, Registry]]:
        """All kinds and what is registered of each."""
        for registry in (self.sources, self.containers, self.enrichers, self.sinks, self.places):
            yield registry.kind, registry

    def _registry(self, kind: str, hook: pluggy.HookCaller) -> Registry:
        """Filled at its first use: each implementation is called with a `register` that knows
        whose it is."""
        if kind in self._registries:
            return self._registries[kind]
        registry = Registry(kind, BRINGS.get(kind, {}))
        for implementation in reversed(hook.get_hookimpls()):  # pluggy has the last one first
            owner = self._distribution(implementation.plugin_name)

            def register(name: str, thing: Callable[..., Any], owner: str = owner) -> None:
                registry.add(name, thing, owner)

            try:
                implementation.function(register)
            except PluginError:
                raise
            except Exception as error:
                raise PluginError(
                    f"{hook.name} failed: {type(error).__name__}: {error}", plugin=owner
                ) from error
        self._registries[kind] = registry
        return registry

    def add_commands(self, cli: Any) -> None:
        """Let plugins add their commands; one that fails is warned about, the others stay."""
        for implementation in reversed(self.manager.hook.vpcflow_register_commands.get_hookimpls()):
            try:
                implementation.function(cli)
            except Exception as error:
                _warn(implementation.plugin_name, f"adding its commands failed: {error!r}")

    def _distribution(self, name: str) -> str:
        for plugin in self.loaded:
            if plugin.name == name:
                return plugin.distribution
        return name

    def register(self, plugin: ModuleType | object, name: str, distribution: str = "") -> None:
        """Use a plugin that is no installed one, such as a module of your program. Raises
        PluginError for hooks that do not exist or take other arguments."""
        self.manager.register(plugin, name)
        try:
            self._refuse_unknown_hooks(plugin)
        except pluggy.PluginValidationError as error:
            self.manager.unregister(plugin)
            raise PluginError(str(error), plugin=name) from error
        module = sys.modules.get(getattr(plugin, "__name__", type(plugin).__module__))
        self.loaded.append(
            Loaded(
                name,
                distribution or name,
                getattr(module, "__version__", ""),
                getattr(module, "__name__", ""),
                getattr(module, "__file__", None) or "",
                tuple(sorted(h.name for h in self.manager.get_hookcallers(plugin) or ())),
            )
        )
        self._registries.clear()

    def _refuse_unknown_hooks(self, plugin: object) -> None:
        """pluggy leaves hooks without a specification pending; here they are an error, and so is a
        function that is called like a hook and not marked."""
        known = [name for name in vars(hookspecs) if name.startswith("vpcflow_")]
        for name in dir(plugin):
            if not name.startswith("vpcflow_"):
                continue
            if name not in known:
                raise pluggy.PluginValidationError(plugin, _unknown_hook(name, known))
            if not hasattr(getattr(plugin, name), "vpcflow_impl"):
                reason = f"{name} is not marked with @hookimpl, so it would never be called"
                raise pluggy.PluginValidationError(plugin, reason)


def _unknown_hook(name: str, known: list[str]) -> str:
    from vpcflow.errors import nearest

    close = nearest(name, known)
    return f"{name} is no hook of vpcflow" + (f"; did you mean {close}?" if close else "")


@cache
def plugins() -> Plugins:
    """All installed plugins, loaded at the first call."""
    return load(entry_points(group=GROUP), os.environ)


def load(found: Any, environment: Mapping[str, str]) -> Plugins:
    """Load the plugins behind entry points, and what is built in. environment: of the process."""
    from vpcflow import builtin_plugin

    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    if environment.get("VPCFLOW_TRACE_PLUGINS"):
        manager.trace.root.setwriter(lambda text: print(text, end="", file=sys.stderr))
        manager.enable_tracing()
    blocked = {name.strip() for name in environment.get("VPCFLOW_BLOCK_PLUGINS", "").split(",")}
    plugins = Plugins(manager)
    plugins.register(builtin_plugin, "vpcflow", "vpcflow")
    for entry in sorted(found, key=lambda e: (e.name, e.value)):
        distribution, version = _of(entry)
        facts = (entry.name, distribution, version, entry.value)
        if blocked & {entry.name, distribution, "all"}:
            plugins.failed.append(NotLoaded(*facts, "blocked by VPCFLOW_BLOCK_PLUGINS", True))
            continue
        try:
            plugins.register(entry.load(), entry.name, distribution)
        except Exception as error:
            reason = error.message if isinstance(error, PluginError) else _said(error)
            plugins.failed.append(NotLoaded(*facts, reason))
            _warn(f"{entry.name} ({distribution})", reason)
        else:
            plugins.loaded[-1] = Loaded(
                entry.name,
                distribution,
                version,
                entry.value,
                plugins.loaded[-1].location,
                plugins.loaded[-1].hooks,
            )
    return plugins


def _of(entry: EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else (entry.name, "")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _warn(plugin: str, reason: str) -> None:
    warnings.warn(f"the plugin {plugin} is not used: {reason}", PluginWarning, stacklevel=2)
