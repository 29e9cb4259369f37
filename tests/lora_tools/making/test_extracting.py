"""A LoRA out of two models makes one of the other, as well as its rank allows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from dataset_tools.errors import UserError
from tests.lora.loras import base_layers, random_lora
from tests.lora_tools.changes import deltas, relative
from tests.models import Kind
from tests.single_files import make_single_file
from wrapper.base_model.detect import detect
from wrapper.lora.apply import LoraUse
from wrapper.lora.file import read_lora
from wrapper.lora.names import is_target
from wrapper.lora.verify import verify_lora
from wrapper.lora_tools.bases.into_base import plan_into_base
from wrapper.lora_tools.bases.merged_base import write_merged_base
from wrapper.lora_tools.making.differences import differ, difference
from wrapper.lora_tools.making.extracting import Extracted, extract, plan_extract
from wrapper.lora_tools.making.lora_metadata import extracted_metadata
from wrapper.lora_tools.maths.ranks import RankRule

ATTENTION = "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight"
KOHYA = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
NORM = "model.diffusion_model.middle_block.1.norm.weight"
IN_PROJ = "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight"
IN_PROJ_KOHYA = "lora_te2_text_model_encoder_layers_0_self_attn_{}_proj"


@dataclass(frozen=True)
class Pair:
    """A base model, and the same with a LoRA of rank 4 in every layer, each as a folder and as a file."""

    folder: Path
    file: Path
    lora: Path
    tuned_folder: Path
    tuned_file: Path


@pytest.fixture(scope="module")
def pairs(tiny_base: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], Pair]:
    made: dict[Kind, Pair] = {}

    def pair(kind: Kind) -> Pair:
        if kind not in made:
            place = tmp_path_factory.mktemp("пара 'p' 🙂")
            folder = tiny_base(kind)
            file = make_single_file(folder, place / "base.safetensors")
            lora = random_lora(place / "lora.safetensors", base_layers(folder), 3, mixed=False)
            tuned = place / "tuned.safetensors", place / "tuned"
            for base, out in zip((file, folder), tuned, strict=True):
                write_merged_base(plan_into_base(detect(base), [LoraUse(lora)], out))
            made[kind] = Pair(folder, file, lora, tuned[1], tuned[0])
        return made[kind]

    return pair


def extracted(tuned: Path, base: Path, rule: RankRule, out: Path | None = None, **options) -> Extracted:
    plan = plan_extract(detect(tuned), detect(base), rule, options.pop("min_diff", 0.0))
    done = extract(plan, options.pop("precision", "fp32"))
    if out is not None:
        name, network = out.stem, done.result.network()
        done.result.write(out, extracted_metadata(plan.tuned.info, plan.base.info, name, network))
    return done


@pytest.mark.parametrize(
    ("kind", "form"),
    [("sd15", "files"), ("sdxl", "files"), ("sdxl", "folders"), ("sd15", "file and folder")],
)
def test_a_lora_that_was_merged_comes_out_again(pairs, tmp_path: Path, kind: Kind, form: str):
    pair, out = pairs(kind), tmp_path / "out.safetensors"
    tuned = pair.tuned_folder if form == "folders" else pair.tuned_file
    base = pair.file if form == "files" else pair.folder
    done = extracted(tuned, base, RankRule(rank=4, conv_rank=4), out)
    found, wanted = deltas(out), deltas(pair.lora)
    assert set(found) == set(wanted)
    assert max(relative(found[name], change) for name, change in wanted.items()) < 1e-3
    assert done.energies.share > 0.9999
    assert verify_lora(out, kind, base_layers(pair.folder)) == []


def test_without_a_rank_for_them_convolutions_stay_out_and_are_told(pairs, tmp_path: Path):
    pair = pairs("sd15")
    done = extracted(pair.tuned_file, pair.file, RankRule(rank=4))
    layers = base_layers(pair.folder)
    wanted = {name for name, layer in layers.items() if is_target(layer.component, layer.path)}
    assert set(done.result.ranks) == wanted
    assert len(done.others) == len(layers) - len(wanted)
    assert "model.diffusion_model.middle_block.0.in_layers.2.weight" in done.others


def test_a_rank_keeps_what_eckart_and_young_say(pairs, tmp_path: Path):
    pair, out = pairs("sdxl"), tmp_path / "out.safetensors"
    done = extracted(pair.tuned_file, pair.file, RankRule(rank=2, conv_rank=1), out)
    found, whole = deltas(out), deltas(pair.lora)
    for name, rank in done.result.ranks.items():
        s = torch.linalg.svdvals(whole[name].flatten(1))
        best = float((s[rank:] ** 2).sum().sqrt())
        assert float((found[name] - whole[name]).norm()) == pytest.approx(best, rel=1e-2), name
    assert set(done.result.ranks.values()) == {1, 2}


def test_progress_counts_every_pair(pairs):
    pair, steps = pairs("sd15"), []
    plan = plan_extract(detect(pair.tuned_file), detect(pair.file), RankRule(rank=1))
    extract(plan, "fp16", lambda: steps.append(1))
    assert len(steps) == plan.steps == len(load_file(pair.file))


def changed(file: Path, out: Path, **changes: float) -> Path:
    """A copy of a checkpoint with a random change of some tensors, of these sizes, by name."""
    tensors = load_file(file)
    generator = torch.Generator().manual_seed(1)
    for name, size in changes.items():
        tensors[name] = tensors[name] + size * torch.randn(tensors[name].shape, generator=generator)
    save_file(tensors, out)
    return out


def test_only_layers_that_differ_are_in_it(pairs, tmp_path: Path):
    pair = pairs("sd15")
    tuned = changed(pair.file, tmp_path / "t.safetensors", **{ATTENTION: 0.1, NORM: 0.1})
    done = extracted(tuned, pair.file, RankRule(rank=2))
    assert list(done.result.ranks) == [KOHYA]
    assert done.others == [NORM]


def test_energy_takes_as_many_ranks_as_it_needs(pairs, tmp_path: Path):
    pair = pairs("sd15")
    tuned = changed(pair.file, tmp_path / "t.safetensors", **{ATTENTION: 0.1})
    s2 = (
        torch.linalg.svdvals(load_file(tuned)[ATTENTION].double() - load_file(pair.file)[ATTENTION].double())
        ** 2
    )
    needed = int((s2.cumsum(0) < 0.5 * s2.sum()).sum()) + 1
    assert 1 < needed < 20
    done = extracted(tuned, pair.file, RankRule(rank=32, measure="energy", target=0.5))
    assert done.result.ranks == {KOHYA: needed}
    capped = extracted(tuned, pair.file, RankRule(rank=2, measure="energy", target=0.5))
    assert capped.result.ranks == {KOHYA: 2}
    assert capped.energies.share == pytest.approx(float(s2[:2].sum() / s2.sum()), rel=1e-3)


def test_an_attention_of_the_second_text_encoder_is_whole_or_not_there(pairs, tmp_path: Path):
    """A1111 drops q, k and v without out: what does not differ comes along as zeros."""
    pair = pairs("sdxl")
    tuned = changed(pair.file, tmp_path / "t.safetensors", **{IN_PROJ: 0.1})
    out = tmp_path / "out.safetensors"
    done = extracted(tuned, pair.file, RankRule(rank=2), out)
    assert set(done.result.ranks) == {IN_PROJ_KOHYA.format(part) for part in ("q", "k", "v", "out")}
    assert float(deltas(out)[IN_PROJ_KOHYA.format("out")].abs().max()) == 0
    assert all(float(deltas(out)[IN_PROJ_KOHYA.format(part)].abs().max()) > 0 for part in "qkv")


def test_small_differences_can_be_left_out(pairs, tmp_path: Path):
    pair = pairs("sd15")
    other = ATTENTION.replace("to_q", "to_k")
    tuned = changed(pair.file, tmp_path / "t.safetensors", **{ATTENTION: 0.1, other: 1e-4})
    assert len(extracted(tuned, pair.file, RankRule(rank=1)).result.ranks) == 2
    done = extracted(tuned, pair.file, RankRule(rank=1), min_diff=0.01)
    assert list(done.result.ranks) == [KOHYA]


def test_rounding_to_half_precision_is_no_difference(pairs, tmp_path: Path):
    pair = pairs("sd15")
    half = tmp_path / "half.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(pair.file).items()}, half)
    with pytest.raises(UserError, match="no layer that a LoRA can change differs"):
        extracted(half, pair.file, RankRule(rank=2))
    with pytest.raises(UserError, match="no layer that a LoRA can change differs"):
        extracted(pair.file, half, RankRule(rank=2))


def test_what_differs_beside_the_layers_is_told_where_no_layer_does(pairs, tmp_path: Path):
    pair = pairs("sd15")
    tuned = changed(pair.file, tmp_path / "t.safetensors", **{NORM: 0.1})
    with pytest.raises(
        UserError, match=r"1 other tensors do \(model\.diffusion_model\.middle_block\.1\.norm"
    ):
        extracted(tuned, pair.file, RankRule(rank=2))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (torch.float32, torch.float16, True),
        (torch.bfloat16, torch.float16, True),
        (torch.float8_e4m3fn, torch.bfloat16, True),
        (torch.float8_e5m2, torch.float16, True),
        (torch.float32, torch.float32, False),
        (torch.float16, torch.float32, False),
    ],
    ids=str,
)
def test_a_difference_is_more_than_rounding(one: torch.dtype, other: torch.dtype, same: bool):
    value = torch.randn(200, 200) * 10.0 ** torch.randint(-6, 2, (200, 200))
    changed_value = value.clone()
    changed_value[3, 4] += 0 if same else 1.0
    assert (difference(value.to(one), changed_value.to(other)) is None) == same


def test_large_tensors_are_compared_to_their_end():
    one = torch.zeros(3, 1 << 21, dtype=torch.float16)
    other = one.clone()
    assert not differ(one, other)
    other[2, -1] = 1
    assert differ(one, other)
    assert differ(one, other.float())
    assert differ(torch.zeros(2), torch.zeros(3))
    assert differ(torch.tensor([1, 2]), torch.tensor([1, 3]))
    assert not differ(torch.tensor([1, 2]), torch.tensor([1, 2]))


def test_other_architectures_are_refused(pairs, tiny_base, tmp_path: Path):
    sd15, sdxl = pairs("sd15"), pairs("sdxl")
    with pytest.raises(UserError, match=r"different kinds: .* is SDXL with 4 channels, .* is SD 1\.5 with 4"):
        plan_extract(detect(sdxl.file), detect(sd15.file), RankRule(rank=2))
    with pytest.raises(UserError, match=r"is SD 1\.5 with 9 channels"):
        plan_extract(detect(tiny_base("sd15", True)), detect(sd15.file), RankRule(rank=2))


def test_another_width_is_refused(pairs, tmp_path: Path):
    import json

    pair, wide = pairs("sd15"), tmp_path / "wide"
    shutil.copytree(pair.folder, wide)
    config = json.loads((wide / "text_encoder" / "config.json").read_text())
    (wide / "text_encoder" / "config.json").write_text(json.dumps({**config, "intermediate_size": 128}))
    tensors = load_file(wide / "text_encoder" / "model.safetensors")
    narrow = {
        name: tensor[:128] if "fc1" in name else tensor[:, :128] if "fc2.weight" in name else tensor
        for name, tensor in tensors.items()
    }
    save_file(
        {name: t.contiguous() for name, t in narrow.items()}, wide / "text_encoder" / "model.safetensors"
    )
    with pytest.raises(UserError, match=r"has another architecture than .* 6 layers differ in shape"):
        plan_extract(detect(wide), detect(pair.folder), RankRule(rank=2))


def test_a_model_gone_to_nan_is_refused(pairs, tmp_path: Path):
    pair, broken = pairs("sd15"), tmp_path / "t.safetensors"
    tensors = load_file(pair.file)
    tensors[ATTENTION][0, 0] = float("nan")
    save_file(tensors, broken)
    with pytest.raises(UserError, match=f"{KOHYA}: the models differ by numbers that are not finite"):
        extracted(broken, pair.file, RankRule(rank=2))


def test_metadata_name_both_models(pairs, tmp_path: Path):
    pair, out = pairs("sd15"), tmp_path / "из модели.safetensors"
    tuned = changed(pair.file, tmp_path / "my model.safetensors", **{ATTENTION: 0.1})
    extracted(tuned, pair.file, RankRule(rank=2), out)
    told = read_lora(out).metadata
    assert told["ss_training_comment"] == "extracted from my model.safetensors and base.safetensors"
    assert told["ss_sd_model_name"] == "base.safetensors"
    assert (told["ss_network_dim"], told["ss_network_alpha"]) == ("2", "2.0")
    assert told["ss_base_model_version"] == "sd_v1"
    assert str(tmp_path) not in str(told)
