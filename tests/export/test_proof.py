"""Each proof fails for its own fault, and the change of the weights is compared exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from dataset_tools.errors import UserError
from tests.export.loras import METADATA, plain_layers, save, tensors
from wrapper.export.proof import Proof, prove_file
from wrapper.export.source import Source, normalised, read_source
from wrapper.lora.deltas import delta_error
from wrapper.lora.file import write_lora

NAME = "ear"
LAYERS = dict(list(plain_layers("sd15").items())[:6])
FIRST = next(iter(LAYERS))


def proofs(path: Path, made: dict[str, Any], source: Source) -> dict[str, Proof]:
    write_lora(path, made, {**METADATA, "ss_output_name": NAME})
    return {proof.what: proof for proof in prove_file(path, source, NAME, LAYERS, "the test")}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return read_source(save(tmp_path / "source.safetensors", tensors(LAYERS)))


def _nan(made: dict[str, Any]) -> None:
    made[f"{FIRST}.lora_up.weight"].view(-1)[0] = float("nan")


def _other(made: dict[str, Any]) -> None:
    made[f"{FIRST}.lora_up.weight"] *= 1.02


def _narrow(made: dict[str, Any]) -> None:
    made[f"{FIRST}.lora_down.weight"] = made[f"{FIRST}.lora_down.weight"][:, 1:]


def _mixed(made: dict[str, Any]) -> None:
    made[f"{FIRST}.alpha"] *= 2


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (_nan, "finite and not zero"),
        (_other, "same change of the weights as the source"),
        (_narrow, "shapes fit the layers"),
        (_mixed, "alpha on every module, one a component"),
    ],
)
def test_a_spoiled_file_fails_its_proof(spoil, what: str, source: Source, tmp_path: Path):
    made = normalised(source.modules)
    assert all(proof.passed for proof in proofs(tmp_path / "good.safetensors", made, source).values())
    spoil(made)
    if spoil is _narrow:
        source = Source(source.path, source.kind, {}, {})
    assert not proofs(tmp_path / "bad.safetensors", made, source)[what].passed


def test_all_zero_is_not_a_lora(source: Source, tmp_path: Path):
    made = {name: tensor * ("up" not in name) for name, tensor in normalised(source.modules).items()}
    assert not proofs(tmp_path / "zero.safetensors", made, source)["finite and not zero"].passed


def test_metadata_with_another_name_fails(source: Source, tmp_path: Path):
    path = tmp_path / "other.safetensors"
    write_lora(path, normalised(source.modules), METADATA)
    last = prove_file(path, source, NAME, LAYERS, "the test")[-1]
    assert not last.passed
    assert "'before'" in last.detail


def test_mixed_and_missing_alphas_become_one_without_changing_the_weights(tmp_path: Path):
    made = tensors(LAYERS, rank=4, alpha=2.0)
    names = list(LAYERS)
    made[f"{names[0]}.alpha"] = torch.tensor(1.0)
    del made[f"{names[1]}.alpha"]
    source = read_source(save(tmp_path / "mixed.safetensors", made))
    out = normalised(source.modules)
    assert {float(out[f"{name}.alpha"]) for name in names} == {2.0}
    for name in names:
        down, up = made[f"{name}.lora_down.weight"].flatten(1), made[f"{name}.lora_up.weight"].flatten(1)
        wanted = float(made.get(f"{name}.alpha", torch.tensor(4.0))) / 4 * up @ down
        got = out[f"{name}.lora_up.weight"].float().flatten(1) @ out[
            f"{name}.lora_down.weight"
        ].float().flatten(1)
        torch.testing.assert_close(2.0 / 4 * got, wanted, rtol=2e-3, atol=2e-4)


def test_the_difference_of_two_changes_equals_the_written_out_one():
    generator = torch.Generator().manual_seed(1)
    one, other = (
        {
            "lora_down.weight": torch.randn(rank, 7, generator=generator),
            "lora_up.weight": torch.randn(5, rank, generator=generator),
            "alpha": torch.tensor(alpha),
        }
        for rank, alpha in ((3, 1.5), (2, 4.0))
    )
    first, second = (
        float(m["alpha"]) / m["lora_down.weight"].shape[0] * m["lora_up.weight"] @ m["lora_down.weight"]
        for m in (one, other)
    )
    assert delta_error(one, other) == pytest.approx(float((first - second).norm() / first.norm()), rel=1e-5)
    assert delta_error(one, one) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"unet.down.lora_A.weight": torch.ones(2)}, "is not a Kohya LoRA"),
        ({f"{FIRST}.lora_down.weight": torch.ones(2, 320)}, r"lora_up\.weight is missing"),
        ({**tensors(LAYERS), f"{FIRST}.dora_scale": torch.ones(1)}, "dora_scale is not part of a plain LoRA"),
        ({**tensors(LAYERS), "lora_te2_x.alpha": torch.ones(1)}, "is not a Kohya LoRA"),
    ],
)
def test_what_is_no_plain_kohya_lora_is_refused_in_one_sentence(made, message: str, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        read_source(save(tmp_path / "x.safetensors", made))
