"""What an evaluation would measure, as data: the subjects, and the examinations that each base allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.building.dataset import BuiltDataset, read_dataset
from dataset_tools.errors import UserError
from dataset_tools.files import check_place
from dataset_tools.system.left_by_systems import files_below
from wrapper.contents import HASHES, Contents
from wrapper.diffusion.pipelines.opening import project_base
from wrapper.diffusion.pipelines.sampling import Sampling, check_sampling
from wrapper.diffusion.pipelines.schedulers import make_scheduler
from wrapper.evaluation.checkpoints import Checkpoint
from wrapper.evaluation.denoising import HOLDOUT, TRAIN, Denoising
from wrapper.evaluation.exam import Exam, total_missing
from wrapper.evaluation.holdout import HeldOutImage, read_holdout
from wrapper.evaluation.judges import check_judges, judge_files, open_lpips, scene_judges
from wrapper.evaluation.pictures import Album
from wrapper.evaluation.remembered import Remembered
from wrapper.evaluation.repainting import Repainting
from wrapper.evaluation.samples import held_out_samples, training_samples
from wrapper.evaluation.scenes import Scene, Scenes
from wrapper.evaluation.subjects import Subject, other_stage_note, subjects_of, trained_checkpoints
from wrapper.evaluation.trained_loss import loss_settings

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.diffusion.pipelines.opening import Task
    from wrapper.project.load import Project

MEMORY = "evaluation.jsonl"
SCENES_FOLDER = "scenes"
NO_LOSS = "no training file of {} was found, so its denoising loss cannot be measured as it was trained"
NO_MASK = "no held-out image has a mask, so the denoising loss of {} cannot be measured"


@dataclass(frozen=True)
class Bench:
    """One base and what is examined on it."""

    task: Task
    info: BaseInfo
    exams: list[Exam]

    def missing(self, subjects: Sequence[Subject]) -> int:
        return total_missing(self.exams, subjects)


@dataclass
class Plan:
    """``notes`` say what cannot be measured and why."""

    project: Project
    built: BuiltDataset
    checkpoints: dict[str, list[Checkpoint]]
    subjects: list[Subject]
    sampling: Sampling
    images: list[HeldOutImage]
    album: Album
    benches: list[Bench] = field(default_factory=list)
    repainting: Repainting | None = None
    losses: dict[str, Denoising] = field(default_factory=dict)
    scenes: Scenes | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Calls of the U-Net that are to come."""
        return sum(bench.missing(self.subjects) for bench in self.benches)

    def find(self, name: str) -> Subject:
        return next(subject for subject in self.subjects if subject.name == name)


def plan_evaluation(project: Project) -> Plan:
    """Raises `UserError` for what is missing or wrong, and when there is nothing to measure."""
    settings, paths = project.settings, project.paths
    asked = settings.evaluate
    built = read_dataset(paths.dataset)
    check_judges(project)
    checkpoints = trained_checkpoints(project)
    check_place(paths.images)
    if not asked.seeds:
        raise UserError(f"{paths.file} [evaluate]: no seeds.", "For example seeds = [1, 2, 3].")
    sampling = Sampling(settings.inpaint.sampler, settings.inpaint.steps, settings.inpaint.cfg)
    check_sampling(sampling)
    masked = any(held.mask for held in built.holdout)
    images = read_holdout(built, paths.dataset, asked.images) if masked else []
    seeds = list(dict.fromkeys(asked.seeds))
    subjects = subjects_of(checkpoints, settings.inpaint.lora_weight, seeds, asked.checkpoint_seeds)
    plan = Plan(project, built, checkpoints, subjects, sampling, images, Album(paths.images))
    plan.notes.extend(filter(None, [other_stage_note(project, checkpoints)]))
    _fill(plan, Remembered(paths.cache / MEMORY), Contents(paths.shared_cache / HASHES, *paths.roots))
    if not plan.benches:
        read_holdout(built, paths.dataset)
        raise UserError(f"{paths.root}: nothing can be measured: {'; '.join(plan.notes)}.")
    return plan


