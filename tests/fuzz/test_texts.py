"""Readers of text: prompts, tags, parameters, captions, a trainer's output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
import toml
from hypothesis import given
from hypothesis import strategies as st

from dataset_tools.captioning.captions import swap_sides
from dataset_tools.errors import Problems, UserError
from dataset_tools.manifests.safety import refuse_prompt
from tests.fuzz.mutated import spliced, tries
from tests.fuzz.reading import told
from wrapper.diffusion.pictures.infotext import Infotext, parse_infotext, write_infotext
from wrapper.diffusion.pipelines.schedulers import sampler_fields
from wrapper.diffusion.prompts.attention import literal, parse
from wrapper.diffusion.prompts.editing import check_prompt
from wrapper.diffusion.prompts.lora_tags import read_tags
from wrapper.diffusion.prompts.prompt_line import read_line
from wrapper.launch.endings.explain import explain
from wrapper.project.load import parse_override
from wrapper.runs.events import parse as parse_event
from wrapper.toml_text import to_toml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROMPTS = (
    r"a (portrait:1.2) of [my face] \( ear \) BREAK ((soft)) light, [a:b:0.5] {x|y} AND z",
    "<lora:face:0.8:1.0> <lora:a:te=0.5:unet=1> <lora:x> <hypernet:y:1> <lora:",
    "(((( )))) [[[[ ]]]] :1.5) (a:1e9) (b:-1) (c:nan) \\",
)
OUTPUT = (
    "steps:  12%|█▏ | 12/100 [00:05<00:40,  2.2it/s, avr_loss=0.123] \r"
    " steps: 100%|##| 7/7 [1:00<?, loss=nan]",
    "Traceback (most recent call last): RuntimeError: CUDA out of memory. No data found. returned non-zero",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB Process 99 has 3 GiB memory",
)


class Reader(NamedTuple):
    """What reads a text, and whole texts of that kind."""

    read: Callable[[str], Any]
    seeds: tuple[str, ...]


def line_of_a_file(text: str) -> None:
    problems = Problems()
    read_line(text, "line 1", problems)
    problems.raise_if_any()


READERS = {
    "attention": Reader(parse, PROMPTS),
    "prompt editing": Reader(check_prompt, PROMPTS),
    "LoRA tags": Reader(read_tags, PROMPTS),
    "who a prompt asks for": Reader(
        refuse_prompt, (*PROMPTS, "a 15 year old girl, s1xteen, te en, 30-year-old")
    ),
    "a line of a prompt file": Reader(
        line_of_a_file, ("a portrait --n wax --w 512 --h 64 --d 1 --s 2 --l 3.5 --zz --",)
    ),
    "parameters": Reader(
        parse_infotext, ('a\nNegative prompt: b\nSteps: 2, Sampler: "x, y", Seed: 3, Size: 1x1',)
    ),
    "a sampler": Reader(sampler_fields, ("DPM++ 2M SDE Karras", "Euler a", "dpmpp_2m exponential")),
    "--set": Reader(parse_override, ("stage_a.kohya.learning_rate=1e-4", "x=[1, 'a']", "=", "a.b.c")),
    "left and right": Reader(swap_sides, ("the left ear, LEFT-handed, right side, copyright",)),
    "a line of output": Reader(parse_event, OUTPUT),
    "the end of a run": Reader(lambda text: explain(text.split("\r"), 1), OUTPUT),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_reader_answers_or_names_the_fault(kind: str):
    reader = READERS[kind]

    @tries(150)
    @given(spliced(reader.seeds))
    def answered(text: str) -> None:
        told(partial(reader.read, text))

    answered()


@tries(200)
@given(spliced(PROMPTS))
def test_a_literal_prompt_weighs_nothing(text: str):
    assert all(piece.weight == 1.0 for chunk in parse(literal(text)) for piece in chunk)


@tries(200)
@given(
    spliced(PROMPTS),
    spliced(PROMPTS),
    st.dictionaries(st.from_regex(r"[A-Z][a-z]{1,8}", fullmatch=True), st.text(max_size=9)),
)
def test_parameters_come_back(prompt: str, negative: str, fields: dict[str, str]):
    wanted = {"Steps": "20", "Sampler": "Euler a", "Seed": "3"} | fields
    try:
        text = write_infotext(Infotext(prompt, negative, wanted))
    except UserError:
        return
    found = parse_infotext(text)
    assert write_infotext(found) == text
    assert dict(found.fields) == {key: value for key, value in wanted.items() if value}


@tries(300)
@given(
    st.recursive(
        st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
        lambda inner: st.lists(inner, max_size=4),
    )
)
def test_a_value_cannot_become_another_line_of_toml(value: Any):
    """What is written parses as this one value, or is refused.

    toml 0.10.2 errs on some lists of texts; a rendered file is read by both before it is used.
    """
    try:
        text = to_toml(value)
    except UserError:
        return
    assert tomllib.loads(f"key = {text}") == {"key": value}
    if not isinstance(value, list):
        assert toml.loads(f"key = {text}") == {"key": value}
