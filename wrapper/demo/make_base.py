"""Make the demo's base model from nothing: draw, train VAE, words, U-Net, the inpainting U-Net, assemble.

    python -m wrapper.demo.make_base --out DIR

takes about an hour on two CPU cores. Every stage leaves its weights and a small record in
`DIR/trained`, so a second call goes on after the last finished stage. The finished model is `DIR/base`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from dataset_tools.files import write_json
from wrapper.quiet import quiet_libraries


@dataclass(frozen=True)
class Recipe:
    """All that decides the weights, apart from the versions of the libraries and the machine's arithmetic."""

    seed: int
    drawings: int
    codec_drawings: int
    vae_steps: int
    text_steps: int
    unet_steps: int
    inpaint_steps: int
    validation_drawings: int


@click.command(help=__doc__)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to work in.")
@click.option("--seed", default=20250, show_default=True)
@click.option("--drawings", default=12000, show_default=True, help="Drawings for the U-Nets.")
@click.option("--codec-drawings", default=8000, show_default=True, help="Of each kind, for the VAE.")
@click.option("--vae-steps", default=5000, show_default=True)
@click.option("--text-steps", default=1200, show_default=True)
@click.option("--unet-steps", default=7500, show_default=True)
@click.option("--inpaint-steps", default=3000, show_default=True)
@click.option("--validation-drawings", default=128, show_default=True)
@click.option("--threads", default=1, show_default=True, help="CPU threads; changes the last digits.")
def main(out: Path, threads: int, **settings: int) -> None:
    import torch

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    record = make_base(Recipe(**settings), out)
    click.echo(f"{out / 'base'}: {record['bytes']} bytes")


@quiet_libraries()
def make_base(recipe: Recipe, out: Path) -> dict[str, object]:
    """Run the stages that are still to do and put the model together; returns the record."""
    from wrapper.demo.assemble import assemble
    from wrapper.demo.base_quality import vae_quality

    trained = out / "trained"
    stages = {
        "vae": lambda: _vae_stage(recipe, trained),
        "text_encoder": lambda: _text_stage(recipe, trained),
        "unet": lambda: _unet_stage(recipe, trained),
        "unet_inpaint": lambda: _inpaint_stage(recipe, trained),
    }
    records = {name: _once(trained / f"{name}.json", recipe, stage) for name, stage in stages.items()}
    quality = vae_quality(trained / "vae", recipe.seed, recipe.validation_drawings)
    return assemble(trained, out / "base", {**asdict(recipe), "stages": records, "vae_quality": quality})


def _once(path: Path, recipe: Recipe, stage: Callable[[], dict[str, object]]) -> dict[str, object]:
    """The record of a stage, which is run unless its record is there for the same recipe."""
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["recipe"] == asdict(recipe):
            return kept["record"]
    import torch

    started = time.monotonic()
    record = stage()
    record |= {"seconds": round(time.monotonic() - started), "threads": torch.get_num_threads()}
    write_json(path, {"recipe": asdict(recipe), "record": record})
    return record


def _vae_stage(recipe: Recipe, trained: Path) -> dict[str, object]:
    from wrapper.demo.drawings import base_drawings, codec_drawings, together
    from wrapper.demo.train_vae import train_vae

    plain = base_drawings(recipe.codec_drawings, recipe.seed)
    drawings = together(plain, codec_drawings(recipe.codec_drawings, recipe.seed + 1))
    validation = base_drawings(recipe.validation_drawings, recipe.seed + 2)
    return train_vae(drawings, validation, recipe.vae_steps, recipe.seed, trained / "vae")


def _text_stage(recipe: Recipe, trained: Path) -> dict[str, object]:
    from wrapper.demo.drawings import base_captions
    from wrapper.demo.tokenizer import save_tokenizer
    from wrapper.demo.train_text import train_text_encoder

    tokenizer = save_tokenizer(trained / "tokenizer")
    captions = base_captions(recipe.drawings, recipe.seed + 6)
    return train_text_encoder(captions, tokenizer, recipe.text_steps, recipe.seed, trained / "text_encoder")


def _unet_stage(recipe: Recipe, trained: Path) -> dict[str, object]:
    from diffusers import AutoencoderKL
    from transformers import CLIPTokenizer

    from wrapper.demo.drawings import base_drawings
    from wrapper.demo.train_unet import prepare, save_scheduler, train_text_to_image

    save_scheduler(trained)
    tokenizer = CLIPTokenizer.from_pretrained(trained / "tokenizer")
    vae = AutoencoderKL.from_pretrained(trained / "vae")
    corpus = prepare(base_drawings(recipe.drawings, recipe.seed + 3), vae, tokenizer)
    validation = prepare(base_drawings(recipe.validation_drawings, recipe.seed + 2), vae, tokenizer)
    return train_text_to_image(corpus, validation, tokenizer, recipe.unet_steps, recipe.seed, trained)


def _inpaint_stage(recipe: Recipe, trained: Path) -> dict[str, object]:
    from diffusers import AutoencoderKL
    from transformers import CLIPTokenizer

    from wrapper.demo.drawings import base_drawings
    from wrapper.demo.train_unet import prepare, train_inpainting

    tokenizer = CLIPTokenizer.from_pretrained(trained / "tokenizer")
    vae = AutoencoderKL.from_pretrained(trained / "vae")
    corpus = prepare(base_drawings(recipe.drawings, recipe.seed + 4), vae, tokenizer, recipe.seed)
    validation = base_drawings(recipe.validation_drawings, recipe.seed + 2)
    held_out = prepare(validation, vae, tokenizer, recipe.seed + 1)
    return train_inpainting(corpus, held_out, tokenizer, recipe.inpaint_steps, recipe.seed, trained)


if __name__ == "__main__":
    main()
