"""Axes: names as users know them, what their values change, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.comparison.axes import Axis, changed, read_axes, read_axis
from wrapper.comparison.kind import Value
from wrapper.comparison.look import Look
from wrapper.comparison.shelf import Shelf
from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.lora.apply import LoraUse

FACE, OTHER = LoraUse(Path("face.safetensors"), 0.9), LoraUse(Path("style.safetensors"), 0.5)
BASIS = Look(Prompt("photo of a woman", "waxy woman", 1), Sampling("Euler", 20, 5.0), (FACE, OTHER))


def looks(text: str, basis: Look = BASIS) -> list[Look]:
    axis = read_axis(text, basis, Shelf())
    return [changed(basis, [axis], [value]) for value in axis.values]


@pytest.mark.parametrize(
    ("text", "name", "labels"),
    [
        ("weight=0.7,1", "weight", ["weight 0.7", "weight 1"]),
        ("LoRA weight=1", "weight", ["weight 1"]),
        ("Seed=1-3", "seed", ["seed 1", "seed 2", "seed 3"]),
        ("CFG Scale=4.5,5", "cfg", ["CFG 4.5", "CFG 5"]),
        ("Sampler=Euler a,DDIM", "scheduler", ["Euler a", "DDIM"]),
        ("Prompt S/R=woman,man", "prompt-sr", ["woman", "man"]),
        ("prompt_sr=woman,man", "prompt-sr", ["woman", "man"]),
        ('prompt="a, b",c', "prompt", ["a, b", "c"]),
        ("steps=20,40", "steps", ["20 steps", "40 steps"]),
        ("Denoising=0.4", "strength", ["strength 0.4"]),
        ("lora=none,a/b.safetensors:0.8", "lora", ["base alone", "b, weight 0.8"]),
        ("weight=1,1.0", "weight", ["weight 1"]),
    ],
)
def test_axes_have_the_names_that_users_know(text, name, labels):
    axis = read_axis(text, BASIS, Shelf())
    assert (axis.name, [value.label for value in axis.values]) == (name, labels)


def test_each_kind_changes_one_thing():
    assert [look.loras[0].weight for look in looks("weight=0.7,0.8")] == [0.7, 0.8]
    assert [look.prompt.seed for look in looks("seed=3,4")] == [3, 4]
    assert [look.sampling.cfg for look in looks("cfg=4")] == [4]
    assert [look.sampling.steps for look in looks("steps=7")] == [7]
    assert [look.sampling.sampler for look in looks("scheduler=DDIM")] == ["DDIM"]
    assert [look.prompt.text for look in looks("prompt=x")] == ["x"]
    assert {look.loras[1] for look in looks("weight=0.7,0.8")} == {OTHER}


def test_search_and_replace_takes_the_first_value_for_what_is_searched():
    assert [(look.prompt.text, look.prompt.negative) for look in looks("prompt-sr=woman,man,old man")] == [
        ("photo of a woman", "waxy woman"),
        ("photo of a man", "waxy man"),
        ("photo of a old man", "waxy old man"),
    ]


def test_a_lora_without_a_weight_has_that_of_the_basis_and_none_is_the_base_alone():
    base, named, weighted = looks("lora=OFF,b.safetensors,b.safetensors:0.4")
    assert (base.loras, base.bare) == ((), True)
    assert named.loras == (LoraUse(Path("b.safetensors"), 0.9), OTHER)
    assert weighted.loras[0].weight == 0.4


def test_values_are_laid_on_in_their_kinds_order_not_in_that_of_the_flags():
    weight = read_axis("weight=0.3", BASIS, Shelf())
    lora = read_axis("lora=b.safetensors:0.8,none", BASIS, Shelf())
    replacing = read_axis("prompt-sr=cat,dog", BASIS, Shelf())
    prompt = Axis("prompt", (Value("a cat", "a cat"),))
    look = changed(BASIS, [weight, lora], [weight.values[0], lora.values[0]])
    assert look.loras[0] == LoraUse(Path("b.safetensors"), 0.3)
    assert changed(BASIS, [weight, lora], [weight.values[0], lora.values[1]]).bare
    assert changed(BASIS, [replacing, prompt], [replacing.values[1], prompt.values[0]]).prompt.text == "a dog"


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ("wieght=1", None, "there is no axis 'wieght'.*Did you mean"),
        ("weight", None, "no values"),
        ("weight=", None, "no values"),
        ("weight=1,,2", None, "a value is empty"),
        ("weight=99", None, "not between -10 and 10"),
        ("seed=-1", None, "not between 0"),
        ("scheduler=Eular a", None, "Did you mean 'Euler a'"),
        ("weight=1", "LoRA weight=2", "both 'weight'"),
        ("checkpoint=none", "lora=none", "both choose the LoRA"),
        ("checkpoint=nowhere", None, "no LoRA file or run 'nowhere'"),
    ],
)
def test_what_cannot_be_an_axis_is_told(x, y, said):
    with pytest.raises(UserError) as caught:
        read_axes((x, y), BASIS, Shelf(()))
    assert re.search(said, f"{caught.value.message} {caught.value.hint}", re.DOTALL)


def test_the_faults_of_both_axes_are_told_at_once():
    with pytest.raises(UserError, match=r"(?s)--x wieght=1.*--y seed=x"):
        read_axes(("wieght=1", "seed=x"), BASIS, Shelf())


def test_an_axis_that_has_nothing_to_change_is_refused():
    with pytest.raises(UserError, match="no LoRA whose weight"):
        looks("weight=1", Look(Prompt("x")))
    with pytest.raises(UserError, match="'dog' is neither in the prompt"):
        looks("prompt-sr=dog,cat")
