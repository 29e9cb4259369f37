"""What the options of ``inpaint`` come to: the settings, one repair, and what paints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wrapper.cli.condition_options import conditions_of
from wrapper.cli.device_options import placement_of
from wrapper.cli.sampling_options import first_given, random_seed

if TYPE_CHECKING:
    from wrapper.diffusion.inpainting.inpaint import InpaintSettings
    from wrapper.diffusion.inpainting.mask_request import MaskRequest
    from wrapper.diffusion.inpainting.repair import Painter, Repair
    from wrapper.project.load import Project


def repair_of(opened: Project | None, mask: MaskRequest, given: dict[str, Any]) -> tuple[Repair, list[Any]]:
    """The repair, and the LoRAs of its prompt's tags."""
    from dataclasses import replace

    from wrapper.diffusion.inpainting.painting import refuse_unknown_minor
    from wrapper.diffusion.inpainting.repair import Repair
    from wrapper.diffusion.prompts.lora_tags import take_tags
    from wrapper.diffusion.prompts.prompt import Prompt

    folders = [opened.paths.loras] if opened else [Path(), Path("loras")]
    text, tagged = take_tags(given["prompt"] or "", folders)
    prompt = Prompt(text, given["negative"] or "", first_given(given["seed"], random_seed()))
    refuse_unknown_minor(prompt)
    mask = replace(mask, seed=prompt.seed)
    out = given["out"] or Path("inpainted.png")
    return Repair(given["image"], mask, prompt, out, settings_of(opened, given), given["count"]), tagged


def painter_of(opened: Project | None, given: dict[str, Any], tagged: list[Any]) -> Painter:
    """Base, LoRAs (``tagged`` are those of the prompt), conditions and device. Raises `UserError`."""
    from wrapper.diffusion.inpainting.repair import Painter
    from wrapper.diffusion.pipelines.opening import named_base, project_base

    conditions, placement = conditions_of(given), placement_of(given)
    pickle = given["allow_pickle"]
    if opened:
        info = project_base(opened, "inpaint", allow_pickle=pickle)
    else:
        info = named_base(str(given["base"]), "inpaint", allow_pickle=pickle)
    loras = [*_loras(opened, given["loras"], bool(tagged)), *tagged]
    return Painter(info, tuple(loras), conditions, placement)


def _loras(project: Project | None, given: tuple[str, ...], tagged: bool) -> list[Any]:
    from wrapper.diffusion.inpainting.project_inpaint import project_inpaint_lora
    from wrapper.diffusion.prompts.lora_tags import parse_lora_argument

    if given or tagged or project is None:
        return [parse_lora_argument(text) for text in given]
    return [project_inpaint_lora(project)]


def settings_of(project: Project | None, given: dict[str, Any]) -> InpaintSettings:
    """Command line, then the project's [inpaint] table, then defaults."""
    from wrapper.diffusion.inpainting.inpaint import InpaintSettings
    from wrapper.diffusion.inpainting.project_inpaint import project_inpaint_settings
    from wrapper.diffusion.pipelines.sampling import Sampling

    known = project_inpaint_settings(project) if project else InpaintSettings()
    sampling = Sampling(
        first_given(given["sampler"], known.sampling.sampler),
        first_given(given["steps"], known.sampling.steps),
        first_given(given["cfg"], known.sampling.cfg),
        first_given(given["strength"], known.sampling.strength),
    )
    return InpaintSettings(
        sampling,
        first_given(given["mask_blur"], known.mask_blur_px),
        first_given(given["padding"], known.padding_px),
        known.context,
        first_given(given["work_size"], known.work_size),
        given["region"],
        given["fill"],
    )
