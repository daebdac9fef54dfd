"""Finding and loading plugins: installed distributions, made on the spot."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import types
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest

from vpcflow import hookspecs
from vpcflow.errors import PluginError, UsageError
from vpcflow.hookspecs import hookimpl
from vpcflow.plugins import GROUP, Plugins, PluginWarning, load
from vpcflow.report import Run, RunReport

ROOT = Path(__file__).parent.parent
HOOKS = [name for name in vars(hookspecs) if name.startswith("vpcflow_")]
SINK = """
from vpcflow.hookspecs import hookimpl

@hookimpl
def vpcflow_register_sinks(register):
    register({name!r}, dict)
"""
Install = Callable[..., list[EntryPoint]]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """install(distribution, code, name=): a distribution with one entry point; gives all so far."""
    monkeypatch.syspath_prepend(tmp_path)
    modules: list[str] = []

    def make(distribution: str, code: str, name: str = "", version: str = "1.5") -> Any:
        module = f"fake_{distribution.replace('-', '_')}"
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {distribution}\nVersion: {version}\n")
        entry = f"[{GROUP}]\n{name or distribution} = {module}\n"
        (info / "entry_points.txt").write_text(entry)
        return [e for e in entry_points(group=GROUP) if e.value in modules]

    yield make
    for module in modules:
        sys.modules.pop(module, None)


def loaded(found: Any, **environment: str) -> Plugins:
    return load(found, environment)


def names(plugins: Plugins) -> list[str]:
    return [plugin.name for plugin in plugins.loaded]


# ---- loading -------------------------------------------------------------------------------------


def test_what_is_built_in_comes_through_the_same_hooks() -> None:
    plugins = loaded([])
    assert names(plugins) == ["vpcflow"]
    assert set(plugins.sinks) == {"jsonl", "null"}
    assert plugins.sinks["jsonl"].distribution == "vpcflow"
    assert [kind for kind, _ in plugins.registered()] == [
        *("source", "container", "enricher", "sink", "place")
    ]


def test_an_installed_plugin(install: Install) -> None:
    plugins = loaded(install("acme-flows", SINK.format(name="acme"), "acme"))
    (_, acme) = plugins.loaded
    assert (acme.name, acme.distribution, acme.version) == ("acme", "acme-flows", "1.5")
    assert acme.module == "fake_acme_flows"
    assert acme.location.endswith("fake_acme_flows.py")
    assert acme.hooks == ("vpcflow_register_sinks",)
    assert plugins.sinks.find("acme").distribution == "acme-flows"


@pytest.mark.parametrize("block", ["acme", "acme-flows", "ACME_Flows", " x, acme ", "all"])
def test_blocking_by_either_name(install: Install, block: str) -> None:
    found = install("acme-flows", SINK.format(name="acme"), "acme")
    plugins = loaded(found, VPCFLOW_BLOCK_PLUGINS=block)
    assert names(plugins) == ["vpcflow"]
    (left_out,) = plugins.failed
    assert left_out.blocked
    assert left_out.reason == "blocked by VPCFLOW_BLOCK_PLUGINS"
    with pytest.raises(UsageError, match="there is no sink 'acme'"):
        plugins.sinks.find("acme")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("this is no Python", "SyntaxError: "),
        ("raise RuntimeError('on strike')", "RuntimeError: on strike"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        (SINK.replace("_sinks", "_sink"), "did you mean vpcflow_register_sinks?"),
        (SINK.replace("def vpcflow_", "def vpflow_"), "did you mean vpcflow_register_sinks?"),
        (SINK.replace("@hookimpl", ""), "is not marked with @hookimpl"),
        (SINK.replace("(register)", "(register, extra)"), "extra"),
    ],
)
def test_a_plugin_that_cannot_be_loaded(install: Install, code: str, reason: str) -> None:
    """It is warned about once, shown with its reason, and keeps nothing else from working."""
    install("acme", code.format(name="acme") if "{name" in code else code)
    found = install("bolt", SINK.format(name="bolt"))
    with pytest.warns(PluginWarning, match="the plugin acme is not used: ") as warned:
        plugins = loaded(found)
    assert len(warned) == 1
    assert names(plugins) == ["vpcflow", "bolt"]
    (failed,) = plugins.failed
    assert reason in failed.reason
    assert not failed.blocked
    assert set(plugins.sinks) == {"jsonl", "null", "bolt"}


def test_modules_and_constants_may_be_called_like_the_package(install: Install) -> None:
    code = "import vpcflow.errors as vpcflow_acme\nvpcflow_version = 5\n" + SINK.format(name="acme")
    assert "acme" in loaded(install("acme", code)).sinks


def test_two_distributions_may_have_one_entry_point_name(install: Install) -> None:
    install("acme-one", SINK.format(name="one"), "flows")
    found = install("acme-two", SINK.format(name="two"), "flows")
    plugins = loaded(found)
    assert names(plugins) == ["vpcflow", "flows", "flows"]
    assert plugins.sinks["one"].distribution == "acme-one"
    assert plugins.sinks["two"].distribution == "acme-two"


def test_two_registrations_of_one_name_name_both_distributions(install: Install) -> None:
    install("acme-one", SINK.format(name="flows"), "one")
    found = install("acme-two", SINK.format(name="flows"), "two")
    with pytest.raises(PluginError) as error:
        _ = loaded(found).sinks
    assert "registered twice: by acme-one and by acme-two" in error.value.message
    plugins = loaded(found, VPCFLOW_BLOCK_PLUGINS="acme-two")
    assert plugins.sinks["flows"].distribution == "acme-one"


def test_nobody_replaces_what_is_built_in(install: Install) -> None:
    found = install("acme", SINK.format(name="jsonl"))
    with pytest.raises(PluginError, match="by vpcflow and by acme") as error:
        _ = loaded(found).sinks
    assert error.value.hint is not None
    assert error.value.hint.endswith("VPCFLOW_BLOCK_PLUGINS=acme")


def test_a_plugin_whose_registration_fails(install: Install) -> None:
    found = install("acme", SINK.format(name="x").replace("register(", "undefined("))
    plugins = loaded(found)
    with pytest.raises(PluginError) as error:
        _ = plugins.sinks
    assert error.value.plugin == "acme"
    assert "vpcflow_register_sinks failed: NameError" in error.value.message
    assert error.value.hint == "without it: VPCFLOW_BLOCK_PLUGINS=acme"
    assert set(plugins.places) == set()  # other kinds are not touched


def test_tracing_prints_every_call(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    found = install("acme", SINK.format(name="acme"))
    assert "acme" in loaded(found, VPCFLOW_TRACE_PLUGINS="1").sinks
    printed = capsys.readouterr()
    assert printed.err.count("vpcflow_register_sinks [hook]") == 2
    assert printed.out == ""
    loaded(found)
    assert capsys.readouterr().err == ""


# ---- plugins that are no installed ones ----------------------------------------------------------


class Talkative:
    """A plugin object with hooks that run once per run."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @hookimpl
    def vpcflow_run_started(self, run: Run) -> None:
        self.heard.append(run)

    @hookimpl
    def vpcflow_run_finished(self) -> None:  # it may leave out what it does not need
        self.heard.append("finished")


