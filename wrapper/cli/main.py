"""The root command, and the one place where an error becomes a red line and an exit code.

Exit codes: 0 done, 1 a run failed, 2 the input or the configuration is wrong, 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

import click

from wrapper import __version__
from wrapper.cli.command_folder import CommandFolder

COMMANDS = (
    "init",
    "qc",
    "masks",
    "captions",
    "build",
    "render",
    "check",
    "train",
    "sweep",
    "runs",
    "generate",
    "inpaint",
    "compare",
    "evaluate",
    "export",
    "lora",
    "report",
    "run",
    "demo",
    "vendor",
    "doctor",
)
"""In the order of the work. Each is ``wrapper.cli.<name>.command``, imported when it is asked for."""


@click.group(
    cls=CommandFolder,
    package="wrapper.cli",
    names=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="lorawrap")
def cli() -> None:
    """From photographs to a LoRA that works: QC, Kohya folders, checked TOML, training, proof, export."""


def main() -> None:
    """Run the command line and exit with its code."""
    from dataset_tools.system.processors import limit_threads
    from dataset_tools.system.streams import speak

    speak()
    _end_as_interrupted()
    limit_threads()
    sys.exit(run(sys.argv[1:]))


def _end_as_interrupted() -> None:
    """SIGTERM and SIGHUP end a command as Ctrl-C does, with its workers; ``nohup`` stays in force."""
    for kind in ("SIGTERM", "SIGHUP", "SIGBREAK"):  # Windows has no SIGHUP, but Ctrl-Break
        number = getattr(signal, kind, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code; a bug keeps its traceback."""
    import dataset_tools.printable  # noqa: F401
    import wrapper.secret_words  # noqa: F401 - both are for errors: loaded before memory is used up
    from dataset_tools.errors import RunFailed, UserError
    from dataset_tools.system.system_faults import system_fault, told

    try:
        result = cli.main(args=argv, prog_name="lorawrap", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except UserError as error:
        return _complain(error.message, error.hint, 2)
    except RunFailed as error:
        return _complain(error.message, error.hint, 1)
    except (KeyboardInterrupt, click.Abort):
        return _complain("Interrupted.", "The same command goes on from what is already done.", 130)
    except Exception as error:
        fault = system_fault(error)
        if fault is None:
            raise
        return _complain(told(error, fault), fault.hint, 2)
    return result if isinstance(result, int) else 0


def _complain(message: str, hint: str, code: int) -> int:
    from dataset_tools.printable import printable
    from wrapper.secret_words import hider

    hide = hider()
    click.secho(printable(hide(message)), fg="red", err=True)
    if hint:
        click.echo(f"  → {printable(hide(hint))}", err=True)
    return code
