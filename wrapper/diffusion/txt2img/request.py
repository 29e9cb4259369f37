"""What a command line and a project ask for → a `Shooting`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from wrapper.base_model.base_size import base_side_px
from wrapper.diffusion.conditions.conditions import NONE, Conditions
from wrapper.diffusion.pictures.infotext import settle_prompt
from wrapper.diffusion.pipelines.opening import named_base, project_base
from wrapper.diffusion.pipelines.placement import DEFAULT, Placement
from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.diffusion.prompts.library import preset_for
from wrapper.diffusion.prompts.lora_tags import parse_lora_argument, take_tags
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.prompts.prompt_file import read_prompts
from wrapper.diffusion.txt2img.finding import check_base, check_conditions_again, find_base, find_loras
from wrapper.diffusion.txt2img.hires import Hires
from wrapper.diffusion.txt2img.project_pictures import project_lora, wanted_size
from wrapper.diffusion.txt2img.recall import Recalled, recall
from wrapper.diffusion.txt2img.shooting import Shooting
from wrapper.diffusion.txt2img.shot import Shot
from wrapper.diffusion.txt2img.wish import Wish
from wrapper.project.schema import GenerateSection
from wrapper.value_lists import numbers, split_values

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import Project

SEEDS = 2**32


@dataclass(frozen=True)
class Request:
    """What the command line says; None or empty for what it leaves to the project and the defaults."""

    base: str | None = None
    prompts: tuple[str, ...] = ()
    prompt_file: Path | None = None
    presets: tuple[str, ...] = ()
    picture: Path | None = None
    other_models: bool = False
    loras: tuple[str, ...] = ()
    lora_folders: tuple[Path, ...] = ()
    negative: str | None = None
    seeds: str | None = None
    count: int = 1
    sampler: str | None = None
    steps: int | None = None
    cfg: float | None = None
    clip_skip: int | None = None
    width: int | None = None
    height: int | None = None
    hires: Hires | None = None
    out: Path | None = None
    format: str = "png"
    again: bool = False
    allow_pickle: bool = False
    conditions: Conditions = NONE
    placement: Placement = DEFAULT


def shooting_of(request: Request, project: Project | None, random_seed: int) -> Shooting:
    """Plan what is asked for; without any seed, from ``random_seed`` on. Nothing is loaded.

    Raises `UserError` for files, LoRAs and numbers that there are not.
    """
    recalled = recall(request.picture) if request.picture else None
    info = base_of(request, project, recalled)
    wishes = list(_wishes(request, project, info, recalled))
    shots = [shot for wish in wishes for shot in _shots(request, wish, project, info, random_seed)]
    notes = _check_again(request, recalled, info) if recalled else ()
    return Shooting(
        info,
        tuple(dict.fromkeys(shots)),
        request.out or (project.paths.images if project else Path("images")),
        f".{request.format}",
        request.conditions,
        request.placement,
        request.again,
        notes,
        request.picture,
    )


def _check_again(request: Request, recalled: Recalled, info: BaseInfo) -> tuple[str, ...]:
    """What cannot be as it was, in words. Raises `UserError` for other models, unless they are wanted."""
    found = list(recalled.ignored)
    if not request.other_models:
        found += filter(None, [check_base(recalled, info)])
        check_conditions_again(recalled, request.conditions)
    return tuple(found)


def base_of(request: Request, project: Project | None, recalled: Recalled | None = None) -> BaseInfo:
    """The base that is named, else the project's, else that of the picture. Raises `UserError`."""
    if project:
        return project_base(project, "txt2img", allow_pickle=request.allow_pickle)
    spec = request.base or (find_base(recalled) if recalled else "")
    return named_base(spec, "txt2img", allow_pickle=request.allow_pickle)


def _wishes(
    request: Request, project: Project | None, info: BaseInfo, recalled: Recalled | None
) -> Iterator[Wish]:
    """From every place that names prompts, in one order."""
    yield from (Wish(text) for text in request.prompts)
    yield from (_preset(spec, project, info) for spec in request.presets)
    if request.prompt_file:
        for line in read_prompts(request.prompt_file):
            given = asdict(line)
            given.pop("where")
            yield Wish(**given, firm=True)
    if recalled:
        loras = find_loras(
            recalled, request.loras, lora_folders(request, project), others=request.other_models
        )
        yield replace(recalled.wish, loras=loras)


