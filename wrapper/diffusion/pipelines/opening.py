"""A base model and its LoRAs as a pipeline that is ready to draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dataset_tools.errors import Problems, UserError
from wrapper.diffusion.conditions.conditions import NONE, Conditions, check_conditions
from wrapper.diffusion.pipelines.machine import this_machine
from wrapper.diffusion.pipelines.place import dtype_of, model_bytes, place, use_attention
from wrapper.diffusion.pipelines.placement import DEFAULT, Placed, Placement, choose, fit_memory
from wrapper.diffusion.telling import tell
from wrapper.places import cache_folder
from wrapper.quiet import quiet_libraries

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import Project

Task = Literal["txt2img", "inpaint"]


def project_base(project: Project, task: Task, *, allow_pickle: bool = False) -> BaseInfo:
    """The base model that the project names for ``task``. Raises `UserError` when it is not one."""
    from wrapper.base_model.detect import resolve

    inpaint = task == "inpaint"
    base = project.base(inpaint=inpaint)
    return resolve(base, inpaint, project.paths.shared_cache, allow_pickle=allow_pickle)


def named_base(spec: str, task: Task, *, allow_pickle: bool = False) -> BaseInfo:
    """The base model at a path, or ``demo``, outside of any project. Raises `UserError`."""
    from wrapper.base_model.detect import resolve

    return resolve(spec, task == "inpaint", cache_folder(), allow_pickle=allow_pickle)


def open_pipeline(
    info: BaseInfo,
    task: Task,
    loras: Sequence[LoraUse] = (),
    conditions: Conditions = NONE,
    placement: Placement = DEFAULT,
) -> Any:
    """Load ``info`` for ``task`` with its LoRAs and conditions, and place it; a GPU is taken where one is.

    What does not fit is refused before anything large is loaded, as far as the files' headers tell it.
    Raises `UserError`.
    """
    check_lora_files([use.path for use in loras])
    check_fit(info, conditions)
    machine = this_machine()
    placed = choose(placement, machine)
    with quiet_libraries():
        pipeline = _load(info, task, conditions, placed)
    pipeline.set_progress_bar_config(disable=True)
    if loras:
        from wrapper.lora.apply import apply_loras

        apply_loras(pipeline, list(loras))
    placed = fit_memory(placed, machine, info.kind, model_bytes(pipeline))
    place(pipeline, placed)
    if conditions:
        from wrapper.diffusion.conditions.attached import attach

        attach(pipeline, conditions)
    if placed != choose(DEFAULT, machine):
        tell(placed.line())
    return pipeline


def _load(info: BaseInfo, task: Task, conditions: Conditions, placed: Placed) -> Any:
    """The pipeline on the CPU, with the models of its conditions."""
    from wrapper.base_model.load import load_pipeline
    from wrapper.diffusion.conditions.control_net import load_control_nets
    from wrapper.diffusion.conditions.ip_adapter import load_adapters

    dtype = dtype_of(placed)
    nets = load_control_nets(conditions.controls, info, dtype)
    pipeline = load_pipeline(info, task, dtype, controlnet=nets)
    use_attention(pipeline, placed)
    load_adapters(pipeline, conditions.adapters)
    return pipeline


def check_fit(info: BaseInfo, conditions: Conditions) -> None:
    """Raise `UserError` for conditions that are not whole, or for another kind of base than ``info``."""
    if not conditions:
        return
    from wrapper.base_model.architecture import read_configs
    from wrapper.diffusion.conditions.control_net import check_control_nets
    from wrapper.diffusion.conditions.ip_adapter import check_adapters

    check_conditions(conditions)
    check_control_nets(conditions.controls, info)
    check_adapters(conditions.adapters, int(read_configs(info).unet["cross_attention_dim"]))


def check_lora_files(paths: Sequence[Path]) -> None:
    """Raise one `UserError` that names every LoRA that is not there, or is no safetensors file."""
    from wrapper.safetensors_header import read_header

    problems = Problems()
    for path in paths:
        if not path.exists():
            problems.add(path, "there is no such LoRA file.")
            continue
        try:
            read_header(path)
        except UserError as error:
            problems.add(path, error.message.removeprefix(f"{path}: "), error.hint)
    problems.raise_if_any()
