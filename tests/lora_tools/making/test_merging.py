"""Merged LoRAs make the weighted sum of what each makes, exactly or as well as their rank allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from dataset_tools.errors import UserError
from tests.lora_tools.changes import delta, deltas, lora_of, random_parts, relative
from wrapper.lora.apply import LoraUse
from wrapper.lora.file import read_lora
from wrapper.lora.hashes import autov3
from wrapper.lora.verify import verify_lora
from wrapper.lora_tools.making.ingredients import ingredient, merged_from
from wrapper.lora_tools.making.lora_metadata import new_metadata
from wrapper.lora_tools.making.merging import merge, plan_merge
from wrapper.lora_tools.making.opened import open_loras
from wrapper.lora_tools.maths.ranks import RankRule

UNET = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
PROJ = "lora_unet_down_blocks_0_attentions_0_proj_in"
CONV = "lora_unet_down_blocks_0_resnets_0_conv1"
TEXT = "lora_te_text_model_encoder_layers_0_mlp_fc1"
SHAPES = {UNET: (24, 16), PROJ: (16, 16, 1, 1), CONV: (16, 12, 3, 3), TEXT: (32, 8)}


def modules(rank: int, alpha: float, seed: int, names: tuple[str, ...] = tuple(SHAPES)):
    return {
        name: random_parts(SHAPES[name], rank, alpha, seed * 100 + place) for place, name in enumerate(names)
    }


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two LoRAs of other ranks and alphas; the second lacks the text encoder."""
    one = lora_of(tmp_path / "один 'a'.safetensors", modules(4, 2.0, 1))
    two = lora_of(tmp_path / "b 🙂.safetensors", modules(6, 6.0, 2, (UNET, PROJ, CONV)))
    return one, two


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def merged(uses: list[LoraUse], out: Path, rule: RankRule | None = None, precision: str = "fp32") -> Path:
    with ExitStack() as stack:
        opened = open_loras(uses, stack)
        result, _ = merge(plan_merge(opened, rule), precision)
    told = new_metadata(opened[0].kind, out.stem, result.network(), [one.metadata for one in opened])
    result.write(out, {**told, **merged_from([], [ingredient(use) for use in uses])})
    return out


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("fp32", 1e-6), ("fp16", 2e-3), ("bf16", 1.5e-2)], ids=str
)
def test_the_change_is_the_weighted_sum(files, tmp_path, precision: str, tolerance: float):
    uses = [LoraUse(files[0], 0.8, 0.3), LoraUse(files[1], -1.5)]
    found = deltas(merged(uses, tmp_path / "out.safetensors", precision=precision))
    one, two = deltas(files[0]), deltas(files[1])
    assert set(found) == set(SHAPES)
    assert relative(found[TEXT], 0.3 * one[TEXT]) < tolerance
    for name in (UNET, PROJ, CONV):
        assert relative(found[name], 0.8 * one[name] - 1.5 * two[name]) < tolerance


def test_the_result_is_what_every_program_takes_whole(files, tmp_path):
    out = merged([LoraUse(files[0], 0.8), LoraUse(files[1])], tmp_path / "out.safetensors", precision="fp16")
    found = read_lora(out)
    assert verify_lora(out, "sd15") == []
    assert {tensor.dtype for tensor in found.tensors.values()} == {torch.float16}
    alphas = {
        name.split("_")[1]: float(value) for name, value in found.tensors.items() if name.endswith("alpha")
    }
    assert alphas == {"unet": 10.0, "te": 4.0}
    assert all(float(parts["alpha"]) == alphas[name.split("_")[1]] for name, parts in found.modules().items())


def test_a_rank_gives_the_best_approximation_of_the_sum(files, tmp_path):
    uses = [LoraUse(files[0], 0.8), LoraUse(files[1], -1.5)]
    found = deltas(merged(uses, tmp_path / "out.safetensors", RankRule(rank=3, conv_rank=2)))
    whole = deltas(merged(uses, tmp_path / "whole.safetensors"))
    for name, rank in ((UNET, 3), (PROJ, 3), (CONV, 2), (TEXT, 3)):
        s = torch.linalg.svdvals(whole[name].flatten(1))
        best = (s[rank:] ** 2).sum().sqrt()
        assert float((found[name] - whole[name]).norm()) == pytest.approx(float(best), rel=1e-4)
        assert torch.linalg.matrix_rank(found[name].flatten(1)) == rank


def test_a_merge_with_itself_taken_away_is_nothing(files, tmp_path):
    out = merged([LoraUse(files[0]), LoraUse(files[0], -1.0)], tmp_path / "out.safetensors")
    assert all(float(found.abs().max()) < 1e-5 for found in deltas(out).values())


def test_a_lora_alone_takes_its_weight_in(files, tmp_path):
    out = merged([LoraUse(files[0], 0.5)], tmp_path / "out.safetensors")
    assert all(relative(found, 0.5 * deltas(files[0])[name]) < 1e-6 for name, found in deltas(out).items())


def test_a_weight_of_zero_leaves_no_module(files, tmp_path, stack):
    out = merged([LoraUse(files[0], 1.0, 0.0)], tmp_path / "out.safetensors")
    assert set(deltas(out)) == {UNET, PROJ, CONV}
    with pytest.raises(UserError, match="Every weight is 0"):
        plan_merge(open_loras([LoraUse(files[0], 0.0)], stack))