def lora_folders(request: Request, project: Project | None) -> list[Path]:
    """Where the names in LoRA tags are looked for."""
    own = [project.paths.loras] if project else [Path(), Path("loras")]
    return [*request.lora_folders, *own]


def _shots(
    request: Request, wish: Wish, project: Project | None, info: BaseInfo, random_seed: int
) -> Iterator[Shot]:
    """One wish with each of its seeds."""
    chosen = _Chosen(request, wish, project)
    text, loras = _text_and_loras(request, wish, project)
    side = base_side_px(info)
    width, height = wanted_size(project) if project else (None, None)
    size = (chosen.of("width", width) or side, chosen.of("height", height) or side)
    negative = chosen.of("negative", chosen.table.negative if project else "")
    sampling = Sampling(
        chosen.of("sampler", chosen.table.sampler),
        chosen.of("steps", chosen.table.steps),
        chosen.of("cfg", chosen.table.cfg),
        clip_skip=chosen.of("clip_skip", 1),
    )
    prompt = Prompt(settle_prompt(text), settle_prompt(negative, "negative prompt"))
    first = Shot(prompt, sampling, size, loras, chosen.of("hires", None))
    for seed in _seeds(request, wish, random_seed):
        yield replace(first, prompt=replace(first.prompt, seed=seed))


def _preset(spec: str, project: Project | None, info: BaseInfo) -> Wish:
    found = preset_for("txt2img", spec, project)
    width, height = found.size_px(base_side_px(info)) or (None, None)
    return Wish(found.text, found.negative, None, width, height, found.sampler, found.steps, found.cfg)


class _Chosen:
    """Which of line, command line, preset or picture, and project a setting is taken from."""

    def __init__(self, request: Request, wish: Wish, project: Project | None) -> None:
        self.places = (wish, request) if wish.firm else (request, wish)
        self.table = project.settings.generate if project else GenerateSection()

    def of(self, name: str, default: Any) -> Any:
        given = (getattr(place, name) for place in self.places)
        return next((value for value in given if value is not None), default)


def _text_and_loras(request: Request, wish: Wish, project: Project | None) -> tuple[str, tuple[LoraUse, ...]]:
    """The prompt without its tags; the LoRAs that are named anywhere, in a project else its own."""
    if wish.loras is not None:
        return wish.text, wish.loras
    text, tagged = take_tags(wish.text, lora_folders(request, project))
    given = [parse_lora_argument(argument) for argument in request.loras]
    if not given and not tagged and project:
        given = [project_lora(project)]
    return text, (*given, *tagged)


def _seeds(request: Request, wish: Wish, random_seed: int) -> list[int]:
    """Seeds by name, or counted up from one."""
    named = [] if request.seeds is None else read_seeds(request.seeds)
    own = [] if wish.seed is None else [wish.seed]
    seeds = ((own or named) if wish.firm else (named or own)) or [random_seed]
    if len(seeds) > 1 and request.count > 1:
        raise UserError("--count with several seeds.", "Give one seed to count up from, or all of them.")
    return seeds if len(seeds) > 1 else [(seeds[0] + place) % SEEDS for place in range(request.count)]


def read_seeds(text: str) -> list[int]:
    """``1,2,5-8`` → six seeds. Raises `UserError` for what is none."""
    try:
        seeds = [int(number) for value in split_values(text) for number in numbers(value, whole=True)]
    except UserError as error:
        raise UserError(f"--seed {text}: {error.message}", "For example 7, or 1,2,5-8.") from None
    wrong = [seed for seed in seeds if not 0 <= seed < SEEDS]
    if wrong or not seeds:
        raise UserError(
            f"--seed {text}: {wrong[0] if wrong else 'nothing'} is not a seed.",
            f"Seeds are 0 to {SEEDS - 1}.",
        )
    return seeds
