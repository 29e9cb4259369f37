"""A resized LoRA is the best of its ranks, and says what was lost."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch

from tests.lora.loras import base_layers, random_lora
from tests.lora_tools.changes import deltas
from wrapper.base_model.kinds import Kind
from wrapper.lora.file import read_lora, write_lora
from wrapper.lora.verify import verify_lora
from wrapper.lora_tools.making.lora_metadata import changed_metadata
from wrapper.lora_tools.making.opened import open_lora
from wrapper.lora_tools.making.resizing import most_ranks, resize
from wrapper.lora_tools.maths.blocks import block_of
from wrapper.lora_tools.maths.factors import is_conv
from wrapper.lora_tools.maths.ranks import RankRule

METADATA = {
    "ss_tag_frequency": '{"10_anna": {"a red hat": 1}}',
    "ss_datasets": '[{"tag_frequency": {"a": {"b": 1}}, "batch_size_per_device": 2}]',
    "ss_training_comment": "mine",
    "ss_learning_rate": "0.0001",
    "ss_network_dim": "4",
    "ss_network_args": '{"conv_dim": "4"}',
    "modelspec.resolution": "768x768",
    "modelspec.trigger_phrase": "myface",
    "modelspec.tags": "inpainting",
}


@pytest.fixture(params=["sd15", "sdxl"])
def lora(request, tiny_base, tmp_path: Path) -> Path:
    """Rank 4 everywhere, on every layer of a tiny base."""
    layers = base_layers(tiny_base(request.param))
    return random_lora(tmp_path / f"{request.param} 'x'.safetensors", layers, mixed=False)


def kind_of(path: Path) -> Kind:
    return "sdxl" if path.name.startswith("sdxl") else "sd15"


def resized(path: Path, rule: RankRule, out: Path, precision: str = "fp32"):
    with ExitStack() as stack:
        opened = open_lora(path, stack)
        result, energies = resize(opened, rule, precision)
    result.write(out, changed_metadata(opened.metadata, opened.kind, out.stem, result.network(), "resized"))
    return result, energies


def test_a_rank_loses_the_smallest_singular_values(lora: Path, tmp_path: Path):
    out = tmp_path / "out.safetensors"
    _, energies = resized(lora, RankRule(rank=2), out)
    before, after = deltas(lora), deltas(out)
    kept: dict[str, list[tuple[float, float]]] = {}
    for name, change in before.items():
        s = torch.linalg.svdvals(change.flatten(1))
        error = float((after[name] - change).norm())
        assert error == pytest.approx(float((s[2:] ** 2).sum().sqrt()), rel=1e-3, abs=1e-5), name
        kept.setdefault(block_of(name), []).append((float((s[:2] ** 2).sum()), float((s**2).sum())))
    for row in energies.by_block():
        share = sum(part for part, _ in kept[row.block]) / sum(whole for _, whole in kept[row.block])
        assert row.kept.share == pytest.approx(share)
        assert (row.modules, row.ranks) == (len(kept[row.block]), (2, 2))
    assert verify_lora(out, kind_of(lora)) == []


@pytest.mark.parametrize("target", [0.5, 0.9, 0.99])
def test_energy_is_reached_with_the_least_rank(lora: Path, tmp_path: Path, target: float):
    result, energies = resized(lora, RankRule(measure="energy", target=target), tmp_path / "out.safetensors")
    for name, change in deltas(lora).items():
        share = torch.linalg.svdvals(change.flatten(1)) ** 2
        share = share.cumsum(0) / share.sum()
        rank = result.ranks[name]
        assert share[rank - 1] >= target - 1e-9
        assert rank == 1 or share[rank - 2] < target
    assert energies.share >= target


def test_alphas_stay_even_where_ranks_differ(lora: Path, tmp_path: Path):
    out = tmp_path / "out.safetensors"
    result, _ = resized(lora, RankRule(measure="energy", target=0.8), out, "fp16")
    assert len(set(result.ranks.values())) > 1
    found = read_lora(out)
    alphas = {name.split("_")[1]: set() for name in found.modules()}
    for name, parts in found.modules().items():
        alphas[name.split("_")[1]].add(float(parts["alpha"]))
    assert all(len(values) == 1 for values in alphas.values())
    assert found.metadata["ss_network_dim"] == "Dynamic"
    assert found.metadata["ss_network_alpha"] == "4.0"


def test_convolutions_may_have_a_rank_of_their_own(lora: Path, tmp_path: Path):
    result, _ = resized(lora, RankRule(rank=3, conv_rank=1), tmp_path / "out.safetensors")
    with ExitStack() as stack:
        shapes = open_lora(lora, stack).shapes
    assert all(rank == (1 if is_conv(shapes[name]) else 3) for name, rank in result.ranks.items())
    told = read_lora(tmp_path / "out.safetensors").metadata
    assert told["ss_network_dim"] == "3"
    assert json.loads(told["ss_network_args"])["conv_dim"] == "1"


def test_a_rank_is_never_raised(lora: Path, tmp_path: Path):
    out = tmp_path / "out.safetensors"
    result, energies = resized(lora, RankRule(rank=99), out)
    with ExitStack() as stack:
        most = most_ranks(open_lora(lora, stack), RankRule(rank=99))
    assert set(result.ranks.values()) == {4} == set(most.values())
    assert energies.share == pytest.approx(1)
    before, after = deltas(lora), deltas(out)
    assert all(torch.allclose(after[name], change, atol=1e-5) for name, change in before.items())


def test_metadata_stay_but_for_captions_and_the_network(tiny_base, tmp_path: Path):
    from tests.lora.loras import random_tensors

    path, out = tmp_path / "a.safetensors", tmp_path / "small.safetensors"
    write_lora(path, random_tensors(base_layers(tiny_base("sd15")), mixed=False), METADATA)
    resized(path, RankRule(rank=2), out)
    told = read_lora(out).metadata
    assert "red hat" not in json.dumps(told)
    assert "tag_frequency" not in told.get("ss_datasets", "")
    assert told["ss_learning_rate"] == "0.0001"
    assert told["ss_training_comment"] == "resized; mine"
    assert (told["ss_network_dim"], told["ss_network_alpha"]) == ("2", "2.0")
    assert json.loads(told["ss_network_args"]) == {"conv_dim": "2", "conv_alpha": "2.0"}
    assert told["ss_output_name"] == told["modelspec.title"] == "small"
    assert told["modelspec.resolution"] == "768x768"
    assert told["modelspec.trigger_phrase"] == "myface"
    assert told["modelspec.tags"] == "inpainting"


def test_the_input_is_only_read(lora: Path, tmp_path: Path):
    before = lora.read_bytes()
    resized(lora, RankRule(rank=1), tmp_path / "out.safetensors")
    assert lora.read_bytes() == before
