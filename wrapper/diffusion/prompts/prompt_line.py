"""One line of a prompt file: ``a portrait --n blurry --w 512 --h 768 --d 1 --s 40 --l 5``."""

from __future__ import annotations

from collections.abc import Mapping

from dataset_tools.errors import Problems
from wrapper.diffusion.prompts.prompt_values import KEYS, REFUSED, Values, read_values

FLAGS: Mapping[str, str] = {
    "n": "negative_prompt",
    "w": "width",
    "h": "height",
    "d": "seed",
    "s": "sample_steps",
    "l": "scale",
    "ss": "sample_sampler",
}
"""sd-scripts v0.10.1: ``line_to_prompt_dict``, and ``gen_img.py`` for those that the two have in common."""

_REFUSED_FLAGS: Mapping[str, str] = {
    "g": REFUSED["guidance_scale"],
    "cn": REFUSED["controlnet_image"],
    "ctr": REFUSED["cfg_trunc_ratio"],
    "rcfg": REFUSED["renorm_cfg"],
    "fs": REFUSED["flow_shift"],
    "nl": "there is one scale for both prompts",
    "t": "strength is for inpainting",
    "c": "there is one text for both of SDXL's encoders",
    "am": "write the weight behind the LoRA, <lora:NAME:0.8>",
    "f": "pictures get their names from the program",
    **dict.fromkeys(("ow", "oh", "nw", "nh", "ct", "cl"), "SDXL is told the picture's own size"),
    **dict.fromkeys(("dsd1", "dst1", "dsd2", "dst2", "dsr"), "deep shrink is gen_img.py's own"),
    **dict.fromkeys(("glt", "glr", "gle", "gls", "glsn", "glus"), "gradual latents are gen_img.py's own"),
}


def read_line(line: str, where: str, problems: Problems) -> Values:
    """The values of a line. sd-scripts drops what it doesn't know or can't read; here that is a fault."""
    text, *parts = f" {line}".split(" --")
    given: dict[str, object] = {"prompt": text.strip()}
    for part in parts:
        flag, _, value = part.strip().partition(" ")
        name = FLAGS.get(flag.lower())
        if flag.lower() in _REFUSED_FLAGS:
            problems.add(where, f"'--{flag}' cannot be followed: {_REFUSED_FLAGS[flag.lower()]}.")
        elif name is None:
            known = ", ".join(f"--{known}" for known in FLAGS)
            problems.add(where, f"there is no '--{flag}'.", f"Known: {known}.")
        elif name in given:
            problems.add(where, f"'--{flag}' stands there twice.")
        else:
            given[name] = _number_or_text(value.strip(), name)
    return read_values(given, where, problems)


def _number_or_text(value: str, name: str) -> object:
    try:
        return KEYS[name].kind(value)
    except ValueError:
        return value
