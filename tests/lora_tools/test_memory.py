"""Memory hangs on the largest tensor, not on the checkpoint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lora.loras import base_layers, random_lora
from tests.peak_memory import PEAK_MIB, needs_linux
from tests.single_files import make_single_file

PART_MIB, PARTS = 24, 8
CODE = f"""
import sys
from pathlib import Path
import torch
from safetensors.torch import load_file
from wrapper.base_model.detect import detect
from wrapper.lora.apply import LoraUse
from wrapper.lora_tools.making.extracting import extract, plan_extract
from wrapper.lora_tools.bases.into_base import plan_into_base
from wrapper.lora_tools.bases.merged_base import write_merged_base
from wrapper.lora_tools.maths.ranks import RankRule
from wrapper.safetensors_stream import form_of, write_tensors

file, lora, folder = map(Path, sys.argv[1:])
part = torch.randn({PART_MIB} << 19).half()
small = load_file(file)

def used(count):
    base, tuned = folder / f"base-{{count}}.safetensors", folder / f"tuned-{{count}}.safetensors"
    tensors = {{**small, **{{f"model_ema.{{number}}": part for number in range(count)}}}}
    forms = {{name: form_of(tensor) for name, tensor in tensors.items()}}
    write_tensors(base, forms, {{}}, tensors.values())
    write_merged_base(plan_into_base(detect(base), [LoraUse(lora)], tuned))
    extract(plan_extract(detect(tuned), detect(base), RankRule(rank=2)), "fp16")
    {PEAK_MIB.strip().replace(chr(10), chr(10) + "    ")}
    return peak_mib

print(used(1), used({PARTS}))
"""


@needs_linux
@pytest.mark.slow
def test_seven_more_parts_take_less_than_two_of_them(tiny_base, tmp_path: Path):
    folder = tiny_base("sd15")
    lora = random_lora(tmp_path / "lora.safetensors", base_layers(folder))
    file = make_single_file(folder, tmp_path / "base.safetensors")
    argv = [sys.executable, "-c", CODE, str(file), str(lora), str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    one, many = map(int, done.stdout.split())
    assert many - one < 2 * PART_MIB
