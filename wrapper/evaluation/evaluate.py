"""Measure the base, each stage's LoRA and the checkpoints before it; ``evaluation.json`` is the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dataset_tools.files import write_json
from dataset_tools.progress import progress
from wrapper.diffusion.pictures.model_hash import lora_hash
from wrapper.evaluation.checkpoints import Checkpoint
from wrapper.evaluation.denoising import HOLDOUT, TRAIN, Losses
from wrapper.evaluation.exam import run_exams
from wrapper.evaluation.plan import Plan, plan_evaluation
from wrapper.evaluation.scores import Score, judge, judge_by, summarise
from wrapper.evaluation.subjects import BASE

if TYPE_CHECKING:
    from wrapper.project.load import Project


def evaluate_project(project: Project) -> dict[str, Any]:
    """Measure what is not known yet, write ``evaluation.json`` and the pictures, and return the record.

    The masked part is always drawn from pure noise (strength 1), so that nothing of the truth shines through.
    Raises `UserError` when there is nothing to measure, no trained LoRA, or no seed.
    """
    plan = plan_evaluation(project)
    measure(plan)
    result = record(plan)
    write_json(project.paths.evaluation, result)
    return result


def measure(plan: Plan) -> None:
    """Run the examinations; what is done is remembered at once, so that a stop loses little."""
    if not plan.missing:
        return
    with progress("evaluate", plan.missing) as bar:
        for bench in plan.benches:
            run_exams(bench.info, bench.task, bench.exams, plan.subjects, bar)


def record(plan: Plan) -> dict[str, Any]:
    """Everything that was measured; also lays out the pictures and takes away those of before."""
    main = [BASE, *plan.checkpoints]
    scores = _main_scores(plan, main)
    checkpoints = {
        stage: [_checkpoint(plan, one) for one in some] for stage, some in plan.checkpoints.items()
    }
    return {
        "masked": summarise(scores),
        "outside_mask_max_abs_diff": max((score.outside_max_abs_diff for score in scores), default=0),
        "verdict": judge(scores) if scores else _verdict_without_masks(plan),
        "settings": _settings(plan),
        "pictures": _pictures(plan, main, scores),
        "per_image": [score.row() for score in scores],
        "base": _measured(plan, BASE),
        "checkpoints": checkpoints,
        "notes": plan.notes,
    }


def _main_scores(plan: Plan, main: Sequence[str]) -> list[Score]:
    if plan.repainting is None:
        return []
    painted = [score for name in main for score in plan.repainting.scores(plan.find(name))]
    return [*plan.repainting.hole_scores(), *painted]


def _checkpoint(plan: Plan, one: Checkpoint) -> dict[str, Any]:
    file = one.path.relative_to(plan.project.paths.root).as_posix()
    told = {"name": one.name, "title": one.title, "file": file, "sha256": one.digest}
    return {
        **told,
        "step": one.step,
        "epoch": one.epoch,
        "last": one.last,
        **_measured(plan, one.name, one.stage),
    }


def _measured(plan: Plan, name: str, stage: str = "") -> dict[str, Any]:
    """All figures of one subject; the base has a loss a stage."""
    subject = plan.find(name)
    painted = plan.repainting.scores(subject) if plan.repainting else []
    drawn = plan.scenes.scores(subject) if plan.scenes else []
    stages = [stage] if stage else list(plan.losses)
    losses = {
        one: found for one in stages if one in plan.losses and (found := plan.losses[one].losses(subject))
    }
    return {
        "masked": summarise(painted).get(name, {}),
        "scenes": summarise(drawn).get(name, {}),
        "loss": {one: _loss_figures(found) for one, found in losses.items()},
        "per_image": [score.row() for score in [*painted, *drawn]],
        "per_image_loss": losses,
    }


def _loss_figures(found: Losses) -> dict[str, Any]:
    scores = {
        part: [Score(n, part, None, {"loss": v}, 0, "") for n, v in found[part].items()] for part in found
    }
    return {part: summarise(rows)[part]["loss"] for part, rows in scores.items() if rows}


def _verdict_without_masks(plan: Plan) -> dict[str, Any]:
    """The last LoRA against the base by identity, else by the prompt, else by the held-out loss."""
    stage = plan.scenes.stage if plan.scenes else list(plan.losses)[-1]
    scores: list[Score] = []
    if plan.scenes:
        scores = [score for name in (BASE, stage) for score in plan.scenes.scores(plan.find(name))]
    for metric in ("identity", "prompt"):
        if scores and metric in scores[0].measures:
            return judge_by(scores, stage, metric, "pictures")
    found = {name: plan.losses[stage].losses(plan.find(name)) for name in (BASE, stage)}
    rows = [
        Score(image, name, None, {"loss": value}, 0, "")
        for name, losses in found.items()
        for image, value in (losses or {}).get(HOLDOUT, {}).items()
    ]
    return judge_by(rows, stage, "loss", "held-out images")


def _pictures(plan: Plan, main: Sequence[str], scores: Sequence[Score]) -> list[dict[str, str]]:
    kept = {score.picture for score in scores}
    if plan.scenes:
        drawn = [plan.scenes.scores(subject) for subject in plan.subjects]
        plan.scenes.album.remove_others({score.picture for some in drawn for score in some})
    if plan.repainting is None:
        return []
    for subject in plan.subjects:
        kept |= {score.picture for score in plan.repainting.scores(subject)}
    seed = plan.project.settings.evaluate.seeds[0]
    return plan.album.finish(plan.images, ["hole", *main], seed, kept)


def _settings(plan: Plan) -> dict[str, Any]:
    sampling, asked, info = plan.sampling, plan.project.settings.evaluate, plan.benches[0].info
    lasts = [plan.find(stage) for stage in plan.checkpoints]
    uses = {subject.name: use for subject in lasts for use in subject.loras}
    told = {
        "base": info.path.name,
        "inpaint_base": info.inpaint,
        "sampler": sampling.sampler,
        "steps": sampling.steps,
        "cfg": sampling.cfg,
        "strength": sampling.strength,
        "seeds": list(dict.fromkeys(asked.seeds)),
        "images": len(plan.images),
        "loss_timesteps": asked.loss_timesteps,
        "loss_images": {
            stage: {part: len(exam.pictures[part]) for part in (HOLDOUT, TRAIN)}
            for stage, exam in plan.losses.items()
        },
        "loras": {
            name: {"file": use.path.name, "weight": use.weight, "hash": lora_hash(use.path)}
            for name, use in uses.items()
        },
        "dataset_key": plan.built.key,
    }
    if plan.images:
        height, width = plan.images[0].pixels.shape[:2]
        told["size"] = [width, height]
    return told
