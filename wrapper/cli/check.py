"""``lorawrap check``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapper.cli.options import in_project, next_step
from wrapper.project.layout import PROJECT_FILE, STAGES

if TYPE_CHECKING:
    from wrapper.kohya.report import Report


@click.command("check")
@click.argument("train_toml", type=click.Path(path_type=Path))
@click.option(
    "--dataset-config", type=click.Path(path_type=Path), help="The dataset file, if TRAIN_TOML names none."
)
@click.option(
    "--script",
    type=click.Choice(["train_network.py", "sdxl_train_network.py", "train_network_inpaint.py"]),
    help="The script that trains with it; guessed from the files if left out.",
)
@click.option(
    "--engine",
    type=click.Choice(["sd-scripts", "embedded"]),
    default="sd-scripts",
    show_default=True,
    help="Whose options count.",
)
@click.option(
    "--num-processes", type=click.IntRange(1), default=1, help="GPUs that train together, for the step count."
)
@click.option(
    "--gpu-memory",
    type=click.FloatRange(min=0, min_open=True),
    metavar="GIB",
    help="What the card holds, if it is not the one that is here.",
)
@click.option("--no-models", is_flag=True, help="Leave out whether base model and tokenizer are there.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    train_toml: Path,
    dataset_config: Path | None,
    script: str | None,
    engine: str,
    num_processes: int,
    gpu_memory: float | None,
    no_models: bool,
    as_json: bool,
) -> int:
    """Check TRAIN_TOML, its dataset file and all that they name; exit code 2 when something is wrong.

    An error is what would fail, train nothing, or be ignored in silence. Relative paths are taken from the
    folder that you start in, as sd-scripts does.
    """
    from dataset_tools.errors import UserError
    from wrapper.kohya.check import check
    from wrapper.kohya.guess import guess_script
    from wrapper.kohya.report import nothing_read

    try:
        _refuse_preset(train_toml)
        name = Path(script).stem if script else guess_script(train_toml)
        report = check(
            train_toml,
            dataset_config,
            name,
            engine,
            base=not no_models,
            processes=num_processes,
            gpu_gib=gpu_memory,
        )
    except UserError as error:
        if not as_json:
            raise
        report, name = nothing_read(train_toml, error), Path(script or "train_network.py").stem
    if as_json:
        click.echo(json.dumps({"script": f"{name}.py", **report.as_json()}, indent=2, ensure_ascii=False))
    else:
        _show(report, name)
        if report.ok:
            next_step(_how_to_train(train_toml, dataset_config, name, engine))
    return 0 if report.ok else 2


def _refuse_preset(path: Path) -> None:
    """kohya_ss keeps its settings as JSON, and makes the TOML of each run from them."""
    from dataset_tools.errors import UserError

    if path.suffix.lower() == ".json" and path.is_file():
        hint = f"`lorawrap init NEW --from {shlex.quote(str(path))} --dry-run` says what becomes of a preset."
        raise UserError(f"{path}: is JSON, as kohya_ss keeps its presets; sd-scripts reads TOML.", hint)


def _show(report: Report, script: str) -> None:
    for problem in report.errors:
        click.secho(f"error: {problem}", fg="red", err=True)
    for problem in report.warnings:
        click.secho(f"warning: {problem}", fg="yellow", err=True)
    if report.ok:
        click.echo(f"{script}.py: {report.steps}")
        if report.memory is not None:
            click.echo(str(report.memory))
    else:
        click.echo(f"errors: {len(report.errors)}, warnings: {len(report.warnings)}", err=True)


def _how_to_train(train: Path, dataset: Path | None, script: str, engine: str) -> str:
    """`lorawrap train` for a project's own file, the launcher's line for anyone else's."""
    stage, folder = train.stem.removesuffix("_train"), train.absolute().parent.parent
    if stage in STAGES and (folder / PROJECT_FILE).is_file():
        return f"lorawrap train {stage}{in_project(folder)}"
    program = ["--module", f"wrapper.trainer.{script}"] if engine == "embedded" else [f"{script}.py"]
    files = ["--config_file", str(train), *(("--dataset_config", str(dataset)) if dataset else ())]
    return shlex.join(["accelerate", "launch", *program, *files])
