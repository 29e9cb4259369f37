"""What a command line and a project ask for → a `Comparison`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from wrapper.base_model.base_size import base_side_px
from wrapper.comparison.album import Album
from wrapper.comparison.axes import Axis, read_axes
from wrapper.comparison.compare import Comparison
from wrapper.comparison.kinds import KINDS
from wrapper.comparison.look import Look
from wrapper.comparison.plan import Asked, make_plan
from wrapper.comparison.shelf import Shelf
from wrapper.comparison.subject import FromText, Subject, read_subject
from wrapper.comparison.tables import Shown, project_tables, wished_tables
from wrapper.diffusion.inpainting.inpaint import InpaintSettings
from wrapper.diffusion.inpainting.inpaint_file import project_inpaint_lora, project_inpaint_settings
from wrapper.diffusion.pipelines.opening import named_base, project_base
from wrapper.diffusion.pipelines.sampling import Prompt, Sampling
from wrapper.diffusion.prompts.lora_tags import parse_lora_argument
from wrapper.diffusion.txt2img.project_pictures import project_lora, wanted_size
from wrapper.project.layout import STAGES
from wrapper.project.schema import GenerateSection
from wrapper.value_lists import split_values

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import Project

OPTION_OF = {"prompt": "prompts", "seed": "seeds", "scheduler": "sampler"}
"""Options that name the same as an axis, where they are not called alike."""


@dataclass(frozen=True)
class Request:
    """What the command line says; None or empty for what it leaves to the project and the defaults."""

    base: str | None = None
    loras: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    negative: str | None = None
    seeds: tuple[str, ...] = ()
    x: str | None = None
    y: str | None = None
    image: Path | None = None
    mask: Path | None = None
    out: Path | None = None
    sampler: str | None = None
    steps: int | None = None
    cfg: float | None = None
    clip_skip: int | None = None
    strength: float | None = None
    width: int | None = None
    height: int | None = None
    padding: int | None = None
    mask_blur: int | None = None
    work_size: int | None = None

    @property
    def inpaints(self) -> bool:
        return self.image is not None

    def over(self, known: Any, **names: str) -> Any:
        """The dataclass ``known`` with whatever is given here; ``names`` are field=option."""
        given = {field: getattr(self, option) for field, option in names.items()}
        return replace(known, **{field: value for field, value in given.items() if value is not None})


def comparison_of(request: Request, project: Project | None, random_seed: int) -> Comparison:
    """Plan what is asked for. Without seeds of its own or the project's it is drawn with ``random_seed``.

    Raises `UserError` for axes, prompts, seeds and files that cannot be compared; nothing is loaded.
    """
    _refuse_halves(request)
    shelf, lora_folders = _shelf(project)
    settings = _inpaint_settings(request, project)
    basis = Look(Prompt(""), _sampling(request, project, settings), _loras(request, project))
    axes = read_axes((request.x, request.y), basis, shelf)
    _refuse_both(request, axes)
    shown = _shown(request, project, axes, random_seed)
    tables = _tables(request, project, basis, shown, axes, shelf)
    info = _base(request, project)
    return Comparison(
        info,
        _subject(request, project, info, settings),
        make_plan(tables, lora_folders),
        Album(request.out or _folder(request, project, axes)),
    )


def _refuse_halves(request: Request) -> None:
    if (request.image is None) != (request.mask is None):
        raise UserError("--image and --mask belong together.", "Give both to compare inpainting.")
    of_inpainting = ("strength", "padding", "mask_blur", "work_size")
    idle = of_inpainting if not request.inpaints else ("width", "height")
    given = [f"--{name.replace('_', '-')}" for name in idle if getattr(request, name) is not None]
    if given:
        where = "without --image" if not request.inpaints else "with --image"
        raise UserError(f"{', '.join(given)} {where} change nothing.", "Leave them out.")


def _refuse_both(request: Request, axes: Sequence[Axis]) -> None:
    """An option that an axis would override was meant to do something."""
    for axis in axes:
        option = OPTION_OF.get(axis.name, axis.name.replace("-", "_"))
        if getattr(request, option, None):
            flag = f"--{option.removesuffix('s') if option in ('prompts', 'seeds') else option}"
            raise UserError(f"{flag} and the axis '{axis.name}' name the same thing.", "Give one of the two.")
        if axis.name == "strength" and not request.inpaints:
            raise UserError("The axis 'strength' is for inpainting.", "Give --image and --mask.")


def _shelf(project: Project | None) -> tuple[Shelf, list[Path]]:
    if project is None:
        return Shelf(), [Path(), Path("loras")]
    return Shelf((project.paths.loras,), project.paths), [project.paths.loras]


def _loras(request: Request, project: Project | None) -> tuple[LoraUse, ...]:
    if request.loras or project is None or any("<lora:" in text for text in request.prompts):
        return tuple(parse_lora_argument(text) for text in request.loras)
    return (project_inpaint_lora(project) if request.inpaints else project_lora(project),)


def _inpaint_settings(request: Request, project: Project | None) -> InpaintSettings:
    known = project_inpaint_settings(project) if project and request.inpaints else InpaintSettings()
    return request.over(known, mask_blur_px="mask_blur", padding_px="padding", work_size="work_size")


def _sampling(request: Request, project: Project | None, settings: InpaintSettings) -> Sampling:
    table = project.settings.generate if project else GenerateSection()
    known = settings.sampling if request.inpaints else Sampling(table.sampler, table.steps, table.cfg)
    same = ("sampler", "steps", "cfg", "strength", "clip_skip")
    return request.over(known, **{name: name for name in same})


def _shown(request: Request, project: Project | None, axes: Sequence[Axis], random_seed: int) -> Shown:
    table = project.settings.generate if project else GenerateSection()
    prompts = request.prompts or (() if request.inpaints else tuple(table.prompts))
    if "prompt" in {axis.name for axis in axes}:
        prompts = ("",)
    if not prompts:
        raise UserError("There is no prompt.", "Give --prompt TEXT.")
    fields = [field for text in request.seeds for field in split_values(text)]
    given = KINDS["seed"].read(fields, Look(Prompt("")), Shelf())
    seeds = [value.value for value in given] or (table.seeds if project else [random_seed])
    negative = table.negative if request.negative is None and project else request.negative
    return Shown(prompts, tuple(dict.fromkeys(seeds)), negative or "")


def _tables(
    request: Request,
    project: Project | None,
    basis: Look,
    shown: Shown,
    axes: Sequence[Axis],
    shelf: Shelf,
) -> list[Asked]:
    if project is None or axes or request.prompts or request.inpaints or not basis.loras:
        return wished_tables(basis, shown, axes)
    stage = next((stage for stage in STAGES if basis.loras[0].path.stem.endswith(stage)), STAGES[0])
    return project_tables(basis, shown, shelf, stage)


def _base(request: Request, project: Project | None) -> BaseInfo:
    task = "inpaint" if request.inpaints else "txt2img"
    return project_base(project, task) if project else named_base(str(request.base), task)


def _subject(request: Request, project: Project | None, info: BaseInfo, settings: InpaintSettings) -> Subject:
    if request.image and request.mask:
        return read_subject(request.image, request.mask, settings)
    width, height = wanted_size(project) if project else (None, None)
    side = base_side_px(info)
    return FromText((request.width or width or side, request.height or height or side))


def _folder(request: Request, project: Project | None, axes: Sequence[Axis]) -> Path:
    """Comparisons of different axes or photographs lie in different folders."""
    names = [axis.name for axis in axes] + ([request.image.stem] if request.image else [])
    folder = "_".join(["compare", *names])
    return project.paths.images / folder if project else Path(folder)
