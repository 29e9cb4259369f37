"""Every mathematical form that a plain LoRA can express: ΔW is what the form's own program computes."""

from __future__ import annotations

import pytest

from dataset_tools.errors import UserError
from tests.lora.spellings.written import CONV_FORMS, FORMS, delta_of, loha, lokr, named, plain, random, save
from wrapper.lora.file import write_lora
from wrapper.lora.spellings.faults import MAX_RANK
from wrapper.lora.spellings.forms import rank_of
from wrapper.lora.spellings.read import read_any
from wrapper.safetensors_header import read_header

torch = pytest.importorskip("torch")

LINEAR = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
CONV = "lora_unet_down_blocks_0_resnets_0_conv1"
ONE = "lora_unet_down_blocks_0_attentions_0_proj_in"
MARK = plain((8, 8))[0]
"""A second module, by whose name the file is one for SD 1.5."""
SHAPES = {LINEAR: (16, 12), CONV: (16, 12, 3, 3), ONE: (16, 12, 1, 1)}
CASES = [(form, module) for form in FORMS for module in SHAPES]
CASES += [(form, CONV) for form in CONV_FORMS]


def _read(tmp_path, tensors):
    return read_any(save(tmp_path / "моя лора ☕.safetensors", tensors))


@pytest.mark.parametrize(("form", "module"), CASES)
def test_a_form_becomes_a_plain_module_of_the_same_delta(form, module, tmp_path):
    shape = SHAPES[module]
    parts, delta = {**FORMS, **CONV_FORMS}[form](shape)
    read = _read(tmp_path, named(module, parts))
    made = read.lora.modules()[module]
    assert (read.kind, set(made)) == ("sd15", {"lora_down.weight", "lora_up.weight", "alpha"})
    assert made["alpha"].shape == ()
    torch.testing.assert_close(delta_of(made), delta, rtol=1e-6, atol=1e-6)
    write_lora(tmp_path / "kohya.safetensors", read.lora.tensors, {})
    specs = read_header(tmp_path / "моя лора ☕.safetensors").tensors
    wanted = rank_of({name.split(".", 1)[1]: spec.shape for name, spec in specs.items()})
    assert made["lora_down.weight"].shape[0] == wanted


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_products_of_half_precision_numbers_are_exact(dtype, tmp_path):
    parts = {part: tensor.to(dtype) for part, tensor in loha((16, 12), alpha=2.0)[0].items()}
    made = _read(tmp_path, named(LINEAR, parts)).lora.modules()[LINEAR]
    first, second = (parts[f"hada_w{n}_a"].double() @ parts[f"hada_w{n}_b"].double() for n in (1, 2))
    assert made["lora_up.weight"].dtype == torch.float32
    torch.testing.assert_close(delta_of(made), first * second, rtol=1e-14, atol=1e-14)


