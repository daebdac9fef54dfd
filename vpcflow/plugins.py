"""Finding and loading plugins: entry points of the group `vpcflow`, through pluggy.

`VPCFLOW_BLOCK_PLUGINS=name,name` leaves plugins (or "all" of them) out, by entry point or
distribution name; `VPCFLOW_TRACE_PLUGINS=1` prints every hook call on stderr. A plugin that cannot
be loaded is warned about once, and stands in `Plugins.failed`.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import pluggy
from attrs import define, evolve, field, frozen

from vpcflow import hookspecs
from vpcflow.errors import PluginError, nearest
from vpcflow.registry import Registry

if TYPE_CHECKING:
    from vpcflow.report import Run, RunReport

GROUP = "vpcflow"
BRINGS = {  # what this repository's own plugins register, for "pip install ..." in errors
    "source": {"s3": "vpcflow-aws", "cloudwatch": "vpcflow-aws"},
    "sink": {
        "parquet": "vpcflow-parquet",
        "avro": "vpcflow-avro",
        "cloudwatch": "vpcflow-aws",
        "firehose": "vpcflow-aws",
    },
    "enricher": {"eni": "vpcflow-aws", "geoip": "vpcflow-geoip"},
    "place": {"s3": "vpcflow-aws"},
    "command": {
        "inventory": "vpcflow-aws",
        **dict.fromkeys(("sql", "query", "top", "athena", "cost", "setup"), "vpcflow-query"),
        **dict.fromkeys(("diagnose", "why", "report"), "vpcflow-diagnose"),
    },
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
    _distributions: dict[str, str] = field(factory=dict)

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
        for plugin, key in self._implementing(hook):
            owner = self._distribution(key)

            def register(name: str, thing: Callable[..., Any], owner: str = owner) -> None:
                registry.add(name, thing, owner)

            try:
                self._only(hook, plugin)(register=register)
            except PluginError:
                raise
            except Exception as error:
                raise PluginError(
                    f"{hook.name} failed: {_said(error)}", plugin=owner, hint=_how_to_block(owner)
                ) from error
        self._registries[kind] = registry
        return registry

    def add_commands(self, cli: Any) -> None:
        """Let plugins add their commands; one that fails is warned about, the others stay."""
        hook = self.manager.hook.vpcflow_register_commands
        for plugin, key in self._implementing(hook):
            try:
                self._only(hook, plugin)(cli=cli)
            except Exception as error:
                _warn(key, self._distribution(key), f"failed to add its commands: {_said(error)}")

    def run_started(self, run: Run) -> None:
        """Tell all plugins. One that fails is warned about: the run goes on, and the others are
        told."""
        self._tell(self.manager.hook.vpcflow_run_started, run=run)

    def run_finished(self, report: RunReport) -> None:
        """As `run_started`."""
        self._tell(self.manager.hook.vpcflow_run_finished, report=report)

    def _tell(self, hook: pluggy.HookCaller, **arguments: object) -> None:
        for plugin, key in self._implementing(hook):
            try:
                self._only(hook, plugin)(**arguments)
            except Exception as error:
                _warn(key, self._distribution(key), f"failed in {hook.name}: {_said(error)}")

    def _implementing(self, hook: pluggy.HookCaller) -> list[tuple[object, str]]:
        """The plugins that have this hook, and their keys, in the order of their registration."""
        return [(found.plugin, found.plugin_name) for found in hook.get_hookimpls()]

    def _only(self, hook: pluggy.HookCaller, plugin: object) -> pluggy.HookCaller:
        """The hook of one plugin: so it is known whose it is, and pluggy still traces the call and
        passes the arguments that the implementation takes."""
        others = [other for other in self.manager.get_plugins() if other is not plugin]
        return self.manager.subset_hook_caller(hook.name, others)

    def _distribution(self, key: str) -> str:
        return self._distributions.get(key, key)

    def register(
        self, plugin: ModuleType | object, name: str, distribution: str = "", version: str = ""
    ) -> None:
        """Use a plugin that is no installed one, such as a module of your program. Raises
        PluginError for hooks that do not exist or take other arguments, and if it is in use."""
        distribution = distribution or name
        key = name if not self.manager.has_plugin(name) else f"{name} of {distribution}"
        if self.manager.is_registered(plugin) or self.manager.has_plugin(key):
            used = self.manager.get_name(plugin) or key
            raise PluginError(f"it is in use already, as {used}", plugin=name)
        try:
            _refuse_unknown_hooks(plugin)
            self.manager.register(plugin, key)
        except pluggy.PluginValidationError as error:
            if self.manager.is_registered(plugin):
                self.manager.unregister(plugin)
            raise PluginError(" ".join(str(error).split()), plugin=name) from error
        self._distributions[key] = distribution
        self._registries.clear()
        module = sys.modules.get(getattr(plugin, "__name__", type(plugin).__module__))
        self.loaded.append(
            Loaded(
                name,
                distribution,
                version or getattr(module, "__version__", ""),
                getattr(module, "__name__", ""),
                getattr(module, "__file__", None) or "",
                tuple(sorted(h.name for h in self.manager.get_hookcallers(plugin) or ())),
            )
        )


def _refuse_unknown_hooks(plugin: object) -> None:
    """pluggy leaves hooks without a specification pending; here they are an error, and so is a
    function that is called like a hook and not marked. Modules that the plugin has imported
    (`vpcflow_acme.lookup`) and constants may be called anything."""
    known = [name for name in vars(hookspecs) if name.startswith("vpcflow_")]
    for name in dir(plugin):
        value = getattr(plugin, name, None)
        marks = getattr(value, "vpcflow_impl", None)
        if isinstance(marks, dict):
            hook = marks.get("specname") or name
            if hook not in known:
                raise pluggy.PluginValidationError(plugin, _unknown_hook(hook, known))
        elif name.startswith("vpcflow_") and isinstance(value, FunctionType | MethodType):
            if name not in known:
                raise pluggy.PluginValidationError(plugin, _unknown_hook(name, known))
            reason = f"{name} is not marked with @hookimpl, so it would never be called"
            raise pluggy.PluginValidationError(plugin, reason)


def _unknown_hook(name: str, known: list[str]) -> str:
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
    blocked = {_plain(name) for name in environment.get("VPCFLOW_BLOCK_PLUGINS", "").split(",")}
    plugins = Plugins(manager)
    plugins.register(builtin_plugin, "vpcflow", "vpcflow")
    for entry in sorted(found, key=lambda e: (e.name, e.value)):
        distribution, version = _of(entry)
        facts = (entry.name, distribution, version, entry.value)
        if blocked & {_plain(entry.name), _plain(distribution), "all"}:
            plugins.failed.append(NotLoaded(*facts, "blocked by VPCFLOW_BLOCK_PLUGINS", True))
            continue
        try:
            plugins.register(entry.load(), entry.name, distribution, version)
        except (Exception, SystemExit) as error:
            reason = error.message if isinstance(error, PluginError) else _said(error)
            plugins.failed.append(NotLoaded(*facts, reason))
            _warn(entry.name, distribution, f"is not used: {reason}")
        else:
            plugins.loaded[-1] = evolve(plugins.loaded[-1], module=entry.value)
    return plugins


def _of(entry: EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else (entry.name, "")


def _plain(name: str) -> str:
    """As the packaging rules compare names of distributions (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _how_to_block(distribution: str) -> str:
    return f"without it: VPCFLOW_BLOCK_PLUGINS={distribution}"


def _warn(name: str, distribution: str, what: str) -> None:
    of = f" ({distribution})" if distribution != name else ""
    warnings.warn(f"the plugin {name}{of} {what}", PluginWarning, stacklevel=3)
