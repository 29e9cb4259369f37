"""Which mask belongs to which picture, and what it is made from. Nothing is written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from dataset_tools.errors import Problems, UserError
from dataset_tools.image_files import image_files
from dataset_tools.manifests.folder_names import MASK_ENDING, MASK_FOLDER, with_masks
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.masking.marked import TOLERANCE_DE
from dataset_tools.masking.mask_plan import MaskPlan, plan_drawn
from dataset_tools.pictures.crop import Box
from dataset_tools.pictures.sam import sam_folder

Source = Literal["alpha", "colour", "sam", "synthetic"]
_NOTHING: dict[Source | None, str] = {
    None: "no picture has a mask, so there is nothing to check; --from makes masks",
    "alpha": "no picture has a marked copy",
    "colour": "no picture has a marked copy",
    "sam": "no row has an ear_box, with which SAM is pointed at the ear",
    "synthetic": "no row has an ear_box, about which an ear-shaped mask is drawn",
}


@dataclass(frozen=True)
class MaskSettings:
    """``source`` None: the masks that are there are checked, none is made.

    ``marked`` is a folder of marked copies, None where the pictures are marked themselves; ``colour`` is
    (red, green, blue), ``tolerance_de`` how far from it (ΔE*ab) a marked pixel may be.
    """

    source: Source | None = None
    marked: Path | None = None
    colour: tuple[int, int, int] = (255, 0, 0)
    tolerance_de: float = TOLERANCE_DE
    sam_model: str = ""
    grow_px: int = 0
    seed: int = 7


@dataclass(frozen=True)
class Picture:
    """A picture of the set, what is known of its ear, and the mask that it has."""

    name: str
    path: Path
    mask: Path | None = None
    ear_box: Box | None = None


@dataclass(frozen=True)
class MaskJob:
    """A picture and where its mask lies: there already, or to be made from ``marked`` or as ``how`` says."""

    picture: Picture
    mask: Path
    marked: Path | None = None
    how: MaskPlan | None = None

    @property
    def makes(self) -> bool:
        return self.marked is not None or self.how is not None


@dataclass(frozen=True)
class MaskPlans:
    """The ``jobs``, pictures ``without`` a mask that get none, and masks that are ``alone``, by name."""

    jobs: Sequence[MaskJob]
    without: Sequence[str]
    alone: Sequence[Path] = ()


def pictures_of(path: Path) -> list[Picture]:
    """The pictures of a manifest, or of any folder, where masks are found by their names.

    ``NAME_mask.png`` lies beside its picture, or the same path below ``masks/``.
    """
    if path.is_dir():
        named = with_masks(image_files(path))
        return [Picture(name, path / name, path / mask if mask else None) for name, mask in named]
    manifest = read_manifest(path)
    return [
        Picture(row.image, manifest.image_path(row), manifest.mask_path(row), row.ear_box)
        for row in manifest.rows
    ]


def plan_masks(source: Path, settings: MaskSettings, out: Path | None = None) -> MaskPlans:
    """Masks are made as ``out/<path of the picture>.png``, by default in ``masks`` beside the pictures.

    Raises one `UserError` for marked copies that belong to no picture, and one for a SAM model that is not
    there.
    """
    if settings.source == "sam":
        sam_folder(settings.sam_model)
    pictures = pictures_of(source)
    root = source if source.is_dir() else source.parent
    jobs = list(_jobs(pictures, settings, out or root / MASK_FOLDER))
    alone = _alone(source, pictures) if source.is_dir() and settings.source is None else ()
    if not jobs and not alone:
        raise UserError(f"{source}: {_NOTHING[settings.source]}.")
    with_mask = {job.picture.name for job in jobs}
    without = [picture.name for picture in pictures if picture.name not in with_mask]
    return MaskPlans(jobs, without, alone)


def _alone(folder: Path, pictures: Sequence[Picture]) -> list[Path]:
    """The files that are named as masks are, and that no picture has."""
    known = {path for picture in pictures for path in (picture.path, picture.mask)}
    return [folder / name for name in image_files(folder) if folder / name not in known]


def _jobs(pictures: Sequence[Picture], settings: MaskSettings, out: Path) -> Iterator[MaskJob]:
    if settings.source in ("alpha", "colour"):
        copies = _marked_copies(pictures, settings.marked)
        for picture in pictures:
            if picture.name in copies:
                yield MaskJob(picture, _target(picture, out), marked=copies[picture.name])
    elif settings.source is None:
        yield from (MaskJob(picture, picture.mask) for picture in pictures if picture.mask)
    else:
        for picture in pictures:
            if picture.ear_box:
                asked = (picture.ear_box, picture.name, settings.seed, settings.sam_model)
                how = plan_drawn(settings.source, *asked)
                yield MaskJob(picture, _target(picture, out), how=how)


def _target(picture: Picture, out: Path) -> Path:
    return out / PurePosixPath(picture.name).with_suffix(".png")


def _marked_copies(pictures: Sequence[Picture], marked: Path | None) -> dict[str, Path]:
    """Picture → its marked copy: of the same path, or of the same name where only one picture has it."""
    if marked is None:
        return {picture.name: picture.path for picture in pictures}
    by_path = {_stem(picture.name): picture.name for picture in pictures}
    names = Counter(PurePosixPath(stem).name for stem in by_path)
    by_name = {PurePosixPath(stem).name: name for stem, name in by_path.items()}
    found, problems = {}, Problems()
    for copy in image_files(marked):
        stem = _stem(copy)
        short = PurePosixPath(stem).name
        name = by_path.get(stem) or (by_name.get(short) if names[short] == 1 else None)
        if name is None:
            said = "several pictures have" if names[short] else "no picture has"
            problems.add(
                marked / copy, f"{said} this name.", "A marked copy has its picture's path and name."
            )
        else:
            found[name] = marked / copy
    problems.raise_if_any()
    return found


def _stem(name: str) -> str:
    """``a/b_mask.png`` and ``a/b.jpg`` → ``a/b``."""
    return str(PurePosixPath(name).with_suffix("")).removesuffix(MASK_ENDING)
