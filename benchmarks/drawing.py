"""`lorawrap generate` and `inpaint` against bare diffusers with the same settings, taking turns in one run.

``python benchmarks/drawing.py [--width 96 --pixels 256 --steps 10]``. Within one process: our call with
everything about it (text encoding, progress, parameters, hash, file) against the pipeline's call and Pillow's
save; for inpainting the two calls alone; in CPU seconds. As processes: the command against the shortest
script that draws the like, with its start and its peak memory. Within one process, both draw the same pixels,
which is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.machine import report
from benchmarks.random_base import random_base
from dataset_tools.pictures.images import read_rgb
from dataset_tools.progress import progress
from wrapper.base_model.detect import detect
from wrapper.diffusion.inpainting.inpaint import repaint
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.diffusion.pipelines.schedulers import make_scheduler
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.txt2img.shooting import Outcome, Shooting, draw_all
from wrapper.diffusion.txt2img.shot import Shot

ROOT = Path(__file__).parent.parent
PROMPT, NEGATIVE, CFG = "a portrait of a woman", "waxy skin", 5.0
WATCHED = """
import json, sys, time, torch
first = []
def seen(module, _):
    if not first and type(module).__name__ == "UNet2DConditionModel":
        first.append(time.process_time())
torch.nn.modules.module.register_module_forward_pre_hook(seen)
def told():
    from benchmarks.machine import peak_mib
    said = {"whole": time.process_time(), "first step": first[0], "peak": peak_mib()}
    print(json.dumps(said), file=sys.stderr)
"""
"""What both processes begin with: CPU seconds to the first call of the U-Net and to the end, peak MiB."""
OURS = f"""{WATCHED}
from wrapper.cli.main import run
code = run(sys.argv[1:])
told()
sys.exit(code)
"""
BARE = f"""{WATCHED}
from diffusers import EulerAncestralDiscreteScheduler as Euler
from diffusers import StableDiffusionPipeline
folder, steps, pixels, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
pipe = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True)
pipe.scheduler = Euler.from_config(pipe.scheduler.config, timestep_spacing="linspace")
pipe({PROMPT!r}, negative_prompt={NEGATIVE!r}, num_inference_steps=steps, guidance_scale={CFG},
     width=pixels, height=pixels, generator=torch.Generator("cpu").manual_seed(1)).images[0].save(out)
told()
"""


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        for channels in (4, 9):
            random_base(options.width, channels, Path(folder))
        rows = [*_within(options, Path(folder)), *_processes(options, Path(folder))]
    report(rows, options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=96, help="channels of the first block; 320 is SD 1.5")
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _within(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """CPU seconds a picture in one process; the first round, which warms up, is left out."""
    text, inpaint = _text_ways(options, folder), _inpaint_ways(options, folder)
    return [
        _row("generate, a picture", *_in_turns(*text, options)),
        _row("inpaint", *_in_turns(*inpaint, options)),
    ]


def _text_ways(options: argparse.Namespace, folder: Path) -> tuple[Callable[[], Any], Callable[[], Any]]:
    info = detect(folder / f"sd15-{options.width}-4")
    pipeline, out = open_pipeline(info, "txt2img"), folder / "within"
    sampling, side = Sampling("Euler a", options.steps, CFG), options.pixels
    shot = Shot(Prompt(PROMPT, NEGATIVE, 1), sampling, (side, side))

    def ours() -> Any:
        shooting = Shooting(info, (shot,), out, again=True)
        with progress("bench", shot.steps()) as bar:
            draw_all(shooting, pipeline, bar, outcome := Outcome())
        return read_rgb(outcome.drawn[0])

    def bare() -> Any:
        import torch

        pipeline.scheduler = make_scheduler("Euler a", pipeline.scheduler.config)
        seeded = torch.Generator("cpu").manual_seed(1)
        made = pipeline(
            PROMPT, side, side, options.steps, guidance_scale=CFG, negative_prompt=NEGATIVE, generator=seeded
        )
        made.images[0].save(folder / "bare.png")
        return read_rgb(folder / "bare.png")

    return ours, bare


def _inpaint_ways(options: argparse.Namespace, folder: Path) -> tuple[Callable[[], Any], Callable[[], Any]]:
    import numpy as np
    from PIL import Image

    pipeline = open_pipeline(detect(folder / f"sd15-{options.width}-9"), "inpaint")
    side, sampling = options.pixels, Sampling("Euler a", options.steps, CFG, 1.0)
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    mask = np.zeros((side, side), np.uint8)
    mask[side // 4 : side // 2, side // 4 : side // 2] = 255

    def ours() -> Any:
        return repaint(pipeline, [image], [mask], [Prompt(PROMPT, NEGATIVE, 1)], sampling)[0]

    def bare() -> Any:
        import torch

        pipeline.scheduler = make_scheduler("Euler a", pipeline.scheduler.config)
        made = pipeline(
            PROMPT,
            Image.fromarray(image),
            Image.fromarray(mask),
            width=side,
            height=side,
            strength=1.0,
            num_inference_steps=options.steps,
            guidance_scale=CFG,
            negative_prompt=NEGATIVE,
            generator=torch.Generator("cpu").manual_seed(1),
        )
        return np.asarray(made.images[0])

    return ours, bare


def _in_turns(
    ours: Callable[[], Any], bare: Callable[[], Any], options: argparse.Namespace
) -> tuple[list[float], list[float]]:
    import numpy as np

    took: tuple[list[float], list[float]] = ([], [])
    for number in range(options.rounds + 1):
        pictures = []
        for way, times in zip((ours, bare), took, strict=True):
            begun = time.process_time()
            pictures.append(way())
            if number:
                times.append(time.process_time() - begun)
        if not np.array_equal(*pictures):
            sys.exit("ours and bare diffusers drew different pictures")
    return took


def _processes(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Whole processes that draw one picture: CPU seconds to the first step and in all, and peak memory."""
    base, ours, bare = folder / f"sd15-{options.width}-4", [], []
    steps, side = str(options.steps), str(options.pixels)
    for number in range(max(2, options.rounds // 2)):
        sizes = ["--width", side, "--height", side, "--steps", steps]
        asked = ["--base", str(base), "--prompt", PROMPT, "--negative", NEGATIVE, "--cfg", str(CFG), *sizes]
        out = ["--seed", "1", "--out", str(folder / f"process {number}")]
        ours.append(_told([sys.executable, "-c", OURS, "generate", *asked, *out], folder))
        script = [sys.executable, "-c", BARE, str(base), steps, side, str(folder / "script.png")]
        bare.append(_told(script, folder))
    names = {
        "first step": "generate, from its start to the first step",
        "whole": "generate, the whole process",
        "peak": "generate, peak memory, MiB",
    }
    return [_row(name, [run[key] for run in ours], [run[key] for run in bare]) for key, name in names.items()]


def _told(argv: list[str], cache: Path) -> dict[str, float]:
    """What a watched process says of itself in its last line."""
    env = {**os.environ, "LORAWRAP_CACHE_DIR": str(cache / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return dict(json.loads(done.stderr.strip().splitlines()[-1]))


def _row(name: str, ours: list[float], bare: list[float]) -> dict[str, Any]:
    mine, theirs = statistics.median(ours), statistics.median(bare)
    ratios = sorted(a / b for a, b in zip(ours, bare, strict=True))
    return {
        "": name,
        "ours": round(mine, 3),
        "bare diffusers": round(theirs, 3),
        "ratio": round(statistics.median(ratios), 3),
        "from … to": f"{ratios[0]:.3f}–{ratios[-1]:.3f}",
    }


if __name__ == "__main__":
    main()
