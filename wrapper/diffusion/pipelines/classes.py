"""The diffusers pipeline for a kind of base, a task, and whether a ControlNet steers it."""

from __future__ import annotations

from typing import Any

ATTACHED = "lorawrap_attached"
"""The attribute of a pipeline that holds its conditions (`conditions.attached.Attached`)."""


def img2img_pipeline(pipeline: Any) -> Any:
    """The img2img pipeline on the very models, LoRAs and conditions of ``pipeline``."""
    from wrapper.base_model.load import pipeline_class

    kind = "sdxl" if getattr(pipeline, "text_encoder_2", None) is not None else "sd15"
    from wrapper.diffusion.pipelines.schedulers import make_scheduler

    parts = pipeline.components
    parts["scheduler"] = make_scheduler(
        "DDIM", pipeline.scheduler.config
    )  # only for now, each batch has its own
    extra = {"add_watermarker": False}
    if kind == "sd15":
        extra = {"requires_safety_checker": parts["safety_checker"] is not None}
    over = pipeline_class(kind, "img2img", parts.get("controlnet") is not None)(**parts, **extra)
    over.set_progress_bar_config(disable=True)
    setattr(over, ATTACHED, getattr(pipeline, ATTACHED, None))
    return over


def is_img2img(pipeline: Any) -> bool:
    """Whether the pipeline draws over a picture, whose size it keeps."""
    return "Img2Img" in type(pipeline).__name__
