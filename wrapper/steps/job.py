"""The main job as a chain: QC → build → render → train → generate → evaluate → export → report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from dataset_tools.building.ownership import written_files
from dataset_tools.wording import count_of
from wrapper.contents import HASHES, Contents
from wrapper.project.load import SHIPPED_BASE, Project
from wrapper.steps.chain import Chain, Planned, Step
from wrapper.steps.inputs import Inputs
from wrapper.steps.preflight import check_places, check_requests
from wrapper.steps.quality import inspect_project
from wrapper.steps.training import train_or_go_on

RECORD = "steps.json"


def run_job(project: Project) -> None:
    """Do every step that is not up to date, saying which and why; `check_requests` comes first."""
    check_places(project)
    _run(job(project))


def prepare_data(project: Project) -> None:
    """QC and the Kohya folders alone, as far as they are not up to date."""
    _run(Chain(_data_steps(project, _inputs(project)), project.paths.cache / RECORD))


def prepare_qc(project: Project) -> None:
    """QC alone, as far as it is not up to date."""
    _run(Chain(_data_steps(project, _inputs(project))[:1], project.paths.cache / RECORD))


def _run(chain: Chain) -> None:
    chain.run(_announcer(len(chain.steps)))


def preview_job(project: Project) -> None:
    """Say what `run_job` would do; write nothing."""
    check_requests(project)
    chain = job(project)
    announce = _announcer(len(chain.steps))
    for planned in chain.preview():
        announce(planned)
    click.echo("Nothing was written: this was a dry run.")


def job(project: Project) -> Chain:
    """The steps of ``project``, with the stages that it trains."""
    from wrapper.launch.stages import stages_of

    paths = project.paths
    inputs = _inputs(project)
    stages = stages_of(project.settings, "all")
    steps = [] if paths.lender else _data_steps(project, inputs)
    steps += [
        Step(
            "render", "Kohya TOML", inputs.rendered, lambda: _tomls(project, stages), _act(_render, project)
        ),
    ]
    steps += [_training(project, inputs, stage) for stage in stages]
    steps += [
        Step(
            "generate",
            "txt2img",
            inputs.generate,
            lambda: _wanted_pictures(project),
            _act(_generate, project),
        ),
        Step(
            "evaluate",
            "Evaluation",
            inputs.evaluate,
            lambda: _wanted_scores(project),
            _act(_evaluate, project),
        ),
        Step(
            "export", "Export", inputs.export, lambda: [paths.export / "export.json"], _act(_export, project)
        ),
        Step("report", "Report", inputs.report, lambda: [paths.report], _act(_report, project)),
    ]
    return Chain(steps, paths.cache / RECORD)


def _inputs(project: Project) -> Inputs:
    return Inputs(project, Contents(project.paths.shared_cache / HASHES, *project.paths.roots))


def _data_steps(project: Project, inputs: Inputs) -> list[Step]:
    paths = project.paths
    return [
        Step("qc", "QC", inputs.photographs, lambda: [paths.qc / "qc.jsonl"], _act(inspect_project, project)),
        Step(
            "build",
            "Kohya folders",
            inputs.build,
            lambda: [paths.dataset / "dataset.json", *written_files(paths.dataset)],
            _act(_build, project),
        ),
    ]


def _training(project: Project, inputs: Inputs, stage: str) -> Step:
    name = project.settings.project.name
    return Step(
        stage,
        {"stage_a": "Stage A", "stage_b": "Stage B"}[stage],
        lambda: inputs.training(stage),
        lambda: [project.paths.lora(stage, name)],
        lambda: train_or_go_on(project, stage),
    )


def _act(function: Callable[[Project], object], project: Project) -> Callable[[], None]:
    def act() -> None:
        function(project)

    return act


def _announcer(count: int) -> Callable[[Planned], None]:
    number = 0

    def announce(planned: Planned) -> None:
        nonlocal number
        number += 1
        click.secho(f"[{number}/{count}] {planned.step.title}", bold=True, nl=False)
        click.echo(f": {planned.reason}")

    return announce


def _build(project: Project) -> None:
    from wrapper.steps.dataset import build_dataset

    built = build_dataset(project)
    counts = {
        stage: sum(one.images * one.num_repeats for one in subsets) for stage, subsets in built.stages.items()
    }
    epochs = ", ".join(f"{stage} {count_of(images, 'image')} an epoch" for stage, images in counts.items())
    click.echo(f"{epochs}; {len(built.holdout)} held out; {len(built.refused)} left out")


def _render(project: Project) -> None:
    from wrapper.kohya.render import render_stage, write
    from wrapper.launch.stages import stages_of

    for stage in stages_of(project.settings, "all"):
        for path in write(render_stage(project, stage), project.paths):
            click.echo(f"wrote {path}")


def _tomls(project: Project, stages: list[str]) -> list[Path]:
    paths = project.paths
    return [file for stage in stages for file in (paths.train_toml(stage), paths.dataset_toml(stage))]


def _generate(project: Project) -> None:
    from wrapper.diffusion.txt2img.project_pictures import generate_project

    if not project.settings.generate.prompts:
        click.echo("[generate] has no prompts: no picture is drawn")
        return
    click.echo(f"wrote {generate_project(project)}")


def _wanted_pictures(project: Project) -> list[Path]:
    from wrapper.records import read_list

    if not project.settings.generate.prompts:
        return []
    images = project.paths.images
    listing = images / "txt2img.json"
    return [listing, *(images / shot[key] for shot in read_list(listing) for key in ("base", "lora"))]


def _evaluate(project: Project) -> None:
    from wrapper.evaluation.choice import choose_checkpoints
    from wrapper.evaluation.evaluate import evaluate_project

    if not can_be_scored(project):
        click.echo(
            "nothing can be measured: nothing is held out, or there is no inpainting base for its masks"
        )
        return
    result = evaluate_project(project)
    for line in [*result["notes"], result["verdict"]["text"]]:
        click.echo(line)
    if any(len(some) > 1 for some in result["checkpoints"].values()):
        for data in choose_checkpoints(project, result)["stages"].values():
            click.echo(" ".join(text for text in (data["text"], data["overfitting"]) if text))


def _wanted_scores(project: Project) -> list[Path]:
    from wrapper.evaluation.taken import FILE
    from wrapper.records import read_json

    if not can_be_scored(project):
        return []
    paths = project.paths
    several = any(
        len(some) > 1 for some in (read_json(paths.evaluation) or {}).get("checkpoints", {}).values()
    )
    return [paths.evaluation, *([paths.root / FILE] if several else [])]


def can_be_scored(project: Project) -> bool:
    """Whether something is held out, or drawn and judged, and there is a base to measure it with."""
    from dataset_tools.building.dataset import read_dataset

    held, asked = read_dataset(project.paths.dataset).holdout, project.settings.evaluate
    base = project.base(inpaint=any(one.mask for one in held))
    wanted = bool(held or ((asked.face_model or asked.clip_model) and project.settings.generate.prompts))
    return wanted and (base == SHIPPED_BASE or Path(base).exists())


def _export(project: Project) -> None:
    from wrapper.export.job import export_project
    from wrapper.export.targets import check_targets

    for done in export_project(project, check_targets(tuple(project.settings.export.targets))):
        proofs = count_of(len(done.proofs), "proof holds", "proofs hold")
        click.echo(f"{done.wish.name}: {proofs}, {count_of(len(done.files), 'file')}")


def _report(project: Project) -> None:
    from wrapper.report.report import write_report

    click.echo(f"wrote {write_report(project)}")
