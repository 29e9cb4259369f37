"""Files of prompts as sd-scripts reads them: text with ``--n --w --h …``, TOML, JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.data_text import NotUtf8, bounded_text, from_json
from dataset_tools.errors import Problems, UserError, did_you_mean
from wrapper.diffusion.pipelines.schedulers import sampler_name
from wrapper.diffusion.prompts.editing import check_prompt
from wrapper.diffusion.prompts.prompt_line import read_line
from wrapper.diffusion.prompts.prompt_values import KEYS, REFUSED, Values, read_values
from wrapper.project.load import parse_toml


@dataclass(frozen=True)
class FilePrompt:
    """One prompt of a file, and where it stands there. None is: not said, the caller's own."""

    where: str
    text: str
    negative: str | None = None
    width: int | None = None
    height: int | None = None
    seed: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None


def read_prompts(path: Path) -> list[FilePrompt]:
    """The prompts of a ``.txt``, ``.toml`` or ``.json`` file in their order.

    sd-scripts v0.10.1, ``library/train_util.py``, ``load_prompts``. Raises one `UserError` with every fault
    and its line, also for what sd-scripts passes over in silence.
    """
    problems = Problems()
    found = [_prompt(where, given, problems) for where, given in _entries(path, problems)]
    problems.raise_if_any()
    if not found:
        raise UserError(
            f"{path}: no prompt in it.", "One a line: a portrait --n blurry --w 512 --h 768 --d 1"
        )
    return found


def _entries(path: Path, problems: Problems) -> Iterator[tuple[str, Values]]:
    text = _text(path)
    if path.suffix.lower() == ".toml":
        yield from _tables(path, _toml_tables(path), problems)
    elif path.suffix.lower() == ".json":
        yield from _tables(path, _json_list(path, text), problems)
    else:
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip() and not line.lstrip().startswith("#"):
                where = f"{path}:{number}"
                yield where, read_line(line.strip(), where, problems)


def _tables(path: Path, entries: list[Any], problems: Problems) -> Iterator[tuple[str, Values]]:
    for number, entry in enumerate(entries, start=1):
        where = f"{path}: prompt {number}"
        if isinstance(entry, str):
            yield where, read_line(entry.strip(), where, problems)
        elif isinstance(entry, Mapping):
            yield where, read_values(_known(entry, where, problems), where, problems)
        else:
            problems.add(where, f"is neither a text nor a table, but {entry!r}.")


def _known(entry: Mapping[str, Any], where: str, problems: Problems) -> dict[str, Any]:
    for key in sorted(set(entry) - set(KEYS)):
        if key in REFUSED:
            problems.add(where, f"'{key}' cannot be followed: {REFUSED[key]}.", "Take it out.")
        else:
            hint = did_you_mean(key, KEYS) or f"Known: {', '.join(KEYS)}."
            problems.add(where, f"there is no '{key}'.", hint)
    return {key: value for key, value in entry.items() if key in KEYS}


def _prompt(where: str, given: Values, problems: Problems) -> FilePrompt:
    values: dict[str, Any] = dict(given)
    if not values.get("text"):
        problems.add(where, "the prompt is empty.")
    for name, check in (("text", check_prompt), ("negative", check_prompt), ("sampler", sampler_name)):
        try:
            if values.get(name):
                check(values[name])
        except UserError as error:
            problems.add(where, error.message, error.hint)
            values.pop(name)
    if values.get("sampler"):
        values["sampler"] = sampler_name(values["sampler"])
    return FilePrompt(where, values.pop("text", ""), **values)


def _text(path: Path) -> str:
    try:
        return bounded_text(path, "utf-8-sig")
    except NotUtf8 as error:
        raise UserError(f"{path}: {error}.", "Save the file as UTF-8.") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None


def _toml_tables(path: Path) -> list[Any]:
    """sd-scripts' form: one ``[prompt]`` with what all have in common, and ``[[prompt.subset]]`` for each."""
    prompt = parse_toml(path).get("prompt")
    subsets = prompt.get("subset") if isinstance(prompt, dict) else None
    if not isinstance(subsets, list) or not all(isinstance(subset, dict) for subset in subsets):
        raise UserError(f"{path}: has no [[prompt.subset]].", 'Write [[prompt.subset]] and prompt = "…".')
    common = {key: value for key, value in prompt.items() if key != "subset"}
    return [{**common, **subset} for subset in subsets]


def _json_list(path: Path, text: str) -> list[Any]:
    try:
        entries = from_json(text)
    except ValueError as error:
        raise UserError(f"{path}: not JSON: {error}.") from None
    if not isinstance(entries, list):
        raise UserError(f"{path}: is no list of prompts.", 'Write ["a portrait --w 512", {"prompt": "…"}].')
    return entries
