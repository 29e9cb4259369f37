"""A grid of one loaded model against loading it for every cell, taking turns in one run.

``python benchmarks/grid.py [--width 96 --pixels 128 --steps 20]``. The cells: two LoRAs at several weights.
One `lorawrap compare` draws them, then a `lorawrap generate` for each; and within one process, where nothing
is left to import, `compare` and then `generate`, which loads the model for each. All draw the same pixels,
which is checked.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.machine import report
from benchmarks.random_base import random_base
from dataset_tools.pictures.images import read_rgb
from wrapper.base_model.architecture import models_on_meta, read_configs
from wrapper.base_model.detect import BaseInfo, detect
from wrapper.comparison.album import Album
from wrapper.comparison.axes import read_axes
from wrapper.comparison.compare import Comparison, draw_missing
from wrapper.comparison.look import Look
from wrapper.comparison.plan import make_plan
from wrapper.comparison.shelf import Shelf
from wrapper.comparison.subject import FromText, Means
from wrapper.comparison.tables import Shown, wished_tables
from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.txt2img.generate import generate
from wrapper.lora.apply import LoraUse
from wrapper.lora.file import write_lora
from wrapper.lora.layers import model_layers

ROOT = Path(__file__).parent.parent
COMMAND, WITHIN = "one `lorawrap compare`", "within: compare"
PROMPT, RANK = "a portrait of a woman", 16


class Cost(NamedTuple):
    """Of all cells together, child processes counted in."""

    wall_s: float
    cpu_s: float


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        info = _base(options.width, Path(folder))
        loras = [_write_lora(info, Path(folder) / f"lora {seed}.safetensors", seed) for seed in (1, 2)]
        _import_all(info)
        costs: dict[str, list[Cost]] = {}
        for number in range(options.rounds):
            comparison = _comparison(info, loras, options, Path(folder) / f"grid {number}")
            for name, way in _ways(comparison, options, Path(folder)).items():
                costs.setdefault(name, []).append(_cost(way))
    report(_rows(costs, len(comparison.plan.cells)), options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=96, help="channels of the first block; 320 is SD 1.5")
    parser.add_argument("--pixels", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--weights", default="0.7-1.0 [6]", help="as --x weight=… takes them")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _base(width: int, folder: Path) -> BaseInfo:
    random_base(width, 4, folder)
    return detect(folder / f"sd15-{width}-4")


def _write_lora(info: BaseInfo, path: Path, seed: int) -> Path:
    """A random LoRA of every attention layer."""
    import torch

    random, tensors = torch.Generator().manual_seed(seed), {}
    layers = model_layers(models_on_meta(read_configs(info), info.kind), info.kind, conv=False)
    for name, layer in layers.items():
        outputs, inputs, *kernel = layer.weight_shape
        down = torch.randn(RANK, inputs, *kernel, generator=random) / inputs**0.5
        up = torch.randn(outputs, RANK, *[1 for _ in kernel], generator=random) / 100
        tensors |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}
        tensors[f"{name}.alpha"] = torch.tensor(RANK / 2)
    write_lora(path, tensors, {"ss_output_name": path.stem})
    return path


def _comparison(info: BaseInfo, loras: list[Path], options: argparse.Namespace, out: Path) -> Comparison:
    basis = Look(Prompt(""), Sampling("Euler a", options.steps, 5.0), (LoraUse(loras[0]),))
    named = ",".join(f'"{path}"' for path in loras)
    axes = read_axes((f"weight={options.weights}", f"lora={named}"), basis, Shelf())
    plan = make_plan(wished_tables(basis, Shown((PROMPT,), (1,)), axes))
    return Comparison(FromText(Means(info), (options.pixels, options.pixels)), plan, Album(out))


def _import_all(info: BaseInfo) -> None:
    """Draw once, so that what is compared within this process imports nothing any more."""
    list(generate(info, [Prompt(PROMPT)], Sampling(steps=1), (64, 64)))


def _ways(comparison: Comparison, options: argparse.Namespace, folder: Path) -> dict[str, Callable[[], None]]:
    """In this order: the first one of each pair is what the second one is compared with."""
    return {
        COMMAND: lambda: _command(comparison, options),
        "a `lorawrap generate` for each cell": lambda: _commands(comparison, options, folder),
        WITHIN: lambda: _once(comparison),
        "within: generate, loading for each cell": lambda: _each(comparison),
    }


def _command(comparison: Comparison, options: argparse.Namespace) -> None:
    files = {look.files[0]: None for look in comparison.plan.cells.values()}
    named = ",".join(f'"{path}"' for path in files)
    axes = ["--x", f"weight={options.weights}", "--y", f"lora={named}", "--lora", str(next(iter(files)))]
    out = comparison.album.folder
    _run("compare", comparison, options, [*axes, "--out", str(out)])
    (out / "pictures").rename(out / "command")


def _once(comparison: Comparison) -> None:
    outcome = draw_missing(comparison)
    if outcome.failed:
        sys.exit(str(outcome.failed))


def _each(comparison: Comparison) -> None:
    subject: Any = comparison.subject
    for name, look in comparison.plan.cells.items():
        (drawn,) = generate(subject.means.info, [look.prompt], look.sampling, subject.size, look.loras)
        _must_equal(drawn.pixels, comparison.album.picture(name))


def _commands(comparison: Comparison, options: argparse.Namespace, folder: Path) -> None:
    for name, look in comparison.plan.cells.items():
        with tempfile.TemporaryDirectory(dir=folder) as out:
            lora = ["--lora", f"{look.loras[0].path}:{look.loras[0].weight:g}"]
            _run("generate", comparison, options, [*lora, "--out", out])
            (drawn,) = Path(out).glob("*.png")
            _must_equal(read_rgb(drawn), comparison.album.folder / "command" / f"{name}.png")


def _run(command: str, comparison: Comparison, options: argparse.Namespace, more: Sequence[str]) -> None:
    base = ["--base", str(comparison.subject.means.info.path), "--prompt", PROMPT, "--seed", "1"]
    drawing = ["--steps", str(options.steps), "--cfg", "5"]
    size = ["--width", str(options.pixels), "--height", str(options.pixels)]
    argv = [sys.executable, "-m", "wrapper", command, *base, *drawing, *size, *more]
    done = subprocess.run(argv, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)


def _must_equal(pixels: Any, cell: Path) -> None:
    if not (pixels == read_rgb(cell)).all():
        sys.exit(f"{cell.name}: the pictures differ")


def _cost(way: Callable[[], None]) -> Cost:
    wall, cpu = time.perf_counter(), _cpu_s()
    way()
    return Cost(time.perf_counter() - wall, _cpu_s() - cpu)


def _cpu_s() -> float:
    """User and system time of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _rows(costs: dict[str, list[Cost]], cells: int) -> list[dict[str, Any]]:
    medians = {
        name: Cost(*(statistics.median(values) for values in zip(*found, strict=True)))
        for name, found in costs.items()
    }
    rows, first = [], Cost(0, 0)
    for name, cost in medians.items():
        first = cost if name in (COMMAND, WITHIN) else first
        rows.append(
            {
                f"{cells} cells": name,
                "CPU s": cost.cpu_s,
                "wall s": cost.wall_s,
                "CPU s a cell": cost.cpu_s / cells,
                "ratio, CPU": cost.cpu_s / first.cpu_s,
                "ratio, wall": cost.wall_s / first.wall_s,
            }
        )
    return rows


if __name__ == "__main__":
    main()
