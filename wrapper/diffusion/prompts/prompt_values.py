"""What a prompt of sd-scripts can ask for besides its text: names, types and ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dataset_tools.errors import Problems
from wrapper.diffusion.pipelines.sides import MOST_SIDE_PX, SIDE_STEP, is_side

Values = dict[str, Any]
"""Our names (``text``, ``negative``, ``width``, …) and what was said."""

MOST_STEPS = 1000
SEEDS = 2**32


class Key(NamedTuple):
    """Our name of a value, how a text becomes it, what is right, and how to say so."""

    name: str
    kind: Callable[[str], Any]
    right: Callable[[Any], bool]
    wanted: str


_SIDE_WANTED = f"a number of pixels that is a multiple of {SIDE_STEP}, at most {MOST_SIDE_PX}"
KEYS: Mapping[str, Key] = {
    "prompt": Key("text", str, lambda _: True, "a text"),
    "negative_prompt": Key("negative", str, lambda _: True, "a text"),
    "width": Key("width", int, is_side, _SIDE_WANTED),
    "height": Key("height", int, is_side, _SIDE_WANTED),
    "seed": Key("seed", int, lambda seed: 0 <= seed < SEEDS, f"a whole number from 0 to {SEEDS - 1}"),
    "sample_steps": Key("steps", int, lambda n: 1 <= n <= MOST_STEPS, f"a number from 1 to {MOST_STEPS}"),
    "scale": Key("cfg", float, lambda scale: 0 <= scale <= 50, "a number from 0 to 50"),
    "sample_sampler": Key("sampler", str, bool, "the name of a sampler"),
}
"""By the names of sd-scripts' TOML and JSON."""

REFUSED: Mapping[str, str] = {
    "guidance_scale": "it is FLUX's guidance; SD 1.5 and SDXL have scale (--l)",
    "controlnet_image": "give control images as options",
    "cfg_trunc_ratio": "it is for Lumina",
    "renorm_cfg": "it is for Lumina",
    "flow_shift": "it is for models of flow matching",
}


def read_values(given: Mapping[str, Any], where: str, problems: Problems) -> Values:
    """Values by our names; what is no number or out of range goes into ``problems``."""
    values: Values = {}
    for name, value in given.items():
        key = KEYS[name]
        if _is(value, key.kind) and key.right(value):
            values[key.name] = key.kind(value)
        else:
            problems.add(where, f"{name} = {value!r} is not {key.wanted}.")
    return values


def _is(value: Any, kind: Callable[[str], Any]) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and not isinstance(value, bool)  # type: ignore[arg-type]
