"""Does the base model draw what its caption says? A small judge, trained on drawings, looks at samples.

    python -m wrapper.demo.attribute_check --base DIR --out FILE.json

The judge sees drawings only, never samples. Its score on held-out drawings says how far it can be trusted.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dataset_tools.files import write_json
from wrapper.demo.canvas import Pixels
from wrapper.demo.drawings import Drawings, base_drawings
from wrapper.demo.palette import BACKGROUNDS, HAIR_COLOURS, SHIRTS, SKIN_TONES
from wrapper.demo.portraits import EAR_SHAPES, HAIR_STYLES, LOBES, VIEWS, Portrait
from wrapper.demo.training import to_tensor
from wrapper.quiet import quiet_libraries

UNKNOWN = -100
"""The label of what cannot be seen; cross-entropy leaves it out."""
JUDGE_STEPS = 1500
JUDGE_BATCH = 64


def _ear(side: str, what: str) -> Callable[[Portrait], str | None]:
    return lambda p: getattr(p.ear(side), what) if side in p.visible_sides else None


ATTRIBUTES: dict[str, tuple[tuple[str, ...], Callable[[Portrait], str | None]]] = {
    "view": (VIEWS, lambda p: p.view),
    "skin": (tuple(SKIN_TONES), lambda p: p.skin),
    "hair": (tuple(HAIR_COLOURS), lambda p: None if p.hair_style == "bald" else p.hair),
    "hair style": (HAIR_STYLES, lambda p: p.hair_style),
    "shirt": (tuple(SHIRTS), lambda p: p.shirt),
    "background": (tuple(BACKGROUNDS), lambda p: p.background),
    "glasses": (("no", "yes"), lambda p: None if p.view == "back" else ("no", "yes")[p.glasses]),
    "left ear shape": (EAR_SHAPES, _ear("left", "shape")),
    "right ear shape": (EAR_SHAPES, _ear("right", "shape")),
    "left lobe": (LOBES, _ear("left", "lobe")),
    "right lobe": (LOBES, _ear("right", "lobe")),
}
"""Each attribute's values, and how to read it from a portrait; None where it cannot be seen."""


class Judge(nn.Module):
    """Says every attribute of pictures (N, 3, 64, 64)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96)
        layers: list[nn.Module] = []
        for narrow, wide in pairwise(widths):
            layers += [nn.Conv2d(narrow, wide, 3, 2, 1), nn.GroupNorm(8, wide), nn.SiLU()]
            layers += [nn.Conv2d(wide, wide, 3, 1, 1), nn.GroupNorm(8, wide), nn.SiLU()]
        outputs = sum(len(values) for values, _ in ATTRIBUTES.values())
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(96 * 64, outputs))

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        parts = self.body(pictures).split([len(values) for values, _ in ATTRIBUTES.values()], dim=1)
        return dict(zip(ATTRIBUTES, parts, strict=True))


def labels(portraits: list[Portrait]) -> dict[str, Tensor]:
    """For each attribute the index of its value in each portrait, UNKNOWN where it cannot be seen."""
    read = {}
    for name, (values, of) in ATTRIBUTES.items():
        found = [of(portrait) for portrait in portraits]
        read[name] = torch.tensor([UNKNOWN if value is None else values.index(value) for value in found])
    return read


def train_judge(drawings: Drawings, seed: int, steps: int = JUDGE_STEPS) -> Judge:
    """A judge that has seen `drawings`, blurred and noisy at random, so that it also copes with samples."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    judge, truth = Judge(), labels(drawings.portraits)
    optimizer = torch.optim.AdamW(judge.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in range(steps):
        index = rng.integers(0, len(drawings), JUDGE_BATCH)
        answers = judge(_worn(to_tensor(drawings.pictures[index])))
        losses = [F.cross_entropy(answers[name], truth[name][index]) for name in ATTRIBUTES]
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        optimizer.step()
        schedule.step()
    return judge.eval()


@torch.no_grad()
def agreement(judge: Judge, pictures: Pixels, portraits: list[Portrait]) -> dict[str, dict[str, float]]:
    """How often the judge sees what the portraits say: share and number of pictures for each attribute."""
    answers, truth = judge(to_tensor(pictures)), labels(portraits)
    figures = {}
    for name in ATTRIBUTES:
        seen = truth[name] != UNKNOWN
        right = (answers[name].argmax(1) == truth[name])[seen].float().mean().item()
        figures[name] = {"share": round(right, 3), "n": int(seen.sum())}
    return figures


@quiet_libraries()
def sample(base: Path, captions: list[str], seed: int, steps: int = 25, guidance: float = 4.5) -> Pixels:
    """One picture for each caption, (N, 64, 64, 3), Euler ancestral."""
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(base)
    pipeline.set_progress_bar_config(disable=True)
    size = pipeline.vae.config.sample_size
    settings = {"num_inference_steps": steps, "guidance_scale": guidance, "height": size, "width": size}
    pictures = []
    for start in range(0, len(captions), 8):
        generator = torch.Generator().manual_seed(seed + start)
        part = pipeline(captions[start : start + 8], generator=generator, output_type="np", **settings)
        pictures.append((part.images * 255).round().astype(np.uint8))
    return np.concatenate(pictures)


@click.command(help=__doc__)
@click.option("--base", type=click.Path(path_type=Path, exists=True), required=True, help="Diffusers folder.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSON file to write.")
@click.option("--samples", default=192, show_default=True)
@click.option("--drawings", default=8000, show_default=True, help="What the judge learns from.")
@click.option("--seed", default=7, show_default=True)
def main(base: Path, out: Path, samples: int, drawings: int, seed: int) -> None:
    torch.set_num_threads(1)
    judge = train_judge(base_drawings(drawings, seed), seed)
    held_out = base_drawings(samples, seed + 1)
    order = random.Random(seed).sample(range(samples), samples)
    shuffled = [held_out.portraits[index] for index in order]
    pictures = sample(base, held_out.full_captions, seed)
    figures = {
        "drawings": agreement(judge, held_out.pictures, held_out.portraits),
        "samples": agreement(judge, pictures, held_out.portraits),
        "samples, other captions": agreement(judge, pictures, shuffled),
    }
    write_json(out, figures)
    for name in ATTRIBUTES:
        click.echo(f"{name}: " + ", ".join(f"{of} {figures[of][name]['share']:.0%}" for of in figures))


def _worn(pictures: Tensor) -> Tensor:
    """`pictures` with a little noise, and half of them blurred."""
    blurred = F.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False)
    share = torch.rand(len(pictures), 1, 1, 1) * (torch.rand(len(pictures), 1, 1, 1) < 0.5)
    return torch.lerp(pictures, blurred, share) + 0.03 * torch.randn_like(pictures)


if __name__ == "__main__":
    main()
