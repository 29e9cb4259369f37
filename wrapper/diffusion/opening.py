"""A base model and its LoRAs as a pipeline that is ready to draw."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dataset_tools.errors import Problems

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import Project

Task = Literal["txt2img", "inpaint"]


def project_base(project: Project, task: Task) -> BaseInfo:
    """The base model that the project names for ``task``. Raises `UserError` when it is not one."""
    from wrapper.base_model.detect import resolve

    base = project.settings.base
    spec = base.inpaint_model if task == "inpaint" else base.model
    where = spec if spec == "demo" else str(project.path(spec))
    return resolve(where, task == "inpaint", project.paths.cache)


def named_base(spec: str, task: Task) -> BaseInfo:
    """The base model at a path, or ``demo``, outside of any project. Raises `UserError`."""
    from wrapper.base_model.detect import resolve

    return resolve(spec, task == "inpaint", cache_folder())


def cache_folder() -> Path:
    """LORAWRAP_CACHE_DIR, else the user's own cache folder."""
    named = os.environ.get("LORAWRAP_CACHE_DIR")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lorawrap"


def open_pipeline(info: BaseInfo, task: Task, loras: Sequence[LoraUse] = ()) -> Any:
    """Load ``info`` for ``task`` on the GPU in half precision, else on the CPU, and apply ``loras``."""
    import torch

    check_lora_files([use.path for use in loras])
    device, dtype = ("cuda", torch.float16) if torch.cuda.is_available() else ("cpu", torch.float32)
    with _transformers_quiet():
        from wrapper.base_model.load import load_pipeline

        pipeline = load_pipeline(info, task, dtype, device)
    pipeline.set_progress_bar_config(disable=True)
    if loras:
        from wrapper.lora.apply import apply_loras

        apply_loras(pipeline, list(loras))
    return pipeline


@contextmanager
def _transformers_quiet() -> Iterator[None]:
    """No advice meanwhile about image processors that nobody asked for."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def check_lora_files(paths: Sequence[Path]) -> None:
    """Raise one `UserError` that names every LoRA file that is not there."""
    problems = Problems()
    for path in paths:
        if not path.is_file():
            problems.add(path, "there is no such LoRA file.")
    problems.raise_if_any()