def test_a_loha_of_onetrainer_has_kernels(tmp_path):
    parts, delta = loha((16, 12, 3, 3))
    for number in (1, 2):
        parts[f"hada_w{number}_a"] = parts[f"hada_w{number}_a"][..., None, None]
        parts[f"hada_w{number}_b"] = parts[f"hada_w{number}_b"].reshape(2, 12, 3, 3)
    made = _read(tmp_path, named(CONV, parts)).lora.modules()[CONV]
    torch.testing.assert_close(delta_of(made), delta, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("rank", [1, 2])
def test_a_core_of_rank_one_is_a_core(rank, tmp_path):
    parts, delta = lokr((16, 12, 3, 3), second=rank, core=True)
    made = _read(tmp_path, named(CONV, parts)).lora.modules()[CONV]
    torch.testing.assert_close(delta_of(made), delta, rtol=1e-6, atol=1e-6)


def test_plain_modules_keep_their_very_numbers(tmp_path):
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        parts = {part: tensor.to(dtype) for part, tensor in plain((16, 12))[0].items()}
        made = _read(tmp_path, named(LINEAR, parts)).lora.modules()[LINEAR]
        for part in ("lora_down.weight", "lora_up.weight"):
            assert made[part].dtype == dtype
            assert torch.equal(made[part], parts[part])


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_numbers_of_eight_bits_are_lifted_exactly(dtype, tmp_path):
    parts = {part: tensor.to(dtype) for part, tensor in plain((16, 12))[0].items()}
    read = _read(tmp_path, named(LINEAR, parts))
    made = read.lora.modules()[LINEAR]
    assert made["lora_down.weight"].dtype == torch.float32
    assert torch.equal(made["lora_down.weight"], parts["lora_down.weight"].float())
    assert "3 tensors of 8 bits were lifted to float32, which changes no number." in read.notes


@pytest.mark.parametrize(("module", "given"), [(LINEAR, 4), (CONV, 4), (ONE, 2), (CONV, 2)])
def test_matrices_and_kernels_come_out_in_their_layers_form(module, given, tmp_path):
    parts, delta = plain(SHAPES[module])
    flat = {name: t.flatten(1) if t.dim() > 1 else t for name, t in parts.items()}
    if given == 4:
        flat = {n: t if t.dim() in (0, 4) else t[..., None, None] for n, t in parts.items()}
    made = _read(tmp_path, named(module, flat)).lora.modules()[module]
    assert made["lora_down.weight"].shape == parts["lora_down.weight"].shape
    assert made["lora_up.weight"].shape == parts["lora_up.weight"].shape
    torch.testing.assert_close(delta_of(made), delta, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("alpha", "factor"),
    [
        (torch.tensor([6.0]), 2.0),
        (torch.tensor([[6.0]]), 2.0),
        (torch.tensor(6), 2.0),
        (torch.tensor(6.0, dtype=torch.float16), 2.0),
        (torch.tensor(-6.0), -2.0),
        (torch.tensor(0.0), 0.0),
        (None, 1.0),
    ],
)
def test_every_way_to_store_an_alpha(alpha, factor, tmp_path):
    parts, bare = plain((16, 12), alpha=None)
    if alpha is not None:
        parts["alpha"] = alpha
    read = _read(tmp_path, named(LINEAR, parts))
    made = read.lora.modules()[LINEAR]
    torch.testing.assert_close(delta_of(made), bare * factor, rtol=1e-12, atol=1e-12)
    assert float(made["alpha"]) >= 0
    assert any("alpha 0" in note for note in read.notes) == (factor == 0)
    assert any("no alpha" in note for note in read.notes) == (alpha is None)


def test_zero_modules_and_ranks_of_their_own_stay(tmp_path):
    tensors = {**named(LINEAR, plain((16, 12), rank=2)[0]), **named(CONV, plain((16, 12, 3, 3), rank=5)[0])}
    tensors[f"{CONV}.lora_up.weight"] = torch.zeros(16, 5, 1, 1)
    modules = _read(tmp_path, tensors).lora.modules()
    assert {name: parts["lora_down.weight"].shape[0] for name, parts in modules.items()} == {
        LINEAR: 2,
        CONV: 5,
    }
    assert not modules[CONV]["lora_up.weight"].any()


def test_what_changes_nothing_is_left_out_and_said(tmp_path):
    tensors = {**named(LINEAR, MARK), f"{CONV}.alpha": torch.tensor(1.0), "_aux.1f2e": torch.ones(3)}
    read = _read(tmp_path, tensors)
    assert set(read.lora.modules()) == {LINEAR}
    assert "2 tensors that change nothing were left out." in read.notes


LARGE = 320
INEXACT = {
    "dora_scale": ({**MARK, "dora_scale": random(8, 1)}, "is a DoRA"),
    "PEFT's magnitude": ({**MARK, "lora_magnitude_vector.weight": random(8)}, "is a DoRA"),
    "ai-toolkit's magnitude": ({**MARK, "magnitude": random(8)}, "is a DoRA"),
    "diff_b": ({**MARK, "diff_b": random(8)}, "changes a bias"),
    "a bias of PEFT": ({**MARK, "lora_B.bias": random(8)}, "changes a bias"),
    "norm": ({"w_norm": random(8), "b_norm": random(8)}, "changes a normalisation layer"),
    "GLoRA": (
        {f"{name}.weight": random(8, 8) for name in ("a1", "a2", "b1", "b2")} | {"alpha": torch.ones(())},
        "is a GLoRA",
    ),
    "IA³": ({"weight": random(8), "on_input": torch.tensor(1)}, "is an IA³"),
    "OFT": ({"oft_blocks": random(2, 4, 4), "alpha": torch.ones(())}, "is an OFT"),
    "OneTrainer's OFT": ({"oft_R.weight": random(2, 6)}, "is an OFT"),
    "set_weight": ({"set_weight": random(8, 8)}, "replaces weights"),
    "a scale": ({**MARK, "scale": torch.tensor(2.0)}, "has a scale of its own"),
    "a scalar": ({**MARK, "scalar": torch.tensor(2.0)}, "has a scalar of its own"),
    "half": ({"lora_up.weight": random(8, 2)}, "lacks its down half"),
    "the other half": ({"lora_down.weight": random(2, 8)}, "lacks its up half"),
    "an unknown part": ({**MARK, "lora_sideways": random(8, 8)}, r"no known form \(lora_sideways\)"),
    "two forms": ({**MARK, **loha((8, 8))[0]}, "no known form"),
    "ranks that differ": (
        {"lora_down.weight": random(2, 8), "lora_up.weight": random(8, 3)},
        "has a down of rank 2 and an up of rank 3",
    ),
    "an up with a kernel": (
        {"lora_down.weight": random(2, 8, 1, 1), "lora_up.weight": random(8, 2, 3, 3)},
        "has an up of 3 × 3",
    ),
    "rank 0": ({"lora_down.weight": random(0, 8), "lora_up.weight": random(8, 0)}, r"\(rank 0\)"),
    "alphas": ({**MARK, "alpha": random(4)}, "has an alpha of 4 numbers"),
    "integers": (
        {"lora_down.weight": torch.ones(2, 8, dtype=torch.int8), "lora_up.weight": random(8, 2)},
        "holds numbers of type I8",
    ),
    "factors that do not fit": (
        {**loha((8, 8))[0], "hada_w1_b": random(3, 8)},
        "has factors whose sizes do not fit each other",
    ),
    "a LoHa of two sizes": (
        {**loha((8, 8))[0], "hada_w2_a": random(1, 2)},
        "has factors whose sizes do not fit each other",
    ),
    "a LoHa of too much rank": (
        loha((LARGE, LARGE), rank=17)[0],
        rf"is a LoHa that would need rank 289 as a LoRA \(at most {MAX_RANK} is written\)",
    ),
    "a LoKr of too much rank": (
        lokr((4 * LARGE, 2 * LARGE), second=0)[0],
        "is a LoKr that would need rank 640",
    ),
    "a full difference": ({"diff": random(LARGE, LARGE)}, "is a full difference that would need rank 320"),
}


@pytest.mark.parametrize("case", INEXACT)
def test_what_cannot_be_expressed_is_named(case, tmp_path):
    parts, says = INEXACT[case]
    path = save(tmp_path / "a b.safetensors", {**named(LINEAR, parts), **named(CONV, plain((8, 8, 3, 3))[0])})
    with pytest.raises(UserError, match=says) as raised:
        read_any(path)
    assert raised.value.message.startswith(f"{path}: '{LINEAR}")
    assert raised.value.hint
    assert CONV not in raised.value.message


def test_all_that_cannot_be_expressed_is_named_at_once(tmp_path):
    tensors = {
        **named(LINEAR, {**MARK, "dora_scale": random(8)}),
        **named(CONV, {"lora_up.weight": random(8, 2)}),
    }
    tensors |= {f"bundle_emb.myface.{name}": random(2, 768) for name in ("clip_l", "clip_g")}
    tensors["lora_unet_down_blocks_0_attentions_0_oddity.lora_up.weight"] = random(8, 2)
    with pytest.raises(UserError) as raised:
        _read(tmp_path, tensors)
    message = raised.value.message
    assert "is a DoRA" in message
    assert "lacks its down half" in message
    assert "'bundle_emb.myface.clip_g' is an embedding packed into the file" in message
    assert "(and 1 more like it)" in message
    assert "'lora_unet_down_blocks_0_attentions_0_oddity' is no layer of SD 1.5 or SDXL" in message


@pytest.mark.parametrize(
    ("part", "hint"), [("lora_down.weight", "Get the file again"), ("diff_b", "as it is")]
)
def test_what_to_do_is_for_the_file_or_for_its_form(part, hint, tmp_path):
    parts = {**MARK, "diff_b": random(8)} if part == "diff_b" else {part: MARK[part]}
    with pytest.raises(UserError) as raised:
        _read(tmp_path, named(LINEAR, parts))
    assert hint in raised.value.hint


def test_the_rank_of_a_form_is_known_from_its_shapes():
    assert rank_of({part: tuple(t.shape) for part, t in loha((640, 320), rank=4)[0].items()}) == 16
