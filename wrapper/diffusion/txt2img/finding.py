"""The models that a picture was drawn with, found again: by hash where it tells one, else by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import Problems, UserError
from dataset_tools.system.left_by_systems import visible
from wrapper.diffusion.conditions.conditions import Conditions, condition_fields
from wrapper.diffusion.pictures.describe import model_name, tag_name
from wrapper.diffusion.pictures.model_hash import base_hash, lora_hash, used_before
from wrapper.diffusion.prompts.lora_tags import parse_lora_argument
from wrapper.diffusion.txt2img.recall import Recalled
from wrapper.diffusion.txt2img.shot import CONDITIONS_HASH, conditions_hash

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse

ANYWAY = "--other-models draws with it all the same; the picture will be another."
AUTOV2_DIGITS = 10


def find_base(recalled: Recalled) -> str:
    """Where the picture's base lies on this machine, when it was used here before. Raises `UserError`."""
    for path in used_before(recalled.base_hash):
        return str(path)
    name = f"'{recalled.base_name}' ({recalled.base_hash})" if recalled.base_hash else "that it does not name"
    raise UserError(
        f"{recalled.path}: its base model {name} was not used here before.", "Give it with --base."
    )


def check_base(recalled: Recalled, info: BaseInfo) -> str:
    """Raise `UserError` for another base than the picture's; a note where that cannot be told, else empty."""
    wanted = recalled.base_hash
    if not wanted or (not recalled.made_here and not info.single_file):
        return f"whether {model_name(info)} is its base model '{recalled.base_name}' cannot be told"
    if base_hash(info.path) == wanted:
        return ""
    raise UserError(
        f"{recalled.path}: was drawn with the base '{recalled.base_name}' ({wanted}), "
        f"{info.path} is another one ({base_hash(info.path)}).",
        ANYWAY,
    )


def find_loras(
    recalled: Recalled, given: Sequence[str], folders: Sequence[Path], *, others: bool = False
) -> tuple[LoraUse, ...]:
    """The LoRAs of the picture's tags, looked for among ``given`` files and in ``folders``.

    Weights are the tags'. With ``others``, files that are not the picture's serve in the place of those of
    their names, and are added otherwise, with their own weights. Raises one `UserError`.
    """
    left = {use.path: use for use in map(parse_lora_argument, given)}
    problems, uses, hashes = Problems(), [], list(recalled.lora_hashes)
    for use in recalled.loras:
        name = str(use.path)
        digest = _take_hash(name, hashes)
        path = _find(name, digest, list(left), folders)
        path = path or (_of_name(name, list(left), folders) if others else None)
        if path is None:
            problems.add(recalled.path, _missing(name, digest, list(left), folders), ANYWAY)
        else:
            left.pop(path, None)
            uses.append(replace(use, path=path))
    for path in () if others or problems.found else left:
        problems.add(path, f"is not a LoRA of {recalled.path}.", ANYWAY)
    problems.raise_if_any()
    return (*uses, *left.values())


def _take_hash(name: str, hashes: list[tuple[str, str]]) -> str:
    """The first hash that is left for ``name``: two files may have one name."""
    for place, (known, digest) in enumerate(hashes):
        if known == name:
            del hashes[place]
            return digest
    return ""


def _find(name: str, digest: str, given: Sequence[Path], folders: Sequence[Path]) -> Path | None:
    """The file of that hash; without a hash, of that name."""
    if not digest:
        return _of_name(name, given, folders)
    same = (path for path in _candidates(name, given, folders) if _has_hash(path, digest))
    return next(same, next(used_before(digest), None))


def _of_name(name: str, given: Sequence[Path], folders: Sequence[Path]) -> Path | None:
    return next((path for path in _candidates(name, given, folders) if tag_name(path) == name), None)


def _candidates(name: str, given: Sequence[Path], folders: Sequence[Path]) -> Iterator[Path]:
    """Given files, then files of that name, then all others: to be hashed only when nothing else fits."""
    yield from (path for path in given if path.is_file())
    files = [path for folder in folders for path in sorted(visible(folder.glob("*.safetensors")))]
    yield from sorted(files, key=lambda path: tag_name(path) != name)


def _has_hash(path: Path, digest: str) -> bool:
    """A1111's hash; its AutoV2 is told where a file is no LoRA in safetensors form."""
    from dataset_tools.files import content_hash

    return lora_hash(path) == digest or (len(digest) == AUTOV2_DIGITS and content_hash(path)[:10] == digest)


def _missing(name: str, digest: str, given: Sequence[Path], folders: Sequence[Path]) -> str:
    same = _of_name(name, given, folders)
    if same:
        return f"was drawn with a LoRA '{name}' ({digest}), {same} is another one ({lora_hash(same)})."
    looked = ", ".join(str(folder) for folder in folders)
    return f"its LoRA '{name}'{f' ({digest})' if digest else ''} is not in {looked}."


def check_conditions_again(recalled: Recalled, conditions: Conditions) -> None:
    """Raise `UserError` for control images or IP-Adapters that a picture of ours had and are not given."""
    if not recalled.made_here:
        return
    told, given = dict(recalled.conditions), condition_fields(conditions)
    if conditions:
        given[CONDITIONS_HASH] = conditions_hash(conditions)
    for name in sorted(told.keys() | given.keys()):
        if told.get(name) != given.get(name):
            was = told.get(name) or "nothing"
            raise UserError(
                f"{recalled.path}: {name} was '{was}', given is '{given.get(name) or 'nothing'}'.",
                f"Give the same --control and --ip-adapter again. {ANYWAY}",
            )
