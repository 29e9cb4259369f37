"""A short program that uses the LoRA with diffusers."""

from __future__ import annotations

from wrapper.export.source import Source
from wrapper.export.targets import SIZES_PX
from wrapper.export.wish import Wish
from wrapper.places import shipped

PIPELINES = {
    ("sd15", False): "StableDiffusionPipeline",
    ("sd15", True): "StableDiffusionInpaintPipeline",
    ("sdxl", False): "StableDiffusionXLPipeline",
    ("sdxl", True): "StableDiffusionXLInpaintPipeline",
}


def example_script(wish: Wish, source: Source) -> str:
    """The program's text; it stands beside the LoRA file and finds it there."""
    import jinja2

    inpaint = wish.uses == ("inpaint",)
    template = (shipped("templates") / "diffusers" / "example.py.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["python"] = repr
    return environment.from_string(template).render(
        pipeline=PIPELINES[source.kind, inpaint],
        inpaint=inpaint,
        weights=f"{wish.name}.safetensors",
        prompt=wish.prompt or wish.trigger or "a photograph",
        negative=wish.negative,
        size=wish.size_px or SIZES_PX[source.kind],
        wish=wish,
    )
