"""The prompts of ``sample_prompts``, and what each of them repaints.

Lines as in sd-scripts (``a head --n blurry --s 20 --l 7.5 --d 1 --ss euler``), and two more: ``--i picture``
and ``--m mask`` name what is repainted instead of a picture of the training set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inpaint.refusal import RefusedError, refuse_all

_OURS = re.compile(r"\s--([im])\s+(.+?)(?=\s+--\w|$)")
_NAMES = {"i": "image", "m": "mask"}


@dataclass(frozen=True)
class Prompt:
    """``number`` counts from 0. ``image`` and ``mask`` are paths, both None for a training picture."""

    number: int
    text: str
    negative: str = ""
    steps: int = 30
    scale: float = 7.5
    seed: int | None = None
    sampler: str | None = None
    image: str | None = None
    mask: str | None = None


def read_prompts(path: Path, parse_line: Callable[[str], dict[str, Any]]) -> list[Prompt]:
    """The prompts of a ``.txt``, ``.toml`` or ``.json`` file; ``parse_line`` is sd-scripts' own."""
    try:
        tables = _tables(path, parse_line)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RefusedError(f"{path}: sample_prompts cannot be read ({error}).") from error
    if not tables:
        raise RefusedError(f"{path}: there is no sample prompt in it.")
    prompts = [_prompt(number, table) for number, table in enumerate(tables)]
    refuse_all([fault for prompt in prompts if (fault := _fault(prompt, path))])
    return prompts


def _tables(path: Path, parse_line: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        found = json.loads(text)
    elif path.suffix == ".toml":
        import toml

        shared = toml.loads(text)["prompt"]
        found = [{**shared, **subset} for subset in shared["subset"]]
    else:
        found = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [split(entry, parse_line) if isinstance(entry, str) else dict(entry) for entry in found]


def split(line: str, parse_line: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """A line as a table: our two flags are taken out first, because sd-scripts does not know them."""
    ours = {_NAMES[flag]: value.strip() for flag, value in _OURS.findall(line)}
    return {**parse_line(_OURS.sub("", line)), **ours}


def _prompt(number: int, table: Mapping[str, Any]) -> Prompt:
    return Prompt(
        number,
        str(table.get("prompt", "")),
        str(table.get("negative_prompt") or ""),
        int(table.get("sample_steps", 30)),
        float(table.get("scale", 7.5)),
        table.get("seed"),
        table.get("sample_sampler"),
        table.get("image"),
        table.get("mask"),
    )


def _fault(prompt: Prompt, path: Path) -> str:
    if bool(prompt.image) != bool(prompt.mask):
        return f"{path}: '{prompt.text}': give both a picture (--i) and its mask (--m), or neither"
    missing = [name for name in (prompt.image, prompt.mask) if name and not Path(name).is_file()]
    return f"{path}: '{prompt.text}': there is no file {missing[0]}" if missing else ""
