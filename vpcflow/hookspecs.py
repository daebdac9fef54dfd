"""The plugin contract: every hook, when it runs, and what it may do. Signatures and words only.

A plugin is a module that an entry point of the group `vpcflow` names:

    [project.entry-points.vpcflow]
    acme = "vpcflow_acme"

and that marks functions with `hookimpl`. An implementation may leave out arguments that it does not
need, so hooks can grow. Hooks run at start-up or once per run, never per batch. The module itself
imports only the standard library, attrs, pluggy and vpcflow; what is heavy is imported by the
factories that it registers, when one of them is called.

A hook that registers is given a function `register(name, thing)`; a name that two distributions
register is a PluginError that names both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from vpcflow.registry import Register
    from vpcflow.report import Run, RunReport

PROJECT = "vpcflow"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as a plugin's implementation of the hook of that name."""


@hookspec
def vpcflow_register_sources(register: Register) -> None:
    """register(scheme, source): what URLs of a scheme name, for `scan`, `read` and `run`.

    scheme: "s3" for s3://... source: a function without arguments that gives a
    `vpcflow.sources.Source`. Runs once, when a URL is met whose scheme is not built in.
    """


@hookspec
def vpcflow_register_containers(register: Register) -> None:
    """register(name, container): another wrapping that files come in.

    container: a function without arguments that gives a `LineContainer` or `ColumnContainer` of
    `vpcflow.containers.contract`. Runs once, when a file is met that is neither plain lines nor
    one of the containers built in. The first container whose `sniff` says yes has the file.
    """


@hookspec
def vpcflow_register_enrichers(register: Register) -> None:
    """register(name, factory): an enricher for `--enrich NAME[=ARG][?option=value&...]`.

    factory(argument, options): the text behind `=` ("" if there is none) and the options as text;
    gives a `vpcflow.enrich.KeyedEnricher` or `BatchEnricher`. `vpcflow.options.settings` makes an
    attrs class of the options. Raises UsageError for what it cannot take.
    """


@hookspec
def vpcflow_register_sinks(register: Register) -> None:
    """register(name, factory): a sink for `--to NAME:TARGET[?option=value&...]`.

    factory(target, options): the text behind `:` and the options as text; gives a
    `vpcflow.sinks.Sink`. Nothing is created or contacted before its `open`.
    """


@hookspec
def vpcflow_register_places(register: Register) -> None:
    """register(scheme, factory): where file sinks write, for targets such as s3://bucket/prefix.

    factory(url) gives a `vpcflow.places.Place`. What has no scheme is a local path.
    """


@hookspec
def vpcflow_register_commands(cli: click.Group) -> None:
    """Add commands to `vpcflow`. Runs once, when the command line starts; here click may be
    imported at the top of the function, and what a command needs inside of it."""


@hookspec
def vpcflow_run_started(run: Run) -> None:
    """A pipeline is about to read its first batch. For metrics and notifications."""


@hookspec
def vpcflow_run_finished(report: RunReport) -> None:
    """A pipeline has ended, well or not: `report.error` says. What is delivered is delivered."""
