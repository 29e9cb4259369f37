"""A base model and its LoRAs as a pipeline that is ready to draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dataset_tools.errors import Problems
from wrapper.places import cache_folder
from wrapper.quiet import quiet_libraries

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import Project

Task = Literal["txt2img", "inpaint"]


def project_base(project: Project, task: Task) -> BaseInfo:
    """The base model that the project names for ``task``. Raises `UserError` when it is not one."""
    from wrapper.base_model.detect import resolve

    inpaint = task == "inpaint"
    return resolve(project.base(inpaint=inpaint), inpaint, project.paths.cache)


def named_base(spec: str, task: Task) -> BaseInfo:
    """The base model at a path, or ``demo``, outside of any project. Raises `UserError`."""
    from wrapper.base_model.detect import resolve

    return resolve(spec, task == "inpaint", cache_folder())


def open_pipeline(info: BaseInfo, task: Task, loras: Sequence[LoraUse] = ()) -> Any:
    """Load ``info`` for ``task`` on the GPU in half precision, else on the CPU, and apply ``loras``."""
    import torch

    check_lora_files([use.path for use in loras])
    device, dtype = ("cuda", torch.float16) if torch.cuda.is_available() else ("cpu", torch.float32)
    with quiet_libraries():
        from wrapper.base_model.load import load_pipeline

        pipeline = load_pipeline(info, task, dtype, device)
    pipeline.set_progress_bar_config(disable=True)
    if loras:
        from wrapper.lora.apply import apply_loras

        apply_loras(pipeline, list(loras))
    return pipeline


def check_lora_files(paths: Sequence[Path]) -> None:
    """Raise one `UserError` that names every LoRA file that is not there."""
    problems = Problems()
    for path in paths:
        if not path.is_file():
            problems.add(path, "there is no such LoRA file.")
    problems.raise_if_any()
