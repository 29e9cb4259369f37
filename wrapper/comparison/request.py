"""What a command line and a project ask for → a `Comparison`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from wrapper.base_model.base_size import base_side_px
from wrapper.comparison.album import Album
from wrapper.comparison.axes import Axis, read_axes
from wrapper.comparison.compare import Comparison
from wrapper.comparison.kinds import KINDS
from wrapper.comparison.look import Look
from wrapper.comparison.plan import Asked, Plan, make_plan
from wrapper.comparison.shelf import Shelf
from wrapper.comparison.subject import FromText, Means, Subject, read_subject
from wrapper.comparison.tables import Shown, project_tables, wished_tables
from wrapper.diffusion.conditions.conditions import NONE, Conditions
from wrapper.diffusion.inpainting.inpaint import InpaintSettings
from wrapper.diffusion.inpainting.mask_request import MaskRequest
from wrapper.diffusion.inpainting.painting import Say
from wrapper.diffusion.inpainting.project_inpaint import project_inpaint_lora, project_inpaint_settings
from wrapper.diffusion.inpainting.repair import Repair
from wrapper.diffusion.pipelines.opening import named_base, project_base
from wrapper.diffusion.pipelines.placement import DEFAULT, Placement
from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.diffusion.prompts.lora_tags import parse_lora_argument
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.txt2img.hires import Hires
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
    mask: MaskRequest = field(default_factory=MaskRequest)
    out: Path | None = None
    sampler: str | None = None
    steps: int | None = None
    cfg: float | None = None
    clip_skip: int | None = None
    strength: float | None = None
    width: int | None = None
    height: int | None = None
    hires: Hires | None = None
    region: str | None = None
    fill: str | None = None
    padding: int | None = None
    mask_blur: int | None = None
    work_size: int | None = None
    allow_pickle: bool = False
    conditions: Conditions = NONE
    placement: Placement = DEFAULT

    @property
    def inpaints(self) -> bool:
        return self.image is not None

    def over(self, known: Any, **names: str) -> Any:
        """The dataclass ``known`` with whatever is given here; ``names`` are field=option."""
        given = {field: getattr(self, option) for field, option in names.items()}
        return replace(known, **{field: value for field, value in given.items() if value is not None})


def comparison_of(request: Request, project: Project | None, random_seed: int, say: Say) -> Comparison:
    """Plan what is asked for. Without seeds of its own or the project's it is drawn with ``random_seed``.

    Raises `UserError` for axes, prompts, seeds and files that cannot be compared; no model is loaded.
    ``say`` gets sentences about the photograph.
    """
    _refuse_halves(request)
    shelf, lora_folders = _shelf(project)
    settings = _inpaint_settings(request, project)
    basis = Look(Prompt(""), _sampling(request, project, settings), _loras(request, project))
    axes = read_axes((request.x, request.y), basis, shelf)
    _refuse_both(request, axes)
    shown = _shown(request, project, axes, random_seed)
    plan = make_plan(_tables(request, project, basis, shown, axes, shelf), lora_folders)
    album = Album(request.out or _folder(request, project, axes))
    return Comparison(_subject(request, project, settings, plan, say), plan, album)


def _refuse_halves(request: Request) -> None:
    if (request.image is None) == bool(request.mask):
        raise UserError("--image and its --mask belong together.", "Give both to compare inpainting.")
    of_inpainting = ("strength", "region", "fill", "padding", "mask_blur", "work_size")
    idle = ("width", "height", "hires") if request.inpaints else of_inpainting
    given = [f"--{name.replace('_', '-')}" for name in idle if getattr(request, name) is not None]
    if given:
        where = "with --image" if request.inpaints else "without --image"
        raise UserError(f"{', '.join(given)} {where}: changes nothing.", "Leave it out.")


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
    return request.over(
        known,
        mask_blur_px="mask_blur",
        padding_px="padding",
        work_size="work_size",
        area="region",
        fill="fill",
    )


def _sampling(request: Request, project: Project | None, settings: InpaintSettings) -> Sampling:
    table = project.settings.generate if project else GenerateSection()
    known = settings.sampling if request.inpaints else Sampling(table.sampler, table.steps, table.cfg)
    same = ("sampler", "steps", "cfg", "strength", "clip_skip")
    return request.over(known, **{name: name for name in same})


def _shown(request: Request, project: Project | None, axes: Sequence[Axis], random_seed: int) -> Shown:
    table = project.settings.generate if project else GenerateSection()
    own = project is not None and not request.inpaints
    prompts = request.prompts or (tuple(table.prompts) if own else ())
    if "prompt" in {axis.name for axis in axes}:
        prompts = ("",)
    if not prompts:
        raise UserError("There is no prompt.", "Give --prompt TEXT.")
    fields = [field for text in request.seeds for field in split_values(text)]
    given = KINDS["seed"].read(fields, Look(Prompt("")), Shelf())
    seeds = [value.value for value in given] or (table.seeds if own else []) or [random_seed]
    negative = table.negative if request.negative is None and own else request.negative
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


def _subject(
    request: Request, project: Project | None, settings: InpaintSettings, plan: Plan, say: Say
) -> Subject:
    means = Means(_base(request, project), request.conditions, request.placement)
    if request.image:
        first = next(iter(plan.cells.values()))
        mask = replace(request.mask, seed=first.prompt.seed)
        settings = replace(settings, sampling=first.sampling)
        repair = Repair(request.image, mask, first.prompt, Path("cell.png"), settings)
        return read_subject(means, repair, say)
    width, height = wanted_size(project) if project else (None, None)
    side = base_side_px(means.info)
    size = request.width or width or side, request.height or height or side
    return FromText(means, size, request.hires)


def _base(request: Request, project: Project | None) -> BaseInfo:
    task, pickle = "inpaint" if request.inpaints else "txt2img", request.allow_pickle
    if project:
        return project_base(project, task, allow_pickle=pickle)
    return named_base(str(request.base), task, allow_pickle=pickle)


def _folder(request: Request, project: Project | None, axes: Sequence[Axis]) -> Path:
    """Comparisons of different axes or photographs lie in different folders."""
    names = [axis.name for axis in axes] + ([request.image.stem] if request.image else [])
    folder = "_".join(["compare", *names])
    return project.paths.images / folder if project else Path(folder)
