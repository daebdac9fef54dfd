"""The command group, and what each kind of error means for the exit code and the screen."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import IO, Any

import click

from vpcflow.cli.bench import bench
from vpcflow.cli.fields import fields
from vpcflow.cli.format import format_
from vpcflow.cli.plugins import plugins
from vpcflow.cli.read import read
from vpcflow.cli.run import run as run_
from vpcflow.cli.screen import Screen, error_lines
from vpcflow.cli.text import safe_lines
from vpcflow.errors import UsageError, VpcflowError
from vpcflow.plugins import BRINGS, PluginWarning
from vpcflow.plugins import plugins as installed

INTERRUPTED = 130


class Failure(click.ClickException):
    """An error of the input, on its way out of click."""

    exit_code = 1

    def __init__(self, error: BaseException) -> None:
        super().__init__(safe_lines(str(error)))
        self.error = error

    def show(self, file: IO[Any] | None = None) -> None:
        stream = file or sys.stderr
        for line in error_lines(self.error, Screen.of(stream)):
            click.echo(line, file=stream)


class Misuse(Failure):
    """An error of the command line that click itself could not see."""

    exit_code = 2


class Program(click.Group):
    """A group whose commands may raise what the package raises."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A command that a plugin would bring is known by name: the error says which one."""
        name = args[0] if args else ""
        if name in BRINGS["command"] and self.get_command(ctx, name) is None:
            raise UsageError(
                f"vpcflow {name} is a command of {BRINGS['command'][name]}, which is not in use",
                hint=f"pip install {BRINGS['command'][name]} (vpcflow plugins lists what is there)",
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except UsageError as error:
            raise Misuse(error) from error
        except VpcflowError as error:
            raise Failure(error) from error
        except click.UsageError as error:
            raise click.UsageError(safe_lines(error.format_message()), error.ctx) from error
        except BrokenPipeError:
            _abandon(sys.stdout)  # whoever read our output has what they wanted
            ctx.exit(0)
        except OSError as error:
            raise Failure(error) from error
        except KeyboardInterrupt:
            _abandon(sys.stdout)
            ctx.exit(INTERRUPTED)
        return result


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  vpcflow read --where action=REJECT flow-logs/",
)
@click.version_option(package_name="vpcflow", prog_name="vpcflow")
def cli() -> None:
    """Read, enrich, deliver, explain and measure AWS VPC Flow Logs."""


for _command in (read, run_, fields, format_, plugins, bench):
    cli.add_command(_command)


def run() -> int:
    """The whole program on the arguments of this process; gives back its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape instead of a traceback.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    with warnings.catch_warnings():
        warnings.simplefilter("always", PluginWarning)
        warnings.showwarning = _show_warning  # type: ignore[assignment]
        installed().add_commands(cli)
    try:
        cli(prog_name="vpcflow")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else Failure.exit_code
    return 0


def _show_warning(message: Warning | str, *_: object) -> None:
    """A plugin that cannot be used, in one line; `vpcflow plugins` tells more."""
    screen = Screen.of(sys.stderr)
    said = safe_lines(str(message)).split("\n")[0]
    click.echo(f"{screen.paint('Warning:', 'odd')} {said}", err=True)


def _abandon(stream: IO[str]) -> None:
    """Make sure that nothing more is written there, not even when Python flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
