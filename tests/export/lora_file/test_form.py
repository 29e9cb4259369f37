"""The delivered form: one precision, one alpha a component, the same change of the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.export.loras import plain_layers, save, tensors
from wrapper.export.lora_file.form import normalised
from wrapper.export.lora_file.idle import for_a1111, for_diffusers
from wrapper.export.proofs.proof import DELTA_TOLERANCES
from wrapper.export.source import Modules, read_source
from wrapper.export.targets import Precision
from wrapper.lora.deltas import delta_error
from wrapper.lora.file import by_module

LAYERS = dict(list(plain_layers("sd15").items())[:6])
FIRST, SECOND = list(LAYERS)[:2]


def modules_of(made: dict[str, Any], tmp_path: Path) -> Modules:
    return read_source(save(tmp_path / "made.safetensors", made)).modules


def largest_error(source: Modules, out: dict[str, Any]) -> float:
    written = by_module(out)
    return max(delta_error(source[name], written[name]) for name in source)


def test_mixed_and_missing_alphas_become_one_without_changing_the_weights(tmp_path: Path):
    made = tensors(LAYERS, rank=4, alpha=2.0)
    made[f"{FIRST}.alpha"] = torch.tensor(1.0)
    del made[f"{SECOND}.alpha"]
    out = normalised(modules_of(made, tmp_path))
    assert {float(out[f"{name}.alpha"]) for name in LAYERS} == {2.0}
    for name in LAYERS:
        down, up = made[f"{name}.lora_down.weight"].flatten(1), made[f"{name}.lora_up.weight"].flatten(1)
        wanted = float(made.get(f"{name}.alpha", torch.tensor(4.0))) / 4 * up @ down
        got = out[f"{name}.lora_up.weight"].float().flatten(1) @ out[
            f"{name}.lora_down.weight"
        ].float().flatten(1)
        torch.testing.assert_close(2.0 / 4 * got, wanted, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("alpha", [1e-9, 0.1, 3.0, 7e4, -2.0])
def test_alphas_that_a_file_cannot_hold_go_into_the_weights(alpha: float, tmp_path: Path):
    source = modules_of(tensors(LAYERS, alpha=alpha), tmp_path)
    out = normalised(source, "fp32" if abs(alpha) < 1e-6 or alpha > 1e4 else "fp16")
    assert largest_error(source, out) < 1e-3
    assert all(float(out[f"{name}.alpha"]) > 0 for name in LAYERS)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16), ("fp32", torch.float32)]
)
def test_each_precision_keeps_within_its_own_tolerance(
    precision: Precision, dtype: torch.dtype, tmp_path: Path
):
    source = modules_of(tensors(LAYERS, rank=4, alpha=0.3), tmp_path)
    out = normalised(source, precision)
    assert {tensor.dtype for tensor in out.values()} == {dtype}
    assert largest_error(source, out) <= DELTA_TOLERANCES[precision]


@pytest.mark.parametrize("factor", [1e-7, 1e6])
def test_what_is_too_small_or_too_large_for_fp16_moves_to_the_other_factor(factor: float, tmp_path: Path):
    made = tensors(LAYERS)
    made[f"{FIRST}.lora_up.weight"] *= factor
    made[f"{FIRST}.lora_down.weight"] /= factor
    source = modules_of(made, tmp_path)
    assert largest_error(source, normalised(source)) < 1e-3


def test_a_file_that_has_the_form_already_stays_bit_for_bit(tmp_path: Path):
    made = {name: tensor.half() for name, tensor in tensors(LAYERS).items()}
    out = normalised(modules_of(made, tmp_path))
    assert all(torch.equal(out[name], made[name]) for name in made)


def test_half_an_attention_of_the_second_text_encoder_is_filled_up_with_modules_that_do_nothing(
    tmp_path: Path,
):
    layers = plain_layers("sdxl")
    some = {
        name: layer
        for name, layer in layers.items()
        if "te2_text_model_encoder_layers_3_" in name and ("q_proj" in name or "fc1" in name)
    }
    source = modules_of(tensors(some), tmp_path)
    added = for_a1111(source)
    attention = "lora_te2_text_model_encoder_layers_3_self_attn_"
    assert sorted(added) == [f"{attention}{part}_proj" for part in ("k", "out", "v")]
    out = by_module(normalised(source, "fp16", added))
    assert largest_error(source, normalised(source, "fp16", added)) < 1e-3
    assert not any(out[name]["lora_up.weight"].any() for name in added)
    assert all(out[name]["lora_up.weight"].shape[0] == layers[name].weight_shape[0] for name in added)


def test_a_text_encoder_without_attention_gets_an_idle_one_by_which_diffusers_knows_it(tmp_path: Path):
    layers = plain_layers("sdxl")
    some = {
        n: layer
        for n, layer in layers.items()
        if n.endswith("layers_3_mlp_fc2") or ("te1" in n and "_0_" in n)
    }
    source = modules_of(tensors(some), tmp_path)
    added = for_diffusers(source)
    (name,) = added
    assert name == "lora_te2_text_model_encoder_layers_3_self_attn_q_proj"
    width = layers[name].weight_shape[0]
    assert [tuple(added[name][part].shape) for part in ("lora_down.weight", "lora_up.weight")] == [
        (2, width),
        (width, 2),
    ]
    assert not any(added[name][part].any() for part in ("lora_down.weight", "lora_up.weight"))
