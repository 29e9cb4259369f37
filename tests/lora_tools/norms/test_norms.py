"""Norms without making ΔW equal those of the ΔW that was made; places and parts are the model's own."""

from __future__ import annotations

import math

import pytest
import torch

from tests.export.loras import plain_layers
from wrapper.lora_tools.norms.norm_blocks import PARTS, by_place, part_of, place_of
from wrapper.lora_tools.norms.norms import ModuleNorm, effective_rank, module_norms, total


def parts(
    out: int, inputs: tuple[int, ...], rank: int, alpha: float, seed: int = 0
) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ones = [1] * (len(inputs) - 1)
    return {
        "lora_down.weight": torch.randn(rank, *inputs, generator=generator),
        "lora_up.weight": torch.randn(out, rank, *ones, generator=generator),
        "alpha": torch.tensor(alpha),
    }


@pytest.mark.parametrize(
    ("out", "inputs", "rank", "alpha"),
    [
        pytest.param(40, (30,), 8, 3.0, id="linear"),
        pytest.param(20, (6, 3, 3), 4, 4.0, id="convolution"),
        pytest.param(5, (30,), 16, 1.0, id="a rank above the layer's"),
        pytest.param(40, (30,), 1, 0.5, id="rank 1"),
    ],
)
def test_norms_are_those_of_the_change_itself(out: int, inputs: tuple[int, ...], rank: int, alpha: float):
    made = parts(out, inputs, rank, alpha)
    up, down = (made[f"lora_{part}.weight"].double().flatten(1) for part in ("up", "down"))
    values = torch.linalg.svdvals(alpha / rank * up @ down)
    (one,) = module_norms({"m": made}, quiet=True)
    assert one.norm == pytest.approx(float(values.norm()), rel=1e-9)
    assert one.largest == pytest.approx(float(values[0]), rel=1e-9)
    assert one.effective_rank == pytest.approx(effective_rank(values[: min(out, rank)]), rel=1e-6)
    assert (one.rank, one.alpha) == (rank, pytest.approx(alpha))


def test_the_effective_rank_of_known_values():
    assert effective_rank(torch.tensor([2.0, 2.0, 2.0, 2.0])) == pytest.approx(4)
    assert effective_rank(torch.tensor([7.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective_rank(torch.tensor([0.0])) == 0


def test_broken_and_idle_modules_are_told_apart():
    broken, idle = parts(4, (4,), 2, 1.0), parts(4, (4,), 2, 1.0)
    broken["lora_up.weight"][0, 0] = math.nan
    idle["lora_up.weight"].zero_()
    found = {
        one.name: one
        for one in module_norms({"a": broken, "b": idle, "c": parts(4, (4,), 2, 1.0)}, quiet=True)
    }
    assert [found[name].is_broken for name in "abc"] == [True, False, False]
    assert [found[name].is_zero for name in "abc"] == [False, True, False]
    assert total(found.values()) == found["c"].norm


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("sd15", "te,down 0.0,down 0.1,down 1.0,down 1.1,down 2.0,down 2.1,mid,up 1.0,up 1.1,up 1.2"
         ",up 2.0,up 2.1,up 2.2,up 3.0,up 3.1,up 3.2"),
        ("sdxl", "te1,te2,down 1.0,down 1.1,down 2.0,down 2.1,mid,up 0.0,up 0.1,up 0.2,up 1.0,up 1.1,up 1.2"),
    ],
)  # fmt: skip
def test_every_layer_has_its_place_in_the_order_of_the_model(kind: str, places: str):
    layers = plain_layers(kind)
    norms = [ModuleNorm(name, 1, 1.0, 1.0, 1.0, 1.0) for name in layers]
    found = by_place(norms)
    assert [place.name for place in found] == places.split(",")
    assert sum(len(place.modules) for place in found) == len(layers)
    for place in found:
        assert sum(place.part_norm(part) ** 2 for part in PARTS) == pytest.approx(place.norm**2)


@pytest.mark.parametrize(
    ("module", "place", "part"),
    [
        ("lora_unet_down_blocks_0_downsamplers_0_conv", "down 0.1", "convolution"),
        ("lora_unet_input_blocks_3_0_op", "down 0.1", "convolution"),
        ("lora_unet_up_blocks_0_upsamplers_0_conv", "up 0.2", "convolution"),
        ("lora_unet_output_blocks_2_2_conv", "up 0.2", "convolution"),
        ("lora_unet_input_blocks_8_1_transformer_blocks_9_attn2_to_k", "down 2.1", "cross-attention"),
        ("lora_unet_mid_block_resnets_1_conv1", "mid", "convolution"),
        ("lora_te2_text_model_encoder_layers_31_self_attn_q_proj", "te2", "self-attention"),
        ("lora_te_text_model_encoder_layers_0_mlp_fc1", "te", "feed-forward"),
    ],
)
def test_layers_of_both_naming_schemes(module: str, place: str, part: str):
    assert (place_of(module), part_of(module)) == (place, part)
