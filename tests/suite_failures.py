"""Runs a suite of `vpcflow.testing` on a plugin that breaks a promise: what fails, and why."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings


def failures(suite: type[Any], root: Path) -> dict[str, str]:
    """The tests of the suite that fail, and their messages. Each runs on a new instance with a
    directory of its own, which `prepare(folder)` may fill if the suite has such a method."""
    profile = settings.get_current_profile_name()
    settings.register_profile(
        "as found", settings.get_profile(profile), phases=[Phase.generate], database=None
    )
    settings.load_profile("as found")  # shrinking would take most of the time
    try:
        return _failures(suite, root)
    finally:
        settings.load_profile(profile)


def _failures(suite: type[Any], root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, test in inspect.getmembers(suite, inspect.isfunction):
        if not name.startswith("test_"):
            continue
        for number, arguments in enumerate(_parameters(test)):
            folder = root / f"{name}-{number}"
            folder.mkdir()
            instance = suite()
            getattr(instance, "prepare", lambda _: None)(folder)
            if "tmp_path" in inspect.signature(test).parameters:
                (folder / "tmp").mkdir()
                arguments = {"tmp_path": folder / "tmp", **arguments}
            try:
                test(instance, **arguments)
            except AssertionError as error:
                found[name] = str(error)
            except Exception as error:  # fails, too, and says less
                found[name] = f"{type(error).__name__}: {error}"
    return found


def _parameters(test: Any) -> Iterable[dict[str, Any]]:
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "parametrize":
            names, values = mark.args
            return [dict(zip(names, each, strict=True)) for each in values]
    return [{}]


def fails(suite: type[Any], root: Path, name: str, message: str, also: Iterable[str] = ()) -> None:
    """The test `name` fails with that message, and nothing else does but those in `also`."""
    found = failures(suite, root)
    assert name in found, f"the suite did not notice; it failed {found}"
    assert message in found[name], found[name]
    assert "the promise: " in found[name]
    assert set(found) <= {name, *also}, {test: found[test] for test in set(found) - {name, *also}}
