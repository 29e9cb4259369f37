"""The user's own networks that judge pictures: LPIPS, faces, CLIP. All optional, all local files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import Problems, UserError
from dataset_tools.system.left_by_systems import files_below
from wrapper.evaluation.scenes import Judge, face_box

if TYPE_CHECKING:
    import numpy as np

    from wrapper.evaluation.measures.identity import FaceModel
    from wrapper.evaluation.measures.lpips import Lpips
    from wrapper.evaluation.samples import SamplePicture
    from wrapper.project.load import Project
    from wrapper.project.schema import EvaluateSection


def check_judges(project: Project) -> None:
    """Raise one `UserError` that names every file of [evaluate] that is not there, and a wrong box."""
    problems, asked = Problems(), project.settings.evaluate
    files = [("lpips_weights", name) for name in asked.lpips_weights]
    files += [("face_model", asked.face_model), ("clip_model", asked.clip_model)]
    for key, name in files:
        if name and not project.path(name).exists():
            problems.add(f"{project.paths.file} [evaluate] {key}", f"there is no {project.path(name)}.")
    try:
        face_box(asked.face_box, 100, 100)
    except UserError as error:
        problems.add(f"{project.paths.file}", error.message)
    problems.raise_if_any()


def judge_files(project: Project) -> dict[str, list[Path]]:
    """Every file that each network consists of, by its key in [evaluate]."""
    asked = project.settings.evaluate
    named = {
        "lpips_weights": asked.lpips_weights,
        "face_model": [asked.face_model],
        "clip_model": [asked.clip_model],
    }
    return {
        key: [f for name in names if name for f in _files(project.path(name))] for key, names in named.items()
    }


def open_lpips(project: Project) -> Lpips | None:
    from wrapper.evaluation.measures.lpips import load_lpips

    files = [project.path(name) for name in project.settings.evaluate.lpips_weights]
    return load_lpips(files) if files else None


def scene_judges(project: Project, person: Sequence[SamplePicture]) -> dict[str, Judge]:
    """By metric: ``identity`` against the mean of the ``person``'s photographs, ``prompt`` by CLIP."""
    asked, judges = project.settings.evaluate, {}
    if asked.face_model:
        judges["identity"] = _identity(project.path(asked.face_model), asked, person)
    if asked.clip_model:
        from wrapper.evaluation.measures.adherence import load_clip

        judges["prompt"] = load_clip(project.path(asked.clip_model)).score
    return judges


def _identity(path: Path, asked: EvaluateSection, person: Sequence[SamplePicture]) -> Judge:
    from wrapper.evaluation.measures.identity import FaceModel, mean_direction, similarity

    if not person:
        raise UserError("There is no training photograph to compare faces with.", "Run 'lorawrap build'.")
    model = FaceModel(path, asked.face_pixels)
    known = mean_direction([_embed(model, picture.pixels, asked.face_box) for picture in person])

    def judge(picture: np.ndarray, _prompt: str) -> float:
        return similarity(_embed(model, picture, asked.face_box), known)

    return judge


def _embed(model: FaceModel, picture: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    height, width = picture.shape[:2]
    return model.embed(picture, face_box(shares, width, height))


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else files_below(path)