class Failing:
    @hookimpl
    def vpcflow_run_started(self) -> None:
        raise ConnectionError("no route to the dashboard")

    @hookimpl
    def vpcflow_register_commands(self, cli: Any) -> None:
        raise LookupError(cli)


def test_an_object_of_your_program() -> None:
    plugins = loaded([])
    talkative, run = Talkative(), Run()
    plugins.register(talkative, "mine")
    plugins.run_started(run)
    plugins.run_finished(RunReport())
    assert talkative.heard == [run, "finished"]
    with pytest.raises(PluginError, match="it is in use already, as mine"):
        plugins.register(talkative, "another")


def test_a_failing_hook_is_warned_about_and_the_others_are_told() -> None:
    plugins, talkative = loaded([]), Talkative()
    plugins.register(Failing(), "first")
    plugins.register(talkative, "second")
    with pytest.warns(PluginWarning, match=r"the plugin first failed in vpcflow_run_started: Conn"):
        plugins.run_started(Run())
    assert len(talkative.heard) == 1


def test_a_plugin_whose_commands_fail_leaves_the_others() -> None:
    plugins, added = loaded([]), []

    class Adds:
        @hookimpl
        def vpcflow_register_commands(self, cli: Any) -> None:
            added.append(cli)

    plugins.register(Failing(), "first")
    plugins.register(Adds(), "second", "acme")
    with pytest.warns(PluginWarning, match="the plugin first failed to add its commands: Lookup"):
        plugins.add_commands("cli")
    assert added == ["cli"]


def test_a_plugin_that_was_refused_leaves_nothing_behind() -> None:
    plugins = loaded([])
    wrong = types.ModuleType("wrong")
    exec(
        "from vpcflow.hookspecs import hookimpl\n@hookimpl\ndef vpcflow_run_started(what): ...",
        vars(wrong),
    )
    with pytest.raises(PluginError, match="what"):
        plugins.register(wrong, "wrong")
    assert names(plugins) == ["vpcflow"]
    plugins.run_started(Run())


# ---- the contract --------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_and_used(hook: str) -> None:
    documented = (ROOT / "docs" / "plugins.md").read_text()
    arguments = vars(hookspecs)[hook].__code__.co_varnames
    assert f"`{hook}({', '.join(arguments)})`" in documented
    assert vars(hookspecs)[hook].__doc__
    used = [
        path
        for path in (ROOT / "vpcflow").rglob("*.py")
        if path.name not in ("hookspecs.py", "builtin_plugin.py")
        and f"hook.{hook}" in path.read_text()
    ]
    assert used


def test_every_hook_is_in_the_test_above() -> None:
    assert len(HOOKS) == 8
    assert set(HOOKS) == set(
        re.findall(r"def (vpcflow_\w+)", (Path(hookspecs.__file__).read_text()))
    )


def plugin_modules() -> list[tuple[str, str]]:
    found = []
    for pyproject in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        project = tomllib.loads(pyproject.read_text())["project"]
        modules = project["entry-points"][GROUP].values()
        found += [(str(pyproject.parent / "src"), module) for module in modules]
    return found


LIGHT = """
import sys
sys.path.insert(0, sys.argv[1])
import attr, attrs, pluggy, vpcflow.hookspecs
before = set(sys.modules)
import {module}
new = {{name.split(".")[0] for name in set(sys.modules) - before}}
print(*sorted(new - set(sys.stdlib_module_names) - {{"vpcflow", {package!r}}}))
"""


@pytest.mark.parametrize(("source", "module"), plugin_modules(), ids=lambda text: Path(text).name)
def test_entry_points_import_nothing_heavy(source: str, module: str) -> None:
    if not Path(source, *module.split(".")).with_suffix(".py").exists():
        pytest.fail(f"{module} is an entry point, and there is no such module")
    code = LIGHT.format(module=module, package=module.split(".")[0])
    ran = subprocess.run([sys.executable, "-c", code, source], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == []
