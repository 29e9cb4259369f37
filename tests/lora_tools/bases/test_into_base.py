"""A base with LoRAs in it: the loader that draws pictures finds W + Σ weight · ΔW in every layer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from dataset_tools.errors import UserError
from tests.lora.loras import base_layers, random_lora
from tests.lora_tools.changes import deltas, lora_of, random_parts, relative
from tests.lora_tools.models import weights
from tests.models import Kind
from tests.single_files import make_single_file
from wrapper.base_model.detect import detect
from wrapper.lora.apply import LoraUse
from wrapper.lora_tools.bases.into_base import named_base, plan_into_base
from wrapper.lora_tools.bases.merged_base import write_merged_base
from wrapper.safetensors_header import read_header


@dataclass(frozen=True)
class Case:
    """A base model as a folder and as a file, with two LoRAs for it."""

    folder: Path
    file: Path
    loras: tuple[Path, Path]

    def base(self, form: str) -> Path:
        return self.file if form == "file" else self.folder

    def uses(self) -> list[LoraUse]:
        return [LoraUse(self.loras[0], 0.8, 0.3), LoraUse(self.loras[1], -1.5)]

    def wanted(self, before: dict[str, Tensor]) -> dict[str, Tensor]:
        one, two = (deltas(path) for path in self.loras)
        return {
            name: weight.double() + (0.8 if "lora_unet" in name else 0.3) * one[name] - 1.5 * two[name]
            for name, weight in before.items()
        }


@pytest.fixture(scope="module")
def cases(
    tiny_base: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Kind, bool], Case]:
    made: dict[tuple[Kind, bool], Case] = {}

    def case(kind: Kind, inpaint: bool = False) -> Case:
        if (kind, inpaint) not in made:
            place = tmp_path_factory.mktemp("основа 'b' 🙂")
            folder = tiny_base(kind, inpaint)
            layers = base_layers(folder, outer=True)
            loras = tuple(random_lora(place / f"{n}.safetensors", layers, n) for n in (1, 2))
            made[kind, inpaint] = Case(folder, make_single_file(folder, place / "b.safetensors"), loras)
        return made[kind, inpaint]

    return case


def merged(case: Case, form: str, out: Path, dtype: str | None = None) -> Path:
    write_merged_base(plan_into_base(detect(case.base(form)), case.uses(), out, dtype))
    return out


def out_for(form: str, folder: Path) -> Path:
    return folder / ("вместе.safetensors" if form == "file" else "вместе")


BOTH_FORMS = pytest.mark.parametrize("form", ["file", "folder"])


@BOTH_FORMS
@pytest.mark.parametrize(
    ("kind", "inpaint"), [("sd15", False), ("sd15", True), ("sdxl", False)], ids=["sd15", "inpaint", "sdxl"]
)
def test_every_layer_is_changed_by_the_sum(cases, tmp_path: Path, kind: Kind, inpaint: bool, form: str):
    case = cases(kind, inpaint)
    out = merged(case, form, out_for(form, tmp_path))
    tokenizers = case.folder / "tokenizer"
    before, after = weights(case.base(form), tokenizers), weights(out, tokenizers)
    wanted = case.wanted(before)
    assert set(after) == set(wanted)
    assert max(relative(after[name], weight) for name, weight in wanted.items()) < 1e-6


@BOTH_FORMS
@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_what_no_lora_changes_stays_bit_for_bit(cases, tmp_path: Path, kind: Kind, form: str):
    case = cases(kind)
    out = merged(case, form, out_for(form, tmp_path))
    plan = plan_into_base(detect(case.base(form)), case.uses(), out)
    untouched = 0
    for path in plan.base.headers:
        target = out if form == "file" else out / path.relative_to(case.folder)
        before, after = load_file(path), load_file(target)
        assert list(before) == list(after)
        for name, tensor in before.items():
            if (path, name) in plan.layers:
                assert not torch.equal(after[name], tensor), name
            else:
                assert torch.equal(after[name], tensor), name
                untouched += 1
    assert untouched > 100


def test_a_folder_is_whole_and_the_base_is_only_read(cases, tmp_path: Path):
    case = cases("sdxl")
    before = {path: path.read_bytes() for path in case.folder.rglob("*") if path.is_file()}
    out = merged(case, "folder", tmp_path / "out")
    assert {path: path.read_bytes() for path in case.folder.rglob("*") if path.is_file()} == before
    changed = {"unet", "text_encoder", "text_encoder_2"}
    for path, data in before.items():
        place = path.relative_to(case.folder)
        if place.suffix == ".safetensors" and place.parts[0] in changed:
            assert (out / place).stat().st_size > len(data) - 1000
        else:
            assert (out / place).read_bytes() == data, place
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@BOTH_FORMS
def test_a_precision_is_for_all_weights(cases, tmp_path: Path, form: str):
    case = cases("sdxl")
    out = merged(case, form, out_for(form, tmp_path), "F16")
    paths = [out] if form == "file" else [out / part / "model.safetensors" for part in ("text_encoder",)]
    specs = [spec for path in paths for spec in read_header(path).tensors.values()]
    assert {spec.dtype for spec in specs if spec.dtype[0] != "I"} == {"F16"}
    tokenizers = case.folder / "tokenizer"
    wanted, after = case.wanted(weights(case.base(form), tokenizers)), weights(out, tokenizers)
    assert max(relative(after[name], weight) for name, weight in wanted.items()) < 1e-3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn], ids=str)
def test_the_precision_of_the_base_is_kept(cases, tmp_path: Path, dtype: torch.dtype):
    case, half = cases("sd15"), tmp_path / "half.safetensors"
    tensors = {name: tensor.to(dtype) for name, tensor in load_file(case.file).items()}
    save_file({**tensors, "alphas_cumprod": torch.rand(1000), "model_ema.decay": torch.tensor(1)}, half)
    out = tmp_path / "out.safetensors"
    uses = [LoraUse(case.loras[0], 0.8)]
    write_merged_base(plan_into_base(detect(half), uses, out))
    before, after = load_file(half), load_file(out)
    assert {name: tensor.dtype for name, tensor in after.items()} == {
        name: tensor.dtype for name, tensor in before.items()
    }
    name = "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight"
    change = deltas(case.loras[0])["lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"]
    wanted = (before[name].float() + 0.8 * change.float()).to(dtype)
    assert torch.equal(after[name].float(), wanted.float())


def test_the_noise_schedule_stays_exact(cases, tmp_path: Path):
    case, path, out = cases("sd15"), tmp_path / "a.safetensors", tmp_path / "out.safetensors"
    save_file({**load_file(case.file), "alphas_cumprod": torch.rand(1000)}, path)
    write_merged_base(plan_into_base(detect(path), case.uses(), out, "F16"))
    assert torch.equal(load_file(out)["alphas_cumprod"], load_file(path)["alphas_cumprod"])


def test_metadata_say_what_was_merged(cases, tmp_path: Path):
    case, path, out = cases("sd15"), tmp_path / "a.safetensors", tmp_path / "Имя.safetensors"
    old = {"modelspec.title": "Old", "modelspec.author": "me", "modelspec.hash_sha256": "0x1", "format": "pt"}
    save_file(load_file(case.file), path, old)
    write_merged_base(plan_into_base(detect(path), case.uses(), out))
    told = read_header(out).metadata
    assert told["modelspec.merged_from"] == "Old, 1, 2"
    assert [one["weight"] for one in json.loads(told["lorawrap_merged"])] == [0.8, -1.5]
    assert [one["te_weight"] for one in json.loads(told["lorawrap_merged"])] == [0.3, -1.5]
    assert (told["modelspec.title"], told["modelspec.author"], told["format"]) == ("Имя", "me", "pt")
    assert "modelspec.hash_sha256" not in told


def test_equal_merges_are_equal_files(cases, tmp_path: Path):
    one, two = (merged(cases("sd15"), "file", tmp_path / name / "out.safetensors") for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_shards_and_half_variants_of_a_folder(cases, tmp_path: Path):
    """A U-Net in two files; an fp16 copy beside it would be without the LoRA, and does not come along."""
    case, folder, out = cases("sd15"), tmp_path / "base", tmp_path / "out"
    shutil.copytree(case.folder, folder)
    whole = folder / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(whole)
    names = sorted(tensors)
    halves = (names[: len(names) // 2], names[len(names) // 2 :])
    shards = [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    for shard, part in zip(shards, halves, strict=True):
        save_file({name: tensors[name] for name in part}, folder / "unet" / shard, {"format": "pt"})
    table = {name: shard for shard, part in zip(shards, halves, strict=True) for name in part}
    index = json.dumps({"metadata": {"total_size": 1}, "weight_map": table})
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(index)
    whole.rename(folder / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    (folder / "unet" / "diffusion_pytorch_model.non_ema.safetensors").write_bytes(b"not read")
    write_merged_base(plan_into_base(detect(folder), case.uses(), out))
    weights_there = sorted(path.name for path in (out / "unet").glob("*.safetensors"))
    assert weights_there == shards
    tokenizers = case.folder / "tokenizer"
    wanted, after = case.wanted(weights(folder, tokenizers)), weights(out, tokenizers)
    assert max(relative(after[name], weight) for name, weight in wanted.items()) < 1e-6


def refused(base: Path, *loras: Path) -> str:
    with pytest.raises(UserError) as caught:
        plan_into_base(named_base(str(base)), [LoraUse(path) for path in loras], base.parent / "out")
    return caught.value.message


def test_a_lora_of_another_kind_is_refused(cases):
    sd15, sdxl = cases("sd15"), cases("sdxl")
    assert "is a LoRA for SDXL, the base model is SD 1.5" in refused(sd15.file, sdxl.loras[0])


def test_a_lora_of_another_size_is_refused(cases, tmp_path: Path):
    case = cases("sd15")
    name = "lora_unet_mid_block_attentions_0_proj_in"
    wide = lora_of(tmp_path / "wide.safetensors", {name: random_parts((640, 640, 1, 1), 2, 2.0)})
    assert "1 module of another size" in refused(case.file, case.loras[0], wide)


def test_bases_that_are_none_are_refused(cases, tmp_path: Path):
    case = cases("sd15")
    assert "there is no such model" in refused(tmp_path / "none", case.loras[0])
    assert "is a LoRA" in refused(case.loras[1], case.loras[0])
    (tmp_path / "a.ckpt").write_bytes(b"x")
    assert "is a pickled checkpoint" in refused(tmp_path / "a.ckpt", case.loras[0])


@pytest.mark.parametrize("scale", ["scaled_fp8", "model.diffusion_model.middle_block.1.proj_in.scale_weight"])
def test_weights_with_scales_beside_them_are_refused(cases, tmp_path: Path, scale: str):
    case = cases("sd15")
    save_file({**load_file(case.file), scale: torch.ones(1)}, tmp_path / "scaled.safetensors")
    assert "are quantised" in refused(tmp_path / "scaled.safetensors", case.loras[0])


def test_weights_that_overflow_are_refused_and_nothing_is_left(cases, tmp_path: Path):
    case, out = cases("sd15"), tmp_path / "out.safetensors"
    plan = plan_into_base(detect(case.file), [LoraUse(case.loras[0], 1e7)], out, "F16")
    with pytest.raises(UserError, match=r"numbers that F16 cannot hold"):
        write_merged_base(plan)
    assert list(tmp_path.iterdir()) == []