def test_equal_merges_are_equal_files(files, tmp_path):
    uses = [LoraUse(files[0], 0.8), LoraUse(files[1])]
    one, two = (merged(uses, tmp_path / name / "out.safetensors", RankRule(rank=3)) for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_metadata_say_what_was_merged(files, tmp_path):
    lora_of(
        tmp_path / "c.safetensors",
        modules(4, 4.0, 5),
        {
            "modelspec.title": "Название",
            "modelspec.trigger_phrase": "myface",
            "ss_tag_frequency": '{"10_anna": {"red": 1}}',
            "modelspec.tags": "inpainting",
        },
    )
    uses = [LoraUse(files[1], -1.5), LoraUse(tmp_path / "c.safetensors", 0.8, 0.5)]
    told = read_lora(merged(uses, tmp_path / "both.safetensors")).metadata
    assert told["modelspec.merged_from"] == "b 🙂, Название"
    assert json.loads(told["lorawrap_merged"]) == [
        {"name": "b 🙂", "weight": -1.5, "te_weight": -1.5, "hash": autov3(files[1])},
        {"name": "c", "weight": 0.8, "te_weight": 0.5, "hash": autov3(tmp_path / "c.safetensors")},
    ]
    assert (told["ss_network_dim"], told["ss_network_alpha"]) == ("Dynamic", "Dynamic")
    assert json.loads(told["ss_network_args"]) == {"conv_dim": "10", "conv_alpha": "Dynamic"}
    assert told["ss_base_model_version"] == "sd_v1"
    assert told["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert told["modelspec.trigger_phrase"] == "myface"
    assert told["modelspec.tags"] == "inpainting"
    assert told["ss_output_name"] == "both"
    assert "ss_tag_frequency" not in told


def test_even_ranks_are_told_as_one(tmp_path):
    one = lora_of(tmp_path / "a.safetensors", modules(4, 1.0, 1, (UNET, TEXT)))
    told = read_lora(merged([LoraUse(one), LoraUse(one)], tmp_path / "out.safetensors")).metadata
    assert (told["ss_network_dim"], told["ss_network_alpha"]) == ("8", "8.0")
    assert "ss_network_args" not in told


def test_a_lora_in_another_spelling_is_merged(files, tmp_path):
    """PEFT's names, which A1111 does not know: the module is the same one."""
    from safetensors.torch import save_file

    parts = random_parts(SHAPES[UNET], 2, None, 9)
    path = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    names = {"lora_A": parts["lora_down.weight"], "lora_B": parts["lora_up.weight"]}
    save_file({f"{path}.{part}.weight": tensor for part, tensor in names.items()}, tmp_path / "p.safetensors")
    out = merged([LoraUse(files[0]), LoraUse(tmp_path / "p.safetensors", 2.0)], tmp_path / "out.safetensors")
    assert relative(deltas(out)[UNET], deltas(files[0])[UNET] + 2 * delta(parts)) < 1e-6


def test_everything_that_is_wrong_is_told_at_once(files, tmp_path, stack):
    bad = modules(4, 4.0, 1)
    bad[UNET]["lora_up.weight"][0, 0] = float("nan")
    lora_of(tmp_path / "nan.safetensors", bad)
    (tmp_path / "cut.safetensors").write_bytes(files[0].read_bytes()[:-1])
    names = ("nan.safetensors", "cut.safetensors", "none.safetensors")
    with pytest.raises(UserError) as caught:
        open_loras([LoraUse(tmp_path / name) for name in names], stack)
    assert all(name in caught.value.message for name in names)
    assert "not finite" in caught.value.message


def test_kinds_are_not_mixed(files, tmp_path, stack):
    sdxl = {"lora_unet_input_blocks_4_1_proj_in": random_parts((16, 16), 4, 4.0)}
    other = lora_of(tmp_path / "xl.safetensors", sdxl)
    with pytest.raises(UserError, match=r"different kinds .*SD 1\.5.*SDXL"):
        open_loras([LoraUse(files[0]), LoraUse(other)], stack)


def test_sizes_are_not_mixed(files, tmp_path, stack):
    wide = lora_of(tmp_path / "wide.safetensors", {UNET: random_parts((48, 32), 4, 4.0)})
    with pytest.raises(UserError, match=r"is for a layer of \(48, 32, 1, 1\), in .* of \(24, 16, 1, 1\)"):
        open_loras([LoraUse(files[0]), LoraUse(wide)], stack)


def test_numbers_that_a_precision_cannot_hold_are_refused(tmp_path, stack):
    huge = random_parts(SHAPES[UNET], 2, 2.0)
    huge["lora_up.weight"] *= 1e12
    path = lora_of(tmp_path / "huge.safetensors", {UNET: huge})
    with pytest.raises(UserError, match="fp16 cannot hold"):
        merge(plan_merge(open_loras([LoraUse(path)], stack)), "fp16")
    merge(plan_merge(open_loras([LoraUse(path)], stack)), "fp32")


def test_a_lora_too_faint_for_a_precision_is_refused(tmp_path, stack):
    faint = random_parts(SHAPES[UNET], 2, 2.0)
    faint["lora_up.weight"] *= 1e-14
    path = lora_of(tmp_path / "faint.safetensors", {UNET: faint})
    result, _ = merge(plan_merge(open_loras([LoraUse(path)], stack)), "fp16")
    with pytest.raises(UserError, match="fp16 would change the LoRA by"):
        result.write(tmp_path / "out.safetensors", {})
    assert not (tmp_path / "out.safetensors").exists()


def test_one_that_does_not_tell_its_kind_is_of_the_others(files, tmp_path, stack):
    untold, name = tmp_path / "untold.safetensors", "unet.mid_block.attentions.0.proj_in"
    save_file({f"{name}.lora_A.weight": torch.ones(2, 8), f"{name}.lora_B.weight": torch.ones(8, 2)}, untold)
    with pytest.raises(UserError, match="does not tell"):
        open_loras([LoraUse(untold)], stack)
    assert [one.kind for one in open_loras([LoraUse(untold), LoraUse(files[0])], stack)] == ["sd15", "sd15"]