def _fill(plan: Plan, known: Remembered, contents: Contents) -> None:
    project, files = plan.project, judge_files(plan.project)
    if plan.images:
        info = project_base(project, "inpaint")
        facts = [*_facts(info, contents), asdict(plan.sampling), _hashes(contents, files["lpips_weights"])]
        plan.repainting = Repainting(
            info,
            plan.images,
            plan.sampling,
            calls(plan.sampling),
            plan.album,
            known,
            open_lpips(project),
            facts,
        )
        exams: list[Exam] = [plan.repainting]
        exams += _denoising(plan, "stage_b", info, known, contents)
        plan.benches.append(Bench("inpaint", info, exams))
    if "stage_a" in plan.checkpoints:
        _fill_txt2img(plan, known, contents, files)


def _fill_txt2img(plan: Plan, known: Remembered, contents: Contents, files: dict[str, list[Path]]) -> None:
    settings = plan.project.settings
    wants_scenes = bool((files["face_model"] or files["clip_model"]) and settings.generate.prompts)
    if not wants_scenes and not _can_denoise(plan, "stage_a"):
        return
    info = project_base(plan.project, "txt2img")
    exams: list[Exam] = [*_denoising(plan, "stage_a", info, known, contents)]
    if wants_scenes:
        plan.scenes = _scenes(plan, info, known, contents, files)
        exams.append(plan.scenes)
    if exams:
        plan.benches.append(Bench("txt2img", info, exams))


def _scenes(
    plan: Plan, info: BaseInfo, known: Remembered, contents: Contents, files: dict[str, list[Path]]
) -> Scenes:
    from wrapper.diffusion.prompts.prompt import Prompt
    from wrapper.diffusion.txt2img.generate import check_request
    from wrapper.diffusion.txt2img.project_pictures import wanted_size

    settings = plan.project.settings
    how, asked = settings.generate, settings.evaluate
    person = training_samples(plan.built, plan.project.paths.dataset, "stage_a", 10_000)
    judged = [_hashes(contents, some) for some in files.values()]
    facts = [
        *_facts(info, contents),
        judged,
        asked.face_pixels,
        asked.face_box,
        [one.digest for one in person],
    ]
    sampling = Sampling(how.sampler, how.steps, how.cfg)
    size = wanted_size(plan.project)
    check_request([Prompt(text, how.negative) for text in how.prompts], sampling, size)
    return Scenes(
        info,
        "stage_a",
        [Scene(f"{number:02d}", text, how.negative) for number, text in enumerate(how.prompts, start=1)],
        sampling,
        calls(sampling),
        size,
        scene_judges(plan.project, person),
        Album(plan.project.paths.images, SCENES_FOLDER),
        known,
        [*facts, asdict(sampling)],
    )


def _can_denoise(plan: Plan, stage: str) -> bool:
    return stage in plan.checkpoints and bool(plan.built.holdout)


def _denoising(
    plan: Plan, stage: str, info: BaseInfo, known: Remembered, contents: Contents
) -> list[Denoising]:
    """The stage's loss on held-out images and as many training images; none where that cannot be known."""
    if not _can_denoise(plan, stage):
        return []
    project, asked = plan.project, plan.project.settings.evaluate
    settings = loss_settings(project.paths, stage, asked.loss_timesteps, asked.seeds[0])
    if settings is None:
        plan.notes.append(NO_LOSS.format(stage))
        return []
    folder = project.paths.dataset
    need_mask = settings.masked_loss or info.inpaint
    held = held_out_samples(plan.built, folder, asked.images, need_mask=need_mask)
    if not held:
        plan.notes.append(NO_MASK.format(stage))
        return []
    pictures = {HOLDOUT: held, TRAIN: training_samples(plan.built, folder, stage, len(held))}
    plan.losses[stage] = Denoising(info, stage, pictures, settings, known, _facts(info, contents))
    return [plan.losses[stage]]


def calls(sampling: Sampling) -> int:
    """How often the U-Net is called for a picture drawn from pure noise."""
    scheduler = make_scheduler(sampling.sampler, {})
    scheduler.set_timesteps(sampling.steps)
    return len(scheduler.timesteps)


def _facts(info: BaseInfo, contents: Contents) -> list[Any]:
    """The base by its contents, and where it runs: another device rounds otherwise."""
    import torch

    files = [info.path] if info.single_file else files_below(info.path)
    return [info.inpaint, _hashes(contents, files), "cuda" if torch.cuda.is_available() else "cpu"]


def _hashes(contents: Contents, files: Sequence[Path]) -> list[str]:
    return [digest for _, digest in contents.of(files)]
