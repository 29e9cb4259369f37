"""A short program that uses the LoRA with diffusers."""

from __future__ import annotations

from wrapper.export.source import Source
from wrapper.export.targets import SIZES_PX
from wrapper.export.wish import Wish
from wrapper.shipped_templates import templates

PIPELINES = {
    ("sd15", False): "StableDiffusionPipeline",
    ("sd15", True): "StableDiffusionInpaintPipeline",
    ("sdxl", False): "StableDiffusionXLPipeline",
    ("sdxl", True): "StableDiffusionXLInpaintPipeline",
}


def example_script(wish: Wish, source: Source) -> str:
    """The program's text; it stands beside the LoRA file and finds it there."""
    inpaint = wish.uses == ("inpaint",)
    made = templates("diffusers")
    made.filters["python"] = repr
    return made.get_template("example.py.j2").render(
        pipeline=PIPELINES[source.kind, inpaint],
        inpaint=inpaint,
        weights=f"{wish.name}.safetensors",
        prompt=wish.prompt or wish.trigger or "a photograph",
        negative=wish.negative,
        size=wish.size_px or SIZES_PX[source.kind],
        wish=wish,
    )
