"""A comparison of two small LoRAs on a tiny random base."""

from __future__ import annotations

from pathlib import Path

from tests.diffusion.small_lora import write_small_lora
from wrapper.base_model.detect import detect
from wrapper.comparison.album import Album
from wrapper.comparison.axes import read_axes
from wrapper.comparison.compare import Comparison
from wrapper.comparison.look import Look
from wrapper.comparison.plan import make_plan
from wrapper.comparison.shelf import Shelf
from wrapper.comparison.subject import FromText, Means
from wrapper.comparison.tables import Shown, wished_tables
from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.lora.apply import LoraUse

QUICK = Sampling("Euler a", 2, 3.0)


def two_loras(folder: Path) -> tuple[Path, Path]:
    return tuple(  # type: ignore[return-value]
        write_small_lora(folder / f"{name}.safetensors", seed=seed, strength=2.0)
        for seed, name in enumerate(("ухо 1", "it's 2"))
    )


def small_comparison(
    base: Path, out: Path, lora: Path, x: str | None = None, y: str | None = None, **shown: tuple
) -> Comparison:
    basis = Look(Prompt(""), QUICK, (LoraUse(lora),))
    wanted = Shown(**{"prompts": ("a woman",), "seeds": (1,), **shown})
    tables = wished_tables(basis, wanted, read_axes((x, y), basis, Shelf()))
    return Comparison(FromText(Means(detect(base)), (64, 64)), make_plan(tables), Album(out))
