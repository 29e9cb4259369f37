"""The plan: tables, cells that are shared, their order and their names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.comparison.axes import read_axes
from wrapper.comparison.look import Look
from wrapper.comparison.names import named, slug
from wrapper.comparison.plan import make_plan, rescalings, swaps
from wrapper.comparison.shelf import Shelf
from wrapper.comparison.tables import Shown, wished_tables
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.lora.apply import LoraUse

FACE = LoraUse(Path("my face.safetensors"), 0.8)
BASIS = Look(Prompt(""), loras=(FACE,))


def plan(x=None, y=None, prompts=("a woman",), seeds=(1,), basis=BASIS, folders=()):
    axes = read_axes((x, y), basis, Shelf())
    return make_plan(wished_tables(basis, Shown(prompts, seeds, "waxy"), axes), folders)


def shape(grid):
    return len(grid.names), len(grid.names[0])


def test_without_axes_every_prompt_and_seed_is_drawn_before_and_after():
    made = plan(prompts=("a woman", "a man"), seeds=(1, 2))
    (grid,) = made.grids
    assert [value.label for value in grid.x.values] == ["base alone", "my face, weight 0.8"]
    assert [value.label for value in grid.y.values][:2] == ["a woman · seed 1", "a woman · seed 2"]
    assert [made.cells[name].loras for name in grid.names[0]] == [(), (FACE,)]
    assert [made.cells[row[0]].prompt for row in grid.names] == [
        Prompt(text, "waxy", seed) for text in ("a woman", "a man") for seed in (1, 2)
    ]


def test_one_axis_has_a_row_for_each_prompt_and_seed():
    (grid,) = plan("weight=0.7-1.0 [4]", seeds=(1, 2)).grids
    assert shape(grid) == (2, 4)


def test_two_axes_have_a_table_for_each_prompt_and_seed():
    made = plan("weight=0.7,0.8", "cfg=4,5,6", prompts=("a woman", "a man"))
    assert [(shape(grid), grid.title) for grid in made.grids] == [((3, 2), "a woman"), ((3, 2), "a man")]
    assert len(made.cells) == 12


def test_an_axis_of_seeds_takes_the_place_of_the_seeds():
    made = plan("seed=5,6", seeds=(1, 2))
    assert [look.prompt.seed for look in made.cells.values()] == [5, 6]


def test_lora_files_change_least_then_text_weights_then_prompts():
    made = plan("weight=0.7,0.8", "lora=a.safetensors,none,b.safetensors", prompts=("x", "y"))
    looks = list(made.cells.values())
    assert [(look.files, look.prompt.text, look.loras[0].weight) for look in looks if look.loras] == [
        ((Path(f"{name}.safetensors"),), text, weight)
        for name in "ab"
        for weight in (0.7, 0.8)
        for text in "xy"
    ]
    assert not looks[0].loras  # the base alone comes before any LoRA is put in
    assert (swaps(looks), rescalings(looks)) == (2, 2)


def test_equal_looks_are_one_cell():
    made = plan("weight=0.7,0.8", "lora=none,a.safetensors")
    assert len(made.cells) == 3
    assert made.grids[0].names[0][0] == made.grids[0].names[0][1]


def test_tags_in_the_prompt_are_loras_and_the_base_alone_has_none(tmp_path):
    (tmp_path / "ear.safetensors").touch()
    made = plan(prompts=("a woman <lora:ear:0.5>",), basis=replace(BASIS, loras=()), folders=[tmp_path])
    before, after = (made.cells[name] for name in made.grids[0].names[0])
    assert (before.loras, before.prompt.text) == ((), "a woman")
    assert (after.files, after.loras[0].weight, after.prompt.text) == (
        (tmp_path / "ear.safetensors",),
        0.5,
        "a woman",
    )


def test_nothing_to_compare_is_told():
    with pytest.raises(UserError, match="nothing to compare"):
        plan(basis=Look(Prompt("")))


def test_names_tell_what_differs():
    made = plan("weight=0.7,0.8", "prompt-sr=woman,old man", prompts=("a woman",))
    assert set(made.cells) == {f"{who}_weight-{w}" for who in ("woman", "old-man") for w in (0.7, 0.8)}


def test_names_that_come_out_equal_are_told_apart_the_same_way_each_time():
    one, other = Look(Prompt("a/b")), Look(Prompt("a b"))
    names = named({one: ["a/b"], other: ["a b"]})
    assert len(set(names.values())) == 2
    assert all(name.startswith("a-b_") for name in names.values())
    assert names == named({other: ["a b"], one: ["a/b"]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a woman, seed 1", "a-woman-seed-1"),
        ("Ухо 🙂 №1", "Ухо-1"),
        ("..\\..", ""),
        ("weight -1", "weight--1"),
    ],
)
def test_slugs(text, expected):
    assert slug(text) == expected


def test_slugs_are_short_in_bytes():
    assert len(slug("я" * 500).encode()) <= 60
