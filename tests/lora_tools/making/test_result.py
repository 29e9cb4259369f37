"""The file of a result: its hashes are those that other programs work out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dataset_tools.files import content_hash
from tests.lora_tools.changes import random_parts
from wrapper.lora.file import write_lora
from wrapper.lora.verify import verify_lora
from wrapper.lora_tools.making.result import LoraResult, component_alphas, file_bytes, told_ranks
from wrapper.lora_tools.maths.factors import factors_of

TEXT = "lora_te_text_model_encoder_layers_{}_mlp_fc1"


def result_of(count: int, rank: int) -> LoraResult:
    result = LoraResult({"te": float(rank)})
    for number in range(count):
        change = factors_of(random_parts((64, 768), rank, 1.0, number))
        result.add(TEXT.format(number), change)
    return result


@pytest.mark.parametrize(
    ("count", "rank"), [(1, 1), (12, 64), (14, 64)], ids=["small", "about 1 MiB", "more"]
)
def test_the_bytes_are_those_of_the_writer_of_trained_loras(tmp_path: Path, count: int, rank: int):
    """The legacy hash is of bytes behind the first MiB: below, at and above it."""
    metadata = {"ss_output_name": "имя", "modelspec.title": "a", "sshs_model_hash": "stale"}
    result = result_of(count, rank)
    digest = result.write(tmp_path / "a.safetensors", metadata)
    write_lora(tmp_path / "b.safetensors", result.tensors, metadata)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert digest == content_hash(tmp_path / "a.safetensors")
    assert verify_lora(tmp_path / "a.safetensors", "sd15") == []


def test_the_size_is_forecast(tmp_path: Path):
    result = result_of(3, 4)
    shapes = {name: (64, 768) for name in result.ranks}
    counted = sum(tensor.numel() for tensor in result.tensors.values())
    assert file_bytes(result.ranks, shapes, "fp16") == 2 * counted
    assert file_bytes(result.ranks, shapes, "fp32") == 4 * counted


def test_rounding_is_measured():
    fine, coarse = (LoraResult({"te": 4.0}, precision) for precision in ("fp32", "bf16"))
    change = factors_of(random_parts((64, 768), 4, 1.0))
    fine.add(TEXT.format(0), change)
    coarse.add(TEXT.format(0), change)
    made = coarse.tensors[f"{TEXT.format(0)}.lora_up.weight"].double() @ (
        coarse.tensors[f"{TEXT.format(0)}.lora_down.weight"].double()
    )
    assert fine.rounding < 1e-6
    assert coarse.rounding == pytest.approx(float((made - change.delta()).norm() / change.delta().norm()))


def test_alphas_are_the_largest_rank_of_each_component():
    ranks = {TEXT.format(0): 3, TEXT.format(1): 5, "lora_unet_mid_block_attentions_0_proj_in": 2}
    assert component_alphas(ranks) == {"te": 5.0, "unet": 2.0}


def test_a_result_of_nothing_but_zeros_has_no_rounding():
    result = LoraResult({"te": 1.0})
    parts = {"lora_down.weight": torch.zeros(1, 4), "lora_up.weight": torch.zeros(4, 1)}
    result.add(TEXT.format(0), factors_of(parts))
    assert result.rounding == 0


def test_ranks_in_words():
    assert (told_ranks([4, 4]), told_ranks([8, 1, 3])) == ("rank 4", "ranks 1 to 8")
