"""`lorawrap lora merge`, `resize` and `extract` on models of full size: time, and the most memory.

``python benchmarks/lora_tools.py [--kind sdxl|sd15] [--rank 32] [--folder DIR] [--json FILE]``. Draws a
random checkpoint of the kind's real size in LDM's names (SDXL: 6.9 GB in fp16) and LoRAs on every layer; each
command is a process of its own. Needs twice the checkpoint's room in the folder, and removes what it wrote.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.machine import report
from tests.lora.full_size import full_size_layers, full_size_models
from tests.single_files import ldm_named
from wrapper.base_model.kinds import Kind
from wrapper.lora_tools.making.lora_metadata import new_metadata
from wrapper.lora_tools.making.result import LoraResult, component_alphas
from wrapper.lora_tools.maths.factors import Factors
from wrapper.quiet import quiet_libraries
from wrapper.safetensors_stream import Form, write_tensors

ROOT = Path(__file__).parent.parent
VAE_CHANNELS = (128, 256, 512, 512)
COMMAND = """
import json, sys, time
from benchmarks.machine import peak_mib
from wrapper.cli.main import run
started = time.perf_counter()
code = run(sys.argv[1:])
facts = {"code": code, "wall": time.perf_counter() - started, "cpu": time.process_time(), "peak": peak_mib()}
print(json.dumps(facts), file=sys.stderr)
"""


def checkpoint(kind: Kind, file: Path) -> Path:
    """A random fp16 checkpoint of the real size: normal numbers of the size that trained weights have."""
    import torch

    forms = {name: Form("F16", tuple(t.shape)) for name, t in _named(kind).items() if t.is_floating_point()}
    generator = torch.Generator().manual_seed(1)

    def tensors() -> Iterator[Any]:
        for form in forms.values():
            yield (torch.randn(form.shape, generator=generator) * 0.03).half()

    write_tensors(file, forms, {"modelspec.title": "random"}, tensors())
    return file


@quiet_libraries()
def _named(kind: Kind) -> dict[str, Any]:
    import torch
    from diffusers import AutoencoderKL
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    models = full_size_models(kind)
    with torch.device("meta"):
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=VAE_CHANNELS,
            layers_per_block=2,
        )
        if kind == "sdxl":
            config = models["te2"].config.to_dict() | {"projection_dim": 1280}
            models["te2"] = CLIPTextModelWithProjection(CLIPTextConfig(**config))
    unet, *text = (models[name].state_dict() for name in models)
    return ldm_named(unet, vae.state_dict(), text[0], text[1] if kind == "sdxl" else None)


def lora(kind: Kind, rank: int, file: Path, seed: int) -> Path:
    """A random LoRA on every layer, convolutions too."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    layers = full_size_layers(kind)
    result = LoraResult(component_alphas(dict.fromkeys(layers, rank)))
    for name, layer in sorted(layers.items()):
        outputs, *inputs = layer.weight_shape
        up = torch.randn(outputs, rank, generator=generator) * 0.01
        down = torch.randn(rank, math.prod(inputs), generator=generator) * 0.01
        result.add(name, Factors(up, down, layer.weight_shape))
    result.write(file, new_metadata(kind, file.stem, result.network(), []))
    return file


def measured(*words: object) -> dict[str, Any]:
    """The row of one command."""
    argv = [sys.executable, "-c", COMMAND, "lora", *map(str, words), "--force"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    facts = json.loads(done.stderr.splitlines()[-1])
    if facts["code"]:
        raise SystemExit(done.stdout + done.stderr)
    return facts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=["sdxl", "sd15"], default="sdxl")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        report(list(rows(args.kind, args.rank, Path(name))), args.json)


def rows(kind: Kind, rank: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Every command in turn."""
    base, tuned = checkpoint(kind, folder / "base.safetensors"), folder / "tuned.safetensors"
    loras = [lora(kind, rank, folder / f"{n}.safetensors", n) for n in (1, 2, 3)]
    out, low = folder / "out.safetensors", max(1, rank // 4)
    commands = {
        "merge 1 into the base": ("merge", loras[0], "--into", base, "--out", tuned),
        f"extract, rank {rank}": ("extract", tuned, base, "--rank", rank, "--out", out),
        f"extract, convolutions too, rank {rank}": (
            *("extract", tuned, base, "--rank", rank, "--conv-rank", rank, "--out", out),
        ),
        f"resize {rank} to {low}": ("resize", loras[0], "--rank", low, "--out", out),
        "merge 3, exact": ("merge", *loras, "--out", out),
        f"merge 3, to rank {rank}": ("merge", *loras, "--rank", rank, "--out", out),
        "merge 3 into the base": ("merge", *loras, "--into", base, "--out", tuned),
    }
    for what, words in commands.items():
        facts = measured(*words)
        row = {"command": what, "CPU s": facts["cpu"], "wall s": facts["wall"], "peak MiB": facts["peak"]}
        print(row, flush=True)
        yield row


if __name__ == "__main__":
    main()
