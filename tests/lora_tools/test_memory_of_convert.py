"""Memory of `lora convert` hangs on the largest module, not on the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from tests.export.loras import plain_layers, save, tensors
from tests.peak_memory import PEAK_MIB, needs_linux

RANK, FEW, MANY = 48, 4, 64
CODE = f"""
import sys
from wrapper.cli.main import run

for file in sys.argv[1:]:
    for target in ("kohya", "diffusers", "peft"):
        out = f"{{file}}.{{target}}.safetensors"
        assert run(["lora", "convert", file, "--to", target, "--out", out]) == 0
    {PEAK_MIB.strip().replace(chr(10), chr(10) + "    ")}
    print("peak", peak_mib)
"""


@needs_linux
def test_sixteen_times_the_modules_take_less_than_half_of_their_own_size(tmp_path: Path):
    layers = plain_layers("sd15")
    largest = sorted(layers, key=lambda name: -sum(layers[name].weight_shape))
    files = [
        save(
            tmp_path / f"{count}.safetensors",
            half(tensors({name: layers[name] for name in largest[:count]}, rank=RANK)),
        )
        for count in (FEW, MANY)
    ]
    argv = [sys.executable, "-c", CODE, *map(str, files)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    one, many = (int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("peak "))
    assert many - one < files[1].stat().st_size / 2**21


def half(made: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """In fp16, but for the alphas."""
    return {name: tensor.half() if tensor.ndim else tensor for name, tensor in made.items()}
