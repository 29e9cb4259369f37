"""All kinds of axis, under the names that A1111's X/Y/Z plot gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dataset_tools.errors import UserError
from wrapper.comparison.kind import Kind, Value
from wrapper.comparison.look import Look
from wrapper.comparison.lora_kinds import read_checkpoints, read_loras, take_all, take_lora, take_weight
from wrapper.comparison.shelf import Shelf
from wrapper.diffusion.pipelines.schedulers import find_sampler
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.value_lists import numbers

MAX_SEED = 2**32 - 1
MAX_STEPS = 1000
MAX_CFG = 50
MAX_WEIGHT = 10


def _reader(label: str, least: float, most: float, *, whole: bool = False) -> Callable[..., list[Value]]:
    """A reader of numbers and ranges between two limits; ``label`` has a place for the number."""

    def read(fields: Sequence[str], _basis: Look, _shelf: Shelf) -> list[Value]:
        found = [number for field in fields for number in numbers(field, whole=whole)]
        for number in found:
            if not least <= number <= most:
                raise UserError(f"{number} is not between {least} and {most}.")
        values = [int(number) if whole else float(number) for number in found]
        return [Value(value, label.format(value if whole else f"{value:g}")) for value in values]

    return read


def _texts(fields: Sequence[str], _basis: Look, _shelf: Shelf) -> list[Value]:
    return [Value(text, text) for text in fields]


def _samplers(fields: Sequence[str], _basis: Look, _shelf: Shelf) -> list[Value]:
    for name in fields:
        find_sampler(name)
    return [Value(name, name) for name in fields]


def _replacements(fields: Sequence[str], _basis: Look, _shelf: Shelf) -> list[Value]:
    """The first value is searched for in the prompts, and each one takes its place."""
    return [Value((fields[0], text), text) for text in fields]


def _replace(look: Look, pair: tuple[str, str]) -> Look:
    prompt = look.prompt
    if pair[0] not in prompt.text and pair[0] not in prompt.negative:
        raise UserError(f"Prompt S/R: '{pair[0]}' is neither in the prompt nor in the negative prompt.")
    texts = {"text": prompt.text.replace(*pair), "negative": prompt.negative.replace(*pair)}
    return replace(look, prompt=replace(prompt, **texts))


def _prompt(key: str) -> Callable[[Look, Any], Look]:
    return lambda look, value: replace(look, prompt=replace(look.prompt, **{key: value}))


def _sampling(key: str) -> Callable[[Look, Any], Look]:
    return lambda look, value: replace(look, sampling=replace(look.sampling, **{key: value}))


def _shot(look: Look, prompt: Prompt) -> Look:
    return replace(look, prompt=prompt)


def _unreadable(_fields: Sequence[str], _basis: Look, _shelf: Shelf) -> list[Value]:
    raise AssertionError("no axis is asked for by this name")


KINDS: Mapping[str, Kind] = {
    "weight": Kind(
        "LoRA weight", 4, _reader("weight {}", -MAX_WEIGHT, MAX_WEIGHT), take_weight, "weight=0.7,0.8,0.9,1.0"
    ),
    "checkpoint": Kind(
        "LoRA checkpoint", 3, read_checkpoints, take_lora, "checkpoint=all", ("checkpoint name", "epoch")
    ),
    "lora": Kind("LoRA", 3, read_loras, take_lora, "lora=none,face.safetensors"),
    "prompt": Kind("Prompt", 0, _texts, _prompt("text"), 'prompt="a woman, smiling","a man"'),
    "prompt-sr": Kind("Prompt S/R", 2, _replacements, _replace, "prompt-sr=woman,man", ("prompt s/r", "s/r")),
    "seed": Kind("Seed", 1, _reader("seed {}", 0, MAX_SEED, whole=True), _prompt("seed"), "seed=1-4"),
    "scheduler": Kind("Sampler", 5, _samplers, _sampling("sampler"), "scheduler=Euler a,DDIM"),
    "cfg": Kind("CFG Scale", 5, _reader("CFG {}", 0, MAX_CFG), _sampling("cfg"), "cfg=4.5,5,5.5"),
    "steps": Kind(
        "Steps", 5, _reader("{} steps", 1, MAX_STEPS, whole=True), _sampling("steps"), "steps=20,40"
    ),
    "clip-skip": Kind(
        "Clip skip", 5, _reader("CLIP skip {}", 1, 12, whole=True), _sampling("clip_skip"), "clip-skip=1,2"
    ),
    "strength": Kind(
        "Denoising", 5, _reader("strength {}", 0, 1), _sampling("strength"), "strength=0.35-0.55 (+0.1)"
    ),
}
"""What --x and --y can name."""

SHOT, WITHOUT_AND_WITH = "shot", "pair"
OWN_KINDS: Mapping[str, Kind] = {
    SHOT: Kind("Prompt and seed", 0, _unreadable, _shot),
    WITHOUT_AND_WITH: Kind("LoRA", 3, _unreadable, take_all),
}
"""Axes that are made of what --prompt, --seed and --lora name."""
